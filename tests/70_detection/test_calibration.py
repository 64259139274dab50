"""Calibration: identities, the shift to a prior, and recovery of a known scaling."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from bradyseism.detection.calibration import Calibration, fit_calibration


def test_balanced_classes_and_unit_scale_change_nothing() -> None:
    logits = np.linspace(-5, 5, 11)
    assert_allclose(Calibration().log_odds(logits), logits)


def test_the_prior_is_the_probability_without_evidence() -> None:
    assert Calibration(prior=0.03).probability(np.zeros(1))[0] == pytest.approx(0.03)


def test_fitting_recovers_scale_and_offset_whatever_the_class_balance() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 2, 60_000)
    labels = rng.random(truth.size) < expit(truth)
    keep = labels | (rng.random(truth.size) < 0.2)
    distorted = (truth - 0.7) / 1.8
    fitted = fit_calibration(distorted[keep], labels[keep], prior=0.5)
    # 60,000 draws leave some 2 % on the scale.
    assert fitted.scale == pytest.approx(1.8, rel=0.05)
    assert fitted.offset == pytest.approx(0.7, abs=0.06)


@pytest.mark.parametrize("each", [2, 20])
def test_few_samples_that_do_not_overlap_claim_no_more_than_they_can(each: int) -> None:
    labels = np.repeat([0.0, 1.0], each)
    logits = np.concatenate([np.linspace(-3, -1, each), np.linspace(1, 3, each)])
    fitted = fit_calibration(logits, labels, prior=0.5)
    expected = (labels * each + 1) / (each + 2)
    assert fitted.probability(logits).mean() == pytest.approx(expected.mean(), abs=0.01)
    assert fitted.probability(logits)[-1] < 1 - 0.1 / each


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Calibration(scale=0.0), "scale 0 is not positive"),
        (lambda: Calibration(prior=1.0), "prior 1 is outside 0-1"),
        (
            lambda: fit_calibration(np.zeros(3), np.ones(3), prior=0.5),
            "3 of 3 labels are positive: both classes are needed",
        ),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
