"""Which pixels of a grid lie near a point on the Earth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bradyseism.maps.velocity_map import Grid

__all__ = ["on_grid", "pixels_near"]


def on_grid(grid: Grid, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.bool_]:
    """Whether points (WGS84 degrees, broadcast together) lie on a pixel."""
    row, column = grid.row_column(longitude, latitude)
    rows, columns = grid.shape
    return (row >= -0.5) & (row < rows - 0.5) & (column >= -0.5) & (column < columns - 0.5)


def pixels_near(
    grid: Grid, longitude: float, latitude: float, distance: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels whose centres lie within a distance (m) of a point.

    None for a point that the CRS cannot represent; one outside the grid may be near its rim.
    """
    place = grid.row_column(longitude, latitude)
    if not np.isfinite(place).all():
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    away = [
        (np.arange(length) - float(one)) * side
        for length, one, side in zip(grid.shape, place, grid.pixel_sides, strict=True)
    ]
    close = [np.flatnonzero(np.abs(one) <= distance) for one in away]
    within = np.hypot(away[0][close[0]][:, None], away[1][close[1]]) <= distance
    row, column = np.nonzero(within)
    return close[0][row], close[1][column]
