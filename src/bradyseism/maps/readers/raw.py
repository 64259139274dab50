"""What a reader hands over: numbers as they stand in the file, and what the file says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

__all__ = [
    "LARGEST_WHOLE",
    "Fact",
    "RawMap",
    "Rows",
    "coarser",
    "masked_rows",
    "read_reduced",
    "reduction_factor",
    "unit_look",
]

LARGEST_WHOLE: Final = 64_000_000
"""Pixels that are read at their own size; a larger map is averaged in blocks while it is read."""

_STRIP_PIXELS: Final = 4_000_000
_LARGEST_NUMBER: Final = 1e30  # fill values such as -3.4e38 that lost digits on the way to a tag

T = TypeVar("T")
Rows = Callable[[int, int], NDArray[np.float32]]
"""From (first, last) to the rows first <= row < last, all columns; NaN is missing."""


@dataclass(frozen=True, eq=False)
class Fact(Generic[T]):
    """A value and where it comes from.

    Parameters
    ----------
    value : object
        What is said.
    origin : str
        Who says it: ``tag UNIT``, ``attribute X_UNIT``, ``file name``, ``option --unit``.
    """

    value: T
    origin: str


@dataclass(frozen=True, eq=False)
class RawMap:
    """A raster in the unit, sign and row order of its file.

    Parameters
    ----------
    values : ndarray of float32, shape (rows, columns)
        Numbers as they stand in the file; NaN is missing.
    transform : Affine
        Column and row to CRS coordinates of the pixel corner.
    reader : str
        Name of the reader.
    registration : str
        How the file ties pixels to coordinates, in words.
    crs, quantity, unit, positive, years, look : Fact, optional
        What the file itself says; None where it is silent. `look` holds float32 of shape (3,) or
        (3, rows, columns), ground to satellite. `years` is a span in years.
    notes : tuple of str
        What was done to the numbers on the way.
    files : tuple of str
        Every file that was read, as paths; the first is the map.

    Raises
    ------
    ValueError
        If the values are not a matrix or the look vectors do not fit them.
    """

    values: NDArray[np.float32]
    transform: Affine
    reader: str
    registration: str
    crs: Fact[CRS] | None = None
    quantity: Fact[str] | None = None
    unit: Fact[str] | None = None
    positive: Fact[str] | None = None
    years: Fact[float] | None = None
    look: Fact[NDArray[np.float32]] | None = None
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2:
            raise ValueError(
                f"values of shape {self.values.shape} are not rows x columns: give one band"
            )
        if self.look is not None and self.look.value.shape not in ((3,), (3, *self.values.shape)):
            raise ValueError(
                f"look vectors of shape {self.look.value.shape} do not fit a map of shape "
                f"{self.values.shape}: give (3,) or (3, rows, columns)"
            )


def reduction_factor(shape: tuple[int, int]) -> int:
    """Return by how much a map is averaged so that it fits into memory.

    Parameters
    ----------
    shape : tuple of int
        Rows, columns.

    Returns
    -------
    int
        1 up to `LARGEST_WHOLE` pixels, otherwise the smallest factor that gets there.
    """
    return int(np.ceil(np.sqrt(max(1.0, shape[0] * shape[1] / LARGEST_WHOLE))))


def coarser(transform: Affine, factor: int) -> Affine:
    """Return the transform of a raster whose pixels are averaged in blocks.

    Parameters
    ----------
    transform : Affine
        Of the whole raster, pixel corner.
    factor : int
        Pixels of a block along each side.

    Returns
    -------
    Affine
        The same corner, steps `factor` times as long.
    """
    t = transform
    return Affine(t.a * factor, t.b * factor, t.c, t.d * factor, t.e * factor, t.f)


def masked_rows(rows: Rows, keep: Rows) -> Rows:
    """Lay a mask over rows while they are read.

    Parameters
    ----------
    rows, keep : callable
        Rows of the map and of a mask of the same shape, in which 1 keeps.

    Returns
    -------
    callable
        The rows with NaN wherever the mask is anything but 1.
    """
    return lambda first, last: np.where(
        keep(first, last) == 1.0, rows(first, last), np.float32(np.nan)
    )


def read_reduced(read_rows: Rows, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Read a raster strip by strip, averaging blocks of a large one.

    Parameters
    ----------
    read_rows : callable
        ``(first, last)`` to the rows first <= row < last, all columns, NaN missing.
    shape : tuple of int
        Rows, columns of the whole raster.

    Returns
    -------
    ndarray of float32, shape (ceil(rows / factor), ceil(columns / factor))
        Mean of the valid pixels of each block of `reduction_factor`; NaN where less than a quarter
        of the block is valid (the rule of `VelocityMap.resampled`).
        Infinite numbers and those beyond 1e30 count as missing.
    """
    rows, columns = shape
    factor = reduction_factor(shape)
    height = max(1, _STRIP_PIXELS // max(1, columns) // factor) * factor
    reduced = np.full((-(-rows // factor), -(-columns // factor)), np.nan, dtype=np.float32)
    for first in range(0, rows, height):
        strip = np.array(read_rows(first, min(first + height, rows)), dtype=np.float32)
        with np.errstate(invalid="ignore"):
            strip[~(np.abs(strip) < _LARGEST_NUMBER)] = np.nan
        start = first // factor
        block = strip if factor == 1 else _block_mean(strip, factor)
        reduced[start : start + block.shape[0]] = block
    return reduced


def _block_mean(strip: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return the mean over the valid pixels of each factor x factor block."""
    rows, columns = strip.shape
    padded = np.pad(
        strip, ((0, -rows % factor), (0, -columns % factor)), constant_values=np.float32(np.nan)
    )
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor)
    count = np.isfinite(blocks).sum(axis=(1, 3))
    total = np.nansum(blocks, axis=(1, 3), dtype=np.float64)
    mean = np.full(count.shape, np.nan, dtype=np.float32)
    np.divide(total, count, out=mean, where=4 * count >= factor**2, casting="unsafe")
    return mean


def unit_look(
    components: NDArray[np.float32], source: str
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Check look vectors and bring them to unit length, ground to satellite.

    Parameters
    ----------
    components : ndarray of float32, shape (3, rows, columns)
        East, north, up as a file gives them; NaN or an all-zero vector is missing.
    source : str
        The files, for the message.

    Returns
    -------
    look : ndarray of float32, shape (3, rows, columns)
        Unit vectors from the ground to the satellite; NaN missing.
    notes : tuple of str
        What was changed.

    Raises
    ------
    ValueError
        If no vector is valid, the typical length is not 1 within 2 %, or the signs of the upward
        components disagree.
    """
    length = np.sqrt(np.sum(components**2, axis=0, dtype=np.float32))
    valid = np.isfinite(length) & (length > 0.0)
    if not np.any(valid):
        raise ValueError(f"{source} holds no look vector: pass --look east,north,up instead")
    typical = float(np.median(length[valid]))
    if abs(typical - 1.0) > 0.02:
        raise ValueError(
            f"{source} holds look vectors of length {typical:.3f}, not 1: are they angles? "
            "pass --look east,north,up instead"
        )
    downward = float(np.mean(components[2][valid] < 0.0))
    if 0.0 < downward < 1.0:
        raise ValueError(
            f"{source}: {downward:.0%} of the look vectors point down and the others up: pass "
            "--look east,north,up instead"
        )
    sense = -1.0 if downward else 1.0
    look = np.full(components.shape, np.nan, dtype=np.float32)
    np.divide(np.float32(sense) * components, length, out=look, where=valid)
    note = f"{source}: vectors pointed from the satellite to the ground and were turned round"
    return look, (note,) if downward else ()
