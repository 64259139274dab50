"""The pyramid and its windows: coverage, geometry, gaps."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import Level, most_likely_place, pyramid, scan
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.samples.encoding import NormalisedWindow, WrappedPatch

UTM = pyproj.CRS.from_epsg(32719)


def utm_map(values: np.ndarray, pixel_size: float) -> VelocityMap:
    transform = Affine(pixel_size, 0, 500e3, 0, -pixel_size, 7.4e6)
    grid = Grid(values.shape, transform, UTM)
    return VelocityMap(values.astype(np.float32), grid, years=5.0)


@pytest.mark.parametrize(
    ("pixels", "pixel_size", "finest", "coarsest"),
    [(512, 200.0, 200.0, 1600.0), (64, 1000.0, 400.0, 1600.0), (150, 100.0, 50.0, 400.0)],
)
def test_levels_suit_the_map(
    pixels: int, pixel_size: float, finest: float, coarsest: float
) -> None:
    levels = pyramid(utm_map(np.zeros((pixels, pixels)), pixel_size), NormalisedWindow())
    assert levels[0].pixel_size == finest
    assert levels[-1].pixel_size == coarsest


def test_finer_pixels_than_the_finest_level_are_averaged() -> None:
    levels = pyramid(utm_map(np.zeros((400, 400)), 20.0), NormalisedWindow())
    assert levels[0].pixel_size == 50.0


def test_a_wrapped_patch_sees_cumulative_displacement() -> None:
    (level,) = pyramid(utm_map(np.full((300, 300), 0.002), 200.0), WrappedPatch())
    assert_allclose(np.nanmedian(level.values), 0.01, rtol=1e-5)


def test_coarser_levels_are_means_in_place() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((256, 256)).cumsum(0).cumsum(1) * 1e-5
    fine, coarse, *_ = pyramid(utm_map(values, 200.0), NormalisedWindow())
    ratio = round(coarse.pixel_size / fine.pixel_size)
    block = fine.values[8 * ratio : 9 * ratio, 12 * ratio : 13 * ratio]
    assert coarse.values[8, 12] == pytest.approx(block.mean(), rel=1e-4)
    assert_allclose(coarse.position(8, 12), fine.position(8.5 * ratio - 0.5, 12.5 * ratio - 0.5))


def test_crops_reach_beyond_the_map() -> None:
    grid = Grid((6, 6), Affine(1, 0, 0, 0, -1, 6), UTM)
    level = Level(np.arange(36, dtype=np.float32).reshape(6, 6), grid)
    window = level.crop(-2, 3, 8)
    assert_array_equal(window[2:, :3], level.values[:, 3:])
    assert np.isnan(window[:2]).all()
    assert np.isnan(window[:, 3:]).all()
    assert np.isnan(level.crop(40, 40, 8)).all()


def test_the_most_likely_place_is_the_centroid_around_the_best_cell() -> None:
    place = np.zeros((2, 8, 8), dtype=np.float32)
    place[0, 2, 5] = 1.0
    place[1, 3, 3] = place[1, 3, 4] = 0.5
    row, column = most_likely_place(place, 64)
    assert_allclose(row, [2.5 * 8 - 0.5, 3.5 * 8 - 0.5])
    assert_allclose(column, [5.5 * 8 - 0.5, 4 * 8 - 0.5])


def test_windows_cover_every_level_but_for_a_hundredth_at_its_rim(detector: Detector) -> None:
    scanned = scan(utm_map(np.random.default_rng(1).normal(0, 1e-3, (300, 410)), 200.0), detector)
    for level in scanned.levels:
        covered = np.zeros(level.grid.shape, dtype=bool)
        for window in scanned.windows[scanned.windows["pixel_size"] == level.pixel_size]:
            top, left = max(window["row"], 0), max(window["column"], 0)
            covered[top : window["row"] + 64, left : window["column"] + 64] = True
        rim = [-(-n // 100) for n in covered.shape]
        inside = covered[rim[0] : -rim[0], rim[1] : -rim[1]]
        assert inside.all()


def test_window_centres_stand_in_degrees(detector: Detector) -> None:
    velocity_map = utm_map(np.random.default_rng(1).normal(0, 1e-3, (200, 200)), 200.0)
    windows = scan(velocity_map, detector).windows
    row, column = velocity_map.grid.row_column(windows["longitude"], windows["latitude"])
    centre = windows[windows["pixel_size"] == windows["pixel_size"].max()]
    assert len(centre) == 1
    assert ((row > -40) & (row < 240) & (column > -40) & (column < 240)).all()
    middle = velocity_map.grid.longitude_latitude(99.5, 99.5)
    assert_allclose([centre["longitude"][0], centre["latitude"][0]], middle, atol=0.01)


@pytest.mark.parametrize("shape", [(1, 1), (70, 70)])
def test_a_map_without_data_has_no_windows(detector: Detector, shape: tuple[int, int]) -> None:
    scanned = scan(utm_map(np.full(shape, np.nan), 200.0), detector)
    assert len(scanned.windows) == 0
