"""Opening dislocations in an elastic half-space, seen at the free surface: scalar kernels.

The displacement along k of a surface point equals the traction that a unit force at that point,
along k, exerts across the dislocation (reciprocity). The stress of such a force (Boussinesq 1885,
Cerruti 1882) has two parts,

    sigma_ij = -3 X_i X_j X_k / (2 pi R^5) + (1 - 2 nu) / (2 pi) T_ij,

with X the vector from the surface point to the source, R its length and z its depth. The first is
purely radial. The second has no component on horizontal planes and follows from one harmonic
function, chi = z log(R + z) - R: its normal traction on a plane of unit normal n is (m . grad)^2
d_k chi, with m = (n_y, -n_x, 0). As m lies in the plane, the integral over a rectangle is a line
integral over its edges. Both parts have closed forms in the distances of the corners, three
logarithms and two angles. They are the surface displacement of the rectangular dislocation of
Nikkhoo et al. (2017), three of which make a compound dislocation model.

The closed forms in use divide by the squared tilt of an edge from the vertical and lose all digits
at tilts of 1e-5 to 0.03 degrees. Here edges nearer than `UPRIGHT` to the vertical take the same
integrals with the tilt divided out analytically, exact down to tilt zero. Every edge is walked
downwards, and the distance of a point to the side of an edge is computed once for both ends: no
angle crosses a branch cut, and points on the surface projection of an edge are like any other. On
the trace of a rectangle that touches the surface the displacement jumps and no value there has a
meaning.

Frame of the kernels: x east, y north, z **down**; lengths in metres; displacement (east, north,
up).

References
----------
Nikkhoo, M., Walter, T. R., Lundgren, P. R. and Prats-Iraola, P. (2017). Compound dislocation models
(CDMs) for volcano deformation analyses. Geophys. J. Int. 208, 877-894, doi:10.1093/gji/ggw427.

Okada, Y. (1985). Surface deformation due to shear and tensile faults in a half-space. Bull.
Seismol. Soc. Am. 75, 1135-1154.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar, cast

import numba
import numpy as np

from bradyseism.physics.half_space import Array, Points

P = ParamSpec("P")
T = TypeVar("T")
Pair = tuple[float, float]
Vector = tuple[float, float, float]
Corners = tuple[float, float, float, float]

UPRIGHT = 0.1
"""Sine of the tilt from the vertical below which an edge takes the expanded integrals."""

PER_TURN = 0.5 / math.pi

SIGNS = (1.0, -1.0, -1.0, 1.0)
"""End minus start of the far edge minus that of the near edge, in the order of the corners."""

SMALLEST = 1e-300
"""Added to squared distances that vanish only together with the factor before their quotient."""


def compiled(function: Callable[P, T], *, inline: bool = False) -> Callable[P, T]:
    """Compile for the machine, cached on disk; division by zero gives inf or NaN as in numpy."""
    # Inlined kernels leave one loop without calls, which LLVM turns into vector instructions.
    compile_kernel = numba.njit(cache=True, error_model="numpy", forceinline=inline)
    return cast(Callable[P, T], compile_kernel(function))


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """Compile a part of a loop's body."""
    return compiled(function, inline=True)


class Side(NamedTuple):
    """One of the two edge directions of a rectangle, and what depends on it alone.

    `along` is the unit vector, pointing down; `sine`, `cosine` and `half_tangent` (of half the
    angle) belong to its angle from the vertical; (`east`, `north`) is its horizontal direction, the
    e axis, and (-north, east) the g axis. `half` is half the length of these edges, `offset` the
    (e, g) position of the far edge relative to the centre. `weight` turns second derivatives of chi
    along e and g, integrated over the edges, into a traction.
    """

    along: Vector
    sine: float
    cosine: float
    half_tangent: float
    east: float
    north: float
    half: float
    offset: Pair
    weight: Pair


class Rectangle(NamedTuple):
    """A rectangle below the surface: centre, unit normal, and its two directions of edges."""

    centre: Vector
    normal: Vector
    first: Side
    second: Side


class Edges(NamedTuple):
    """The two opposite edges of a side, seen from a surface point.

    Corners come as (near edge's start, near edge's end, far edge's start, far edge's end).
    `distance` is R, `drop` R + z, `forward` the e coordinate; `lateral` the g coordinate of the two
    edges, `run` the coordinate along them of start and end; `logarithm` the double difference of
    log(R + z).
    """

    distance: Corners
    drop: Corners
    forward: Corners
    lateral: Pair
    run: Pair
    logarithm: float


class Sight(NamedTuple):
    """A rectangle in its own frame, seen from a surface point.

    `distance` to the four corners, `normal` distance to its plane, and the coordinates of its ends
    along the `first` and the `second` edges.
    """

    distance: Corners
    normal: float
    first: Pair
    second: Pair


def rectangle(centre: Array, first: Array, second: Array, jump: Array | None = None) -> Rectangle:
    """Describe a rectangle for the kernels.

    Parameters
    ----------
    centre, first, second
        Centre and two perpendicular half-edges of non-zero length, each (east, north, down) in m.
        Those that point up are turned round.
    jump
        Displacement (east, north, down) in m of the side that first x second points to, against
        the other side. None is a unit opening, which has no preferred side.

    Returns
    -------
    Rectangle
        With the edges pointing down.
    """
    first, second = (edge if edge[2] >= 0 else -edge for edge in (first, second))
    normal = np.cross(first, second)
    normal = normal / np.linalg.norm(normal)
    moved = normal if jump is None else jump
    sides = (_side(first, second, (normal, moved)), _side(second, first, (normal, moved)))
    return Rectangle(_vector(centre), _vector(normal), *sides)


def _vector(array: Array) -> Vector:
    return float(array[0]), float(array[1]), float(array[2])


def _side(half_edge: Array, across: Array, moments: tuple[Array, Array]) -> Side:
    """Work out one direction of edges; `across` leads from the centre to the far edge.

    `moments` are the normal of the plane and the jump across it.
    """
    half = float(np.linalg.norm(half_edge))
    along = half_edge / half
    sine = float(np.hypot(along[0], along[1]))
    # A vertical edge has no azimuth and its integrals need none: take any.
    east, north = (along[:2] / sine).tolist() if sine > 0 else (1.0, 0.0)
    axes = np.array([[east, north], [-north, east]])
    trace, moved = (np.array([vector[1], -vector[0]]) for vector in moments)
    offset = axes @ across[:2]
    weight = (trace @ across[:2]) / np.linalg.norm(across) * (axes @ moved)
    return Side(
        along=_vector(along),
        sine=sine,
        cosine=float(along[2]),
        half_tangent=sine / (1.0 + float(along[2])),
        east=east,
        north=north,
        half=half,
        offset=(float(offset[0]), float(offset[1])),
        weight=(float(weight[0]), float(weight[1])),
    )


@kernel
def _stretch(distance_start: float, distance_end: float, run: Pair) -> float:
    """R + l at the end of an edge over that at its start, without cancellation where l < 0."""
    if run[0] + run[1] < 0.0:
        return (distance_start - run[0]) / (distance_end - run[1])
    return (distance_end + run[1]) / (distance_start + run[0])


@kernel
def _turn(side: Side, lateral: float, drops: Pair, forwards: Pair) -> Pair:
    """Complex number whose angle, within a quarter turn, is minus half the edge's solid angle."""
    half_tangent = side.half_tangent
    if forwards[0] < 0.0 and forwards[1] < 0.0:
        # The same angle counted from the other end of the line: nothing cancels where e < 0.
        start = half_tangent * drops[0] - forwards[0]
        end = half_tangent * drops[1] - forwards[1]
        return start * end + lateral * lateral, lateral * (end - start)
    start = drops[0] + half_tangent * forwards[0]
    end = drops[1] + half_tangent * forwards[1]
    lateral = half_tangent * lateral
    return start * end + lateral * lateral, lateral * (start - end)


@kernel
def _inclined(side: Side, edges: Edges) -> tuple[Vector, float]:
    """Traction along (e, g, z) and solid angle of a pair of edges well off the vertical.

    Along an edge d_l = sine d_e + cosine d_z: each integral of the Hessian of chi gives the next,
    and Laplace's equation the last.
    """
    distance, drop, forward, lateral, run, logarithm = edges
    near = _stretch(distance[0], distance[1], run)
    far = _stretch(distance[2], distance[3], run)
    zz = math.log(far / near)
    near_x, near_y = _turn(side, lateral[0], (drop[0], drop[1]), (forward[0], forward[1]))
    far_x, far_y = _turn(side, lateral[1], (drop[2], drop[3]), (forward[2], forward[3]))
    # One angle of a quotient: each of the two lies within a quarter turn, so no branch is lost.
    angle = -2.0 * math.atan2(far_y * near_x - far_x * near_y, far_x * near_x + far_y * near_y)
    chi_e = chi_g = 0.0
    for corner in range(4):
        share = SIGNS[corner] / drop[corner]
        chi_e -= share * forward[corner]
        chi_g -= share * lateral[corner // 2]
    per_sine = 1.0 / side.sine
    ez = (logarithm - side.cosine * zz) * per_sine
    ee = (chi_e - side.cosine * ez) * per_sine
    gz = angle * per_sine
    eg = (chi_g - side.cosine * gz) * per_sine
    along_e, along_g = side.weight
    traction = (
        along_e * ee + along_g * eg,
        along_e * eg - along_g * (ee + zz),
        along_e * ez + along_g * gz,
    )
    return traction, angle


@kernel
def _logarithm_rest(x: float) -> float:
    """(log(1 + x) - x) / x^2 for abs(x) < 0.12."""
    y = x / (2.0 + x)
    y2 = y * y
    odd = 1 / 3 + y2 * (1 / 5 + y2 * (1 / 7 + y2 * (1 / 9 + y2 * (1 / 11 + y2 / 13))))
    return 0.5 * (1.0 - y) * ((1.0 - y) * y * odd - 1.0)


@kernel
def _angle_rest(x: float) -> float:
    """(atan(x) - x) / x^3 for abs(x) < 0.06."""
    x2 = x * x
    return -1 / 3 + x2 * (1 / 5 + x2 * (-1 / 7 + x2 * (1 / 9 + x2 * (-1 / 11 + x2 / 13))))


@kernel
def _upright(side: Side, edges: Edges) -> tuple[Vector, float]:
    """Traction along (e, g, z) and solid angle of a pair of edges near the vertical.

    The integrals of `_inclined`, with 1 - cosine = half_tangent sine and the leading terms of
    log(R + l) - log(R + z) and of the angle cancelled by hand.
    """
    sine, cosine, half_tangent = side.sine, side.cosine, side.half_tangent
    tilt = bend = slope = curl = shear = depth = 0.0
    for corner in range(4):
        distance, drop = edges.distance[corner], edges.drop[corner]
        forward, sign = edges.forward[corner] / drop, SIGNS[corner]
        down = (drop - distance) / drop
        k = forward - half_tangent * down
        q = edges.lateral[corner // 2] / (drop * (1.0 + half_tangent * forward))
        depth += sign * down
        tilt += sign * k
        bend += sign * k * k * _logarithm_rest(sine * k)
        slope += sign * q
        curl += sign * half_tangent * q * q * q * _angle_rest(half_tangent * q)
        shear += sign * q * (forward + half_tangent)
    fraction = 0.5 * (1.0 + half_tangent * half_tangent)  # half_tangent / sine
    lean = tilt + sine * bend
    zz = edges.logarithm + sine * lean
    ez = half_tangent * edges.logarithm - cosine * lean
    ee = cosine * (cosine * bend - (edges.logarithm + cosine * depth) / (1.0 + cosine))
    ee -= sine * (tilt + half_tangent * depth)
    gz = -2.0 * fraction * (slope + half_tangent * curl)
    eg = fraction * (2.0 * cosine * fraction * curl - shear)
    along_e, along_g = side.weight
    traction = (
        along_e * ee + along_g * eg,
        along_e * eg - along_g * (ee + zz),
        along_e * ez + along_g * gz,
    )
    return traction, sine * gz


@kernel
def _edge_pair(
    side: Side, middle: Vector, corners: tuple[Corners, Corners], run: Pair, logarithm: float
) -> tuple[Vector, float]:
    """Traction along (east, north, down) and solid angle of the two edges of one side."""
    forward = middle[0] * side.east + middle[1] * side.north
    lateral = middle[1] * side.east - middle[0] * side.north
    reach = side.half * side.sine
    near, far = forward - side.offset[0], forward + side.offset[0]
    edges = Edges(
        corners[0],
        corners[1],
        (near - reach, near + reach, far - reach, far + reach),
        (lateral - side.offset[1], lateral + side.offset[1]),
        run,
        logarithm,
    )
    if side.sine < UPRIGHT:
        (along_e, along_g, down), angle = _upright(side, edges)
    else:
        (along_e, along_g, down), angle = _inclined(side, edges)
    east = along_e * side.east - along_g * side.north
    north = along_e * side.north + along_g * side.east
    return (east, north, down), angle


@kernel
def _radial(sight: Sight) -> Vector:
    """Integral of 3 (n . X)^2 X / R^5 less the solid angle, along (normal, first, second)."""
    distance, normal_distance, first_run, second_run = sight
    square = normal_distance * normal_distance
    normal = first = second = 0.0
    for corner in range(4):
        a, b = first_run[corner % 2], second_run[corner // 2]
        by_first = b / (a * a + square + SMALLEST)
        by_second = a / (b * b + square + SMALLEST)
        share = SIGNS[corner] / distance[corner]
        normal += share * (a * by_first + b * by_second)
        first -= share * by_first
        second -= share * by_second
    return normal_distance * normal, square * first, square * second


@kernel
def tension(position: Vector, source: Rectangle) -> tuple[Vector, float, Sight]:
    """Integrate the part of the stress that follows from chi over a rectangle.

    Parameters
    ----------
    position
        From the surface point to the centre of the rectangle, (east, north, down) in m.
    source
        The rectangle, wholly below the level of the point.

    Returns
    -------
    traction
        Integral of the Hessian of grad chi, contracted with the weights of the sides, along (east,
        north, down).
    angle
        Solid angle of the rectangle, signed as the distance along its normal.
    sight
        The corners, for `radial` and its like.
    """
    _, n, first, second = source
    h = position[0] * n[0] + position[1] * n[1] + position[2] * n[2]
    t, s = first.along, second.along
    a = position[0] * t[0] + position[1] * t[1] + position[2] * t[2]
    b = position[0] * s[0] + position[1] * s[1] + position[2] * s[2]
    a_run, b_run = (a - first.half, a + first.half), (b - second.half, b + second.half)
    a0, a1, b0, b1 = a_run[0] ** 2, a_run[1] ** 2, b_run[0] ** 2 + h * h, b_run[1] ** 2 + h * h
    r = (math.sqrt(a0 + b0), math.sqrt(a1 + b0), math.sqrt(a0 + b1), math.sqrt(a1 + b1))
    rise, lift = first.half * t[2], second.half * s[2]
    top, bottom = position[2] - lift, position[2] + lift
    d = (r[0] + top - rise, r[1] + top + rise, r[2] + bottom - rise, r[3] + bottom + rise)
    logarithm = math.log((d[0] * d[3]) / (d[1] * d[2]))
    swapped = ((r[0], r[2], r[1], r[3]), (d[0], d[2], d[1], d[3]))
    one, one_angle = _edge_pair(first, position, (r, d), a_run, logarithm)
    two, two_angle = _edge_pair(second, position, swapped, b_run, logarithm)
    traction = (one[0] + two[0], one[1] + two[1], one[2] + two[2])
    return traction, one_angle - two_angle, Sight(r, h, a_run, b_run)


@kernel
def along_axes(source: Rectangle, parts: Vector) -> Vector:
    """Turn (normal, first, second) components into (east, north, down)."""
    _, n, first, second = source
    t, s = first.along, second.along
    return (
        parts[0] * n[0] + parts[1] * t[0] + parts[2] * s[0],
        parts[0] * n[1] + parts[1] * t[1] + parts[2] * s[1],
        parts[0] * n[2] + parts[1] * t[2] + parts[2] * s[2],
    )


@kernel
def opening_displacement(position: Vector, source: Rectangle, poisson: float) -> Vector:
    """Displacement of a surface point by a rectangle that opens by one metre.

    Parameters
    ----------
    position
        From the surface point to the centre of the rectangle, (east, north, down) in m.
    source
        The rectangle, wholly at or below the level of the point.
    poisson
        Poisson's ratio.

    Returns
    -------
    tuple of float
        East, north and up displacement (m per m of opening).
    """
    traction, angle, sight = tension(position, source)
    normal, along_first, along_second = _radial(sight)
    radial = along_axes(source, (normal + angle, along_first, along_second))
    share = 1.0 - 2.0 * poisson
    return (
        (share * traction[0] - radial[0]) * PER_TURN,
        (share * traction[1] - radial[1]) * PER_TURN,
        (radial[2] - share * traction[2]) * PER_TURN,
    )


@compiled
def add_opening(points: Points, source: Rectangle, numbers: Pair, total: Array) -> None:
    """Add the displacement by one rectangle to `total`, (3, n), at n points.

    `points` are (easting, northing, elevation), `numbers` opening (m) and Poisson's ratio.
    """
    easting, northing, elevation = points
    x, y, z = source.centre
    opening, poisson = numbers
    for point in range(easting.size):
        position = (x - easting[point], y - northing[point], z + elevation[point])
        east, north, up = opening_displacement(position, source, poisson)
        total[0, point] += opening * east
        total[1, point] += opening * north
        total[2, point] += opening * up
