"""The finite sphere of McTigue: reference values, its point source, scaling, refusals."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.sources import Mogi
from bradyseism.physics.sphere import McTigue

GRID = np.meshgrid(np.linspace(-9e3, 9e3, 21), np.linspace(-8e3, 9e3, 20))


def sphere(**changes):
    return McTigue(0.0, 0.0, 3e3, **({"radius": 900.0, "pressure_ratio": 1e-3} | changes))


def test_mctigue(mctigue_case, agrees):
    p = mctigue_case["params"]
    source = McTigue(
        p["x0"],
        p["y0"],
        p["depth"],
        radius=p["radius"],
        pressure_ratio=p["p_over_mu"],
        poisson=p["nu"],
    )
    agrees(source, mctigue_case)


@pytest.mark.parametrize("poisson", [0.0, 0.25, 0.5])
def test_converges_to_mogi_with_the_cube_of_radius(poisson):
    misfits = []
    for radius in (800.0, 400.0, 200.0):
        finite = sphere(radius=radius, poisson=poisson)
        point = Mogi(0.0, 0.0, 3e3, finite.volume_change, poisson=poisson).displacement(*GRID)
        misfits.append(np.abs(finite.displacement(*GRID) - point).max() / np.abs(point).max())
    assert_allclose(np.divide(misfits[:-1], misfits[1:]), 8.0, rtol=1e-9)
    # (a / d)^3 times (14 - 16 nu) / ... of order one.
    assert misfits[0] < 1.5 * (800 / 3e3) ** 3


def test_displacement_points_away_from_the_centre():
    east, north, up = sphere().displacement([1e3, -2e3], [2e3, 500.0])
    assert_allclose(east / up, [1 / 3, -2 / 3], rtol=1e-14)
    assert_allclose(north / up, [2 / 3, 1 / 6], rtol=1e-14)


def test_lengths_scale():
    """Twice all lengths, twice the displacement."""
    large = McTigue(0.0, 0.0, 6e3, radius=1800.0, pressure_ratio=1e-3)
    moved = large.displacement(2 * GRID[0], 2 * GRID[1])
    assert_allclose(moved, 2 * sphere().displacement(*GRID), rtol=1e-13)


def test_volume():
    assert sphere().volume_change == pytest.approx(math.pi * 900.0**3 * 1e-3)
    assert sphere().top == 2100.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radius": 0.0}, r"^radius 0 m is not positive"),
        ({"radius": 3e3}, r"^depth 3000 m is not below the reach of the source, 3000 m above"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        sphere(**change)
