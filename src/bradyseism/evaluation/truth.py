"""Tables that say what real maps hold, and the maps that they name."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from bradyseism.maps.readers import ReadOptions, open_map, options_from_row
from bradyseism.maps.velocity_map import VelocityMap

__all__ = ["Place", "TruthRow", "parse_places", "read_truth", "volcano_free_maps"]

logger = logging.getLogger(__name__)

TRUTH_TABLE = "truth.csv"
_NEEDED = ("map", "path", "volcanic", "must", "may")
_VOLCANIC: Mapping[str, bool | None] = {"1": True, "0": False, "ambiguous": None}


@dataclass(frozen=True)
class Place:
    """A centre of real deformation and how near a detection must be.

    Attributes
    ----------
    longitude, latitude
        Degrees.
    radius
        Metres, positive.
    """

    longitude: float
    latitude: float
    radius: float


@dataclass(frozen=True)
class TruthRow:
    """One map and what is known of it.

    Attributes
    ----------
    map
        Name.
    path
        File or folder.
    volcanic
        Whether it holds volcanic deformation; None where that is ambiguous (shown, not counted).
    must
        Centres of deformation, of which one has to be found.
    may
        Real signals besides, which need not be found and are not false.
    said
        Columns from which `options_from_row` takes what the file does not say itself; or the
        options themselves.
    """

    map: str
    path: Path
    volcanic: bool | None
    must: tuple[Place, ...]
    may: tuple[Place, ...]
    said: Mapping[str, str] | ReadOptions

    @property
    def place(self) -> str:
        """Ground that it shares with other rows: column ``place``, or else its own name."""
        return self._stated("place") or self.map

    @property
    def rate(self) -> float:
        """Peak rate (m/yr): column ``rate_mm_yr``, or else 0 of a quiet map and NaN of others.

        Raises
        ------
        ValueError
            Where the column holds no number.
        """
        stated = self._stated("rate_mm_yr")
        if not stated:
            return 0.0 if self.volcanic is False else float("nan")
        try:
            return 1e-3 * float(stated)
        except ValueError as error:
            raise ValueError(
                f"map {self.map!r}: rate_mm_yr {stated!r} is not a number: give mm/yr, or leave "
                "it empty"
            ) from error

    def open(self) -> VelocityMap:
        """Read the map, under its name in the table.

        Raises
        ------
        ValueError, OSError
            Where it is refused.
        """
        said = self.said if isinstance(self.said, ReadOptions) else options_from_row(self.said)
        return replace(open_map(self.path, said), name=self.map)

    def _stated(self, column: str) -> str:
        """Text of a column; empty where the table has none."""
        said = self.said if isinstance(self.said, Mapping) else {}
        return (said.get(column) or "").strip()


def parse_places(text: str) -> tuple[Place, ...]:
    """Read centres written as ``longitude latitude radius_km``, several separated by ``;``.

    Raises
    ------
    ValueError
        Where a centre is not three numbers, or its radius is not positive.

    Examples
    --------
    >>> parse_places("14.14 40.826 5")
    (Place(longitude=14.14, latitude=40.826, radius=5000.0),)
    """
    places = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        try:
            longitude, latitude, radius = (float(word) for word in part.split())
        except ValueError as error:
            raise ValueError(
                f"centre {part!r} is not three numbers: write longitude latitude radius_km, "
                "separated by blanks, and ; between centres"
            ) from error
        if radius <= 0:
            raise ValueError(f"radius {radius:g} km of centre {part!r} is not positive: give km")
        places.append(Place(longitude, latitude, 1e3 * radius))
    return tuple(places)


def read_truth(path: str | PathLike[str]) -> tuple[TruthRow, ...]:
    """Read a truth table.

    Parameters
    ----------
    path
        CSV with the columns map, path (relative to the table), volcanic (1, 0 or ambiguous), must,
        may (see `parse_places`), and what the files do not say themselves (reader, quantity, unit,
        positive, crs, look, span_years).

    Raises
    ------
    ValueError
        Where a column is missing, a word is not known, or there is no row.
    OSError
        Where the table cannot be read.
    """
    table = Path(path)
    with table.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    if not lines:
        raise ValueError(f"{table} has no rows: a truth table names one map a line")
    return tuple(_row(table, number, line) for number, line in enumerate(lines, start=2))


def volcano_free_maps(
    source: str | PathLike[str], options: ReadOptions | None = None
) -> list[VelocityMap]:
    """Open the volcano-free maps that a truth table names or a folder holds.

    Parameters
    ----------
    source
        A truth table, of which the rows with ``volcanic`` 0 count; or a folder. If ``truth.csv``
        stands in the folder or the one above, its volcano-free rows inside the folder count.
        Otherwise everything directly in the folder is tried.
    options
        What the files of a folder without a truth table do not say.

    Returns
    -------
    list of VelocityMap
        Maps that could be read; what was refused is logged with the reason.

    Raises
    ------
    ValueError
        Where no map could be read.
    OSError
        Where the table or folder cannot be read.
    """
    maps = []
    refused = []
    for row in _volcano_free_rows(Path(source), options or ReadOptions()):
        try:
            maps.append(row.open())
        except (ValueError, OSError) as error:
            refused.append(f"{row.map} ({' '.join(str(error).split())})")
            logger.info("refused %s", refused[-1])
    if not maps:
        raise ValueError(
            f"{source} gives no volcano-free map: it needs rows with volcanic 0, or maps that can "
            f"be read; refused: {'; '.join(refused) or 'nothing'}"
        )
    return maps


def _row(table: Path, number: int, line: Mapping[str, str]) -> TruthRow:
    missing = [name for name in _NEEDED if line.get(name) is None]
    if missing:
        raise ValueError(
            f"{table}, line {number}: no column {', '.join(missing)}: "
            f"a truth table has at least {', '.join(_NEEDED)}"
        )
    if line["volcanic"] not in _VOLCANIC:
        raise ValueError(
            f"{table}, line {number}: volcanic {line['volcanic']!r} is not known: "
            "write 1, 0 or ambiguous"
        )
    return TruthRow(
        line["map"],
        table.parent / line["path"],
        _VOLCANIC[line["volcanic"]],
        parse_places(line["must"]),
        parse_places(line["may"]),
        line,
    )


def _volcano_free_rows(source: Path, options: ReadOptions) -> list[TruthRow]:
    inside = (source if source.is_dir() else source.parent).resolve()
    candidates = (
        [source]
        if source.is_file()
        else [folder / TRUTH_TABLE for folder in (inside, inside.parent)]
    )
    tables = [table for table in candidates if table.is_file()]
    if not tables:
        files = sorted(path for path in source.iterdir() if not path.name.startswith("."))
        return [TruthRow(path.stem, path, False, (), (), options) for path in files]
    return [
        row
        for row in read_truth(tables[0])
        if row.volcanic is False and (source.is_file() or row.path.resolve().is_relative_to(inside))
    ]
