"""Isotropic covariance models of random fields: how alike two points are at a distance.

Each model is a frozen record with one protocol: `covariance` and `semivariogram` of a distance.
The nugget is variance that is uncorrelated from pixel to pixel.

References
----------
Chiles, J.-P. and Delfiner, P. (2012), Geostatistics, 2nd edition, Wiley (the four models).
Stein, M. L. (1999), Interpolation of Spatial Data, Springer (Matern).
Matheron, G. (1973), Adv. Appl. Probab. 5, 439-468 (intrinsic fields, generalised covariance).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
import scipy.special
from numpy.typing import ArrayLike, NDArray

KILOMETRE = 1e3
"""Distance in metres at which `PowerLaw` states its semivariance."""

_SMOOTHEST = 10.0


def require_positive(name: str, value: float, unit: str) -> None:
    """Refuse what is not a finite number over 0.

    Raises
    ------
    ValueError
        With the name, the value and the rule.
    """
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"{name} {value:g} {unit} is not positive: give a finite number over 0")


def require_spread(name: str, value: float, kind: str) -> None:
    """Refuse what is not a finite number of 0 or more.

    Raises
    ------
    ValueError
        With the name, the value and the rule.
    """
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"{name} {value:g} is not a {kind}: give a finite number, 0 or more")


@runtime_checkable
class CovarianceModel(Protocol):
    """What every model can say; distances in metres, variances in the square of the map's unit."""

    @property
    def nugget(self) -> float:
        """Variance that is uncorrelated from pixel to pixel."""

    @property
    def variance(self) -> float:
        """Semivariance far away: sill and nugget; infinite where there is no sill."""

    @property
    def reach(self) -> float:
        """Distance (m) beyond which hardly any correlation is left; infinite without a sill."""

    def covariance(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Covariance at distances `lag`; the nugget counts at lag 0 only."""

    def semivariogram(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Semivariance at distances `lag`: 0 at lag 0."""

    def scaled(self, factor: float) -> Self:
        """Return the same law with every variance times `factor`."""

    def __hash__(self) -> int:
        """Tell models apart: their tori are kept."""


@dataclass(frozen=True)
class _Stationary(ABC):
    """What models with a sill share.

    Parameters
    ----------
    sill : float
        Variance of the correlated part, in the square of the map's unit, >= 0.
    length : float
        Scale of distance in metres, > 0.
    nugget : float
        Variance that is uncorrelated from pixel to pixel, >= 0.

    Raises
    ------
    ValueError
        If a variance is negative or the length not positive, or one is not finite.
    """

    sill: float
    length: float
    nugget: float = 0.0

    def __post_init__(self) -> None:
        require_spread("sill", self.sill, "variance")
        require_spread("nugget", self.nugget, "variance")
        require_positive("length", self.length, "m")

    @property
    def variance(self) -> float:
        """Sill and nugget together."""
        return self.sill + self.nugget

    @property
    def reach(self) -> float:
        """Distance (m) beyond which hardly any correlation is left."""
        return 4.0 * self.length

    def covariance(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Covariance at distances `lag` (m); the nugget counts at lag 0 only."""
        distance = np.asarray(lag, dtype=np.float64)
        correlated = self.sill * self._correlation(distance / self.length)
        return np.asarray(correlated + np.where(distance == 0.0, self.nugget, 0.0))

    def semivariogram(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Semivariance at distances `lag` (m): 0 at lag 0, ``nugget + sill`` far away."""
        distance = np.asarray(lag, dtype=np.float64)
        correlated = self.sill * self._decorrelation(distance / self.length)
        return np.asarray(correlated + np.where(distance == 0.0, 0.0, self.nugget))

    def scaled(self, factor: float) -> Self:
        """Return the same law with sill and nugget times `factor` (>= 0)."""
        return replace(self, sill=self.sill * factor, nugget=self.nugget * factor)

    @abstractmethod
    def _correlation(self, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        """Correlation at distances in units of the length."""

    def _decorrelation(self, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        """One less the correlation, without loss of digits where that is possible."""
        return 1.0 - self._correlation(ratio)


@dataclass(frozen=True)
class ExponentialModel(_Stationary):
    """Exponential covariance ``sill exp(-lag / length)`` with an optional nugget.

    Parameters
    ----------
    sill : float
        Variance of the correlated part, in the square of the map's unit, >= 0.
    length : float
        e-folding distance in metres, > 0; the practical range is three lengths.
    nugget : float
        Variance that is uncorrelated from pixel to pixel, >= 0.

    Raises
    ------
    ValueError
        If a variance is negative or the length not positive, or one is not finite.

    Examples
    --------
    >>> model = ExponentialModel(sill=4.0, length=1000.0, nugget=1.0)
    >>> [round(float(value), 3) for value in model.semivariogram([0.0, 1000.0, 1e6])]
    [0.0, 3.528, 5.0]
    """

    def _correlation(self, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-ratio)

    def _decorrelation(self, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        return -np.expm1(-ratio)


@dataclass(frozen=True)
class SphericalModel(_Stationary):
    """Spherical covariance ``sill (1 - 3/2 u + 1/2 u^3)``, u = lag / length, 0 from u = 1 on.

    Parameters
    ----------
    sill : float
        Variance of the correlated part, in the square of the map's unit, >= 0.
    length : float
        Range in metres, > 0: points further apart are independent.
    nugget : float
        Variance that is uncorrelated from pixel to pixel, >= 0.

    Raises
    ------
    ValueError
        If a variance is negative or the length not positive, or one is not finite.

    Examples
    --------
    >>> model = SphericalModel(sill=4.0, length=1000.0)
    >>> [float(value) for value in model.semivariogram([0.0, 500.0, 1000.0, 2000.0])]
    [0.0, 2.75, 4.0, 4.0]
    """

    @property
    def reach(self) -> float:
        """Range in metres: there is no correlation beyond it."""
        return self.length

    def _correlation(self, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1.0 - self._decorrelation(ratio)

    def _decorrelation(self, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.minimum(ratio, 1.0)
        return inside * (1.5 - 0.5 * inside**2)


@dataclass(frozen=True)
class MaternModel(_Stationary):
    """Matern covariance ``sill 2^(1-s) / Gamma(s) u^s K_s(u)``, u = lag / length.

    K_s is the modified Bessel function of the second kind. The length is not rescaled by the
    smoothness s (other programs take ``u = sqrt(2 s) lag / length``), so that s = 1/2 is the
    exponential model of the same length.

    Parameters
    ----------
    sill : float
        Variance of the correlated part, in the square of the map's unit, >= 0.
    length : float
        Scale of distance in metres, > 0; far away the covariance falls as ``exp(-u)``.
    nugget : float
        Variance that is uncorrelated from pixel to pixel, >= 0.
    smoothness : float
        Over 0 up to 10: the field has as many derivatives as whole numbers below it.

    Raises
    ------
    ValueError
        If a variance is negative, the length not positive, the smoothness outside its range, or
        one is not finite.
    """

    smoothness: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.smoothness <= _SMOOTHEST:
            raise ValueError(
                f"smoothness {self.smoothness:g} is outside 0-{_SMOOTHEST:g}: give more than 0, "
                "for example 0.5 for the exponential model"
            )

    @property
    def reach(self) -> float:
        """Distance (m) beyond which hardly any correlation is left: smooth fields reach further."""
        return (4.0 + 2.0 * max(self.smoothness - 0.5, 0.0)) * self.length

    def _correlation(self, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        order = self.smoothness
        # Closer than this the correlation is 1 in double precision or K_s beyond its range.
        near = 10.0 ** (-150.0 / max(order, 1.0))
        inside = np.clip(ratio, near, 700.0)
        factor = 2.0 ** (1.0 - order) / math.gamma(order)
        value = factor * inside**order * scipy.special.kv(order, inside)
        return np.asarray(np.where(ratio < near, 1.0, np.minimum(value, 1.0)))


@dataclass(frozen=True)
class PowerLaw:
    """Semivariance ``nugget + at_kilometre (lag / 1 km)^exponent``: no sill, no length.

    Only differences of the field have a variance (it is intrinsic); its covariance is known to
    within a constant. Turbulence between its inner and outer scales has an exponent of 2/3 to
    5/3 (Hanssen, R. F. (2001), Radar Interferometry, chapter 4.7).

    Parameters
    ----------
    at_kilometre : float
        Semivariance of the correlated part at 1 km, in the square of the map's unit, >= 0.
    exponent : float
        Over 0 and below 2.
    nugget : float
        Variance that is uncorrelated from pixel to pixel, >= 0.

    Raises
    ------
    ValueError
        If a variance is negative, the exponent outside its range, or one is not finite.

    Examples
    --------
    >>> PowerLaw(at_kilometre=2.0, exponent=1.5).semivariogram([0.0, 1000.0, 4000.0]).tolist()
    [0.0, 2.0, 16.0]
    """

    at_kilometre: float
    exponent: float
    nugget: float = 0.0

    def __post_init__(self) -> None:
        require_spread("at_kilometre", self.at_kilometre, "variance")
        require_spread("nugget", self.nugget, "variance")
        if not 0.0 < self.exponent < 2.0:
            raise ValueError(
                f"exponent {self.exponent:g} is outside 0-2: a power law of 2 or more is no "
                "variogram; remove a plane from the map first"
            )

    @property
    def variance(self) -> float:
        """Infinite, or the nugget if there is nothing else."""
        return math.inf if self.at_kilometre > 0.0 else self.nugget

    @property
    def reach(self) -> float:
        """Infinite: there is no distance at which the field forgets itself."""
        return math.inf

    def covariance(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Generalised covariance (Matheron 1973): minus the semivariance, the nugget at lag 0.

        It gives the variance of any sum of values whose weights sum to 0.
        """
        distance = np.asarray(lag, dtype=np.float64)
        return np.asarray(np.where(distance == 0.0, self.nugget, -self._growth(distance)))

    def semivariogram(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Semivariance at distances `lag` (m): 0 at lag 0."""
        distance = np.asarray(lag, dtype=np.float64)
        return np.asarray(self._growth(distance) + np.where(distance == 0.0, 0.0, self.nugget))

    def scaled(self, factor: float) -> Self:
        """Return the same law with both variances times `factor` (>= 0)."""
        return replace(self, at_kilometre=self.at_kilometre * factor, nugget=self.nugget * factor)

    def _growth(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.at_kilometre * (distance / KILOMETRE) ** self.exponent)
