"""Stated probabilities against observed shares."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation import reliability as of_reliability
from bradyseism.evaluation.reliability import (
    BINS,
    ReliabilityResult,
    _pairs,
    measure_reliability,
    reliability,
)
from bradyseism.evaluation.scores import expected_calibration_error
from bradyseism.review.reliability import write_reliability
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.synthesis import SceneSettings, random_scene


@pytest.fixture(scope="module")
def measured() -> ReliabilityResult:
    return measure_reliability(Detector.load(), backgrounds=80, seed=5, processes=1)


def drawn(count: int, bent: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    probability = rng.random(count)
    return rng.random(count) < probability**bent, probability, np.arange(count) // 2


def test_perfect_probabilities_err_by_no_more_than_finite_bins_do() -> None:
    one = reliability(0.5, *drawn(6000))
    assert one.error.estimate < 1.6 * one.floor
    assert one.error.low <= one.error.estimate <= one.error.high
    # The mean square of a Bernoulli variate about p, over p even in 0-1, is a sixth.
    assert one.brier.estimate == pytest.approx(1 / 6, abs=0.01)
    assert one.places == 3000


def test_wrong_probabilities_err_by_what_they_are_wrong() -> None:
    one = reliability(0.5, *drawn(6000, bent=2.0))
    # The mean of p - p^2 over 0-1.
    assert one.error.estimate == pytest.approx(1 / 6, abs=0.02)
    assert one.error.low > 3 * one.floor
    assert all(part.observed.estimate < part.stated for part in one.bins[4:-4])


def test_bins_have_equal_mass_and_rise() -> None:
    labels, probability, places = drawn(1500)
    one = reliability(0.5, labels, probability, places)
    assert [part.windows for part in one.bins] == [100] * BINS
    assert np.all(np.diff([part.stated for part in one.bins]) > 0)
    assert one.error.estimate == pytest.approx(
        expected_calibration_error(labels, probability, bins=BINS)
    )


def test_two_windows_of_a_background_differ_by_the_source_alone() -> None:
    settings = SceneSettings(shape=(64, 64), gaps=Gaps(coarse=0.0, quadtree=0.0))
    for index in range(4):
        truth = random_scene(7, index, replace(settings, volcanic=1.0)).truth
        pairs = _pairs((7, index, index + 1, settings))
        assert len(pairs) == truth.volcanic
        if not truth.volcanic:
            continue
        quiet, moving = pairs[0]
        assert np.array_equal(np.isfinite(quiet), np.isfinite(moving))
        both = np.isfinite(quiet)
        np.testing.assert_allclose((moving - quiet)[both], truth.deformation[both], atol=1e-6)


def test_the_shipped_detector_is_measured_at_both_priors(measured: ReliabilityResult) -> None:
    half, stated = measured.balanced, measured.at_prior
    assert half.windows == 2 * half.places
    assert stated.prior == Detector.load().calibration.prior
    share = sum(part.observed.estimate * part.windows for part in stated.bins) / stated.windows
    assert share == pytest.approx(stated.prior, abs=0.01)
    assert half.auc > 0.7
    assert json.loads(json.dumps(measured.as_json()))["balanced"]["windows"] == half.windows
    # At a prior of one half the two are the same, and stand once.
    assert stated == half
    assert measured.as_markdown().count("\n") == 3 + 1 + 2 + BINS
    other = replace(measured, at_prior=replace(stated, prior=0.1))
    assert [one.prior for _, one in other.judged] == [0.5, 0.1]


def test_progress_counts_backgrounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bradyseism.evaluation.reliability._CHUNK", 8)
    told: list[tuple[int, int]] = []
    measure_reliability(
        Detector.load(),
        backgrounds=20,
        processes=1,
        progress=lambda done, total, _: told.append((done, total)),
    )
    assert told == [(8, 20), (16, 20), (20, 20)]


def test_the_figure_is_written_as_png_and_svg(measured: ReliabilityResult, tmp_path) -> None:
    for path in write_reliability(tmp_path, measured):
        assert path.stat().st_size > 5000


def test_errors_name_the_value() -> None:
    with pytest.raises(ValueError, match="windows 3 are fewer than the 15 bins"):
        measure_reliability(Detector.load(), backgrounds=3)
    wrapped = Detector.load()
    wrapped.encoding = WrappedPatch()
    with pytest.raises(ValueError, match="takes wrapped patches"):
        measure_reliability(wrapped)


def test_whole_maps_are_judged_by_their_strongest_places(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"quiet": np.linspace(-4.0, 2.0, 60), "moving": np.linspace(-2.0, 4.0, 60)}
    pairs = [(("quiet", n), None if n == 7 else ("moving", n)) for n in range(60)]
    monkeypatch.setattr(of_reliability, "map_pairs", lambda *_: iter(pairs))
    monkeypatch.setattr(of_reliability, "strongest", lambda one, _: said[one[0]][one[1]])
    detector = Detector.load(prior=0.2)
    half, stated = of_reliability._of_maps(detector, 60, 0, 1, None)
    assert (half.windows, half.places) == (2 * 59, 59)
    assert (half.prior, stated.prior) == (0.5, 0.2)
    # Log-odds at the prior of 0.2: balanced they are larger by ln 4.
    kept = np.delete(np.stack([said["quiet"], said["moving"]]), 7, axis=1)
    expected = 1 / (1 + np.exp(-(kept + np.log(4))))
    assert sum(one.stated * one.windows for one in half.bins) == pytest.approx(expected.sum())
    assert of_reliability._of_maps(detector, BINS - 1, 0, 1, None) == ()
