"""Frames, patches, and back again."""

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS, Geod

from bradyseism.maps.frames import (
    assembled,
    frame_around,
    ground_blocks,
    patch_corners,
    patches,
    share_ground,
)
from bradyseism.maps.velocity_map import Grid, VelocityMap


def example_map(west=-68.5, shape=(700, 700), pixel=0.002, north=-21.6):
    grid = Grid(shape, Affine(pixel, 0, west, 0, -pixel, north), CRS.from_epsg(4326))
    longitude, latitude = grid.longitude_latitude(
        np.arange(shape[0])[:, np.newaxis], np.arange(shape[1])
    )
    distance = np.hypot((longitude - west) % 360.0 - 0.7, latitude - north + 0.7)
    return VelocityMap(0.02 * np.exp(-((distance / 0.05) ** 2)).astype(np.float32), grid, 5.0)


class TestFrame:
    def test_the_papers_frame(self):
        frame = frame_around(example_map(), -67.8, -22.3)
        assert frame.velocity.shape == (512, 512)
        assert frame.grid.pixel_size == pytest.approx(200.0, rel=1e-7)
        ring = np.array(frame.grid.footprint())
        geod = Geod(ellps="WGS84")
        # 102.4 km from the middle of one side to that of the other.
        for first, second in ((32, 160), (96, 224)):
            side = geod.inv(*ring[first], *ring[second])[2]
            assert side == pytest.approx(102_400.0, rel=1e-4)

    @pytest.mark.parametrize("west", [-68.5, 179.3])
    def test_is_centred_on_the_point(self, west):
        frame = frame_around(example_map(west), west + 0.7, -22.3, (128, 129), 200.0)
        assert_allclose(frame.grid.row_column(west + 0.7, -22.3), (63.5, 64.0), atol=1e-6)
        row, column = np.unravel_index(np.argmax(frame.velocity), frame.velocity.shape)
        assert row in (63, 64)
        assert column == 64

    def test_moves_with_the_point(self):
        frame = frame_around(example_map(), -67.8 + 0.05, -22.3 + 0.03, (128, 128))
        row, column = np.unravel_index(np.argmax(frame.velocity), frame.velocity.shape)
        assert row > 75
        assert column < 45

    def test_outside_the_map_is_missing(self):
        frame = frame_around(example_map(), -68.5, -22.3, (100, 100), 400.0)
        assert not frame.valid[:, :45].any()
        assert frame.valid[:, 55:].all()

    def test_refuses_a_point_far_away_and_a_swapped_one(self):
        with pytest.raises(ValueError, match=r"no data in the frame .* longitude first"):
            frame_around(example_map(), -22.3, -67.8)
        with pytest.raises(ValueError, match=r"latitude 139.* longitude first"):
            frame_around(example_map(), 35.0, 139.0)


class TestPatches:
    def test_the_papers_patches(self):
        array = np.arange(512.0 * 512).reshape(512, 512)
        corners, found = patch_corners((512, 512)), patches(array)
        assert found.shape == (25, 256, 256)
        assert_array_equal(np.unique(corners), [0, 64, 128, 192, 256])
        assert_array_equal(corners[:6], [[0, 0], [0, 64], [0, 128], [0, 192], [0, 256], [64, 0]])
        for (row, column), patch in zip(corners, found, strict=True):
            assert_array_equal(patch, array[row : row + 256, column : column + 256])

    def test_one_more_patch_covers_the_border(self):
        assert_array_equal(np.unique(patch_corners((300, 256))[:, 0]), [0, 44])
        assert_array_equal(patch_corners((256, 256)), [[0, 0]])

    @pytest.mark.parametrize("shape", [(512, 512), (300, 333), (256, 700)])
    def test_back_again(self, shape):
        array = np.random.default_rng(1).normal(size=shape)
        array[:3, :5] = np.nan
        # Means of up to 16 equal numbers.
        assert_allclose(assembled(patches(array), shape), array, rtol=1e-14)

    def test_overlaps_get_the_mean(self):
        found = assembled(np.array([1.0, 2.0, 4.0]), (4, 8), size=4, step=2)
        assert_allclose(found, np.tile([1, 1, 1.5, 1.5, 3, 3, 4, 4], (4, 1)))

    def test_missing_patches_are_left_out(self):
        found = assembled(np.array([1.0, np.nan, np.nan]), (4, 8), size=4, step=2)
        assert_allclose(found, np.tile([1.0] * 4 + [np.nan] * 4, (4, 1)))

    def test_patches_are_copies(self):
        array = np.zeros((256, 256))
        patches(array)[0, 0, 0] = 1.0
        assert array[0, 0] == 0.0

    def test_refusals(self):
        with pytest.raises(ValueError, match=r"\(200, 300\) is smaller than a patch of 256 x 256"):
            patches(np.zeros((200, 300)))
        with pytest.raises(ValueError, match=r"\(3, 300, 300\) is not \(rows, columns\)"):
            patches(np.zeros((3, 300, 300)))
        with pytest.raises(ValueError, match="patch size 256 and step 0 are not both positive"):
            patch_corners((512, 512), step=0)
        with pytest.raises(ValueError, match=r"shape \(24,\) do not fit 25 patches"):
            assembled(np.zeros(24), (512, 512))


def square(longitude, latitude, pixels=64, pixel_size=800.0):
    grid = Grid.around(longitude, latitude, (pixels, pixels), pixel_size=pixel_size)
    return VelocityMap(np.zeros((pixels, pixels), np.float32), grid, 5.0)


def test_windows_of_one_block_of_ground_have_one_number():
    """A degree of longitude is half as long at 60 degrees."""
    near, apart = [20.2, 20.4, 20.4], [20.2, 21.2, 22.2]
    windows = [square(longitude, 60.1) for longitude in (*near, *apart)]
    blocks = ground_blocks(windows, 51_200.0)
    assert blocks[0] == blocks[1] == blocks[2] == blocks[3]
    assert len(set(blocks)) == 3
    assert len(set(ground_blocks([square(20.1, at) for at in (60.1, 60.6, 61.1)], 51_200.0))) == 3


def test_maps_share_ground_where_both_have_data():
    one = square(20.0, 60.0)
    beside = Grid(one.grid.shape, one.grid.transform @ Affine.translation(64, 0), one.grid.crs)
    within = Grid(one.grid.shape, one.grid.transform @ Affine.translation(63, 0), one.grid.crs)
    assert not share_ground(one, VelocityMap(one.velocity, beside, 5.0))
    assert share_ground(one, VelocityMap(one.velocity, within, 5.0))
    empty = one.velocity.copy()
    empty[:, :1] = np.nan
    assert not share_ground(one, VelocityMap(empty, within, 5.0))
    # A few pixels of a fine map lie within one of a coarse map.
    assert share_ground(one, square(20.002, 60.002, 4, 50.0))
    assert share_ground(square(20.002, 60.002, 4, 50.0), one)
    assert not share_ground(one, square(-160.0, -60.0))
