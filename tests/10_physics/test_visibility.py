"""Layover and shadow: lengths on walls, limits, symmetry, and the sign of the look."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bradyseism.physics.line_of_sight import look_vector
from bradyseism.physics.terrain import local_incidence, power_law_field
from bradyseism.physics.visibility import layover, shadow

SIZE = 10.0
# Flies north and looks east: the satellite is in the west.
WEST = look_vector(0.0, 40.0)


def wall(height: float, column: int = 100) -> np.ndarray:
    """A wall one pixel wide that runs north across flat ground."""
    elevation = np.zeros((9, 200))
    elevation[:, column] = height
    return elevation


def test_flat_ground_and_a_vertical_look_hide_nothing() -> None:
    rough = 100 * power_law_field((40, 50), 3.0, np.random.default_rng(1))
    for seen in (shadow, layover):
        assert not seen(np.full((30, 40), 812.0), SIZE, WEST).any()
        assert not seen(rough, SIZE, np.array([0.0, 0.0, 1.0])).any()


@pytest.mark.parametrize("incidence", [25.0, 40.0, 60.0])
def test_a_wall_casts_its_height_times_the_tangent_of_the_incidence(incidence: float) -> None:
    height = 207.0
    dark = shadow(wall(height), SIZE, look_vector(0.0, incidence))
    length = height * np.tan(np.radians(incidence)) / SIZE
    # Away from the satellite in the west: to the east of the wall, whole pixels below the length.
    expected = np.zeros((9, 200), dtype=bool)
    expected[:, 101 : 101 + int(length)] = True
    assert_array_equal(dark, expected)


@pytest.mark.parametrize("incidence", [25.0, 40.0, 60.0])
def test_a_wall_is_laid_over_its_height_over_the_tangent_toward_the_satellite(
    incidence: float,
) -> None:
    height = 207.0
    mixed = layover(wall(height), SIZE, look_vector(0.0, incidence))
    length = height / np.tan(np.radians(incidence)) / SIZE
    expected = np.zeros((9, 200), dtype=bool)
    expected[:, 100 - int(length) : 101] = True
    assert_array_equal(mixed, expected)


@pytest.mark.parametrize(
    ("slope", "folded", "dark"),
    [(45.0, True, False), (35.0, False, False), (-45.0, False, False), (-55.0, False, True)],
)
def test_a_plane_slope_is_hidden_beyond_its_limiting_angle(
    slope: float, folded: bool, dark: bool
) -> None:
    # Rising east means facing the satellite in the west; incidence 40: limits 40 and -50 degrees.
    plane = SIZE * np.tan(np.radians(slope)) * np.indices((20, 60))[1]
    inner = (slice(None), slice(20, 40))
    assert layover(plane, SIZE, WEST)[inner].all() == folded == layover(plane, SIZE, WEST).any()
    assert shadow(plane, SIZE, WEST)[inner].all() == dark == shadow(plane, SIZE, WEST).any()
    assert (local_incidence(plane, SIZE, WEST) > 90.0).all() == dark


@pytest.mark.parametrize(("heading", "row", "column"), [(0, 0, 1), (180, 0, -1), (90, 1, 0)])
def test_shadow_falls_away_from_the_satellite(heading: float, row: int, column: int) -> None:
    # A right-looking radar: flying north it looks east, flying south west, flying east south.
    tower = np.zeros((61, 61))
    tower[30, 30] = 100.0
    rows, columns = np.nonzero(shadow(tower, SIZE, look_vector(heading, 45.0)))
    assert len(rows) == 9  # 100 m at 45 degrees, whole pixels that lie under the ray
    assert_array_equal(np.sign(rows - 30), row)
    assert_array_equal(np.sign(columns - 30), column)


def test_turning_the_ground_and_the_look_turns_the_masks() -> None:
    rough = 40 * power_law_field((64, 64), 3.4, np.random.default_rng(5))
    look = look_vector(-12.0, 38.0)
    turned = np.array([-look[1], look[0], look[2]])  # a quarter turn anticlockwise
    for seen in (shadow, layover):
        mask = seen(rough, SIZE, look)
        assert 0.01 < mask.mean() < 0.9
        assert_array_equal(seen(np.rot90(rough), SIZE, turned), np.rot90(mask))
        assert_array_equal(seen(rough + 1000.0, SIZE, look), mask)


def test_slopes_turned_away_are_dark_and_slopes_steeper_than_the_incidence_are_folded() -> None:
    rough = 150 * power_law_field((96, 96), 5.0, np.random.default_rng(5), outer_scale=48)
    look = look_vector(-10.0, 33.0)
    local = local_incidence(rough, SIZE, look)
    inner = (slice(8, -8), slice(8, -8))
    dark = shadow(rough, SIZE, look)[inner]
    assert dark[(local > 95.0)[inner]].mean() > 0.9
    assert dark.mean() > (local > 90.0)[inner].mean()  # and what they cast on


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shadow(np.zeros((0, 4)), SIZE, WEST), r"shape \(0, 4\) is not a finite matrix"),
        (lambda: layover(np.full((3, 3), np.nan), SIZE, WEST), "fill its voids"),
        (lambda: shadow(np.zeros((3, 3)), -1.0, WEST), "pixel size -1 m is not positive"),
        (lambda: shadow(np.zeros((3, 3)), SIZE, 2 * WEST), "has length 2, not 1"),
        (lambda: layover(np.zeros((3, 3)), SIZE, -WEST), "is not upward"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
