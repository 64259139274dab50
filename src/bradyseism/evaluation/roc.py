"""ROC curves of many resamples of one set of scores at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Rates are quotients of whole numbers: what differs by less is equal.
_ROUNDING = 1e-12

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RocCurves:
    """Curves of r resamples, each from (0, 0) to (1, 1) over t falling thresholds.

    Attributes
    ----------
    threshold : (t,) array
        Distinct scores, falling, in their unit.
    flagged_positive, flagged_negative : (r, t + 1) array
        Weight of the samples with and without deformation whose score is at or over the first k
        thresholds; 0 for k = 0, everything for k = t. Equal scores are passed together.
    """

    threshold: Array
    flagged_positive: Array
    flagged_negative: Array

    @classmethod
    def of(
        cls, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
    ) -> RocCurves:
        """Curves of scores, one for each row of weights.

        Parameters
        ----------
        labels, scores : (n,)
            1 with deformation, 0 without; larger scores = more likely; finite.
        weights : (r, n), optional
            How often each sample occurs in each resample; once, in one resample, by default.

        Raises
        ------
        ValueError
            Where shapes do not fit, there is no sample, or a score is not finite.
        """
        truth, values = np.asarray(labels) == 1, np.asarray(scores, dtype=np.float64)
        times = np.ones((1, values.size)) if weights is None else np.asarray(weights, np.float64)
        if values.size == 0 or truth.shape != values.shape or times.shape[1:] != values.shape:
            raise ValueError(
                f"labels {truth.shape}, scores {values.shape} and weights {times.shape} do not "
                "fit: give (n,), (n,) and (resamples, n), n at least 1"
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"{np.sum(~np.isfinite(values))} scores are not finite: "
                "leave out the samples that could not be judged"
            )
        order = np.argsort(-values, kind="stable")
        threshold, first = np.unique(-values[order], return_index=True)
        ends = np.append(first[1:], values.size) - 1
        cumulated = [
            np.cumsum(times[:, order] * kind[order], axis=1)[:, ends] for kind in (truth, ~truth)
        ]
        start = np.zeros((len(times), 1))
        return cls(-threshold, *(np.hstack([start, part]) for part in cumulated))

    @cached_property
    def true_positive_rate(self) -> Array:
        """Share of the positives flagged, (r, t + 1); NaN in a resample without any."""
        return _share(self.flagged_positive)

    @cached_property
    def false_positive_rate(self) -> Array:
        """Share of the negatives flagged, (r, t + 1); NaN in a resample without any."""
        return _share(self.flagged_negative)

    def counts_over(self, threshold: float) -> tuple[Array, Array, Array, Array]:
        """Weight of true positives, false positives, false negatives and true negatives, each (r,).

        A score equal to the threshold is not flagged.
        """
        k = int(np.sum(self.threshold > threshold))
        positive, negative = self.flagged_positive, self.flagged_negative
        missed, quiet = positive[:, -1] - positive[:, k], negative[:, -1] - negative[:, k]
        return positive[:, k], negative[:, k], missed, quiet

    def area(self, up_to: float = 1.0) -> Array:
        """Mean true positive rate over false positive rates from 0 to `up_to`, (r,).

        The curve is linear between its points, so that ties count half: the whole area is the
        chance that a positive scores above a negative.

        Raises
        ------
        ValueError
            Where `up_to` lies outside 0-1 or is 0.
        """
        if not 0 < up_to <= 1:
            raise ValueError(f"up_to {up_to:g} is outside 0-1: give a false positive rate over 0")
        true, false = self.true_positive_rate, self.false_positive_rate
        start, step = false[:, :-1], np.diff(false, axis=1)
        inside = np.clip(up_to - start, 0.0, step)
        part = np.divide(inside, step, out=np.zeros_like(step), where=step > 0)
        height = true[:, :-1] + 0.5 * part * np.diff(true, axis=1)
        return np.asarray((inside * height).sum(axis=1) / up_to)

    def true_positive_rate_at(self, false_positive_rate: float) -> Array:
        """Highest true positive rate of a threshold that flags at most this share of negatives."""
        allowed = self.false_positive_rate <= false_positive_rate + _ROUNDING
        last = np.maximum(allowed.sum(axis=1) - 1, 0)
        return np.asarray(self.true_positive_rate[np.arange(len(last)), last])

    def false_positive_rate_at(self, true_positive_rate: float) -> Array:
        """Lowest false positive rate of a threshold that flags at least this share of positives."""
        short = self.true_positive_rate < true_positive_rate - _ROUNDING
        first = np.minimum(short.sum(axis=1), short.shape[1] - 1)
        return np.asarray(self.false_positive_rate[np.arange(len(first)), first])


def _share(cumulated: Array) -> Array:
    whole = cumulated[:, -1:]
    share = np.full_like(cumulated, np.nan)
    np.divide(cumulated, whole, out=share, where=whole > 0)
    return share
