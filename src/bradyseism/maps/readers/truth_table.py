"""Options from a row of a truth table."""

from __future__ import annotations

from collections.abc import Mapping

from bradyseism.maps.readers.options import ReadOptions

__all__ = ["options_from_row"]


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
