"""What was understood of a map, said fact by fact with its origin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bradyseism.maps.oddities import oddities, too_fast
from bradyseism.maps.readers.interpretation import Resolved, metres_per_year, resolve
from bradyseism.maps.readers.options import ReadOptions
from bradyseism.maps.readers.raw import Fact, RawMap

__all__ = ["Inspection", "inspect_raw"]

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Inspection:
    """What a map says, what options say, and what nobody says.

    Parameters
    ----------
    facts : tuple of (name, value, origin)
        In words; value ``unknown`` with an empty origin where nobody says it.
    missing : tuple of (what, option)
        What `open_map` needs and the option that supplies it.
    notes : tuple of str
        What was done to the numbers and where options contradict the file.
    warnings : tuple of str
        What is odd about the rates, once they are known.
    """

    facts: tuple[tuple[str, str, str], ...]
    missing: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def inspect_raw(raw: RawMap, options: ReadOptions) -> Inspection:
    """Describe a raw map.

    Parameters
    ----------
    raw : RawMap
        As a reader gave it.
    options : ReadOptions
        What the file does not say.

    Returns
    -------
    Inspection

    Raises
    ------
    ValueError
        If the map contradicts itself; not for what is merely missing.
    """
    resolved = resolve(raw, options)
    rows, columns = resolved.raw.values.shape
    lacking = 1.0 - float(np.mean(np.isfinite(resolved.raw.values)))
    facts = (
        ("reader", raw.reader, raw.files[0] if raw.files else ""),
        _told("quantity", resolved.quantity),
        _told("unit", resolved.unit),
        _told("positive", resolved.positive),
        ("CRS", *_crs(resolved)),
        ("pixel size", *_pixel_size(resolved)),
        ("registration", raw.registration, raw.reader),
        ("look", *_look(resolved)),
        ("time span", *_years(resolved)),
        ("rows x columns", f"{rows} x {columns}", "the data"),
        ("missing share", f"{lacking:.1%}", "the data"),
        ("value range", *_range(resolved)),
    )
    empty = (("valid pixels", "another file: this one holds none"),) if lacking == 1.0 else ()
    velocity, years = metres_per_year(resolved), resolved.years
    warnings = oddities(velocity, years.value) if velocity is not None and years else ()
    missing = (*resolved.missing, *empty)
    if velocity is not None:
        complaint = too_fast(float(np.fmax.reduce(np.abs(velocity), axis=None, initial=0.0)))
        missing += (("rates that ground can have", complaint),) if complaint else ()
    return Inspection(facts, missing, resolved.notes, warnings)


def _told(name: str, fact: Fact[str] | None) -> tuple[str, str, str]:
    """Return a word and its origin."""
    return (name, fact.value, fact.origin) if fact else (name, _UNKNOWN, "")


def _crs(resolved: Resolved) -> tuple[str, str]:
    """Return name and code of the CRS."""
    if resolved.crs is None:
        return _UNKNOWN, ""
    crs = resolved.crs.value
    authority = crs.to_authority()
    code = f" ({':'.join(authority)})" if authority else ""
    return f"{crs.name}{code}", resolved.crs.origin


def _pixel_size(resolved: Resolved) -> tuple[str, str]:
    """Return the pixel size in metres, or in the file's unit while the CRS is missing."""
    grid = resolved.grid
    step = resolved.raw.transform
    in_file = f"{step.a:.6g} x {-step.e:.6g}"
    if grid is None:
        return f"{in_file} in an unknown unit", "the grid"
    unit = "degrees" if grid.crs.is_geographic else grid.crs.axis_info[0].unit_name
    return f"{grid.pixel_size:.1f} m ({in_file} {unit})", "the grid"


def _look(resolved: Resolved) -> tuple[str, str]:
    """Return the mean look vector and the orbit that it belongs to."""
    if resolved.look is None:
        return _UNKNOWN + " (optional: --look)", ""
    east, north, up = np.nanmean(resolved.look.value.reshape(3, -1), axis=1)
    orbit = "ascending" if east < 0.0 else "descending"
    sense = orbit if abs(east) > 0.1 and up < 0.99 and abs(up) > 0.1 else "not a line of sight"
    vector = f"east {east:+.3f}, north {north:+.3f}, up {up:+.3f}"
    return f"{vector} ({sense})", resolved.look.origin


def _years(resolved: Resolved) -> tuple[str, str]:
    """Return the time span."""
    if resolved.years is None:
        return _UNKNOWN, ""
    return f"{resolved.years.value:.2f} years", resolved.years.origin


def _range(resolved: Resolved) -> tuple[str, str]:
    """Return the 2nd and 98th percentile in mm/yr toward, or as they stand in the file."""
    velocity = metres_per_year(resolved)
    values = resolved.raw.values if velocity is None else velocity * 1000.0
    valid = values[np.isfinite(values)]
    if valid.size == 0:
        return "no valid pixel", "the data"
    low, high = np.percentile(valid, (2.0, 98.0))
    unit = "as in the file" if velocity is None else "mm/yr, + toward the satellite"
    return f"{low:.4g} to {high:.4g} {unit} (2-98 %)", "the data"
