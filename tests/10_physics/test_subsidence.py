"""Troughs over panels and cones around wells: volumes, limits, directions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.subsidence import MinedPanel, leaky_drawdown

AXIS = np.arange(-3000.0, 3001.0, 20.0)
EASTING, NORTHING = np.meshgrid(AXIS, AXIS)


def test_the_trough_holds_the_volume_of_the_panel() -> None:
    panel = MinedPanel(100.0, -200.0, 400.0, 1200.0, 250.0, azimuth=30.0, subsidence=0.8)
    sunk = -panel.displacement(EASTING, NORTHING)[2]
    assert sunk.sum() * 20.0**2 == pytest.approx(panel.volume, rel=1e-6)
    assert panel.volume == pytest.approx(0.8 * 1200.0 * 250.0)


def test_a_wide_panel_sinks_fully_and_by_half_over_its_edge() -> None:
    panel = MinedPanel(0.0, 0.0, 200.0, 4000.0, 2000.0, azimuth=90.0, subsidence=1.5)
    up = panel.displacement([0.0, 0.0, 1700.0], [0.0, 1000.0, 0.0])[2]
    assert_allclose(up, [-1.5, -0.75, -1.5], rtol=1e-3)
    # Steepest over the edge: subsidence over the radius of influence.
    edge = panel.displacement([0.0, 0.0], [999.0, 1001.0])[2]
    assert np.ptp(edge) / 2.0 == pytest.approx(1.5 / panel.influence, rel=1e-3)


def test_ground_moves_toward_the_trough_by_its_slope() -> None:
    panel = MinedPanel(0.0, 0.0, 300.0, 800.0, 400.0, azimuth=20.0)
    step = 0.1
    at = (np.array([-500.0, 300.0, 20.0]), np.array([150.0, -260.0, 410.0]))
    moved = panel.displacement(*at)
    assert (moved[0] * at[0] + moved[1] * at[1] < 0).all()
    share = panel.influence / np.sqrt(2 * np.pi)
    for axis, (east, north) in enumerate([(step, 0.0), (0.0, step)]):
        ahead = panel.displacement(at[0] + east, at[1] + north)[2]
        behind = panel.displacement(at[0] - east, at[1] - north)[2]
        assert_allclose(moved[axis], -share * (ahead - behind) / (2 * step), rtol=1e-3)


def test_a_deeper_panel_is_felt_farther_and_less() -> None:
    shallow, deep = (MinedPanel(0.0, 0.0, depth, 400.0, 200.0) for depth in (200.0, 800.0))
    assert shallow.displacement(0.0, 0.0)[2] < deep.displacement(0.0, 0.0)[2] < 0
    assert deep.displacement(900.0, 0.0)[2] < shallow.displacement(900.0, 0.0)[2]


def test_drawdown_is_level_in_the_well_and_solves_the_leaky_equation() -> None:
    leakage, radius = 2e3, 50.0
    assert_allclose(leaky_drawdown([0.0, 20.0, 50.0], leakage, radius), 1.0)
    r, h = 1500.0, 10.0
    s = leaky_drawdown([r - h, r, r + h], leakage, radius)
    # s'' + s' / r = s / leakage^2
    curvature = (s[0] - 2 * s[1] + s[2]) / h**2 + (s[2] - s[0]) / (2 * h * r)
    assert curvature == pytest.approx(s[1] / leakage**2, rel=1e-3)
    assert leaky_drawdown(40e3, leakage, radius) < 1e-8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MinedPanel(0, 0, -300.0, 100, 100), "depth -300 of a mined panel is not positive"),
        (lambda: MinedPanel(0, np.nan, 300.0, 100, 100), "northing nan of a mined panel"),
        (lambda: MinedPanel(0, 0, 300.0, 100, 0.0), "width 0 of a mined panel is not positive"),
        (lambda: leaky_drawdown(1.0, -5.0, 1.0), "leakage -5 m and radius 1 m are not both"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
