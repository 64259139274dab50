"""Synthetic relief: ranges cut by rivers, plains of sediment between them, volcanic cones.

Arrays are north-up (row 0 is north); elevation in metres; pixel size in metres.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.dislocation import compiled, kernel
from bradyseism.physics.quantiles import quantile
from bradyseism.physics.terrain import power_law_field

FloatArray = NDArray[np.floating[Any]]

_COARSEST = 40  # pixels across the first grid, on which the large rivers find their way
_STEPS = (12, 6, 3)  # of erosion on each grid, from the coarsest
_MARGIN = 8  # pixels around the relief that are cut off: its border drains nowhere
_TIME = 0.25  # of one step, in which unit uplift raises the ground by as much
_PLAIN = 0.001  # slope of plains beside the field that they come from
_DETAIL = 0.02  # roughness of the finest grid


def synthetic_relief(
    shape: tuple[int, int],
    pixel_size: float,
    rng: np.random.Generator,
    *,
    height: float = 600.0,
    plains: float = 0.3,
) -> NDArray[np.float64]:
    """Synthetic relief: rising ranges that rivers cut down to plains of sediment.

    A random field decides what rises and what lies still. Rivers cut by the stream-power law with
    an area exponent of one half, solved implicitly from the mouth upward; valleys found on a
    coarse grid are refined on finer ones. Their floors are filled, and closed basins stay, as on
    high plateaus.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    pixel_size : float
        Pixel size (m).
    rng : numpy.random.Generator
        Source of randomness.
    height : float
        Standard deviation of elevation (m) that mountains 50 km across have; smaller areas have
        less, as self-affine relief with a Hurst exponent of 0.8 does.
    plains : float
        Share (0-1) of the area that does not rise and is nearly flat.

    Returns
    -------
    array of float64, shape (rows, columns)
        Elevation (m), lowest point 0.

    Raises
    ------
    ValueError
        If the share of plains is outside 0-1.

    References
    ----------
    Braun and Willett (2013), Geomorphology 180-181, for the order in which nodes are solved.
    """
    if not 0 <= plains < 1:
        raise ValueError(f"plains {plains:g} is outside 0-1: give the share of flat ground")
    deviation = height * (pixel_size * max(shape) / 50e3) ** 0.8
    doublings = max(1, math.ceil(math.log2(max(shape) / _COARSEST)))
    border = max(2, _MARGIN >> doublings)
    rows, columns = (-(-n // 2**doublings) + 2 * border for n in shape)
    outer_scale = max(rows, columns) * rng.uniform(0.4, 1.0)
    base = power_law_field((rows, columns), rng.uniform(2.4, 3.0), rng, outer_scale=outer_scale)
    above = base - quantile(base, plains)
    strength = rng.uniform(2.0, 6.0)
    elevation = np.zeros_like(above)
    for level in range(doublings):
        if level:
            elevation, above = _doubled(elevation), _doubled(above)
        uplift = _uplift(above)
        rough = 0.07 * 0.6**level * uplift * rng.standard_normal(above.shape)
        plain = _PLAIN * np.minimum(above, 0.0)
        elevation = np.where(above > 0, np.maximum(elevation + rough, plain), plain)
        steps = _STEPS[min(level, len(_STEPS) - 1)]
        elevation = _incised(elevation, uplift, strength, steps)
    elevation = _doubled(_filled(elevation))
    # Outcrops and gullies, finer than the rivers.
    detail = rng.standard_normal(elevation.shape, dtype=np.float32)
    _roughen(elevation, _DETAIL * _uplift(above), detail)
    top, left = ((n - m) // 2 for n, m in zip(elevation.shape, shape, strict=True))
    cut = elevation[top : top + shape[0], left : left + shape[1]]
    cut = cut - cut.min()
    return np.asarray(deviation * cut / max(float(cut.std()), np.finfo(float).tiny))


def add_cone(
    elevation: FloatArray,
    pixel_size: float,
    centre: tuple[float, float],
    *,
    height: float,
    radius: float,
    crater: float = 0.0,
    age: float = 0.0,
    rng: np.random.Generator | None = None,
) -> NDArray[np.float64]:
    """Elevation with a stratovolcano: concave flanks that end at `radius`.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Elevation (m).
    pixel_size : float
        Pixel size (m).
    centre : (float, float)
        Row and column of the summit (fractional).
    height, radius : float
        Height above the ground around and radius of the foot (m).
    crater : float
        Radius of the rim (m); inside it the floor sinks as deep below the rim as a third of that.
    age : float
        From 0, fresh and round, to 1, cut by deep radial valleys.
    rng : numpy.random.Generator, optional
        Where the valleys of an old cone lie; needed for an age over 0.

    Returns
    -------
    array of float64, shape (rows, columns)
        New elevation (m); the argument is unchanged.

    Raises
    ------
    ValueError
        If the age is outside 0-1 or has no generator, or the crater is wider than the cone.
    """
    if not 0 <= age <= 1 or (age > 0 and rng is None):
        raise ValueError(
            f"age {age:g} is not 0 to 1 with a generator: over 0 give rng, for valleys are drawn"
        )
    if not 0 <= crater < radius:
        raise ValueError(f"crater {crater:g} m breaks 0 <= crater < radius ({radius:g} m)")
    rows, columns = np.indices(elevation.shape)
    south, east = rows - centre[0], columns - centre[1]
    distance = pixel_size * np.hypot(south, east)
    rise = height * np.clip(1.0 - distance / radius, 0.0, None) ** 1.7
    if age > 0 and rng is not None:
        rise = rise * (1.0 - 0.5 * age * _valleys(np.arctan2(south, east), distance / radius, rng))
    if crater > 0:
        rim = height * (1.0 - crater / radius) ** 1.7
        floor = rim - crater / 3 * np.clip(1.0 - (distance / crater) ** 2, 0.0, None)
        rise = np.where(distance < crater, np.minimum(rise, floor), rise)
    return np.asarray(elevation + rise)


def _valleys(
    azimuth: NDArray[np.float64], distance: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Depth (0-1) of radial valleys, none at the summit: creases of a few harmonics."""
    harmonics = np.zeros_like(azimuth)
    for number in range(4, 12):
        bend = rng.normal(0.0, 1.0) * distance
        harmonics += rng.normal() * np.cos(number * azimuth + rng.uniform(0, 2 * np.pi) + bend)
    creases = 1.0 - np.clip(np.abs(harmonics) / 3.0, 0.0, 1.0)
    return np.asarray(creases * np.clip(distance / 0.3, 0.0, 1.0))


def _uplift(above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rate 0-1: none on plains, rising softly into the ranges."""
    squared = np.maximum(above, 0.0) ** 2
    return np.asarray(squared / (squared + 1.0))


def _filled(elevation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Valley floors raised toward the mean of what is around them; ridges stay."""
    smooth = elevation
    for _ in range(2):
        inner = smooth.T.copy()
        inner[1:-1] = 0.25 * (smooth.T[:-2] + smooth.T[2:]) + 0.5 * smooth.T[1:-1]
        smooth = inner
    return np.asarray(elevation + 0.4 * np.maximum(smooth - elevation, 0.0))


@compiled
def _doubled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Twice the rows and columns, with cubic midpoints; the border is continued."""
    rows, columns = values.shape
    tall = np.empty((2 * rows, columns))
    for row in range(rows):
        above, below, second = max(row - 1, 0), min(row + 1, rows - 1), min(row + 2, rows - 1)
        for column in range(columns):
            inner, outer = values[row, column] + values[below, column], values[above, column]
            tall[2 * row, column] = values[row, column]
            tall[2 * row + 1, column] = (9.0 * inner - outer - values[second, column]) / 16.0
    doubled = np.empty((2 * rows, 2 * columns))
    for row in range(2 * rows):
        for column in range(columns):
            left, right = max(column - 1, 0), min(column + 1, columns - 1)
            second = min(column + 2, columns - 1)
            inner, outer = tall[row, column] + tall[row, right], tall[row, left]
            doubled[row, 2 * column] = tall[row, column]
            doubled[row, 2 * column + 1] = (9.0 * inner - outer - tall[row, second]) / 16.0
    return doubled


@compiled
def _roughen(
    elevation: NDArray[np.float64], rough: NDArray[np.float64], detail: NDArray[np.float32]
) -> None:
    """Add `detail` times `rough`, which has a pixel for each two by two."""
    for row in range(elevation.shape[0]):
        for column in range(elevation.shape[1]):
            elevation[row, column] += rough[row // 2, column // 2] * detail[row, column]


class _Rivers(NamedTuple):
    """Where each node drains to, how far that is in nodes, and an order from the mouths upward."""

    receiver: NDArray[np.int32]
    reach: NDArray[np.float64]
    order: NDArray[np.int32]


def _incised(
    elevation: NDArray[np.float64], uplift: NDArray[np.float64], strength: float, steps: int
) -> NDArray[np.float64]:
    """Elevation after `steps` of uplift and river incision; ground without uplift stays."""
    height = elevation.copy()
    for _ in range(steps):
        receiver, reach = _receivers(height)
        rivers = _Rivers(receiver, reach, _upstream(receiver))
        _cut(height.ravel(), uplift.ravel(), rivers, strength, 1.0 / max(height.shape))
    return height


_Slope = tuple[float, int, float]
"""Steepest drop found so far, the step to its foot in the flat array, and its length in nodes."""


@kernel
def _steeper(best: _Slope, drop: float, step: int, length: float) -> _Slope:
    """Take a drop if it is the steepest yet; without a branch, so that loops become vectors."""
    steeper = drop > best[0]
    return (
        drop if steeper else best[0],
        step if steeper else best[1],
        length if steeper else best[2],
    )


@compiled
def _receivers(height: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Steepest of the eight neighbours below each node, itself in pits, and how far it is."""
    rows, columns = height.shape
    receiver = np.arange(rows * columns).astype(np.int32)
    reach = np.ones(rows * columns)
    side, root = math.sqrt(2.0), math.sqrt(0.5)
    for row in range(1, rows - 1):
        above, middle, below = height[row - 1], height[row], height[row + 1]
        targets = receiver[row * columns : (row + 1) * columns]
        lengths = reach[row * columns : (row + 1) * columns]
        for c in range(1, columns - 1):
            here = middle[c]
            best = (0.0, 0, 1.0)
            best = _steeper(best, here - above[c], -columns, 1.0)
            best = _steeper(best, here - middle[c - 1], -1, 1.0)
            best = _steeper(best, here - middle[c + 1], 1, 1.0)
            best = _steeper(best, here - below[c], columns, 1.0)
            best = _steeper(best, (here - above[c - 1]) * root, -columns - 1, side)
            best = _steeper(best, (here - above[c + 1]) * root, 1 - columns, side)
            best = _steeper(best, (here - below[c - 1]) * root, columns - 1, side)
            best = _steeper(best, (here - below[c + 1]) * root, columns + 1, side)
            targets[c] += best[1]
            lengths[c] = best[2]
    return receiver, reach


@compiled
def _upstream(receiver: NDArray[np.int32]) -> NDArray[np.int32]:
    """Order in which each node comes after the one that it drains to."""
    count = receiver.size
    donor = np.full(count, -1, np.int32)  # the first of each node
    sibling = np.empty(count, np.int32)  # the next donor to the same node
    for node in range(count - 1, -1, -1):
        if receiver[node] != node:
            sibling[node] = donor[receiver[node]]
            donor[receiver[node]] = node
    order = np.empty(count, np.int32)
    filled = 0
    for node in range(count):
        if receiver[node] == node:
            order[filled] = node
            filled += 1
    for done in range(count):
        node = donor[order[done]]
        while node >= 0:
            order[filled] = node
            filled += 1
            node = sibling[node]
    return order


@compiled
def _cut(
    height: NDArray[np.float64],
    uplift: NDArray[np.float64],
    rivers: _Rivers,
    strength: float,
    spacing: float,
) -> None:
    """Raise the ground, then cut it toward the receivers by the root of the drained area."""
    receiver, reach, order = rivers
    area = np.full(height.size, spacing * spacing)
    for node in order[::-1]:
        if receiver[node] != node:
            area[receiver[node]] += area[node]
    for node in order:
        if uplift[node] <= 0.0:
            continue
        height[node] += _TIME * uplift[node]
        if receiver[node] != node:
            drained = math.sqrt(area[node] + spacing * spacing)
            factor = strength * _TIME * drained / (spacing * reach[node])
            height[node] = (height[node] + factor * height[receiver[node]]) / (1.0 + factor)
