"""Volcanic sources as families of shapes, for a separable fit.

References
----------
Mogi, K. (1958), Bull. Earthq. Res. Inst. 36, 99-134.
Nikkhoo, M. et al. (2017), Geophys. J. Int. 208, 877-894 (CDM, and the point CDM far away).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.line_of_sight import project
from bradyseism.physics.sources import CDM, Mogi, PointCDM

Array = NDArray[np.float64]

UNIT = 1e6
"""Strength (m3/yr) of a shape of unit strength."""

WIDTH_OF_DEPTH = 3.5
"""Half width of the ground that a source is fitted to, over its depth."""

PROPORTION, SPREAD = 0.3, 0.8
"""Middle of a semi-axis over depth of a CDM, and deviation of its logarithm, before the data."""

TURN = 60.0
"""Deviation (degrees) of the rotations of a CDM before the data."""

LONGEST = 0.65
"""Longest semi-axis over depth: the farthest vertex then lies below the surface."""


@dataclass(frozen=True, eq=False)
class MogiFamily:
    """Mogi sources: (easting, northing, log depth), m."""

    half_width: float

    @property
    def start(self) -> Array:
        """At the place."""
        return np.array([0.0, 0.0, math.log(self.half_width / WIDTH_OF_DEPTH)])

    @property
    def low(self) -> Array:
        """Within 0.6 half widths, no shallower than a fiftieth of one."""
        return np.array([-0.6, -0.6, 0.0]) * self.half_width + [
            0.0, 0.0, math.log(0.02 * self.half_width)
        ]  # fmt: skip

    @property
    def high(self) -> Array:
        """Within 0.6 half widths, no deeper than two."""
        return np.array([0.6, 0.6, 0.0]) * self.half_width + [
            0.0, 0.0, math.log(2.0 * self.half_width)
        ]  # fmt: skip

    @property
    def scale(self) -> Array:
        """A share of the width."""
        return np.array([0.1 * self.half_width, 0.1 * self.half_width, 0.3])

    @property
    def centre(self) -> Array:
        """Of no prior."""
        return np.zeros(3)

    @property
    def spread(self) -> Array:
        """No prior."""
        return np.full(3, np.inf)

    def trials(self) -> Array:
        """Some hundred sources near the place, of all depths."""
        along = np.linspace(-0.3, 0.3, 5) * self.half_width
        depths = np.log(self.half_width * np.geomspace(0.06, 1.2, 8))
        return np.stack(np.meshgrid(along, along, depths), axis=-1).reshape(-1, 3)

    def shapes(self, theta: Array, points: tuple[Array, Array], look: Array) -> Array:
        """LOS rate of 1e6 m3/yr."""
        # One source sees the points of all trials: moved to it, and raised to its depth.
        easting, northing = (
            axis[:, None] - place for axis, place in zip(points, theta[:, :2].T, strict=True)
        )
        raised = np.broadcast_to(np.exp(theta[:, 2]) - 1.0, easting.shape)
        return project(Mogi(0.0, 0.0, 1.0, UNIT).displacement(easting, northing, raised), look)


@dataclass(frozen=True, eq=False)
class CDMFamily:
    """CDMs: (easting, northing, log depth, 3 log semi-axes over depth, 3 rotations in degrees).

    As a `point` each is seen from far away, which takes a tenth of the time.
    """

    half_width: float
    point: bool = False

    @property
    def start(self) -> Array:
        """A ball."""
        return np.concatenate([self._mogi.start, np.log([PROPORTION] * 3), np.zeros(3)])

    @property
    def _mogi(self) -> MogiFamily:
        return MogiFamily(self.half_width)

    @property
    def low(self) -> Array:
        """Flat to a hundredth of the depth."""
        return np.concatenate([self._mogi.low, np.log([0.01] * 3), [-180.0] * 3])

    @property
    def high(self) -> Array:
        """Below the surface."""
        return np.concatenate([self._mogi.high, np.log([LONGEST] * 3), [180.0] * 3])

    @property
    def scale(self) -> Array:
        """Thirds of an octave and twenty degrees."""
        return np.concatenate([self._mogi.scale, [0.3] * 3, [20.0] * 3])

    @property
    def centre(self) -> Array:
        """A ball of 0.3 depths."""
        return np.concatenate([np.zeros(3), np.log([PROPORTION] * 3), np.zeros(3)])

    @property
    def spread(self) -> Array:
        """A factor of two, and sixty degrees."""
        return np.concatenate([np.full(3, np.inf), [SPREAD] * 3, [TURN] * 3])

    def source(self, theta: Array, potency: float = UNIT) -> CDM:
        """The record of a potency (m3/yr)."""
        depth = math.exp(theta[2])
        x, y, z = (depth * math.exp(ratio) for ratio in theta[3:6])
        turns = (float(theta[6]), float(theta[7]), float(theta[8]))
        opening = potency / (4 * (y * z + x * z + x * y))
        return CDM(
            float(theta[0]), float(theta[1]), depth, semi_axes=(x, y, z), opening=opening,
            rotations=turns,
        )  # fmt: skip

    def shapes(self, theta: Array, points: tuple[Array, Array], look: Array) -> Array:
        """LOS rate of a potency of 1e6 m3/yr."""
        sources: list[CDM | PointCDM] = [self.source(one) for one in theta]
        if self.point:
            sources = [_far_away(one) for one in sources if isinstance(one, CDM)]
        return np.column_stack([project(one.displacement(*points), look) for one in sources])


def _far_away(source: CDM) -> PointCDM:
    return PointCDM(
        source.easting, source.northing, source.depth, potencies=source.potencies,
        rotations=source.rotations,
    )  # fmt: skip
