"""What a person may say about a map that its file does not say, and the words for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from bradyseism.physics.line_of_sight import look_vector

__all__ = [
    "QUANTITIES",
    "READERS",
    "SENSES",
    "UNITS",
    "ReadOptions",
    "nominal_look",
    "parse_crs",
    "parse_unit",
]

READERS: Final = ("geotiff", "licsbas", "mintpy", "points")
QUANTITIES: Final = ("velocity", "displacement")
SENSES: Final = ("toward", "away")
UNITS: Final = {"m/yr": 1.0, "cm/yr": 1e-2, "mm/yr": 1e-3, "m": 1.0, "cm": 1e-2, "mm": 1e-3}
"""Metres (or metres a year) in one of each unit."""

_LENGTHS: Final = {
    "m": "m", "meter": "m", "metre": "m", "meters": "m", "metres": "m",
    "cm": "cm", "centimeter": "cm", "centimetre": "cm", "centimeters": "cm", "centimetres": "cm",
    "mm": "mm", "millimeter": "mm", "millimetre": "mm", "millimeters": "mm", "millimetres": "mm",
}  # fmt: skip
_RATE: Final = re.compile(
    rf"({'|'.join(sorted(_LENGTHS, key=len, reverse=True))})"
    r"(?:\s*(?:/|[_ ]per[_ ]|_|-)\s*(?:years?|yr|y|a)|\s*(?:years?|yr))(?:\^?-1)?"
)
_RADIANS: Final = frozenset({"rad", "radian", "radians"})

# Sentinel-1 over the middle of its interferometric-wide swath; look angles given as a bare orbit
# word are good for the sense of the look, not for its third digit.
_NOMINAL_HEADING: Final = {"ascending": -12.0, "descending": -168.0}
_NOMINAL_INCIDENCE: Final = 39.0


@dataclass(frozen=True)
class ReadOptions:
    """What an option supplies where the file is silent (or, with a note, where it is wrong).

    Parameters
    ----------
    reader : str, optional
        ``geotiff``, ``licsbas``, ``mintpy`` or ``points``; None chooses by content.
    quantity : str, optional
        ``velocity`` or ``displacement`` (cumulative over `years`).
    unit : str, optional
        ``m/yr``, ``cm/yr``, ``mm/yr`` for a velocity; ``m``, ``cm``, ``mm`` for a displacement.
    positive : str, optional
        ``toward`` or ``away``: which line-of-sight motion has the plus sign.
    crs : str, optional
        Any text that PROJ understands, such as ``EPSG:4326``.
    look : str, optional
        ``ascending``, ``descending`` (nominal Sentinel-1 geometry) or ``east,north,up``, the unit
        vector from the ground to the satellite.
    years : float, optional
        Time that the map spans, in years, positive.
    columns : str, optional
        Columns of a point table as ``role=name`` or ``role=number`` (from 1), separated by commas:
        ``longitude=1,latitude=2,velocity=5``.

    Raises
    ------
    ValueError
        For a word, vector, CRS or number that is none of these.
    """

    reader: str | None = None
    quantity: str | None = None
    unit: str | None = None
    positive: str | None = None
    crs: str | None = None
    look: str | None = None
    years: float | None = None
    columns: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (
            ("reader", READERS),
            ("quantity", QUANTITIES),
            ("unit", tuple(UNITS)),
            ("positive", SENSES),
        ):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise ValueError(
                    f"{name} {value!r} is not known: pass --{name} with one of {', '.join(allowed)}"
                )
        if self.years is not None and not (np.isfinite(self.years) and 0.0 < self.years <= 100.0):
            raise ValueError(
                f"years {self.years:g} is outside 0-100: pass --years with the time that the map "
                "spans, in years"
            )
        if self.crs is not None:
            parse_crs(self.crs)
        if self.look is not None:
            nominal_look(self.look)


def parse_unit(text: str) -> str | None:
    """Return the canonical word for a unit as files write it.

    Parameters
    ----------
    text : str
        For example ``mm/year``, ``m yr-1``, ``metres``, ``radian``.

    Returns
    -------
    str or None
        A key of `UNITS`, ``"rad"``, or None where the text is no unit of motion.

    Examples
    --------
    >>> parse_unit("mm/year"), parse_unit("Metres"), parse_unit("radian"), parse_unit("dB")
    ('mm/yr', 'm', 'rad', None)
    """
    word = text.strip().lower().rstrip(".")
    if word in _RADIANS:
        return "rad"
    if word in _LENGTHS:
        return _LENGTHS[word]
    found = _RATE.fullmatch(word)
    return f"{_LENGTHS[found.group(1)]}/yr" if found else None


def parse_crs(text: str) -> CRS:
    """Return the horizontal coordinate reference system that a text names.

    Parameters
    ----------
    text : str
        Anything PROJ understands: an authority code, WKT, a PROJ string.

    Returns
    -------
    pyproj.CRS
        Geographic or projected.

    Raises
    ------
    ValueError
        If PROJ does not know it, or it is neither geographic nor projected.
    """
    try:
        crs = CRS.from_user_input(text)
    except CRSError as error:
        raise ValueError(
            f"crs {text!r} is not a coordinate reference system: pass --crs with a code such as "
            "EPSG:4326"
        ) from error
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    if not (crs.is_geographic or crs.is_projected):
        raise ValueError(
            f"crs {text!r} is neither geographic nor projected: pass --crs with a code such as "
            "EPSG:4326 or EPSG:32633"
        )
    return crs


def nominal_look(text: str) -> NDArray[np.float64]:
    """Return the look vector that the option ``--look`` names.

    Parameters
    ----------
    text : str
        ``ascending``, ``descending`` (Sentinel-1, right-looking, heading -12 or -168 degrees and
        incidence 39 degrees) or three numbers ``east,north,up``.

    Returns
    -------
    ndarray of float64, shape (3,)
        East, north, up; unit length; from the ground to the satellite.

    Raises
    ------
    ValueError
        If the text is neither, or the vector is not of unit length (1e-2) or points down.

    Examples
    --------
    >>> bool(nominal_look("ascending")[0] < 0 < nominal_look("descending")[0])
    True
    """
    if text in _NOMINAL_HEADING:
        return look_vector(_NOMINAL_HEADING[text], _NOMINAL_INCIDENCE)
    try:
        vector = np.array([float(part) for part in text.split(",")])
    except ValueError:
        vector = np.empty(0)
    if vector.shape != (3,) or not np.all(np.isfinite(vector)):
        raise ValueError(
            f"look {text!r} is not understood: pass --look ascending, --look descending or "
            "--look east,north,up (the unit vector from the ground to the satellite)"
        )
    length = float(np.linalg.norm(vector))
    if abs(length - 1.0) > 1e-2 or vector[2] <= 0.0:
        raise ValueError(
            f"look {text!r} has length {length:.3f} and up {vector[2]:g}: pass --look "
            "east,north,up of unit length from the ground to the satellite (up > 0)"
        )
    return vector / length
