"""From deforming volcanoes to deforming maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bradyseism.detection.prior import DEFORMING_VOLCANOES, PRIOR_FACTS, map_prior
from bradyseism.detection.runtime import Detector
from bradyseism.maps.volcanoes import Catalogue, Volcano, read_catalogue

ONE = Volcano(1, "One", 10.0, 0.0)


def test_a_frame_holds_its_own_volcano_and_those_nearer_than_half_its_side() -> None:
    (alone,) = map_prior(Catalogue((ONE,)), 50e3, deforming=0.3)
    assert alone == pytest.approx(0.3)
    for longitude, latitude, both in ((10.0, 0.22, True), (10.0, 0.23, False), (10.3, 0.0, False)):
        two = Catalogue((ONE, Volcano(2, "Other", longitude, latitude)))
        expected = 1 - 0.7**2 if both else 0.3
        assert map_prior(two, 50e3, deforming=0.3)[0] == pytest.approx(expected)


def test_the_card_states_what_the_catalogue_of_the_world_gives(shared: Path) -> None:
    catalogue = read_catalogue(shared / "field" / "region" / "volcanoes.csv")
    wide, narrow = (map_prior(catalogue, side) for side in (102.4e3, 51.2e3))
    held = np.log(1 - wide) / np.log(1 - DEFORMING_VOLCANOES)
    assert len(wide) == 1326
    assert held.mean() == pytest.approx(3.5, abs=0.05)
    assert wide.mean() == pytest.approx(0.58, abs=5e-3)
    assert narrow.mean() == pytest.approx(0.42, abs=5e-3)
    words = PRIOR_FACTS["per_map_source"]
    assert all(number in words for number in ("1,326", "3.5", "0.58", "0.42"))
    assert PRIOR_FACTS["per_volcano"] == pytest.approx(DEFORMING_VOLCANOES, abs=5e-5)


def test_another_prior_shifts_the_log_odds_and_nothing_else() -> None:
    own, other = Detector.load(prior=0.05), Detector.load(prior=0.5)
    shift = np.log(own.calibration.prior / (1 - own.calibration.prior))
    logits = np.linspace(-4.0, 4.0, 5)
    moved = other.calibration.log_odds(logits) - own.calibration.log_odds(logits)
    assert moved == pytest.approx(np.full(5, -shift))


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, float("nan")])
def test_a_prior_that_is_no_share_is_refused(prior: float) -> None:
    with pytest.raises(ValueError, match="outside 0-1: give a share of maps"):
        Detector.load(prior=prior)
