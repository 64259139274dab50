"""Two detectors on the same windows: identities, signs, and what counts as harm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from bradyseism.evaluation.comparison import PAIRED, Judged, compare, scores
from bradyseism.evaluation.scores import expected_calibration_error, roc_auc

PRIOR = 0.05


def judged(count: int = 1600, *, better: float = 1.5, seed: int = 0) -> Judged:
    """Log-odds that are true at the prior; the second detector sees `better` times as far."""
    rng = np.random.default_rng(seed)
    volcanic = np.arange(count) % 2 == 1
    size = np.where(volcanic, np.exp(rng.uniform(-0.5, 4.0, count)), 0.0)
    noise = rng.normal(size=count)

    def odds(reach: float) -> np.ndarray:
        # Gaussian scores of unit spread have exact log-odds.
        gap = 3.0 * reach
        score = noise + gap * volcanic
        return gap * score - gap**2 / 2 + logit(PRIOR)

    return Judged(
        volcanic, odds(1.0), odds(better), np.arange(count) // 100, size, 1e-3 * size, PRIOR
    )


def test_a_detector_beside_itself_changes_nothing_and_is_not_better() -> None:
    one = judged()
    result = compare(replace(one, after=one.before), np.random.default_rng(0), resamples=50)
    assert result.before == result.after
    for name in PAIRED:
        change = result.change[name]
        assert (change.estimate, change.low, change.high) == (0.0, 0.0, 0.0)
    assert len(result.harm) == 1
    assert "not surely downward" in result.harm[0]


def test_one_that_sees_farther_is_better_and_the_other_way_round_is_harm() -> None:
    one = judged()
    forth = compare(one, np.random.default_rng(0), resamples=100)
    back = compare(
        replace(one, before=one.after, after=one.before), np.random.default_rng(0), resamples=100
    )
    assert forth.harm == ()
    assert forth.change["log_loss"].high < 0 < forth.change["auc"].low
    for name in PAIRED:
        assert forth.change[name].estimate == pytest.approx(-back.change[name].estimate)
    assert any("AUC falls from" in reason for reason in back.harm)


def test_scores_are_those_of_their_definitions() -> None:
    one = judged()
    result = scores(one, one.before)
    probability = expit(one.before)
    loud, quiet = probability[one.volcanic], probability[~one.volcanic]
    expected = -PRIOR * np.log(loud).mean() - (1 - PRIOR) * np.log(1 - quiet).mean()
    assert result.log_loss == pytest.approx(expected)
    assert result.auc == pytest.approx(roc_auc(one.volcanic, one.before))
    assert result.background_flagged == pytest.approx(np.mean(quiet > 0.5))
    assert result.sources_flagged == pytest.approx(np.mean(loud > 0.5))
    limit = np.sort(quiet)[::-1][int(0.01 * quiet.size)]
    assert result.sources_found == pytest.approx(np.mean(loud > limit))
    balanced = expit(one.before - logit(PRIOR))
    assert result.calibration_error == expected_calibration_error(one.volcanic, balanced)
    assert result.calibration_error < 0.03


def test_the_size_found_is_where_a_known_curve_reaches_nine_tenths() -> None:
    rng = np.random.default_rng(1)
    count = 20_000
    size = np.exp(rng.uniform(-1, 5, count))
    found = rng.random(count) < expit(2.0 * (np.log(size) - np.log(5.0)))
    volcanic = np.ones(2 * count, bool)
    volcanic[count:] = False
    odds = np.concatenate([np.where(found, 5.0, -5.0), np.zeros(count)])
    sizes = np.concatenate([size, np.zeros(count)])
    one = Judged(volcanic, odds, odds, np.zeros(2 * count, int), sizes, 1e-3 * sizes, PRIOR)
    result = scores(one, odds)
    expected = 5.0 * np.exp(logit(0.9) / 2.0)
    assert result.signal_to_noise_found == pytest.approx(expected, rel=0.05)
    assert result.rate_found == pytest.approx(1e-3 * expected, rel=0.05)


def test_more_flagged_background_is_harm() -> None:
    one = judged()
    after = one.after.copy()
    after[np.flatnonzero(~one.volcanic)[:80]] = 3.0
    result = compare(replace(one, after=after), np.random.default_rng(0), resamples=20)
    assert any("background windows flagged rise from" in reason for reason in result.harm)
