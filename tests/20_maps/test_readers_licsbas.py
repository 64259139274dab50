"""LiCSBAS folders: half-pixel shift, mask polarity, unit, dates, look vectors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.maps.readers import ReadOptions, inspect_map, open_map

PARAMETERS = """Gamma DIFF&GEO DEM/MAP parameter file
DEM_projection:     EQA
width: 4
nlines: 3
corner_lat: 40.9  decimal degrees
corner_lon: 14.0  decimal degrees
post_lat: -0.001 decimal degrees
post_lon: 0.002 decimal degrees
ellipsoid_name: WGS 84
"""


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "TS_GEOCml1"
    (root / "results").mkdir(parents=True)
    (root / "info").mkdir()
    (root / "info/EQA.dem_par").write_text(PARAMETERS)
    (root / "info/13used_image.txt").write_text("20160101\n20161003\n20200101\n")
    np.arange(1, 13, dtype="<f4").tofile(root / "results/vel")
    return root


def test_corner_is_the_centre_of_the_first_pixel(folder):
    grid = open_map(folder).grid
    longitude, latitude = grid.longitude_latitude([0, 2], [0, 3])
    assert_allclose(longitude, [14.0, 14.006], atol=1e-9)
    assert_allclose(latitude, [40.9, 40.898], atol=1e-9)


def test_needs_no_option(folder):
    velocity_map = open_map(folder)
    assert_allclose(velocity_map.velocity, 1e-3 * np.arange(1, 13).reshape(3, 4), rtol=1e-6)
    assert_allclose(velocity_map.years, 4.0, atol=0.01)
    assert inspect_map(folder).missing == ()
    assert any("results/mask is missing" in note for note in velocity_map.provenance.notes)


def test_mask_of_one_keeps(folder):
    mask = np.array([[1, 1, 0, np.nan], [1, 1, 1, 1], [0, 1, 1, 1]], "<f4")
    mask.tofile(folder / "results/mask")
    assert_array_equal(open_map(folder).valid, mask == 1.0)


@pytest.mark.parametrize("ending", ["", ".geo"])
def test_look_vectors(folder, ending):
    for name, value in zip("ENU", (0.6, -0.0, 0.8), strict=True):
        np.full((3, 4), value, "<f4").tofile(folder / f"results/{name}{ending}")
    look = open_map(folder).look
    assert_allclose(look[:, 2, 1], [0.6, 0.0, 0.8], atol=1e-6)


def test_span_of_the_option_wins(folder):
    velocity_map = open_map(folder, ReadOptions(years=2.0))
    assert velocity_map.years == 2.0
    assert any("--years 2.0 was used against" in n for n in velocity_map.provenance.notes)


def test_without_dates_the_span_is_missing(folder):
    (folder / "info/13used_image.txt").unlink()
    assert inspect_map(folder).missing == (("time span", "--years YEARS"),)
    with pytest.raises(ValueError, match=r"time span.*--years"):
        open_map(folder)


def test_other_ellipsoid_leaves_the_crs_open(folder):
    (folder / "info/EQA.dem_par").write_text(PARAMETERS.replace("WGS 84", "Bessel"))
    with pytest.raises(ValueError, match=r"CRS.*--crs"):
        open_map(folder)


def test_wrong_size_is_refused(folder):
    np.ones(11, "<f4").tofile(folder / "results/vel")
    with pytest.raises(ValueError, match=r"has 44 bytes.*3 x 4 float32 = 48"):
        open_map(folder)


def test_parameter_without_number_is_refused(folder):
    (folder / "info/EQA.dem_par").write_text(PARAMETERS.replace("post_lon: 0.002", "post_lon: x"))
    with pytest.raises(ValueError, match="no number for post_lon"):
        open_map(folder)


def test_folder_without_a_time_series_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"TS_\* folder"):
        open_map(tmp_path)
