"""The ground that a map shows: relief, pixel size and look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.line_of_sight import checked_look
from bradyseism.physics.terrain import downslope_sensitivity, steepness
from bradyseism.physics.visibility import layover, shadow


@dataclass(frozen=True, eq=False)
class Scenery:
    """The ground that a map shows.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Elevation (m), north-up, finite, at least 2 x 2.
    pixel_size : float
        Pixel size (m), positive.
    look : array, shape (3,)
        East, north, up unit vector from the ground to the satellite.

    Raises
    ------
    ValueError
        If a shape or value breaks these rules.
    """

    elevation: NDArray[np.float64]
    pixel_size: float
    look: NDArray[np.float64]

    def __post_init__(self) -> None:
        elevation = np.asarray(self.elevation, dtype=np.float64)
        if elevation.ndim != 2 or min(elevation.shape) < 2:
            raise ValueError(
                f"elevation has shape {elevation.shape}: a scenery is (rows, columns), at least "
                "2 x 2 pixels"
            )
        if not np.isfinite(elevation).all():
            missing = int((~np.isfinite(elevation)).sum())
            raise ValueError(
                f"elevation has {missing} pixels that are not finite: fill them, or give a DEM "
                "that covers the map"
            )
        if not (math.isfinite(self.pixel_size) and self.pixel_size > 0):
            raise ValueError(f"pixel size {self.pixel_size:g} m is not positive: give metres")
        object.__setattr__(self, "elevation", elevation)
        object.__setattr__(self, "look", checked_look(self.look))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.elevation.shape
        return rows, columns

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Easting and northing (m) of each pixel from the centre, each (rows, columns), to read."""
        rows, columns = (np.arange(count, dtype=np.float64) for count in self.shape)
        easting = (columns - (self.shape[1] - 1) / 2) * self.pixel_size
        northing = ((self.shape[0] - 1) / 2 - rows) * self.pixel_size
        return (
            np.broadcast_to(easting, self.shape),
            np.broadcast_to(northing[:, None], self.shape),
        )

    @property
    def extent(self) -> float:
        """Longer side (m)."""
        return max(self.shape) * self.pixel_size

    @cached_property
    def steepness(self) -> NDArray[np.float64]:
        """Slope angle (degrees), shape (rows, columns)."""
        return steepness(self.elevation, self.pixel_size)

    @cached_property
    def downslope(self) -> NDArray[np.float64]:
        """LOS velocity of ground that moves down its slope at unit speed, -1 to 1."""
        return downslope_sensitivity(self.elevation, self.pixel_size, self.look)

    @cached_property
    def hidden(self) -> NDArray[np.bool_]:
        """True in layover and shadow, shape (rows, columns)."""
        return layover(self.elevation, self.pixel_size, self.look) | shadow(
            self.elevation, self.pixel_size, self.look
        )
