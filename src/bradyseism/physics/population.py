"""Populations of covariance models: what the turbulence of many maps follows, map by map."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np

from bradyseism.physics.covariance import (
    CovarianceModel,
    ExponentialModel,
    MaternModel,
    SphericalModel,
    require_positive,
    require_spread,
)

_FEWEST = 3


@runtime_checkable
class ModelPopulation(Protocol):
    """What draws a covariance model for a map."""

    def draw(self, rng: np.random.Generator) -> CovarianceModel:
        """Draw one model."""


@dataclass(frozen=True)
class FittedModels:
    """The models fitted to a set of maps, each as likely as the others.

    Parameters
    ----------
    models : tuple of CovarianceModel
        At least one; of any mixture of kinds.

    Raises
    ------
    ValueError
        If there is none.
    """

    models: tuple[CovarianceModel, ...]

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("models holds 0 models: give at least one")

    def draw(self, rng: np.random.Generator) -> CovarianceModel:
        """Draw one of the models."""
        return self.models[int(rng.integers(len(self.models)))]


@dataclass(frozen=True)
class LogNormalModels:
    """Models whose sill and length are log-normal and correlated.

    Parameters
    ----------
    sill, length : float
        Medians: variance in the square of the map's unit, and metres, > 0.
    sill_spread, length_spread : float
        Standard deviations of their natural logarithms, >= 0.
    correlation : float
        Between the two logarithms, -1 to 1: maps of long-reaching air often vary more.
    nugget_share : float
        Nugget over sill, the same in all, >= 0.
    kind : callable
        Makes the model from sill, length and nugget: `ExponentialModel` or another with a sill.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Examples
    --------
    >>> models = LogNormalModels(4e-6, 6e3, sill_spread=0.5, length_spread=0.4, correlation=0.6)
    >>> models.draw(np.random.default_rng(0)).length > 0
    True
    """

    sill: float
    length: float
    sill_spread: float = 0.0
    length_spread: float = 0.0
    correlation: float = 0.0
    nugget_share: float = 0.0
    kind: Callable[[float, float, float], CovarianceModel] = ExponentialModel

    def __post_init__(self) -> None:
        require_positive("sill", self.sill, "(a variance)")
        require_positive("length", self.length, "m")
        require_spread("sill_spread", self.sill_spread, "standard deviation")
        require_spread("length_spread", self.length_spread, "standard deviation")
        require_spread("nugget_share", self.nugget_share, "share of the sill")
        if not -1.0 <= self.correlation <= 1.0:
            raise ValueError(f"correlation {self.correlation:g} is outside -1 to 1")

    @classmethod
    def of(cls, models: Sequence[ExponentialModel | SphericalModel | MaternModel]) -> Self:
        """Population that a set of exponential, or of spherical, models was drawn from.

        Parameters
        ----------
        models : sequence
            At least three of one kind, each with a sill; the median of nugget over sill is kept.

        Raises
        ------
        ValueError
            If there are fewer, the kinds are mixed or have more parameters, or a sill is 0.
        """
        kinds = {type(model) for model in models}
        if len(models) < _FEWEST or len(kinds) != 1 or kinds == {MaternModel}:
            names = ", ".join(sorted(kind.__name__ for kind in kinds)) or "no kind"
            raise ValueError(
                f"{len(models)} models of {names} make no log-normal population: give {_FEWEST} or "
                "more, all exponential or all spherical, or keep them as FittedModels"
            )
        if min(model.sill for model in models) <= 0.0:
            raise ValueError("sill 0 of a model has no logarithm: leave out maps without variation")
        logs = np.log([(model.sill, model.length) for model in models])
        middle = np.mean(logs, axis=0)
        spread = np.std(logs, axis=0, ddof=1)
        tie = float(np.corrcoef(logs.T)[0, 1]) if spread.min() > 0.0 else 0.0
        return cls(
            sill=float(np.exp(middle[0])),
            length=float(np.exp(middle[1])),
            sill_spread=float(spread[0]),
            length_spread=float(spread[1]),
            correlation=min(max(tie, -1.0), 1.0),
            nugget_share=float(np.median([model.nugget / model.sill for model in models])),
            kind=kinds.pop(),
        )

    def draw(self, rng: np.random.Generator) -> CovarianceModel:
        """Draw one model."""
        first, second = rng.standard_normal(2)
        tied = self.correlation * first + math.sqrt(1.0 - self.correlation**2) * second
        sill = self.sill * math.exp(self.sill_spread * first)
        length = self.length * math.exp(self.length_spread * tied)
        return self.kind(sill, length, self.nugget_share * sill)
