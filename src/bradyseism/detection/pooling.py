"""What the windows of all sizes together say of a place.

A source shows in windows of several sizes, while noise of different sizes is all but independent:
the mean log-odds over the levels of a pyramid tells the two apart better than the best window does.
What that mean and the number of levels are worth is fitted on simulated maps
(`evaluation.pooling_fit`) and kept on the model card.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

__all__ = ["DOUBT", "Pooling", "Stage", "by_level", "features", "pooled"]

Stage = Literal["scanned", "looked_again"]

# Windows that point within this share of their side of a place speak of it, those of a finer level
# within this share of half the side of the window that points there ...
SAME = 0.15
# ... and where none does, those do whose centre lies within this share of their side: they point
# elsewhere, so that they may speak against the place, not for it.
COVER = 0.5
DOUBT = 0.0
# Balanced log-odds beyond these tell no more.
LEAST, MOST = -4.0, 8.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pooling:
    """Log-odds of a place from those of its windows, one for each level.

    ``mean * (mean over the levels) + levels * ln(number of levels) + offset``

    Parameters
    ----------
    mean, levels, offset : float
        Weights, fitted for the strongest places of maps without and with a source, equally many.
    """

    mean: float
    levels: float
    offset: float

    @classmethod
    def from_card(cls, card: Mapping[str, Any], stage: Stage) -> Pooling | None:
        """Weights of a model card for one stage of the search, or None if it has none."""
        weights = card.get("pooling")
        return cls(**weights[stage]) if weights else None

    def log_odds(self, evidence: Array) -> Array:
        """Log-odds (n,) of places at a prior of one half; minus infinity where nothing is seen.

        Parameters
        ----------
        evidence : array, shape (n, levels)
            As of `by_level`.
        """
        mean, count = features(evidence).T
        log_odds = self.mean * mean + self.levels * count + self.offset
        return np.where(np.isfinite(evidence).any(axis=1), log_odds, -np.inf)


def pooled(card: Mapping[str, Any], stage: Stage, evidence: Array, prior: float) -> Array:
    """Log-odds (n,) of places at a prior.

    Parameters
    ----------
    card : mapping
        Of the model. Without weights the best level decides.
    stage : {"scanned", "looked_again"}
        Whether the evidence is that of the scan or of the second look.
    evidence : array, shape (n, levels)
        Log-odds at a prior of one half; NaN where no window of a level sees the place.
    prior : float
        Share (0-1) of the maps that hold deformation.
    """
    weights = Pooling.from_card(card, stage)
    if weights is None:
        balanced = np.fmax.reduce(evidence, axis=1, initial=-np.inf)
    else:
        balanced = weights.log_odds(evidence)
    return np.asarray(balanced + math.log(prior / (1.0 - prior)))


def features(evidence: Array) -> Array:
    """Mean evidence over the levels that see a place, and logarithm of their number, (n, 2)."""
    seen = np.isfinite(evidence)
    count = np.maximum(seen.sum(axis=1), 1)
    total = np.where(seen, np.clip(evidence, LEAST, MOST), 0.0).sum(axis=1)
    return np.stack([total / count, np.log(count)], axis=1)


def by_level(windows: NDArray[Any], log_odds: Array, size: int) -> Array:
    """What each level says of the place that each window points to.

    Parameters
    ----------
    windows : structured array of `scan.WINDOW_FIELDS`, shape (n,)
        All windows of a scan.
    log_odds : array, shape (n,)
        Of each window alone.
    size : int
        Pixels along one side of a window.

    Returns
    -------
    array, shape (n, levels)
        Highest log-odds among the windows of a level, fine to coarse, that point to the place or,
        where none does, of those that hold it, `DOUBT` at most; NaN where none does that either.
    """
    pixel_sizes = np.unique(windows["pixel_size"])
    places = np.stack([windows["place_easting"], windows["place_northing"]], axis=1)
    centres = np.stack([windows["easting"], windows["northing"]], axis=1)
    members = [np.flatnonzero(windows["pixel_size"] == pixel) for pixel in pixel_sizes]
    evidence = np.full((len(windows), len(pixel_sizes)), np.nan)
    pointing = [KDTree(places[own]) for own in members]
    for level, (pixel, own) in enumerate(zip(pixel_sizes, members, strict=True)):
        holding = KDTree(centres[own])
        for lead, asking in enumerate(members):
            reach = SAME * size * max(pixel, pixel_sizes[lead] / 2.0)
            near = _highest(pointing[lead], pointing[level], reach, 2.0, log_odds[own])
            around = _highest(
                pointing[lead], holding, COVER * size * pixel, math.inf, log_odds[own]
            )
            evidence[asking, level] = np.where(np.isnan(near), np.minimum(around, DOUBT), near)
    return evidence


def _highest(asking: KDTree, told: KDTree, reach: float, norm: float, values: Array) -> Array:
    """Highest value of the points within reach of each asking point; NaN where there is none."""
    pairs = asking.sparse_distance_matrix(told, reach, p=norm, output_type="ndarray")
    highest = np.full(asking.n, -np.inf)
    np.maximum.at(highest, pairs["i"], values[pairs["j"]])
    return np.where(np.isfinite(highest), highest, np.nan)
