"""Which reader a path belongs to, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bradyseism.maps.readers import geotiff, hdf5, licsbas, mintpy, points
from bradyseism.maps.readers.files import first_bytes, hash_files, local_path
from bradyseism.maps.readers.inspection import Inspection, inspect_raw
from bradyseism.maps.readers.interpretation import interpret
from bradyseism.maps.readers.options import ReadOptions
from bradyseism.maps.readers.raw import RawMap
from bradyseism.maps.readers.table import looks_like_table
from bradyseism.maps.velocity_map import VelocityMap

__all__ = ["inspect_map", "open_map", "reader_of"]

_READERS: Final[Mapping[str, Callable[[Path, ReadOptions], RawMap]]] = MappingProxyType(
    {"geotiff": geotiff.read, "licsbas": licsbas.read, "mintpy": mintpy.read, "points": points.read}
)
_DEFAULT: Final = ReadOptions()


def open_map(path: str | Path, options: ReadOptions = _DEFAULT) -> VelocityMap:
    """Read a velocity map.

    Parameters
    ----------
    path : str or Path
        GeoTIFF, LiCSBAS folder, MintPy HDF5 or table of points, on this machine.
    options : ReadOptions
        What the file does not say.

    Returns
    -------
    VelocityMap
        m/yr, positive toward the satellite, north-up, NaN missing. More than 64 million pixels are
        averaged in blocks on reading, which the provenance notes.

    Raises
    ------
    ValueError
        If the file is no velocity map, or something is not known; the message names the option.
    OSError
        If it cannot be read.
    """
    place = local_path(path)
    with _named(place):
        raw = _read(place, options)
        return interpret(raw, options, name=_name(place), sha256=hash_files(raw.files))


def inspect_map(path: str | Path, options: ReadOptions = _DEFAULT) -> Inspection:
    """Say what is understood of a map and what is missing.

    Parameters
    ----------
    path : str or Path
        As for `open_map`.
    options : ReadOptions
        What the file does not say.

    Returns
    -------
    Inspection
        Missing facts are listed, not raised.

    Raises
    ------
    ValueError
        If the file is no velocity map at all.
    OSError
        If it cannot be read.
    """
    place = local_path(path)
    with _named(place):
        return inspect_raw(_read(place, options), options)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in an error that does not: of many maps nobody knows which is meant."""
    try:
        yield
    except ValueError as error:
        if path.name in str(error):
            raise
        raise ValueError(f"{path}: {error}") from error


def _read(path: Path, options: ReadOptions) -> RawMap:
    reader = options.reader or reader_of(path)
    if options.columns and reader != "points":
        raise ValueError(
            f"columns {options.columns!r} belong to a table of points, and {path} is read as "
            f"{reader}: leave out --columns, or pass --reader points"
        )
    return _READERS[reader](path, options)


def reader_of(path: Path) -> str:
    """Choose the reader by what lies at a path, not by its name.

    Parameters
    ----------
    path : Path
        A file or folder on this machine.

    Returns
    -------
    str
        ``geotiff``, ``licsbas``, ``mintpy`` or ``points``.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if path.is_dir():
        if licsbas.is_folder(path):
            return "licsbas"
        raise ValueError(
            f"{path} is a folder without {licsbas.VELOCITY} and {licsbas.PARAMETERS}: give a map "
            "file, or the TS_* folder of a LiCSBAS run"
        )
    head = first_bytes(path)
    if head.startswith(hdf5.SIGNATURE):
        return "mintpy"
    if head.startswith(geotiff.SIGNATURES):
        return "geotiff"
    if head.lstrip().startswith(b"<VRTDataset"):
        raise ValueError(
            f"{path} is a GDAL virtual raster (VRT), which may point anywhere: write the map "
            "itself with gdal_translate -of GTiff"
        )
    if looks_like_table(head):
        return "points"
    raise ValueError(
        f"{path} is no map that can be read (begins with {_beginning(head)}): give a GeoTIFF, a "
        "LiCSBAS folder, a MintPy HDF5 file, or a table of points (with --columns where its "
        "headings are missing or unusual)"
    )


def _beginning(head: bytes) -> str:
    """Show the first line of a text, or the first bytes of anything else."""
    line = head[:40].splitlines()[0] if head else b""
    text = line.decode("ascii", errors="replace")
    return repr(text) if text.isprintable() and "\ufffd" not in text else head[:8].hex(" ")


def _name(path: Path) -> str:
    """Return a name for people: the folder too where the file name says little."""
    stem = path.name.removesuffix(path.suffix).removesuffix(".geo")
    return f"{path.parent.name}_{stem}" if stem.lower() in ("vel", "velocity", "map") else stem
