"""The boxcar in the windows of the detector: what it finds, and what it must not see."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from bradyseism.evaluation.baselines import BASELINES
from bradyseism.evaluation.injection import Best
from bradyseism.evaluation.window_boxcar import baseline_methods, window_boxcar_method
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.samples.encoding import NormalisedWindow, WrappedPatch

SHAPE, PIXEL, PLACE = (140, 160), 200.0, (60, 100)
CRS_HERE = CRS.from_dict({"proj": "aeqd", "lon_0": 30.0, "lat_0": 40.0, "datum": "WGS84"})
GRID = Grid(SHAPE, Affine(PIXEL, 0, -16e3, 0, -PIXEL, 14e3), CRS_HERE)
ROWS, COLUMNS = np.indices(SHAPE)
BLOB = np.exp(-((ROWS - PLACE[0]) ** 2 + (COLUMNS - PLACE[1]) ** 2) / (2 * 6.0**2))
NOISE = turbulent_field(ExponentialModel(1e-6, 3e3), SHAPE, PIXEL, np.random.default_rng(4))
JUDGE = window_boxcar_method(NormalisedWindow())


def judged(velocity: np.ndarray) -> Best:
    return JUDGE(VelocityMap(velocity.astype(np.float32), GRID, 5.0))


def off(best: Best) -> float:
    """Metres from the place of the blob."""
    row, column = GRID.row_column(best.longitude, best.latitude)
    return float(np.hypot(row - PLACE[0], column - PLACE[1])) * PIXEL


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_strong_blob_is_found_at_its_place(sign: float) -> None:
    best = judged(NOISE + sign * 0.02 * BLOB)
    assert off(best) < 800.0
    assert best.score > 1.4 * judged(NOISE).score


def test_a_blob_among_gaps_is_found() -> None:
    velocity = NOISE + 0.02 * BLOB
    velocity[np.random.default_rng(0).random(SHAPE) < 0.4] = np.nan
    velocity[:, :40] = np.nan
    assert off(judged(velocity)) < 800.0


def test_the_score_rises_with_the_rate() -> None:
    scores = [judged(NOISE + rate * BLOB).score for rate in (0.005, 0.01, 0.05, 0.3)]
    assert scores == sorted(scores)


@pytest.mark.parametrize(
    "changed",
    [NOISE + 0.05, NOISE + 1e-4 * ROWS - 2e-4 * COLUMNS, 1e3 * NOISE, -NOISE],
    ids=["constant", "ramp", "unit", "sign"],
)
def test_constant_ramp_unit_and_sign_make_no_difference(changed: np.ndarray) -> None:
    plain, other = judged(NOISE), judged(changed)
    assert other.score == pytest.approx(plain.score, rel=1e-3)
    assert other.longitude == pytest.approx(plain.longitude, abs=1e-6)
    assert other.latitude == pytest.approx(plain.latitude, abs=1e-6)


def test_levels_are_those_of_the_encoding() -> None:
    """A source of half a kilometre is lost in means over 800 m."""
    narrow = np.exp(-((ROWS - PLACE[0]) ** 2 + (COLUMNS - PLACE[1]) ** 2) / 2)
    frame = VelocityMap((NOISE + 0.02 * narrow).astype(np.float32), GRID, 5.0)
    fine, coarse = (
        window_boxcar_method(NormalisedWindow(pixel_sizes=(m,))) for m in (200.0, 800.0)
    )
    assert off(fine(frame)) < 400.0
    assert fine(frame).score > 1.2 * coarse(frame).score


def test_nothing_observable_scores_below_everything() -> None:
    best = judged(np.full(SHAPE, np.nan))
    assert best.score == -np.inf
    assert np.isnan(best.longitude)


def test_it_stands_beside_the_other_baselines_whatever_the_encoding() -> None:
    methods = baseline_methods(WrappedPatch())
    assert list(methods) == [*BASELINES, "same-window boxcar"]
    frame = VelocityMap((NOISE + 0.02 * BLOB).astype(np.float32), GRID, 5.0)
    assert methods["same-window boxcar"](frame) == JUDGE(frame)
