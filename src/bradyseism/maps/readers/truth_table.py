"""Tables of maps: where they lie, and what they do not say of themselves."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path

from bradyseism.maps.readers.options import ReadOptions

__all__ = ["maps_of_table", "options_from_row"]


def maps_of_table(
    path: str | PathLike[str], defaults: ReadOptions | None = None
) -> list[tuple[Path, ReadOptions]]:
    """Maps that a table names, each with the options that its row says; a truth table will do.

    Parameters
    ----------
    path : path
        CSV with the column ``path`` (relative to the table) and any of those of
        `options_from_row`, one map a line.
    defaults : ReadOptions, optional
        What holds where a row says nothing.

    Raises
    ------
    ValueError
        If there is no such column, no row, a word that no option knows, or a column that looks like
        an option and is none.
    OSError
        If the table cannot be read.
    """
    table = Path(path)
    with table.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.DictReader(file)
        rows = list(lines)
    for name, meant in (("years", "span_years"), ("sign", "positive"), ("epsg", "crs")):
        if name in (lines.fieldnames or ()):
            raise ValueError(f"{table} has a column {name}, which nothing reads: call it {meant}")
    named = []
    for number, row in enumerate(rows, start=2):
        if not row.get("path"):
            raise ValueError(
                f"{table}, line {number}: no path: a table of maps has a column path, and what "
                "maps do not say in reader, quantity, unit, positive, crs, look, span_years"
            )
        try:
            said = {k: v for k, v in asdict(options_from_row(row)).items() if v is not None}
            named.append((table.parent / row["path"], replace(defaults or ReadOptions(), **said)))
        except ValueError as error:
            raise ValueError(f"{table}, line {number}: {error}") from error
    if not named:
        raise ValueError(f"{table} has no rows: a table of maps names one a line")
    return named


def options_from_row(row: Mapping[str, str]) -> ReadOptions:
    """Return what a truth table says of a map that the map itself does not say.

    Parameters
    ----------
    row : mapping of str to str
        Columns ``reader, quantity, unit, positive, crs, look, span_years`` (others are left
        alone). Empty or ``unknown`` says nothing; so does a `look` that only points to files
        beside the map.

    Returns
    -------
    ReadOptions

    Raises
    ------
    ValueError
        For a word that no option knows, or a span that is no number.

    Examples
    --------
    >>> options_from_row({"unit": "mm/yr", "look": "E.tif,N.tif,U.tif beside it", "crs": ""})
    ReadOptions(reader=None, quantity=None, unit='mm/yr', positive=None, crs=None, look=None, \
years=None, columns=None)
    """
    said = {key: value.strip() for key, value in row.items() if isinstance(value, str)}
    said = {key: value for key, value in said.items() if value not in ("", "unknown")}
    look = said.get("look")
    if look is not None and look.endswith("beside it"):
        look = None
    span = said.get("span_years")
    try:
        years = None if span is None else float(span)
    except ValueError as error:
        raise ValueError(
            f"span_years {span!r} is no number: write the time that the map spans, in years"
        ) from error
    return ReadOptions(
        reader=said.get("reader"),
        quantity=said.get("quantity"),
        unit=said.get("unit"),
        positive=said.get("positive"),
        crs=said.get("crs"),
        look=look,
        years=years,
        columns=said.get("columns"),
    )
