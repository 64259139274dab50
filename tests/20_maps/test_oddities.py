"""Each oddity is named, and ordinary maps have none."""

from __future__ import annotations

import numpy as np
import pytest

from bradyseism.maps.oddities import oddities
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel

YEARS = 5.0


def noise(deviation: float = 2e-3, length: float = 5e3, nugget: float = 0.0) -> np.ndarray:
    model = ExponentialModel(deviation**2, length, nugget)
    return turbulent_field(model, (256, 256), 200.0, np.random.default_rng(3))


def only(velocity: np.ndarray) -> str:
    (warning,) = oddities(velocity, YEARS)
    return warning


@pytest.mark.parametrize("deviation", [5e-4, 2e-3, 8e-3])
@pytest.mark.parametrize("nugget", [0.0, 1e-6])
def test_turbulence_is_not_odd(deviation: float, nugget: float) -> None:
    assert oddities(noise(deviation, nugget=nugget), YEARS) == ()


def test_a_deforming_volcano_is_not_odd() -> None:
    rows, columns = np.indices((256, 256)) - 128
    source = 0.3 * (1.0 + (rows**2 + columns**2) / 25.0**2) ** -1.5
    assert oddities(noise() + source, YEARS) == ()


def test_outliers_of_all_sizes_are_no_jump() -> None:
    rng = np.random.default_rng(0)
    velocity = noise()
    hit = rng.random(velocity.shape) < 0.01
    velocity[hit] += rng.normal(0.0, 0.02, hit.sum())
    assert oddities(velocity, YEARS) == ()


@pytest.mark.parametrize("deviation", [3e-4, 4e-4, 2e-3, 1e-2])
def test_millimetres_taken_for_metres(deviation: float) -> None:
    assert "is the unit mm/yr (--unit mm/yr)?" in only(1e3 * noise(deviation))


@pytest.mark.parametrize(("rate", "radius"), [(0.2, 127.0), (0.4, 84.0)])
def test_a_sinking_city_is_not_odd(rate: float, radius: float) -> None:
    """A pumped aquifer under most of the map; one under a third of it, as fast as Mexico City's."""
    rows, columns = np.indices((256, 256)) - 128
    bowl = np.clip(1.5 * (1.0 - np.hypot(rows, columns) / radius), 0.0, 1.0)
    # Over a year, as neighbours on so steep a rim differ by half a wavelength in five.
    assert oddities(noise() - rate * bowl, 1.0) == ()


def test_metres_taken_for_millimetres() -> None:
    assert "is the unit m/yr (--unit m/yr)?" in only(1e-3 * noise())


def test_most_of_the_map_missing() -> None:
    velocity = noise()
    velocity[np.random.default_rng(0).random(velocity.shape) < 0.95] = np.nan
    assert only(velocity).startswith("95 % of the map is missing")


@pytest.mark.parametrize("value", [0.0, 0.012])
def test_a_constant_map(value: float) -> None:
    assert f"every pixel is {1e3 * value:g} mm/yr" in only(np.full((64, 64), value))


def test_a_checkerboard() -> None:
    rows, columns = np.indices((256, 256))
    assert "only 2 different values" in only(
        np.where((rows // 16 + columns // 16) % 2, 5e-3, -5e-3)
    )


def test_a_value_that_stands_for_missing_data() -> None:
    velocity = noise()
    velocity[:, :100] = 0.0
    assert "39 % of the pixels are exactly 0:" in only(velocity)


@pytest.mark.parametrize("value", [-9.999, 32.767, 0.9])
def test_a_fill_value_that_nobody_declared(value: float) -> None:
    velocity = noise()
    velocity[:, :60] = value
    assert f"23 % of the pixels are exactly {1e3 * value:g} mm/yr" in only(velocity)


def test_a_map_cut_off_at_a_value_has_no_fill_value() -> None:
    assert oddities(np.clip(noise(), -3e-3, 3e-3), YEARS) == ()


def test_the_flank_of_a_source_on_coarse_pixels_is_no_jump() -> None:
    rows, columns = np.indices((60, 60)) - 30
    source = 0.02 * (1.0 + (rows**2 + columns**2) / 9.0**2) ** -1.5
    velocity = turbulent_field(
        ExponentialModel(3e-4**2, 5e3), (60, 60), 1000.0, np.random.default_rng(0)
    )
    assert oddities(velocity + source, YEARS) == ()


def test_cells_of_a_quadtree_may_repeat_a_value() -> None:
    velocity = noise()
    velocity[:128, :128] = 0.001
    assert oddities(velocity, YEARS) == ()


@pytest.mark.parametrize(("half", "band"), [(0.0277, "C"), (0.118, "L"), (0.0155, "X")])
@pytest.mark.parametrize("cycles", [1, 2])
def test_an_unwrapping_jump(half: float, band: str, cycles: int) -> None:
    velocity = noise(1e-3)
    velocity[100:180, 128:] += cycles * half / YEARS
    warning = only(velocity)
    assert "an unwrapping error" in warning
    # Two half cycles of one band may be near to those of another: the step itself must be right.
    assert f"jump by {1e3 * cycles * half:.0f} mm" in warning or f"{cycles} x" in warning
    assert cycles == 2 or f"1 x half the wavelength of {band} band" in warning


def test_gaps_here_and_there_call_for_coarser_pixels() -> None:
    velocity = noise()
    velocity[np.random.default_rng(1).random(velocity.shape) < 0.8] = np.nan
    assert "80 % of the pixels are missing here and there" in only(velocity)
    whole = noise()
    whole[:, 60:] = np.nan  # as much in one piece
    assert oddities(whole, YEARS) == ()


@pytest.mark.parametrize("years", [3.0, 4.0, 5.0, 6.0])
def test_outliers_anywhere_are_no_jump_though_some_have_its_size(years: float) -> None:
    heavy = np.random.default_rng(0).laplace(0.0, 1.5e-3, (600, 600)).astype(np.float32)
    assert not [one for one in oddities(heavy, years) if "jump" in one]


def test_a_step_of_another_size_is_no_jump() -> None:
    velocity = noise(1e-3)
    velocity[100:180, 128:] += 0.020 / YEARS
    assert oddities(velocity, YEARS) == ()


def test_a_map_without_data_says_only_that() -> None:
    assert only(np.full((9, 9), np.nan)).startswith("100 % of the map is missing")
