"""Analogue frames beside real maps in numbers; or freeze the version that the code makes.

    python benchmarks/analogue.py [FIELD] [--noise-level sill]
    python benchmarks/analogue.py --freeze

FIELD holds the real maps with truth.csv; default ../shared/field beside the repository. Windows
are 51.2 km, at wavelengths above 2 km, normalised by their own median and MAD, so that what is
compared is shape. `--freeze` makes every frame and background map, and writes the fingerprints to
src/bradyseism/scenes/analogue_frozen.json: change the version there first if one was published.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy import ndimage, stats

from bradyseism.evaluation.truth import read_truth
from bradyseism.maps.resampling import resample
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import NoiseReading
from bradyseism.physics.spectrum import spectral_slope
from bradyseism.physics.terrain import steepness
from bradyseism.physics.variogram import empirical_variogram
from bradyseism.scenes import analogue_frozen
from bradyseism.scenes.analogue import FRAMES, analogue_frame, fingerprint
from bradyseism.scenes.analogue_background import BACKGROUNDS, analogue_background
from bradyseism.workflows.analogue import combined_hash

REPOSITORY = Path(__file__).resolve().parents[1]
WINDOW = 51.2e3  # m
SHORTEST = 2e3  # m, wavelength
LEAST_VALID = 0.4
COLUMNS = (
    *("MAD mm/yr", "g 2/20 km", "g 5/20 km", "g 10/20 km", "kurtosis", "q 1 %", "q 99 %"),
    *("spectrum", "r height", "r slope"),
)


def smoothed(velocity: NDArray[np.float64], pixel: float) -> NDArray[np.float64]:
    """Velocity without wavelengths under 2 km (half the amplitude there), NaN missing."""
    # A Gaussian of deviation s halves the wavelength 2 pi s / sqrt(2 ln 2).
    deviation = SHORTEST * np.sqrt(2 * np.log(2)) / (2 * np.pi) / pixel
    known = np.isfinite(velocity)
    weight = ndimage.gaussian_filter(known.astype(float), deviation)
    total = ndimage.gaussian_filter(np.where(known, velocity, 0.0), deviation)
    return np.where(known & (weight > 0.3), total / np.maximum(weight, 1e-6), np.nan)


def numbers(
    velocity: NDArray[np.float64], pixel: float, elevation: NDArray[np.float64] | None
) -> list[float]:
    """Values of `COLUMNS` for one window; correlations are of ranks, NaN without a DEM."""
    smooth = smoothed(velocity, pixel)
    known = np.isfinite(smooth)
    middle = np.median(smooth[known])
    mad = stats.median_abs_deviation(smooth[known], scale="normal")
    shape = (smooth - middle) / mad
    values = shape[known]
    variogram = empirical_variogram(shape, pixel, longest_lag=20e3)
    rise = np.interp([2e3, 5e3, 10e3, 20e3], variogram.lag, variogram.semivariance)
    heights = slopes = np.nan
    if elevation is not None:
        both = known & np.isfinite(elevation)
        steep = steepness(np.where(np.isfinite(elevation), elevation, 0.0), pixel)
        heights = stats.spearmanr(shape[both], elevation[both])[0]
        slopes = stats.spearmanr(np.abs(shape[both]), steep[both])[0]
    spectrum = spectral_slope(shape, pixel, max(SHORTEST, 2.1 * pixel), 20e3)
    quantiles = np.quantile(values, (0.01, 0.99))
    return [1e3 * mad, *rise[:3] / rise[3], stats.kurtosis(values), *quantiles, spectrum, heights,
            slopes]  # fmt: skip


def windows(
    velocity_map: VelocityMap, elevation: NDArray[np.float64] | None = None
) -> list[list[float]]:
    """Numbers of the windows of a map that are full enough; of the whole map if it is small."""
    pixel = velocity_map.grid.pixel_size
    rows, columns = velocity_map.grid.shape
    side = min(round(WINDOW / pixel), rows, columns)
    found = []
    for row in range(0, rows - side + 1, side):
        for column in range(0, columns - side + 1, side):
            cut = (slice(row, row + side), slice(column, column + side))
            part = velocity_map.velocity[cut].astype(np.float64)
            if np.isfinite(part).mean() >= LEAST_VALID:
                ground = None if elevation is None else elevation[cut]
                found.append(numbers(part, pixel, ground))
    return found


def height_beside(path: Path, grid: Grid) -> NDArray[np.float64] | None:
    """Elevation on a grid from a dem.tif in the folder of the map, if there is one."""
    dem = (path if path.is_dir() else path.parent) / "dem.tif"
    if not dem.exists():
        return None
    with rasterio.open(dem) as data:
        inverse = ~data.transform
        (height,) = resample(
            [data.read(1).astype(np.float32)],
            grid.shape,
            lambda row, column: tuple(
                np.asarray(part) - 0.5
                for part in (inverse * grid.longitude_latitude(row, column))[::-1]
            ),
        )
    return np.asarray(height, dtype=np.float64)


def show(name: str, found: list[list[float]]) -> None:
    """One line of quantiles of each column."""
    if not found:
        return
    cells = []
    for column in np.transpose(found):
        low, middle, high = (
            np.nanquantile(column, (0.1, 0.5, 0.9)) if np.isfinite(column).any() else (np.nan,) * 3
        )
        cells.append("n/a" if np.isnan(middle) else f"{middle:.2f} ({low:.2f} to {high:.2f})")
    print(f"| {name} | {len(found)} | " + " | ".join(cells) + " |")


def compare(field: Path, noise_level: NoiseReading) -> None:
    """Print the table: medians, in parentheses the 10 and 90 % quantiles over windows."""
    print("| maps | windows | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for row in read_truth(field / "truth.csv"):
        try:
            velocity_map = row.open()
        except ValueError as error:
            print(f"{row.map}: refused, {' '.join(str(error).split())[:70]}", file=sys.stderr)
            continue
        local = velocity_map.resampled(
            velocity_map.grid.local(max(200.0, round(velocity_map.grid.pixel_size, 0)))
        )
        if min(local.grid.shape) * local.grid.pixel_size < 41e3:
            print(f"{row.map}: too small for lags of 20 km", file=sys.stderr)
            continue
        show(f"{row.map}, {'volcanic' if row.volcanic else 'quiet'}",
             windows(local, height_beside(row.path, local.grid)))  # fmt: skip
    kinds: dict[str, list[list[float]]] = {"quiet": [], "deforming": []}
    for number in range(len(FRAMES)):
        frame = analogue_frame(number, noise_level)
        kinds["deforming" if frame.peak else "quiet"] += windows(frame.map, frame.ground.elevation)
    for kind, found in kinds.items():
        show(f"analogue frames, {kind}", found)
    background = []
    for number in range(0, BACKGROUNDS, 6):
        made = analogue_background(number, noise_level)
        background += windows(made.map, made.elevation)
    show("analogue background (every sixth map)", background)


def _print_of(job: tuple[str, int]) -> tuple[str, str]:
    kind, number = job
    made = analogue_frame(number) if kind == "frame" else analogue_background(number)
    return made.map.name, fingerprint(made.map)


def freeze(processes: int) -> None:
    """Write the fingerprints of what the code makes now."""
    jobs = [("frame", n) for n in range(len(FRAMES))]
    jobs += [("background", n) for n in range(BACKGROUNDS)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        prints = dict(pool.map(_print_of, jobs))
    path = REPOSITORY / "src" / "bradyseism" / "scenes" / analogue_frozen.FROZEN
    content = {
        "version": analogue_frozen.VERSION,
        "seed": analogue_frozen.SEED,
        "sha256": combined_hash(prints),
        "fingerprints": prints,
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"version {analogue_frozen.VERSION}: SHA-256 {combined_hash(prints)}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("field", nargs="?", default=REPOSITORY.parent / "shared" / "field")
    parser.add_argument("--noise-level", choices=("peak", "sill"), default="peak")
    parser.add_argument("--freeze", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    if chosen.freeze:
        freeze(chosen.processes)
    else:
        compare(Path(chosen.field), chosen.noise_level)


if __name__ == "__main__":
    main()
