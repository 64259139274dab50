"""Deformation sources as records: what lies below, and how the surface moves.

Every record is frozen, checks itself, and answers `displacement(easting, northing)` with metres
east, north and up at the surface of a homogeneous elastic half-space, flat unless the elevation of
the points is given. Lengths are in metres, depth is positive down, angles are in degrees.

Rotations turn a source about the fixed east, north and up axes, in this order, each **clockwise**
as seen from the tip of its axis (as an azimuth is): R = Rz @ Ry @ Rx. So `rotations[2]` is an
azimuth, a positive `rotations[0]` tips the north axis down, a positive `rotations[1]` tips the east
axis up.

Potency and volume: the potency of a source is opening times area summed over its dislocations (m3).
The cavity it stands for changes by `potency - pressure * volume / bulk modulus`, which the surface
displacement alone does not tell: for a thin crack it is the potency, for an isotropic point source
(Mogi) it is `potency * (1 + nu) / (3 (1 - nu))`, at nu = 0.25 5/9 of it.

References
----------
Nikkhoo, M., Walter, T. R., Lundgren, P. R. and Prats-Iraola, P. (2017). Compound dislocation models
(CDMs) for volcano deformation analyses. Geophys. J. Int. 208, 877-894, doi:10.1093/gji/ggw427.

Mogi, K. (1958). Relations between the eruptions of various volcanoes and the deformations of the
ground surfaces around them. Bull. Earthq. Res. Inst. 36, 99-134.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from itertools import combinations
from typing import Self

import numpy as np

from bradyseism.physics.dislocation import add_opening, rectangle
from bradyseism.physics.half_space import (
    Array,
    BuriedSource,
    Points,
    Source,
    Sources,
    Triple,
    check_point_depth,
    rotated_axes,
)
from bradyseism.physics.point_dislocation import add_point_opening

__all__ = ["CDM", "Mogi", "PointCDM", "Source", "Sources"]

ROUNDING = 1e-12
"""Share of its depth and axes by which a vertex may stand above the surface through rounding."""


@dataclass(frozen=True)
class CDM(BuriedSource):
    """Compound dislocation model: three perpendicular rectangles that open by the same amount.

    Parameters
    ----------
    easting, northing
        Position of the centre (m).
    depth
        Depth of the centre (m), positive down, not negative.
    semi_axes
        Half-lengths (m) of the source along its own x, y and z axes, which point east, north and up
        before rotation. One rectangle is normal to each axis. With one axis zero only the rectangle
        normal to it is left; with two or three zero nothing is left and the surface stays still.
    opening
        Opening (m) of all rectangles; positive inflates.
    rotations
        Clockwise rotations (degrees) about the east, north and up axes, applied in this order.
    poisson
        Poisson's ratio, 0 to 0.5.

    Raises
    ------
    ValueError
        If a number is not finite or out of range, or a vertex of a rectangle lies above the
        surface. The vertices count, not the corners of the box around them; a vertex at the surface
        is legal, but on the trace of a rectangle that reaches the surface the displacement has no
        value.

    References
    ----------
    Nikkhoo et al. (2017), doi:10.1093/gji/ggw427.

    Examples
    --------
    >>> source = CDM(0.0, 0.0, 5000.0, semi_axes=(1000.0, 1000.0, 1000.0), opening=1.0)
    >>> source.potency
    12000000.0
    >>> source.displacement(0.0, 0.0).round(4)[2]
    np.float64(0.0588)
    """

    STRENGTHS = ("opening",)

    _: KW_ONLY
    semi_axes: Triple
    opening: float
    rotations: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for axis, length in zip("xyz", self.semi_axes, strict=True):
            if length < 0:
                raise ValueError(
                    f"semi-axis {axis} {length:g} m is negative: give a half-length, zero for a "
                    "source that is flat along this axis"
                )
        self._check_below_surface()

    def _check_below_surface(self) -> None:
        highest = self._rise() - self.depth
        if highest > ROUNDING * (self.depth + max(self.semi_axes)):
            raise ValueError(
                f"source reaches above the surface: its highest vertex is at {highest:g} m with "
                f"the centre at depth {self.depth:g} m; place it deeper, shorten its semi_axes or "
                "turn it"
            )

    def _rise(self) -> float:
        """Height (m) of the highest vertex above the centre."""
        return float(max(abs(a[2]) + abs(b[2]) for a, b in combinations(self._half_axes(), 2)))

    def _half_axes(self) -> list[Array]:
        """Rotated semi-axes as (east, north, down) vectors."""
        axes = rotated_axes(self.rotations)
        return [length * axis for length, axis in zip(self.semi_axes, axes, strict=True)]

    @classmethod
    def sill(
        cls,
        easting: float,
        northing: float,
        depth: float,
        *,
        length: float,
        width: float,
        opening: float,
        strike: float = 0.0,
        dip: float = 0.0,
        poisson: float = 0.25,
    ) -> Self:
        """Return one rectangle of full `length` along strike and full `width` down dip (m).

        `strike` in degrees clockwise from north, `dip` in degrees from the horizontal, to the
        right of strike.
        """
        return cls(
            easting,
            northing,
            depth,
            semi_axes=(width / 2, length / 2, 0.0),
            opening=opening,
            rotations=(0.0, dip, strike - 180.0),
            poisson=poisson,
        )

    @classmethod
    def dyke(
        cls,
        easting: float,
        northing: float,
        depth: float,
        *,
        length: float,
        height: float,
        opening: float,
        strike: float = 0.0,
        dip: float = 90.0,
        poisson: float = 0.25,
    ) -> Self:
        """Return one rectangle of full `length` along strike and full `height` along dip (m).

        `strike` in degrees clockwise from north, `dip` in degrees from the horizontal, to the
        right of strike.
        """
        return cls(
            easting,
            northing,
            depth,
            semi_axes=(0.0, length / 2, height / 2),
            opening=opening,
            rotations=(0.0, 90.0 - dip, strike),
            poisson=poisson,
        )

    @classmethod
    def pipe(
        cls,
        easting: float,
        northing: float,
        depth: float,
        *,
        length: float,
        radius: float,
        opening: float,
        plunge: float = 90.0,
        trend: float = 0.0,
        poisson: float = 0.25,
    ) -> Self:
        """Return a conduit of full `length` and half-width `radius` (m).

        `plunge` in degrees below the horizontal, `trend` the azimuth of the lower end in degrees
        clockwise from north.
        """
        return cls(
            easting,
            northing,
            depth,
            semi_axes=(radius, radius, length / 2),
            opening=opening,
            rotations=(0.0, 90.0 - plunge, trend - 90.0),
            poisson=poisson,
        )

    @property
    def potencies(self) -> Triple:
        """Potency (m3) of the rectangles normal to the x, y and z axes; negative when closing."""
        x, y, z = self.semi_axes
        return 4 * y * z * self.opening, 4 * x * z * self.opening, 4 * x * y * self.opening

    @property
    def potency(self) -> float:
        """Total potency (m3); see the module for its relation to the volume of a cavity."""
        return sum(self.potencies)

    @property
    def top(self) -> float:
        """Depth (m) of the shallowest vertex of a rectangle."""
        return self.depth - self._rise()

    def _add_displacement(self, points: Points, total: Array) -> None:
        centre = np.array(self._centre)
        for first, second in combinations(self._half_axes(), 2):
            if first.any() and second.any():
                numbers = (float(self.opening), float(self.poisson))
                add_opening(points, rectangle(centre, first, second), numbers, total)


@dataclass(frozen=True)
class PointCDM(BuriedSource):
    """Point compound dislocation model: three perpendicular point dislocations.

    The far field of a CDM, to the second order in size over depth.

    Parameters
    ----------
    easting, northing
        Position (m).
    depth
        Depth (m), positive.
    potencies
        Opening times area (m3) of the dislocations normal to the x, y and z axes; none of another
        sign than the rest.
    rotations
        Clockwise rotations (degrees) about the east, north and up axes, applied in this order.
    poisson
        Poisson's ratio, 0 to 0.5.

    Raises
    ------
    ValueError
        If a number is not finite or out of range, or potencies differ in sign.

    References
    ----------
    Nikkhoo et al. (2017), doi:10.1093/gji/ggw427.
    """

    STRENGTHS = ("potencies",)

    _: KW_ONLY
    potencies: Triple
    rotations: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_point_depth(self.depth)
        if min(self.potencies) < 0 < max(self.potencies):
            raise ValueError(
                f"potencies {self.potencies} m3 differ in sign: a point CDM opens or closes as a "
                "whole; add two of them with Sources"
            )

    @property
    def potency(self) -> float:
        """Total potency (m3); see the module for its relation to the volume of a cavity."""
        return sum(self.potencies)

    @property
    def top(self) -> float:
        """Depth (m) of the point."""
        return self.depth

    def _add_displacement(self, points: Points, total: Array) -> None:
        for potency, axis in zip(self.potencies, rotated_axes(self.rotations), strict=True):
            normal = (float(axis[0]), float(axis[1]), float(axis[2]))
            numbers = (float(potency), float(self.poisson))
            add_point_opening(points, (self._centre, normal), numbers, total)


@dataclass(frozen=True)
class Mogi(BuriedSource):
    """Isotropic point source: a small pressurised sphere at depth.

    Parameters
    ----------
    easting, northing
        Position (m).
    depth
        Depth (m), positive.
    volume_change
        Change of the sphere's volume (m3); positive inflates.
    poisson
        Poisson's ratio, 0 to 0.5.

    Raises
    ------
    ValueError
        If a number is not finite or out of range.

    Notes
    -----
    u = (1 - nu) / pi * volume_change * X / R^3, X from the source to the surface point (Mogi 1958).

    Examples
    --------
    >>> Mogi(0.0, 0.0, 1000.0, 1e6, poisson=0.25).displacement(0.0, 0.0).round(4)[2]
    np.float64(0.2387)
    """

    STRENGTHS = ("volume_change",)

    volume_change: float
    _: KW_ONLY

    def __post_init__(self) -> None:
        super().__post_init__()
        check_point_depth(self.depth)

    @property
    def potency(self) -> float:
        """Total potency (m3) of the point CDM of equal potencies that is this source."""
        return 3.0 * (1.0 - self.poisson) / (1.0 + self.poisson) * self.volume_change

    @property
    def top(self) -> float:
        """Depth (m) of the point."""
        return self.depth

    def _add_displacement(self, points: Points, total: Array) -> None:
        easting, northing, elevation = points
        away = np.stack([easting - self.easting, northing - self.northing, self.depth + elevation])
        cube = np.sum(away**2, axis=0) ** 1.5
        total += (1.0 - self.poisson) / math.pi * self.volume_change / cube * away
