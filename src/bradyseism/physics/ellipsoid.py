"""A pressurised ellipsoidal cavity as a point source (pECM), and what such a cavity is made of.

A cavity under pressure moves its surroundings as an inclusion does that would, if it were free,
stretch by the eigenstrain e* (Eshelby 1957): (1 - S) e* = p / (3 K), with the Eshelby tensor S of
the shape and the bulk modulus K. Small beside its depth, it is a point compound dislocation model
of the potencies volume times e* (Nikkhoo and Rivalta 2022). The shape enters through six integrals
over the confocal ellipsoids, taken by the trapezoidal rule in the logarithm of their parameter: it
converges to the last digit for any axes, equal ones included, where closed forms divide by zero.

References
----------
Eshelby, J. D. (1957). The determination of the elastic field of an ellipsoidal inclusion, and
related problems. Proc. R. Soc. Lond. A 241, 376-396, doi:10.1098/rspa.1957.0133.

Mura, T. (1987). Micromechanics of defects in solids, 2nd ed., section 11. Martinus Nijhoff.

Nikkhoo, M. and Rivalta, E. (2022). Analytical solutions for gravity changes caused by triaxial
volumetric sources. Geophys. Res. Lett. 49, e2021GL095442, doi:10.1029/2021GL095442.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from bradyseism.physics.half_space import (
    Array,
    BuriedSource,
    Points,
    Triple,
    check_cavity,
    check_compressible,
    check_length,
    rotated_axes,
)
from bradyseism.physics.point_dislocation import add_point_opening


def eigenstrain(semi_axes: Triple, poisson: float) -> Array:
    """Return the strain that replaces a pressurised ellipsoidal cavity.

    Parameters
    ----------
    semi_axes
        Semi-axes of the ellipsoid, positive, in any unit of length.
    poisson
        Poisson's ratio, 0 to below 0.5.

    Returns
    -------
    ndarray of float64, (3,)
        Eigenstrain along the three axes, for a pressure equal to the shear modulus.

    References
    ----------
    Mura (1987), equations 11.16 to 11.18.
    """
    squares = np.array(semi_axes, dtype=np.float64) ** 2
    squares /= squares.max()
    # The integrand falls as s below the least square and as s^-3/2 above the largest; a step of one
    # half leaves an error of exp(-4 pi^2), as the nearest singularities lie at log s = +- i pi.
    s = np.exp(np.arange(math.log(squares.min()) - 40.0, 28.0, 0.5))
    shells = 1.0 / (squares[:, None] + s)
    weight = 0.5 * s * math.sqrt(squares.prod()) * np.sqrt(shells.prod(axis=0))
    # A quarter of Mura's integrals over pi: I_i and I_ij.
    first = 0.5 * shells @ weight
    second = 0.5 * (shells * weight) @ shells.T
    share = 0.5 / (1.0 - poisson)
    eshelby = share * (second * squares - (1.0 - 2.0 * poisson) * first[:, None])
    diagonal = 3.0 * second.diagonal() * squares + (1.0 - 2.0 * poisson) * first
    np.fill_diagonal(eshelby, share * diagonal)
    hydrostatic = (1.0 - 2.0 * poisson) / (2.0 * (1.0 + poisson))
    return np.linalg.solve(np.eye(3) - eshelby, np.full(3, hydrostatic))


def cavity_change(potency: float, load: float, poisson: float) -> float:
    """Return the change of the volume of a cavity: potency - pressure * volume / bulk modulus.

    Parameters
    ----------
    potency
        Total potency (m3).
    load
        Pressure over shear modulus, times the volume of the cavity (m3).
    poisson
        Poisson's ratio.

    Returns
    -------
    float
        Change of volume (m3).
    """
    return potency - 1.5 * (1.0 - 2.0 * poisson) / (1.0 + poisson) * load


@dataclass(frozen=True)
class PointEllipsoid(BuriedSource):
    """Pressurised ellipsoidal cavity, small beside its depth (pECM).

    Parameters
    ----------
    easting, northing
        Position of the centre (m).
    depth
        Depth of the centre (m); the cavity stays below the surface.
    semi_axes
        Semi-axes (m) along the x, y and z axes of the source, which point east, north and up before
        rotation; all positive.
    pressure_ratio
        Excess pressure over shear modulus; positive inflates.
    rotations
        Clockwise rotations (degrees) about the east, north and up axes, applied in this order.
    poisson
        Poisson's ratio, 0 to below 0.5.

    Raises
    ------
    ValueError
        If a number is not finite or out of range, or the cavity reaches the surface.

    References
    ----------
    Nikkhoo and Rivalta (2022), doi:10.1029/2021GL095442.

    Examples
    --------
    >>> sphere = PointEllipsoid(0, 0, 5e3, semi_axes=(500.0,) * 3, pressure_ratio=1e-3)
    >>> round(sphere.volume_change / (math.pi * 500.0**3 * 1e-3), 12)
    1.0
    """

    STRENGTHS = ("pressure_ratio",)

    _: KW_ONLY
    semi_axes: Triple
    pressure_ratio: float
    rotations: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_compressible(self.poisson)
        for axis, length in zip("xyz", self.semi_axes, strict=True):
            check_length(f"semi-axis {axis}", length)
        check_cavity(self.depth, self._rise())

    def _rise(self) -> float:
        """Height (m) of the highest point of the cavity above its centre."""
        axes = zip(self.semi_axes, rotated_axes(self.rotations), strict=True)
        return math.hypot(*(length * axis[2] for length, axis in axes))

    @property
    def _volume(self) -> float:
        return 4.0 / 3.0 * math.pi * math.prod(self.semi_axes)

    @property
    def potencies(self) -> Triple:
        """Potency (m3) of the point dislocations normal to the x, y and z axes."""
        strains = eigenstrain(self.semi_axes, self.poisson)
        x, y, z = (self._volume * self.pressure_ratio * strains).tolist()
        return x, y, z

    @property
    def potency(self) -> float:
        """Total potency (m3)."""
        return sum(self.potencies)

    @property
    def volume_change(self) -> float:
        """Change of the volume of the cavity (m3)."""
        return cavity_change(self.potency, self.pressure_ratio * self._volume, self.poisson)

    @property
    def top(self) -> float:
        """Depth (m) of the highest point of the cavity."""
        return self.depth - self._rise()

    def _add_displacement(self, points: Points, total: Array) -> None:
        for potency, axis in zip(self.potencies, rotated_axes(self.rotations), strict=True):
            normal = (float(axis[0]), float(axis[1]), float(axis[2]))
            add_point_opening(points, (self._centre, normal), (potency, float(self.poisson)), total)
