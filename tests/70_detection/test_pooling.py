"""What windows of all sizes together say of a place."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.detection.pooling import Pooling, by_level, pooled
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import WINDOW_FIELDS, scan
from bradyseism.evaluation.pooling_fit import PoolingSettings, fit_pooling, with_pooling
from bradyseism.scenes.synthesis import SceneSettings, twin_scenes

SIZE = 64


def window(pixel: float, centre: tuple[float, float], place: tuple[float, float]) -> np.void:
    one = np.zeros((), WINDOW_FIELDS)
    one["pixel_size"] = pixel
    one["easting"], one["northing"] = centre
    one["place_easting"], one["place_northing"] = place
    return one


def brute(windows: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """As `by_level`, window by window."""
    levels = np.unique(windows["pixel_size"])
    rows = []
    for lead in windows:
        row = []
        for pixel in levels:
            own = windows["pixel_size"] == pixel
            east = windows["place_easting"][own] - lead["place_easting"]
            north = windows["place_northing"][own] - lead["place_northing"]
            near = np.hypot(east, north) <= 0.15 * SIZE * max(pixel, lead["pixel_size"] / 2)
            away = np.maximum(
                abs(windows["easting"][own] - lead["place_easting"]),
                abs(windows["northing"][own] - lead["place_northing"]),
            )
            around = away <= 0.5 * SIZE * pixel
            if near.any():
                row.append(log_odds[own][near].max())
            else:
                row.append(min(log_odds[own][around].max(), 0.0) if around.any() else np.nan)
        rows.append(row)
    return np.array(rows)


def test_the_windows_that_point_to_a_place_speak_of_it_and_else_those_that_hold_it() -> None:
    here = (0.0, 0.0)
    windows = np.array(
        [
            window(100.0, (500.0, 0.0), here),
            window(100.0, (-500.0, 0.0), (800.0, 0.0)),  # points 0.125 of its side away
            window(100.0, (0.0, 500.0), (0.0, 1200.0)),  # points elsewhere
            window(200.0, (2e3, 2e3), (5e3, 5e3)),  # holds the place and points elsewhere
            window(400.0, (4e4, 0.0), (4e4, 0.0)),  # sees nothing of it
        ]
    )
    for elsewhere, said in ((-3.0, -3.0), (3.0, 0.0)):
        log_odds = np.array([1.0, 2.0, 9.0, elsewhere, 7.0])
        assert_allclose(by_level(windows, log_odds, SIZE)[0], [2.0, said, np.nan])


def test_many_windows_at_once_are_judged_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    windows = np.zeros(200, WINDOW_FIELDS)
    windows["pixel_size"] = rng.choice([100.0, 200.0, 400.0, 800.0], 200)
    for name in ("easting", "northing", "place_easting", "place_northing"):
        windows[name] = rng.uniform(0, 3e4, 200)
    log_odds = rng.normal(0, 3, 200)
    assert_allclose(by_level(windows, log_odds, SIZE), brute(windows, log_odds))


def test_the_mean_over_levels_and_their_number_count_and_nothing_seen_is_nothing() -> None:
    card = {"pooling": {stage: {"mean": 0.5, "levels": 2.0, "offset": -1.0} for stage in STAGES}}
    evidence = np.array([[2.0, np.nan, 4.0], [100.0, -100.0, np.nan], [np.nan] * 3])
    expected = [0.5 * 3 + 2 * np.log(2) - 1, 0.5 * (8 - 4) / 2 + 2 * np.log(2) - 1, -np.inf]
    assert_allclose(pooled(card, "scanned", evidence, 0.5), expected)
    shifted = pooled(card, "looked_again", evidence, 0.2)
    assert_allclose(shifted, np.array(expected) + np.log(0.25))


STAGES = ("scanned", "looked_again")


def test_without_weights_the_best_level_decides() -> None:
    evidence = np.array([[2.0, np.nan, 4.0], [np.nan] * 3])
    assert Pooling.from_card({}, "scanned") is None
    assert_allclose(pooled({}, "scanned", evidence, 0.5), [4.0, -np.inf])


def test_weights_are_fitted_alike_by_any_number_of_processes_and_tell_sources() -> None:
    detector = Detector.load()
    settings = PoolingSettings(sides=(96,), backgrounds=16)
    pooling = fit_pooling(detector, settings, processes=1)
    assert pooling["scanned"] == fit_pooling(detector, settings, processes=2)["scanned"]
    quiet, moving = pooling["maps"]
    assert 12 <= quiet == moving <= 16  # but for those whose gaps hide the source
    assert all(pooling[stage]["mean"] > 0 for stage in STAGES)
    knowing = with_pooling(detector, pooling)
    assert "pooling" in knowing.card
    quiet, moving = twin_scenes(3, 1, SceneSettings(shape=(96, 96)))
    assert moving.truth.volcanic
    first, second = (scan(one.map, knowing).windows for one in (quiet, moving))
    assert not np.array_equal(first["log_odds"], scan(quiet.map, detector).windows["log_odds"])
    assert second["log_odds"].max() != first["log_odds"].max()


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"backgrounds": 3}, "backgrounds 3 or places 4"), ({"sides": ()}, r"sides \(\) are not")],
)
def test_settings_that_do_not_hold_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PoolingSettings(**changes)
