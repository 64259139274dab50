"""Opening point dislocations in an elastic half-space, seen at the free surface: scalar kernels.

The integrand of `dislocation`: -3 (n . X)^2 X / R^5 plus (1 - 2 nu) times the second derivative of
grad chi along m = (n_y, -n_x, 0), over 2 pi. Same frame: x east, y north, z down.

References
----------
Okada, Y. (1985). Surface deformation due to shear and tensile faults in a half-space. Bull.
Seismol. Soc. Am. 75, 1135-1154.
"""

from __future__ import annotations

import math

from bradyseism.physics.dislocation import PER_TURN, Pair, Vector, compiled, kernel
from bradyseism.physics.half_space import Array, Points


@kernel
def point_opening_displacement(position: Vector, normal: Vector, poisson: float) -> Vector:
    """Displacement of a surface point by a point dislocation of unit potency.

    Parameters
    ----------
    position
        From the surface point to the source, (east, north, down) in m.
    normal
        Unit normal of the dislocation in the same axes; its sign has no meaning.
    poisson
        Poisson's ratio.

    Returns
    -------
    tuple of float
        East, north and up displacement (m per m3 of potency).
    """
    x, y, z = position
    r = math.sqrt(x * x + y * y + z * z)
    drop = r + z
    m_x, m_y = normal[1], -normal[0]
    m_m = m_x * m_x + m_y * m_y
    x_m = x * m_x + y * m_y
    # Second derivatives along m of d_z chi = log(R + z) and of d_x chi = -x / (R + z), d_y chi.
    one = 1.0 / (r * drop)
    two = one / drop
    radial = m_m * two - x_m * x_m * (3.0 * r + z) * two * one / r
    down = m_m * one - x_m * x_m * (2.0 * r + z) * one * one / r
    share = 1.0 - 2.0 * poisson
    n_x = x * normal[0] + y * normal[1] + z * normal[2]
    towards = 3.0 * n_x * n_x / r**5
    east = share * (x * radial + 2.0 * m_x * x_m * two) - towards * x
    north = share * (y * radial + 2.0 * m_y * x_m * two) - towards * y
    return east * PER_TURN, north * PER_TURN, (towards * z - share * down) * PER_TURN


@compiled
def add_point_opening(
    points: Points, source: tuple[Vector, Vector], numbers: Pair, total: Array
) -> None:
    """Add the displacement by one point dislocation to `total`, (3, n), at n points.

    `points` are (easting, northing, elevation), `source` is its (east, north, down) position and
    unit normal, `numbers` are its potency (m3) and Poisson's ratio.
    """
    easting, northing, elevation = points
    (x, y, z), normal = source
    potency, poisson = numbers
    for point in range(easting.size):
        position = (x - easting[point], y - northing[point], z + elevation[point])
        east, north, up = point_opening_displacement(position, normal, poisson)
        total[0, point] += potency * east
        total[1, point] += potency * north
        total[2, point] += potency * up
