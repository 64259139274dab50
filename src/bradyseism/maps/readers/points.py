"""Tables of points: regular grids, quadtree cells, scattered points.

Headings are known by their usual names or given with ``--columns``. A header line with
``Dimensions: rows,columns`` and ``Extent: west,east,south,north`` makes the table a quadtree
(longitude, latitude, azimuth, incidence, value, variance, then the block's first and last row and
column): the extent is that of the pixel corners.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from bradyseism.maps.readers.gridding import lattice_of, paint, place, scatter_lattice
from bradyseism.maps.readers.licsbas import span
from bradyseism.maps.readers.options import ReadOptions, parse_crs
from bradyseism.maps.readers.raw import LARGEST_WHOLE, Fact, RawMap, unit_look
from bradyseism.maps.readers.table import Layout, Table, layout_of, read_columns
from bradyseism.physics.line_of_sight import look_vector

__all__ = ["read"]

_DIMENSIONS: Final = re.compile(r"Dimensions:\s*(\d+)\s*,\s*(\d+)")
_EXTENT: Final = re.compile(
    r"Extent:\s*([-\d.eE+]+),\s*([-\d.eE+]+),\s*([-\d.eE+]+),\s*([-\d.eE+]+)"
)
_QUADTREE: Final = {
    "longitude": 0, "latitude": 1, "azimuth": 2, "incidence": 3, "velocity": 4,
    "first_row": 6, "last_row": 7, "first_column": 8, "last_column": 9,
}  # fmt: skip
_BLOCK: Final = ("first_row", "last_row", "first_column", "last_column")
_EGMS_COLUMNS: Final = {"pid", "mean_velocity", "easting", "northing"}
_EGMS_PRODUCT: Final = re.compile(r"EGMS_L3.*_([UE])(?:_|\.)")
_EGMS_LOOK: Final = {"U": (0.0, 0.0, 1.0), "E": (1.0, 0.0, 0.0)}
_FROM_AXIS: Final = 30.0  # degrees between a near-polar orbit and the meridian, up to 70 latitude

Numbers = NDArray[np.float64]
_VECTOR: Final = ("look_east", "look_north", "look_up")
_CELL_ANGLES: Final = ("azimuth", "incidence")
_ANGLES: Final = (*_VECTOR, *_CELL_ANGLES, "heading")
Look = tuple[Fact[NDArray[np.float32]] | None, tuple[str, ...]]


def read(path: Path, options: ReadOptions) -> RawMap:
    """Read a table of points onto a grid.

    Parameters
    ----------
    path : Path
        Text, delimited by comma, semicolon, tab or blanks.
    options : ReadOptions
        `columns`, and `crs` and `quantity` where headings leave them open.

    Returns
    -------
    RawMap
        A regular grid keeps its pixels; quadtree cells are painted over their blocks; scattered
        points are averaged in pixels of about their spacing.

    Raises
    ------
    ValueError
        If the columns for place and value are not known, or the table is broken.
    """
    layout = layout_of(path)
    quadtree = _is_quadtree(layout)
    table = read_columns(path, layout, options.columns, _QUADTREE if quadtree else {})
    value = _value_role(path, table, options)
    east, north, geographic = _coordinates(path, table, options)
    if quadtree:
        raster = _painted(path, layout, table, value, north)
    else:
        raster = _gridded(path, table, value, (east, north), geographic=geographic)
    look, look_notes = _look(path, table, raster.bands)
    egms = {name.strip().lower() for name in layout.names} >= _EGMS_COLUMNS
    spoken = bool(layout.names) or f"{value}=" in (options.columns or "").replace(" ", "")
    return RawMap(
        values=raster.bands[value],
        transform=raster.transform,
        reader="points",
        registration=raster.registration,
        crs=Fact(parse_crs("EPSG:3035"), "the EGMS format") if egms else None,
        quantity=Fact(value, table.names[value]) if spoken else None,
        unit=_unit(path, table, value, egms=egms),
        positive=Fact("toward", "the EGMS format") if egms else None,
        years=_years(layout),
        look=look,
        notes=(*raster.notes, *look_notes),
        files=(str(path),),
    )


@dataclass(frozen=True, eq=False)
class _Raster:
    """Columns of a table on a grid, with the grid and what was done to get there."""

    bands: dict[str, NDArray[np.float32]]
    transform: Affine
    registration: str
    notes: tuple[str, ...]


def _is_quadtree(layout: Layout) -> bool:
    """Tell whether the commented header names dimensions and extent, and rows have the columns."""
    text = " ".join(layout.comments)
    return bool(_DIMENSIONS.search(text) and _EXTENT.search(text) and layout.width >= 10)


def _value_role(path: Path, table: Table, options: ReadOptions) -> str:
    """Return the role of the value column: ``velocity`` or ``displacement``."""
    roles = [role for role in ("velocity", "displacement") if role in table.columns]
    chosen = [role for role in roles if f"{role}=" in (options.columns or "").replace(" ", "")]
    if len(roles) == 2 and options.quantity in roles:
        chosen = chosen or [options.quantity]
    if len(chosen or roles) != 1:
        raise ValueError(
            f"{path} has {len(roles)} columns known as velocity or displacement: pass --columns "
            "velocity=NAME or --columns displacement=NAME (or a number from 1)"
        )
    return (chosen or roles)[0]


def _coordinates(path: Path, table: Table, options: ReadOptions) -> tuple[Numbers, Numbers, bool]:
    """Return east and north coordinates and whether they are degrees."""
    found = [
        (table.columns[east], table.columns[north], east == "longitude")
        for east, north in (("easting", "northing"), ("longitude", "latitude"))
        if east in table.columns and north in table.columns
    ]
    crs = None if options.crs is None else parse_crs(options.crs)
    if len(found) == 2:
        # Both are there: the option decides, else metres, in which pixels are square.
        found = [pair for pair in found if crs is None or pair[2] == crs.is_geographic]
    if not found:
        raise ValueError(
            f"{path} has no columns known as longitude and latitude, or easting and northing: pass "
            "--columns longitude=NAME,latitude=NAME (or numbers from 1)"
        )
    east, north, named_degrees = found[0]
    geographic = named_degrees if crs is None else crs.is_geographic
    if not np.any(np.isfinite(east) & np.isfinite(north)):
        raise ValueError(
            f"{path} has no row with both coordinates: are the columns right? pass --columns "
            "longitude=NAME,latitude=NAME"
        )
    beyond = float(np.nanmax(np.abs(north)))
    if geographic and beyond > 90.0:
        raise ValueError(
            f"{path} has latitudes up to {beyond:g}: are longitude and latitude swapped, or are "
            "they metres? pass --columns longitude=NAME,latitude=NAME or --crs"
        )
    beyond = float(np.nanmax(np.abs(east)))
    if geographic and beyond > 360.0:
        raise ValueError(
            f"{path} has longitudes up to {beyond:g}: mend the table, or pass --crs if they are "
            "metres"
        )
    if geographic and np.nanmax(east) - np.nanmin(east) > 180.0:
        east = np.mod(east, 360.0)  # the map crosses the dateline
    return east, north, geographic


def _gridded(
    path: Path, table: Table, value: str, place_of: tuple[Numbers, Numbers], *, geographic: bool
) -> _Raster:
    """Put points on their own grid, or on one laid over them."""
    east, north = place_of
    known = np.isfinite(east) & np.isfinite(north)
    lattice = lattice_of(east[known], north[known]) if known.sum() > 3 else None
    registration = "points on a regular grid: coordinates are pixel centres"
    notes: tuple[str, ...] = ()
    if lattice is None:
        known &= np.isfinite(table.columns[value])
        if not np.any(known):
            raise ValueError(
                f"{path} has no row with place and {value}: is the column right? pass --columns "
                f"{value}=NAME"
            )
        lattice = scatter_lattice(east[known], north[known], geographic=geographic)
        registration = "scattered points: mean of the points in each pixel"
        notes = (f"{int(known.sum())} scattered points averaged on {lattice.shape} pixels",)
    bands = {
        role: place(lattice, column[known])
        for role, column in table.columns.items()
        if role == value or role in _ANGLES
    }
    return _Raster(bands, lattice.transform, registration, notes)


def _painted(path: Path, layout: Layout, table: Table, value: str, north: Numbers) -> _Raster:
    """Paint quadtree cells over their blocks; row 0 is found by the cells' own latitudes."""
    text = " ".join(layout.comments)
    dimensions, extent = _DIMENSIONS.search(text), _EXTENT.search(text)
    numbers = [] if extent is None else [_float(part) for part in extent.groups()]
    shape = (0, 0) if dimensions is None else (int(dimensions.group(1)), int(dimensions.group(2)))
    blocks = np.column_stack([table.columns[role] for role in _BLOCK])
    limits = np.array([shape[0], shape[0], shape[1], shape[1]])
    whole = np.isfinite(blocks).all() and np.all((blocks >= 0) & (blocks <= limits))
    if not whole or shape[0] * shape[1] > LARGEST_WHOLE or not np.all(np.isfinite(numbers)):
        raise ValueError(
            f"{path} has cells outside its {shape[0]} x {shape[1]} pixels, or no number in its "
            "Extent: mend the header line or the table"
        )
    west, east_edge, south, top = numbers
    if west >= east_edge or south >= top:
        raise ValueError(
            f"{path} has the Extent {west:g},{east_edge:g},{south:g},{top:g}, not "
            "west,east,south,north: mend the header line"
        )
    cells = blocks.astype(np.int64)
    middle = 0.5 * (cells[:, 0] + cells[:, 1])
    slope = np.sum((middle - middle.mean()) * (north - north.mean()))
    notes = [f"{len(cells)} quadtree cells painted over their blocks of rows and columns"]
    if slope > 0.0:
        cells[:, :2] = shape[0] - cells[:, 1::-1]
        notes.append("row 0 of the blocks is the southernmost, by the latitudes: turned over")
    width, height = (east_edge - west) / shape[1], (top - south) / shape[0]
    bands = {role: paint(table.columns[role], cells, shape) for role in (value, *_CELL_ANGLES)}
    transform = Affine(width, 0.0, west, 0.0, -height, top)
    return _Raster(bands, transform, "quadtree: Extent is that of the pixel corners", tuple(notes))


def _float(text: str) -> float:
    """Return a number, NaN where the text is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _look(path: Path, table: Table, bands: dict[str, NDArray[np.float32]]) -> Look:
    """Return look vectors from unit-vector columns or from heading and incidence."""
    product = _EGMS_PRODUCT.search(path.name)
    if product:
        vector = np.array(_EGMS_LOOK[product.group(1)], dtype=np.float32)
        return Fact(vector, "the file name (EGMS L3)"), ()
    vectors = [bands[role] for role in _VECTOR if role in bands]
    if len(vectors) == 3:
        look, notes = unit_look(np.stack(vectors), "columns for east, north and up")
        return Fact(look, "columns for east, north and up"), notes
    if "incidence" not in bands:
        return None, ()
    if "heading" in bands:
        heading, origin = bands["heading"], "columns heading and incidence"
    elif "azimuth" in bands:
        heading, origin = bands["azimuth"], "columns azimuth and incidence"
        middle = float(np.nanmedian(table.columns["azimuth"]))
        # Sentinel-like orbits fly near the meridian and look across it, so one of the two is told
        # from the other: 102 anti-clockwise and 258 clockwise both name the side, not the flight.
        if abs((middle + 90.0) % 180.0 - 90.0) > _FROM_AXIS:
            return None, (
                f"azimuth of about {middle:.0f} deg is no flight direction and its sense is not "
                "said: look vectors left out; pass --look",
            )
    else:
        return None, ()
    if not np.any(np.isfinite(heading) & np.isfinite(bands["incidence"])):
        return None, (f"{origin} are empty: look vectors left out",)
    look = look_vector(heading, bands["incidence"]).astype(np.float32)
    note = "look vectors from the flight direction and the incidence, right-looking"
    return Fact(look, origin), (note,)


def _unit(path: Path, table: Table, value: str, *, egms: bool) -> Fact[str] | None:
    """Return the unit of the value column; a phase is refused."""
    unit = table.units.get(value)
    if unit == "rad":
        raise ValueError(
            f"{path}: column {table.names[value]!r} is in radians, a phase: give a velocity or a "
            "displacement"
        )
    if unit is not None:
        return Fact(unit, f"heading {table.names[value]!r}")
    return Fact("mm/yr", "the EGMS format") if egms and value == "velocity" else None


def _years(layout: Layout) -> Fact[float] | None:
    """Return the time between the first and last heading that is a date."""
    return span(layout.days, "headings YYYYMMDD")
