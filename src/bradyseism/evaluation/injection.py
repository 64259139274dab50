"""How small a source is still found: known sources added to real volcano-free maps.

Every method sees the same frames and the same sources, and gives one score and one best place a
frame. Its threshold is the one at which it flags at most a set share of the untouched frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.detect import detect
from bradyseism.detection.events import FLAG, after_second_look, find_candidates
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import scan
from bradyseism.evaluation.baselines import ScoreMap
from bradyseism.evaluation.injection_plan import (
    Injection,
    InjectionSettings,
    injected,
    look_of,
)
from bradyseism.evaluation.resampling import place_weights
from bradyseism.evaluation.scores import Interval, exact_interval
from bradyseism.maps.frames import ground_blocks
from bradyseism.maps.near import distance, pixel_at
from bradyseism.maps.velocity_map import Grid, VelocityMap

__all__ = [
    "Best",
    "InjectionResult",
    "Method",
    "detector_method",
    "evidence_method",
    "run_injection",
    "score_map_method",
    "threshold_at",
]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Best:
    """What a method says of one frame.

    Attributes
    ----------
    score
        Rises with the belief in deformation; minus infinity where nothing could be judged.
    longitude, latitude
        The most suspicious place, degrees; NaN where nothing could be judged.
    """

    score: float
    longitude: float
    latitude: float


Method = Callable[[VelocityMap], Best]
_RESAMPLINGS = 2000
_NOTHING = Best(float("-inf"), float("nan"), float("nan"))


def chance_of_signs(differences: NDArray[np.int64]) -> float:
    """Chance of a sum so far from zero if each difference had either sign as likely as the other.

    Examples
    --------
    >>> chance_of_signs(np.array([3, 1, 0]))  # of four pairs of signs two give 4 or -4
    0.5
    """
    spread = np.ones(1)  # of all sums of signed sizes, from the lowest to the highest
    for size in np.abs(differences):
        spread = 0.5 * (np.pad(spread, (0, 2 * size)) + np.pad(spread, (2 * size, 0)))
    sums = np.arange(spread.size) - spread.size // 2
    return float(spread[np.abs(sums) >= abs(differences.sum())].sum())


def detector_method(detector: Detector) -> Method:
    """Judge frames by a trained detector: its best detection or, without one, its best evidence."""

    def judge(frame: VelocityMap) -> Best:
        """Best place by the probability of its windows."""
        result = detect(frame, detector)
        if result.detections:
            best = result.detections[0]
            return Best(best.probability, best.longitude, best.latitude)
        return _strongest(result.probability, frame.grid)

    return judge


def evidence_method(detector: Detector) -> Method:
    """Judge frames by a trained detector as `detector_method` does, but describe no find.

    Much cheaper, as neither footprint nor source is looked for. The score is the log-odds of the
    strongest evidence, which do not round to 1 as probabilities do.
    """

    def judge(frame: VelocityMap) -> Best:
        """Best place by its windows, those lowered that a second look has rejected."""
        scanned = scan(frame, detector)
        if not scanned.windows.size:
            return _NOTHING
        candidates = find_candidates(scanned, detector)
        log_odds = after_second_look(scanned, candidates)
        top = scanned.windows[np.argmax(log_odds)]
        score = float(log_odds.max())
        easting, northing = float(top["place_easting"]), float(top["place_northing"])
        if candidates and candidates[0].probability > FLAG:
            best = candidates[0]
            score, easting, northing = best.log_odds, best.easting, best.northing
        grid = scanned.levels[0].grid
        longitude, latitude = grid.longitude_latitude(*pixel_at(grid, easting, northing))
        return Best(score, float(longitude), float(latitude))

    return judge


def score_map_method(score_map: ScoreMap) -> Method:
    """Judge frames by the largest pixel of a score map, on a metric grid of the frame's pixel size.

    Parameters
    ----------
    score_map
        Takes velocity (rows, columns) in m/yr, NaN missing, the pixel size in metres and the mean
        look vector of the frame; gives a score for each pixel, NaN where it cannot judge. One of
        `bradyseism.evaluation.baselines`.
    """

    def judge(frame: VelocityMap) -> Best:
        """Best place by the map of scores."""
        pixel_size = frame.grid.pixel_size
        metric = frame.resampled(frame.grid.local(pixel_size))
        score = score_map(metric.velocity.astype(np.float64), pixel_size, look_of(frame))
        return _strongest(score, metric.grid)

    return judge


def threshold_at(scores: NDArray[np.float64], share: float) -> float:
    """Lowest score that at most `share` of the scores exceed (a tie does not exceed).

    Examples
    --------
    >>> threshold_at(np.array([4.0, 1.0, 3.0, 2.0]), 0.25)
    3.0
    """
    # A little over, as 0.29 times 100 is under 29.
    return float(np.sort(scores)[::-1][math.floor(share * scores.size + 1e-9)])


@dataclass(frozen=True, eq=False)
class InjectionResult:
    """Scores of several methods on untouched frames and on the same frames with sources.

    Attributes
    ----------
    plan : tuple of Injection
        The n sources.
    settings : InjectionSettings
        What was asked for.
    digest : str
        SHA-256 of the plan's table.
    quiet : dict of (frames,) arrays
        For each method, the scores of the untouched frames.
    scores : dict of (n,) arrays
        For each method, the scores of the frames with sources.
    distances : dict of (n,) arrays
        For each method, metres from its best place to the true one; NaN where nothing was judged.
    blocks : (n,) array of int
        Block of ground of each source, see `maps.frames.ground_blocks`: frames overlap, and several
        sources share one, so that those of one block are no independent trials.
    """

    plan: tuple[Injection, ...]
    settings: InjectionSettings
    digest: str
    quiet: Mapping[str, NDArray[np.float64]]
    scores: Mapping[str, NDArray[np.float64]]
    distances: Mapping[str, NDArray[np.float64]]
    blocks: NDArray[np.int64]

    @property
    def rates(self) -> tuple[float, ...]:
        """Peak rates that occur in the plan (m/yr, unsigned), rising."""
        return tuple(sorted({abs(one.rate) for one in self.plan}))

    def threshold(self, method: str) -> float:
        """Score over which a frame counts as flagged by a method."""
        return threshold_at(self.quiet[method], self.settings.false_frames)

    def flagged(self, method: str) -> int:
        """Number of untouched frames that a method flags at its threshold."""
        return int(np.sum(self.quiet[method] > self.threshold(method)))

    def found(self, method: str, *, located: bool = False) -> NDArray[np.bool_]:
        """(n,): True where a source is found, or found and in the right place if `located`."""
        found = self.scores[method] > self.threshold(method)
        if located:
            reach = np.array(
                [max(self.settings.place_tolerance, one.width / 2) for one in self.plan]
            )
            found = found & (self.distances[method] <= reach)
        return np.asarray(found)

    def share(
        self, method: str, rate: float, *, width: float | None = None, located: bool = False
    ) -> Interval:
        """Share found at a peak rate (m/yr, both signs), of all widths or of one (m).

        The 95 % interval is the wider of the exact one of independent sources and that over blocks
        of ground.

        Raises
        ------
        ValueError
            Where the plan holds no such source.
        """
        chosen = self._chosen(rate, width)
        found = self.found(method, located=located)[chosen]
        alone = exact_interval(int(found.sum()), found.size)
        times = place_weights(
            np.ones(found.size), self.blocks[chosen], np.random.default_rng(0), _RESAMPLINGS
        )
        low, high = np.quantile(times @ found / times.sum(axis=1), [0.025, 0.975])
        return Interval(alone.estimate, min(alone.low, float(low)), max(alone.high, float(high)))

    def winner(self, rate: float) -> tuple[str, str, float]:
        """Who finds most at a peak rate (m/yr), who comes second, and how far by chance.

        Returns
        -------
        first, second : str
            Names of the methods; of equals, the one listed first.
        chance : float
            Two-sided exact probability of so large a difference if on each block of ground either
            might as well have been the other: McNemar's test for blocks. NaN with a single method.
        """
        chosen = self._chosen(rate, None)
        found = {name: self.found(name)[chosen] for name in self.scores}
        ranked = sorted(found, key=lambda name: -int(found[name].sum()))
        if len(ranked) < 2:
            return ranked[0], ranked[0], float("nan")
        first, second = ranked[:2]
        ahead = np.bincount(self.blocks[chosen], found[first].astype(int) - found[second])
        return first, second, chance_of_signs(np.rint(ahead).astype(int))

    def as_json(self) -> dict[str, Any]:
        """Everything for machines: rates in mm/yr, widths in km, shares 0-1."""
        return {
            "injections": len(self.plan),
            "plan_sha256": self.digest,
            "methods": {name: self._method_json(name) for name in self.scores},
            "winners": [self._winner_json(rate) for rate in self.rates],
        }

    def as_markdown(self) -> str:
        """Table of the share found against peak rate, with 95 % intervals, and who wins."""
        head = "| method | false frames | " + " | ".join(
            f"{1e3 * rate:g} mm/yr" for rate in self.rates
        )
        lines = [head + " |", "|---|---" + "|---" * len(self.rates) + "|"]
        for name in self.scores:
            for located, label in ((False, name), (True, f"{name}, right place")):
                cells = [_cell(self.share(name, rate, located=located)) for rate in self.rates]
                false = f"{self.flagged(name)}/{self.quiet[name].size}"
                lines.append(f"| {label} | {false} | " + " | ".join(cells) + " |")
        lines.append("")
        for rate in self.rates:
            first, second, chance = self.winner(rate)
            lines.append(
                f"- {1e3 * rate:g} mm/yr: {first} finds most, then {second} "
                f"(p = {chance:.2g}, exact test of signs over blocks of ground)."
            )
        return "\n".join(lines) + "\n"

    def _chosen(self, rate: float, width: float | None) -> NDArray[np.bool_]:
        chosen = np.array(
            [
                np.isclose(abs(one.rate), rate) and (width is None or np.isclose(one.width, width))
                for one in self.plan
            ]
        )
        if not chosen.any():
            raise ValueError(
                f"the plan holds no source of {1e3 * rate:g} mm/yr"
                + ("" if width is None else f" and {width / 1e3:g} km")
                + ": choose one of its rates and widths"
            )
        return chosen

    def _method_json(self, name: str) -> dict[str, Any]:
        threshold = self.threshold(name)
        return {
            "threshold": threshold if np.isfinite(threshold) else None,
            "frames": int(self.quiet[name].size),
            "frames_flagged": self.flagged(name),
            "found": [
                {
                    "rate_mm_per_year": 1e3 * rate,
                    "width_km": None if width is None else width / 1e3,
                    "sources": int(self._chosen(rate, width).sum()),
                    **_interval_json("share", self.share(name, rate, width=width)),
                    **_interval_json("located", self.share(name, rate, width=width, located=True)),
                }
                for rate in self.rates
                for width in (None, *self._widths(rate))
            ],
        }

    def _widths(self, rate: float) -> list[float]:
        return sorted({one.width for one in self.plan if np.isclose(abs(one.rate), rate)})

    def _winner_json(self, rate: float) -> dict[str, Any]:
        first, second, chance = self.winner(rate)
        return {
            "rate_mm_per_year": 1e3 * rate,
            "first": first,
            "second": second,
            "chance": chance if np.isfinite(chance) else None,
        }


def run_injection(
    frames: Sequence[VelocityMap],
    plan: Sequence[Injection],
    methods: Mapping[str, Method],
    settings: InjectionSettings,
    *,
    digest: str = "",
    workers: int = 2,
    progress: Progress | None = None,
) -> InjectionResult:
    """Let every method judge every frame, untouched and with each source.

    Parameters
    ----------
    frames, plan
        As `cut_frames` and `draw_plan` give them.
    methods
        By name, in the order of the table; called from several threads.
    settings
        Those of the plan.
    digest
        SHA-256 of the plan's table, for the record.
    workers
        Number of threads; the result does not depend on it.
    progress
        Told steps done, steps in all, and a word, after every step.

    Raises
    ------
    ValueError
        Where frames, plan or methods are empty.
    """
    if not frames or not plan or not methods:
        raise ValueError(
            f"{len(frames)} frames, {len(plan)} injections, {len(methods)} methods: "
            "give at least one of each"
        )
    steps: list[Injection | VelocityMap] = [*frames, *plan]

    def judge(step: Injection | VelocityMap) -> list[Best]:
        """What every method says of one step."""
        frame = injected(frames[step.frame], step) if isinstance(step, Injection) else step
        return [method(frame) for method in methods.values()]

    answers = []
    with ThreadPoolExecutor(workers) as pool:
        for done, answer in enumerate(pool.map(judge, steps), start=1):
            answers.append(answer)
            if progress:
                progress(done, len(steps), "frames")
    scores = np.array([[best.score for best in answer] for answer in answers]).T
    quiet, loud = scores[:, : len(frames)], scores[:, len(frames) :]
    distances = np.array(
        [
            [distance(one, best) for best in answer]
            for one, answer in zip(plan, answers[len(frames) :], strict=True)
        ]
    ).T
    return InjectionResult(
        tuple(plan),
        settings,
        digest,
        dict(zip(methods, quiet, strict=True)),
        dict(zip(methods, loud, strict=True)),
        dict(zip(methods, distances, strict=True)),
        ground_blocks(frames, settings.side)[[one.frame for one in plan]],
    )


def _strongest(score: NDArray[np.floating[Any]], grid: Grid) -> Best:
    if not np.isfinite(score).any():
        return _NOTHING
    row, column = np.unravel_index(np.nanargmax(score), score.shape)
    longitude, latitude = grid.longitude_latitude(row, column)
    return Best(float(score[row, column]), float(longitude), float(latitude))


def _interval_json(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _cell(interval: Interval) -> str:
    low, high = 100 * interval.low, 100 * interval.high
    return f"{100 * interval.estimate:.0f} % ({low:.0f}-{high:.0f})"
