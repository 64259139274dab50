"""Relief for a map: elevation models in SRTM tiles or any common raster, on the map's own grid.

Tiles of one lattice are put together before they are resampled, so that nothing shows where they
meet. Heights are taken as they stand in the file (above the geoid or the ellipsoid): relief is what
is wanted, not a datum.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioError
from rasterio.fill import fillnodata
from rasterio.windows import Window

from bradyseism.maps.readers.files import local_path, refuse_inflation
from bradyseism.maps.readers.raw import LARGEST_WHOLE
from bradyseism.maps.resampling import resample
from bradyseism.maps.velocity_map import Grid

__all__ = ["Relief", "Tile", "UncoveredError", "draw_relief", "find_tiles", "read_dem"]

LEAST_COVERED: Final = 0.95
"""Share of a map that heights must cover; the rest may be small voids."""

WIDEST_VOID: Final = 12
"""Pixels from the border of a void, at most, up to which it is filled."""

_DRIVERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{".tif": "GTiff", ".tiff": "GTiff", ".img": "HFA", ".asc": "AAIGrid", ".bil": "EHdr"},
        **{".dt0": "DTED", ".dt1": "DTED", ".dt2": "DTED"},
    }
)
_SUFFIXES: Final = (".hgt", *_DRIVERS)
_SRTM_NAME: Final = re.compile(r"([NS])(\d{2})([EW])(\d{3})", re.I)
_SRTM_SIDES: Final = {2 * side**2: side for side in (1201, 3601)}
_SRTM_MISSING: Final = -32768
_FILLS: Final = (-32768.0, -9999.0)
_METRES: Final = ("", "m", "metre", "meter", "metres", "meters")
_LOWEST, _HIGHEST = -12_000.0, 9_000.0  # m: no ground lies beyond
_MARGIN: Final = 4  # pixels of the model around the map
_TRIALS: Final = 200


class UncoveredError(ValueError):
    """An elevation model that leaves out too much of a map."""


@dataclass(frozen=True, eq=False)
class Tile:
    """One file of an elevation model: where it lies, not yet read.

    Parameters
    ----------
    path : Path
        A file on this machine.
    grid : Grid
        Its pixels.
    srtm : bool
        Whether it is a bare SRTM tile of big-endian numbers.
    """

    path: Path
    grid: Grid
    srtm: bool

    def read(self, first: tuple[int, int], last: tuple[int, int]) -> NDArray[np.float32]:
        """Heights (m) of pixels `first` to `last` (row, column; exclusive), NaN missing."""
        (top, left), (bottom, right) = first, last
        if self.srtm:
            numbers = np.memmap(self.path, dtype=">i2", mode="r", shape=self.grid.shape)
            part = np.array(numbers[top:bottom, left:right])
            return np.where(part == _SRTM_MISSING, np.nan, part).astype(np.float32)
        try:
            with rasterio.open(self.path, driver=_DRIVERS[self.path.suffix.lower()]) as dataset:
                window = Window(left, top, right - left, bottom - top)
                band = dataset.read(1, window=window, masked=True)
                scale, offset, fill = dataset.scales[0], dataset.offsets[0], dataset.nodata
        except RasterioError as error:
            raise OSError(f"{self.path} breaks off ({error}): copy it again") from error
        heights: NDArray[np.float32] = band.astype(np.float32).filled(np.nan)
        if fill is None:
            heights[np.isin(heights, _FILLS)] = np.nan
        heights = heights * np.float32(scale) + np.float32(offset)
        with np.errstate(invalid="ignore"):
            beyond = heights[(heights < _LOWEST) | (heights > _HIGHEST)]
        if beyond.size:
            raise ValueError(
                f"{self.path} holds {beyond[0]:g} as a height, outside {_LOWEST:g} to "
                f"{_HIGHEST:g} m: mark its fill value (gdal_edit -a_nodata), or give metres"
            )
        return heights


@dataclass(frozen=True, eq=False)
class Relief:
    """Elevation on the grid of a map.

    Parameters
    ----------
    elevation : array of float32, shape (rows, columns)
        Metres, finite.
    filled : array of bool, shape (rows, columns)
        True where the model had no height and one was put in.
    grid : Grid
        That of the map.
    files : tuple of str
        Every file that was read.
    notes : tuple of str
        What was done, for people.
    """

    elevation: NDArray[np.float32]
    filled: NDArray[np.bool_]
    grid: Grid
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find_tiles(path: str | Path) -> tuple[Tile, ...]:
    """Find the tiles of an elevation model.

    Parameters
    ----------
    path : str or Path
        SRTM tile (``N40E015.hgt``, 1201 or 3601 samples a side), GeoTIFF, Erdas, ASCII grid, EHdr
        or DTED raster, or a folder of them, on this machine. A folder is not searched deeper.

    Returns
    -------
    tuple of Tile
        By name.

    Raises
    ------
    ValueError
        If the path is an address, or a file is no such raster, has no place on the Earth, or is not
        in metres.
    OSError
        If nothing is there, or a file cannot be read.
    """
    place = local_path(path)
    if not place.is_dir():
        return (_tile(place),)
    files = sorted(file for file in place.iterdir() if file.suffix.lower() in _SUFFIXES)
    if not files:
        raise ValueError(
            f"{place} holds no elevation model: give a folder of tiles ({', '.join(_SUFFIXES)})"
        )
    return tuple(_tile(file) for file in files)


def read_dem(path: str | Path, grid: Grid, *, outside: float | None = None) -> Relief:
    """Elevation on the grid of a map.

    Heights are bilinear where the map is about as fine as the model, and means by area where it is
    coarser. Voids get the mean of the heights around them, weighted by inverse distance, up to
    `WIDEST_VOID` pixels of the map from the nearest height; larger ones count as not covered.

    Parameters
    ----------
    path : str or Path
        As for `find_tiles`.
    grid : Grid
        Of the map; in any CRS, across the dateline too.
    outside : float, optional
        Height (m) of ground that no tile covers, such as 0 where tiles of the open sea are left
        out. Default: such ground is an error.

    Returns
    -------
    Relief
        Complete.

    Raises
    ------
    UncoveredError
        If the model covers less than `LEAST_COVERED` of the map, or its voids are too wide to be
        filled.
    ValueError
        As for `find_tiles`.
    OSError
        As for `find_tiles`.
    """
    tiles = find_tiles(path)
    elevation = np.full(grid.shape, np.nan, dtype=np.float32)
    files: list[str] = []
    for lattice in _lattices(tiles):
        near = [tile for tile in lattice if _window(tile.grid, grid, _MARGIN) is not None]
        if not near or np.isfinite(elevation).all():
            continue
        heights = _resampled(near, grid)
        elevation = np.where(np.isfinite(elevation), elevation, heights)
        files += [str(tile.path) for tile in near]
    if outside is not None:
        elevation[~_within(tiles, grid)] = outside
    return _complete(Relief(elevation, ~np.isfinite(elevation), grid, tuple(files)), path)


def draw_relief(
    path: str | Path, shape: tuple[int, int], pixel_size: float, rng: np.random.Generator
) -> Relief:
    """Relief of a metric grid around a random place that the model covers.

    Parameters
    ----------
    path : str or Path
        As for `find_tiles`.
    shape : (rows, columns)
        Pixels of the grid.
    pixel_size : float
        In metres.
    rng : numpy.random.Generator
        Source of randomness: tiles are drawn with equal chance, places evenly in degrees.

    Returns
    -------
    Relief
        Complete, on an azimuthal equidistant grid about the place.

    Raises
    ------
    UncoveredError
        If none of 200 places is covered.
    ValueError, OSError
        As for `read_dem`.
    """
    tiles = find_tiles(path)
    for _ in range(_TRIALS):
        grid = tiles[int(rng.integers(len(tiles)))].grid
        row, column = rng.uniform(-0.5, np.array(grid.shape) - 0.5)
        longitude, latitude = (float(value) for value in grid.longitude_latitude(row, column))
        window = Grid.around(longitude, latitude, shape, pixel_size=pixel_size)
        if not _encloses(tiles, window):
            continue
        try:
            return read_dem(path, window)
        except UncoveredError:
            continue  # the sea, or wide voids
    raise UncoveredError(
        f"elevation model {path} covers no window of {shape[0]} x {shape[1]} pixels of "
        f"{pixel_size:g} m in {_TRIALS} trials: give more tiles that touch, or ask for smaller maps"
    )


def _encloses(tiles: Sequence[Tile], window: Grid) -> bool:
    """Whether each point of the border of a window lies in some tile."""
    ring = np.array(window.footprint())
    return bool(_inside(tiles, (ring[:, 0], ring[:, 1])).all())


def _complete(relief: Relief, path: str | Path) -> Relief:
    """Fill small voids; refuse a model that leaves out more."""
    covered = 1.0 - float(relief.filled.mean())
    if covered < LEAST_COVERED:
        raise UncoveredError(
            f"elevation model {path} covers {covered:.1%} of the map, less than "
            f"{LEAST_COVERED:.0%}: give the tiles that are missing (or, in Python, the height "
            "`outside` of them, 0 for the sea), or cut the map"
        )
    if covered == 1.0:
        return relief
    known = ~relief.filled
    heights = np.where(known, relief.elevation, 0.0).astype(np.float32)
    heights = fillnodata(heights, mask=known, max_search_distance=float(WIDEST_VOID))
    # What is out of reach stays as it was put in: below any height.
    probe = np.where(known, np.float32(1.0), np.float32(0.0))
    reached = fillnodata(probe, mask=known, max_search_distance=float(WIDEST_VOID)) > 0.5
    if not reached.all():
        raise UncoveredError(
            f"elevation model {path} has voids wider than {WIDEST_VOID} pixels from their border "
            f"({int((~reached).sum())} pixels of the map): fill them (gdal_fillnodata), or give "
            "another model"
        )
    note = (
        f"{int(relief.filled.sum())} pixels without a height ({1 - covered:.2%}) were filled from "
        "those around them, weighted by inverse distance"
    )
    return replace(relief, elevation=heights, notes=(*relief.notes, note))


def _tile(path: Path) -> Tile:
    """What a file says of its place."""
    if not path.is_file() or path.stat().st_size == 0:
        raise ValueError(f"{path} is no file, or an empty one: give an elevation model")
    if path.suffix.lower() == ".hgt":
        return Tile(path, _srtm_grid(path), srtm=True)
    driver = _DRIVERS.get(path.suffix.lower())
    if driver is None:
        raise ValueError(
            f"{path} ends in {path.suffix!r}, not in one of {', '.join(_SUFFIXES)}: convert it "
            "with gdal_translate -of GTiff"
        )
    try:
        with rasterio.open(path, driver=driver) as dataset:
            refuse_inflation(
                str(path),
                dataset.width * dataset.height * np.dtype(dataset.dtypes[0]).itemsize,
                path.stat().st_size,
            )
            unit, kind = (dataset.units[0] or "").lower(), np.dtype(dataset.dtypes[0]).kind
            crs, transform, shape = dataset.crs, dataset.transform, dataset.shape
    except RasterioError as error:
        raise OSError(
            f"{path} cannot be read as an elevation model ({' '.join(str(error).split())}): give "
            "SRTM tiles or a GeoTIFF (gdal_translate -of GTiff)"
        ) from error
    if unit not in _METRES or kind not in "fiu":
        raise ValueError(
            f"{path} holds {kind!r} numbers in {unit!r}: an elevation model is real numbers in "
            "metres, convert it (gdal_calc)"
        )
    if crs is None:
        raise ValueError(f"{path} names no CRS: write one with gdal_edit -a_srs EPSG:4326")
    return Tile(path, Grid(shape, transform, CRS.from_wkt(crs.to_wkt())), srtm=False)


def _srtm_grid(path: Path) -> Grid:
    """Pixels of an SRTM tile: samples lie on the degree lines, corners half a sample beyond."""
    name, side = _SRTM_NAME.match(path.name), _SRTM_SIDES.get(path.stat().st_size)
    if name is None or side is None:
        raise ValueError(
            f"{path} ({path.stat().st_size} bytes) is no SRTM tile: it is named by its south-west "
            "corner, such as N40E015.hgt, and holds 1201 x 1201 or 3601 x 3601 numbers of 2 bytes"
        )
    south = int(name[2]) * (1 if name[1].upper() == "N" else -1)
    west = int(name[4]) * (1 if name[3].upper() == "E" else -1)
    step = 1.0 / (side - 1)
    corner = Affine(step, 0.0, west - step / 2, 0.0, -step, south + 1 + step / 2)
    return Grid((side, side), corner, CRS.from_epsg(4326))


def _lattices(tiles: Iterable[Tile]) -> list[list[Tile]]:
    """Tiles of the same CRS whose pixels continue each other, the finest first."""
    lattices: list[list[Tile]] = []
    for tile in tiles:
        for lattice in lattices:
            if _continues(lattice[0].grid, tile.grid):
                lattice.append(tile)
                break
        else:
            lattices.append([tile])
    return sorted(lattices, key=lambda lattice: lattice[0].grid.pixel_size)


def _continues(one: Grid, other: Grid) -> bool:
    if one.crs != other.crs:
        return False
    a, b = one.transform, other.transform
    if not (math.isclose(a.a, b.a, rel_tol=1e-7) and math.isclose(a.e, b.e, rel_tol=1e-7)):
        return False
    return all(abs(x - round(x)) < 0.01 for x in ((b.c - a.c) / a.a, (b.f - a.f) / a.e))


def _window(
    model: Grid, grid: Grid, margin: int, *, anywhere: bool = False
) -> tuple[int, int, int, int] | None:
    """Rows and columns (first and last, exclusive) of a model's lattice under a map.

    None if they lie outside the model, unless `anywhere`.
    """
    ring = np.array(grid.footprint())
    row, column = model.row_column(ring[:, 0], ring[:, 1])
    if model.crs.is_geographic:
        # A ring across the seam opposite of the model must stay in one piece.
        column = np.unwrap(column, period=360.0 / model.transform.a)
    if not (np.isfinite(row).all() and np.isfinite(column).all()):
        return None
    top, left = math.floor(row.min()) - margin, math.floor(column.min()) - margin
    bottom, right = math.ceil(row.max()) + margin + 1, math.ceil(column.max()) + margin + 1
    inside = bottom > 0 and right > 0 and top < model.shape[0] and left < model.shape[1]
    return (top, bottom, left, right) if inside or anywhere else None


def _resampled(tiles: Sequence[Tile], grid: Grid) -> NDArray[np.float32]:
    """Heights of one lattice on a grid, in parts that fit into memory; NaN where there are none."""
    model = tiles[0].grid
    window = _window(model, grid, _MARGIN, anywhere=True)
    if window is None:
        return np.full(grid.shape, np.nan, dtype=np.float32)
    top, bottom, left, right = window
    if (bottom - top) * (right - left) > LARGEST_WHOLE and grid.shape[0] > 1:
        half, columns = grid.shape[0] // 2, grid.shape[1]
        below = grid.transform * Affine.translation(0, half)
        upper = Grid((half, columns), grid.transform, grid.crs)
        lower = Grid((grid.shape[0] - half, columns), below, grid.crs)
        return np.concatenate([_resampled(tiles, upper), _resampled(tiles, lower)])
    heights = _together(tiles, window)

    def locate(
        row: NDArray[np.float64], column: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        down, along = model.row_column(*grid.longitude_latitude(row, column))
        return down - top, along - left

    return resample([heights], grid.shape, locate)[0]


def _together(tiles: Sequence[Tile], window: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Heights of a window of the first tile's lattice, out of all tiles; the first to know wins."""
    model = tiles[0].grid
    top, bottom, left, right = window
    heights = np.full((bottom - top, right - left), np.nan, dtype=np.float32)
    for tile in tiles:
        down = round((tile.grid.transform.f - model.transform.f) / model.transform.e)
        east = tile.grid.transform.c - model.transform.c
        if model.crs.is_geographic:
            east -= 360.0 * round(east / 360.0)
        along = round(east / model.transform.a)
        rows, columns = tile.grid.shape
        first = (max(top - down, 0), max(left - along, 0))
        last = (min(bottom - down, rows), min(right - along, columns))
        if first[0] >= last[0] or first[1] >= last[1]:
            continue
        part = heights[
            first[0] + down - top : last[0] + down - top,
            first[1] + along - left : last[1] + along - left,
        ]
        np.copyto(part, tile.read(first, last), where=np.isnan(part))
    return heights


def _within(tiles: Iterable[Tile], grid: Grid) -> NDArray[np.bool_]:
    """Pixels of a grid that lie in any tile."""
    row, column = np.ogrid[: grid.shape[0], : grid.shape[1]]
    return _inside(tiles, grid.longitude_latitude(row, column))


def _inside(
    tiles: Iterable[Tile], place: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> NDArray[np.bool_]:
    """Which longitudes and latitudes lie in any tile."""
    inside = np.zeros(place[0].shape, dtype=bool)
    for tile in tiles:
        down, along = tile.grid.row_column(*place)
        rows, columns = tile.grid.shape
        inside |= (down >= -0.5) & (down < rows - 0.5) & (along >= -0.5) & (along < columns - 0.5)
    return inside
