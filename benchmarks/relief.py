"""Synthetic relief beside SRTM: slopes, hypsometry, spectrum, at 200 m.

    python benchmarks/relief.py [FOLDER]

FOLDER holds SRTM tiles (.hgt, 1201 x 1201); default ../shared/srtm beside the repository.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bradyseism.physics.relief import synthetic_relief
from bradyseism.physics.relief_statistics import relief_statistics
from bradyseism.scenes.analogue import draw_ground

PIXEL = 200.0
ARC_SECONDS_3 = 92.66  # m of latitude


def tile(path: Path) -> NDArray[np.float64]:
    """Elevation (m) of an SRTM3 tile at 200 m; spikes and voids taken from around."""
    raw = np.fromfile(path, ">i2").reshape(1201, 1201)[:1200, :1200].astype(np.float32)
    raw = raw.reshape(600, 2, 600, 2).mean(axis=(1, 3))
    smooth = ndimage.median_filter(raw, 3)
    raw = np.maximum(np.where(np.abs(raw - smooth) > 150, smooth, raw), 0.0)
    down = 2 * ARC_SECONDS_3
    right = down * np.cos(np.radians(int(path.stem[1:3]) + 0.5))
    at = np.meshgrid(
        np.arange(0, 599 * down, PIXEL) / down,
        np.arange(0, 599 * right, PIXEL) / right,
        indexing="ij",
    )
    return ndimage.map_coordinates(raw, at, order=1).astype(np.float64)


def table(reliefs: list[tuple[str, NDArray[np.float64]]]) -> NDArray[np.float64]:
    """One row of statistics for each relief; prints them."""
    rows = []
    for name, elevation in reliefs:
        found = asdict(relief_statistics(elevation, PIXEL, elevation > 0))
        rows.append(list(found.values()))
        print(f"{name:<14}" + " ".join(f"{value:9.2f}" for value in rows[-1]))
    print(
        f"{'10-50-90 %':<14}"
        + " ".join(
            "/".join(f"{q:.3g}" for q in np.quantile(column, (0.1, 0.5, 0.9)))
            for column in np.transpose(rows)
        )
    )
    return np.array(rows)


def main() -> None:
    """Print both tables and the time that a relief takes."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "srtm"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    print(
        "deviation, hypsometric integral, slope 50/90/99 %, flat, spectrum broad/fine, correlation"
    )
    table([(path.stem, tile(path)) for path in sorted(folder.glob("*.hgt"))])
    table([(f"place {index}", draw_ground(index).elevation) for index in range(24)])
    for side in (64, 256, 512):
        spent = []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            start = time.process_time()
            synthetic_relief((side, side), PIXEL, rng)
            spent.append(time.process_time() - start)
        print(f"{side} x {side} px: {1e3 * np.median(spent):.1f} ms on one core")


if __name__ == "__main__":
    main()
