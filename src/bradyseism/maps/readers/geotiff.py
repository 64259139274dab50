"""GeoTIFF: one band of a raster, with look vectors and a mask lying beside it.

Beside ``vel.geo.tif`` (LiCSBAS, LiCSAR) the reader finds ``E.geo.tif N.geo.tif U.geo.tif`` and
``mask.geo.tif`` (1 = keep); beside ``map.tif`` it finds ``map.E.tif``, ``map_E.tif`` or ``E.tif``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from bradyseism.maps.readers.files import refuse_inflation
from bradyseism.maps.readers.options import QUANTITIES, SENSES, ReadOptions, parse_crs, parse_unit
from bradyseism.maps.readers.raw import (
    Fact,
    RawMap,
    Rows,
    coarser,
    masked_rows,
    read_reduced,
    reduction_factor,
    unit_look,
)

__all__ = ["SIGNATURES", "TAG_PREFIX", "read"]

SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
TAG_PREFIX: Final = "BRADYSEISM_"
"""Dataset tags ``BRADYSEISM_QUANTITY``, ``_UNIT``, ``_POSITIVE``, ``_YEARS`` of maps we wrote."""

_UNIT_TAGS: Final = ("UNIT", "UNITS", "unit", "units")
_NAMED_UNIT: Final = re.compile(r"(?<![a-z])(mm|cm|m)[_-]?(?:per[_-]?)?(?:year|yr)(?![a-z])")
_DATE: Final = r"\d{8}(?:t\d{6})?"
_INTERFEROGRAM: Final = re.compile(rf"{_DATE}[_-]{_DATE}.*(unw|los_disp|diff|wrapped)|[._]unw[._]")
_NOT_MOTION: Final = re.compile(
    rf"{_DATE}[_-]{_DATE}.*[._](cc|corr|coh)\b|^(mask|vstd|coh_avg|hgt|n_unw|[enu])\.geo\.tiff?$"
)
_MASK_ONE_KEEPS: Final = "mask.geo.tif"


def read(path: Path, options: ReadOptions) -> RawMap:
    """Read the first band of a GeoTIFF.

    Parameters
    ----------
    path : Path
        TIFF, BigTIFF or cloud-optimised GeoTIFF; other drivers are not opened.
    options : ReadOptions
        Not used here; part of every reader's signature.

    Returns
    -------
    RawMap
        No-data pixels, masked pixels and fill values are NaN; scale and offset of the band are
        applied; zero is a value.

    Raises
    ------
    ValueError
        If the file is no real-valued georeferenced map of motion.
    OSError
        If it is damaged.
    """
    _refuse_other_maps(path)
    with _opened(path) as dataset:
        _refuse_pictures(path, dataset)
        _refuse_look_vector(path, dataset)
        shape = (dataset.height, dataset.width)
        refuse_inflation(
            str(path),
            dataset.width * dataset.height * np.dtype(dataset.dtypes[0]).itemsize,
            path.stat().st_size,
        )
        mask, mask_notes = _mask_beside(path, dataset)
        values = _values(path, dataset, mask)
        notes = [*_band_notes(dataset, values), *mask_notes]
        factor = reduction_factor(shape)
        if factor > 1:
            notes.append(f"{shape[0]} x {shape[1]} pixels averaged {factor} x {factor} on reading")
        look, look_files, look_notes = _look_beside(path, dataset)
        tags = {**dataset.tags(), **dataset.tags(1)}
        return RawMap(
            values=values,
            transform=coarser(dataset.transform, factor),
            reader="geotiff",
            registration=_registration(tags),
            crs=_crs(dataset),
            quantity=_word(tags, "QUANTITY", QUANTITIES),
            unit=_unit(path, dataset, tags),
            positive=_word(tags, "POSITIVE", SENSES),
            years=_years(tags),
            look=look,
            notes=(*notes, *look_notes),
            files=(str(path), *((str(mask),) if mask else ()), *look_files),
        )


def _opened(path: Path) -> DatasetReader:
    """Open with the GeoTIFF driver alone: a VRT may point anywhere, whatever it is called."""
    try:
        with warnings.catch_warnings():
            # Said below, with the way out, where it matters.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path, driver="GTiff")
    except RasterioError as error:
        raise OSError(
            f"{path} cannot be read as a GeoTIFF ({_one_line(error)}): is it damaged, or another "
            "format under this name? convert it with gdal_translate"
        ) from error


def _one_line(error: Exception) -> str:
    """Return what went wrong on one line."""
    return " ".join(str(error).split())


def _refuse_other_maps(path: Path) -> None:
    """Refuse a single interferogram, a coherence, a mask: their names say what they are."""
    name = path.name.lower()
    if _INTERFEROGRAM.search(name):
        raise ValueError(
            f"{path.name} is a single interferogram by its name, not a velocity map: one pair is "
            "mostly atmosphere; give the velocity of a time series"
        )
    if _NOT_MOTION.search(name):
        raise ValueError(
            f"{path.name} is by its name a companion (mask, coherence, height, look vector), not a "
            "velocity map: give the velocity file"
        )


def _refuse_pictures(path: Path, dataset: DatasetReader) -> None:
    """Refuse rasters that hold no real numbers on the ground."""
    kind = np.dtype(dataset.dtypes[0]).kind
    if kind not in "fiu":
        raise ValueError(
            f"{path} holds numbers of type {dataset.dtypes[0]}: an interferogram? give a velocity "
            "map of real numbers"
        )
    if dataset.colorinterp[0] in (ColorInterp.red, ColorInterp.palette):
        raise ValueError(
            f"{path} is a coloured picture ({dataset.count} bands, {dataset.dtypes[0]}), not "
            "numbers: give the raster it was drawn from"
        )
    if dataset.transform == Affine.identity() or dataset.transform.determinant == 0.0:
        raise ValueError(
            f"{path} has no georeferencing (no geotransform): write one with gdal_edit -a_ullr, or "
            "give the geocoded map"
        )


def _values(path: Path, dataset: DatasetReader, mask: Path | None) -> NDArray[np.float32]:
    """Read the band, strip by strip, with the mask laid over it."""
    shape = (dataset.height, dataset.width)
    rows = _band_rows(path, dataset)
    if mask is None:
        return read_reduced(rows, shape)
    with _opened(mask) as keep:
        return read_reduced(masked_rows(rows, _band_rows(mask, keep)), shape)


def _band_rows(path: Path, dataset: DatasetReader) -> Rows:
    """Return a function that reads rows of band 1 as float32 with NaN for missing."""
    scale, offset = dataset.scales[0], dataset.offsets[0]

    def rows(first: int, last: int) -> NDArray[np.float32]:
        """Rows of the file."""
        window = Window(0, first, dataset.width, last - first)
        try:
            band = dataset.read(1, window=window, masked=True)
        except RasterioError as error:
            raise OSError(
                f"{path} breaks off in rows {first}-{last - 1} ({_one_line(error)}): the file is "
                "damaged or incomplete, copy it again"
            ) from error
        numbers: NDArray[np.float32] = band.astype(np.float32).filled(np.nan)
        return numbers if (scale, offset) == (1.0, 0.0) else numbers * scale + offset

    return rows


def _band_notes(dataset: DatasetReader, values: NDArray[np.float32]) -> list[str]:
    """Return what a careful reader would want to know about the band."""
    notes = []
    if dataset.count > 1:
        notes.append(f"band 1 of {dataset.count} was read")
    zeros = float(np.mean(values == 0.0))
    if zeros > 0.01 and dataset.nodata != 0.0:
        notes.append(
            f"{zeros:.0%} of the pixels are exactly 0 and count as data: if they are missing, set "
            "the file's no-data value to 0 (gdal_edit -a_nodata 0)"
        )
    return notes


def _registration(tags: dict[str, str]) -> str:
    """Return how pixels lie on the coordinates; GDAL has moved point pixels to corners already."""
    point = tags.get("AREA_OR_POINT", "Area") == "Point"
    return "GeoTIFF: pixel is point, corner half a pixel off" if point else "GeoTIFF: pixel corner"


def _crs(dataset: DatasetReader) -> Fact[CRS] | None:
    """Return the CRS of the file; a nameless local one says nothing."""
    if dataset.crs is None or not (dataset.crs.is_geographic or dataset.crs.is_projected):
        return None
    return Fact(parse_crs(dataset.crs.to_wkt()), "the GeoTIFF keys")


def _word(tags: dict[str, str], name: str, allowed: tuple[str, ...]) -> Fact[str] | None:
    """Return a word from one of our own tags."""
    word = tags.get(TAG_PREFIX + name, "")
    return Fact(word, f"tag {TAG_PREFIX}{name}") if word in allowed else None


def _years(tags: dict[str, str]) -> Fact[float] | None:
    """Return the time span from our own tag."""
    tag = TAG_PREFIX + "YEARS"
    if tag not in tags:
        return None
    try:
        years = float(tags[tag])
    except ValueError:
        years = float("nan")
    if not 0.0 < years <= 100.0:
        raise ValueError(f"tag {tag} {tags[tag]!r} is no time span in years: write it again")
    return Fact(years, f"tag {tag}")


def _unit(path: Path, dataset: DatasetReader, tags: dict[str, str]) -> Fact[str] | None:
    """Return the unit from tags, the band's unit type or, spelled out, the file name."""
    said = [(tags[tag], f"tag {tag}") for tag in (TAG_PREFIX + "UNIT", *_UNIT_TAGS) if tag in tags]
    if dataset.units[0]:
        said.append((dataset.units[0], "the band's unit type"))
    named = _NAMED_UNIT.search(path.name.lower())
    if named:
        said.append((f"{named.group(1)}/yr", "the file name"))
    for text, origin in said:
        unit = parse_unit(text)
        if unit == "rad":
            raise ValueError(
                f"{path} is in {text!r} ({origin}), a phase: a single interferogram is no velocity "
                "map; give the velocity of a time series"
            )
        if unit is not None:
            return Fact(unit, origin)
    return None


def _companion(path: Path, letter: str) -> Path | None:
    """Return the file that holds one component of the look vector."""
    if path.name.lower().endswith((".geo.tif", ".geo.tiff")):
        candidates = [f"{letter}.geo{path.suffix}"]
    else:
        candidates = [f"{path.stem}.{letter}", f"{path.stem}_{letter}", letter]
        candidates = [candidate + path.suffix for candidate in candidates]
    for candidate in candidates:
        beside = path.with_name(candidate)
        if beside.is_file():
            return beside
    return None


def _look_beside(
    path: Path, dataset: DatasetReader
) -> tuple[Fact[NDArray[np.float32]] | None, tuple[str, ...], tuple[str, ...]]:
    """Return the look vectors that lie beside the map, their files and notes."""
    found = [companion for letter in "ENU" if (companion := _companion(path, letter)) is not None]
    names = ", ".join(companion.name for companion in found)
    if path in found:
        # East, north and up of the motion itself.
        return None, (), ()
    if len(found) < 3:
        return None, (), (f"only {names} of E, N, U beside the map: not used",) if found else ()
    components = _components(found, dataset)
    if components is None:
        return None, (), (f"{names} lie on another grid than the map: not used",)
    look, notes = unit_look(components, names)
    return Fact(look, f"{names} beside the map"), tuple(map(str, found)), notes


def _components(files: Sequence[Path], dataset: DatasetReader) -> NDArray[np.float32] | None:
    """Read files as bands of one array; None if one lies on another grid."""
    bands = []
    for path in files:
        with _opened(path) as component:
            if not _same_grid(dataset, component):
                return None
            bands.append(read_reduced(_band_rows(path, component), component.shape))
    return np.stack(bands)


def _refuse_look_vector(path: Path, dataset: DatasetReader) -> None:
    """Refuse one of three files E, N, U that hold unit vectors: east, north or up of a map."""
    named = re.fullmatch(r"(|.*[._])[ENU]", path.stem)
    if not named:
        return
    files = [path.with_name(f"{named[1]}{letter}{path.suffix}") for letter in "ENU"]
    components = _components(files, dataset) if all(one.is_file() for one in files) else None
    if components is None:
        return
    try:
        unit_look(components, path.name)
    except ValueError:
        return
    raise ValueError(
        f"{path.name} is a component of the look vector, as its neighbours tell, not a velocity "
        "map: give the velocity file"
    )


def _mask_beside(path: Path, dataset: DatasetReader) -> tuple[Path | None, tuple[str, ...]]:
    """Return the LiCSBAS mask that lies beside a ``*.geo.tif``."""
    beside = path.with_name(_MASK_ONE_KEEPS)
    if not path.name.lower().endswith(".geo.tif") or not beside.is_file():
        return None, ()
    with _opened(beside) as mask:
        if not _same_grid(dataset, mask):
            return None, (f"{beside.name} lies on another grid than the map: not used",)
    return beside, (f"{beside.name} beside the map was applied (1 = keep)",)


def _same_grid(one: DatasetReader, other: DatasetReader) -> bool:
    """Tell whether two rasters have the same pixels, to a hundredth of a pixel."""
    if one.shape != other.shape:
        return False
    shift = np.abs(np.subtract(one.transform[:6], other.transform[:6]))
    step = min(abs(one.transform.a), abs(one.transform.e))
    return bool(np.all(shift <= 0.01 * step))
