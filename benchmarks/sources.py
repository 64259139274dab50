"""How good source estimates and reason codes are, on simulated maps.

    python benchmarks/sources.py intervals --count 10
    python benchmarks/sources.py shapes --count 10
    python benchmarks/sources.py reasons --count 25

intervals
    A Mogi source in turbulence and pixel noise: share of the 95 % intervals that hold the truth,
    median errors, processor seconds; by covariance length, width of the signal, and peak rate over
    the deviation of the turbulence.
shapes
    Other sources: how often a CDM is told, and how far depth and potency are off.
reasons
    Sources and nuisances, one a map, the place being where a detector would look: how often each
    code is the first that is given, with and without elevation. Turbulence of deviation 1, peak
    rates LogU(6, 20).
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from dataclasses import replace

import numpy as np
from scipy import ndimage

from bradyseism.detection.footprint import measure
from bradyseism.detection.reasons import explain_otherwise
from bradyseism.detection.source_fit import SourceEstimate, estimate_source, look_around
from bradyseism.detection.surroundings import Blocks
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.relief import synthetic_relief
from bradyseism.physics.sources import CDM, Mogi
from bradyseism.scenes.nuisances import NUISANCES
from bradyseism.scenes.priors import BodyPrior, LogUniform
from bradyseism.scenes.scenery import Scenery

PIXEL, DEVIATION, YEARS = 200.0, 1e-3, 5.0
WIDTH_OVER_DEPTH = 1.53
LOOKS = (look_vector(-168.0, 39.0), look_vector(-12.0, 39.0))
LOSSES = ("layover and shadow", "vegetation", "snow", "water")


def frame(side: int) -> Grid:
    """Grid of square metric pixels."""
    return Grid.around(30.0, 40.0, (side, side), pixel_size=PIXEL)


def as_map(velocity: np.ndarray, grid: Grid, look: np.ndarray) -> VelocityMap:
    """Map of a velocity (m/yr)."""
    return VelocityMap(velocity.astype(np.float32), grid, YEARS, look.astype(np.float32))


def noise(side: int, length: float, rng: np.random.Generator) -> np.ndarray:
    """Turbulence and pixel noise (m/yr)."""
    field = turbulent_field(ExponentialModel(1.0, length), (side, side), PIXEL, rng)
    return DEVIATION * (field + 0.5 * rng.standard_normal((side, side)))


def place_at(grid: Grid, easting: float, northing: float) -> tuple[float, float]:
    """Longitude and latitude of a point (m from the centre)."""
    half = (grid.shape[0] - 1) / 2
    longitude, latitude = grid.longitude_latitude(half - northing / PIXEL, half + easting / PIXEL)
    return float(longitude), float(latitude)


def timed(
    velocity_map: VelocityMap, place: tuple[float, float], radius: float
) -> tuple[Blocks | None, SourceEstimate | None, float]:
    """Blocks, source and processor seconds."""
    start = time.process_time()
    blocks = look_around(velocity_map, place, radius)
    source = estimate_source([blocks]) if blocks else None
    return blocks, source, time.process_time() - start


def intervals(count: int, seed: int) -> None:
    """Print the table of intervals."""
    grid, rng = frame(256), np.random.default_rng(seed)
    points = np.meshgrid(*grid.eastings_northings())
    print(
        "length km | width km | peak | held: east, north, depth, volume | depth %, volume % | chi2"
    )
    every, seconds = [], []
    for length in (2e3, 5e3, 15e3):
        for width in (3e3, 8e3, 15e3):
            for ratio in (4.0, 10.0, 30.0):
                held, errors, misfits = [], [], []
                for _ in range(count):
                    look = LOOKS[int(rng.integers(2))]
                    truth = Mogi(*rng.uniform(-5e3, 5e3, 2), width / WIDTH_OVER_DEPTH, 1e6)
                    los = project(truth.displacement(*points), look)
                    factor = ratio * DEVIATION / np.abs(los).max() * rng.choice([-1.0, 1.0])
                    velocity_map = as_map(noise(256, length, rng) + factor * los, grid, look)
                    # A detection lies near the source and measures its width roughly.
                    east, north = rng.normal(0.0, 0.15, 2) * width
                    place = place_at(grid, truth.easting + east, truth.northing + north)
                    radius = width / 2 * rng.uniform(0.7, 1.4)
                    _, source, spent = timed(velocity_map, place, radius)
                    fit, expected = source.mogi, (-east, -north, truth.depth, 1e6 * factor)
                    found = fit.easting, fit.northing, fit.depth, fit.strength
                    held.append(
                        [
                            one.low <= is_ <= one.high
                            for one, is_ in zip(found, expected, strict=True)
                        ]
                    )
                    ratios = [
                        abs(math.log(max(one.value / is_, 1e-3)))
                        for one, is_ in zip(found[2:], expected[2:], strict=True)
                    ]
                    errors.append(ratios)
                    misfits.append(fit.chi_square)
                    seconds.append(spent)
                every += held
                share = " ".join(f"{value:.2f}" for value in np.mean(held, axis=0))
                error = " ".join(f"{value:.0f}" for value in 100 * np.expm1(np.median(errors, 0)))
                row = f"{length / 1e3:.0f} | {width / 1e3:.0f} | {ratio:.0f} | {share} | {error}"
                print(f"{row} | {np.mean(misfits):.2f}", flush=True)
    total = " ".join(f"{value:.3f}" for value in np.mean(every, axis=0))
    print(f"all {len(every)}: {total}; processor seconds {np.median(seconds):.2f} median, "
          f"{np.max(seconds):.2f} most")  # fmt: skip


def shapes(count: int, seed: int) -> None:
    """Print the table of shapes."""
    grid, rng = frame(256), np.random.default_rng(seed)
    points = np.meshgrid(*grid.eastings_northings())
    bodies = {
        "mogi": Mogi(0, 0, 5e3, 1e6),
        "sill": CDM.sill(0, 0, 5e3, length=6e3, width=5e3, opening=1.0),
        "dyke": CDM.dyke(0, 0, 5e3, length=6e3, height=4e3, opening=1.0, strike=40.0),
        "pipe": CDM.pipe(0, 0, 5e3, length=5e3, radius=500.0, opening=1.0),
    }
    print("source | peak | CDM told | depth, potency over truth: Mogi | the better one | "
          "CDM intervals that hold depth, potency, peak rate")  # fmt: skip
    for name, body in bodies.items():
        los = project(body.displacement(*points), LOOKS[0])
        row, column = np.unravel_index(np.abs(los).argmax(), los.shape)
        place = place_at(grid, float(points[0][row, column]), float(points[1][row, column]))
        for ratio in (10.0, 30.0):
            factor, held, values = ratio * DEVIATION / np.abs(los).max(), [], []
            truth = body.depth, factor * body.potency, factor * los[row, column]
            for _ in range(count):
                velocity_map = as_map(noise(256, 5e3, rng) + factor * los, grid, LOOKS[0])
                _, source, _ = timed(velocity_map, place, 4e3)
                fits = source.mogi.source, source.best.source
                if source.cdm:
                    found = source.cdm.depth, source.cdm.strength, source.cdm.peak_rate
                    held.append(
                        [x.low <= is_ <= x.high for x, is_ in zip(found, truth, strict=True)]
                    )
                values.append(
                    [part for fit in fits
                     for part in (fit.depth / body.depth, fit.potency / body.potency / factor)]
                )  # fmt: skip
            middle = np.median(values, axis=0)
            hold = ", ".join(str(int(one)) for one in np.sum(held, axis=0)) if held else "-"
            print(f"{name} | {ratio:.0f} | {len(held)} of {count} | {middle[0]:.2f}, "
                  f"{middle[1]:.2f} | {middle[2]:.2f}, {middle[3]:.2f} | {hold}",
                  flush=True)  # fmt: skip


def radius_of(velocity: np.ndarray, row: int, column: int) -> float:
    """Radius (m) as a detection measures it: in 64 pixels, or 128 where it fills them."""
    radius = 0.0
    for factor in (1, 2):
        half = 32 * factor
        padded = np.pad(velocity, half, constant_values=np.nan)
        window = padded[row : row + 2 * half, column : column + 2 * half]
        parts = window.reshape(64, factor, 64, factor)
        known = np.isfinite(parts)
        total = np.where(known, parts, 0.0).sum(axis=(1, 3))
        number = known.sum(axis=(1, 3))
        mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
        radius = measure(mean).radius * PIXEL * factor
        if radius <= 64 * PIXEL * factor / 6:
            break
    return radius


def scene(name: str, side: int, rng: np.random.Generator) -> tuple[Scenery, np.ndarray] | None:
    """Ground, and LOS rate of largest value 1, NaN where lost; None where nothing moves."""
    plains = float(rng.uniform(0.2, 0.6))
    relief = synthetic_relief(
        (side, side), PIXEL, rng, height=float(rng.uniform(150, 400)), plains=plains
    )
    ground = Scenery(relief, PIXEL, LOOKS[int(rng.integers(2))])
    if name == "source":
        body = BodyPrior().draw(LogUniform(3e3, 12e3).draw(rng), rng)
        east, north = rng.uniform(-6e3, 6e3, 2)
        moved = replace(body, easting=float(east), northing=float(north))
        rate = project(moved.displacement(*ground.axes()), ground.look) * rng.choice([-1.0, 1.0])
        return ground, rate / np.abs(rate).max()
    effect = NUISANCES[name].effect(ground, rng)
    seen = np.where(effect.lost, 0.0, effect.velocity)
    if not np.abs(seen).max() > 0.0:
        return None
    return ground, np.where(effect.lost, np.nan, seen / np.abs(seen).max())


def reasons(count: int, seed: int) -> None:
    """Print the table of reasons."""
    side, rng = 192, np.random.default_rng(seed)
    grid, seconds = frame(side), []
    for name in ["source", *(name for name in NUISANCES if name not in LOSSES)]:
        first: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        tried = 0
        for _ in range(4 * count):
            drawn = scene(name, side, rng)
            if drawn is None or tried == count:
                continue
            ground, rate = drawn
            known = np.nan_to_num(rate)
            bulge = np.abs(
                ndimage.gaussian_filter(known, 4.0) - ndimage.gaussian_filter(known, 16.0)
            )
            bulge[:16] = bulge[-16:] = bulge[:, :16] = bulge[:, -16:] = 0.0
            bulge[np.isnan(rate)] = 0.0
            row, column = np.unravel_index(bulge.argmax(), bulge.shape)
            length = LogUniform(2e3, 10e3).draw(rng)
            peak = LogUniform(6.0, 20.0).draw(rng)
            velocity = noise(side, length, rng) + DEVIATION * peak * rate
            velocity_map = as_map(velocity, grid, ground.look)
            radius = radius_of(velocity, int(row), int(column))
            place = tuple(float(part) for part in grid.longitude_latitude(row, column))
            blocks, source, _ = timed(velocity_map, place, radius)
            if blocks is None:
                continue
            tried += 1
            # The map record refuses rates of over 20 m/yr: kilometres pass through it.
            relief = VelocityMap((ground.elevation / 1e3).astype(np.float32), grid, 1.0)
            heights = 1e3 * relief.resampled(blocks.cut.grid).velocity.astype(np.float64)
            heights = np.where(np.isfinite(heights), heights, np.nanmean(heights))
            for with_relief in (True, False):
                start = time.process_time()
                codes = [
                    one.code
                    for one in explain_otherwise(
                        blocks, source, radius, years=YEARS,
                        elevation=heights if with_relief else None,
                    )
                ]  # fmt: skip
                seconds.append(time.process_time() - start)
                first[with_relief][codes[0] if codes else "none"] += 1
        for with_relief, codes in first.items():
            listed = ", ".join(f"{code} {number}" for code, number in codes.most_common())
            print(
                f"{name} | {'relief' if with_relief else 'none'} | {tried} | {listed}", flush=True
            )
    print(f"processor seconds {np.median(seconds):.2f} median, {np.max(seconds):.2f} most")


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["intervals", "shapes", "reasons"])
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    stated = parser.parse_args()
    {"intervals": intervals, "shapes": shapes, "reasons": reasons}[stated.what](
        stated.count, stated.seed
    )


if __name__ == "__main__":
    main()
