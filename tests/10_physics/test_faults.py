"""Strain across faults: limits of Savage and Burford (1973), and Okada's rectangle made long."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.faults import fault_parallel_velocity
from bradyseism.physics.okada import Okada

ACROSS = np.array([-60e3, -20e3, -3e3, 500.0, 7e3, 45e3])


def test_far_away_half_the_rate_and_a_quarter_at_the_locking_depth() -> None:
    velocity = fault_parallel_velocity([-1e12, -12e3, 0.0, 12e3, 1e12], 0.024, 12e3)
    assert_allclose(velocity, [-0.012, -0.006, 0.0, 0.006, 0.012], rtol=1e-6)


def test_strain_rate_on_the_fault_is_slip_over_pi_and_depth() -> None:
    near = fault_parallel_velocity([-1.0, 1.0], 0.03, 10e3)
    assert (near[1] - near[0]) / 2.0 == pytest.approx(0.03 / (np.pi * 10e3), rel=1e-6)


def test_locked_to_no_depth_or_creeping_all_the_way_are_rigid_blocks() -> None:
    blocks = 0.01 * np.sign(ACROSS)
    assert_allclose(fault_parallel_velocity(ACROSS, 0.02, 0.0), blocks, rtol=1e-12)
    creeping = fault_parallel_velocity(ACROSS, 0.02, 9e3, creep_rate=0.02, creep_depth=9e3)
    assert_allclose(creeping, blocks, rtol=1e-12)


def test_creep_is_a_step_at_the_trace_that_fades_with_distance() -> None:
    step = fault_parallel_velocity([-1e-3, 1e-3, 1e8], 0.0, 10e3, creep_rate=0.006, creep_depth=2e3)
    assert_allclose(step, [-0.003, 0.003, 0.0], atol=1e-6)


@pytest.mark.parametrize("strike", [0.0, 70.0])
def test_a_long_deep_rectangle_of_okada_is_the_same(strike: float) -> None:
    locking, bottom, slip = 8e3, 3e6, 1.5
    deep = Okada(
        0.0,
        0.0,
        (locking + bottom) / 2,
        length=3e7,
        width=bottom - locking,
        strike=strike,
        dip=90.0,
        strike_slip=slip,
    )
    angle = np.radians(strike)
    moved = deep.displacement(ACROSS * np.cos(angle), -ACROSS * np.sin(angle))
    along = moved[0] * np.sin(angle) + moved[1] * np.cos(angle)
    assert_allclose(fault_parallel_velocity(ACROSS, slip, locking), along, atol=0.02 * slip)
    assert_allclose(moved[2], 0.0, atol=1e-3)


def test_creep_to_a_depth_is_a_shallow_rectangle_of_okada() -> None:
    shallow = Okada(0.0, 0.0, 1e3, length=1e7, width=2e3, strike=0.0, dip=90.0, strike_slip=0.4)
    moved = shallow.displacement(ACROSS, np.zeros_like(ACROSS))
    creep = fault_parallel_velocity(ACROSS, 0.0, 2e3, creep_rate=0.4, creep_depth=2e3)
    assert_allclose(creep, moved[1], atol=1e-5)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"slip_rate": np.nan}, "slip_rate nan is not finite"),
        ({"locking": -5e3}, "locking -5000 m break 0 <= creep_depth"),
        ({"creep_depth": 2e4}, "creep_depth 20000 m and locking 10000 m break"),
    ],
)
def test_errors_name_the_value(numbers: dict[str, float], message: str) -> None:
    given = {"slip_rate": 0.01, "locking": 1e4, **numbers}
    with pytest.raises(ValueError, match=message):
        fault_parallel_velocity(ACROSS, **given)
