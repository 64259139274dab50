"""MintPy HDF5: corner registration, unit, azimuth angle, masks, zeros, time series."""

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.maps.readers import ReadOptions, inspect_map, open_map

ATTRIBUTES = {
    "FILE_TYPE": "velocity",
    "UNIT": "m/year",
    "X_FIRST": "-91.2",
    "Y_FIRST": "-0.7",
    "X_STEP": "0.001",
    "Y_STEP": "-0.001",
    "X_UNIT": "degrees",
    "START_DATE": "20150101",
    "END_DATE": "20190101",
    "REF_Y": "1",
    "REF_X": "2",
}


def write(path, datasets, **attributes):
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data
        for name, value in {**ATTRIBUTES, **attributes}.items():
            if value is not None:
                file.attrs[name] = value
    return path


@pytest.fixture
def ramp():
    return 0.01 * np.arange(-5, 7, dtype=np.float32).reshape(3, 4)


def test_needs_no_option(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp})
    velocity_map = open_map(path)
    assert_allclose(velocity_map.velocity, ramp, rtol=1e-6)
    assert_allclose(velocity_map.years, 4.0, atol=0.01)
    assert velocity_map.look is None
    assert inspect_map(path).missing == ()


def test_first_is_the_corner(tmp_path, ramp):
    grid = open_map(write(tmp_path / "velocity.h5", {"velocity": ramp})).grid
    longitude, latitude = grid.longitude_latitude(0, 0)
    assert_allclose([longitude, latitude], [-91.1995, -0.7005], atol=1e-9)


def test_rows_from_the_south_are_turned(tmp_path, ramp):
    path = write(
        tmp_path / "velocity.h5", {"velocity": ramp[::-1]}, Y_FIRST="-0.703", Y_STEP="0.001"
    )
    velocity_map = open_map(path)
    assert_allclose(velocity_map.velocity, ramp, rtol=1e-6)
    assert_allclose(velocity_map.grid.transform.f, -0.7, atol=1e-9)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"EPSG": "32715", "X_UNIT": "meters"}, 32715),
        ({"UTM_ZONE": "15S", "X_UNIT": "meters"}, 32715),
        ({"UTM_ZONE": "16N", "X_UNIT": "meters"}, 32616),
    ],
)
def test_metric_grids(tmp_path, ramp, attributes, code):
    path = write(
        tmp_path / "velocity.h5", {"velocity": ramp}, X_FIRST="700000", Y_FIRST="9900000",
        X_STEP="40", Y_STEP="-40", **attributes,
    )  # fmt: skip
    assert open_map(path).grid.crs.to_epsg() == code


def test_metres_without_zone_leave_the_crs_open(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp}, X_UNIT="meters")
    with pytest.raises(ValueError, match=r"CRS.*--crs"):
        open_map(path)


@pytest.mark.parametrize(("azimuth", "sense"), [(102.0, -1.0), (-102.0, 1.0)])
def test_azimuth_angle_is_anticlockwise_and_to_the_satellite(tmp_path, ramp, azimuth, sense):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp})
    angles = {
        "incidenceAngle": np.full((3, 4), 39.0, "f4"),
        "azimuthAngle": np.full((3, 4), azimuth, "f4"),
    }
    angles["incidenceAngle"][0, 0] = 0.0
    write(tmp_path / "geometryGeo.h5", angles, FILE_TYPE="geometry")
    look = open_map(path).look
    tilt, side = np.radians(39.0), np.radians(102.0)
    expected = [sense * np.sin(tilt) * np.sin(side), np.sin(tilt) * np.cos(side), np.cos(tilt)]
    assert_allclose(look[:, 1, 1], expected, atol=1e-6)
    assert np.isnan(look[:, 0, 0]).all()


def test_heading_and_incidence_angle(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp}, HEADING="-168.0")
    write(
        tmp_path / "geometryGeo.h5",
        {"incidenceAngle": np.full((3, 4), 30.0, "f4")},
        FILE_TYPE="geometry",
    )
    look = open_map(path).look
    assert_allclose(look[2, 0, 0], np.cos(np.radians(30.0)), atol=1e-6)
    assert (look[0] > 0.0).all()


def test_heading_and_incidence_as_attributes(tmp_path, ramp):
    path = write(
        tmp_path / "velocity.h5", {"velocity": ramp}, HEADING="-12", CENTER_INCIDENCE_ANGLE="39"
    )
    assert_allclose(open_map(path).look, [-0.6156, -0.1308, 0.7771], atol=1e-4)


def test_geometry_of_another_grid_is_left_out(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp})
    angles = {name: np.full((3, 4), 39.0, "f4") for name in ("incidenceAngle", "azimuthAngle")}
    write(tmp_path / "geometryGeo.h5", angles, X_FIRST="-91.1995")
    velocity_map = open_map(path)
    assert velocity_map.look is None
    assert any("another grid" in note for note in velocity_map.provenance.notes)


def test_mask_of_one_keeps_and_zeros_stay_values(tmp_path, ramp):
    ramp[0] = 0.0
    path = write(tmp_path / "velocity.h5", {"velocity": ramp})
    keep = np.ones((3, 4), bool)
    keep[2, 1:] = False
    write(tmp_path / "maskTempCoh.h5", {"mask": keep}, FILE_TYPE="mask")
    assert_array_equal(open_map(path).valid, keep)


def test_zeros_without_a_mask_are_missing_but_the_reference_pixel(tmp_path, ramp):
    ramp[:2] = 0.0  # the reference pixel is at row 1, column 2
    path = write(tmp_path / "velocity.h5", {"velocity": ramp})
    velocity_map = open_map(path)
    assert velocity_map.valid.sum() == 5
    assert velocity_map.valid[1, 2]
    assert any("exactly 0" in note for note in velocity_map.provenance.notes)


def test_a_lone_zero_is_a_value(tmp_path):
    velocity = np.full((20, 20), 0.01, np.float32)
    velocity[3, 4] = 0.0
    assert open_map(write(tmp_path / "velocity.h5", {"velocity": velocity})).valid.all()


def series(rate):
    days = ["20150101", "20160101", "20170101", "20190101"]
    years = np.array([0.0, 365.0, 731.0, 1461.0]) / 365.25
    return {
        "timeseries": (0.3 + years[:, None, None] * rate).astype(np.float32),
        "date": np.array(days, dtype="S8"),
    }


def test_time_series_gives_its_slope(tmp_path, ramp):
    datasets = series(ramp)
    datasets["timeseries"][1, 0, 0] = np.nan
    datasets["timeseries"][1:, 0, 1] = np.nan
    path = write(tmp_path / "timeseries.h5", datasets, FILE_TYPE="timeseries", UNIT="m")
    velocity_map = open_map(path)
    expected = ramp.copy()
    expected[0, 1] = np.nan
    assert_allclose(velocity_map.velocity, expected, atol=1e-6)
    assert_allclose(velocity_map.years, 4.0, atol=1e-6)


def test_time_series_with_dates_that_do_not_fit(tmp_path, ramp):
    datasets = series(ramp)
    datasets["date"] = datasets["date"][:-1]
    path = write(tmp_path / "timeseries.h5", datasets, FILE_TYPE="timeseries", UNIT="m")
    with pytest.raises(ValueError, match="3 dates for 4 displacements"):
        open_map(path)


def test_time_series_without_dates_is_refused(tmp_path, ramp):
    datasets = series(ramp)
    del datasets["date"]
    path = write(tmp_path / "timeseries.h5", datasets, FILE_TYPE="timeseries")
    with pytest.raises(ValueError, match="has no list 'date'"):
        open_map(path)


def test_dates_that_are_none_leave_the_span_to_the_option(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp}, START_DATE="20150231")
    assert open_map(path, ReadOptions(years=5.0)).years == 5.0
    with pytest.raises(ValueError, match="--years"):
        open_map(path)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [({"X_STEP": "abc"}, "has X_STEP 'abc', where a number"), ({"X_STEP": None}, "has no X_STEP")],
)
def test_a_corner_that_is_no_number_is_named(tmp_path, ramp, attribute, message):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp}, **attribute)
    with pytest.raises(ValueError, match=message):
        open_map(path)


def test_a_zone_that_there_is_not_leaves_the_crs_open(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp}, UTM_ZONE="61N", X_UNIT="meters")
    with pytest.raises(ValueError, match="--crs"):
        open_map(path)


def test_without_unit_it_is_missing(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp}, UNIT=None)
    with pytest.raises(ValueError, match=r"unit.*--unit"):
        open_map(path)
    assert_allclose(open_map(path, ReadOptions(unit="cm/yr")).velocity, 0.01 * ramp, rtol=1e-5)


def test_without_dates_the_span_is_missing(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp}, START_DATE=None)
    with pytest.raises(ValueError, match=r"time span.*--years"):
        open_map(path)


def test_radar_coordinates_are_refused(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp}, X_FIRST=None)
    with pytest.raises(ValueError, match=r"X_FIRST.*radar coordinates"):
        open_map(path)


def test_incidence_that_is_an_azimuth_is_refused(tmp_path, ramp):
    path = write(tmp_path / "velocity.h5", {"velocity": ramp})
    angles = {name: np.full((3, 4), 104.2, "f4") for name in ("incidenceAngle", "azimuthAngle")}
    write(tmp_path / "geometryGeo.h5", angles)
    with pytest.raises(ValueError, match=r"incidence 104.2 deg is outside"):
        open_map(path)
