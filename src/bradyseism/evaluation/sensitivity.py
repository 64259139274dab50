"""What share of the sources is found, against how fast they move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from bradyseism.evaluation.patch_scores import FLAG_LOGIT, PatchScores
from bradyseism.evaluation.scores import Interval, exact_interval

RATE_EDGES = (0.0, 0.0015, 0.003, 0.005, 0.0075, 0.010, 0.015, 0.025, 0.050, np.inf)
"""Limits (m/yr) of the classes of amplitude where sources have rates of any size."""

# A set whose sources have a few rates, each of which many sources have: these are its classes.
_MOST_RATES, _LEAST_SOURCES = 12, 5


@dataclass(frozen=True)
class RateClass:
    """Sources of about one rate.

    Attributes
    ----------
    rate : float
        Median of their absolute peak LOS rates, m/yr.
    sources : int
        How many.
    found : Interval
        Share flagged: mean over seeds, with the exact binomial interval of that many sources.
    probability : float
        Mean over sources and seeds of the highest probability among the patches of a source.
    """

    rate: float
    sources: int
    found: Interval
    probability: float


@dataclass(frozen=True)
class Sensitivity:
    """Share found against rate, and what is flagged where there is no source.

    Attributes
    ----------
    classes : tuple of RateClass
        With rising rates; no class is empty.
    unmoved : Interval
        Share of the patches without deformation that are flagged: what chance finds.
    smallest_found : float
        Smallest rate (m/yr) of a source of which a positive patch is flagged, in the median seed;
        the paper's "minimal detected deformation". NaN without any.
    """

    classes: tuple[RateClass, ...]
    unmoved: Interval
    smallest_found: float

    def reached(self, share: float) -> float:
        """Rate (m/yr) of the lowest class from which on every class is found in this share.

        NaN where the fastest class is not found as often. It says nothing of rates below the
        lowest class.
        """
        result = float("nan")
        for row in reversed(self.classes):
            if row.found.estimate < share:
                break
            result = row.rate
        return result


def sensitivity(
    scores: PatchScores, *, by: str = "frame", edges: Sequence[float] | None = None
) -> Sensitivity | None:
    """Group the sources of a test set by rate.

    Parameters
    ----------
    scores : PatchScores
        Of one model.
    by : {"frame", "patch"}
        Whether a source is a frame, found if one of its positive patches is flagged, or each
        positive patch is a source of its own, as in injection.
    edges : sequence of float, optional
        Limits of the classes, m/yr, rising. By default every rate is a class of its own if there
        are few of them with some sources each, else `RATE_EDGES`.

    Returns
    -------
    Sensitivity or None
        None where no source has a known rate.

    Raises
    ------
    ValueError
        If `by` is neither.
    """
    if by not in ("frame", "patch"):
        raise ValueError(f"by {by!r} is neither 'frame' nor 'patch'")
    positive = np.flatnonzero((scores.label == 1) & np.isfinite(scores.rate))
    if positive.size == 0:
        return None
    names = scores.frame[positive] if by == "frame" else positive
    _, first, member = np.unique(names, return_index=True, return_inverse=True)
    best = np.full((len(scores.seeds), first.size), -np.inf)
    for row, logit in zip(best, scores.logit[:, positive], strict=True):
        np.maximum.at(row, member, logit)
    rate = np.abs(scores.rate[positive][first])
    still = scores.logit[:, scores.label == 0] > FLAG_LOGIT
    smallest = [rate[row > FLAG_LOGIT].min(initial=np.inf) for row in best]
    least = float(np.median(smallest))
    return Sensitivity(
        tuple(_rate_class(rate[one], best[:, one]) for one in _classes(rate, edges)),
        _mean_share(still) if still.shape[1] else Interval(np.nan, np.nan, np.nan),
        least if np.isfinite(least) else float("nan"),
    )


def _classes(rate: NDArray[np.float64], edges: Sequence[float] | None) -> list[NDArray[np.bool_]]:
    rounded = np.round(rate, 6)  # a millionth of a metre a year
    distinct = np.unique(rounded)
    if edges is None and distinct.size <= min(_MOST_RATES, rate.size / _LEAST_SOURCES):
        return [rounded == one for one in distinct]
    number = np.digitize(rate, RATE_EDGES if edges is None else edges)
    return [number == one for one in np.unique(number)]


def _rate_class(rate: NDArray[np.float64], best: NDArray[np.float64]) -> RateClass:
    probability = expit(best)
    return RateClass(
        float(np.median(rate)), rate.size, _mean_share(best > FLAG_LOGIT), float(probability.mean())
    )


def _mean_share(flagged: ArrayLike) -> Interval:
    """Mean over seeds of a share, (seeds, n), with the interval of the count next to it."""
    answers = np.asarray(flagged)
    share = float(answers.mean())
    interval = exact_interval(round(share * answers.shape[1]), answers.shape[1])
    return Interval(share, min(interval.low, share), max(interval.high, share))
