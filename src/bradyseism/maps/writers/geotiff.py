"""Cloud-optimised GeoTIFF."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.io import MemoryFile

from bradyseism.maps.velocity_map import Grid
from bradyseism.maps.writers.atomic import write_bytes


def write_cog(
    path: str | os.PathLike[str],
    array: NDArray[np.generic],
    grid: Grid,
    *,
    description: str | Sequence[str],
    unit: str | Sequence[str],
    nodata: float = math.nan,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a cloud-optimised GeoTIFF with overviews, whole or not at all.

    Parameters
    ----------
    path : path
        File to write.
    array : (rows, columns) or (bands, rows, columns) array
        Values in `unit`; float64 is stored as float32.
    grid : Grid
        Of the same shape.
    description, unit : str, or one of each band
        Shown by GIS programs as the name and the unit of the band.
    nodata : float
        Value of missing pixels.
    tags : mapping, optional
        Further metadata of the file.

    Raises
    ------
    ValueError
        If the shapes differ, or a band has no description or unit.
    OSError
        If the file cannot be written.
    """
    content = encode_cog(array, grid, description=description, unit=unit, nodata=nodata, tags=tags)
    write_bytes(path, content)


def encode_cog(
    array: NDArray[np.generic],
    grid: Grid,
    *,
    description: str | Sequence[str],
    unit: str | Sequence[str],
    nodata: float = math.nan,
    tags: Mapping[str, str] | None = None,
) -> bytes:
    """Bytes of the file that `write_cog` writes, with the same parameters."""
    if array.shape[-2:] != grid.shape or array.ndim not in (2, 3):
        raise ValueError(
            f"array shape {array.shape} differs from the grid shape {grid.shape}: "
            "give the array on that grid"
        )
    bands = array.reshape(-1, *grid.shape)
    names, units = ([text] if isinstance(text, str) else [*text] for text in (description, unit))
    if not len(names) == len(units) == len(bands):
        raise ValueError(
            f"{len(bands)} bands have {len(names)} descriptions and {len(units)} units: give each "
            "band one of both"
        )
    if bands.dtype == np.float64:
        bands = bands.astype(np.float32)
    # Encoded in memory, because GDAL reports a full disk in its log only.
    with MemoryFile() as memory:
        with memory.open(
            driver="COG",
            height=grid.shape[0],
            width=grid.shape[1],
            count=len(bands),
            dtype=bands.dtype,
            crs=CRS.from_wkt(grid.crs.to_wkt()),
            transform=grid.transform,
            nodata=nodata,
            compress="DEFLATE",
            predictor="YES",
            overview_resampling="AVERAGE",
        ) as dataset:
            dataset.write(bands)
            for number, (name, of_band) in enumerate(zip(names, units, strict=True), start=1):
                dataset.set_band_description(number, name)
                dataset.set_band_unit(number, of_band)
            dataset.update_tags(**(tags or {}))
        content: bytes = memory.read()
    return content
