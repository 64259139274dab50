"""From windows to detections: candidates, a second look at each, and merging."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bradyseism.detection.pooling import DOUBT, pooled
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import Level, Scan, most_likely_place

# A detection over this probability is a flag.
FLAG = 0.5
# Places over this probability get a second look.
SUSPECT = 0.4
MOST_CANDIDATES = 100
# The second look shifts windows by this share of their side, so that no verdict hangs on a grid.
JITTER = 0.125
# A window agrees on a place if this much of its place probability lies within `AGREE_CELLS`; one
# that does not may speak against the place, not for it.
AGREE_MASS = 0.3
AGREE_CELLS = 1.6
# A window cannot tell places apart that lie nearer than this share of its side.
MERGE = 0.2

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SecondLook:
    """What ten windows around a place say on each level.

    Parameters
    ----------
    evidence : array, shape (levels,)
        Mean log-odds at a prior of one half; NaN where nothing can be observed.
    easting, northing : array, shape (levels,)
        Where the windows see the source (m); the place itself where none agrees on it.
    """

    evidence: Array
    easting: Array
    northing: Array


@dataclass(frozen=True, eq=False)
class Candidate:
    """A place that a second look has judged.

    Parameters
    ----------
    easting, northing : float
        Centre (m) in the local projection of the levels, where the best level sees it.
    level : int
        Index of that level.
    log_odds : float
        Of the place, from the levels that can tell it from better candidates, at the prior of the
        detector.
    look : SecondLook
        What all levels say.
    windows : array of int
        Indices of the scanned windows that led here, the strongest first.
    """

    easting: float
    northing: float
    level: int
    log_odds: float
    look: SecondLook
    windows: NDArray[np.int64]

    @property
    def probability(self) -> float:
        """Calibrated probability, 0-1."""
        return float(expit(self.log_odds))


def find_candidates(scan: Scan, detector: Detector) -> list[Candidate]:
    """Judge every place that the scan suspects, most probable first.

    Returns
    -------
    list of Candidate
        A level whose windows cannot tell a place from a better one, as it lies within `MERGE` of
        their side, says nothing of it. Where none can, or not the level that sees the better one
        best, the two are one, and the better takes over the windows. Those under `FLAG` are kept,
        so that what the second look has rejected can be told from what was never suspected.
    """
    size = detector.encoding.size
    groups = distinct_places(
        scan.windows, scan.windows["log_odds"], size, least=np.log(SUSPECT / (1.0 - SUSPECT))
    )
    reach = MERGE * size * np.array([level.pixel_size for level in scan.levels])
    left = []
    for group in groups:
        lead = scan.windows[group[0]]
        place = float(lead["place_easting"]), float(lead["place_northing"])
        left.append(_candidate(look_again(scan.levels, detector, *place), detector, group))
    kept: list[Candidate] = []
    while left:
        left.sort(key=lambda candidate: candidate.log_odds)
        best = left.pop()
        shadowed = []
        for other in left:
            distance = np.hypot(other.easting - best.easting, other.northing - best.northing)
            evidence = np.where(distance > reach, other.look.evidence, np.nan)
            if distance > reach[best.level] and np.isfinite(evidence).any():
                look = replace(other.look, evidence=evidence)
                shadowed.append(_candidate(look, detector, other.windows))
            else:
                best = replace(best, windows=np.concatenate([best.windows, other.windows]))
        kept.append(best)
        left = shadowed
    # One that is judged by fewer levels than before may be surer than the one that took them.
    return sorted(kept, key=lambda candidate: -candidate.log_odds)


def _candidate(look: SecondLook, detector: Detector, windows: NDArray[np.int64]) -> Candidate:
    level = int(np.argmax(np.nan_to_num(look.evidence, nan=-np.inf)))
    place = float(look.easting[level]), float(look.northing[level])
    return Candidate(*place, level, verdict(look, detector), look, windows)


def verdict(look: SecondLook, detector: Detector) -> float:
    """Log-odds of a place at the prior; minus infinity where no level sees it."""
    prior = detector.calibration.prior
    return float(pooled(detector.card, "looked_again", look.evidence[None], prior)[0])


def after_second_look(scan: Scan, candidates: list[Candidate]) -> Array:
    """Log-odds (n,) of the windows of a scan, with what the second look says of their places.

    The window that led to a candidate takes its log-odds; the others that point there keep theirs
    where they are lower.
    """
    log_odds = scan.windows["log_odds"].copy()
    for one in candidates:
        log_odds[one.windows] = np.minimum(log_odds[one.windows], one.log_odds)
        log_odds[one.windows[0]] = one.log_odds
    return np.asarray(log_odds)


def distinct_places(
    windows: NDArray[np.void],
    log_odds: Array,
    size: int,
    *,
    least: float = -np.inf,
    most: int = MOST_CANDIDATES,
) -> list[NDArray[np.int64]]:
    """Groups of windows that point to one place, strongest first, and so in each.

    Parameters
    ----------
    windows : structured array of `scan.WINDOW_FIELDS`, shape (n,)
    log_odds : array, shape (n,)
        By which they are ranked.
    size : int
        Pixels along one side of a window.
    least : float
        Windows of lower log-odds are left out.
    most : int
        Number of places.
    """
    strong = np.flatnonzero(log_odds >= least)
    order = strong[np.argsort(-log_odds[strong], kind="stable")]
    groups: list[NDArray[np.int64]] = []
    while len(order) and len(groups) < most:
        lead = windows[order[0]]
        distance = np.hypot(
            windows["place_easting"][order] - lead["place_easting"],
            windows["place_northing"][order] - lead["place_northing"],
        )
        near = distance <= MERGE * size * np.minimum(
            windows["pixel_size"][order], lead["pixel_size"]
        )
        groups.append(order[near])
        order = order[~near]
    return groups


def look_again(
    levels: tuple[Level, ...], detector: Detector, easting: float, northing: float
) -> SecondLook:
    """Judge a place (m) by shifted and turned windows around it on every level."""
    size = detector.encoding.size
    step = round(JITTER * size)
    shifts = [(0, 0), (step, step), (step, -step), (-step, step), (-step, -step)]
    corners = np.array([_corners(level, size, (easting, northing), shifts) for level in levels])
    crops = np.array(
        [
            [level.crop(int(row), int(column), size) for row, column in of_level]
            for level, of_level in zip(levels, corners, strict=True)
        ]
    )
    seen = np.flatnonzero(detector.encoding.observable(crops[:, 0]))
    evidence = np.full(len(levels), np.nan)
    where = np.tile([[easting], [northing]], len(levels))
    if seen.size:
        # The second five are turned by half: the place of each is turned back.
        both = np.stack([crops[seen], crops[seen][..., ::-1, ::-1]], axis=1)
        prediction = detector.predict(both.reshape(-1, size, size))
        cells = prediction.place.shape[-1]
        place = prediction.place.reshape(seen.size, 2, len(shifts), cells, cells)
        place[:, 1] = place[:, 1, :, ::-1, ::-1].copy()
        place = place.reshape(seen.size, -1, cells, cells)
        log_odds = detector.calibration.balanced(prediction.logit).reshape(seen.size, -1)
        for index, level in enumerate(seen):
            agree = _agreement(place[index], size, shifts * 2) >= AGREE_MASS
            doubted = np.minimum(log_odds[index], DOUBT)
            evidence[level] = np.where(agree, log_odds[index], doubted).mean()
            if agree.any():
                row, column = most_likely_place(place[index][agree], size)
                corner = np.tile(corners[level], (2, 1))[agree]
                seen_at = levels[level].position(corner[:, 0] + row, corner[:, 1] + column)
                where[:, level] = [axis.mean() for axis in seen_at]
    return SecondLook(evidence, where[0], where[1])


def _corners(
    level: Level, size: int, place: tuple[float, float], shifts: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Top-left pixels of windows around a place (easting, northing), shifted by so many pixels."""
    transform = level.grid.transform
    row = round((place[1] - transform.f) / transform.e - 0.5) - size // 2
    column = round((place[0] - transform.c) / transform.a - 0.5) - size // 2
    return [(row + down, column + right) for down, right in shifts]


def _agreement(
    place: NDArray[np.float32], size: int, shifts: list[tuple[int, int]]
) -> NDArray[np.float64]:
    """Place probability of each window near the pixel that all of them look at."""
    cells = place.shape[1]
    shift = np.array(shifts, dtype=np.float64)
    target = (size // 2 - shift + 0.5) * cells / size - 0.5
    index = np.arange(cells)
    distance = np.hypot(
        index[None, :, None] - target[:, 0, None, None],
        index[None, None, :] - target[:, 1, None, None],
    )
    return np.asarray((place * (distance <= AGREE_CELLS)).sum(axis=(1, 2)), dtype=np.float64)
