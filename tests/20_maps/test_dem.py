"""Elevation models: SRTM tiles against their own numbers, rasters, voids, borders, the dateline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS

from bradyseism.maps.readers import dem
from bradyseism.maps.readers.dem import UncoveredError, draw_relief, read_dem
from bradyseism.maps.readers.dem_tiles import find_tiles
from bradyseism.maps.velocity_map import Grid

SRTM = Path(__file__).resolve().parents[2] / ".." / "shared" / "srtm"
with_srtm = pytest.mark.skipif(not SRTM.is_dir(), reason="no SRTM tiles beside the repository")
GEOGRAPHIC = CRS.from_epsg(4326)


def plane(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Heights that any interpolation must keep."""
    return 300.0 + 4.0 * ((longitude + 165.5) % 360 - 180.0) + 2.5 * latitude


def write_hgt(folder: Path, south: int, west: int, *, side: int = 1201) -> Path:
    """An SRTM tile of the plane, as the format says: samples on the degree lines."""
    name = f"{'S' if south < 0 else 'N'}{abs(south):02d}{'W' if west < 0 else 'E'}{abs(west):03d}"
    steps = np.arange(side) / (side - 1)
    heights = 10 * plane(west + steps[None, :], south + 1 - steps[:, None])
    path = folder / f"{name}.hgt"
    path.write_bytes(np.rint(heights).astype(">i2").tobytes())
    return path


def write_tif(path: Path, heights: np.ndarray, transform: Affine, **profile) -> Path:
    given = {"driver": "GTiff", "dtype": heights.dtype, "crs": "EPSG:4326", **profile}
    rows, columns = heights.shape
    with rasterio.open(
        path, "w", height=rows, width=columns, count=1, transform=transform, **given
    ) as dataset:
        dataset.write(heights, 1)
    return path


def degrees(west: float, north: float, shape: tuple[int, int], step: float) -> Grid:
    return Grid(shape, Affine(step, 0, west, 0, -step, north), GEOGRAPHIC)


def expected(grid: Grid) -> np.ndarray:
    row, column = np.ogrid[: grid.shape[0], : grid.shape[1]]
    return plane(*grid.longitude_latitude(row, column))


@with_srtm
@pytest.mark.parametrize("name", ["N40E015", "N43E143", "S06E151", "N37W004"])
def test_srtm_samples_lie_where_the_tile_says(name: str) -> None:
    path = SRTM / f"{name}.hgt"
    numbers = np.fromfile(path, dtype=">i2").reshape(1201, 1201).astype(float)
    known = np.where(numbers == -32768, np.nan, numbers)
    row, column = np.unravel_index(np.nanargmax(known), known.shape)
    south, west = int(name[1:3]) * (-1 if name[0] == "S" else 1), int(name[4:])
    west = -west if name[3] == "W" else west
    latitude, longitude = south + 1 - row / 1200, west + column / 1200
    # A map whose pixel centres are the samples: heights come back as they are.
    step = 1 / 1200
    grid = degrees(longitude - 5.5 * step, latitude + 5.5 * step, (11, 11), step)
    relief = read_dem(path, grid)
    assert_allclose(relief.elevation[5, 5], known[row, column], atol=0.05)
    assert relief.elevation.max() == relief.elevation[5, 5]
    around = known[row - 5 : row + 6, column - 5 : column + 6]
    assert_array_equal(relief.filled, np.isnan(around))
    assert_allclose(relief.elevation[~relief.filled], around[~relief.filled], atol=0.05)
    assert np.isfinite(relief.elevation).all()
    assert relief.files == (str(path.absolute()),)


@with_srtm
def test_tiles_meet_without_a_seam_and_a_coarse_map_takes_means() -> None:
    # Across the border of N31E130 and N32E130.
    grid = Grid.around(130.6, 32.01, (60, 60), pixel_size=200.0)
    relief = read_dem(SRTM, grid)
    jumps = np.abs(np.diff(relief.elevation, axis=0)).max(axis=1)
    seam = round(float(grid.row_column(130.6, 32.0)[0]))
    assert jumps[seam - 1 : seam + 2].max() < 2 * np.quantile(jumps, 0.95)
    fine = read_dem(SRTM / "N32E130.hgt", Grid.around(130.5, 32.5, (64, 64), pixel_size=100.0))
    coarse = read_dem(SRTM / "N32E130.hgt", Grid.around(130.5, 32.5, (16, 16), pixel_size=400.0))
    blocks = fine.elevation.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    assert np.abs(coarse.elevation - blocks).mean() < 0.05 * blocks.std()


def test_neighbouring_tiles_give_one_plane_on_any_grid(tmp_path: Path) -> None:
    for west in (14, 15):
        write_hgt(tmp_path, 40, west)
    for grid in (
        degrees(14.8, 40.7, (90, 150), 0.003),
        Grid.around(15.0, 40.5, (80, 80), pixel_size=150.0),
        Grid((40, 60), Affine(500.0, 0, 488e3, 0, -500.0, 4_500e3), CRS.from_epsg(32633)),
    ):
        relief = read_dem(tmp_path, grid)
        assert_allclose(relief.elevation, 10 * expected(grid), atol=1.0)
        assert not relief.filled.any()
        assert len(relief.files) == 2


def test_a_map_across_the_dateline(tmp_path: Path) -> None:
    write_hgt(tmp_path, -17, 179)
    write_hgt(tmp_path, -17, -180)
    for west in (179.7, -180.3):
        grid = degrees(west, -16.2, (40, 120), 0.005)
        assert_allclose(read_dem(tmp_path, grid).elevation, 10 * expected(grid), atol=1.0)
    metric = Grid.around(180.0, -16.5, (50, 50), pixel_size=300.0)
    assert_allclose(read_dem(tmp_path, metric).elevation, 10 * expected(metric), atol=1.0)


@pytest.mark.parametrize("name", ["dem.tif", "dem.img", "dem.asc"])
def test_common_rasters(tmp_path: Path, name: str) -> None:
    lattice = degrees(14.0, 41.0, (200, 200), 0.005)
    driver = {"tif": "GTiff", "img": "HFA", "asc": "AAIGrid"}[name[-3:]]
    heights = expected(lattice).astype(np.float32)
    if driver == "AAIGrid":
        write_tif(tmp_path / "made.tif", heights, lattice.transform)
        import rasterio.shutil

        rasterio.shutil.copy(tmp_path / "made.tif", tmp_path / name, driver=driver)
    else:
        write_tif(tmp_path / name, heights, lattice.transform, driver=driver)
    grid = Grid.around(14.5, 40.5, (30, 30), pixel_size=500.0)
    assert_allclose(read_dem(tmp_path / name, grid).elevation, expected(grid), atol=0.5)


def test_a_map_beyond_the_tiles_is_refused_with_the_share_covered(tmp_path: Path) -> None:
    write_hgt(tmp_path, 40, 14)
    half = degrees(14.5, 40.8, (100, 200), 0.005)
    with pytest.raises(ValueError, match=r"covers 50\.\d% of the map, less than 95%"):
        read_dem(tmp_path, half)
    relief = read_dem(tmp_path, half, outside=0.0)
    assert (relief.elevation[:, 101:] == 0.0).all()
    assert_allclose(relief.elevation[:, :99], 10 * expected(half)[:, :99], atol=1.0)
    with pytest.raises(ValueError, match=r"covers 0\.0% of the map"):
        read_dem(tmp_path, degrees(80.0, 10.0, (20, 20), 0.005))


def test_small_voids_are_filled_and_said_and_wide_ones_refused(tmp_path: Path) -> None:
    path = write_hgt(tmp_path, 40, 14)
    numbers = np.fromfile(path, dtype=">i2").reshape(1201, 1201)
    numbers[600:606, 600:606] = -32768
    numbers.tofile(path)
    step = 1 / 1200
    grid = degrees(14.4, 40.6, (240, 240), step)
    relief = read_dem(path, grid)
    assert relief.filled.sum() == pytest.approx(36, abs=13)
    assert "weighted by inverse distance" in relief.notes[0]
    assert_allclose(relief.elevation, 10 * expected(grid), atol=2.0)
    numbers[560:600, 560:600] = -32768
    numbers.tofile(path)
    with pytest.raises(ValueError, match="voids wider than 12 pixels"):
        read_dem(path, grid)


def test_fill_values_and_scales_of_rasters(tmp_path: Path) -> None:
    lattice = degrees(14.0, 41.0, (100, 100), 0.01)
    heights = np.full((100, 100), 250, dtype=np.int16)
    heights[50, 50] = -32768
    path = write_tif(tmp_path / "dem.tif", heights, lattice.transform)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (2.0,), (10.0,)
    relief = read_dem(path, degrees(14.2, 40.8, (60, 60), 0.01))
    assert_allclose(relief.elevation, 510.0)
    assert relief.filled.sum() == 1


def test_what_is_no_elevation_model_is_refused(tmp_path: Path) -> None:
    grid = degrees(14.2, 40.8, (10, 10), 0.01)
    lattice = Affine(0.01, 0, 14, 0, -0.01, 41)
    heights = np.full((100, 100), 250.0, dtype=np.float32)
    (tmp_path / "N40E014.hgt").write_bytes(b"\0" * 1000)
    (tmp_path / "vesuvius.hgt").write_bytes(b"\0" * 2 * 1201**2)
    feet = write_tif(tmp_path / "feet.tif", heights, lattice)
    with rasterio.open(feet, "r+") as dataset:
        dataset.units = ("foot",)
    high = write_tif(tmp_path / "high.tif", 100 * heights, lattice)
    nameless = write_tif(tmp_path / "nameless.tif", heights, lattice, crs=None)
    (tmp_path / "points.tif").write_text("<VRTDataset rasterXSize='1' rasterYSize='1'/>")
    (tmp_path / "none").mkdir()
    for path, error, message in [
        (tmp_path / "N40E014.hgt", ValueError, r"\(1000 bytes\) is no SRTM tile"),
        (tmp_path / "vesuvius.hgt", ValueError, "is no SRTM tile: it is named by"),
        (feet, ValueError, "numbers in 'foot'"),
        (high, ValueError, "holds 25000 as a height"),
        (nameless, ValueError, "names no CRS"),
        (tmp_path / "points.tif", OSError, "cannot be read as an elevation model"),
        (tmp_path / "none", ValueError, "holds no elevation model"),
        ("/vsicurl/http://example.org/dem.tif", ValueError, "is an address"),
        (tmp_path / "absent.tif", FileNotFoundError, "does not exist"),
    ]:
        with pytest.raises(error, match=message):
            read_dem(path, grid)


def test_tiles_of_a_folder_come_by_name(tmp_path: Path) -> None:
    for west in (15, 14):
        write_hgt(tmp_path, 40, west)
    (tmp_path / "readme.txt").write_text("no tile")
    tiles = find_tiles(tmp_path)
    assert [tile.path.name for tile in tiles] == ["N40E014.hgt", "N40E015.hgt"]
    # Half a sample beyond the degree lines.
    assert tiles[0].grid.transform.c == pytest.approx(14 - 0.5 / 1200)
    assert tiles[0].grid.transform.f == pytest.approx(41 + 0.5 / 1200)


def test_places_are_drawn_inside_the_tiles(tmp_path: Path) -> None:
    for west in (14, 15):
        write_hgt(tmp_path, 40, west)
    places = []
    for seed in range(8):
        relief = draw_relief(tmp_path, (50, 50), 400.0, np.random.default_rng(seed))
        assert_allclose(relief.elevation, 10 * expected(relief.grid), atol=1.0)
        places.append(relief.grid.longitude_latitude(24.5, 24.5))
    longitude, latitude = np.array(places).T
    assert ((longitude > 14.1) & (longitude < 15.9) & (latitude > 40) & (latitude < 41)).all()
    assert len(set(longitude)) == 8
    again = draw_relief(tmp_path, (50, 50), 400.0, np.random.default_rng(7))
    assert_array_equal(again.elevation, relief.elevation)
    with pytest.raises(UncoveredError, match="covers no window of 500 x 500 pixels of 400 m"):
        draw_relief(tmp_path, (500, 500), 400.0, np.random.default_rng(0))


def test_a_large_map_is_read_in_parts_that_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hgt(tmp_path, 40, 14)
    grid = Grid.around(14.5, 40.5, (61, 70), pixel_size=90.0)
    whole = read_dem(tmp_path, grid).elevation
    monkeypatch.setattr(dem, "LARGEST_WHOLE", 3000)
    assert_allclose(read_dem(tmp_path, grid).elevation, whole, atol=0.01)


@with_srtm
def test_heights_are_asked_for_only_where_they_are_needed():
    tile = SRTM / "N32E130.hgt"
    grid = Grid.around(131.0, 32.5, (40, 40), pixel_size=400.0)  # its eastern half lies beyond
    west = np.arange(40)[None] < 19
    relief = read_dem(tile, grid, where=np.broadcast_to(west, grid.shape))
    assert np.isfinite(relief.elevation).all()
    with pytest.raises(UncoveredError, match=r"covers [45]\d\.\d% of the map"):
        read_dem(tile, grid, where=np.ones(grid.shape, dtype=bool))
    with pytest.raises(UncoveredError):
        read_dem(tile, grid)
