"""Relief and downslope motion: signs, limits and statistics."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.line_of_sight import look_vector
from bradyseism.physics.relief import synthetic_relief
from bradyseism.physics.terrain import (
    blob,
    downslope_sensitivity,
    flat_ground,
    gradient,
    local_incidence,
    power_law_field,
    steepness,
)

VERTICAL = np.array([0.0, 0.0, 1.0])


def plane(east: float, north: float, pixel_size: float = 30.0) -> np.ndarray:
    """Elevation that rises by `east` and `north` metres per metre; row 0 is north."""
    rows, columns = np.indices((12, 17))
    return pixel_size * (east * columns - north * rows)


def test_gradient_of_a_plane_points_uphill_east_and_north() -> None:
    slopes = gradient(plane(0.2, -0.1), 30.0)
    assert_allclose(slopes[0], 0.2, rtol=1e-12)
    assert_allclose(slopes[1], -0.1, rtol=1e-12)


def test_steepness_of_a_45_degree_slope() -> None:
    assert_allclose(steepness(plane(0.0, 1.0), 30.0), 45.0, rtol=1e-12)


@pytest.mark.parametrize(("east", "north"), [(0.5, 0.0), (-0.5, 0.0), (0.0, 0.7), (0.3, -0.4)])
def test_downslope_motion_sinks_by_the_sine_of_the_slope(east: float, north: float) -> None:
    elevation = plane(east, north)
    expected = -np.sin(np.radians(steepness(elevation, 30.0)))
    assert_allclose(downslope_sensitivity(elevation, 30.0, VERTICAL), expected, rtol=1e-12)


def test_a_slope_facing_the_satellite_moves_toward_it_horizontally() -> None:
    # Ascending looks east, the satellite is in the west: ground that slides west comes closer.
    ascending = look_vector(-12.0, 40.0)
    facing_west = plane(0.1, 0.0)
    assert (downslope_sensitivity(facing_west, 30.0, ascending) > 0).all()
    assert (downslope_sensitivity(-facing_west, 30.0, ascending) < 0).all()


def test_downslope_sensitivity_is_bounded_and_zero_on_flat_ground() -> None:
    rng = np.random.default_rng(0)
    relief = synthetic_relief((64, 64), 100.0, rng)
    sensitivity = downslope_sensitivity(relief, 100.0, look_vector(-168.0, 35.0))
    assert np.abs(sensitivity).max() <= 1.0
    assert_allclose(downslope_sensitivity(np.zeros((5, 5)), 100.0, VERTICAL), 0.0)


def test_local_incidence_of_flat_ground_is_the_incidence() -> None:
    assert_allclose(local_incidence(np.zeros((4, 4)), 30.0, look_vector(-12.0, 37.0)), 37.0)


def test_local_incidence_falls_on_slopes_that_face_the_satellite() -> None:
    ascending = look_vector(-90.0, 37.0)  # flies west, looks north: the satellite is in the south
    facing_south = plane(0.0, 0.2)
    tilt = np.degrees(np.arctan(0.2))
    assert_allclose(local_incidence(facing_south, 30.0, ascending), 37.0 - tilt, rtol=1e-9)


def test_power_law_field_has_its_slope_unit_variance_and_free_edges() -> None:
    rng = np.random.default_rng(3)
    size, slope = 128, 3.0
    taper = np.outer(np.hanning(size), np.hanning(size))
    power = np.zeros((size, size))
    edges = []
    for _ in range(60):
        field = power_law_field((size, size), slope, rng)
        assert_allclose([field.mean(), field.std()], [0.0, 1.0], atol=1e-9)
        power += np.abs(np.fft.fft2(field * taper)) ** 2
        edges.append(np.corrcoef(field[0], field[-1])[0, 1])
    wavenumber = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    use = (wavenumber > 0.05) & (wavenumber < 0.3)
    fitted = np.polyfit(np.log(wavenumber[use]), np.log(power[use]), 1)[0]
    assert fitted == pytest.approx(-slope, abs=0.15)
    # A periodic field would have correlation near 1 between its first and last row.
    assert np.mean(edges) < 0.5


def test_blob_covers_its_share() -> None:
    patch = blob((80, 100), 0.13, np.random.default_rng(1))
    assert patch.mean() == pytest.approx(0.13, abs=0.005)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradient(np.zeros((1, 5)), 10.0), r"shape \(1, 5\): a slope needs 2 x 2"),
        (lambda: gradient(np.zeros(5), 10.0), r"shape \(5,\): a slope needs 2 x 2"),
        (lambda: gradient(np.zeros((5, 5)), np.nan), "pixel size nan m is not positive"),
        (
            lambda: downslope_sensitivity(np.zeros((5, 5)), 1.0, 2 * VERTICAL),
            r"look vector \[0.0, 0.0, 2.0\] has length 2, not 1",
        ),
        (lambda: local_incidence(np.zeros((5, 5)), 1.0, np.full(3, np.nan)), "has length nan"),
        (
            lambda: power_law_field((0, 9), 3.0, np.random.default_rng(0)),
            r"shape \(0, 9\) is under",
        ),
        (lambda: power_law_field((9, 9), np.nan, np.random.default_rng(0)), "slope nan and outer"),
        (
            lambda: power_law_field((9, 9), 3.0, np.random.default_rng(0), outer_scale=-2.0),
            "outer_scale -2.0 px are not both positive",
        ),
        (lambda: blob((5, 5), 0.0, np.random.default_rng(0)), "share 0 is outside 0-1"),
        (lambda: flat_ground(np.zeros((3, 3)), 1.0, steepest=91.0), "steepest 91 deg is outside"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
