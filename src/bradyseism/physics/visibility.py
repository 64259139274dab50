"""What a side-looking radar does not see of relief: layover and shadow.

With theta the incidence angle on flat ground and d the horizontal distance (m) from a point:

- shadow: toward the satellite, some ground stands higher than d / tan(theta) above the point;
- layover: some other ground has the same slant range. Away from the satellite it stands at least
  d tan(theta) higher, or toward the satellite at least d tan(theta) lower.

Both are rays cast along the ground-range direction, so that the shadow that a ridge casts on flat
ground, and the flat ground onto which it is laid over, count too. Ground beyond the array hides
nothing. Arrays are north-up (row 0 is north), elevation and pixel size in metres.

References
----------
Kropatsch, W. G. and Strobl, D. (1990), The generation of SAR layover and shadow maps from digital
elevation models, IEEE Trans. Geosci. Remote Sens. 28, 98-107.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.dislocation import compiled
from bradyseism.physics.line_of_sight import checked_look

FloatArray = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

_LEVEL = 1e-9  # share of a pixel: round-off on a plane along the ray is no obstacle


def shadow(elevation: FloatArray, pixel_size: float, look: FloatArray) -> Mask:
    """Ground that the radar beam does not reach: slopes turned away, and what they cast on.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Elevation (m), finite.
    pixel_size : float
        Pixel size (m), positive.
    look : array, shape (3,)
        East, north, up unit vector from the ground to the satellite.

    Returns
    -------
    array of bool, shape (rows, columns)
        True in shadow. A wall of height h casts h tan(incidence) far; nothing lies in shadow under
        a vertical look.

    Raises
    ------
    ValueError
        If the elevation is no finite matrix, the pixel size not positive, or the look not of unit
        length or not upward.
    """
    heights, step, per_metre = _checked(elevation, pixel_size, look)
    if per_metre == 0.0:
        return np.zeros(heights.shape, dtype=bool)
    return np.asarray(_hidden(heights, step[0], step[1], pixel_size / per_metre))


def layover(elevation: FloatArray, pixel_size: float, look: FloatArray) -> Mask:
    """Ground that shares its slant range with other ground: steep slopes, and both their sides.

    Parameters
    ----------
    elevation, pixel_size, look
        As for `shadow`.

    Returns
    -------
    array of bool, shape (rows, columns)
        True in layover: where a slope toward the satellite is steeper than the incidence angle,
        and on the nearer and farther ground that it is laid over.

    Raises
    ------
    ValueError
        As for `shadow`.
    """
    heights, (down, right), per_metre = _checked(elevation, pixel_size, look)
    if per_metre == 0.0:
        return np.zeros(heights.shape, dtype=bool)
    rise = pixel_size * per_metre
    return np.asarray(_hidden(heights, -down, -right, rise) | _hidden(-heights, down, right, rise))


def _checked(
    elevation: FloatArray, pixel_size: float, look: FloatArray
) -> tuple[NDArray[np.float64], tuple[float, float], float]:
    """Elevation, the step (rows, columns) of one pixel toward the satellite, tan(incidence)."""
    heights = np.ascontiguousarray(elevation, dtype=np.float64)
    if heights.ndim != 2 or min(heights.shape, default=0) < 2 or not np.isfinite(heights).all():
        raise ValueError(
            f"elevation of shape {heights.shape} is not a finite matrix of at least 2 x 2 pixels: "
            "fill its voids first"
        )
    if not (math.isfinite(pixel_size) and pixel_size > 0.0):
        raise ValueError(f"pixel size {pixel_size:g} m is not positive: give metres")
    east, north, up = (float(value) for value in checked_look(look))
    if up <= 0.0:
        raise ValueError(
            f"look vector ({east:g}, {north:g}, {up:g}) is not upward: give (east, north, up) from "
            "the ground to the satellite"
        )
    flat = math.hypot(east, north)
    if flat < 1e-9:
        return heights, (0.0, 0.0), 0.0
    return heights, (-north / flat, east / flat), flat / up


def _hidden(elevation: NDArray[np.float64], down: float, right: float, rise: float) -> Mask:
    """Whether ground along (down, right) stands above a ray that rises by `rise` (m) a pixel."""
    if abs(down) > abs(right):
        return np.asarray(_hidden(np.ascontiguousarray(elevation.T), right, down, rise).T)
    forward, aside = (1 if right > 0 else -1), down / abs(right)
    return np.asarray(_cast(elevation, forward, aside, rise / abs(right)))


@compiled
def _cast(
    elevation: NDArray[np.float64], forward: int, aside: float, climb: float
) -> NDArray[np.bool_]:
    """Cast rays one column at a time, `aside` rows and `climb` metres each.

    Heights are linear between the two rows that a ray passes. The rays of a row take each step
    together, as vectors.
    """
    rows, columns = elevation.shape
    highest = elevation.max()
    hidden = np.zeros((rows, columns), dtype=np.bool_)
    for row in range(rows):
        start = elevation[row] + climb * _LEVEL
        steps = min(columns - 1, int((highest - start.min()) / climb) + 1)
        for step in range(1, steps + 1):
            y = row + step * aside
            if y < 0.0 or y > rows - 1:
                break
            top = min(int(y), rows - 2)
            share, rise = y - top, step * climb
            # Where rays start, and where they are: those at the far side have left the array.
            here, there = (0, step) if forward > 0 else (step, 0)
            count = columns - step
            foot, seen = start[here : here + count], hidden[row, here : here + count]
            upper = elevation[top, there : there + count]
            lower = elevation[top + 1, there : there + count]
            for ray in range(count):
                height = upper[ray] + share * (lower[ray] - upper[ray])
                seen[ray] |= height > foot[ray] + rise
    return hidden
