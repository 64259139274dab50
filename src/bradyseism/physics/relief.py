"""Synthetic relief: ranges cut by rivers, plains of sediment between them, volcanic cones.

Arrays are north-up (row 0 is north); elevation in metres; pixel size in metres.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.dislocation import compiled
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
    above = base - float(np.quantile(base, plains))
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
    rough = (_DETAIL * _uplift(above)).repeat(2, axis=0).repeat(2, axis=1)
    elevation += rough * detail
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


def _doubled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Twice the rows and columns, with cubic midpoints; the border is continued."""
    for _ in range(2):
        padded = np.concatenate([values[:1], values, values[-1:], values[-1:]])
        between = (9.0 * (padded[1:-2] + padded[2:-1]) - padded[:-3] - padded[3:]) / 16.0
        values = np.stack([values, between], axis=1).reshape(2 * len(values), -1).T
    return np.ascontiguousarray(values)


def _incised(
    elevation: NDArray[np.float64], uplift: NDArray[np.float64], strength: float, steps: int
) -> NDArray[np.float64]:
    """Elevation after `steps` of uplift and river incision; ground without uplift stays."""
    shape = elevation.shape
    height, rate = elevation.ravel().copy(), uplift.ravel()
    for _ in range(steps):
        receiver, reach = _receivers(height.reshape(shape))
        order = _upstream(receiver)
        _cut(height, rate, receiver, reach, order, strength, 1.0 / max(shape))
    return height.reshape(shape)


@compiled
def _receivers(height: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Steepest of the eight neighbours below each node, itself in pits, and how far it is."""
    rows, columns = height.shape
    receiver = np.arange(rows * columns).astype(np.int32)
    reach = np.ones(rows * columns)
    flat = height.ravel()
    beside = (-columns, -1, 1, columns)
    across = (-columns - 1, 1 - columns, columns - 1, columns + 1)
    for row in range(1, rows - 1):
        for here in range(row * columns + 1, (row + 1) * columns - 1):
            steepest, target, length = 0.0, 0, 1.0
            for step in beside:
                drop = flat[here] - flat[here + step]
                if drop > steepest:
                    steepest, target = drop, step
            for step in across:
                drop = (flat[here] - flat[here + step]) * math.sqrt(0.5)
                if drop > steepest:
                    steepest, target, length = drop, step, math.sqrt(2.0)
            receiver[here] += target
            reach[here] = length
    return receiver, reach


@compiled
def _upstream(receiver: NDArray[np.int32]) -> NDArray[np.int32]:
    """Order in which each node comes after the one that it drains to."""
    count = receiver.size
    end = np.zeros(count + 1, np.int32)
    for node in range(count):
        end[receiver[node] + 1] += 1
    for node in range(count):
        end[node + 1] += end[node]
    donors = np.empty(count, np.int32)
    order = np.empty(count, np.int32)
    filled = 0
    for node in range(count):
        donors[end[receiver[node]]] = node
        end[receiver[node]] += 1
        if receiver[node] == node:
            order[filled] = node
            filled += 1
    for done in range(count):
        node = order[done]
        first = end[node - 1] if node > 0 else 0
        for place in range(first, end[node]):
            if donors[place] != node:
                order[filled] = donors[place]
                filled += 1
    return order


@compiled
def _cut(
    height: NDArray[np.float64],
    uplift: NDArray[np.float64],
    receiver: NDArray[np.int32],
    reach: NDArray[np.float64],
    order: NDArray[np.int32],
    strength: float,
    spacing: float,
) -> None:
    """Raise the ground, then cut it toward the receivers by the root of the drained area."""
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
