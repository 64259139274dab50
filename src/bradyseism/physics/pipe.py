"""Vertical conduits: open and closed pipes (Bonaccorso and Davis 1999).

A thin pipe is a vertical line of point dislocations that open by the potencies D, D across it and E
along it, per metre. With r and z from the point to the source, the integrand at the surface is

    (r, z) / (2 pi) * (D (3 r^2 / R^5 - (1 - 2 nu) / R^3) + E 3 z^2 / R^5),

and its integral over depth is elementary. It is written in 1 / (R (R + z)), so that nothing cancels
over the pipe. With S = pi radius^2 pressure / shear modulus, the pipe is

- closed, a pressurised needle: D = S (2 - nu) / (2 + 2 nu), E = S (1 - 2 nu) / (2 + 2 nu), the
  elongated limit of the ellipsoidal cavity of Eshelby (1957), 0.7 S and 0.2 S at nu = 0.25;
- open, whose walls alone move: D = S, E = 0, at any nu.

The open pipe's walls are given the jump of the free cavity, 1 / (1 - nu) of what a long cylinder
under the same pressure needs; the strength is kept as published.

References
----------
Bonaccorso, A. and Davis, P. M. (1999). Models of ground deformation from vertical volcanic conduits
with application to eruptions of Mount St. Helens and Mount Etna. J. Geophys. Res. 104 (B5),
10531-10542, doi:10.1029/1999JB900054.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

from bradyseism.physics.dislocation import PER_TURN, Pair, Vector, compiled, kernel
from bradyseism.physics.half_space import (
    Array,
    BuriedSource,
    Points,
    check_cavity,
    check_length,
)


@kernel
def _integral(r: float, z: float, densities: Pair, poisson: float) -> Pair:
    """Antiderivative over depth of the outward and upward displacement, times 2 pi."""
    across, along = densities
    square = r * r
    distance = math.sqrt(square + z * z)
    one = 1.0 / distance
    # Integrals of r / R^3, 3 r^3 / R^5, z / R^3 and 3 r^2 z / R^5, up to constants.
    flat = -r * one / (distance + z)
    radial = r * one * (z * one * one - 2.0 / (distance + z))
    lift, rise = -one, -square * one**3
    share = 1.0 - 2.0 * poisson
    outward = across * (radial - share * flat) + along * (3.0 * flat - radial)
    upward = across * (rise - share * lift) + along * (3.0 * lift - rise)
    return outward, upward


@kernel
def pipe_displacement(position: Vector, height: float, densities: Pair, poisson: float) -> Vector:
    """Displacement of a surface point by a vertical line of point dislocations.

    Parameters
    ----------
    position
        From the surface point to the centre of the line, (east, north, down) in m.
    height
        Half the length of the line (m), less than its depth.
    densities
        Potency (m3) per metre of the dislocations normal to each horizontal axis, and of those
        normal to the vertical one.
    poisson
        Poisson's ratio.

    Returns
    -------
    tuple of float
        East, north and up displacement (m).
    """
    x, y, z = position
    r = math.sqrt(x * x + y * y)
    top = _integral(r, z - height, densities, poisson)
    bottom = _integral(r, z + height, densities, poisson)
    outward = (bottom[0] - top[0]) * PER_TURN
    # Above the pipe the outward part is zero (or missing) and has no direction.
    share = outward / r if r != 0.0 else outward
    return -share * x, -share * y, (bottom[1] - top[1]) * PER_TURN


@compiled
def add_pipe(
    points: Points, line: tuple[Vector, float, Pair], poisson: float, total: Array
) -> None:
    """Add the displacement by one pipe to `total`, (3, n), at n points.

    `points` are (easting, northing, elevation), `line` is the (east, north, down) centre in m, half
    the length in m, and the two densities of `pipe_displacement`.
    """
    easting, northing, elevation = points
    (x, y, z), height, densities = line
    for point in range(easting.size):
        position = (x - easting[point], y - northing[point], z + elevation[point])
        east, north, up = pipe_displacement(position, height, densities, poisson)
        total[0, point] += east
        total[1, point] += north
        total[2, point] += up


@dataclass(frozen=True)
class Pipe(BuriedSource):
    """Thin vertical conduit, closed or open.

    Parameters
    ----------
    easting, northing
        Position (m).
    depth
        Depth of the middle of the pipe (m), more than half its length.
    length
        Full length (m).
    radius
        Radius (m), small beside length and depth.
    pressure_ratio
        Excess pressure over shear modulus; positive inflates.
    opened
        Whether magma can leave at the ends, so that only the wall moves. A closed pipe is a
        pressurised needle.
    poisson
        Poisson's ratio, 0 to 0.5.

    Raises
    ------
    ValueError
        If a number is not finite or out of range, or the pipe reaches the surface.

    References
    ----------
    Bonaccorso and Davis (1999), equations 5 and 10, doi:10.1029/1999JB900054.

    Examples
    --------
    >>> pipe = Pipe(0.0, 0.0, 3e3, length=2e3, radius=50.0, pressure_ratio=1e-3)
    >>> pipe.densities
    (5.497787143782138, 1.5707963267948966)
    """

    STRENGTHS = ("pressure_ratio",)

    _: KW_ONLY
    length: float
    radius: float
    pressure_ratio: float
    opened: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_length("length", self.length)
        check_length("radius", self.radius)
        check_cavity(self.depth, self.length / 2)

    @property
    def densities(self) -> Pair:
        """Potency (m3 per m) across each horizontal axis, and along the pipe."""
        strength = math.pi * self.radius**2 * self.pressure_ratio
        if self.opened:
            return strength, 0.0
        share = strength / (2.0 * (1.0 + self.poisson))
        return share * (2.0 - self.poisson), share * (1.0 - 2.0 * self.poisson)

    @property
    def potency(self) -> float:
        """Total potency (m3)."""
        across, along = self.densities
        return self.length * (2.0 * across + along)

    @property
    def top(self) -> float:
        """Depth (m) of the upper end."""
        return self.depth - self.length / 2

    def _add_displacement(self, points: Points, total: Array) -> None:
        across, along = self.densities
        line = (self._centre, float(self.length / 2), (float(across), float(along)))
        add_pipe(points, line, float(self.poisson), total)
