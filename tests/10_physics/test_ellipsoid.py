"""Pressurised ellipsoidal cavities: reference values, strength of known shapes, refusals."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.ellipsoid import PointEllipsoid, eigenstrain
from bradyseism.physics.sources import Mogi

GRID = np.meshgrid(np.linspace(-9e3, 9e3, 21), np.linspace(-8e3, 9e3, 20))


def cavity(**changes):
    values = {"semi_axes": (400.0, 300.0, 500.0), "pressure_ratio": 1e-3}
    return PointEllipsoid(0.0, 0.0, 3e3, **(values | changes))


def test_pecm(pecm_case, agrees):
    p = pecm_case["params"]
    source = PointEllipsoid(
        p["x0"],
        p["y0"],
        p["depth"],
        semi_axes=(p["ax"], p["ay"], p["az"]),
        pressure_ratio=p["p"] / p["mu"],
        rotations=(p["omega_x"], p["omega_y"], p["omega_z"]),
        poisson=p["lambda"] / (2 * (p["lambda"] + p["mu"])),
    )
    agrees(source, pecm_case)
    # A flat cavity's strength is the inverse of a difference of its aspect ratio, 0.02.
    assert_allclose(source.volume_change, pecm_case["volume_change"], rtol=1e-12)
    assert_allclose(source.potency, pecm_case["potency"], rtol=1e-12)


@pytest.mark.parametrize("poisson", [0.0, 0.25, 0.3, 0.49])
class TestKnownShapes:
    def test_a_sphere_is_a_mogi_source(self, poisson):
        source = cavity(semi_axes=(400.0,) * 3, rotations=(10, 20, 30), poisson=poisson)
        volume = math.pi * 400.0**3 * 1e-3
        assert source.volume_change == pytest.approx(volume, rel=1e-11)
        expected = Mogi(0.0, 0.0, 3e3, volume, poisson=poisson).displacement(*GRID)
        atol = 1e-11 * np.abs(expected).max()
        assert_allclose(source.displacement(*GRID), expected, rtol=0, atol=atol)

    def test_a_needle_is_a_long_cylinder(self, poisson):
        along, across, other = eigenstrain((1e4, 1.0, 1.0), poisson)
        assert across == pytest.approx(other, rel=1e-10)
        # Plane strain under pressure, and the lengthening of a closed tube.
        assert across == pytest.approx((2 - poisson) / (2 + 2 * poisson), rel=1e-6)
        assert along == pytest.approx((1 - 2 * poisson) / (2 + 2 * poisson), abs=1e-6)

    def test_a_flat_cavity_is_a_penny_crack(self, poisson):
        """Volume 8/3 (1 - nu) p / mu a^3 (Sneddon 1946), to the order of its aspect ratio."""
        flat = cavity(semi_axes=(1e3, 1e3, 0.01), poisson=poisson)
        expected = 8 / 3 * (1 - poisson) * 1e-3 * 1e9
        assert flat.volume_change == pytest.approx(expected, rel=1e-4)
        assert flat.potencies[2] / flat.potency == pytest.approx(1.0, abs=2e-4)

    def test_near_equal_axes_are_nothing_special(self, poisson):
        exact = eigenstrain((1.0, 1.0, 1.0), poisson)
        for step in (1e-14, 1e-10, 1e-6):
            near = eigenstrain((1.0, 1.0 + step, 1.0 - step), poisson)
            assert_allclose(near, exact, rtol=3 * step + 1e-11)

    def test_the_order_of_axes_is_the_order_of_strains(self, poisson):
        strains = eigenstrain((3.0, 1.0, 2.0), poisson)
        assert_allclose(eigenstrain((2.0, 3.0, 1.0), poisson), strains[[2, 0, 1]], rtol=1e-11)
        assert strains[1] > strains[2] > strains[0]


def test_turning_moves_the_highest_point():
    assert cavity().top == 2500.0
    assert cavity(rotations=(90.0, 0.0, 0.0)).top == pytest.approx(2700.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"semi_axes": (1.0, 0.0, 1.0)}, r"^semi-axis y 0 m is not positive"),
        ({"semi_axes": (1.0, 1.0)}, r"^semi_axes has 2 numbers"),
        ({"poisson": 0.5}, r"^poisson 0\.5 leaves the strength.*below 0\.5"),
        ({"semi_axes": (1.0, 1.0, 3e3)}, r"^depth 3000 m is not below the reach"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        cavity(**change)
