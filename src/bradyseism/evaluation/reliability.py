"""Are the probabilities right? Stated probability against observed share, on unseen backgrounds.

Each simulated background is judged twice, without and with a source: the two share their place, and
intervals are those over places. Single windows are judged, as the network sees them, and whole maps
by the probability of their strongest place, as a screening states it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bradyseism.detection.false_alarm import strongest
from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.pooling_fit import PoolingSettings, map_pairs
from bradyseism.evaluation.scores import (
    Interval,
    bootstrap_by_place,
    brier_score,
    exact_interval,
    expected_calibration_error,
    roc_auc,
)
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.samples.side_by_side import side_by_side
from bradyseism.scenes.synthesis import SceneSettings, twin_scenes

__all__ = [
    "BACKGROUNDS",
    "BINS",
    "Bin",
    "Reliability",
    "ReliabilityResult",
    "measure_reliability",
    "reliability",
    "reliability_at",
]

Progress = Callable[[int, int, str], None]
BACKGROUNDS = 4000
BINS = 15
RESAMPLES = 500
# Seeds of the backgrounds lie far from those of training, validation and calibration.
UNSEEN = 1_900_000_000
_CHUNK = 100


@dataclass(frozen=True)
class Bin:
    """A fifteenth of the windows, by stated probability.

    Parameters
    ----------
    stated : float
        Mean probability.
    observed : Interval
        Share with a source; the interval is exact (95 %) for independent windows.
    windows : int
        How many.
    """

    stated: float
    observed: Interval
    windows: int


@dataclass(frozen=True)
class Reliability:
    """How probabilities at one prior hold.

    Parameters
    ----------
    prior : float
        Share of the windows that hold a source, and that the probabilities state.
    windows, places : int
        Windows judged, and backgrounds they come from.
    bins : tuple of Bin
        `BINS` of equal mass, least probable first.
    brier : Interval
        Brier score, with its 95 % interval over places.
    error : Interval
        Expected calibration error over the bins, with its 95 % interval over places. Resampling
        adds the floor once more: with few places the interval lies too high.
    floor : float
        Error that perfect probabilities would show with as many windows: finite bins are never
        level.
    auc : float
        Area under the ROC curve.
    """

    prior: float
    windows: int
    places: int
    bins: tuple[Bin, ...]
    brier: Interval
    error: Interval
    floor: float
    auc: float


@dataclass(frozen=True)
class ReliabilityResult:
    """Reliability with sources in half of the windows, and at the prior of the detector.

    Parameters
    ----------
    model : str
        Name of the detector.
    seed : int
        Of the backgrounds.
    balanced, at_prior : Reliability
        Of single windows.
    maps : tuple of Reliability
        The same two of whole maps, by their strongest places; empty where none were judged.
    """

    model: str
    seed: int
    balanced: Reliability
    at_prior: Reliability
    maps: tuple[Reliability, ...] = ()

    @property
    def judged(self) -> list[tuple[str, Reliability]]:
        """What was judged, "map" or "window", with its reliability, each prior once."""
        both = [("map", one) for one in self.maps]
        both += [("window", one) for one in (self.balanced, self.at_prior)]
        # A detector whose prior is one half has the same numbers twice.
        step = 2 if self.at_prior.prior == self.balanced.prior else 1
        return both[::step]

    def as_json(self) -> dict[str, Any]:
        """Everything for machines."""
        parts = {"balanced": self.balanced, "at_prior": self.at_prior}
        return {
            "model": self.model,
            "seed": self.seed,
            **{name: _plain(part) for name, part in parts.items()},
            "maps": dict(zip(parts, map(_plain, self.maps), strict=False)),
        }

    def as_markdown(self) -> str:
        """Two rows of scores, and the bins at each prior."""
        lines = [
            "| judged | prior | number | backgrounds | ECE, 15 equal-mass bins | ECE if perfect "
            "| Brier | AUC |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for kind, one in self.judged:
            lines.append(
                f"| {kind} | {one.prior:.3g} | {one.windows} | {one.places} "
                f"| {_words(one.error)} | {one.floor:.4f} | {_words(one.brier)} | {one.auc:.4f} |"
            )
        lines += ["", "| judged | prior | stated | observed | number |", "|---|---|---|---|---|"]
        for kind, one in self.judged:
            lines += [
                f"| {kind} | {one.prior:.3g} | {part.stated:.4f} | {_words(part.observed)} | "
                f"{part.windows} |"
                for part in one.bins
            ]
        return "\n".join(lines) + "\n"


def measure_reliability(
    detector: Detector,
    *,
    backgrounds: int = BACKGROUNDS,
    seed: int = 0,
    maps: int | None = None,
    scenes: SceneSettings | None = None,
    processes: int = 2,
    progress: Progress | None = None,
) -> ReliabilityResult:
    """Judge unseen simulated backgrounds, each without and with a source.

    Parameters
    ----------
    detector : Detector
        With a calibration; its encoding must take single windows of a velocity map.
    backgrounds : int
        Simulated backgrounds. One whose gaps hide its source is left out.
    seed : int
        0 or more; no training set shares a background with any.
    maps : int, optional
        Backgrounds of whole maps, by which the probability of a map's strongest place is judged;
        default a tenth of the others, 0 for none.
    scenes : SceneSettings, optional
        What the windows may hold; default those of training, of the encoding's size.
    processes : int
        Simulating processes; the result does not depend on it.
    progress : callable, optional
        Told backgrounds done, in all, and a word.

    Raises
    ------
    ValueError
        If there are fewer than `BINS` backgrounds, or the encoding takes wrapped patches.
    """
    encoding = detector.encoding
    if not isinstance(encoding, NormalisedWindow):
        raise ValueError(
            f"model {detector.name!r} takes wrapped patches: its calibration is measured on its "
            "own samples (`bradyseism reproduce`), give a model of `bradyseism train shipped`"
        )
    if backgrounds < BINS:
        raise ValueError(
            f"windows {backgrounds} are fewer than the {BINS} bins: give some {BACKGROUNDS}"
        )
    settings = replace(scenes or SceneSettings(), shape=(encoding.size, encoding.size))
    jobs = [
        (UNSEEN + seed, start, min(start + _CHUNK, backgrounds), settings)
        for start in range(0, backgrounds, _CHUNK)
    ]
    quiet, moving = [], []
    for done, pairs in enumerate(side_by_side(_pairs, jobs, processes), start=1):
        quiet.append(detector.predict(pairs[:, 0]).logit)
        moving.append(detector.predict(pairs[:, 1]).logit)
        if progress:
            progress(min(done * _CHUNK, backgrounds), backgrounds, "backgrounds")
    log_odds = [detector.calibration.balanced(np.concatenate(part)) for part in (quiet, moving)]
    return ReliabilityResult(
        detector.name,
        seed,
        reliability_at(0.5, *log_odds),
        reliability_at(detector.calibration.prior, *log_odds),
        _of_maps(detector, backgrounds // 10 if maps is None else maps, seed, processes, progress),
    )


def reliability(
    prior: float,
    labels: NDArray[np.bool_],
    probability: NDArray[np.float64],
    places: NDArray[np.int64],
) -> Reliability:
    """Reliability of stated probabilities.

    Parameters
    ----------
    prior : float
        That the probabilities state.
    labels : array of bool, shape (n,)
        True with a source.
    probability : array, shape (n,)
        Stated, 0-1.
    places : array, shape (n,)
        Background of each window.
    """
    rng = np.random.default_rng(0)
    # Equal probabilities in no order, lest quiet ones come before moving ones.
    order = np.lexsort((rng.random(labels.size), probability))
    parts = np.array_split(order, BINS)
    bins = tuple(
        Bin(
            float(probability[part].mean()),
            exact_interval(int(labels[part].sum()), part.size),
            part.size,
        )
        for part in parts
    )
    drawn = [rng.random(labels.size) < probability for _ in range(50)]
    return Reliability(
        prior,
        labels.size,
        int(np.unique(places).size),
        bins,
        bootstrap_by_place(brier_score, labels, probability, places, rng, resamples=RESAMPLES),
        bootstrap_by_place(_error, labels, probability, places, rng, resamples=RESAMPLES),
        float(np.mean([_error(one, probability) for one in drawn])),
        roc_auc(labels, probability),
    )


def reliability_at(
    prior: float, quiet: NDArray[np.float64], moving: NDArray[np.float64]
) -> Reliability:
    """Reliability where as many places deform as a prior says.

    Parameters
    ----------
    prior : float
        Share (0-1) of what is judged.
    quiet, moving : array, shape (places,)
        Log-odds at a prior of one half without and with a source, of one place each in the same
        order.
    """
    odds = prior / (1.0 - prior)
    # The first backgrounds of either kind, so that the two kinds stand as the prior has them.
    kept = [
        quiet[: max(1, round(quiet.size * min(1.0, 1.0 / odds)))],
        moving[: max(1, round(moving.size * min(1.0, odds)))],
    ]
    places = np.concatenate([np.arange(part.size) for part in kept])
    labels = np.repeat([False, True], [part.size for part in kept])
    return reliability(prior, labels, expit(np.concatenate(kept) + np.log(odds)), places)


def _of_maps(
    detector: Detector, count: int, seed: int, processes: int, progress: Progress | None
) -> tuple[Reliability, ...]:
    """Reliability of the strongest places of whole maps at both priors; empty for too few."""
    if count < BINS:
        return ()
    prior = detector.calibration.prior
    settings = PoolingSettings(backgrounds=count, seed=UNSEEN + seed)
    kept: list[tuple[float, float]] = []
    # One whose source gaps hide is no pair: its quiet half alone would shift the share.
    for done, (still, moved) in enumerate(map_pairs(settings, processes), start=1):
        if moved is not None:
            kept.append((strongest(still, detector), strongest(moved, detector)))
        if progress:
            progress(done, count, "maps")
    quiet, moving = np.array(kept).T - np.log(prior / (1.0 - prior))
    return reliability_at(0.5, quiet, moving), reliability_at(prior, quiet, moving)


def _error(labels: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    return expected_calibration_error(labels, probability, bins=BINS)


def _pairs(job: tuple[int, int, int, SceneSettings]) -> NDArray[np.float32]:
    """Windows (n, 2, size, size): the same backgrounds without and with a source."""
    seed, start, stop, settings = job
    pairs = []
    for index in range(start, stop):
        scenes = twin_scenes(seed, index, settings)
        if scenes[1].truth.volcanic:
            pairs.append(np.stack([scene.map.velocity for scene in scenes]))
    return np.array(pairs, dtype=np.float32).reshape(-1, 2, *settings.shape)


def _words(interval: Interval) -> str:
    return f"{interval.estimate:.4f} ({interval.low:.4f}-{interval.high:.4f})"


def _ends(interval: Interval) -> list[float]:
    return [interval.estimate, interval.low, interval.high]


def _plain(one: Reliability) -> dict[str, Any]:
    return {
        "prior": one.prior,
        "windows": one.windows,
        "backgrounds": one.places,
        "expected_calibration_error": _ends(one.error),
        "expected_calibration_error_if_perfect": one.floor,
        "brier": _ends(one.brier),
        "auc": one.auc,
        "bins": [
            {"stated": part.stated, "observed": _ends(part.observed), "windows": part.windows}
            for part in one.bins
        ],
    }
