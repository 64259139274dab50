"""Scores of a binary detector: ranking, counts at a threshold, calibration, and their intervals.

Labels are 1 (deformation) or 0 (none); scores rise with the belief in deformation. Everything here
is arrays in, numbers out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, rankdata

from bradyseism.evaluation.resampling import place_weights

__all__ = [
    "Confusion",
    "Interval",
    "bootstrap_by_place",
    "brier_score",
    "confusion",
    "exact_interval",
    "expected_calibration_error",
    "roc_auc",
]


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval, all three in the unit of the estimate.

    Attributes
    ----------
    estimate, low, high
        The point estimate and the two ends of the interval.
    """

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Confusion:
    """Counts of a detector against the truth at one threshold; the rates are shares, 0-1.

    A rate without a denominator is NaN, but for `precision` and `f1` of a detector that flags
    nothing, which are 0, as in the tables of the literature.

    Attributes
    ----------
    true_positive, false_positive, false_negative, true_negative
        Numbers of samples, not negative.
    """

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    def __post_init__(self) -> None:
        for name in ("true_positive", "false_positive", "false_negative", "true_negative"):
            count = getattr(self, name)
            if count < 0:
                raise ValueError(f"{name} {count} is negative: give numbers of samples")

    @property
    def positives(self) -> int:
        """Number of samples with deformation."""
        return self.true_positive + self.false_negative

    @property
    def negatives(self) -> int:
        """Number of samples without deformation."""
        return self.false_positive + self.true_negative

    @property
    def true_positive_rate(self) -> float:
        """Share of the samples with deformation that are flagged (recall); NaN without any."""
        return _ratio(self.true_positive, self.positives)

    @property
    def false_positive_rate(self) -> float:
        """Share of the samples without deformation that are flagged; NaN without any."""
        return _ratio(self.false_positive, self.negatives)

    @property
    def accuracy(self) -> float:
        """Share of the samples judged rightly; NaN without any."""
        return _ratio(self.true_positive + self.true_negative, self.positives + self.negatives)

    @property
    def precision(self) -> float:
        """Share of the flagged samples that hold deformation; 0 where nothing is flagged."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive, empty=0.0)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where nothing is flagged."""
        errors = self.false_positive + self.false_negative
        return _ratio(2 * self.true_positive, 2 * self.true_positive + errors, empty=0.0)


def confusion(labels: ArrayLike, scores: ArrayLike, threshold: float = 0.5) -> Confusion:
    """Count right and wrong answers; a sample is flagged where its score is over `threshold`.

    Parameters
    ----------
    labels : (n,)
        1 or True with deformation, 0 or False without.
    scores : (n,)
        Any unit, larger = more likely; finite.
    threshold
        In the unit of the scores; a score equal to it is not flagged.

    Raises
    ------
    ValueError
        Where lengths differ, a label is neither 0 nor 1, or a score is not finite.

    Examples
    --------
    >>> confusion([1, 1, 0, 0], [0.9, 0.4, 0.5, 0.7])
    Confusion(true_positive=1, false_positive=1, false_negative=1, true_negative=1)
    """
    truth, values = _checked(labels, scores)
    flagged = values > threshold
    return Confusion(
        true_positive=int(np.sum(truth & flagged)),
        false_positive=int(np.sum(~truth & flagged)),
        false_negative=int(np.sum(truth & ~flagged)),
        true_negative=int(np.sum(~truth & ~flagged)),
    )


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half.

    Parameters
    ----------
    labels, scores : (n,)
        As in `confusion`; both labels must occur.

    Returns
    -------
    float
        0-1, 0.5 without skill. Computed from mean ranks (Mann-Whitney U; Hanley and McNeil, 1982).

    Raises
    ------
    ValueError
        Where one of the two labels is absent, besides the cases of `confusion`.

    Examples
    --------
    >>> roc_auc([1, 1, 0, 0], [3.0, 1.0, 1.0, 0.0])
    0.875
    """
    truth, values = _checked(labels, scores)
    positives = int(truth.sum())
    negatives = truth.size - positives
    if positives == 0 or negatives == 0:
        raise ValueError(
            f"labels hold {positives} positives and {negatives} negatives: "
            "the area under a ROC curve needs at least one of each"
        )
    ranks = rankdata(values)
    pairs_won = ranks[truth].sum() - positives * (positives + 1) / 2
    return float(pairs_won / (positives * negatives))


def exact_interval(successes: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Share with its exact binomial interval (Clopper and Pearson, 1934).

    Parameters
    ----------
    successes, trials
        Counts, ``0 <= successes <= trials`` and ``trials >= 1``.
    confidence
        Coverage of the two-sided interval, between 0 and 1.

    Returns
    -------
    Interval
        Shares, 0-1. The coverage is at least `confidence` whatever the true share.

    Raises
    ------
    ValueError
        Where a count or the confidence lies outside its range.

    Examples
    --------
    >>> round(exact_interval(0, 10).high, 6)  # 1 - 0.025 ** (1 / 10)
    0.308497
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(
            f"{successes} successes of {trials} trials is no share: "
            "give at least one trial and 0 to that many successes"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence:g} is outside 0-1: give a share such as 0.95")
    tail = (1 - confidence) / 2
    failures = trials - successes
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, failures + 1))
    high = 1.0 if failures == 0 else float(beta.isf(tail, successes + 1, failures))
    return Interval(successes / trials, low, high)


def bootstrap_by_place(
    statistic: Callable[[NDArray[np.bool_], NDArray[np.float64]], float],
    labels: ArrayLike,
    scores: ArrayLike,
    places: ArrayLike,
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap of a statistic by place, stratified by deformation.

    Places are drawn as `resampling.place_weights` says, which serves many statistics at once.

    Parameters
    ----------
    statistic
        Takes labels (m,) and scores (m,), gives a number; for example `roc_auc`.
    labels, scores : (n,)
        As in `confusion`.
    places : (n,)
        Name or number of the place of each sample.
    rng
        Source of the resamples.
    resamples
        Number of bootstrap resamples, at least 1.
    confidence
        Coverage of the two-sided interval, between 0 and 1.

    Returns
    -------
    Interval
        Statistic of the data, and the percentiles of the resampled statistic (NaN ignored).

    Raises
    ------
    ValueError
        Where lengths differ or a setting is out of range, besides the cases of `confusion`.
    """
    truth, values = _checked(labels, scores)
    if resamples < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"resamples {resamples}, confidence {confidence:g}: "
            "give at least one resample and a confidence between 0 and 1"
        )
    draws = np.empty(resamples)
    for trial, times in enumerate(place_weights(truth, places, rng, resamples)):
        chosen = np.repeat(np.arange(truth.size), times)
        draws[trial] = statistic(truth[chosen], values[chosen])
    tail = 50 * (1 - confidence)
    low, high = np.nanpercentile(draws, [tail, 100 - tail])
    return Interval(float(statistic(truth, values)), float(low), float(high))


def brier_score(labels: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared difference of probability and truth (Brier, 1950): 0 is perfect, 1 the worst.

    Parameters
    ----------
    labels, probability : (n,)
        0 or 1, and the probability of 1.

    Raises
    ------
    ValueError
        Where a probability lies outside 0-1, besides the cases of `confusion`.

    Examples
    --------
    >>> brier_score([1, 0], [0.5, 0.5])
    0.25
    """
    truth, values = _checked_probability(labels, probability)
    return float(np.mean((values - truth) ** 2))


def expected_calibration_error(
    labels: ArrayLike, probability: ArrayLike, *, bins: int = 10
) -> float:
    """Mean gap between stated probability and observed share, over bins of equal mass.

    Equal-mass bins (sorted samples in parts of equal size) bias the estimate less than bins of
    equal width where most probabilities crowd at the ends (Nixon et al., 2019; Roelofs et al.,
    2022).

    Parameters
    ----------
    labels, probability : (n,)
        0 or 1, and the probability of 1.
    bins
        Number of bins, at least 1; never more than samples are used.

    Returns
    -------
    float
        0-1, weighted by the samples in each bin; 0 is calibrated.

    Raises
    ------
    ValueError
        Where `bins` is below 1 or a probability lies outside 0-1, besides the cases of `confusion`.

    Examples
    --------
    >>> expected_calibration_error([0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5], bins=2)
    0.0
    """
    truth, values = _checked_probability(labels, probability)
    if bins < 1:
        raise ValueError(f"bins {bins} is below 1: give the number of equal-mass bins, such as 10")
    # Equal probabilities share their labels: no order among them is better than another.
    _, tie, size = np.unique(values, return_inverse=True, return_counts=True)
    shared = (np.bincount(tie, truth) / size)[tie]
    order = np.argsort(values, kind="stable")
    parts = np.array_split(order, min(bins, order.size))
    gaps = [part.size * abs(values[part].mean() - shared[part].mean()) for part in parts]
    return float(sum(gaps) / order.size)


def _ratio(part: int, whole: int, *, empty: float = float("nan")) -> float:
    return part / whole if whole else empty


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth = np.asarray(labels)
    values = np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != values.shape or truth.size == 0:
        raise ValueError(
            f"labels have shape {truth.shape}, scores {values.shape}: "
            "give two one-dimensional arrays of equal length, not empty"
        )
    if not np.isin(truth, (0, 1)).all():
        raise ValueError(
            f"labels hold {np.unique(truth)[:5]}: "
            "give 1 with deformation and 0 without, nothing else"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"{np.sum(~np.isfinite(values))} scores are not finite: "
            "leave out the samples that could not be judged"
        )
    return truth.astype(bool), values


def _checked_probability(
    labels: ArrayLike, probability: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth, values = _checked(labels, probability)
    if values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"probability runs from {values.min():g} to {values.max():g}, outside 0-1: "
            "pass probabilities, not logits or percent"
        )
    return truth, values
