"""A pressurised horizontal penny-shaped crack of finite size (Fialko et al. 2001).

With lengths in radii and h = depth / radius, the crack opens by b(r) and, because the surface is
near, its sides slip radially by s(r),

    b(r) = int_r^1 phi(t) / sqrt(t^2 - r^2) dt,    s(r) = r int_r^1 psi(t) / (t sqrt(t^2 - r^2)) dt.

Their Hankel transforms are int phi(t) sin(kt) dt / k and int psi(t) G(kt) dt / k, with
G(x) = sin(x) / x - cos(x). That the crack carries the pressure and no shear gives, after Abel's
transform, the Fredholm equations

    pi/2 phi(x) - int phi(t) A_ss(x, t) dt + int psi(t) C_sg(x, t) dt = x
    pi/2 psi(x) - int psi(t) B_gg(x, t) dt + int phi(t) C_gs(x, t) dt = 0

whose kernels are integrals over k of exp(-2kh) times 1 + 2kh + 2(kh)^2 (A), 1 - 2kh + 2(kh)^2 (B)
and 2(kh)^2 (C), and of sin or G at kx and kt (the indices). They are solved at Gauss nodes. At the
surface the integrals over k have closed forms in zeta = sqrt(r^2 + (h - it)^2): no oscillating
integrand is left, and the field holds at any distance. Some published programs lack the factor h
of the uplift by psi.

References
----------
Fialko, Y., Khazan, Y. and Simons, M. (2001). Deformation due to a pressurized horizontal circular
crack in an elastic half-space, with applications to volcano geodesy. Geophys. J. Int. 146, 181-190,
doi:10.1046/j.1365-246X.2001.00452.x.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from bradyseism.physics.dislocation import Pair, Vector, compiled, kernel
from bradyseism.physics.half_space import (
    Array,
    BuriedSource,
    Points,
    check_length,
)

SHALLOWEST = 0.05
"""Depth over radius below which the crack is a bent plate, and the equations need many nodes."""

LEVELS = 16
"""Depths at which the equations are solved where the ground is not level.

In between phi and psi are interpolated, to 3e-11 of their peak where the largest depth is 4 times
the least, to 3e-6 where it is 30 times.
"""


def crack_functions(heights: Array, nodes: Array, weights: Array) -> Array:
    """Solve the equations of a crack for a pressure equal to its modulus, mu / (2 - 2 nu).

    Parameters
    ----------
    heights
        Depths over radius, (m,).
    nodes, weights
        Rule of integration over 0 to 1, (n,) each.

    Returns
    -------
    ndarray of float64, (m, 2, n)
        Functions phi and psi at the nodes, for each depth, times the weights.
    """
    return np.stack([_crack_functions(float(h), nodes, weights) for h in heights])


def _crack_functions(h: float, nodes: Array, weights: Array) -> Array:
    # Cut off where exp(-2kh) is below the last digit; the phase there, 40 / h, sets the nodes.
    s, share = np.polynomial.legendre.leggauss(64 + math.ceil(32.0 / h))
    k, share = (s + 1.0) * 10.0 / h, share * 10.0 / h
    x = np.outer(nodes, k)
    sine = np.sin(x)
    # Where the two terms cancel, G is x^2 / 3 - x^4 / 30 + ...
    near = x**2 * (1 / 3 + x**2 * (-1 / 30 + x**2 / 840))
    ball = np.where(x < 1e-2, near, sine / x - np.cos(x))
    decay, kh = share * np.exp(-2.0 * k * h), k * h
    quadratic = 2.0 * kh * kh
    opening = (sine * (decay * (1.0 + 2.0 * kh + quadratic))) @ sine.T
    slip = (ball * (decay * (1.0 - 2.0 * kh + quadratic))) @ ball.T
    cross = (sine * (decay * quadratic)) @ ball.T
    count = nodes.size
    system = np.block([[-opening, cross], [cross.T, -slip]]) * np.tile(weights, 2)
    system[np.diag_indices(2 * count)] += math.pi / 2
    load = np.concatenate([nodes, np.zeros(count)])
    return np.asarray(np.linalg.solve(system, load).reshape(2, count) * weights)


@kernel
def ring_displacement(r: float, h: float, t: float) -> tuple[Pair, Pair]:
    """Displacement at distance r by phi and by psi at one t, all lengths in radii.

    Parameters
    ----------
    r
        Horizontal distance from the axis.
    h
        Depth of the crack below the point, positive.
    t
        Argument of phi and psi, 0 to 1, not zero.

    Returns
    -------
    tuple of two pairs of float
        Outward displacement over r, and uplift, by phi = 1, and by psi = 1.
    """
    real = r * r + h * h - t * t
    modulus = math.hypot(real, 2.0 * h * t)
    # zeta = alpha - i beta, the larger part first so that neither loses digits.
    if real >= 0.0:
        alpha = math.sqrt(0.5 * (modulus + real))
        beta = h * t / alpha
    else:
        beta = math.sqrt(0.5 * (modulus - real))
        alpha = h * t / beta
    w = complex(h, -t)
    inverse = complex(alpha / modulus, beta / modulus)
    cube = inverse * inverse * inverse
    lift = w * cube
    sum_real, sum_imaginary = alpha + h, beta + t
    sum_square = sum_real * sum_real + sum_imaginary * sum_imaginary
    grown = complex(sum_real / sum_square, sum_imaginary / sum_square)
    both = inverse * grown
    opening = (h * cube.imag, inverse.imag + h * lift.imag)
    outward = grown.imag / t - both.real - h * (both.imag / t - cube.real)
    return opening, (outward, h * (lift.real - inverse.imag / t))


@compiled
def add_crack(
    points: Points,
    crack: tuple[Vector, float, float],
    solution: tuple[Array, Array, Array],
    total: Array,
) -> None:
    """Add the displacement by one crack to `total`, (3, n), at n points.

    `points` are (easting, northing, elevation), `crack` is the (east, north, down) centre and the
    radius in m, and the pressure over its modulus; `solution` is the nodes, the functions at m
    depths of `crack_functions`, and the share, (n, m), of each of these depths at a point.
    """
    easting, northing, elevation = points
    (x, y, z), radius, strength = crack
    nodes, functions, shares = solution
    for point in range(easting.size):
        east, north = (easting[point] - x) / radius, (northing[point] - y) / radius
        h = (z + elevation[point]) / radius
        r = math.sqrt(east * east + north * north)
        share = shares[point]
        outward = upward = 0.0
        for node in range(nodes.size):
            phi = psi = 0.0
            for level in range(share.size):
                phi += share[level] * functions[level, 0, node]
                psi += share[level] * functions[level, 1, node]
            opening, slip = ring_displacement(r, h, nodes[node])
            outward += phi * opening[0] + psi * slip[0]
            upward += phi * opening[1] + psi * slip[1]
        total[0, point] += strength * radius * outward * east
        total[1, point] += strength * radius * outward * north
        total[2, point] += strength * radius * upward


@dataclass(frozen=True)
class PennyCrack(BuriedSource):
    """Pressurised horizontal circular crack.

    Parameters
    ----------
    easting, northing
        Position of the centre (m).
    depth
        Depth (m), at least 1/20 of the radius.
    radius
        Radius (m).
    pressure_ratio
        Excess pressure over shear modulus; positive inflates.
    poisson
        Poisson's ratio, 0 to 0.5.

    Raises
    ------
    ValueError
        If a number is not finite or out of range, or the crack is too shallow.

    References
    ----------
    Fialko et al. (2001), doi:10.1046/j.1365-246X.2001.00452.x.

    Examples
    --------
    >>> crack = PennyCrack(0.0, 0.0, 2e3, radius=2e3, pressure_ratio=1e-3)
    >>> round(crack.volume_change)
    20575262
    """

    STRENGTHS = ("pressure_ratio",)

    _: KW_ONLY
    radius: float
    pressure_ratio: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_length("radius", self.radius)
        self._check_depth(self.depth)

    def _check_depth(self, depth: float) -> None:
        """Raise ValueError if the crack is too shallow below some point."""
        if depth < SHALLOWEST * self.radius:
            raise ValueError(
                f"depth {depth:g} m below the ground is less than {SHALLOWEST:g} of the radius "
                f"{self.radius:g} m: such a crack bends its roof as a plate; place it deeper or "
                "make it smaller"
            )

    @property
    def _strength(self) -> float:
        """Pressure over the modulus of the crack."""
        return 2.0 * (1.0 - self.poisson) * self.pressure_ratio

    @property
    def volume_change(self) -> float:
        """Volume (m3) that the crack opens by; 8/3 (1 - nu) pressure_ratio radius^3 if deep."""
        h = self.depth / self.radius
        nodes, weights = _rule(h)
        phi = _crack_functions(h, nodes, weights)[0]
        return float(2.0 * math.pi * self._strength * self.radius**3 * (phi @ nodes))

    @property
    def potency(self) -> float:
        """Total potency (m3), for a crack its change of volume."""
        return self.volume_change

    @property
    def top(self) -> float:
        """Depth (m) of the crack."""
        return self.depth

    def _add_displacement(self, points: Points, total: Array) -> None:
        heights = self.depth + points[2]
        known = heights[~np.isnan(heights)]
        lowest, highest = (known.min(), known.max()) if known.size else (self.depth, self.depth)
        self._check_depth(lowest)
        levels = _levels(lowest / self.radius, highest / self.radius)
        nodes, weights = _rule(lowest / self.radius)
        functions = crack_functions(levels, nodes, weights)
        shares = _shares(heights / self.radius, levels)
        crack = (self._centre, float(self.radius), float(self._strength))
        add_crack(points, crack, (nodes, functions, shares), total)


def _rule(h: float) -> tuple[Array, Array]:
    """Gauss's rule over 0 to 1; what is integrated is regular nearer than h to that interval."""
    rho = 2.0 * h + math.hypot(2.0 * h, 1.0)
    s, weights = np.polynomial.legendre.leggauss(6 + math.ceil(18.5 / math.log(rho)))
    return 0.5 * (s + 1.0), 0.5 * weights


def _levels(lowest: float, highest: float) -> Array:
    """Depths between two, at Chebyshev's points in their logarithm; one if they are equal."""
    if lowest == highest:
        return np.array([lowest])
    middle, half = 0.5 * math.log(lowest * highest), 0.5 * math.log(highest / lowest)
    angles = np.pi * (np.arange(LEVELS) + 0.5) / LEVELS
    return np.asarray(np.exp(middle + half * np.cos(angles)))


def _shares(heights: Array, levels: Array) -> Array:
    """Weights of Lagrange's interpolation in the logarithm of depth, (n, m)."""
    if levels.size == 1:
        return np.ones((heights.size, 1))
    away = np.log(heights)[:, None] - np.log(levels)
    shares = np.empty_like(away)
    for level in range(levels.size):
        others = np.arange(levels.size) != level
        spread = np.log(levels[level] / levels[others])
        shares[:, level] = np.prod(away[:, others] / spread, axis=1)
    return shares
