"""Covariance models fitted to an empirical variogram, with their errors, and the best of them.

Relative misfits (Cressie 1985) count alike in every octave of distance: pairs grow with the lag
but, in a correlated field, what they tell does not. Misfits beyond 10 % are damped, so that a bump
or a trend at far lags bends the fit little.

Bins of one map share pixels and are far from independent. The covariance of two of them is, for a
Gaussian field, half the mean squared covariance of a pair of the one with a pair of the other
(Cressie 1993, section 2.4); it is summed over pairs whose places the variogram holds, gaps
included, and carried to the parameters as the covariance of a weighted fit. Unlike a bootstrap over
blocks this needs no blocks, which would have to be longer than the correlation and many.

References
----------
Cressie, N. (1985), Math. Geol. 17, 563-586 (relative misfits of the fit).
Cressie, N. (1993), Statistics for Spatial Data, Wiley (covariance of the estimates).
Akaike, H. (1974), IEEE Trans. Autom. Control 19, 716-723 (choice among models).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from bradyseism.physics.covariance import (
    KILOMETRE,
    CovarianceModel,
    ExponentialModel,
    MaternModel,
    PowerLaw,
    SphericalModel,
)
from bradyseism.physics.variogram import Variogram

Kind = Literal["exponential", "spherical", "matern", "power law"]
KINDS: tuple[Kind, ...] = ("exponential", "spherical", "matern", "power law")
"""The models that can be fitted."""

CONFIDENCE = 0.95
_WIDTHS = 1.959964  # standard deviations to either side that hold 95 % of a normal variate
_DAMPED, _FORGIVEN = 0.1, 0.03
_TABLE = 16_384

Theta = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """One parameter of a fitted model.

    Parameters
    ----------
    name : str
        As the field of the model.
    value, low, high : float
        Best value and the ends of its 95 % interval, in the unit of the model. NaN ends where the
        map does not determine the value (a length beyond the lags, and the sill with it), or the
        variogram does not hold the places of its pairs.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Fit:
    """A model fitted to a variogram.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    model : CovarianceModel
        With the best values.
    estimates : tuple of Estimate
        Its parameters.
    misfit : float
        Mean relative misfit of the bins, damped beyond 10 %.
    criterion : float
        Akaike's: misfit of the bins in terms of their covariance, plus twice the number of
        parameters. NaN where the variogram does not hold the places of its pairs.
    """

    kind: Kind
    model: CovarianceModel
    estimates: tuple[Estimate, ...]
    misfit: float
    criterion: float


@dataclass(frozen=True)
class _Form:
    """How a kind is fitted: in units of the highest semivariance and of the longest lag.

    `logarithmic` says which parameters are fitted, and have their interval, as logarithms.
    """

    names: tuple[str, ...]
    logarithmic: tuple[bool, ...]
    build: Callable[[Theta], CovarianceModel]
    start: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def _form(kind: Kind, shortest: float, longest: float, reached: float) -> _Form:
    """Parameters of a kind: the sill-like one first, the nugget second."""
    lengths = math.log(shortest), math.log(10.0 * longest)
    begin = min(max(math.log(reached), lengths[0] + 1e-6), lengths[1] - 1e-6)
    if kind == "power law":
        # The sill-like parameter is the growth up to the longest lag.
        return _Form(
            ("at_kilometre", "nugget", "exponent"),
            (False, False, False),
            lambda t: PowerLaw(t[0] * (KILOMETRE / longest) ** t[2], t[2], t[1]),
            (1.0, 1e-3, 0.7),
            (0.0, 0.0, 1e-3),
            (20.0, 1.1, 1.999),
        )
    names, logarithmic = ("sill", "nugget", "length"), (False, False, True)
    if kind == "matern":
        return _Form(
            (*names, "smoothness"),
            (*logarithmic, True),
            lambda t: MaternModel(t[0], math.exp(t[2]), t[1], math.exp(t[3])),
            (1.0, 1e-3, begin, math.log(0.5)),
            (0.0, 0.0, lengths[0], math.log(0.1)),
            (20.0, 1.1, lengths[1], math.log(3.0)),
        )
    if kind not in ("exponential", "spherical"):
        raise ValueError(f"kind {kind!r} of model is unknown: give one of {', '.join(KINDS)}")
    family = ExponentialModel if kind == "exponential" else SphericalModel
    return _Form(
        names,
        logarithmic,
        lambda t: family(t[0], math.exp(t[2]), t[1]),
        (1.0, 1e-3, begin),
        (0.0, 0.0, lengths[0]),
        # At the longest admitted length only a tenth of the sill shows within the lags.
        (20.0, 1.1, lengths[1]),
    )


def fit(variogram: Variogram, kind: Kind = "exponential") -> Fit:
    """Model with nugget that fits a variogram best.

    Parameters
    ----------
    variogram : Variogram
        At least as many bins as the model has parameters.
    kind : {"exponential", "spherical", "matern", "power law"}
        Of the model.

    Returns
    -------
    Fit
        A length lies between the shortest lag, below which it would be a nugget, and ten times
        the longest; a smoothness between 0.1 and 3.

    Raises
    ------
    ValueError
        If the kind is unknown, there are too few bins, or the map has no variation.

    Examples
    --------
    >>> lag = np.arange(1.0, 60.0) * 200.0
    >>> truth = ExponentialModel(2.0, 3000.0, 0.5)
    >>> round(fit(Variogram(lag, truth.semivariogram(lag), lag)).model.length)
    3000
    """
    return fit_models(variogram, (kind,))[0]


def fit_models(variogram: Variogram, kinds: Sequence[Kind] = KINDS) -> tuple[Fit, ...]:
    """Fit several kinds of model, the best first.

    Parameters
    ----------
    variogram : Variogram
        As of `fit`.
    kinds : sequence of str
        Of the models.

    Returns
    -------
    tuple of Fit
        By Akaike's criterion, the smallest first: ``r V^-1 r + 2 k`` for the misfits r of k
        parameters, where V is the covariance of the bins of maps that follow the model of smallest
        misfit, with 3 % of each semivariance added as deviation for what no model holds. The
        errors of all are those of such maps too. Few bins (24) make V better known than many.

    Raises
    ------
    ValueError
        As `fit`.
    """
    problems = [_Problem.solve(variogram, kind) for kind in kinds]
    closest = min(problems, key=lambda problem: problem.cost)
    noise = None
    if variogram.places is not None:
        noise = _bin_covariance(variogram, closest.model)
    fits = [problem.result(noise) for problem in problems]
    return tuple(sorted(fits, key=lambda one: (one.criterion, one.misfit)))


@dataclass(frozen=True, eq=False)
class _Problem:
    """One fit: `form` with its best `theta`; relative misfits are ``weight (model - gamma)``."""

    kind: Kind
    form: _Form
    theta: Theta
    lag: NDArray[np.float64]
    observed: NDArray[np.float64]
    weight: NDArray[np.float64]
    unit: float
    cost: float

    @classmethod
    def solve(cls, variogram: Variogram, kind: Kind) -> _Problem:
        """Fit one kind of model by damped least squares."""
        lag, gamma = variogram.lag, variogram.semivariance
        unit = float(gamma.max(initial=0.0))
        if lag.size < 3:
            raise ValueError(
                f"variogram of {lag.size} bins cannot hold sill, length and nugget: give 3 or more"
            )
        if not unit > 0.0:
            raise ValueError(
                "semivariance is 0 in all bins: the map has no variation to fit a model to"
            )
        observed = np.maximum(gamma / unit, 1e-6)
        weight = np.sqrt(variogram.pairs) / (lag * observed)
        weight /= np.linalg.norm(weight * observed)
        # 63 % of the highest semivariance is reached at one length.
        reached = float(lag[int(np.argmax(observed >= 0.632))])
        form = _form(kind, float(lag[0]), float(lag[-1]), reached)
        if lag.size < len(form.names):
            raise ValueError(
                f"variogram of {lag.size} bins cannot hold {len(form.names)} parameters of the "
                f"model {kind!r}: give {len(form.names)} or more"
            )
        share = observed.size**0.5

        def misfit(theta: Theta) -> NDArray[np.float64]:
            """Weighted differences to the variogram."""
            model = form.build(theta).semivariogram(lag)
            return np.asarray(share * weight * (model - observed), dtype=np.float64)

        found = scipy.optimize.least_squares(
            misfit, form.start, bounds=(form.low, form.high), loss="soft_l1", f_scale=_DAMPED
        )
        cost = 2.0 * float(found.cost) / observed.size
        return cls(kind, form, np.asarray(found.x), lag, observed, weight, unit, cost)

    @property
    def model(self) -> CovarianceModel:
        """The fitted model in the unit of the map."""
        return self.form.build(self.theta).scaled(self.unit)

    def result(self, noise: NDArray[np.float64] | None) -> Fit:
        """Estimates from the covariance of the bins, if it is known."""
        deviation, criterion = np.full(self.theta.size, np.nan), math.nan
        if noise is not None:
            rest = self.form.build(self.theta).semivariogram(self.lag) - self.observed
            damping = np.sqrt(1.0 + self.observed.size * (self.weight * rest / _DAMPED) ** 2)
            square = self.weight**2 / damping
            spread = noise / self.unit**2
            free = self._free()
            slopes = self._slopes()[:, free]
            inverse = np.linalg.pinv(slopes.T @ (square[:, None] * slopes), rcond=1e-14)
            gain = inverse @ (slopes * square[:, None]).T
            deviation[free] = np.sqrt(np.maximum(np.diag(gain @ spread @ gain.T), 0.0))
            known = spread + np.diag((_FORGIVEN * self.observed) ** 2)
            criterion = float(rest @ np.linalg.solve(known, rest)) + 2.0 * self.theta.size
        estimates = self._estimates(deviation)
        return Fit(self.kind, self.model, estimates, math.sqrt(self.cost), criterion)

    def _free(self) -> NDArray[np.bool_]:
        """Which parameters the map determines: not those at a bound, nor a sill tied to them.

        A nugget of 0 is a value like any other.
        """
        low, high = (np.asarray(ends) for ends in (self.form.low, self.form.high))
        margin = 1e-3 * (high - low)
        free = np.asarray((self.theta > low + margin) & (self.theta < high - margin))
        free[0] = free[2:].all()
        free[1] = True
        return free

    def _slopes(self) -> NDArray[np.float64]:
        """Derivative of the semivariances with respect to each fitted parameter."""
        columns = []
        for index in range(self.theta.size):
            step = np.zeros(self.theta.size)
            step[index] = 1e-4 * max(abs(self.theta[index]), 1e-2)
            # One-sided where a bound is near.
            ends = [
                np.clip(self.theta + sign * step, self.form.low, self.form.high)
                for sign in (1.0, -1.0)
            ]
            change = [self.form.build(end).semivariogram(self.lag) for end in ends]
            columns.append((change[0] - change[1]) / (ends[0][index] - ends[1][index]))
        return np.column_stack(columns)

    def _estimates(self, deviation: NDArray[np.float64]) -> tuple[Estimate, ...]:
        found = []
        for index, name in enumerate(self.form.names):
            value, theta = float(getattr(self.model, name)), float(self.theta[index])
            width = _WIDTHS * float(deviation[index])
            if name == "nugget":
                low, high = (max(theta + sign * width, 0.0) * self.unit for sign in (-1, 1))
            elif name == "exponent":
                low, high = max(theta - width, 0.0), min(theta + width, 2.0)
            else:
                # A sill is positive and skewed: its interval is one of the logarithm, too.
                logarithmic = self.form.logarithmic[index]
                factor = np.exp(min(width if logarithmic else width / max(theta, 1e-12), 50.0))
                low, high = value / factor, value * factor
            if math.isnan(width):
                low = high = math.nan
            found.append(Estimate(name, value, float(low), float(high)))
        return tuple(found)


def bin_deviation(variogram: Variogram, model: CovarianceModel) -> NDArray[np.float64]:
    """Standard deviation of the semivariances over single maps that follow a model.

    Parameters
    ----------
    variogram : Variogram
        With the places of its pairs, as `empirical_variogram` makes it.
    model : CovarianceModel
        What the maps follow.

    Returns
    -------
    array of shape (bins,)
        In the unit of the semivariance.
    """
    return np.sqrt(np.maximum(np.diag(_bin_covariance(variogram, model)), 0.0))


def _bin_covariance(variogram: Variogram, model: CovarianceModel) -> NDArray[np.float64]:
    """Covariance of the semivariances of one map that follows a model."""
    assert variogram.places is not None
    assert variogram.scatter is not None
    bins, kept, _ = variogram.places.shape
    places = variogram.places.reshape(-1, 4).astype(np.float32)
    ends = places[:, :2], places[:, 2:]
    extent = [float(np.ptp(places[:, [axis, axis + 2]])) for axis in (0, 1)]
    longest = math.hypot(*extent) + 1.0
    step = longest / (_TABLE - 1)
    table = model.semivariogram(np.arange(_TABLE) * step).astype(np.float32)

    def between(first: int, second: int) -> NDArray[np.float32]:
        """Semivariance between the ends of all pairs of pairs."""
        north, east = (np.subtract.outer(ends[first][:, i], ends[second][:, i]) for i in (0, 1))
        index = np.hypot(north, east) * np.float32(1.0 / step) + np.float32(0.5)
        return np.asarray(table[index.astype(np.int32)])

    tied = between(0, 1) + between(1, 0) - between(0, 0) - between(1, 1)
    np.multiply(tied, tied, out=tied)
    # A pair with itself is counted by the scatter: there are many more pairs than those kept.
    np.fill_diagonal(tied, 0.0)
    sums = tied.reshape(bins, kept, bins, kept).sum(axis=(1, 3), dtype=np.float64)
    number = np.full((bins, bins), float(kept * kept))
    np.fill_diagonal(number, float(kept * (kept - 1)))
    covariance = 0.5 * sums / number
    # Sampled as it is, it may lack the smallest eigenvalues that a covariance has.
    values, vectors = np.linalg.eigh(covariance)
    covariance = (vectors * np.maximum(values, 0.0)) @ vectors.T
    own = variogram.scatter * model.semivariogram(variogram.lag) ** 2
    return np.asarray(covariance + np.diag(own))
