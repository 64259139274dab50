"""LiCSBAS time-series folders: raw float32 rasters and their text files.

The ``corner`` of ``info/EQA.dem_par`` is the **centre** of the first pixel (Gamma), so the grid
begins half a pixel before it. Velocity is in mm/yr, positive toward the satellite; ``mask`` is 1
where a pixel is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from bradyseism.maps.readers.options import ReadOptions
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

__all__ = ["PARAMETERS", "VELOCITY", "is_folder", "read", "span", "years_between"]

VELOCITY: Final = "results/vel"
PARAMETERS: Final = "info/EQA.dem_par"
_DATES: Final = ("info/13used_image.txt", "info/12network_gap_info.txt")
_DAYS_PER_YEAR: Final = 365.25
_SAID: Final = "the LiCSBAS format"


def is_folder(path: Path) -> bool:
    """Tell whether a folder is that of a LiCSBAS time series (``TS_*``)."""
    return (path / VELOCITY).is_file() and (path / PARAMETERS).is_file()


def years_between(first: str, last: str) -> float | None:
    """Return the time between two days.

    Parameters
    ----------
    first, last : str
        ``YYYYMMDD``.

    Returns
    -------
    float or None
        Years of 365.25 days, negative if `last` comes first; None if one is no day.

    Examples
    --------
    >>> round(years_between("20160909", "20191229"), 3)
    3.302
    """
    try:
        return (date.fromisoformat(last) - date.fromisoformat(first)).days / _DAYS_PER_YEAR
    except ValueError:
        return None


def span(days: Sequence[str], origin: str) -> Fact[float] | None:
    """Return the time from the first to the last of several days; None where it is not known."""
    years = years_between(days[0], days[-1]) if len(days) > 1 else None
    return None if years is None else Fact(years, origin)


def read(path: Path, options: ReadOptions) -> RawMap:
    """Read the unfiltered velocity of a LiCSBAS folder with its mask.

    Parameters
    ----------
    path : Path
        The ``TS_*`` folder.
    options : ReadOptions
        Not used here; part of every reader's signature.

    Returns
    -------
    RawMap
        mm/yr, positive toward; masked pixels are NaN; look vectors from ``results/E.geo`` (or
        ``E``) and so on where they are.

    Raises
    ------
    ValueError
        If the folder is incomplete or sizes disagree.
    """
    if not is_folder(path):
        raise ValueError(
            f"{path} has no {VELOCITY} and {PARAMETERS}: give the TS_* folder of a LiCSBAS run"
        )
    parameters = _parameters(path / PARAMETERS)
    shape = (round(parameters["nlines"]), round(parameters["width"]))
    velocity = _floats(path / VELOCITY, shape)
    mask_path = path / "results/mask"
    files = [path / VELOCITY, path / PARAMETERS]
    notes = ["results/mask is missing: every pixel is kept"]
    rows = velocity
    if mask_path.is_file():
        rows = masked_rows(velocity, _floats(mask_path, shape))
        files.append(mask_path)
        notes = ["results/mask was applied (1 = keep)"]
    factor = reduction_factor(shape)
    if factor > 1:
        notes.append(f"{shape[0]} x {shape[1]} pixels averaged {factor} x {factor} on reading")
    look, look_files, look_notes = _look(path, shape)
    return RawMap(
        values=read_reduced(rows, shape),
        transform=coarser(_transform(parameters), factor),
        reader="licsbas",
        registration="EQA.dem_par: corner_lat, corner_lon are the centre of the first pixel",
        crs=_crs(path / PARAMETERS),
        quantity=Fact("velocity", _SAID),
        unit=Fact("mm/yr", _SAID),
        positive=Fact("toward", _SAID),
        years=_years(path),
        look=look,
        notes=(*notes, *look_notes),
        files=tuple(map(str, (*files, *look_files))),
    )


def _parameters(path: Path) -> dict[str, float]:
    """Return the numbers of a Gamma parameter file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = {}
    for name in ("width", "nlines", "corner_lat", "corner_lon", "post_lat", "post_lon"):
        match = re.search(rf"^{name}:\s*(\S+)", text, flags=re.MULTILINE)
        try:
            found[name] = float(match.group(1)) if match else float("nan")
        except ValueError:
            found[name] = float("nan")
        if not np.isfinite(found[name]):
            raise ValueError(
                f"{path} has no number for {name}: it must hold width, nlines, corner_lat, "
                "corner_lon, post_lat and post_lon; take it from the LiCSBAS run again"
            )
    return found


def _crs(path: Path) -> Fact[CRS] | None:
    """Return geographic WGS 84 where the parameter file says so."""
    text = path.read_text(encoding="utf-8", errors="replace")
    projection = re.search(r"^DEM_projection:\s*(\S+)", text, flags=re.MULTILINE)
    ellipsoid = re.search(r"^ellipsoid_name:\s*WGS\s*(19)?84", text, flags=re.MULTILINE)
    if projection is None or projection.group(1) != "EQA" or ellipsoid is None:
        return None
    return Fact(CRS.from_epsg(4326), PARAMETERS)


def _transform(parameters: dict[str, float]) -> Affine:
    """Return the transform of the pixel corner."""
    width, height = parameters["post_lon"], parameters["post_lat"]
    west = parameters["corner_lon"] - width / 2
    north = parameters["corner_lat"] - height / 2
    return Affine(width, 0.0, west, 0.0, height, north)


def _floats(path: Path, shape: tuple[int, int]) -> Rows:
    """Return a function that reads rows of a raw little-endian float32 raster."""
    size, expected = path.stat().st_size, 4 * shape[0] * shape[1]
    if min(shape) < 1 or size != expected:
        raise ValueError(
            f"{path} has {size} bytes, {PARAMETERS} asks for {shape[0]} x {shape[1]} float32 = "
            f"{expected}: the two belong to different runs, or the file is incomplete"
        )
    raster = np.memmap(path, dtype="<f4", mode="r", shape=shape)
    return lambda first, last: raster[first:last]


def _look(
    path: Path, shape: tuple[int, int]
) -> tuple[Fact[NDArray[np.float32]] | None, tuple[Path, ...], tuple[str, ...]]:
    """Return the look vectors of the folder, their files and notes."""
    for ending in (".geo", ""):
        found = tuple(path / f"results/{letter}{ending}" for letter in "ENU")
        if all(part.is_file() for part in found):
            stack = np.stack([read_reduced(_floats(part, shape), shape) for part in found])
            names = ", ".join(component.name for component in found)
            look, notes = unit_look(stack, names)
            return Fact(look, f"results/ {names}"), found, notes
    return None, (), ()


def _years(path: Path) -> Fact[float] | None:
    """Return the time between the first and the last image that was used."""
    for name in _DATES:
        listing = path / name
        if not listing.is_file():
            continue
        days = sorted(set(re.findall(r"\b((?:19|20)\d{6})\b", listing.read_text(errors="replace"))))
        if len(days) > 1:
            return span(days, name)
    return None
