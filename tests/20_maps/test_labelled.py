"""Datasets of xarray: there and back without loss, CF attributes, and what is refused."""

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS

from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.line_of_sight import look_vector

pytest.importorskip("xarray")

from bradyseism.maps.labelled import from_xarray, to_xarray

UTM = Grid((5, 7), Affine(90.0, 0.0, 540_000.0, 0.0, -90.0, 7_400_000.0), CRS.from_epsg(32719))
DEGREES = Grid((5, 7), Affine(1e-3, 0.0, 14.4, 0.0, -2e-3, 40.8), CRS.from_epsg(4326))
LOOK = look_vector(-168.0, 39.0).astype(np.float32)


def example(grid=UTM, look=LOOK):
    velocity = np.arange(35, dtype=np.float32).reshape(5, 7) / 1000
    velocity[1, 2] = np.nan
    return VelocityMap(velocity, grid, years=4.5, look=look, name="etna")


@pytest.mark.parametrize("grid", [UTM, DEGREES], ids=["utm", "degrees"])
@pytest.mark.parametrize("look", [None, LOOK, np.tile(LOOK[:, None, None], (1, 5, 7))])
def test_there_and_back_is_the_same_map(grid, look):
    before = example(grid, look)
    after = from_xarray(to_xarray(before))
    assert_array_equal(after.velocity, before.velocity)
    assert after.grid.shape == grid.shape
    assert after.grid.transform == grid.transform
    assert after.grid.crs == grid.crs
    assert (after.years, after.name) == (4.5, "etna")
    if look is None:
        assert after.look is None
    else:
        assert_array_equal(after.look, before.look)


def test_coordinates_are_pixel_centres_and_units_are_told():
    dataset = to_xarray(example())
    assert float(dataset.x[0]) == 540_045.0
    assert float(dataset.y[0]) == 7_399_955.0
    assert float(dataset.velocity.sel(x=540_045.0 + 180, y=7_399_955.0)) == pytest.approx(2e-3)
    assert dataset.x.attrs["standard_name"] == "projection_x_coordinate"
    assert dataset.velocity.attrs["positive"] == "toward the satellite"
    assert to_xarray(example(DEGREES)).y.attrs["standard_name"] == "latitude"
    assert float(dataset.look.sel(component="up")) == pytest.approx(float(LOOK[2]))


def test_part_of_a_dataset_is_that_part_of_the_map():
    before = example()
    part = from_xarray(to_xarray(before).isel(x=slice(2, 6), y=slice(1, 4)))
    assert_array_equal(part.velocity, before.velocity[1:4, 2:6])
    assert part.grid.transform.c == 540_180.0
    assert part.grid.transform.f == 7_399_910.0


def test_rows_and_columns_may_come_in_any_order():
    dataset = to_xarray(example(look=np.tile(LOOK[:, None, None], (1, 5, 7))))
    turned = dataset.isel(y=slice(None, None, -1)).transpose("x", "y", "component")
    after = from_xarray(turned.isel(component=[2, 0, 1]))
    assert_array_equal(after.velocity, example().velocity)
    assert_allclose(after.look[:, 0, 0], LOOK)
    assert after.grid.is_same(UTM)


def test_millimetres_become_metres():
    dataset = to_xarray(example())
    dataset["velocity"] = (dataset.velocity * 1e3).assign_attrs(
        dataset.velocity.attrs | {"units": "mm/yr"}
    )
    assert_allclose(from_xarray(dataset).velocity, example().velocity, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.rename(velocity="vel"), r"\['look', 'vel'\] has no velocity \(y, x\)"),
        (lambda d: d.drop_vars("spatial_ref"), "no spatial_ref with crs_wkt"),
        (lambda d: d.drop_attrs(deep=False), "no attribute years: pass years="),
        (lambda d: d.assign(velocity=d.velocity.drop_attrs()), "units 'nothing': set the attr"),
        (
            lambda d: d.assign(velocity=d.velocity.assign_attrs(positive="away")),
            "positive 'away': turn its sign",
        ),
        (lambda d: d.isel(x=[0, 1, 3]), "coordinate x has steps of 90 to 180"),
        (lambda d: d.isel(y=[2]), "coordinate y has 1 pixels"),
    ],
)
def test_what_is_not_said_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        from_xarray(change(to_xarray(example())))


def test_the_time_span_can_be_given():
    dataset = to_xarray(example()).drop_attrs(deep=False)
    assert from_xarray(dataset, years=3.0).years == 3.0
