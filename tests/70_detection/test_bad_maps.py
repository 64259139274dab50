"""Maps with something wrong: no crash, nothing sure where there is nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyproj
import pytest
from affine import Affine

from bradyseism.detection.detect import DetectionResult, detect
from bradyseism.detection.runtime import Detector
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel

SHAPE, YEARS, HALF_WAVELENGTH = (256, 256), 5.0, 0.0277
ROWS, COLUMNS = np.indices(SHAPE)
Change = Callable[[np.ndarray], np.ndarray]


def noise(seed: int = 0) -> np.ndarray:
    model = ExponentialModel(2e-3**2, 5e3)
    return turbulent_field(model, SHAPE, 200.0, np.random.default_rng(seed))


def source(peak: float, row: int, column: int) -> np.ndarray:
    square = (ROWS - row) ** 2 + (COLUMNS - column) ** 2
    return peak * (1.0 + square / 25.0**2) ** -1.5


def judged(velocity: np.ndarray, detector: Detector) -> DetectionResult:
    grid = Grid(SHAPE, Affine(200, 0, 5e5, 0, -200, 7.4e6), pyproj.CRS.from_epsg(32719))
    return detect(VelocityMap(velocity.astype(np.float32), grid, years=YEARS), detector)


def jump(inside: np.ndarray) -> Change:
    return lambda velocity: velocity + inside * HALF_WAVELENGTH / YEARS


def lost(missing: np.ndarray) -> Change:
    return lambda velocity: np.where(missing, np.nan, velocity)


BAD: dict[str, Change] = {
    "nothing but noise": lambda velocity: velocity,
    "in mm": lambda velocity: 1e3 * velocity,
    "95 % missing here and there": lost(np.random.default_rng(1).random(SHAPE) < 0.95),
    "95 % missing around": lost((abs(ROWS - 128) > 28) | (abs(COLUMNS - 128) > 28)),
    "a jump through the map": jump(COLUMNS >= 128),
    "a jump around a block": jump((abs(ROWS - 130) < 70) & (COLUMNS >= 128) & (COLUMNS < 190)),
    "two cycles": jump(2.0 * (ROWS + COLUMNS > 256)),
    "a ramp": lambda velocity: velocity + 1e-4 * ROWS - 2e-4 * COLUMNS,
}


@pytest.mark.parametrize("what", list(BAD))
def test_noise_with_something_wrong_is_not_flagged(what: str, detector: Detector) -> None:
    assert judged(BAD[what](noise()), detector).detections == ()


@pytest.mark.parametrize("cell", [1, 4, 8])
def test_nothing_is_sure_on_a_checkerboard(cell: int, detector: Detector) -> None:
    board = np.where((ROWS // cell + COLUMNS // cell) % 2, 5e-3, -5e-3)
    assert all(found.probability < 0.9 for found in judged(board, detector).detections)


def test_a_jump_through_the_volcano_flags_nothing_far_from_it(detector: Detector) -> None:
    cut = noise() + source(0.05, 128, 128) + (COLUMNS >= 128) * HALF_WAVELENGTH / YEARS
    result = judged(cut, detector)
    assert len(result.detections) >= 1
    for found in result.detections:
        row, column = result.map.grid.row_column(found.longitude, found.latitude)
        assert np.hypot(row - 128, column - 128) < 25


@pytest.mark.parametrize("change", ["a ramp", "a constant"])
def test_a_constant_or_a_ramp_moves_no_detection(change: str, detector: Detector) -> None:
    velocity = noise() + source(0.02, 90, 150)
    added = 0.04 if change == "a constant" else 2e-4 * ROWS - 1e-4 * COLUMNS
    plain = judged(velocity, detector).detections
    moved = judged(velocity + added, detector).detections
    assert len(plain) >= 1
    assert [one.probability for one in moved] == pytest.approx(
        [one.probability for one in plain], abs=0.02
    )
