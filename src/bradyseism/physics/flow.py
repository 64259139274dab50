"""Where ground flows: tongues and lobes that follow the steepest descent of relief."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]

_STEP = 0.5  # pixels between two points of a path
_FLATTEST = 1e-3  # m per m: where a path ends


def flow_lobe(
    elevation: FloatArray,
    pixel_size: float,
    start: tuple[int, int],
    *,
    length: float,
    width: float,
) -> NDArray[np.float64]:
    """Relative speed of a lobe that starts at a pixel and follows the steepest descent.

    Nearly level across the lobe with sharp edges, as ice-rich debris that shears at its base and
    sides: ``1 - (distance from the middle / half width)^4``. The lobe opens to its full width over
    its upper half and ends in a round front.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Elevation (m), at least 3 x 3.
    pixel_size : float
        Pixel size (m).
    start : (int, int)
        Row and column of the head.
    length, width : float
        Along the flow, and across its lower half (m), positive. A lobe ends early in a hollow, on
        level ground and at the border.

    Returns
    -------
    array of float64, shape (rows, columns)
        0 to 1; 0 outside the lobe, and everywhere where the start is level.

    Raises
    ------
    ValueError
        If a length is not positive, the array too small, or the start outside it.
    """
    heights = np.ascontiguousarray(elevation, dtype=np.float64)
    if heights.ndim != 2 or min(heights.shape) < 3:
        raise ValueError(f"elevation of shape {heights.shape} is under 3 x 3 pixels: no flow fits")
    for name, value in (("pixel size", pixel_size), ("length", length), ("width", width)):
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"{name} {value:g} m of a lobe is not positive: give metres")
    if not (0 <= start[0] < heights.shape[0] and 0 <= start[1] < heights.shape[1]):
        raise ValueError(f"start {start} lies outside the {heights.shape} pixels of the relief")
    lobe = np.zeros(heights.shape)
    path = _descent(heights, pixel_size, float(start[0]), float(start[1]), length / pixel_size)
    if len(path) > 1:
        _widen(lobe, path, 0.5 * width / pixel_size)
    return lobe


@numba.njit(cache=True)
def _descent(
    heights: NDArray[np.float64], pixel_size: float, row: float, column: float, length: float
) -> NDArray[np.float64]:
    """Points (row, column) of the steepest descent, half a pixel apart."""
    rows, columns = heights.shape
    count = max(2, int(length / _STEP) + 1)
    path = np.empty((count, 2))
    path[0, 0], path[0, 1] = row, column
    for index in range(1, count):
        r = min(max(round(row), 1), rows - 2)
        c = min(max(round(column), 1), columns - 2)
        down = heights[r - 1, c] - heights[r + 1, c]
        right = heights[r, c - 1] - heights[r, c + 1]
        steep = math.sqrt(down * down + right * right)
        if steep < 2.0 * pixel_size * _FLATTEST:
            return path[:index]
        row += _STEP * down / steep
        column += _STEP * right / steep
        if row < 0.0 or column < 0.0 or row > rows - 1 or column > columns - 1:
            return path[:index]
        path[index, 0], path[index, 1] = row, column
    return path


@numba.njit(cache=True)
def _widen(lobe: NDArray[np.float64], path: NDArray[np.float64], half: float) -> None:
    """Write the speed around each point of a path; `half` is the full half width in pixels."""
    rows, columns = lobe.shape
    for index in range(len(path)):
        share = min(1.0, 2.0 * (index + 1) / len(path))
        # A head narrower than half a pixel would miss every pixel centre.
        reach = max(half * share, 0.5)
        for r in range(
            max(0, int(path[index, 0] - reach)), min(rows, int(path[index, 0] + reach) + 2)
        ):
            for c in range(
                max(0, int(path[index, 1] - reach)), min(columns, int(path[index, 1] + reach) + 2)
            ):
                square = (r - path[index, 0]) ** 2 + (c - path[index, 1]) ** 2
                ratio = square / (reach * reach)
                if ratio < 1.0:
                    lobe[r, c] = max(lobe[r, c], 1.0 - ratio * ratio)
