"""MintPy HDF5: ``velocity.h5`` or a displacement time series, with geometry and mask beside it.

``X_FIRST, Y_FIRST`` are the corner of the first pixel. ``azimuthAngle`` is the direction from the
ground to the satellite, anti-clockwise from north (about 102 ascending, -102 descending), so that
the heading is 90 degrees less the azimuth angle.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from bradyseism.maps.readers.hdf5 import attributes, dataset, opened, rows_of, words
from bradyseism.maps.readers.licsbas import span, years_between
from bradyseism.maps.readers.options import ReadOptions, parse_crs, parse_unit
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
from bradyseism.physics.line_of_sight import look_vector

__all__ = ["read"]

_WEATHER: Final = r"(era5|erai|era|ecmwf|merra2?|narr|gacos|tropo\w*)"
_WEATHER_VELOCITY: Final = re.compile(rf"^(geo_)?velocity_?{_WEATHER}$")
_WEATHER_SERIES: Final = re.compile(rf"^(geo_)?{_WEATHER}$")
_GEOMETRY: Final = ("geometryGeo.h5", "geo_geometryRadar.h5", "inputs/geometryGeo.h5")
_MASKS: Final = ("maskTempCoh.h5", "geo_maskTempCoh.h5")
_INCIDENCE_ATTRIBUTES: Final = ("CENTER_INCIDENCE_ANGLE", "INCIDENCE_ANGLE", "incidenceAngle")
_ZERO_SHARE: Final = 0.01

Attributes = dict[str, str]


def read(path: Path, options: ReadOptions) -> RawMap:
    """Read a MintPy velocity, or fit one to a MintPy time series.

    Parameters
    ----------
    path : Path
        Geocoded ``velocity.h5`` or ``timeseries*.h5``.
    options : ReadOptions
        Not used here; part of every reader's signature.

    Returns
    -------
    RawMap
        In the file's unit; positive toward the satellite; NaN where the mask beside the file
        (``maskTempCoh.h5``, 1 = keep) is 0. Without a mask, exact zeros are missing if they are
        more than one pixel in a hundred: MintPy leaves 0 where it did not invert.

    Raises
    ------
    ValueError
        If the file is tropospheric, a coherence, an interferogram stack, or not geocoded.
    OSError
        If it is damaged.
    """
    with opened(path) as file:
        said = attributes(file)
        kind = _kind(path, said)
        if kind == "timeseries":
            rows, shape, days = _fitted(path, file)
        else:
            data = dataset(path, file, "velocity", dimensions=2)
            rows, shape, days = rows_of(path, data), data.shape, _days(said)
        transform = _transform(path, said)
        values, mask_files, notes = _masked(path, rows, shape, said, transform)
    if kind == "timeseries":
        notes = (*notes, f"linear velocity fitted to {len(days)} dates")
    factor = reduction_factor(shape)
    if factor > 1:
        notes = (*notes, f"{shape[0]} x {shape[1]} pixels averaged {factor} x {factor} on reading")
    look, look_files, look_notes = _look(path, said, shape, transform)
    return RawMap(
        values=values,
        transform=coarser(transform, factor),
        reader="mintpy",
        registration="MintPy: X_FIRST, Y_FIRST are the corner of the first pixel",
        crs=_crs(said),
        quantity=Fact("velocity", "attribute FILE_TYPE"),
        unit=_unit(path, said, kind),
        positive=Fact("toward", "the MintPy format"),
        years=span(days, "the dates in the file"),
        look=look,
        notes=(*notes, *look_notes),
        files=(str(path), *mask_files, *look_files),
    )


def _kind(path: Path, said: Attributes) -> str:
    """Return ``velocity`` or ``timeseries``; refuse what is no motion of the ground."""
    kind = said.get("FILE_TYPE", "")
    source = Path(said.get("FILE_PATH", "")).stem.lower()
    if _WEATHER_VELOCITY.match(path.stem.lower()) or _WEATHER_SERIES.match(source):
        raise ValueError(
            f"{path.name} holds the tropospheric delay of a weather model (made from "
            f"{source or path.stem}), not deformation: give velocity.h5"
        )
    if _WEATHER_SERIES.match(path.stem.lower()):
        raise ValueError(
            f"{path.name} is by its name the delay of a weather model, not deformation: give "
            "velocity.h5"
        )
    if kind not in ("velocity", "timeseries"):
        raise ValueError(
            f"{path} is a MintPy file of FILE_TYPE {kind!r}: only velocity and timeseries hold "
            "motion; give velocity.h5"
            if kind
            else f"{path} is HDF5 without the attribute FILE_TYPE, so not from MintPy: give "
            "MintPy's velocity.h5, or a GeoTIFF"
        )
    return kind


def _days(said: Attributes) -> list[str]:
    """Return the first and last date from the attributes, or nothing."""
    days = [said.get("START_DATE", ""), said.get("END_DATE", "")]
    return days if days[0] < days[1] else []


def _unit(path: Path, said: Attributes, kind: str) -> Fact[str] | None:
    """Return the unit of the velocity; a phase is refused."""
    text = said.get("UNIT", "")
    unit = parse_unit(text)
    if unit == "rad" or parse_unit(text.split("/")[0]) == "rad":
        raise ValueError(
            f"{path} is in {text!r} (attribute UNIT), a phase: give the velocity in m/year"
        )
    if unit is None:
        return None
    return Fact(f"{unit}/yr" if kind == "timeseries" else unit, "attribute UNIT")


def _transform(path: Path, said: Attributes) -> Affine:
    """Return the transform of the pixel corner from X_FIRST, Y_FIRST, X_STEP, Y_STEP."""
    corner = []
    for name in ("X_FIRST", "Y_FIRST", "X_STEP", "Y_STEP"):
        number = _number(said, (name,))
        if number is None:
            fault = f"{name} {said[name]!r}" if name in said else f"no {name}"
            raise ValueError(
                f"{path} has {fault}, where a number is needed: is it in radar coordinates? "
                "geocode it (geocode.py)"
            )
        corner.append(number)
    left, top, width, height = corner
    if not np.all(np.isfinite((left, top, width, height))) or width == 0.0 or height == 0.0:
        raise ValueError(
            f"{path} has X_FIRST {left:g}, Y_FIRST {top:g}, X_STEP {width:g}, Y_STEP {height:g}: "
            "no grid; geocode it again (geocode.py)"
        )
    return Affine(width, 0.0, left, 0.0, height, top)


def _crs(said: Attributes) -> Fact[CRS] | None:
    """Return the CRS from EPSG, UTM_ZONE or degrees (which in MintPy are WGS 84)."""
    if said.get("EPSG", "").isdigit():
        return Fact(parse_crs(f"EPSG:{said['EPSG']}"), "attribute EPSG")
    zone = re.fullmatch(r"(\d{1,2})\s*([NS])", said.get("UTM_ZONE", "").upper())
    if zone and 1 <= int(zone.group(1)) <= 60:
        code = (32600 if zone.group(2) == "N" else 32700) + int(zone.group(1))
        return Fact(parse_crs(f"EPSG:{code}"), "attribute UTM_ZONE")
    if said.get("X_UNIT", "").lower().startswith("degree"):
        return Fact(CRS.from_epsg(4326), "attribute X_UNIT (degrees are WGS 84 in MintPy)")
    return None


def _fitted(path: Path, file: h5py.File) -> tuple[Rows, tuple[int, int], list[str]]:
    """Return rows of the least-squares slope of a time series (unit of the file a year)."""
    series = dataset(path, file, "timeseries", dimensions=3)
    days = words(path, file, "date")
    if len(days) != series.shape[0] or len(days) < 2:
        raise ValueError(
            f"{path} has {len(days)} dates for {series.shape[0]} displacements: at least 2, one "
            "each, are needed; write the time series again"
        )
    if days != sorted(set(days)):
        raise ValueError(
            f"{path}: dates {days[0]} ... {days[-1]} do not rise: sort the time series"
        )
    times = [years_between(days[0], day) for day in days]
    if None in times:
        wrong = days[times.index(None)]
        raise ValueError(f"{path}: date {wrong!r} is not YYYYMMDD: write the time series again")
    years = np.array(times, dtype=np.float64)
    height = max(1, 64_000_000 // max(1, series.shape[0] * series.shape[2] * 4))

    def rows(first: int, last: int) -> NDArray[np.float32]:
        """Rows of the file."""
        try:
            parts = [
                _slope(np.asarray(series[:, start : min(start + height, last)], np.float64), years)
                for start in range(first, last, height)
            ]
        except OSError as error:
            raise OSError(
                f"{path} breaks off in rows {first}-{last - 1} ({' '.join(str(error).split())}): "
                "the file is damaged or incomplete, copy it again"
            ) from error
        return np.concatenate(parts)

    return rows, series.shape[1:], days


def _slope(displacement: NDArray[np.float64], years: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the least-squares slope over the first axis; NaN where fewer than two dates hold."""
    valid = np.isfinite(displacement)
    time = np.where(valid, years[:, None, None], 0.0)
    motion = np.where(valid, displacement, 0.0)
    count = valid.sum(axis=0)
    spread = count * np.sum(time**2, axis=0) - np.sum(time, axis=0) ** 2
    covered = count * np.sum(time * motion, axis=0) - np.sum(time, axis=0) * np.sum(motion, axis=0)
    slope = np.full(spread.shape, np.nan, dtype=np.float32)
    np.divide(covered, spread, out=slope, where=(count > 1) & (spread > 0), casting="unsafe")
    return slope


def _masked(
    path: Path, rows: Rows, shape: tuple[int, int], said: Attributes, transform: Affine
) -> tuple[NDArray[np.float32], tuple[str, ...], tuple[str, ...]]:
    """Return the values with missing pixels NaN, the mask file and notes."""
    for name in _MASKS:
        beside = path.with_name(name)
        if not beside.is_file():
            continue
        with opened(beside) as file:
            mask = dataset(beside, file, "mask", dimensions=2)
            if mask.shape != shape or not _same_grid(attributes(file), transform):
                return read_reduced(rows, shape), (), (f"{name} lies on another grid: not used",)
            values = read_reduced(masked_rows(rows, rows_of(beside, mask)), shape)
        return values, (str(beside),), (f"{name} beside the file was applied (1 = keep)",)
    values = read_reduced(rows, shape)
    zeros = values == 0.0
    reference = (said.get("REF_Y", ""), said.get("REF_X", ""))
    if all(part.isdigit() for part in reference):
        # The reference pixel is zero by definition, and measured.
        row, column = (int(part) // reduction_factor(shape) for part in reference)
        zeros[row : row + 1, column : column + 1] = False
    if np.sum(zeros) <= max(1.0, _ZERO_SHARE * zeros.size):
        return values, (), ()
    values[zeros] = np.nan
    return values, (), (f"{np.mean(zeros):.0%} of the pixels are exactly 0: taken as not inverted",)


def _same_grid(said: Attributes, transform: Affine) -> bool:
    """Tell whether a companion without or with the same X_FIRST, Y_FIRST belongs to the map."""
    try:
        corner = float(said["X_FIRST"]), float(said["Y_FIRST"])
    except (KeyError, ValueError):
        return True
    near = 0.01 * min(abs(transform.a), abs(transform.e))
    return abs(corner[0] - transform.c) <= near and abs(corner[1] - transform.f) <= near


def _look(
    path: Path, said: Attributes, shape: tuple[int, int], transform: Affine
) -> tuple[Fact[NDArray[np.float32]] | None, tuple[str, ...], tuple[str, ...]]:
    """Return look vectors from the geometry beside the file, or from its own attributes."""
    for name in _GEOMETRY:
        beside = path.parent / name
        if not beside.is_file():
            continue
        with opened(beside) as file:
            incidence_data = dataset(beside, file, "incidenceAngle", dimensions=2)
            if incidence_data.shape != shape or not _same_grid(attributes(file), transform):
                return None, (), (f"{name} lies on another grid than the map: not used",)
            incidences = _angles(read_reduced(rows_of(beside, incidence_data), shape))
            headings: NDArray[np.float32] | float | None = _number(said, ("HEADING",))
            if "azimuthAngle" in file:
                azimuth = dataset(beside, file, "azimuthAngle", dimensions=2)
                headings = 90.0 - _angles(read_reduced(rows_of(beside, azimuth), shape))
        if headings is None:
            return None, (), (f"{name} has no azimuthAngle and the map no HEADING: look unknown",)
        vectors = look_vector(headings, incidences).astype(np.float32)
        look, notes = unit_look(vectors, name)
        return Fact(look, f"{name} beside the file"), (str(beside),), notes
    heading, incidence = _number(said, ("HEADING",)), _number(said, _INCIDENCE_ATTRIBUTES)
    if heading is None or incidence is None:
        return None, (), ()
    vector = look_vector(heading, incidence).astype(np.float32)
    return Fact(vector, "attributes HEADING and incidence"), (), ()


def _angles(degrees: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return angles with MintPy's 0 for "no data" made missing."""
    return np.where(degrees == 0.0, np.float32(np.nan), degrees)


def _number(said: Attributes, names: tuple[str, ...]) -> float | None:
    """Return the first attribute that is a number."""
    for name in names:
        try:
            return float(said[name])
        except (KeyError, ValueError):
            continue
    return None
