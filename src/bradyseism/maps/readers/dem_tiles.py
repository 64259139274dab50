"""Tiles of an elevation model: where a file lies on the Earth, and its heights in metres."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioError
from rasterio.windows import Window

from bradyseism.maps.readers.files import local_path, refuse_inflation
from bradyseism.maps.velocity_map import Grid

__all__ = ["Tile", "find_tiles"]

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
