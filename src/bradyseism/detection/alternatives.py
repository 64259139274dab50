"""Simple shapes that are no volcanic source: a step along a line, a bowl with a floor, columns.

References
----------
Savage, J. C. and Burford, R. O. (1973), J. Geophys. Res. 78, 832-845 (strain across a fault).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.separable import criterion
from bradyseism.detection.surroundings import Blocks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FaultFamily:
    """Steps across a straight line: (strike in degrees, distance of the line in m, log width).

    The rate is atan(x / width) / pi, x to the right of the line: strain above a locked fault
    (Savage and Burford 1973), a creeping one where the width is small.
    """

    half_width: float

    @property
    def start(self) -> Array:
        """Through the place."""
        return np.array([0.0, 0.0, math.log(0.2 * self.half_width)])

    @property
    def low(self) -> Array:
        """Sharp within a hundredth of the half width."""
        return np.array([-200.0, -self.half_width, math.log(0.01 * self.half_width)])

    @property
    def high(self) -> Array:
        """As wide as the half width."""
        return np.array([200.0, self.half_width, math.log(self.half_width)])

    @property
    def scale(self) -> Array:
        """Ten degrees, a tenth of the half width."""
        return np.array([10.0, 0.1 * self.half_width, 0.5])

    @property
    def centre(self) -> Array:
        """Of no prior."""
        return np.zeros(3)

    @property
    def spread(self) -> Array:
        """No prior."""
        return np.full(3, np.inf)

    def trials(self) -> Array:
        """Twelve directions, nine distances, three widths."""
        strikes = np.arange(12) * 15.0
        offsets = np.linspace(-0.7, 0.7, 9) * self.half_width
        widths = np.log(self.half_width * np.array([0.03, 0.15, 0.5]))
        return np.stack(np.meshgrid(strikes, offsets, widths), axis=-1).reshape(-1, 3)

    def shapes(self, theta: Array, points: tuple[Array, Array], look: Array) -> Array:
        """Step of one metre a year; the look is in its size already."""
        strike = np.radians(theta[:, 0])
        across = np.outer(points[0], np.cos(strike)) - np.outer(points[1], np.sin(strike))
        return np.asarray(np.arctan((across - theta[:, 1]) / np.exp(theta[:, 2])) / math.pi)


@dataclass(frozen=True, eq=False)
class BowlFamily:
    """Bowls with a flat floor, vertical motion.

    Parameters are easting and northing (m), log radius, log of the width of the rim over the
    radius, log aspect, azimuth (degrees).
    """

    half_width: float

    @property
    def start(self) -> Array:
        """A round one at the place."""
        return np.array([0.0, 0.0, math.log(0.3 * self.half_width), math.log(0.2), 0.0, 0.0])

    @property
    def low(self) -> Array:
        """A rim as sharp as a twentieth of the radius."""
        width = self.half_width
        return np.array([-0.7 * width, -0.7 * width, math.log(0.05 * width), -3.0, -1.5, -300.0])

    @property
    def high(self) -> Array:
        """A rim no wider than a quarter of the radius: beyond, it is any bell."""
        width = self.half_width
        return np.array([0.7 * width, 0.7 * width, math.log(width), math.log(0.25), 1.5, 300.0])

    @property
    def scale(self) -> Array:
        """A twentieth of the half width."""
        return np.array([0.05 * self.half_width, 0.05 * self.half_width, 0.2, 0.4, 0.3, 15.0])

    @property
    def centre(self) -> Array:
        """Round."""
        return np.zeros(6)

    @property
    def spread(self) -> Array:
        """Within a factor of two of round."""
        return np.array([np.inf, np.inf, np.inf, np.inf, 0.7, 90.0])

    def trials(self) -> Array:
        """Round ones near the place, and long ones in four directions."""
        along = np.linspace(-0.25, 0.25, 5) * self.half_width
        radii = np.log(self.half_width * np.array([0.1, 0.18, 0.3, 0.5]))
        forms = [(0.0, 0.0), *((0.4, 45.0 * turn) for turn in range(4))]
        return np.array(
            [(x, y, r, math.log(0.15), a, z) for x in along for y in along for r in radii
             for a, z in forms]
        )  # fmt: skip

    def shapes(self, theta: Array, points: tuple[Array, Array], look: Array) -> Array:
        """Uplift of a metre a year, as the look sees it."""
        east, north = (
            axis[:, None] - place for axis, place in zip(points, theta[:, :2].T, strict=True)
        )
        turn = np.radians(theta[:, 5])
        longer = np.exp(theta[:, 4] / 2)
        along = (east * np.sin(turn) + north * np.cos(turn)) / longer
        across = (east * np.cos(turn) - north * np.sin(turn)) * longer
        distance = np.hypot(along, across) / np.exp(theta[:, 2])
        rim = np.clip((distance - 1.0) / np.exp(theta[:, 3]), -40.0, 40.0)
        return np.asarray(look[2] / (1.0 + np.exp(rim)))


def column_fit(
    blocks: Blocks, columns: Sequence[NDArray[np.floating]], hidden: int = 0
) -> tuple[float, Array]:
    """Schwarz's criterion and coefficients of a sum of fields on the pixels of the cut.

    Parameters
    ----------
    blocks : Blocks
        Data.
    columns : sequence of array, shape of the cut
        Fields.
    hidden : int
        Parameters that the fields themselves have taken from the data.
    """
    target = blocks.whitened(blocks.velocity)
    seen = blocks.whitened(np.column_stack([blocks.mean_of(column) for column in columns]))
    size = np.maximum(np.sqrt(np.einsum("ij,ij->j", seen, seen)), 1e-300)
    coefficients = np.linalg.lstsq(seen / size, target, rcond=1e-9)[0]
    misfit = float(np.sum((target - seen / size @ coefficients) ** 2))
    value = criterion(misfit, target.size, len(columns) + hidden)
    return value, np.asarray(coefficients / size)
