"""How far apart points on the Earth are, and which pixels of a grid lie near one."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from bradyseism.maps.velocity_map import Grid

__all__ = ["Point", "distance", "on_grid", "pixel_at", "pixels_near"]

_GEOD = Geod(ellps="WGS84")


class Point(Protocol):
    """Anything with a place on the Earth (degrees, WGS84)."""

    @property
    def longitude(self) -> float:
        """East of Greenwich."""

    @property
    def latitude(self) -> float:
        """Geodetic, north positive."""


def distance(one: Point, other: Point) -> float:
    """Geodesic distance (m) of two points; NaN where one is not finite."""
    return float(_GEOD.inv(one.longitude, one.latitude, other.longitude, other.latitude)[2])


def on_grid(grid: Grid, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.bool_]:
    """Whether points (WGS84 degrees, broadcast together) lie on a pixel."""
    row, column = grid.row_column(longitude, latitude)
    rows, columns = grid.shape
    return (row >= -0.5) & (row < rows - 0.5) & (column >= -0.5) & (column < columns - 0.5)


def pixel_at(grid: Grid, easting: float, northing: float) -> tuple[float, float]:
    """Fractional row and column of a point in the unit of the grid's CRS."""
    t = grid.transform
    return (northing - t.f) / t.e - 0.5, (easting - t.c) / t.a - 0.5


def pixels_near(
    grid: Grid, longitude: float, latitude: float, radius: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels whose centres lie within a radius (m) of a point.

    None for a point that the CRS cannot represent; one outside the grid may be near its rim.
    """
    place = grid.row_column(longitude, latitude)
    if not np.isfinite(place).all():
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    away = [
        (np.arange(length) - float(one)) * side
        for length, one, side in zip(grid.shape, place, grid.pixel_sides, strict=True)
    ]
    close = [np.flatnonzero(np.abs(one) <= radius) for one in away]
    within = np.hypot(away[0][close[0]][:, None], away[1][close[1]]) <= radius
    row, column = np.nonzero(within)
    return close[0][row], close[1][column]
