"""What a detection measures: rate, sign, radius and outline of a known bell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bradyseism.detection.footprint import measure

ROWS, COLUMNS = np.indices((64, 64)) - 31.5


def bell(peak: float, width: float, row: float = 0.0, column: float = 0.0) -> np.ndarray:
    """Gaussian of full width `width` pixels at half of its peak."""
    square = (ROWS - row) ** 2 + (COLUMNS - column) ** 2
    return peak * np.exp(-4 * np.log(2) * square / width**2)


@pytest.mark.parametrize("peak", [0.02, -0.02])
@pytest.mark.parametrize("width", [8.0, 16.0])
def test_peak_sign_and_radius_of_a_bell(peak: float, width: float) -> None:
    found = measure(bell(peak, width))
    # Light smoothing lowers the peak of a narrow bell and widens it.
    assert found.rate == pytest.approx(peak, rel=0.15)
    assert found.radius == pytest.approx(width / 2, rel=0.12)


def test_a_ramp_and_a_constant_change_nothing() -> None:
    plain = measure(bell(0.02, 12))
    tilted = measure(bell(0.02, 12) + 0.3 + 1e-3 * ROWS - 2e-3 * COLUMNS)
    assert tilted.rate == pytest.approx(plain.rate, rel=1e-3)
    assert tilted.radius == pytest.approx(plain.radius, rel=1e-3)


def test_a_hidden_centre_is_bridged() -> None:
    window = bell(0.02, 18)
    window[29:35, 29:35] = np.nan
    assert measure(window).rate == pytest.approx(0.02, rel=0.2)


def test_the_outline_closes_around_the_peak() -> None:
    outline = measure(bell(0.02, 12, row=4, column=-6)).outline
    assert_array_equal(outline[0], outline[-1])
    assert outline[:, 0].mean() == pytest.approx(35.5, abs=1.0)
    assert outline[:, 1].mean() == pytest.approx(25.5, abs=1.0)


def test_a_neighbour_in_the_outer_ring_hardly_tilts_the_ground() -> None:
    window = bell(0.02, 10) + bell(0.05, 10, row=-20, column=20)
    assert measure(window).rate == pytest.approx(0.02, rel=0.25)


def test_a_flat_window_has_no_rate() -> None:
    assert measure(np.zeros((64, 64))).rate == 0.0
