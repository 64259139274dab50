"""From the numbers of a file to metres a year toward the satellite: one way for every format.

A reader reports what its file says; options supply the rest. Nothing is assumed: a fact that
neither names is missing, and a map with a missing fact is refused by the name of the option.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from bradyseism.maps.oddities import oddities
from bradyseism.maps.readers.options import UNITS, ReadOptions, nominal_look, parse_crs
from bradyseism.maps.readers.raw import Fact, RawMap
from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap

__all__ = ["Resolved", "interpret", "metres_per_year", "resolve"]

T = TypeVar("T")
Look = NDArray[np.float32]

_MISSING: Final = {
    "unit": ("unit", "--unit m/yr|cm/yr|mm/yr|m|cm|mm"),
    "positive": ("sign", "--positive toward|away"),
    "crs": ("CRS", "--crs EPSG:..."),
    "years": ("time span", "--years YEARS"),
}
_SAME_YEARS: Final = 0.01  # relative; a span rounded to two digits says the same


@dataclass(frozen=True, eq=False)
class Resolved:
    """A raw map with file and options put together.

    Parameters
    ----------
    raw : RawMap
        North-up.
    quantity, unit, positive, crs, years, look : Fact, optional
        None where neither the file nor an option says it.
    notes : tuple of str
        The reader's notes and every contradiction between the file and an option.
    """

    raw: RawMap
    quantity: Fact[str] | None
    unit: Fact[str] | None
    positive: Fact[str] | None
    crs: Fact[CRS] | None
    years: Fact[float] | None
    look: Fact[Look] | None
    notes: tuple[str, ...]

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """What a velocity map cannot do without and nobody says, with the option for it."""
        return tuple(words for name, words in _MISSING.items() if getattr(self, name) is None)

    @property
    def grid(self) -> Grid | None:
        """The grid, or None while the CRS is missing."""
        if self.crs is None:
            return None
        rows, columns = self.raw.values.shape
        return Grid((rows, columns), self.raw.transform, self.crs.value)


def resolve(raw: RawMap, options: ReadOptions) -> Resolved:
    """Put what the file says and what the options say together.

    Parameters
    ----------
    raw : RawMap
        As the reader gave it, rows and columns in any order.
    options : ReadOptions
        An option wins over the file; where they differ a note says so.

    Returns
    -------
    Resolved
        North-up. A quantity that nobody names follows from the dimension of the unit.

    Raises
    ------
    ValueError
        If the grid is rotated, coordinates cannot be what the CRS says, or quantity and unit have
        different dimensions.
    """
    notes = list(raw.notes)
    raw = _north_up(raw, notes)
    unit = _choose("unit", raw.unit, options.unit, notes)
    quantity = _choose("quantity", raw.quantity, options.quantity, notes)
    if unit is not None:
        dimension = "velocity" if unit.value.endswith("/yr") else "displacement"
        if quantity is None:
            quantity = Fact(dimension, f"the unit ({unit.origin})")
        elif quantity.value != dimension:
            raise ValueError(
                f"unit {unit.value} ({unit.origin}) is that of a {dimension}, the quantity is "
                f"{quantity.value} ({quantity.origin}): pass --quantity {dimension} or another "
                "--unit"
            )
    crs_option = None if options.crs is None else parse_crs(options.crs)
    crs = _choose("crs", raw.crs, crs_option, notes)
    if crs is not None:
        _check_coordinates(raw, crs)
    years = _choose("years", raw.years, options.years, notes, _same_years)
    return Resolved(
        raw=raw,
        quantity=quantity,
        unit=unit,
        positive=_choose("positive", raw.positive, options.positive, notes),
        crs=crs,
        years=years,
        look=_choose_look(raw.look, options.look, notes),
        notes=tuple(notes),
    )


def interpret(raw: RawMap, options: ReadOptions, *, name: str, sha256: str = "") -> VelocityMap:
    """Turn a raw map into line-of-sight velocity.

    Parameters
    ----------
    raw : RawMap
        As the reader gave it.
    options : ReadOptions
        What the file does not say.
    name : str
        Name of the map.
    sha256 : str
        Hash of the files, for the provenance.

    Returns
    -------
    VelocityMap
        m/yr, positive toward the satellite, NaN missing, north-up.

    Raises
    ------
    ValueError
        If something is missing (the message names the option), the file contradicts itself, or the
        map holds fewer than two valid pixels.
    """
    resolved = resolve(raw, options)
    path = raw.files[0] if raw.files else name
    velocity, grid, years = metres_per_year(resolved), resolved.grid, resolved.years
    if velocity is None or grid is None or years is None:
        what = ", ".join(word for word, _ in resolved.missing)
        how = " ".join(option for _, option in resolved.missing)
        raise ValueError(f"{path} does not say its {what} and nothing is assumed: pass {how}")
    rows, columns = velocity.shape
    valid = int(np.isfinite(velocity).sum())
    if min(rows, columns) < 2:
        raise ValueError(
            f"{path} is a map of {rows} x {columns} pixels: at least 2 x 2 are needed to see a "
            "change from place to place"
        )
    if valid < 2:
        raise ValueError(
            f"{path} holds {valid} valid pixels of {velocity.size}: is the mask inverted or the "
            "no-data value wrong? give a map with data"
        )
    velocity_map = VelocityMap(
        velocity,
        grid,
        years.value,
        look=None if resolved.look is None else resolved.look.value,
        name=name,
    )
    warnings = oddities(velocity, years.value)
    provenance = Provenance(path, sha256, raw.reader, resolved.notes, warnings)
    return replace(velocity_map, provenance=provenance)


def metres_per_year(resolved: Resolved) -> NDArray[np.float32] | None:
    """Return the values as line-of-sight velocity.

    Parameters
    ----------
    resolved : Resolved
        With or without everything that is needed.

    Returns
    -------
    ndarray of float32, shape (rows, columns), or None
        m/yr, positive toward the satellite; None while unit, quantity, sign, or for a displacement
        the time span, are missing.
    """
    unit, quantity, positive = resolved.unit, resolved.quantity, resolved.positive
    if unit is None or quantity is None or positive is None:
        return None
    factor = UNITS[unit.value] * (1.0 if positive.value == "toward" else -1.0)
    if quantity.value == "displacement":
        if resolved.years is None:
            return None
        factor /= resolved.years.value
    return resolved.raw.values * np.float32(factor)


def _choose(
    name: str,
    file: Fact[T] | None,
    option: T | None,
    notes: list[str],
    same: Callable[[T, T], bool] = lambda one, other: one == other,
) -> Fact[T] | None:
    """Return the option's word, else the file's; note where they differ."""
    if option is None:
        return file
    if file is not None and same(file.value, option):
        return file
    if file is not None:
        notes.append(
            f"{name}: option --{name} {_shown(option)} was used against {_shown(file.value)} "
            f"from {file.origin}"
        )
    return Fact(option, f"option --{name}")


def _shown(value: object) -> str:
    """Return a fact's value in few words."""
    return value.to_string() if isinstance(value, CRS) else str(value)


def _same_years(one: float, other: float) -> bool:
    """Tell whether two spans agree to the digits people give."""
    return abs(one - other) <= _SAME_YEARS * other


def _choose_look(
    file: Fact[Look] | None, option: str | None, notes: list[str]
) -> Fact[Look] | None:
    """Return the look vectors; an orbit word that agrees with the file leaves the file's."""
    if option is None:
        return file
    given = nominal_look(option).astype(np.float32)
    if file is not None:
        bands = file.value.reshape(3, -1)
        mean = np.nanmean(bands, axis=1)
        if option in ("ascending", "descending") and np.sign(mean[0]) == np.sign(given[0]):
            return file
        east, north, up = mean
        notes.append(
            f"look: option --look {option} was used against ({east:.2f}, {north:.2f}, {up:.2f}) "
            f"from {file.origin}"
        )
    return Fact(given, f"option --look {option}")


def _north_up(raw: RawMap, notes: list[str]) -> RawMap:
    """Return the map with row 0 in the north and column 0 in the west."""
    t = raw.transform
    if t.b or t.d:
        raise ValueError(
            f"transform {tuple(t[:6])} is rotated: resample the map north-up first, for example "
            "with gdalwarp"
        )
    rows, columns = raw.values.shape
    values, look = raw.values, raw.look
    flips = [axis for axis, step in ((0, -t.e), (1, t.a)) if step < 0.0]
    if not flips:
        return raw
    for axis in flips:
        values = np.flip(values, axis)
        if look is not None and look.value.ndim == 3:
            look = Fact(np.flip(look.value, axis + 1), look.origin)
        notes.append(f"{('rows', 'columns')[axis]} ran {('northward', 'westward')[axis]}: flipped")
    left = t.c + (columns * t.a if 1 in flips else 0.0)
    top = t.f + (rows * t.e if 0 in flips else 0.0)
    upright = Affine(abs(t.a), 0.0, left, 0.0, -abs(t.e), top)
    kept = {name: getattr(raw, name) for name in raw.__dataclass_fields__}
    return RawMap(**{**kept, "values": values, "look": look, "transform": upright})


def _check_coordinates(raw: RawMap, crs: Fact[CRS]) -> None:
    """Refuse coordinates that cannot be degrees where the CRS says degrees, and the reverse."""
    rows, columns = raw.values.shape
    t = raw.transform
    west, east = t.c, t.c + columns * t.a
    north, south = t.f, t.f + rows * t.e
    in_degrees = max(abs(north), abs(south)) <= 91.0 and max(abs(west), abs(east)) <= 541.0
    if crs.value.is_geographic and not in_degrees:
        raise ValueError(
            f"coordinates {west:g}..{east:g}, {south:g}..{north:g} are no degrees, but the CRS is "
            f"{_shown(crs.value)} ({crs.origin}): are they metres, or latitude and longitude "
            "swapped? pass the right --crs"
        )
    if crs.value.is_projected and in_degrees and max(abs(t.a), abs(t.e)) < 0.5:
        raise ValueError(
            f"coordinates {west:g}..{east:g}, {south:g}..{north:g} look like degrees, but the CRS "
            f"is {_shown(crs.value)} ({crs.origin}): pass the right --crs"
        )
