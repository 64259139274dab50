"""Candidates: what the second look makes of places, and which of them are one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.detection import events
from bradyseism.detection.calibration import Calibration
from bradyseism.detection.events import (
    FLAG,
    SecondLook,
    after_second_look,
    distinct_places,
    find_candidates,
    look_again,
    verdict,
)
from bradyseism.detection.runtime import Detector, Prediction
from bradyseism.detection.scan import WINDOW_FIELDS, Level, Scan, pyramid, scan
from bradyseism.maps.velocity_map import Grid
from bradyseism.scenes.demo import Demo

SIZE = 64
FINE, COARSE = 100.0, 400.0


def windows(*rows: tuple[float, float, float]) -> np.ndarray:
    """Pixel size, easting of the place, log-odds."""
    table = np.zeros(len(rows), WINDOW_FIELDS)
    table["pixel_size"], table["place_easting"], table["log_odds"] = np.array(rows).T
    return table


def test_windows_that_point_to_one_place_are_one_group_the_strongest_first() -> None:
    # A fifth of the narrower side is 1280 m.
    table = windows((FINE, 0, 1.0), (COARSE, 1200, 3.0), (COARSE, 9000, 2.0), (FINE, 2600, 0.0))
    groups = distinct_places(table, table["log_odds"], SIZE)
    assert [group.tolist() for group in groups] == [[1, 0], [2], [3]]
    assert len(distinct_places(table, table["log_odds"], SIZE, most=1)) == 1
    assert len(distinct_places(table, table["log_odds"], SIZE, least=1.5)) == 2


def judged(
    monkeypatch: pytest.MonkeyPatch, detector: Detector, looks: dict[float, list[float]]
) -> list[events.Candidate]:
    """Candidates at half of the eastings, with evidence on the fine and the coarse level."""
    table = windows(*((FINE, easting, 9.0 - n) for n, easting in enumerate(looks)))
    levels = tuple(type("Level", (), {"pixel_size": size})() for size in (FINE, COARSE))

    def look(levels: tuple, detector: Detector, easting: float, northing: float) -> SecondLook:
        where = np.full(2, easting / 2.0), np.full(2, northing)
        return SecondLook(np.array(looks[easting]), *where)

    monkeypatch.setattr(events, "look_again", look)
    return find_candidates(Scan(levels, table, np.zeros((len(table), 1, 1))), detector)


def test_a_level_that_cannot_tell_a_place_from_a_better_one_says_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, detector: Detector
) -> None:
    # A fifth of the sides: 1280 m and 5120 m.
    near, far = 3000.0, 12_000.0
    best, lone, shadowed = judged(
        monkeypatch, detector, {0.0: [8.0, 8.0], 2 * near: [-3.0, 7.0], 2 * far: [-3.0, 7.0]}
    )
    assert (best.easting, lone.easting, shadowed.easting) == (0.0, far, near)
    assert_allclose(lone.look.evidence, [-3.0, 7.0])
    assert_allclose(shadowed.look.evidence, [-3.0, np.nan])
    assert shadowed.log_odds == verdict(shadowed.look, detector) < lone.log_odds
    assert shadowed.level == 0


def test_a_place_that_no_level_can_tell_from_a_better_one_is_the_same(
    monkeypatch: pytest.MonkeyPatch, detector: Detector
) -> None:
    (one,) = judged(monkeypatch, detector, {0.0: [5.0, 5.0], 2000.0: [6.0, 6.0]})
    assert one.easting == 1000.0
    assert one.windows.tolist() == [1, 0]
    # Seen best by wide windows, it takes what lies within a fifth of their side, 5120 m.
    (one,) = judged(monkeypatch, detector, {0.0: [6.0, 8.0], 8000.0: [5.0, 5.0]})
    assert one.windows.tolist() == [0, 1]


def test_what_nobody_sees_is_no_detection(
    monkeypatch: pytest.MonkeyPatch, detector: Detector
) -> None:
    (one,) = judged(monkeypatch, detector, {0.0: [np.nan, np.nan]})
    assert one.log_odds == -np.inf
    assert one.probability == 0.0


def test_the_lead_takes_the_verdict_and_the_others_keep_less(
    monkeypatch: pytest.MonkeyPatch, detector: Detector
) -> None:
    found = judged(monkeypatch, detector, {0.0: [5.0, 5.0], 1000.0: [-3.0, -3.0]})
    table = windows((FINE, 0.0, 9.0), (FINE, 1000.0, 8.0), (FINE, 9e4, 0.5))
    after = after_second_look(Scan((), table, np.zeros((3, 1, 1))), found)
    assert_allclose(after, [found[0].log_odds, min(8.0, found[0].log_odds), 0.5])


def test_the_demonstration_holds_two_places_and_no_more(made: Demo, detector: Detector) -> None:
    found = find_candidates(scan(made.map, detector), detector)
    assert sum(one.probability > FLAG for one in found) == len(made.deforming)


def test_a_second_look_judges_every_level_and_moves_to_the_source(
    made: Demo, detector: Detector
) -> None:
    levels = pyramid(made.map, detector.encoding)
    longitude, latitude, _ = made.deforming[0]
    finest = levels[0]
    east, north = finest.position(*finest.grid.row_column(longitude, latitude))
    look = look_again(levels, detector, float(east) + 2500.0, float(north))
    assert np.isfinite(look.evidence).sum() >= 3
    best = int(np.nanargmax(look.evidence))
    assert np.hypot(look.easting[best] - east, look.northing[best] - north) < 1500.0
    away = look_again(levels, detector, float(east) + 1e6, float(north))
    assert np.isnan(away.evidence).all()
    assert_allclose(away.easting, float(east) + 1e6)
    assert verdict(away, detector) == -np.inf


class Pointing:
    """Detector that points to the brightest pixel, with a share of its mass; always log-odds 2."""

    def __init__(self, real: Detector, share: float = 1.0) -> None:
        self.encoding, self.calibration, self.card = real.encoding, Calibration(), real.card
        self.share = share

    def predict(self, windows: np.ndarray) -> Prediction:
        size, cells = windows.shape[1], 8
        brightest = np.nan_to_num(windows).reshape(len(windows), -1).argmax(axis=1)
        row, column = (axis * cells // size for axis in np.divmod(brightest, size))
        place = np.zeros((len(windows), cells, cells), np.float32)
        each = np.arange(len(windows))
        # The rest lies in the opposite corner, far from any place near the middle.
        place[each, np.where(row < 4, 7, 0), np.where(column < 4, 7, 0)] = 1 - self.share
        place[each, row, column] += self.share
        return Prediction(np.full(len(windows), 2.0, np.float32), place, None)


@pytest.mark.parametrize(("share", "evidence"), [(1.0, 2.0), (0.35, 2.0), (0.25, 0.0)])
@pytest.mark.parametrize("aside", [(0, 0), (5, -4)])
def test_windows_agree_however_shifted_and_turned_if_they_point_to_the_place(
    detector: Detector, share: float, evidence: float, aside: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    velocity = 1e-3 * rng.standard_normal((160, 160)).astype(np.float32)
    velocity[80, 80] = 1.0
    grid = Grid.around(20.0, 40.0, velocity.shape, pixel_size=200.0)
    levels = (Level(velocity, grid),)
    place = levels[0].position(80 + aside[0], 80 + aside[1])
    look = look_again(levels, Pointing(detector, share), *(float(axis) for axis in place))
    assert_allclose(look.evidence, [evidence])
    if share == 1.0:
        there = levels[0].position(80, 80)
        # Within half the diagonal of a cell of 8 x 8 pixels.
        assert np.hypot(look.easting[0] - there[0], look.northing[0] - there[1]) < 5.7 * 200.0
