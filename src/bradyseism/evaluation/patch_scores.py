"""One row of the paper's tables from the answers of a model, patch by patch.

The measures of a model that was trained with several seeds are means over its seeds. Their
intervals come from resamples of places, the same for every seed and, with the same weights, for
every model, so that differences between models are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bradyseism.evaluation.roc import RocCurves
from bradyseism.evaluation.scores import Confusion, Interval

MEASURES = {
    "true_positive_rate": "TPR",
    "false_positive_rate": "FPR",
    "auc": "AUC ROC",
    "accuracy": "Accuracy",
    "precision": "Precision",
    "f1": "F1",
    "volcanoes": "Volcanoes",
}
"""The columns of the paper, each a share 0-1, with their headings there."""

LIMITS = (0.01, 0.05, 0.10)
"""False positive rates at which the true positive rate is given."""

HIGH_RATE = 0.90
"""True positive rate at which the false positive rate is given."""

LOW_RANGE, MIDDLE_RANGE = 0.10, 0.18
"""Ranges of the false positive rate, from 0, that the paper compares models over."""

FLAG_LOGIT = 0.0  # probability 0.5

FEWEST_PLACES = 3
"""With fewer places of a kind there is no interval: resamples of one place are all the same."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PatchScores:
    """What one model says of all patches of a test set.

    Attributes
    ----------
    label : (n,) array
        1 with deformation, 0 without.
    frame, place : (n,) array
        Name of the map and of the place of each patch.
    rate : (n,) array
        Peak LOS rate (m/yr) of the source in the frame; 0 without, NaN unknown.
    logit : (s, n) array
        Log-odds of deformation, one row a seed; a patch is flagged over 0.
    seeds : tuple of int
        The s seeds.
    """

    label: NDArray[np.integer]
    frame: NDArray[np.str_]
    place: NDArray[np.str_]
    rate: Array
    logit: Array
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        count = np.shape(self.label)
        shapes = {name: np.shape(getattr(self, name)) for name in ("frame", "place", "rate")}
        wrong = {name: shape for name, shape in shapes.items() if shape != count}
        if len(count) != 1 or wrong or np.shape(self.logit) != (len(self.seeds), *count):
            raise ValueError(
                f"label {count}, logit {np.shape(self.logit)}, {len(self.seeds)} seeds and "
                f"{shapes} do not fit: give (n,) each, and (seeds, n) logits"
            )
        if not np.isin(self.label, (0, 1)).all():
            raise ValueError(
                f"label holds {np.unique(self.label)[:5]}: leave out the patches that do not count"
            )

    def same_patches(self, other: PatchScores) -> bool:
        """Whether both models judge the same patches in the same order."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("label", "frame", "place")
        )

    def confusions(self) -> tuple[Confusion, ...]:
        """Counts at a probability of 0.5, one for each seed."""
        truth, flagged = self.label == 1, self.logit > FLAG_LOGIT
        return tuple(
            Confusion(
                int(np.sum(truth & row)),
                int(np.sum(~truth & row)),
                int(np.sum(truth & ~row)),
                int(np.sum(~truth & ~row)),
            )
            for row in flagged
        )

    def volcanic_frames(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Frames with deformation, and in which a positive patch is flagged.

        Returns
        -------
        first : (f,) array of int
            A patch of each frame.
        found : (s, f) array of bool
            Whether at least one of its positive patches is flagged, for each seed.
        """
        positive = np.flatnonzero(self.label == 1)
        _, first, member = np.unique(self.frame[positive], return_index=True, return_inverse=True)
        flagged = self.logit[:, positive] > FLAG_LOGIT
        found = np.zeros((len(self.seeds), first.size), dtype=np.bool_)
        for row, answers in zip(found, flagged, strict=True):
            np.logical_or.at(row, member, answers)
        return positive[first], found


@dataclass(frozen=True, eq=False)
class Statistics:
    """Numbers of one model on one test set.

    Attributes
    ----------
    by_seed : mapping of str to (s,) array
        Each number for each seed, from the data as they are.
    resampled : mapping of str to (r,) array
        Mean over the seeds in each resample; NaN where places with, or without, deformation are
        there but fewer than `FEWEST_PLACES`.
    """

    by_seed: Mapping[str, Array]
    resampled: Mapping[str, Array]

    def estimate(self, name: str) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.by_seed[name]))

    def spread(self, name: str) -> float:
        """Standard deviation over the seeds; NaN with a single one."""
        values = self.by_seed[name]
        return float(np.std(values, ddof=1)) if values.size > 1 else float("nan")

    def interval(self, name: str) -> Interval:
        """Mean over the seeds with its 95 % interval over places."""
        return percentile_interval(self.estimate(name), self.resampled[name])


def statistics_of(scores: PatchScores, weights: NDArray[np.int64]) -> Statistics:
    """Compute every number that a table or a claim needs.

    Parameters
    ----------
    scores : PatchScores
        Of one model.
    weights : (r, n) array
        Of `resampling.place_weights`; the same for all models that are compared.

    Returns
    -------
    Statistics
        `MEASURES`; ``area_low`` and ``area_middle`` (mean true positive rate below false positive
        rates of `LOW_RANGE`, `MIDDLE_RANGE`); ``tpr_at_1``, ``tpr_at_5``, ``tpr_at_10`` (percent);
        ``fpr_at_high`` (`HIGH_RATE`), ``fpr_at_95`` (95 %); ``smallest_rate`` (m/yr, of the frames
        found, NaN if none).
    """
    once = np.ones((1, scores.label.size), dtype=np.int64)
    single = [_of_one_seed(scores, seed, once) for seed in range(len(scores.seeds))]
    by_seed = {name: np.array([row[name][0] for row in single]) for name in single[0]}
    if _too_few_places(scores):
        unknown = np.full(len(weights), np.nan)
        return Statistics(by_seed, dict.fromkeys(by_seed, unknown))
    many = [_of_one_seed(scores, seed, weights) for seed in range(len(scores.seeds))]
    return Statistics(
        by_seed, {name: np.mean([row[name] for row in many], axis=0) for name in many[0]}
    )


def percentile_interval(estimate: float, draws: Array) -> Interval:
    """Estimate with the 2.5 and 97.5 % points of its resamples; those that are NaN do not count."""
    known = draws[~np.isnan(draws)]
    low, high = np.percentile(known, [2.5, 97.5]) if known.size else (np.nan, np.nan)
    return Interval(float(estimate), float(low), float(high))


def auc_difference(first: Statistics, second: Statistics) -> Interval:
    """Area under the curve of the first model minus that of the second, paired by place."""
    return percentile_interval(
        first.estimate("auc") - second.estimate("auc"),
        first.resampled["auc"] - second.resampled["auc"],
    )


def _too_few_places(scores: PatchScores) -> bool:
    deforming = np.unique(scores.place[scores.label == 1])
    quiet = np.setdiff1d(scores.place, deforming)
    return any(0 < places.size < FEWEST_PLACES for places in (deforming, quiet))


def _of_one_seed(scores: PatchScores, seed: int, weights: NDArray[np.int64]) -> dict[str, Array]:
    curves = RocCurves.of(scores.label, scores.logit[seed], weights)
    true, false, missed, quiet = curves.counts_over(FLAG_LOGIT)
    return {
        "true_positive_rate": _quotient(true, true + missed),
        "false_positive_rate": _quotient(false, false + quiet),
        "auc": curves.area(),
        "accuracy": _quotient(true + quiet, true + false + missed + quiet),
        "precision": _quotient(true, true + false, empty=0.0),
        "f1": _quotient(2 * true, 2 * true + false + missed, empty=0.0),
        "area_low": curves.area(LOW_RANGE),
        "area_middle": curves.area(MIDDLE_RANGE),
        **{f"tpr_at_{100 * x:.0f}": curves.true_positive_rate_at(x) for x in LIMITS},
        "fpr_at_high": curves.false_positive_rate_at(HIGH_RATE),
        "fpr_at_95": curves.false_positive_rate_at(0.95),
        **_of_frames(scores, seed, weights),
    }


def _of_frames(scores: PatchScores, seed: int, weights: NDArray[np.int64]) -> dict[str, Array]:
    first, found = scores.volcanic_frames()
    times, rate = weights[:, first], np.abs(scores.rate[first])
    known = found[seed] & np.isfinite(rate)
    reached = np.where((times > 0) & known, rate, np.inf).min(axis=1, initial=np.inf)
    return {
        "volcanoes": _quotient((times * found[seed]).sum(axis=1), times.sum(axis=1)),
        "smallest_rate": np.where(np.isfinite(reached), reached, np.nan),
    }


def _quotient(part: NDArray[np.number], whole: NDArray[np.number], empty: float = np.nan) -> Array:
    result = np.full(np.shape(whole), empty, dtype=np.float64)
    np.divide(part, whole, out=result, where=whole > 0)
    return result
