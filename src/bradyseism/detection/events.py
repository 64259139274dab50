"""From windows to detections: candidates, a second look at each, merging, and what each is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import Level, Scan, most_likely_place

# Windows over this probability become candidates, and a detection over it is a flag.
FLAG = 0.5
MOST_CANDIDATES = 100
# The second look shifts windows by this share of their side, so that no verdict hangs on a grid.
JITTER = 0.125
# A level whose straight window is so much less sure (log-odds) than another's is not looked at.
HOPELESS = 3.0
# A window agrees on a place if this much of its place probability lies within `AGREE_CELLS`.
AGREE_MASS = 0.3
AGREE_CELLS = 1.6
# Candidates nearer than this share of the wider window are one detection.
MERGE = 0.2


@dataclass(frozen=True, eq=False)
class Candidate:
    """A place that a second look has judged.

    Parameters
    ----------
    easting, northing : float
        Centre (m) in the local projection of the levels.
    level : int
        Index of the level that sees it best.
    log_odds : float
        Mean calibrated log-odds of the windows of the second look.
    windows : array of int
        Indices of the scanned windows that led here.
    """

    easting: float
    northing: float
    level: int
    log_odds: float
    windows: NDArray[np.int64]

    @property
    def probability(self) -> float:
        """Calibrated probability, 0-1."""
        return float(1.0 / (1.0 + np.exp(-self.log_odds)))


def find_candidates(scan: Scan, detector: Detector) -> list[Candidate]:
    """Judge every place that some window flags, most probable first.

    Returns
    -------
    list of Candidate
        Merged: none lies within `MERGE` of a better one, which takes over its windows. Those under
        `FLAG` are kept, so that what the second look has rejected can be told from what was never
        flagged.
    """
    size = detector.encoding.size
    judged = [_second_look(scan, detector, group) for group in _distinct_windows(scan, size)]
    judged.sort(key=lambda candidate: -candidate.log_odds)
    kept: list[Candidate] = []
    for candidate in judged:
        same = next(
            (n for n, better in enumerate(kept) if _is_same_place(candidate, better, scan, size)),
            None,
        )
        if same is None:
            kept.append(candidate)
        else:
            windows = np.concatenate([kept[same].windows, candidate.windows])
            kept[same] = replace(kept[same], windows=windows)
    return kept


def _distinct_windows(scan: Scan, size: int) -> list[NDArray[np.int64]]:
    """Groups of flagged windows of one level that point to one place, strongest first in each."""
    windows = scan.windows
    flagged = np.flatnonzero(windows["probability"] >= FLAG)
    order = flagged[np.argsort(-windows["logit"][flagged], kind="stable")]
    groups: list[NDArray[np.int64]] = []
    while len(order) and len(groups) < MOST_CANDIDATES:
        lead = order[0]
        distance = np.hypot(
            windows["place_easting"][order] - windows["place_easting"][lead],
            windows["place_northing"][order] - windows["place_northing"][lead],
        )
        near = distance <= MERGE * size * windows["pixel_size"][lead]
        near &= windows["pixel_size"][order] == windows["pixel_size"][lead]
        groups.append(order[near])
        order = order[~near]
    return groups


def _second_look(scan: Scan, detector: Detector, group: NDArray[np.int64]) -> Candidate:
    """Shifted and turned windows on the place, on its level and the two beside it; the best."""
    lead = scan.windows[group[0]]
    easting, northing = float(lead["place_easting"]), float(lead["place_northing"])
    own = next(i for i, level in enumerate(scan.levels) if level.pixel_size == lead["pixel_size"])
    beside = range(max(own - 1, 0), min(own + 2, len(scan.levels)))
    size = detector.encoding.size
    straight = np.stack(
        [
            scan.levels[i].crop(
                *_corners(scan.levels[i], size, (easting, northing), [(0, 0)])[0], size
            )
            for i in beside
        ]
    )
    observable = detector.encoding.observable(straight)
    if not observable.any():
        return Candidate(easting, northing, own, -np.inf, group)
    logits = np.where(observable, detector.predict(straight).logit, -np.inf)
    looks = [
        (level, *look_again(scan.levels[level], detector, easting, northing))
        for level, logit in zip(beside, logits, strict=True)
        if logit >= logits.max() - HOPELESS
    ]
    level, log_odds, easting, northing = max(looks, key=lambda look: look[1])
    return Candidate(easting, northing, level, log_odds, group)


def _corners(
    level: Level, size: int, place: tuple[float, float], shifts: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Top-left pixels of windows around a place (easting, northing), shifted by so many pixels."""
    transform = level.grid.transform
    row = round((place[1] - transform.f) / transform.e - 0.5) - size // 2
    column = round((place[0] - transform.c) / transform.a - 0.5) - size // 2
    return [(row + down, column + right) for down, right in shifts]


def look_again(
    level: Level, detector: Detector, easting: float, northing: float
) -> tuple[float, float, float]:
    """Mean log-odds, and easting and northing (m), from ten windows around a place on one level."""
    size = detector.encoding.size
    step = round(JITTER * size)
    shifts = [(0, 0), (step, step), (step, -step), (-step, step), (-step, -step)]
    corners = _corners(level, size, (easting, northing), shifts)
    crops = np.stack([level.crop(row, column, size) for row, column in corners])
    # The second five are turned by half: the place of each is turned back.
    prediction = detector.predict(np.concatenate([crops, crops[:, ::-1, ::-1]]))
    place = prediction.place
    place = np.concatenate([place[: len(crops)], place[len(crops) :, ::-1, ::-1]])
    row, column = most_likely_place(place, size)
    corner = np.array(corners * 2)
    seen_easting, seen_northing = level.position(corner[:, 0] + row, corner[:, 1] + column)
    agree = _agreement(place, size, shifts * 2) >= AGREE_MASS
    log_odds = detector.calibration.log_odds(prediction.logit)
    doubt = np.minimum(log_odds, 0.0)
    verdict = float(np.where(agree, log_odds, doubt).mean())
    if not agree.any():
        return verdict, easting, northing
    return verdict, float(seen_easting[agree].mean()), float(seen_northing[agree].mean())


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


def _is_same_place(one: Candidate, other: Candidate, scan: Scan, size: int) -> bool:
    distance = np.hypot(one.easting - other.easting, one.northing - other.northing)
    widest = max(scan.levels[one.level].pixel_size, scan.levels[other.level].pixel_size)
    return bool(distance <= MERGE * size * widest)
