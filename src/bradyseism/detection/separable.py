"""Separable least squares: nonlinear parameters are searched, strength and planes follow linearly.

Everything is in white, plane-free form (`surroundings.Blocks`), of one map or of several maps of
one place, one after another.

References
----------
Golub, G. H. and Pereyra, V. (1973), SIAM J. Numer. Anal. 10, 413-432 (separable least squares).
Schwarz, G. (1978), Ann. Stat. 6, 461-464 (the criterion).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from bradyseism.detection.surroundings import Blocks

Array = NDArray[np.float64]

_PLANE = 3  # linear parameters of each map that the whitener has taken away
_STEP = 1e-4


class Family(Protocol):
    """Shapes of one kind, told apart by a vector of nonlinear parameters."""

    @property
    def start(self) -> Array:
        """Where the search begins, (k,)."""

    @property
    def low(self) -> Array:
        """Lower bounds, (k,)."""

    @property
    def high(self) -> Array:
        """Upper bounds, (k,)."""

    @property
    def scale(self) -> Array:
        """Typical change of each parameter, (k,)."""

    @property
    def centre(self) -> Array:
        """Middle of a weak prior, (k,)."""

    @property
    def spread(self) -> Array:
        """Standard deviation of the prior, (k,); infinite without one."""

    def shapes(self, theta: Array, points: tuple[Array, Array], look: Array) -> Array:
        """LOS rate (n, m) at n points (easting, northing) of m parameter vectors, (m, k)."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Best member of a family.

    Parameters
    ----------
    theta : array, shape (k,)
        Nonlinear parameters.
    strength : float
        Factor on the shape.
    misfit : float
        Sum of squares of the white residual.
    gain : float
        White sum of squares that it takes away, in units of what is left a degree of freedom.
    freedom : int
        Degrees of freedom left.
    data : int
        Number of blocks.
    covariance : array, shape (k + 1, k + 1)
        Linearised, of the parameters and of the strength over its value, for noise of variance
        one.
    """

    theta: Array
    strength: float
    misfit: float
    gain: float
    freedom: int
    data: int
    covariance: Array

    @property
    def chi_square(self) -> float:
        """Misfit per degree of freedom: 1 where shape and noise hold."""
        return self.misfit / self.freedom

    @property
    def criterion(self) -> float:
        """Schwarz's, with the level of the noise free: smaller is better."""
        return criterion(self.misfit, self.data, self.theta.size + 1)


def criterion(misfit: float, data: int, parameters: int) -> float:
    """Schwarz's criterion of a misfit of so many white data whose common variance is unknown."""
    return data * math.log(max(misfit, 1e-300) / data) + parameters * math.log(data)


def white_data(maps: Sequence[Blocks]) -> Array:
    """White form of the data of all maps, (data,)."""
    return np.concatenate([blocks.whitened(blocks.velocity) for blocks in maps])


def white_shapes(family: Family, theta: Array, maps: Sequence[Blocks]) -> Array:
    """White form of m shapes of unit strength in all maps, (data, m)."""
    parts = []
    for blocks in maps:
        points = blocks.easting, blocks.northing
        seen = family.shapes(theta, (points[0].ravel(), points[1].ravel()), blocks.look)
        parts.append(blocks.whitened(seen.reshape(*points[0].shape, len(theta)).mean(axis=0)))
    return np.concatenate(parts)


def best_of(family: Family, trials: Array, maps: Sequence[Blocks]) -> Array:
    """Member of a list of parameter vectors, (m, k), that takes away most."""
    target, seen = white_data(maps), white_shapes(family, trials, maps)
    square = np.maximum(np.einsum("ij,ij->j", seen, seen), 1e-300)
    return np.asarray(trials[int(((target @ seen) ** 2 / square).argmax())])


def solve(
    family: Family,
    maps: Sequence[Blocks],
    start: Array | None = None,
    *,
    tries: int = 40,
) -> Solution:
    """Best member of a family.

    Parameters
    ----------
    family : Family
        Of shapes.
    maps : sequence of Blocks
        About one place.
    start : array, optional
        Where to begin; that of the family by default.
    tries : int
        Steps at most.
    """
    target = white_data(maps)
    begin = family.start if start is None else start
    informed = np.isfinite(family.spread)

    def rest_of(seen: Array) -> Array:
        """What the best strength of each shape leaves of the data."""
        square = np.maximum(np.einsum("ij,ij->j", seen, seen), 1e-300)
        return np.asarray(target[:, None] - seen * (target @ seen / square))

    def residual(theta: Array) -> Array:
        """Misfit and priors, to be squared."""
        rest = rest_of(white_shapes(family, theta[None], maps))[:, 0]
        return np.concatenate([rest, ((theta - family.centre) / family.spread)[informed]])

    def jacobian(theta: Array) -> Array:
        """Its derivatives."""
        rest = rest_of(white_shapes(family, _stepped(family, theta), maps))
        slope = (rest[:, 1:] - rest[:, :1]) / (_STEP * family.scale)
        return np.concatenate([slope, np.diag(1.0 / family.spread)[informed]])

    margin = 1e-3 * family.scale
    found = optimize.least_squares(
        residual,
        np.clip(begin, family.low + margin, family.high - margin),
        jac=jacobian,
        bounds=(family.low, family.high),
        x_scale=family.scale,
        xtol=1e-5,
        ftol=1e-6,
        max_nfev=tries,
    )
    return _described(family, maps, np.asarray(found.x))


def _stepped(family: Family, theta: Array) -> Array:
    """The parameters, and each of them a small step ahead, (k + 1, k)."""
    return np.concatenate([theta[None], theta + np.diag(_STEP * family.scale)])


def _described(family: Family, maps: Sequence[Blocks], theta: Array) -> Solution:
    target, count = white_data(maps), theta.size
    seen = white_shapes(family, _stepped(family, theta), maps)
    own = seen[:, 0]
    strength = float(own @ target / max(float(own @ own), 1e-300))
    misfit = float(np.sum((target - strength * own) ** 2))
    freedom = max(target.size - _PLANE * len(maps) - count - 1, 1)
    slope = strength * (seen[:, 1:] - seen[:, :1]) / (_STEP * family.scale)
    design = np.column_stack([slope, strength * own])
    normal = design.T @ design
    normal += np.diag(np.append(1.0 / family.spread**2, 0.0))
    covariance = np.asarray(np.linalg.pinv(normal, hermitian=True), dtype=np.float64)
    return Solution(
        theta,
        strength,
        misfit,
        (float(target @ target) - misfit) * freedom / max(misfit, 1e-300),
        freedom,
        target.size,
        covariance,
    )
