"""From deforming volcanoes to deforming windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bradyseism.detection.prior import DEFORMING_VOLCANOES, PRIOR_FACTS, window_prior
from bradyseism.detection.runtime import Detector
from bradyseism.maps.volcanoes import Catalogue, Volcano, read_catalogue
from bradyseism.samples.encoding import NormalisedWindow

ONE = Volcano(1, "One", 10.0, 0.0)


def test_a_volcano_alone_is_in_the_windows_that_hold_the_centre() -> None:
    # 15 x 15, 7 x 7, 3 x 3 windows and one; the centre lies in 2 x 2 of each grid, which begin and
    # end there, and in the one.
    (share,) = window_prior(Catalogue((ONE,)), NormalisedWindow(), deforming=1.0)
    assert share == pytest.approx((4 + 4 + 4 + 1) / (225 + 49 + 9 + 1))


def test_a_volcano_beyond_the_frame_adds_nothing_and_one_within_adds_less_than_its_own() -> None:
    far = Catalogue((ONE, Volcano(2, "Far", 10.0, 0.6)))
    beside = Catalogue((ONE, Volcano(2, "Beside", 10.0, 0.01)))
    east = Catalogue((ONE, Volcano(2, "East", 10.3, 0.0)))
    alone = window_prior(Catalogue((ONE,)), NormalisedWindow())[0]
    assert window_prior(far, NormalisedWindow())[0] == pytest.approx(alone)
    for near in (beside, east):
        assert alone < window_prior(near, NormalisedWindow())[0] < 2 * alone


def test_the_card_states_what_the_catalogue_of_the_world_gives(shared: Path) -> None:
    catalogue = read_catalogue(shared / "field" / "region" / "volcanoes.csv")
    shares = window_prior(catalogue, NormalisedWindow())
    assert len(shares) == 1326
    assert shares.mean() == pytest.approx(0.034, abs=5e-4)
    assert np.percentile(shares, [10, 90]) == pytest.approx([0.012, 0.062], abs=5e-4)
    words = PRIOR_FACTS["per_window_source"]
    assert all(number in words for number in ("1,326", "0.034", "0.012 to 0.062"))
    assert PRIOR_FACTS["per_volcano"] == pytest.approx(DEFORMING_VOLCANOES, abs=5e-5)


def test_another_prior_shifts_the_log_odds_and_nothing_else() -> None:
    own, other = Detector.load(), Detector.load(prior=0.5)
    shift = np.log(own.calibration.prior / (1 - own.calibration.prior))
    logits = np.linspace(-4.0, 4.0, 5)
    moved = other.calibration.log_odds(logits) - own.calibration.log_odds(logits)
    assert moved == pytest.approx(np.full(5, -shift))


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, float("nan")])
def test_a_prior_that_is_no_share_is_refused(prior: float) -> None:
    with pytest.raises(ValueError, match="outside 0-1: give a share of windows"):
        Detector.load(prior=prior)
