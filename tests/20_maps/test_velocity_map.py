"""Grids and velocity maps: registration, projections, the dateline, resampling, refusals."""

import math

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS, Geod

from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap

GEOGRAPHIC = CRS.from_epsg(4326)
ASCENDING = np.array([-0.6, -0.1, math.sqrt(1 - 0.37)])


def degrees_grid(shape=(40, 60), west=-68.0, north=-22.0, pixel=0.002):
    return Grid(shape, Affine(pixel, 0.0, west, 0.0, -pixel, north), GEOGRAPHIC)


def metric_grid(shape=(40, 60), pixel=100.0, crs=32719, west=500_000.0, north=7_500_000.0):
    return Grid(shape, Affine(pixel, 0.0, west, 0.0, -pixel, north), CRS.from_epsg(crs))


def as_map(velocity, grid, **extra):
    return VelocityMap(np.asarray(velocity, dtype=np.float32), grid, years=5.0, **extra)


class TestGrid:
    def test_first_pixel_centre_lies_half_a_pixel_inside_the_corner(self):
        grid = degrees_grid()
        assert_allclose(grid.longitude_latitude(0, 0), (-67.999, -22.001), atol=1e-12)
        assert_allclose(grid.longitude_latitude(-0.5, -0.5), (-68.0, -22.0), atol=1e-12)
        easting, northing = grid.eastings_northings()
        assert_allclose([easting[0], northing[0]], (-67.999, -22.001), atol=1e-12)
        assert easting.shape == (60,)
        assert northing.shape == (40,)

    @pytest.mark.parametrize("grid", [degrees_grid(), metric_grid(), degrees_grid(west=179.95)])
    def test_row_column_inverts_longitude_latitude(self, grid):
        row, column = np.mgrid[-0.5:39.5:9j, -0.5:59.5:7j]
        found = grid.row_column(*grid.longitude_latitude(row, column))
        # A millionth of a 100 m pixel: projections invert to about a micrometre.
        assert_allclose(found, (row, column), atol=1e-6)

    @pytest.mark.parametrize("grid", [degrees_grid(), metric_grid(), degrees_grid(west=179.95)])
    def test_centre_is_where_the_middle_of_its_pixels_is(self, grid):
        assert grid.centre == grid.longitude_latitude(19.5, 29.5)
        assert -180.0 <= grid.centre[0] < 180.0

    def test_longitude_counts_modulo_a_turn(self):
        grid = degrees_grid(west=292.0)
        assert_allclose(grid.row_column(-67.9, -22.05), grid.row_column(292.1, -22.05), atol=1e-9)
        assert_allclose(grid.longitude_latitude(0, 0)[0], -67.999, atol=1e-9)

    def test_pixel_size_is_the_geometric_mean_on_the_ground(self):
        grid = degrees_grid(shape=(1, 1), north=60.001, pixel=0.002)
        geod = Geod(ellps="WGS84")
        width = geod.inv(-68.0, 60.0, -67.998, 60.0)[2]
        height = geod.inv(-68.0, 59.999, -68.0, 60.001)[2]
        assert_allclose(grid.pixel_size, math.sqrt(width * height), rtol=1e-9)
        assert width / height == pytest.approx(0.5, abs=0.01)

    def test_pixel_size_sees_through_the_scale_of_web_mercator(self):
        north = 8_399_737.9  # latitude 60
        grid = metric_grid((2, 2), pixel=200.0, crs=3857, west=0.0, north=north)
        # Scale is 1 / cos(latitude), on the ellipsoid within 0.7 %.
        assert_allclose(grid.pixel_size, 100.0, rtol=7e-3)

    @pytest.mark.parametrize("west", [-68.0, 179.5, -180.5, 359.5])
    def test_local_grid_covers_the_footprint_and_little_more(self, west):
        grid = degrees_grid((500, 500), west=west, north=-50.0)
        local = grid.local(200.0)
        ring = np.array(grid.footprint())
        row, column = local.row_column(ring[:, 0], ring[:, 1])
        for position, length in zip((row, column), local.shape, strict=True):
            assert -0.5 - 2e-3 <= position.min() < 0.5
            assert length - 1.5 < position.max() <= length - 0.5 + 2e-3
        assert local.pixel_size == pytest.approx(200.0, rel=1e-7)
        assert local.shape[1] * 200.0 < 75_000.0

    def test_local_grid_of_a_local_grid_is_the_same(self):
        grid = Grid.around(179.99, -18.0, (512, 300), pixel_size=200.0)
        again = grid.local(200.0)
        assert again.shape == grid.shape
        assert_allclose(again.transform[:6], grid.transform[:6])
        assert_allclose(again.longitude_latitude(3, 4), grid.longitude_latitude(3, 4), atol=1e-9)

    def test_local_grids_nest(self):
        grid = degrees_grid((300, 300))
        for pixel in (50.0, 100.0, 200.0):
            transform = grid.local(pixel).transform
            assert transform.c % pixel == 0.0
            assert transform.f % pixel == 0.0

    def test_footprint_is_closed_anticlockwise_and_continuous_over_the_dateline(self):
        ring = np.array(degrees_grid((100, 500), west=179.5, north=10.0).footprint())
        assert_array_equal(ring[0], ring[-1])
        assert_allclose([ring[:, 0].min(), ring[:, 0].max()], [179.5, 180.5], atol=1e-9)
        assert_allclose([ring[:, 1].min(), ring[:, 1].max()], [9.8, 10.0], atol=1e-9)
        x, y = (ring - ring[0]).T
        assert_allclose(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2, 1.0 * 0.2, rtol=1e-9)

    def test_same_pixels(self):
        grid = degrees_grid()
        assert grid.is_same(degrees_grid())
        assert not grid.is_same(degrees_grid(west=-68.001))
        assert not grid.is_same(degrees_grid(shape=(60, 40)))
        assert not metric_grid().is_same(metric_grid(crs=32718))

    @pytest.mark.parametrize(
        ("transform", "message"),
        [
            (Affine(0.002, 0, -68, 0, 0.002, -22), "row step 0.002 .* row 0 must be the north"),
            (Affine(-0.002, 0, -68, 0, -0.002, -22), "pixel width -0.002 .* do not run east"),
            (Affine(0.002, 0.001, -68, 0, -0.002, -22), "is rotated: bring the map north-up"),
            (Affine(math.nan, 0, -68, 0, -0.002, -22), "is not finite: give the file"),
            (Affine(0.002, 0, -68, 0, -0.002, 95.0), "does not fit the Earth .* pass --crs"),
            (Affine(100.0, 0, 5e5, 0, -100.0, 4e6), "does not fit the Earth .* pass --crs"),
        ],
    )
    def test_refuses_a_transform(self, transform, message):
        with pytest.raises(ValueError, match=message):
            Grid((4, 4), transform, GEOGRAPHIC)

    def test_refuses_shape_crs_and_pixel_size(self):
        transform = Affine(1, 0, 0, 0, -1, 0)
        with pytest.raises(ValueError, match=r"grid shape \(0, 4\) is not .* at least 1 pixel"):
            Grid((0, 4), transform, GEOGRAPHIC)
        with pytest.raises(ValueError, match=r"crs 4326 is not a pyproj.CRS"):
            Grid((4, 4), transform, 4326)
        with pytest.raises(ValueError, match="neither geographic nor projected: pass --crs"):
            Grid((4, 4), transform, CRS.from_epsg(4978))
        with pytest.raises(ValueError, match="pixel size 0 m is not positive"):
            degrees_grid().local(0.0)
        with pytest.raises(ValueError, match=r"latitude 120.* longitude first"):
            Grid.around(10.0, 120.0, (4, 4), pixel_size=200.0)

    def test_border_beyond_the_earth_is_refused(self):
        grid = metric_grid(west=9e9)
        with pytest.raises(ValueError, match=r"border at 9e.09, .* is the CRS another"):
            grid.local(200.0)


class TestVelocityMap:
    def test_keeps_float32_and_leaves_the_argument_alone(self):
        velocity = np.full((40, 60), 0.01)
        velocity[0, 0] = np.nan
        result = VelocityMap(velocity, degrees_grid(), 5.0)
        assert result.velocity.dtype == np.float32
        assert velocity.dtype == np.float64
        velocity[1, 1] = 3.0
        assert velocity.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            result.velocity[0, 1] = 0.0

    def test_displacement_is_velocity_times_years_and_nan_is_missing(self):
        velocity = np.full((40, 60), -0.004)
        velocity[2, 3] = np.nan
        velocity[4, 5] = 0.0
        result = VelocityMap(velocity, degrees_grid(), 5.0)
        assert_allclose(result.displacement[0, 0], -0.02, rtol=1e-6)
        assert not result.valid[2, 3]
        assert result.valid[4, 5]
        assert result.valid.sum() == 40 * 60 - 1

    def test_with_velocity_keeps_the_rest(self):
        first = as_map(np.zeros((40, 60)), degrees_grid(), look=ASCENDING, name="first")
        second = first.with_velocity(np.full((40, 60), 0.01))
        assert second.name == "first"
        assert_array_equal(second.look, first.look)
        assert_allclose(second.velocity, 0.01, rtol=1e-6)
        assert first.with_velocity(first.velocity, "second").name == "second"

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (25.0, r"reaches 25 m/yr, more than 20: .* --unit mm/yr"),
            (-9999.0, r"reaches 9999 m/yr.* no-data value"),
            (np.inf, "infinite pixels: missing pixels must be NaN"),
        ],
    )
    def test_refuses_values(self, value, message):
        velocity = np.zeros((40, 60))
        velocity[7, 7] = value
        velocity[8, 8] = np.nan
        with pytest.raises(ValueError, match=message):
            VelocityMap(velocity, degrees_grid(), 5.0)

    def test_millimetres_taken_for_metres_are_refused_and_metres_accepted(self):
        velocity = np.random.default_rng(1).normal(0.0, 10.0, (40, 60))  # mm/yr
        as_map(velocity / 1000, degrees_grid())
        with pytest.raises(ValueError, match="were mm taken for m"):
            as_map(velocity, degrees_grid())

    def test_refuses_shapes_types_and_years(self):
        with pytest.raises(
            ValueError, match=r"velocity shape \(60, 40\) differs from .*\(40, 60\)"
        ):
            as_map(np.zeros((60, 40)), degrees_grid())
        with pytest.raises(ValueError, match="type int64 is not a floating type"):
            VelocityMap(np.zeros((40, 60), dtype=np.int64), degrees_grid(), 5.0)
        for years in (0.0, -1.0, math.nan, math.inf):
            with pytest.raises(ValueError, match="years is not positive: pass --years"):
                VelocityMap(np.zeros((40, 60)), degrees_grid(), years)

    def test_refuses_looks(self):
        grid, zeros = degrees_grid(), np.zeros((40, 60))
        with pytest.raises(ValueError, match=r"look shape \(2,\) is neither"):
            as_map(zeros, grid, look=np.array([0.6, 0.8]))
        with pytest.raises(ValueError, match=r"differs from 1 by 0.1, more than 0.01"):
            as_map(zeros, grid, look=1.1 * ASCENDING)
        with pytest.raises(ValueError, match="length differs from 1 by nan"):
            as_map(zeros, grid, look=np.full(3, np.nan))
        look = np.broadcast_to(ASCENDING[:, np.newaxis, np.newaxis], (3, 40, 60)).copy()
        look[:, 0, 0] = np.nan
        as_map(zeros, grid, look=look)
        look[:, 5, 5] *= 0.9
        with pytest.raises(ValueError, match=r"differs from 1 by 0.1"):
            as_map(zeros, grid, look=look)

    def test_provenance_travels_through_resampling(self):
        provenance = Provenance("a.tif", "00", "geotiff")
        first = as_map(np.zeros((40, 60)), degrees_grid(), provenance=provenance, name="a")
        second = first.resampled(first.grid.local(500.0))
        assert second.provenance is provenance
        assert second.name == "a"
        assert second.years == 5.0


def plane(grid, east=2.0, north=-3.0):
    """Velocity that is linear in longitude and latitude: 0.002 and -0.003 m/yr per 0.01 degree."""
    rows, columns = grid.shape
    longitude, latitude = grid.longitude_latitude(
        np.arange(rows)[:, np.newaxis], np.arange(columns)
    )
    return 0.1 * (east * (longitude + 68.0) + north * (latitude + 22.0))


class TestResampled:
    def test_same_grid_is_the_same_map(self):
        first = as_map(np.zeros((40, 60)), degrees_grid())
        assert first.resampled(degrees_grid()) is first

    @pytest.mark.parametrize(
        ("pixel", "shape"),
        [(60.0, (60, 80)), (200.0, (200, 250)), (400.0, (400, 500)), (900.0, (400, 500))],
    )
    def test_a_plane_stays_where_it_is(self, pixel, shape):
        grid = degrees_grid(shape)
        local = grid.local(pixel)
        result = as_map(plane(grid), grid).resampled(local)
        expected = plane(local)
        # Away from the border, where averages lose symmetry. The positions are good to a hundredth
        # of a pixel; the mean over parts of pixels treats each as flat, which costs an eighth of a
        # source pixel of 222 m at most. Half a pixel off would be more, swapped axes far more.
        inner = np.s_[12:-12, 12:-12]
        share = 0.01 * pixel if pixel < 250 else 0.125 * 222
        tolerance = share * 0.1 * (3.0 + 2.0) / 111_000
        assert_allclose(
            result.velocity[inner], expected[inner], atol=max(tolerance, 3e-8), rtol=1e-6
        )

    def test_block_average_is_exact_and_weighs_missing_pixels_out(self):
        fine = np.random.default_rng(2).normal(0.0, 0.01, (40, 60))
        fine[0:2, 0:3] = np.nan
        fine[4:8, 4:8] = np.nan
        coarse = metric_grid((10, 15), pixel=400.0)
        result = as_map(fine, metric_grid()).resampled(coarse)
        blocks = fine.reshape(10, 4, 15, 4)
        with np.errstate(invalid="ignore"):
            valid = np.isfinite(blocks).sum(axis=(1, 3))
            expected = np.nansum(blocks, axis=(1, 3)) / valid
        assert np.isnan(result.velocity[1, 1])
        assert np.isnan(result.velocity).sum() == 1
        assert_allclose(result.velocity, expected, atol=1e-8)

    def test_average_keeps_the_mean(self):
        grid = degrees_grid((300, 300))
        velocity = np.random.default_rng(3).normal(0.005, 0.01, grid.shape)
        result = as_map(velocity, grid).resampled(grid.local(1000.0))
        # White noise of 0.01 over 9e4 pixels, and a border of 1 % that is weighted differently.
        assert_allclose(np.nanmean(result.velocity), velocity.mean(), atol=2e-5)
        # White noise under a box of w pixels with parts at its ends: variance (w - 1/3) / w^2 along
        # each axis, here with 1000 m over 222 m and 206 m.
        down, along = ((w - 1 / 3) / w**2 for w in (1000 / 221.5, 1000 / 206.0))
        assert_allclose(np.nanstd(result.velocity), 0.01 * math.sqrt(down * along), rtol=0.03)

    def test_scattered_pixels_survive_coarsening(self):
        rng = np.random.default_rng(4)
        velocity = np.where(rng.random((400, 400)) < 0.6, np.nan, 0.01)
        result = as_map(velocity, metric_grid((400, 400))).resampled(
            metric_grid((50, 50), pixel=800.0)
        )
        assert result.valid.mean() > 0.95
        assert_allclose(result.velocity[result.valid], 0.01, rtol=1e-6)

    def test_finer_grid_neither_grows_nor_eats_the_valid_area(self):
        velocity = np.full((12, 12), np.nan)
        velocity[3:7, 4:6] = 0.01
        velocity[9, 9] = -0.02
        result = as_map(velocity, metric_grid((12, 12), pixel=500.0)).resampled(
            metric_grid((120, 120), pixel=50.0)
        )
        expected = np.kron(velocity, np.ones((10, 10)))
        assert_array_equal(result.valid, np.isfinite(expected))
        # No missing neighbour pulls a value toward zero.
        assert_allclose(result.velocity[result.valid], expected[result.valid], rtol=1e-6)

    def test_finer_grid_covers_the_outer_half_pixels_and_no_more(self):
        result = as_map(np.full((3, 4), 0.01), metric_grid((3, 4), pixel=400.0)).resampled(
            metric_grid((16, 20), pixel=100.0, west=499_800.0, north=7_500_200.0)
        )
        expected = np.zeros((16, 20), dtype=bool)
        expected[2:14, 2:18] = True
        assert_array_equal(result.valid, expected)

    def test_bilinear_between_two_pixels(self):
        result = as_map([[0.0, 0.01]], metric_grid((1, 2), pixel=1000.0)).resampled(
            metric_grid((1, 10), pixel=200.0)
        )
        # Centres 100, 300 ... 1900 m; the value rises from 500 to 1500 m.
        expected = [0.0, 0.0, 0.0, 0.002, 0.004, 0.006, 0.008, 0.01, 0.01, 0.01]
        assert_allclose(result.velocity[0], expected, atol=1e-8)

    def test_single_pixel(self):
        single = as_map([[0.01]], metric_grid((1, 1), pixel=1000.0))
        assert_allclose(single.resampled(metric_grid((2, 2), pixel=500.0)).velocity, 0.01)
        coarse = single.resampled(metric_grid((1, 1), pixel=2000.0))
        assert_allclose(coarse.velocity, 0.01)  # exactly a quarter is covered

    def test_no_overlap_is_all_missing(self):
        first = as_map(np.zeros((40, 60)), degrees_grid())
        for pixel in (50.0, 2000.0):
            far = Grid.around(20.0, 50.0, (30, 30), pixel_size=pixel)
            assert not first.resampled(far).valid.any()

    def test_places_that_the_source_projection_cannot_hold_are_missing_alone(self):
        source = Grid.around(10.0, 50.0, (60, 60), pixel_size=20_000.0)
        world = Grid((90, 180), Affine(2.0, 0, -180.0, 0, -2.0, 90.0), GEOGRAPHIC)
        ortho = Grid(
            source.shape,
            source.transform,
            CRS.from_dict({"proj": "ortho", "lon_0": 10, "lat_0": 50}),
        )
        result = as_map(np.full((60, 60), 0.01), ortho).resampled(world)
        row, column = (round(float(value)) for value in world.row_column(10.0, 50.0))
        assert_allclose(result.velocity[row, column], 0.01, rtol=1e-6)
        assert 0 < result.valid.sum() < 90

    @pytest.mark.parametrize("west", [179.5, -180.5])
    def test_dateline(self, west):
        grid = degrees_grid((400, 500), west=west, north=-22.0)
        row, column = np.mgrid[:400, :500]
        velocity = 0.001 * column / 500 - 0.002 * row / 400
        local = grid.local(300.0)
        result = as_map(velocity, grid).resampled(local)
        assert local.shape[1] < 400
        assert result.valid.mean() > 0.98
        for longitude in (179.7, -179.7, 179.9999, -179.9999):
            r, c = (round(float(v)) for v in local.row_column(longitude, -22.4))
            east = (longitude - 179.5) % 360.0
            assert_allclose(result.velocity[r, c], 0.001 * east - 0.001, atol=6e-6)

    def test_neighbouring_utm_zones_agree(self):
        # 72 W is the border of zones 18 and 19: the same field written in both.
        maps = []
        for zone in (32718, 32719):
            crs = CRS.from_epsg(zone)
            centre = Grid((1, 1), Affine(1, 0, 0, 0, -1, 0), crs).row_column(-72.0, -16.0)
            west, north = float(centre[1]) - 30_000.0, -float(centre[0]) + 30_000.0
            grid = metric_grid((600, 600), crs=zone, west=round(west, -2), north=round(north, -2))
            longitude, latitude = grid.longitude_latitude(
                np.arange(600)[:, np.newaxis], np.arange(600)
            )
            distance = np.hypot(longitude + 72.0, latitude + 16.0)
            maps.append(as_map(0.02 * np.exp(-((distance / 0.05) ** 2)), grid))
        local = Grid.around(-72.0, -16.0, (200, 200), pixel_size=200.0)
        first, second = (each.resampled(local).velocity for each in maps)
        assert np.unravel_index(np.argmax(first), first.shape)[0] in (99, 100)
        # The slope is at most 0.35 m/yr per degree or 6e-4 per 200 m pixel: 0.01 pixel.
        assert_allclose(first, second, atol=6e-6)

    def test_look_goes_along(self):
        grid = degrees_grid((100, 100))
        incidence = np.radians(np.linspace(30.0, 45.0, 100))
        look = np.zeros((3, 100, 100))
        look[0], look[2] = -np.sin(incidence), np.cos(incidence)
        first = as_map(np.zeros((100, 100)), grid, look=look)
        for pixel in (100.0, 900.0):
            result = first.resampled(grid.local(pixel))
            known = np.isfinite(result.look[0])
            assert known.mean() > 0.9
            assert_allclose(np.linalg.norm(result.look[:, known], axis=0), 1.0, atol=1e-6)
            middle = result.look[:, result.grid.shape[0] // 2, result.grid.shape[1] // 2]
            assert_allclose(middle, look[:, 50, 50], atol=0.01)
            west, east = result.look[0, result.grid.shape[0] // 2, [5, -6]]
            assert east < west < 0.0
        constant = as_map(np.zeros((100, 100)), grid, look=ASCENDING).resampled(grid.local(300.0))
        assert_allclose(constant.look, ASCENDING, atol=1e-7)
