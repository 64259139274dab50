"""Scores against the paper's tables, closed forms and independent definitions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binom

from bradyseism.evaluation import scores


def test_confusion_counts_what_lies_strictly_over_the_threshold() -> None:
    row = scores.confusion([1, 1, 1, 0, 0], [0.6, 0.5, 0.4, 0.50001, 0.1])
    assert row == scores.Confusion(1, 1, 2, 1)
    assert scores.confusion([1, 0], [3, 2], threshold=2.5) == scores.Confusion(1, 0, 0, 1)


def test_rates_without_a_denominator_are_nan() -> None:
    row = scores.Confusion(0, 0, 0, 5)
    assert np.isnan(row.true_positive_rate)
    assert row.false_positive_rate == 0
    assert row.precision == 0


def test_auc_is_the_share_of_pairs_won_with_ties_half() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=60)
    values = rng.integers(8, size=60) + labels  # many ties
    positive, negative = values[labels == 1], values[labels == 0]
    won = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    assert_allclose(scores.roc_auc(labels, values), won, rtol=1e-12)


def test_auc_is_symmetric_and_knows_ranks_only() -> None:
    rng = np.random.default_rng(2)
    labels, values = rng.integers(2, size=50), rng.normal(size=50)
    area = scores.roc_auc(labels, values)
    assert_allclose(scores.roc_auc(labels, -values), 1 - area, rtol=1e-12)
    assert_allclose(scores.roc_auc(1 - labels, values), 1 - area, rtol=1e-12)
    assert scores.roc_auc(labels, np.exp(values)) == area
    assert scores.roc_auc([0, 1], [0, 0]) == 0.5
    assert scores.roc_auc([0, 0, 1], [0.1, 0.2, 0.3]) == 1


@pytest.mark.parametrize(("successes", "trials"), [(1, 10), (5, 10), (9, 10), (3, 400)])
def test_exact_interval_leaves_the_tail_on_each_side(successes: int, trials: int) -> None:
    """Its ends are the shares at which the data lie on the edge of a 2.5 % tail, by definition."""
    interval = scores.exact_interval(successes, trials)
    assert_allclose(binom.sf(successes - 1, trials, interval.low), 0.025, rtol=1e-9)
    assert_allclose(binom.cdf(successes, trials, interval.high), 0.025, rtol=1e-9)
    assert interval.estimate == successes / trials


def test_exact_interval_at_the_ends_and_mirrored() -> None:
    none, every = scores.exact_interval(0, 34), scores.exact_interval(34, 34)
    assert_allclose(none.high, 1 - 0.025 ** (1 / 34), rtol=1e-12)
    assert (none.low, every.high) == (0, 1)
    assert_allclose(every.low, 1 - none.high, rtol=1e-12)
    narrow, wide = (scores.exact_interval(3, 10, confidence=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < 0.3 < narrow.high < wide.high


def test_bootstrap_draws_whole_places_within_their_stratum() -> None:
    """Every resample keeps one of one positive place and two of two negative places."""
    labels = [1, 1, 0, 0, 0, 0, 0]
    places = ["a", "a", "a", "b", "b", "c", "c"]
    seen = []

    def statistic(truth: np.ndarray, values: np.ndarray) -> float:
        seen.append(sorted(values.tolist()))
        return float(truth.mean())

    interval = scores.bootstrap_by_place(
        statistic, labels, range(7), places, np.random.default_rng(3), resamples=60
    )
    assert interval == scores.Interval(2 / 7, 2 / 7, 2 / 7)
    assert {tuple(values) for values in seen[:-1]} == {
        (0, 1, 2, 3, 3, 4, 4),
        (0, 1, 2, 3, 4, 5, 6),
        (0, 1, 2, 5, 5, 6, 6),
    }


def test_bootstrap_by_place_is_wider_than_by_sample_and_repeats() -> None:
    """Copies of a sample at one place tell nothing: the interval is that of one copy each."""
    rng = np.random.default_rng(4)
    labels = np.repeat(rng.integers(2, size=40), 25)
    values = labels + np.repeat(rng.normal(scale=1.5, size=40), 25)
    places = np.repeat(np.arange(40), 25)

    def by(names: np.ndarray, count: int) -> scores.Interval:
        return scores.bootstrap_by_place(
            scores.roc_auc, labels, values, names, np.random.default_rng(5), resamples=count
        )

    place, sample = by(places, 200), by(np.arange(1000), 50)
    assert place.low < place.estimate < place.high
    assert place.high - place.low > 3 * (sample.high - sample.low)  # five times, in theory
    assert by(places, 20) == by(places, 20)


def test_brier_of_the_perfect_the_blind_and_the_wrong() -> None:
    labels = [1, 0, 0, 1]
    assert scores.brier_score(labels, labels) == 0
    assert scores.brier_score(labels, [0.5] * 4) == 0.25
    assert scores.brier_score(labels, [0, 1, 1, 0]) == 1


def test_calibration_error_is_zero_when_calibrated_and_the_shift_when_shifted() -> None:
    rng = np.random.default_rng(6)
    probability = rng.uniform(0.1, 0.8, size=200_000)
    labels = rng.random(200_000) < probability
    # ten bins of 20,000 samples: each gap is of some 0.8 * sqrt(0.25 / 20000) = 0.003
    assert scores.expected_calibration_error(labels, probability) < 0.006
    assert_allclose(scores.expected_calibration_error(labels, probability + 0.2), 0.2, atol=0.006)
    assert_allclose(scores.expected_calibration_error(labels, probability - 0.1), 0.1, atol=0.006)


def test_calibration_bins_hold_equal_mass() -> None:
    """Crowded probabilities fill several bins; bins of equal width would see one of them only."""
    probability = [0.01, 0.02, 0.03, 0.99]
    labels = [0, 0, 1, 1]
    expected = (2 * 0.015 + 2 * (1 - 0.51)) / 4
    assert_allclose(scores.expected_calibration_error(labels, probability, bins=2), expected)
    assert_allclose(
        scores.expected_calibration_error(labels, probability, bins=99),
        np.mean(np.abs(np.subtract(labels, probability))),
    )


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="at least one of each"):
        scores.roc_auc([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="equal length"):
        scores.confusion([1, 0], [0.1])
    with pytest.raises(ValueError, match="nothing else"):
        scores.confusion([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="1 scores are not finite"):
        scores.confusion([1, 0], [0.1, np.nan])
    with pytest.raises(ValueError, match="not logits or percent"):
        scores.brier_score([1, 0], [20, 80])
    with pytest.raises(ValueError, match="12 successes of 10 trials"):
        scores.exact_interval(12, 10)
    with pytest.raises(ValueError, match="confidence 95"):
        scores.exact_interval(1, 10, confidence=95)
    with pytest.raises(ValueError, match="bins 0"):
        scores.expected_calibration_error([1, 0], [0.5, 0.5], bins=0)
    with pytest.raises(ValueError, match="one place a sample"):
        scores.bootstrap_by_place(scores.roc_auc, [1, 0], [1, 0], ["a"], np.random.default_rng(0))
    with pytest.raises(ValueError, match="false_negative -1"):
        scores.Confusion(1, 1, -1, 1)


def test_the_calibration_error_does_not_hang_on_the_order_of_ties() -> None:
    probability = np.full(100, 0.5)
    for labels in (np.arange(100) < 50, np.arange(100) % 2 == 0):
        assert scores.expected_calibration_error(labels, probability, bins=10) == pytest.approx(0.0)
    assert scores.expected_calibration_error(
        np.arange(100) < 20, probability, bins=10
    ) == pytest.approx(0.3)
