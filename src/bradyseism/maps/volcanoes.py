"""The catalogue of volcanoes that detections are named after."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from bradyseism.maps.near import on_grid
from bradyseism.maps.velocity_map import Grid

_GEOD = Geod(ellps="WGS84")
# Headings by field: ours, then that of the spreadsheet of the Global Volcanism Program.
_HEADINGS = {
    "number": ("number", "volcano number"),
    "name": ("name", "volcano name"),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "elevation": ("elevation_m", "elevation (m)"),
}
_TITLE_LINES = 5  # spreadsheets may carry a title above their headings


@dataclass(frozen=True)
class Volcano:
    """One volcano.

    Parameters
    ----------
    number : int
        Volcano number of the Global Volcanism Program.
    name : str
        Not empty.
    longitude, latitude : float
        WGS84 degrees, longitude in [-180, 180].
    elevation : float
        Metres above sea level, negative under water; NaN if not known.

    Raises
    ------
    ValueError
        If the name is empty or the position is out of range.
    """

    number: int
    name: str
    longitude: float
    latitude: float
    elevation: float = math.nan

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError(f"volcano {self.number} has an empty name: give it one")
        if not abs(self.latitude) <= 90.0:
            raise ValueError(
                f"latitude {self.latitude:g} of volcano {self.name!r} is outside -90 to 90: "
                "are latitude and longitude swapped?"
            )
        if not abs(self.longitude) <= 180.0:
            raise ValueError(
                f"longitude {self.longitude:g} of volcano {self.name!r} is outside -180 to 180: "
                "subtract 360 from longitudes beyond 180"
            )


@dataclass(frozen=True)
class Catalogue:
    """Volcanoes in the order of their file; at least one.

    Raises
    ------
    ValueError
        If there is none.
    """

    volcanoes: tuple[Volcano, ...]

    def __post_init__(self) -> None:
        if not self.volcanoes:
            raise ValueError(
                f"catalogue of {len(self.volcanoes)} volcanoes is empty: give at least one"
            )

    @cached_property
    def _positions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return (
            np.array([volcano.longitude for volcano in self.volcanoes]),
            np.array([volcano.latitude for volcano in self.volcanoes]),
        )

    def nearest(self, longitude: float, latitude: float) -> tuple[Volcano, float]:
        """Volcano nearest to a point (WGS84 degrees), and its geodesic distance in metres.

        Raises
        ------
        ValueError
            If the point is not finite or its latitude is out of range.
        """
        if not (math.isfinite(longitude) and abs(latitude) <= 90.0):
            raise ValueError(
                f"point (longitude {longitude:g}, latitude {latitude:g}) is not on the Earth: "
                "give degrees, longitude first"
            )
        longitudes, latitudes = self._positions
        _, _, distances = _GEOD.inv(
            np.full_like(longitudes, longitude),
            np.full_like(latitudes, latitude),
            longitudes,
            latitudes,
        )
        index = int(np.argmin(distances))
        return self.volcanoes[index], float(distances[index])

    def inside(self, grid: Grid) -> list[Volcano]:
        """Volcanoes on a pixel of `grid`, in the order of the catalogue."""
        within = on_grid(grid, *self._positions)
        return [self.volcanoes[index] for index in np.flatnonzero(within)]


def read_catalogue(path: str | os.PathLike[str]) -> Catalogue:
    """Read a table of volcanoes.

    Parameters
    ----------
    path : path
        UTF-8 text with commas and one of the headings ``number, name, latitude, longitude,
        elevation_m`` or (spreadsheet of the Global Volcanism Program) ``Volcano Number, Volcano
        Name, Latitude, Longitude, Elevation (m)``, in any order and among others. An empty or
        unknown elevation is NaN.

    Returns
    -------
    Catalogue
        Volcanoes in the order of the file.

    Raises
    ------
    ValueError
        If the file is not UTF-8, holds no volcano, lacks a column or holds a value out of range;
        the message names file and line.
    OSError
        If the file cannot be read.
    """
    lines = _cells(Path(path))
    index, columns = _columns(lines, path)
    volcanoes = []
    for line, cells in lines[index + 1 :]:
        try:
            volcanoes.append(_volcano(cells, columns))
        except ValueError as error:
            raise ValueError(
                f"volcano catalogue {path}, line {line}: {error}: correct or remove that line"
            ) from error
    if not volcanoes:
        raise ValueError(f"volcano catalogue {path} holds no volcano below its headings: add some")
    return Catalogue(tuple(volcanoes))


def _cells(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells of every line that is not empty."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"volcano catalogue {path} is not UTF-8 text (byte {error.start}): "
            "save it as CSV with the encoding UTF-8"
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        lines = [
            (reader.line_num, [cell.strip() for cell in cells])
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise ValueError(
            f"volcano catalogue {path}, line {reader.line_num}: {error}: save it as CSV with commas"
        ) from error
    if not lines:
        raise ValueError(f"volcano catalogue {path} is empty: give headings and one line a volcano")
    return lines


def _columns(
    lines: Sequence[tuple[int, list[str]]], path: str | os.PathLike[str]
) -> tuple[int, dict[str, int]]:
    """Index of the heading line and, by field, of its cell."""
    best: dict[str, int] = {}
    for index, (_, cells) in enumerate(lines[:_TITLE_LINES]):
        headings = [cell.lower() for cell in cells]
        columns = {
            field: headings.index(heading)
            for field, accepted in _HEADINGS.items()
            for heading in accepted
            if heading in headings
        }
        if len(columns) == len(_HEADINGS):
            return index, columns
        best = max(best, columns, key=len)
    missing = [" or ".join(map(repr, _HEADINGS[field])) for field in _HEADINGS if field not in best]
    raise ValueError(
        f"volcano catalogue {path} lacks {len(missing)} of {len(_HEADINGS)} columns "
        f"({', '.join(missing)}): its first line reads {','.join(lines[0][1])[:120]!r}; name the "
        "columns there, separated by commas"
    )


def _volcano(cells: Sequence[str], columns: dict[str, int]) -> Volcano:
    for field, index in columns.items():
        if index >= len(cells):
            raise ValueError(f"{len(cells)} cells leave out the {field}")
    text = {field: cells[index] for field, index in columns.items()}
    if text["elevation"].lower() in ("", "unknown"):
        text["elevation"] = "nan"
    numbers = {}
    for field in ("number", "longitude", "latitude", "elevation"):
        try:
            numbers[field] = float(text[field])
        except ValueError as error:
            raise ValueError(f"{field} {text[field]!r} is not a number") from error
    number = numbers["number"]
    if not number.is_integer():
        raise ValueError(f"number {text['number']!r} is not a whole number")
    return Volcano(
        int(number), text["name"], numbers["longitude"], numbers["latitude"], numbers["elevation"]
    )
