"""What a map leaves out: coasts, decorrelated ground, swath edges, coarse and quadtree pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bradyseism.physics.dislocation import compiled
from bradyseism.physics.quantiles import quantile
from bradyseism.physics.terrain import blob, power_law_field
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.shares import check_share

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Gaps:
    """Prior of missing data and of the pixels that a map really has.

    Parameters
    ----------
    decorrelated, coast, edge, holes : float
        Share (0-1) of scenes with frayed decorrelated areas, a coast or island, a straight swath
        or map edge, and compact holes.
    least_valid : float
        Share (0-1) of pixels that always stay valid.
    coarse, quadtree : float
        Share (0-1) of scenes whose true pixels are coarser, or are quadtree cells.
    """

    decorrelated: float = 0.4
    coast: float = 0.15
    edge: float = 0.3
    holes: float = 0.25
    least_valid: float = 0.3
    coarse: float = 0.25
    quadtree: float = 0.1

    def __post_init__(self) -> None:
        check_share(self, *vars(self))

    def draw(self, shape: tuple[int, int], rng: np.random.Generator) -> Mask:
        """Valid mask of one scene, shape (rows, columns), True where there is data."""
        valid = np.ones(shape, dtype=bool)
        if rng.random() < self.decorrelated:
            frayed = power_law_field(shape, rng.uniform(1.0, 3.2), rng)
            share = LogUniform(0.005, 0.6).draw(rng)
            valid &= frayed > quantile(frayed, share)
        if rng.random() < self.coast:
            land = blob(shape, rng.uniform(0.35, 0.9), rng, roughness=rng.uniform(2.6, 3.6))
            valid &= land
        if rng.random() < self.edge:
            valid &= _beyond_edge(shape, rng)
        if rng.random() < self.holes:
            for _ in range(int(rng.integers(1, 4))):
                valid &= ~blob(shape, LogUniform(0.002, 0.06).draw(rng), rng)
        enough = bool(valid.mean() >= self.least_valid)
        return valid if enough else np.ones(shape, dtype=bool)

    def pixelate(
        self, velocity: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Velocity (NaN missing) as a map of coarser pixels or quadtree cells would show it."""
        chance = rng.random()
        if chance < self.quadtree:
            return _quadtree(velocity, float(rng.uniform(0.02, 0.5)))
        if chance < self.quadtree + self.coarse:
            factor = int(rng.choice([2, 3, 4]))
            return _coarsened(velocity, factor, smooth=rng.random() < 0.7)
        return velocity


def _beyond_edge(shape: tuple[int, int], rng: np.random.Generator) -> Mask:
    """Data on one side of one or two straight lines, or inside an upright rectangle."""
    rows, columns = np.indices(shape) / (np.array(shape)[:, None, None] - 1.0) - 0.5
    inside = np.ones(shape, dtype=bool)
    if rng.random() < 0.5:
        low, high = rng.uniform(-0.5, -0.1, 2), rng.uniform(0.1, 0.5, 2)
        centre = rng.uniform(-0.15, 0.15, 2)
        inside &= (rows > low[0] + centre[0]) & (rows < high[0] + centre[0])
        inside &= (columns > low[1] + centre[1]) & (columns < high[1] + centre[1])
        return inside
    for _ in range(int(rng.integers(1, 3))):
        angle = rng.uniform(0, 2 * np.pi)
        inside &= rows * np.cos(angle) + columns * np.sin(angle) < rng.uniform(0.0, 0.5)
    return inside


@compiled
def _block_mean(velocity: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Mean of the valid pixels of each block; NaN where under half of a block is valid."""
    rows, columns = velocity.shape[0] // factor, velocity.shape[1] // factor
    mean = np.empty((rows, columns))
    total, count = np.empty(columns), np.empty(columns, np.int64)
    for row in range(rows):
        total[:] = 0.0
        count[:] = 0
        for line in velocity[row * factor : (row + 1) * factor]:
            for column in range(columns):
                for value in line[column * factor : (column + 1) * factor]:
                    if not math.isnan(value):
                        total[column] += value
                        count[column] += 1
        for column in range(columns):
            enough = 2 * count[column] >= factor**2
            mean[row, column] = total[column] / max(count[column], 1) if enough else math.nan
    return mean


def _coarsened(velocity: NDArray[np.float64], factor: int, *, smooth: bool) -> NDArray[np.float64]:
    coarse = _block_mean(velocity, factor)
    fine = coarse.repeat(factor, axis=0).repeat(factor, axis=1)
    pad = [(0, n - m) for n, m in zip(velocity.shape, fine.shape, strict=True)]
    fine = np.pad(fine, pad, mode="edge")
    if not smooth:
        return fine
    # Bilinear in between, by a mask-aware box filter of the repeated cells.
    valid = np.isfinite(fine)
    total = ndimage.uniform_filter(np.where(valid, fine, 0.0), factor, mode="nearest")
    weight = ndimage.uniform_filter(valid.astype(np.float64), factor, mode="nearest")
    return np.where(valid, total / np.maximum(weight, 1e-6), np.nan)


def _quadtree(velocity: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Cells of 32 to 2 pixels whose spread is under `tolerance` of the scene's spread."""
    limit = tolerance * float(np.nanstd(velocity))
    result = velocity.copy()
    settled = np.zeros(velocity.shape, dtype=bool)
    for size in (32, 16, 8, 4, 2):
        mean = _block_mean(velocity, size)
        square = _block_mean(velocity**2, size)
        calm = np.sqrt(np.maximum(square - mean**2, 0.0)) < (limit if size > 2 else np.inf)
        grow = [(0, n - m * size) for n, m in zip(velocity.shape, mean.shape, strict=True)]
        wide = np.pad(mean.repeat(size, 0).repeat(size, 1), grow, constant_values=np.nan)
        take = np.pad(calm.repeat(size, 0).repeat(size, 1), grow) & ~settled & np.isfinite(wide)
        result[take] = wide[take]
        settled |= take
    return result
