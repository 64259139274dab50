"""A pressurised sphere of finite size (McTigue 1987).

The series in radius over depth is carried to the sixth power: Mogi's point source and the first
reflection between the free surface and the cavity. The neglected rest makes it a source for
radius / depth of up to about a half.

References
----------
McTigue, D. F. (1987). Elastic stress and deformation near a finite spherical magma body: resolution
of the point source paradox. J. Geophys. Res. 92 (B12), 12931-12940, doi:10.1029/JB092iB12p12931.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

from bradyseism.physics.dislocation import Vector, compiled, kernel
from bradyseism.physics.half_space import (
    Array,
    BuriedSource,
    Points,
    check_cavity,
    check_length,
)


@kernel
def sphere_displacement(position: Vector, radius: float, poisson: float) -> Vector:
    """Displacement of a surface point by a sphere whose pressure is the shear modulus.

    Parameters
    ----------
    position
        From the surface point to the centre, (east, north, down) in m.
    radius
        Radius (m), less than the depth.
    poisson
        Poisson's ratio.

    Returns
    -------
    tuple of float
        East, north and up displacement (m), equations 52 and 53.
    """
    x, y, z = position
    square = x * x + y * y + z * z
    reflection = 15.0 * (2.0 - poisson) * z * z / square - 2.0 * (1.0 + poisson)
    reflection *= (radius / z) ** 3 / (4.0 * (7.0 - 5.0 * poisson))
    share = (1.0 - poisson) * radius**3 / (square * math.sqrt(square)) * (1.0 + reflection)
    return -share * x, -share * y, share * z


@compiled
def add_sphere(
    points: Points, centre: Vector, numbers: tuple[float, float, float], total: Array
) -> None:
    """Add the displacement by one sphere to `total`, (3, n), at n points.

    `points` are (easting, northing, elevation), `centre` is (east, north, down) in m, `numbers`
    are radius (m), pressure over shear modulus, and Poisson's ratio.
    """
    easting, northing, elevation = points
    x, y, z = centre
    radius, pressure_ratio, poisson = numbers
    for point in range(easting.size):
        position = (x - easting[point], y - northing[point], z + elevation[point])
        east, north, up = sphere_displacement(position, radius, poisson)
        total[0, point] += pressure_ratio * east
        total[1, point] += pressure_ratio * north
        total[2, point] += pressure_ratio * up


@dataclass(frozen=True)
class McTigue(BuriedSource):
    """Pressurised sphere of finite radius.

    Parameters
    ----------
    easting, northing
        Position of the centre (m).
    depth
        Depth of the centre (m), more than the radius.
    radius
        Radius (m).
    pressure_ratio
        Excess pressure over shear modulus; positive inflates.
    poisson
        Poisson's ratio, 0 to 0.5.

    Raises
    ------
    ValueError
        If a number is not finite or out of range, or the sphere reaches the surface.

    References
    ----------
    McTigue (1987), equations 52 and 53, doi:10.1029/JB092iB12p12931.

    Examples
    --------
    >>> sphere = McTigue(0.0, 0.0, 5e3, radius=500.0, pressure_ratio=1e-3)
    >>> sphere.displacement(0.0, 0.0).round(6)[2]
    np.float64(0.003754)
    """

    STRENGTHS = ("pressure_ratio",)

    _: KW_ONLY
    radius: float
    pressure_ratio: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_length("radius", self.radius)
        check_cavity(self.depth, self.radius)

    @property
    def volume_change(self) -> float:
        """Change of the sphere's volume (m3), as in a medium without a surface."""
        return math.pi * self.radius**3 * self.pressure_ratio

    @property
    def potency(self) -> float:
        """Total potency (m3) of the point source of this volume."""
        return 3.0 * (1.0 - self.poisson) / (1.0 + self.poisson) * self.volume_change

    @property
    def top(self) -> float:
        """Depth (m) of the top of the sphere."""
        return self.depth - self.radius

    def _add_displacement(self, points: Points, total: Array) -> None:
        numbers = (float(self.radius), float(self.pressure_ratio), float(self.poisson))
        add_sphere(points, self._centre, numbers, total)
