"""The penny-shaped crack: reference values, its point form, what it balances, refusals."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.penny import PennyCrack
from bradyseism.physics.sources import PointCDM

DISTANCE = np.concatenate([[0.0], np.geomspace(10.0, 1e5, 60)])


def crack(**changes):
    return PennyCrack(0.0, 0.0, 2e3, **({"radius": 2e3, "pressure_ratio": 1e-3} | changes))


def test_penny(penny_case, agrees):
    p = penny_case["params"]
    source = PennyCrack(
        p["x0"],
        p["y0"],
        p["depth"],
        radius=p["radius"],
        pressure_ratio=p["p_over_mu"],
        poisson=p["nu"],
    )
    agrees(source, penny_case)
    # Both solve the same equations by quadrature.
    assert_allclose(source.volume_change, penny_case["volume_change"], rtol=1e-12)


class TestPointForm:
    def test_a_small_crack_is_a_point_that_opens(self):
        misfits = []
        for radius in (200.0, 100.0, 50.0):
            small = crack(radius=radius)
            point = PointCDM(0, 0, 2e3, potencies=(0.0, 0.0, small.volume_change))
            expected = point.displacement(DISTANCE, np.zeros_like(DISTANCE))
            moved = small.displacement(DISTANCE, np.zeros_like(DISTANCE))
            misfits.append(np.abs(moved - expected).max() / expected.max())
        # Half the radius, a quarter of the misfit; the next order is radius / depth of it.
        assert_allclose(np.divide(misfits[:-1], misfits[1:]), 4.0, rtol=0.05)
        assert misfits[-1] < 1e-3

    @pytest.mark.parametrize("radii", [20.0, 200.0, 2000.0])
    def test_far_away_it_is_right_to_its_own_size(self, radii):
        """Published programs lose the far field beyond 20 radii, by more than its whole size."""
        small = PennyCrack(0, 0, 1e5, radius=2e3, pressure_ratio=1e-3)
        point = PointCDM(0, 0, 1e5, potencies=(0.0, 0.0, small.volume_change))
        moved = small.displacement(radii * 2e3, 0.0)
        expected = point.displacement(radii * 2e3, 0.0)
        # The share left out is of the order of (2 / 100)^2.
        assert_allclose(moved[[0, 2]], expected[[0, 2]], rtol=1e-3)

    def test_the_shallow_far_field_has_its_powers(self):
        east, _, up = crack().displacement([1e6, 2e6], [0.0, 0.0])
        assert_allclose([east[0] / east[1], up[0] / up[1]], [2.0**4, 2.0**5], rtol=2e-4)

    def test_volume_of_a_deep_crack(self):
        deep = PennyCrack(0, 0, 1e5, radius=1e3, pressure_ratio=1e-3, poisson=0.3)
        assert deep.volume_change == pytest.approx(8 / 3 * 0.7 * 1e-3 * 1e9, rel=1e-5)
        assert deep.potency == deep.volume_change


class TestPhysics:
    @pytest.mark.parametrize("depth", [400.0, 1e3, 4e3])
    def test_uplift_integrates_to_the_volume(self, depth):
        source = PennyCrack(0, 0, depth, radius=2e3, pressure_ratio=1e-3, poisson=0.1)
        nodes, weights = np.polynomial.legendre.leggauss(400)
        angle = (nodes + 1) * np.pi / 4
        r = 2e3 * np.tan(angle)
        share = weights * np.pi / 4 * 2e3 / np.cos(angle) ** 2
        up = source.displacement(r, np.zeros_like(r))[2]
        assert_allclose(2 * np.pi * (share * r) @ up, source.volume_change, rtol=1e-6)

    def test_a_shallow_roof_bends_as_a_plate(self):
        """Clamped circular plate: p a^4 / (64 D) in the middle, D = mu h^3 / (6 (1 - nu))."""
        roof = PennyCrack(0, 0, 100.0, radius=2e3, pressure_ratio=1e-6)
        plate = 1e-6 * 2e3**4 * 6 * 0.75 / (64 * 100.0**3)
        # The clamp gives by about the thickness: the plate is larger by 3 h or so.
        assert 1.0 < roof.displacement(0.0, 0.0)[2] / plate < 1.5

    def test_it_is_the_same_all_around(self):
        angles = np.linspace(0.0, 2 * np.pi, 24)
        moved = crack().displacement(1e3 * np.cos(angles), 1e3 * np.sin(angles))
        outward = moved[0] * np.cos(angles) + moved[1] * np.sin(angles)
        assert_allclose(outward, outward[0], rtol=1e-12)
        assert_allclose(moved[2], moved[2, 0], rtol=1e-12)
        assert outward[0] > 0

    def test_pressure_and_poisson_only_scale(self):
        once = crack().displacement(DISTANCE, DISTANCE)
        twice = crack(pressure_ratio=-2e-3, poisson=0.5).displacement(DISTANCE, DISTANCE)
        assert_allclose(twice, -2 * 0.5 / 0.75 * once, rtol=1e-12)

    @pytest.mark.parametrize("depth", [100.0, 300.0, 1e3, 5e3])
    def test_the_field_is_smooth_above_the_rim(self, depth):
        r = np.linspace(1.9e3, 2.1e3, 41)
        up = PennyCrack(0, 0, depth, radius=2e3, pressure_ratio=1e-3).displacement(r, 0 * r)[2]
        # Steps of 5 m: fourth differences fall with (5 / depth)^4, or are rounding.
        assert np.abs(np.diff(up, 4)).max() < (20.0 * (5.0 / depth) ** 4 + 1e-9) * up.max()


class TestTopography:
    def test_depths_in_between_are_interpolated(self):
        """Relief of 300 to 1800 m above a crack: every point as if the ground were level there."""
        source = PennyCrack(0, 0, 1e3, radius=2e3, pressure_ratio=1e-3)
        elevation = np.linspace(-700.0, 800.0, 12)
        distance = np.linspace(0.0, 6e3, 12)
        moved = source.displacement(distance, 0 * distance, elevation)
        for point in range(12):
            level = dataclasses.replace(source, depth=1e3 + elevation[point])
            expected = level.displacement(distance[point], 0.0)
            atol = 1e-7 * np.abs(expected).max()
            assert_allclose(moved[:, point], expected, rtol=0, atol=atol)

    def test_ground_too_near_the_crack_is_refused(self):
        with pytest.raises(ValueError, match=r"^depth 50 m below the ground is less than 0\.05"):
            crack().displacement([0.0, 1e3], [0.0, 0.0], [0.0, -1950.0])

    def test_nothing_known_of_the_ground(self):
        assert np.isnan(crack().displacement([0.0], [0.0], [np.nan])).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radius": 0.0}, r"^radius 0 m is not positive"),
        ({"radius": 5e4}, r"^depth 2000 m below the ground is less than 0\.05 of the radius 50000"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        crack(**change)
