"""GeoJSON, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bradyseism.maps.writers.atomic import write_bytes

_DECIMALS = 7  # of a degree: about a centimetre
# What spreadsheet programs take for the start of a formula, full-width forms included.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
# A number, or several of them such as the places of a truth table: no formula.
_NUMBER = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?([ ;]+[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)*"
)

Ring = Sequence[tuple[float, float]]
JSON = Any  # what json.dumps takes: the recursive type says no more


def point(longitude: float, latitude: float) -> dict[str, Any]:
    """GeoJSON point; longitude is brought to [-180, 180)."""
    _check_positions([(longitude, latitude)])
    wrapped = (longitude + 180.0) % 360.0 - 180.0
    return {"type": "Point", "coordinates": [round(wrapped, _DECIMALS), round(latitude, _DECIMALS)]}


def polygon(ring: Ring) -> dict[str, Any]:
    """GeoJSON polygon of one ring, cut at the dateline into a MultiPolygon where it crosses it.

    Parameters
    ----------
    ring : sequence of (longitude, latitude)
        WGS84 degrees, closed or open, in either sense; at least three corners. Where it crosses
        the dateline, longitudes may run on beyond 180 or jump by 360.

    Returns
    -------
    dict
        RFC 7946 geometry: closed rings, anticlockwise, longitudes within [-180, 180].

    Raises
    ------
    ValueError
        If a coordinate is not finite or out of range, there are too few corners or the ring goes
        around a pole.
    """
    _check_positions(ring)
    corners = np.array(ring, dtype=np.float64)
    if len(corners) > 1 and np.array_equal(corners[0], corners[-1]):
        corners = corners[:-1]
    if len(corners) < 3:
        raise ValueError(f"ring of {len(corners)} corners is not a polygon: give at least 3")
    corners[:, 0] = np.unwrap(corners[:, 0], period=360.0)
    if abs(corners[-1, 0] - corners[0, 0]) > 180.0:
        raise ValueError(
            f"ring with {len(corners)} corners goes around a pole, which has no GeoJSON polygon: "
            "give a smaller ring"
        )
    corners[:, 0] -= 360.0 * math.floor((corners[:, 0].min() + 180.0) / 360.0)
    following = np.roll(corners, -1, axis=0)
    if np.sum(corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]) < 0:
        corners = corners[::-1]
    if corners[:, 0].max() <= 180.0:
        return {"type": "Polygon", "coordinates": [_closed(corners)]}
    west = _clipped(corners, -1.0)
    east = _clipped(corners, 1.0) - [360.0, 0.0]
    parts = [[_closed(part)] for part in (west, east) if len(part) >= 3]
    return {"type": "MultiPolygon", "coordinates": parts}


def write_geojson(
    path: str | os.PathLike[str],
    features: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    properties: Mapping[str, Any],
) -> None:
    """Write a feature collection (RFC 7946), whole or not at all.

    Parameters
    ----------
    path : path
        File to write.
    features : sequence of (geometry, properties)
        Geometry from `point` or `polygon`; the properties as for `write_json`. A property ``id``
        becomes the identifier of its feature, too.
    properties : mapping
        What holds for the whole collection, stored as its member ``properties``.

    Raises
    ------
    ValueError
        If a number is infinite.
    OSError
        If the file cannot be written.
    """
    collection = []
    for geometry, attributes in features:
        feature = {"type": "Feature", "geometry": geometry, "properties": attributes}
        collection.append({"id": attributes["id"], **feature} if "id" in attributes else feature)
    write_json(
        path,
        {"type": "FeatureCollection", "properties": properties, "features": collection},
    )


def write_json(path: str | os.PathLike[str], content: object) -> None:
    """Write JSON (UTF-8), whole or not at all.

    Parameters
    ----------
    path : path
        File to write.
    content : object
        Mappings, sequences, numbers, texts, None and numpy scalars and arrays; NaN, which is
        missing inside, is null outside.

    Raises
    ------
    ValueError
        If a number is infinite or a value has no JSON form.
    OSError
        If the file cannot be written.
    """
    text = json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def plain(content: object, where: str = "content") -> JSON:
    """Convert nested values to those that JSON knows; NaN becomes None.

    Parameters
    ----------
    content : object
        As for `write_json`.
    where : str
        Name of the value for the error message.

    Raises
    ------
    ValueError
        If a number is infinite or a value has no JSON form.
    """
    if isinstance(content, np.ndarray | np.generic):
        content = content.tolist()
    if content is None or isinstance(content, bool | int | str):
        return content
    if isinstance(content, float):
        if math.isinf(content):
            raise ValueError(f"{where} is {content}, which JSON cannot hold: give a finite number")
        return None if math.isnan(content) else content
    if isinstance(content, Mapping):
        return {str(key): plain(value, f"{where}.{key}") for key, value in content.items()}
    if isinstance(content, Sequence) and not isinstance(content, bytes):
        return [plain(value, f"{where}[{index}]") for index, value in enumerate(content)]
    raise ValueError(
        f"{where} is a {type(content).__name__}, which JSON cannot hold: "
        "convert it to numbers or text"
    )


def as_read_back(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as a file will give them: tuples are lists, and what JSON does not know is text.

    Parameters
    ----------
    facts : mapping
        With values that JSON holds, or that `str` says well enough, such as paths.

    Examples
    --------
    >>> as_read_back({"shape": (2, 3)})
    {'shape': [2, 3]}
    """
    read: dict[str, Any] = json.loads(json.dumps(dict(facts), default=str))
    return read


def write_csv(
    path: str | os.PathLike[str], columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Write a table (UTF-8, commas, one header line), whole or not at all.

    A text that a spreadsheet program would run as a formula gets an apostrophe in front; numbers
    stay as they are. Lines inside a cell end with line feeds.

    Parameters
    ----------
    path : path
        File to write.
    columns : sequence of str
        Headings.
    rows : sequence of sequences
        One cell per column: text, number, bool (``true``/``false``) or None; None and NaN are
        empty cells.

    Raises
    ------
    ValueError
        If a row has another number of cells than there are columns.
    OSError
        If the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_cell(column) for column in columns])
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise ValueError(
                f"row {number} has {len(row)} cells for {len(columns)} columns: give one cell each"
            )
        writer.writerow([_cell(value) for value in row])
    write_bytes(path, text.getvalue().encode())


def _cell(value: object) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        text = "'" + text
    # The csv module quotes line feeds, but not every version carriage returns: they end a row, too.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_positions(positions: Ring) -> None:
    for longitude, latitude in positions:
        if not (math.isfinite(longitude) and abs(latitude) <= 90.0):
            raise ValueError(
                f"position (longitude {longitude:g}, latitude {latitude:g}) is not on the Earth: "
                "give finite degrees, longitude first"
            )


def _clipped(corners: np.ndarray, side: float) -> np.ndarray:
    """Part of a ring west (-1) or east (+1) of longitude 180 (Sutherland and Hodgman, 1974)."""
    kept: list[np.ndarray] = []
    for start, end in zip(np.roll(corners, 1, axis=0), corners, strict=True):
        before, after = side * (start[0] - 180.0), side * (end[0] - 180.0)
        if before * after < 0:
            crossing = start + (end - start) * before / (before - after)
            kept.append(np.array([180.0, crossing[1]]))
        if after >= 0:
            kept.append(end)
    return np.array(kept).reshape(-1, 2)


def _closed(corners: np.ndarray) -> list[list[float]]:
    rounded: list[list[float]] = np.round(corners, _DECIMALS).tolist()
    return [*rounded, rounded[0]]
