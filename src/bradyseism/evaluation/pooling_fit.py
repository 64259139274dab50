"""What the evidence of several window sizes is worth, fitted on simulated maps.

Every background is searched without and with a source. Of each map the strongest place counts, so
that its probability is one that the map deforms.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from bradyseism.detection.events import distinct_places, look_again
from bradyseism.detection.pooling import Pooling, by_level, features
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import scan
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.samples.side_by_side import side_by_side
from bradyseism.scenes.priors import FootprintPrior, LogUniform
from bradyseism.scenes.synthesis import SceneSettings, twin_scenes

__all__ = ["PoolingSettings", "fit_pooling", "map_pairs", "with_pooling"]

Progress = Callable[[int, int], None]
Array = NDArray[np.float64]
# Before anything is fitted, to choose the places that are looked at again.
_START = Pooling(0.5, 0.4, -1.0)
_ROUNDS = 4
_CHUNK = 10


@dataclass(frozen=True)
class PoolingSettings:
    """Simulated maps of several sizes.

    Parameters
    ----------
    sides : tuple of int
        Pixels along a side, drawn in turn.
    backgrounds : int
        Maps without a source, each of which is seen with one, too.
    places : int
        Strongest places of each map that the fit may choose from.
    seed : int
        Of the backgrounds; no training set shares one with any.
    scenes : SceneSettings
        What the maps may hold.
    """

    sides: tuple[int, ...] = (96, 128, 192, 256, 384)
    backgrounds: int = 400
    places: int = 4
    seed: int = 1_700_000_000
    scenes: SceneSettings = field(
        default_factory=lambda: SceneSettings(sources=FootprintPrior(width=LogUniform(0.02, 0.4)))
    )

    def __post_init__(self) -> None:
        if not self.sides or min(self.sides) < 4:
            raise ValueError(f"sides {self.sides} are not all 4 px or more: give at least one")
        if self.backgrounds < 15 or self.places < 1:
            raise ValueError(
                f"backgrounds {self.backgrounds} or places {self.places}: give at least 15 "
                "backgrounds and one place"
            )


def fit_pooling(
    detector: Detector,
    settings: PoolingSettings,
    *,
    processes: int = 2,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Weights of the evidence of all window sizes, for the card of a detector.

    Parameters
    ----------
    detector : Detector
        Trained, its windows calibrated.
    settings : PoolingSettings
    processes : int
        Simulating processes; the result does not depend on it.
    progress : callable, optional
        Told backgrounds done and in all.

    Returns
    -------
    dict
        For `Pooling.from_card`: weights of both stages, how many maps without and with a source
        they were fitted on, and the seed.
    """
    quiet: list[tuple[Array, Array]] = []
    moving: list[tuple[Array, Array]] = []
    for done, (empty, loud) in enumerate(map_pairs(settings, processes), start=1):
        # Both or neither: maps whose gaps hide their source have few levels, and are not quiet more
        # often than others.
        pair = [
            None if one is None else _places(one, detector, settings.places)
            for one in (empty, loud)
        ]
        if pair[0] is not None and pair[1] is not None:
            quiet.append(pair[0])
            moving.append(pair[1])
        if progress:
            progress(done, settings.backgrounds)
    stages = {}
    for index, stage in enumerate(("scanned", "looked_again")):
        weights = _fitted([one[index] for one in quiet], [one[index] for one in moving])
        stages[stage] = {name: round(value, 4) for name, value in asdict(weights).items()}
    return {**stages, "maps": [len(quiet), len(moving)], "seed": settings.seed}


def with_pooling(detector: Detector, pooling: Mapping[str, Any]) -> Detector:
    """The same detector with the weights of `fit_pooling` on its card."""
    other = copy.copy(detector)
    other.card = {**detector.card, "pooling": pooling}
    return other


def map_pairs(
    settings: PoolingSettings, processes: int = 2
) -> Iterator[tuple[VelocityMap, VelocityMap | None]]:
    """Simulated maps without and with a source; None where gaps would hide it."""
    count = settings.backgrounds
    jobs = [(settings, start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    for pairs in side_by_side(_pairs, jobs, processes):
        yield from pairs


def _pairs(
    job: tuple[PoolingSettings, int, int],
) -> list[tuple[VelocityMap, VelocityMap | None]]:
    settings, start, stop = job
    pairs = []
    for index in range(start, stop):
        side = settings.sides[index % len(settings.sides)]
        quiet, moving = twin_scenes(
            settings.seed, index, replace(settings.scenes, shape=(side, side))
        )
        pairs.append((quiet.map, moving.map if moving.truth.volcanic else None))
    return pairs


def _places(velocity_map: VelocityMap, detector: Detector, most: int) -> tuple[Array, Array] | None:
    """Evidence (n, levels) of the strongest places, as scanned and as looked at again."""
    scanned = scan(velocity_map, detector)
    if not scanned.windows.size:
        return None
    size = detector.encoding.size
    evidence = by_level(
        scanned.windows, detector.calibration.balanced(scanned.windows["logit"]), size
    )
    log_odds = _START.log_odds(evidence)
    leads = [group[0] for group in distinct_places(scanned.windows, log_odds, size, most=most)]
    looks = [
        look_again(
            scanned.levels,
            detector,
            float(scanned.windows["place_easting"][lead]),
            float(scanned.windows["place_northing"][lead]),
        )
        for lead in leads
    ]
    again = np.array([look.evidence for look in looks])
    return (evidence[leads], again) if np.isfinite(again).any() else None


def _fitted(quiet: list[Array], moving: list[Array]) -> Pooling:
    """Weights by logistic regression on the place of each map that is strongest by them."""
    weights = _START
    for _ in range(_ROUNDS):
        rows = [
            features(places[[np.argmax(weights.log_odds(places))]])[0]
            for places in (*quiet, *moving)
        ]
        design = np.column_stack([rows, np.ones(len(rows))])
        sign = np.repeat([-1.0, 1.0], [len(quiet), len(moving)])
        share = np.repeat([0.5 / len(quiet), 0.5 / len(moving)], [len(quiet), len(moving)])

        def loss(
            parameters: Array, design: Array = design, sign: Array = sign, share: Array = share
        ) -> float:
            """Cross-entropy, both classes weighted equally."""
            return float(share @ np.logaddexp(0.0, -sign * (design @ parameters)))

        weights = Pooling(*map(float, optimize.minimize(loss, np.array([0.5, 0.0, 0.0])).x))
    return weights
