"""A pressurised prolate spheroid of finite size (Yang et al. 1988).

The cavity is Eshelby's inclusion of uniform eigenstrain (e_a along the axis, e_b across), seen
through the half-space: the first reflection between surface and cavity is left out. Per unit force
at a surface point its response is the integral over the spheroid of f = e* : sigma, a biharmonic
function of the position of the source. For such functions, with semi-axes a > b, c^2 = a^2 - b^2
and V the volume, the integral over the spheroid is one along the line between its foci:

    int f dV = 3 V / (4 c^3) int (c^2 - x^2) f dx + 3 V b^2 / (32 c^5) int (c^2 - x^2)^2 lap f dx.

By Beltrami and Michell lap f = -(e_a - e_b) / (1 + nu) d_x^2 tr(sigma). Integrated by parts, the
source is a line of isotropic points and of point dislocations normal to the axis, of polynomial
densities. They are the centres of dilatation and double forces of Yang et al., whose closed form
has singular lines and fails for a vertical axis. Here Gauss's rule integrates along the line, with
as many points as the distance of the surface asks for: it converges geometrically, and no
inclination is special.

References
----------
Yang, X.-M., Davis, P. M. and Dieterich, J. H. (1988). Deformation from inflation of a dipping
finite prolate spheroid in an elastic half-space as a model for volcanic stressing. J. Geophys. Res.
93 (B5), 4249-4257, doi:10.1029/JB093iB05p04249.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from bradyseism.physics.dislocation import Vector, compiled, kernel
from bradyseism.physics.ellipsoid import cavity_change, eigenstrain
from bradyseism.physics.half_space import (
    Array,
    BuriedSource,
    Points,
    check_cavity,
    check_compressible,
    check_length,
)
from bradyseism.physics.point_dislocation import point_opening_displacement

MOST_NODES = 512
"""Nodes along the axis at most: enough but for a needle within 1/1000 of its length of a point."""


@kernel
def axial_displacement(
    position: Vector, axis: Vector, potencies: tuple[float, float], poisson: float
) -> Vector:
    """Displacement of a surface point by a point source with an axis.

    Parameters
    ----------
    position
        From the surface point to the source, (east, north, down) in m.
    axis
        Unit vector in the same axes; its sign has no meaning.
    potencies
        Potency (m3) of the dislocations normal to each of three axes, and of one normal to the
        axis, added to them.
    poisson
        Poisson's ratio.

    Returns
    -------
    tuple of float
        East, north and up displacement (m).
    """
    x, y, z = position
    isotropic, axial = potencies
    square = x * x + y * y + z * z
    share = isotropic * (1.0 + poisson) / (math.pi * square * math.sqrt(square))
    east, north, up = point_opening_displacement(position, axis, poisson)
    return axial * east - share * x, axial * north - share * y, axial * up + share * z


@compiled
def add_axial_line(
    points: Points, line: tuple[Array, Array, Vector], poisson: float, total: Array
) -> None:
    """Add the displacement by axial point sources along a line to `total`, (3, n), at n points.

    `points` are (easting, northing, elevation), `line` is the nodes, (m, 3) as (east, north, down),
    their two potencies, (m, 2), and the unit vector along the line.
    """
    easting, northing, elevation = points
    nodes, potencies, axis = line
    for point in range(easting.size):
        for node in range(nodes.shape[0]):
            position = (
                nodes[node, 0] - easting[point],
                nodes[node, 1] - northing[point],
                nodes[node, 2] + elevation[point],
            )
            strengths = (potencies[node, 0], potencies[node, 1])
            east, north, up = axial_displacement(position, axis, strengths, poisson)
            total[0, point] += east
            total[1, point] += north
            total[2, point] += up


@dataclass(frozen=True)
class Yang(BuriedSource):
    """Pressurised prolate spheroid in any direction.

    Parameters
    ----------
    easting, northing
        Position of the centre (m).
    depth
        Depth of the centre (m); the spheroid stays below the surface.
    semi_major, semi_minor
        Semi-axes (m) along and across the axis of symmetry; the first is the longer one, or equal.
    pressure_ratio
        Excess pressure over shear modulus; positive inflates.
    plunge
        Angle of the axis below the horizontal (degrees), 0 to 90.
    trend
        Azimuth of its lower end, degrees clockwise from north.
    poisson
        Poisson's ratio, 0 to below 0.5; it enters the strength of the source too.

    Raises
    ------
    ValueError
        If a number is not finite or out of range, or the spheroid reaches the surface.

    References
    ----------
    Yang et al. (1988), doi:10.1029/JB093iB05p04249.

    Examples
    --------
    >>> chamber = Yang(0, 0, 6e3, semi_major=2e3, semi_minor=1e3, pressure_ratio=1e-3)
    >>> chamber.displacement(0.0, 0.0).round(5)[2]
    np.float64(0.02175)
    """

    STRENGTHS = ("pressure_ratio",)

    _: KW_ONLY
    semi_major: float
    semi_minor: float
    pressure_ratio: float
    plunge: float = 90.0
    trend: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_compressible(self.poisson)
        check_length("semi_major", self.semi_major)
        check_length("semi_minor", self.semi_minor)
        if self.semi_minor > self.semi_major:
            raise ValueError(
                f"semi_minor {self.semi_minor:g} m is longer than semi_major {self.semi_major:g} "
                "m: this spheroid is prolate; for a flat one take PennyCrack or PointEllipsoid"
            )
        if not 0.0 <= self.plunge <= 90.0:
            raise ValueError(
                f"plunge {self.plunge:g} deg is outside 0 to 90: give the trend of the lower end"
            )
        check_cavity(self.depth, self._rise())

    def _rise(self) -> float:
        """Height (m) of the highest point of the spheroid above its centre."""
        plunge = math.radians(self.plunge)
        return math.hypot(self.semi_major * math.sin(plunge), self.semi_minor * math.cos(plunge))

    @property
    def _volume(self) -> float:
        return 4.0 / 3.0 * math.pi * self.semi_major * self.semi_minor**2

    def _strains(self) -> tuple[float, float]:
        """Eigenstrain along and across the axis."""
        shape = (self.semi_major, self.semi_minor, self.semi_minor)
        along, across, _ = (self.pressure_ratio * eigenstrain(shape, self.poisson)).tolist()
        return along, across

    @property
    def potency(self) -> float:
        """Total potency (m3)."""
        along, across = self._strains()
        return self._volume * (along + 2.0 * across)

    @property
    def volume_change(self) -> float:
        """Change of the volume of the cavity (m3)."""
        return cavity_change(self.potency, self.pressure_ratio * self._volume, self.poisson)

    @property
    def top(self) -> float:
        """Depth (m) of the highest point of the spheroid."""
        return self.depth - self._rise()

    def _line(self, closest: float) -> tuple[Array, Array, Vector]:
        """Nodes, potencies and direction of the line, for points down to `closest` (m) above."""
        plunge, trend = math.radians(self.plunge), math.radians(self.trend)
        level, down = math.cos(plunge), math.sin(plunge)
        axis = (level * math.sin(trend), level * math.cos(trend), down)
        focus = math.sqrt(self.semi_major**2 - self.semi_minor**2)
        s, weights = np.polynomial.legendre.leggauss(_node_count(focus, focus * level, closest))
        along, across = self._strains()
        excess = along - across
        weights *= 0.75 * self._volume
        parabola = weights * (1.0 - s * s)
        isotropic = across * parabola
        if focus > 0:
            reflected = 0.5 * (self.semi_minor / focus) ** 2 / (1.0 + self.poisson)
            isotropic += excess * reflected * weights * (1.0 - 3.0 * s * s)
        nodes = np.array(self._centre) + focus * np.outer(s, axis)
        return nodes, np.column_stack([isotropic, excess * parabola]), axis

    def _add_displacement(self, points: Points, total: Array) -> None:
        lowest = float(np.fmin.reduce(points[2], initial=math.inf))
        line = self._line(self.depth + (lowest if math.isfinite(lowest) else 0.0))
        add_axial_line(points, line, float(self.poisson), total)


def _node_count(focus: float, reach: float, depth: float) -> int:
    """Nodes after which Gauss's rule has converged to the last digit at every surface point.

    Its error falls as rho^-2n, with rho the sum of the half-axes of the ellipse, with the ends of
    the line as foci, through the surface point where the sum of the distances from the foci is
    least: that point by the law of reflection. `reach` is the horizontal part of `focus`.
    """
    if focus == 0:
        return 2
    ratio = max(math.hypot(reach, depth) / focus, 1.0 + 1e-9)
    rho = ratio + math.sqrt(ratio * ratio - 1.0)
    return min(4 + math.ceil(18.5 / math.log(rho)), MOST_NODES)
