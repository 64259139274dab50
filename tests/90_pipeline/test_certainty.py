"""What a screening says of its own certainty, from map to words and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from scipy.special import logit

from bradyseism.detection.detect import DetectionResult, detect
from bradyseism.detection.false_alarm import FalseAlarm, own_noise
from bradyseism.detection.runtime import Detector
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.scenes.synthesis import SceneSettings, random_scene
from bradyseism.workflows.certainty import (
    _by_table,
    detectable_in_words,
    false_alarm_facts,
    with_false_alarms,
)
from bradyseism.workflows.screening import Screening, write_screening

TABLE = {
    "found": 0.9, "prior": 0.05, "widths": [0.1, 0.3], "shifts": [-2.0, 0.0],
    "correlation": [[0.0, 0.0], [-2.0, -1.0]], "ratios": [[[4, 5], [4, 5]], [[4, 5], [4, 5]]],
}  # fmt: skip


@pytest.fixture(scope="module")
def quiet() -> VelocityMap:
    scenes = SceneSettings(shape=(96, 96), pixel_sizes=(400.0,), volcanic=0.0, nuisance_rate=0.0)
    return random_scene(4, 0, scenes).map


@pytest.fixture(scope="module")
def knowing() -> Detector:
    detector = Detector.load()
    detector.card = {**detector.card, "detectable": TABLE}
    return detector


@pytest.fixture(scope="module")
def result(quiet: VelocityMap, knowing: Detector) -> DetectionResult:
    return detect(quiet, knowing)


def test_nothing_found_says_what_would_have_been(result: DetectionResult) -> None:
    words = detectable_in_words(result)
    rates = 1e3 * result.detectable[result.map.valid]
    rate = np.nanquantile(rates, 0.9)
    assert f"A source over {rate:.2g} mm/yr" in words
    assert f"over {100 * np.mean(rates <= rate):.0f} % of the pixels with data" in words


def test_the_detectable_rate_lies_on_the_map_in_millimetres(
    result: DetectionResult, knowing: Detector, tmp_path: Path
) -> None:
    write_screening(Screening((result,), (), knowing), tmp_path)
    with rasterio.open(tmp_path / "detectable_rate.tif") as made:
        assert made.shape == result.map.grid.shape
        assert made.transform == result.map.grid.transform
        assert made.units == ("mm/yr", "km")
        assert made.descriptions == ("smallest LOS rate that would have been found", "width")
        np.testing.assert_allclose(made.read(1), 1e3 * result.detectable, rtol=1e-5)
        width = made.read(2)
        np.testing.assert_allclose(width, 1e-3 * result.detectable_width, rtol=1e-5)
    np.testing.assert_array_equal(np.isnan(width), np.isnan(result.detectable))
    # Windows of 64 pixels and of the widths on the card: 0.1 and 0.3 of them.
    levels = np.unique(result.windows["pixel_size"])
    expected = np.unique(np.outer(levels, [0.1, 0.3]) * 64 / 1e3)
    found = np.unique(width[np.isfinite(width)])
    assert all(np.isclose(expected, one).any() for one in found)


def test_a_result_without_detections_is_left_as_it_is(
    result: DetectionResult, knowing: Detector
) -> None:
    assert result.detections == ()
    assert with_false_alarms(result, knowing) is result
    assert set(false_alarm_facts(None).values()) == {None}


def test_a_model_that_knows_no_rates_says_nothing(quiet: VelocityMap) -> None:
    plain = Detector.load()
    plain.card = {key: value for key, value in plain.card.items() if key != "detectable"}
    assert detectable_in_words(detect(quiet, plain)) == ""


def test_no_rate_is_told_for_a_prior_that_was_never_tried(quiet: VelocityMap) -> None:
    told = detectable_in_words(detect(quiet, Detector.load(prior=1e-4)))
    assert told == "No detectable rate can be stated for this map at this prior."


def test_the_chance_by_table_does_not_depend_on_the_prior(result: DetectionResult) -> None:
    chances = []
    for prior in (0.5, 0.1):
        one = Detector.load(prior=prior)
        noise = FalseAlarm(0.1, 9, 0, own_noise(result.map))
        chances.append(_by_table(result, one, noise, 0.5 + float(logit(prior))))
    assert chances[0] == pytest.approx(chances[1])
    assert 0.0 < chances[0] < 1.0
