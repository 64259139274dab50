"""A rectangular dislocation that opens and slips in any direction (Okada 1985).

The kernel of `dislocation` for any jump b instead of the unit normal n: the radial part of the
stress contributes -3 (n . X) (b . X) X / R^5, and the other part (m_n . grad) (m_b . grad) d_k chi
with m_v = (v_y, -v_x, 0). As m_n lies in the plane, the integral over the rectangle is one over its
edges again, with other weights and the same branches.

References
----------
Okada, Y. (1985). Surface deformation due to shear and tensile faults in a half-space. Bull.
Seismol. Soc. Am. 75, 1135-1154.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from bradyseism.physics.dislocation import (
    PER_TURN,
    SIGNS,
    SMALLEST,
    Rectangle,
    Sight,
    Vector,
    along_axes,
    compiled,
    kernel,
    rectangle,
    tension,
)
from bradyseism.physics.half_space import (
    Array,
    BuriedSource,
    Points,
    check_length,
)

ROUNDING = 1e-12
"""Share of depth and width by which the upper edge may stand above the surface through rounding."""


@kernel
def _radial(sight: Sight, jump: Vector, angle: float) -> Vector:
    """Integral of 3 (n . X) (b . X) X / R^5; jump and result along (normal, first, second)."""
    distance, h, first_run, second_run = sight
    normal_first = normal_second = first_first = second_second = first_second = 0.0
    for corner in range(4):
        a, b = first_run[corner % 2], second_run[corner // 2]
        share = SIGNS[corner] / distance[corner]
        by_first = share * b / (a * a + h * h + SMALLEST)
        by_second = share * a / (b * b + h * h + SMALLEST)
        normal_first -= by_first
        normal_second -= by_second
        first_first += a * by_first
        second_second += b * by_second
        first_second += share
    normal_first, normal_second, first_second = (
        h * h * normal_first,
        h * h * normal_second,
        h * first_second,
    )
    first_first, second_second = angle - h * first_first, angle - h * second_second
    # The three direct parts add up to three solid angles, as X . X = R^2.
    normal_normal = 3.0 * angle - first_first - second_second
    return (
        jump[0] * normal_normal + jump[1] * normal_first + jump[2] * normal_second,
        jump[0] * normal_first + jump[1] * first_first + jump[2] * first_second,
        jump[0] * normal_second + jump[1] * first_second + jump[2] * second_second,
    )


@kernel
def dislocation_displacement(
    position: Vector, source: Rectangle, jump: Vector, poisson: float
) -> Vector:
    """Displacement of a surface point by a rectangle with a constant jump across it.

    Parameters
    ----------
    position
        From the surface point to the centre of the rectangle, (east, north, down) in m.
    source
        The rectangle, made with this jump, wholly at or below the level of the point.
    jump
        Displacement (m) of the side that the normal points to against the other side, along
        (normal, first, second) of the rectangle.
    poisson
        Poisson's ratio.

    Returns
    -------
    tuple of float
        East, north and up displacement (m).
    """
    traction, angle, sight = tension(position, source)
    radial = along_axes(source, _radial(sight, jump, angle))
    share = 1.0 - 2.0 * poisson
    return (
        (share * traction[0] - radial[0]) * PER_TURN,
        (share * traction[1] - radial[1]) * PER_TURN,
        (radial[2] - share * traction[2]) * PER_TURN,
    )


@compiled
def add_dislocation(
    points: Points, source: tuple[Rectangle, Vector], poisson: float, total: Array
) -> None:
    """Add the displacement by one rectangle to `total`, (3, n), at n points.

    `points` are (easting, northing, elevation), `source` is the rectangle and its jump (m) along
    (normal, first, second).
    """
    easting, northing, elevation = points
    plane, jump = source
    x, y, z = plane.centre
    for point in range(easting.size):
        position = (x - easting[point], y - northing[point], z + elevation[point])
        east, north, up = dislocation_displacement(position, plane, jump, poisson)
        total[0, point] += east
        total[1, point] += north
        total[2, point] += up


@dataclass(frozen=True)
class Okada(BuriedSource):
    """Rectangular dislocation with uniform opening, strike slip and dip slip.

    Parameters
    ----------
    easting, northing
        Position of the centre (m).
    depth
        Depth of the centre (m), positive down.
    length, width
        Full length along strike and full width down dip (m).
    strike, dip
        Strike in degrees clockwise from north, dip in degrees from the horizontal, 0 to 90, to the
        right of strike.
    opening
        Opening (m); positive inflates.
    strike_slip
        Slip along strike (m); positive is left-lateral.
    dip_slip
        Slip along dip (m); positive moves the upper side up (reverse, thrust).
    poisson
        Poisson's ratio, 0 to 0.5.

    Raises
    ------
    ValueError
        If a number is not finite or out of range, or the rectangle reaches above the surface. Its
        upper edge may lie in the surface, but there the displacement has no value.

    Notes
    -----
    Slip of size s and rake r (Aki and Richards) is strike_slip = s cos r, dip_slip = s sin r.
    Without slip this is `CDM.sill` and `CDM.dyke`.

    References
    ----------
    Okada (1985), Bull. Seismol. Soc. Am. 75, 1135-1154.

    Examples
    --------
    >>> fault = Okada(0.0, 0.0, 5e3, length=8e3, width=4e3, strike=0.0, dip=90.0, strike_slip=1.0)
    >>> fault.displacement([-4e3, 4e3], [0.0, 0.0])[1].round(4)
    array([-0.0312,  0.0312])
    """

    STRENGTHS = ("opening", "strike_slip", "dip_slip")

    _: KW_ONLY
    length: float
    width: float
    strike: float
    dip: float
    opening: float = 0.0
    strike_slip: float = 0.0
    dip_slip: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_length("length", self.length)
        check_length("width", self.width)
        if not 0.0 <= self.dip <= 90.0:
            raise ValueError(
                f"dip {self.dip:g} deg is outside 0 to 90: for a plane that dips to the left turn "
                "the strike by 180"
            )
        if self.top < -ROUNDING * (self.depth + self.width):
            raise ValueError(
                f"source reaches above the surface: its upper edge is at {-self.top:g} m with the "
                f"centre at depth {self.depth:g} m; place it deeper, or make it narrower or flatter"
            )

    @property
    def top(self) -> float:
        """Depth (m) of the upper edge."""
        return self.depth - 0.5 * self.width * math.sin(math.radians(self.dip))

    @property
    def potency(self) -> float:
        """Opening times area (m3): the volume change of the crack, if it is one."""
        return self.opening * self.length * self.width

    @property
    def slip_potency(self) -> float:
        """Slip times area (m3), not negative; times the shear modulus it is the moment."""
        return math.hypot(self.strike_slip, self.dip_slip) * self.length * self.width

    def _add_displacement(self, points: Points, total: Array) -> None:
        strike, dip = math.radians(self.strike), math.radians(self.dip)
        along = np.array([math.sin(strike), math.cos(strike), 0.0])
        down_dip = np.array([math.cos(dip) * along[1], -math.cos(dip) * along[0], math.sin(dip)])
        # Along strike x down dip points out of the upper side, the one whose motion is given.
        outward = np.cross(along, down_dip)
        jump = (float(self.opening), float(self.strike_slip), -float(self.dip_slip))
        plane = rectangle(
            np.array(self._centre),
            0.5 * self.length * along,
            0.5 * self.width * down_dip,
            jump[0] * outward + jump[1] * along + jump[2] * down_dip,
        )
        add_dislocation(points, (plane, jump), float(self.poisson), total)
