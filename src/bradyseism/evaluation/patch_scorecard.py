"""A detector on labelled frames, patch by patch, in the measures of the paper.

Each patch is judged alone, as the paper's networks judge it: the detector sees nothing around.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.injection import evidence_method
from bradyseism.evaluation.patch_scores import MEASURES, PatchScores, Statistics, statistics_of
from bradyseism.evaluation.resampling import place_weights
from bradyseism.evaluation.scores import Confusion
from bradyseism.evaluation.truth import Place, TruthRow, read_truth
from bradyseism.maps.frames import (
    PATCH_SIZE,
    PATCH_STEP,
    PIXEL_SIZE,
    part_of,
    patch_corners,
    patches_holding,
)
from bradyseism.maps.velocity_map import Grid, VelocityMap

__all__ = ["PatchScorecard", "patch_scorecard"]

Progress = Callable[[int, int, str], None]
_RESAMPLINGS = 1000
_UNJUDGED = -30.0  # log-odds of a patch in which nothing can be judged
_NOTHING_COUNTS = "{} gives no patch that counts: it needs rows with volcanic 1 or 0"
_SHARE = ("auc", "true_positive_rate", "false_positive_rate", "fpr_at_95", "volcanoes")
_HEADINGS = {**MEASURES, "fpr_at_95": "FPR at TPR 95 %"}


@dataclass(frozen=True, eq=False)
class PatchScorecard:
    """What a detector says of all patches of labelled frames.

    Attributes
    ----------
    name : str
        Of the detector.
    scores : PatchScores
        Its log-odds at its prior.
    statistics : Statistics
        Their measures, with resamples of places.
    """

    name: str
    scores: PatchScores
    statistics: Statistics

    @property
    def counts(self) -> Confusion:
        """At a probability of one half."""
        return self.scores.confusions()[0]

    @property
    def volcanoes(self) -> tuple[int, int]:
        """Volcanoes (places with deformation) of which a positive patch is flagged, and all."""
        first, found = self.scores.volcanic_frames()
        places = self.scores.place[first]
        return np.unique(places[found[0]]).size, np.unique(places).size

    def as_json(self) -> dict[str, Any]:
        """Everything for machines: shares 0-1; None where too few places give no interval.

        ``volcanoes`` is the share of frames with deformation of which a positive patch is flagged;
        ``volcanoes_found`` and ``volcanoes_in_all`` count places, which several frames may share.
        """
        counts, (found, volcanoes) = self.counts, self.volcanoes
        intervals = {name: self.statistics.interval(name) for name in _SHARE}
        return {
            "model": self.name,
            "frames": int(np.unique(self.scores.frame).size),
            "patches": int(self.scores.label.size),
            **{
                name: {
                    key: value if np.isfinite(value) else None
                    for key, value in asdict(one).items()
                }
                for name, one in intervals.items()
            },
            "counts": {"TP": counts.true_positive, "FP": counts.false_positive,
                       "FN": counts.false_negative, "TN": counts.true_negative},
            "volcanoes_found": found,
            "volcanoes_in_all": volcanoes,
        }  # fmt: skip

    def as_markdown(self) -> str:
        """One row in percent with 95 % intervals over places, and the counts."""
        counts, (found, volcanoes) = self.counts, self.volcanoes
        cells = []
        for name in _SHARE:
            one = self.statistics.interval(name)
            known = np.isfinite(one.low)
            reach = f" ({100 * one.low:.1f}-{100 * one.high:.1f})" if known else ""
            cells.append(f"{100 * one.estimate:.1f}{reach}")
        cells[-1] = f"{cells[-1]}, {found} of {volcanoes} places"
        headings = [_HEADINGS[name] for name in _SHARE] + ["TP", "FP", "FN", "TN"]
        cells += [str(n) for n in (counts.true_positive, counts.false_positive,
                                   counts.false_negative, counts.true_negative)]  # fmt: skip
        return "\n".join(
            (
                f"| model | {' | '.join(headings)} |",
                "|---" * (len(headings) + 1) + "|",
                f"| {self.name} | {' | '.join(cells)} |",
            )
        )


def patch_scorecard(
    truth: str | PathLike[str],
    detector: Detector,
    *,
    seed: int = 0,
    workers: int = 2,
    progress: Progress | None = None,
) -> PatchScorecard:
    """Judge every patch of the frames of a truth table.

    Parameters
    ----------
    truth : path
        Truth table; rows whose ``volcanic`` is ambiguous do not count. A column ``place`` tells
        frames of the same ground. A patch (`PATCH_SIZE` pixels of `PIXEL_SIZE` m) is positive if
        it holds a centre that must be found, and does not count if it holds only one that may be.
    detector : Detector
        Flags at its prior.
    seed : int
        Of the resamples.
    workers : int
        Number of threads; the result does not depend on it.
    progress : callable, optional
        Told frames done, frames in all and a name.

    Raises
    ------
    ValueError, OSError
        Where the table or a frame is refused, or no patch counts.
    """
    rows = [row for row in read_truth(truth) if row.volcanic is not None]
    if not rows:
        raise ValueError(_NOTHING_COUNTS.format(truth))
    grounds, rates = [row.place for row in rows], [row.rate for row in rows]
    parts: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    with ThreadPoolExecutor(workers) as pool:
        for done, row in enumerate(rows):
            if progress:
                progress(done, len(rows), row.map)
            parts.append(_judged(row, detector, pool))
    label, logit = (np.concatenate(column) for column in zip(*parts, strict=True))
    lengths = [len(labels) for labels, _ in parts]
    names, ground, rate = (
        np.repeat(np.array(column), lengths) for column in ([r.map for r in rows], grounds, rates)
    )
    counted = label >= 0
    if not counted.any():
        raise ValueError(_NOTHING_COUNTS.format(truth))
    scores = PatchScores(
        label[counted],
        names[counted],
        ground[counted],
        rate[counted],
        logit[None, counted],
        (seed,),
    )
    rng = np.random.default_rng(seed)
    weights = place_weights(scores.label, scores.place, rng, _RESAMPLINGS)
    return PatchScorecard(detector.name, scores, statistics_of(scores, weights))


def _judged(
    row: TruthRow, detector: Detector, pool: ThreadPoolExecutor
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels (1, 0, or -1 where it does not count) and log-odds of the patches of a frame."""
    frame = _on_patch_pixels(row.open())
    corners = patch_corners(_padded(frame.grid.shape), PATCH_SIZE, PATCH_STEP)
    judge = evidence_method(detector)
    scores = pool.map(lambda corner: judge(_patch(frame, corner)).score, corners)
    logit = np.maximum(list(scores), _UNJUDGED)
    must, may = (_holds(frame.grid, places, corners) for places in (row.must, row.may))
    return np.where(must, 1, np.where(may, -1, 0)), logit


def _on_patch_pixels(frame: VelocityMap) -> VelocityMap:
    own = frame.grid
    if not own.crs.is_geographic and np.allclose(own.pixel_sides, PIXEL_SIZE, rtol=1e-3):
        return frame
    return frame.resampled(own.local(PIXEL_SIZE))


def _padded(shape: tuple[int, int]) -> tuple[int, int]:
    return max(shape[0], PATCH_SIZE), max(shape[1], PATCH_SIZE)


def _patch(frame: VelocityMap, corner: NDArray[np.intp]) -> VelocityMap:
    row, column = (int(n) for n in corner)
    return part_of(frame, slice(row, row + PATCH_SIZE), slice(column, column + PATCH_SIZE))


def _holds(grid: Grid, places: Sequence[Place], corners: NDArray[np.intp]) -> NDArray[np.bool_]:
    points = [grid.row_column(one.longitude, one.latitude) for one in places]
    return patches_holding(np.array(points, dtype=np.float64), corners)
