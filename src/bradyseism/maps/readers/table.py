"""Text tables of points: their header, their columns, their numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.readers.files import first_bytes
from bradyseism.maps.readers.options import parse_unit

__all__ = ["ROLES", "Layout", "Table", "layout_of", "looks_like_table", "read_columns"]

ROLES: Final[dict[str, tuple[str, ...]]] = {
    "longitude": ("longitude", "lon", "long", "lng"),
    "latitude": ("latitude", "lat"),
    "easting": ("easting", "x"),
    "northing": ("northing", "y"),
    "velocity": ("velocity", "vel", "mean_velocity", "los_velocity", "velocity_los", "vel_los",
                 "v_los", "vlos", "v", "rate"),
    "displacement": ("displacement", "disp", "los_displacement", "displacement_los", "disp_los",
                     "cumulative_displacement", "los_disp", "cum_disp"),
    "incidence": ("incidence", "incidence_angle", "inc"),
    "azimuth": ("azimuth", "az"),
    "heading": ("heading", "track_angle"),
    "look_east": ("los_east", "look_east", "e"),
    "look_north": ("los_north", "look_north", "n"),
    "look_up": ("los_up", "look_up", "u"),
    "first_row": (), "last_row": (), "first_column": (), "last_column": (),
}  # fmt: skip
"""Roles of columns and the headings (lower case, without unit) that name them."""

_UNIT: Final = re.compile(r"^(.*?)\s*[\(\[]\s*([^)\]]*)\s*[\)\]]\s*$")
_TRAILING_UNIT: Final = re.compile(r"^(.+?)_((?:mm|cm|m)(?:[_/]?(?:per_)?(?:yr|year))?)$")
_DAY: Final = re.compile(r"(?:19|20)\d{6}")
_DELIMITERS: Final = (",", ";", "\t", None)
_COMMENTS: Final = ("%", "#")
_MISSING: Final = ("", "na", "n/a", "null", "none", "-")


@dataclass(frozen=True)
class Layout:
    """How a text table is laid out.

    Parameters
    ----------
    delimiter : str or None
        None is any white space.
    skipped : int
        Lines before the first row of numbers.
    comments : tuple of str
        The commented lines among them, without the mark.
    names : tuple of str
        Headings as they stand, or empty where the table has none.
    width : int
        Number of columns.
    """

    delimiter: str | None
    skipped: int
    comments: tuple[str, ...]
    names: tuple[str, ...]
    width: int

    @property
    def days(self) -> tuple[str, ...]:
        """Headings that are dates ``YYYYMMDD``, in order of time."""
        return tuple(sorted(name.strip() for name in self.names if _DAY.fullmatch(name.strip())))


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of numbers by role.

    Parameters
    ----------
    columns : dict
        Role to float64 of shape (points,); NaN is missing.
    units : dict
        Role to the unit that its heading names.
    names : dict
        Role to its heading, or ``column 3``.
    """

    columns: dict[str, NDArray[np.float64]]
    units: dict[str, str]
    names: dict[str, str]


def _fields(line: str, delimiter: str | None) -> list[str]:
    """Split a line and drop blanks and quotes around its fields."""
    return [field.strip().strip("\"'") for field in line.strip().split(delimiter)]


def _numbers(fields: list[str]) -> int:
    """Count the fields that are numbers, or empty as a missing one."""
    count = 0
    for field in fields:
        try:
            _number(field)
        except ValueError:
            continue
        count += 1
    return count


def layout_of(path: Path) -> Layout:
    """Find delimiter, header and first row of numbers of a text table.

    Parameters
    ----------
    path : Path
        Text in UTF-8 or Latin-1.

    Returns
    -------
    Layout

    Raises
    ------
    ValueError
        If the file is no text, or has no row with at least three numbers in its first 64 KiB.
    """
    head = first_bytes(path)
    if b"\0" in head:
        raise ValueError(
            f"{path} is no map that can be read (binary, begins with {head[:4]!r}): give a "
            "GeoTIFF, a LiCSBAS folder, a MintPy HDF5 file or a table of points"
        )
    lines = head.decode("latin-1").removeprefix("\xef\xbb\xbf").splitlines()
    comments: list[str] = []
    heading = ""
    for skipped, line in enumerate(lines[:200]):
        if not line.strip():
            continue
        if line.lstrip().startswith(_COMMENTS):
            comments.append(line.strip().lstrip("%# "))
            continue
        for delimiter in _DELIMITERS:
            fields = _fields(line, delimiter)
            if len(fields) >= 3 and _numbers(fields) >= 3:
                # A heading may be commented out; it must have as many fields as the rows.
                candidates = [heading, *reversed(comments)]
                split = [_fields(text, delimiter) for text in candidates if text]
                names = next((s for s in split if len(s) == len(fields) and not _numbers(s)), None)
                names = names or next(
                    (s for s in split if len(s) == len(fields) and _numbers(s) < len(s) / 2), []
                )
                return Layout(delimiter, skipped, tuple(comments), tuple(names), len(fields))
        heading = line
    raise ValueError(
        f"{path} is neither a raster nor a table of points (no line with three numbers): give a "
        "GeoTIFF, a LiCSBAS folder, a MintPy HDF5 file or a table of points"
    )


def looks_like_table(head: bytes) -> bool:
    """Tell whether the beginning of a file is text with numbers in it.

    Parameters
    ----------
    head : bytes
        Beginning of the file.

    Returns
    -------
    bool
        False for anything with a zero byte or without digits, and for XML and JSON.
    """
    return (
        b"\0" not in head
        and any(48 <= byte <= 57 for byte in head)
        and head.lstrip()[:1] not in (b"<", b"{", b"[")
    )


def split_heading(text: str) -> tuple[str, str | None]:
    """Part a heading into its name and the unit that it spells out.

    Parameters
    ----------
    text : str
        For example ``displacement (mm)`` or ``vel_mm_yr``.

    Returns
    -------
    name : str
        Lower case, underscores for blanks.
    unit : str or None
        As in `UNITS` or ``"rad"``; None where it says none.
    """
    text = text.strip().strip("\"'").lower()
    for pattern in (_UNIT, _TRAILING_UNIT):
        found = pattern.match(text)
        if found and (unit := parse_unit(found.group(2).replace("_", "/").replace("/per/", "/"))):
            return re.sub(r"[\s-]+", "_", found.group(1)), unit
    found = _UNIT.match(text)
    return re.sub(r"[\s-]+", "_", found.group(1) if found else text), None


def read_columns(path: Path, layout: Layout, wanted: str | None, known: dict[str, int]) -> Table:
    """Read the columns whose roles are known.

    Parameters
    ----------
    path : Path
        The table.
    layout : Layout
        Of this table.
    wanted : str, optional
        The option ``--columns``; it wins over headings.
    known : dict
        Roles that the format itself places, from 0; headings and `wanted` win over them.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If a column is named that is not there, a role is found twice, or a row is broken.
    """
    places, units = dict(known), {}
    for position, text in enumerate(layout.names):
        name, unit = split_heading(text)
        for role, aliases in ROLES.items():
            if name in aliases:
                if role in places and role not in known:
                    raise ValueError(
                        f"{path} has two columns for the {role}, "
                        f"{layout.names[places[role]]!r} and {text!r}: choose with "
                        f"--columns {role}=NAME"
                    )
                places[role] = position
                if unit is not None:
                    units[role] = unit
    for role, position in _wanted(path, layout, wanted).items():
        places[role] = position
        units.pop(role, None)
        unit = split_heading(layout.names[position])[1] if layout.names else None
        if unit is not None:
            units[role] = unit
    roles = sorted(places, key=lambda role: places[role])
    if not roles:
        return Table({}, {}, {})
    try:
        numbers = np.loadtxt(
            path,
            delimiter=layout.delimiter,
            skiprows=layout.skipped,
            usecols=[places[role] for role in roles],
            comments=list(_COMMENTS),
            converters=_number,
            encoding="latin-1",
            ndmin=2,
        )
    except ValueError as error:
        raise ValueError(
            f"{path} has a row that does not fit its first one ({' '.join(str(error).split())}): "
            "mend the table"
        ) from error
    names = {
        role: layout.names[place] if layout.names else f"column {place + 1}"
        for role, place in places.items()
    }
    return Table({role: numbers[:, k] for k, role in enumerate(roles)}, units, names)


def _number(field: str) -> float:
    """Return a number; an empty field, or a word for it, is a missing one."""
    text = field.strip().strip("\"'")
    return float("nan") if text.lower() in _MISSING else float(text)


def _wanted(path: Path, layout: Layout, wanted: str | None) -> dict[str, int]:
    """Return role to position, from 0, of the option ``--columns``."""
    places: dict[str, int] = {}
    for part in (wanted or "").split(","):
        if not part.strip():
            continue
        role, _, column = (piece.strip() for piece in part.partition("="))
        if role not in ROLES or not column:
            raise ValueError(
                f"columns {part.strip()!r} is not role=column: pass --columns with roles among "
                f"{', '.join(ROLES)}"
            )
        named = [
            k for k, name in enumerate(layout.names) if column in (name, split_heading(name)[0])
        ]
        if not named and column.isdigit() and 1 <= int(column) <= layout.width:
            named = [int(column) - 1]
        if len(named) != 1:
            raise ValueError(
                f"columns {part.strip()!r}: {path.name} has {len(named)} columns of that name "
                f"({', '.join(layout.names) or f'{layout.width} columns without names'}): pass "
                "--columns role=name or role=number"
            )
        places[role] = named[0]
    return places
