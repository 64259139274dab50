"""Line of sight: look vectors, projection, wrapping."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bradyseism.physics.line_of_sight import SENTINEL1_WAVELENGTH, look_vector, project, wrap

FRINGE = SENTINEL1_WAVELENGTH / 2


class TestLookVector:
    @pytest.mark.parametrize(
        ("heading", "incidence", "expected"),
        [
            (-13, 33, (-0.530680, -0.122517, 0.838671)),
            (-12, 39, (-0.615568, -0.130843, 0.777146)),
            (-13, 46, (-0.700903, -0.161816, 0.694658)),
            (-167, 33, (0.530680, -0.122517, 0.838671)),
            (-168, 39, (0.615568, -0.130843, 0.777146)),
            (-168, 46, (0.703620, -0.149559, 0.694658)),
        ],
    )
    def test_sentinel1(self, heading, incidence, expected):
        # The table has six decimals.
        assert_allclose(look_vector(heading, incidence), expected, rtol=0, atol=5e-7)

    def test_ascending_looks_east_and_descending_west(self):
        """The vector points back to the satellite, so its east part has the other sign."""
        ascending, descending = look_vector(-12.0, 39.0), look_vector(-168.0, 39.0)
        assert ascending[0] < 0 < descending[0]
        assert_allclose(descending, ascending * [-1, 1, 1], rtol=1e-14)

    @given(st.floats(-360, 360), st.floats(0, 89.9))
    def test_right_looking(self, heading, incidence):
        look = look_vector(heading, incidence)
        flight = [math.sin(math.radians(heading)), math.cos(math.radians(heading)), 0.0]
        assert math.isclose(np.linalg.norm(look), 1.0, rel_tol=1e-14)
        assert abs(look @ flight) < 1e-14
        # Right of the flight is flight x up; the ground lies there, so the satellite does not.
        assert look @ np.cross(flight, [0.0, 0.0, 1.0]) <= 1e-14
        assert_allclose(look_vector(heading + 360.0, incidence), look, rtol=0, atol=1e-13)

    def test_maps_of_angles(self):
        incidence = np.array([[30.0, 35.0], [40.0, np.nan]])
        looks = look_vector(-12.0, incidence)
        assert looks.shape == (3, 2, 2)
        assert_allclose(looks[:, 1, 0], look_vector(-12.0, 40.0), rtol=1e-15)
        assert np.isnan(looks[:2, 1, 1]).all()

    @pytest.mark.parametrize("incidence", [-0.1, 90.0, 104.2])
    def test_incidence_out_of_range(self, incidence):
        with pytest.raises(ValueError, match=rf"incidence {incidence:g} deg is outside 0 to 90"):
            look_vector(-12.0, incidence)

    def test_angles_that_are_none(self):
        with pytest.raises(ValueError, match=r"heading is nan"):
            look_vector(math.nan, 39.0)
        with pytest.raises(ValueError, match=r"incidence nan deg"):
            look_vector(-12.0, math.nan)


class TestProject:
    def test_uplift_is_positive_on_both_tracks(self):
        for heading in (-12.0, -168.0):
            assert project([0.0, 0.0, 0.01], look_vector(heading, 39.0)) == pytest.approx(
                0.01 * math.cos(math.radians(39.0))
            )

    def test_eastward_motion_leaves_the_ascending_satellite(self):
        assert project([1.0, 0.0, 0.0], look_vector(-12.0, 39.0)) < 0
        assert project([1.0, 0.0, 0.0], look_vector(-168.0, 39.0)) > 0

    def test_one_vector_or_one_for_each_point(self):
        rng = np.random.default_rng(5)
        moved, look = rng.normal(size=(3, 4, 5)), look_vector(-12.0, 39.0)
        expected = np.tensordot(look, moved, axes=1)
        looks = np.broadcast_to(look[:, None, None], moved.shape)
        assert_allclose(project(moved, look), expected, rtol=1e-14, atol=1e-15)
        assert_allclose(project(moved, looks), expected, rtol=1e-14, atol=1e-15)

    def test_three_points(self):
        """Three points are no reason to mix up points and components."""
        moved = np.arange(9.0).reshape(3, 3)
        look = look_vector(-12.0, 39.0)
        assert_allclose(project(moved, look), look @ moved, rtol=1e-14)

    def test_missing_stays_missing(self):
        moved = np.ones((3, 2, 2))
        moved[1, 0, 0] = np.nan
        looks = np.array(np.broadcast_to(look_vector(-12.0, 39.0)[:, None, None], (3, 2, 2)))
        looks[:, 1, 1] = np.nan
        np.testing.assert_array_equal(
            np.isnan(project(moved, looks)), [[True, False], [False, True]]
        )

    def test_rounded_vectors_pass_and_others_do_not(self):
        project(np.ones((3, 2)), [-0.616, -0.131, 0.777])
        with pytest.raises(ValueError, match=r"length 1\.00499, not 1: give \(east, north, up\)"):
            project(np.ones((3, 2)), [0.0, 0.1, 1.0])
        with pytest.raises(ValueError, match=r"length 0, not 1"):
            project(np.ones((3, 2)), np.zeros((3, 2)))

    def test_shapes_that_do_not_fit(self):
        look = look_vector(-12.0, 39.0)
        with pytest.raises(ValueError, match=r"displacement has shape \(4, 3\)"):
            project(np.ones((4, 3)), look)
        with pytest.raises(ValueError, match=r"look has shape \(3, 5\) .* \(3, 4\)"):
            project(np.ones((3, 4)), np.broadcast_to(look[:, None], (3, 5)))


class TestWrap:
    @given(st.floats(-10, 10))
    def test_range_and_unwrapping(self, displacement):
        phase = float(wrap(displacement))
        assert -np.pi <= phase < np.pi
        whole = (displacement - phase / (2 * np.pi) * FRINGE) / FRINGE
        assert abs(whole - round(whole)) < 1e-12

    @given(st.floats(-0.013, 0.013), st.integers(-200, 200))
    def test_whole_fringes_do_not_show(self, displacement, fringes):
        assert_allclose(wrap(displacement + fringes * FRINGE), wrap(displacement), atol=1e-11)

    def test_small_motion_is_its_phase(self):
        # phase = 4 pi d / wavelength
        assert_allclose(wrap(0.001), 4 * np.pi * 0.001 / SENTINEL1_WAVELENGTH, rtol=1e-14)

    def test_half_a_fringe_is_minus_pi_from_both_sides(self):
        np.testing.assert_array_equal(wrap([-0.5, 0.5, 1.5, -1.5], cycle=1.0), np.full(4, -np.pi))
        assert_allclose(wrap(0.5 - 1e-9, cycle=1.0), np.pi, atol=1e-8)

    def test_cycle(self):
        assert_allclose(wrap(0.01, cycle=0.04), np.pi / 2, rtol=1e-14)

    def test_type_shape_and_gaps_are_kept(self):
        values = np.array([[0.0, np.nan], [0.1, -0.1]], dtype=np.float32)
        phase = wrap(values)
        assert phase.dtype == np.float32
        assert phase.shape == values.shape
        np.testing.assert_array_equal(np.isnan(phase), np.isnan(values))
        assert wrap([0, 1], cycle=3.0).dtype == np.float64

    @pytest.mark.parametrize("cycle", [0.0, -1.0, math.nan, math.inf])
    def test_cycle_that_is_none(self, cycle):
        with pytest.raises(ValueError, match=rf"cycle {cycle:g} m is not positive"):
            wrap(0.01, cycle=cycle)
