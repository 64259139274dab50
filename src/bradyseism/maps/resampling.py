"""Masked resampling of arrays onto other pixels: bilinear when finer, mean by area when coarser."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

# Up to this width of a target pixel, in source pixels, bilinear is as good as a mean by area.
BILINEAR_WIDTH = 1.25
# Least share of a coarse pixel that must hold data. A quarter keeps maps with scattered gaps alive
# and lets a straight border grow by no more than a quarter of a pixel.
LEAST_COVER = 0.25

_LATTICE_STEP = 8  # pixels between exactly located points
_BLOCK_ROWS = 64  # bounds the memory for positions
_OUTSIDE = -1e12  # stands for points that cannot be located: NaN would spread to every pixel

Locate = Callable[
    [NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]
]

_Split = tuple[NDArray[np.intp], NDArray[np.float64]]  # whole part, fraction
_Complex = TypeVar("_Complex", np.complex64, np.complex128)


def resample(
    arrays: Sequence[NDArray[np.floating]], shape: tuple[int, int], locate: Locate
) -> list[NDArray[np.float32]]:
    """Bring arrays of one grid onto the pixels of another.

    Where target pixels are wider than 1.25 source pixels, each gets the mean of the data under it,
    weighted by area. Otherwise values are bilinear between the pixel centres, missing neighbours
    left out, and a target is valid where the source pixel under its centre is.

    Parameters
    ----------
    arrays : sequence of (rows, columns) arrays
        Any unit, equal shapes; NaN is missing.
    shape : (rows, columns)
        Of the target.
    locate : callable
        Takes fractional rows and columns of the target (broadcast together) and returns the
        fractional row and column in the source, whole numbers being pixel centres; not finite
        where there is none. Called for every eighth pixel; positions are linear in between.

    Returns
    -------
    list of float32 arrays of the target shape
        NaN outside the source, where the source is missing and (mean) where less than a quarter of
        the target pixel holds data.
    """
    lattice = _lattice(shape, locate)
    if lattice.widest_at(arrays[0].shape) <= BILINEAR_WIDTH:
        return [_bilinear(array, lattice) for array in arrays]
    return [_average(array, lattice) for array in arrays]


@dataclass(frozen=True, eq=False)
class _Lattice:
    """Positions of a target in its source: exact at nodes, bilinear in between."""

    shape: tuple[int, int]
    position: NDArray[np.float64]  # (2, nodes down, nodes along): row and column
    extent: NDArray[np.float64]  # (2, nodes down, nodes along): height and width of a target pixel
    down: _Split  # (rows,) node above each row, and how far below it that lies
    along: _Split  # (columns,) node before each column

    def widest_at(self, source_shape: tuple[int, ...]) -> float:
        """Height or width of a target pixel, whichever is more, near the centre of the source."""
        centre = (np.array(source_shape) - 1.0).reshape(2, 1, 1) / 2
        nearest = np.argmin(np.sum((self.position - centre) ** 2, axis=0))
        return float(self.extent.reshape(2, -1)[:, nearest].max())

    def blocks(self, field: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Interpolated (2, block rows, columns) parts of a (2, nodes down, nodes along) field."""
        # No product of matrices, whose threads would go on spinning beside those of the network.
        column, right = self.along
        wide = field[:, :, column] + (field[:, :, column + 1] - field[:, :, column]) * right
        found = []
        for start in range(0, self.shape[0], _BLOCK_ROWS):
            row, below = (part[start : start + _BLOCK_ROWS] for part in self.down)
            found.append(wide[:, row] + (wide[:, row + 1] - wide[:, row]) * below[:, np.newaxis])
        return found


def _lattice(shape: tuple[int, int], locate: Locate) -> _Lattice:
    nodes = [
        np.linspace(0.0, max(length - 1, 1), max(2, math.ceil((length - 1) / _LATTICE_STEP) + 1))
        for length in shape
    ]
    position = np.stack(locate(nodes[0][:, np.newaxis], nodes[1]))
    with np.errstate(invalid="ignore"):
        # Of a square pixel turned by any angle this is the box of equal spread.
        extent = np.stack([np.hypot(*np.gradient(field, *nodes)) for field in position])
    steps = [np.arange(one) / node[1] for node, one in zip(nodes, shape, strict=True)]
    before = [
        np.minimum(step.astype(np.intp), node.size - 2)
        for node, step in zip(nodes, steps, strict=True)
    ]
    down, along = ((whole, step - whole) for whole, step in zip(before, steps, strict=True))
    position = np.where(np.isfinite(position), position, _OUTSIDE)
    extent = np.where(np.isfinite(extent), extent, 1.0)
    return _Lattice(shape, position, extent, down, along)


def _bilinear(array: NDArray[np.floating], lattice: _Lattice) -> NDArray[np.float32]:
    valid = np.isfinite(array)
    # Real: value, imaginary: validity. The last row and column lie outside: never with a weight.
    table = np.zeros((array.shape[0] + 1, array.shape[1] + 1), dtype=np.complex64)
    table[:-1, :-1] = np.where(valid, array, 0.0) + 1j * valid
    result = np.empty(lattice.shape, dtype=np.float32)
    start = 0
    for row, column in lattice.blocks(lattice.position):
        nearest_row, nearest_column = np.floor(row + 0.5), np.floor(column + 0.5)
        inside = (nearest_row >= 0) & (nearest_row < array.shape[0])
        inside &= (nearest_column >= 0) & (nearest_column < array.shape[1])
        nearest = np.where(inside, nearest_row * array.shape[1] + nearest_column, 0.0)
        inside &= valid.ravel()[nearest.astype(np.intp)]
        sums = _looked_up(table, _split(row, array.shape[0]), _split(column, array.shape[1]))
        mean = np.full(inside.shape, np.nan, dtype=np.float32)
        np.divide(sums.real, sums.imag, out=mean, where=inside)
        result[start : start + len(mean)] = mean
        start += len(mean)
    return result


def _average(array: NDArray[np.floating], lattice: _Lattice) -> NDArray[np.float32]:
    valid = np.isfinite(array)
    offset = float(array[valid].mean(dtype=np.float64)) if valid.any() else 0.0
    # Deviations from the mean, so that long sums keep their digits.
    table = _summed(np.where(valid, array - offset, 0.0), valid)
    result = np.empty(lattice.shape, dtype=np.float32)
    start = 0
    extents = lattice.blocks(np.maximum(lattice.extent, 1.0))
    for position, extent in zip(lattice.blocks(lattice.position), extents, strict=True):
        low, high = position + 0.5 - extent / 2, position + 0.5 + extent / 2
        sums = _box_sum(table, low, high)
        # The tolerance takes exactly a quarter as covered in spite of rounding.
        covered = sums.imag >= (LEAST_COVER - 1e-9) * extent[0] * extent[1]
        mean = np.full(covered.shape, np.nan)
        np.divide(sums.real, sums.imag, out=mean, where=covered)
        result[start : start + len(mean)] = mean + offset
        start += len(mean)
    return result


def _summed(values: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.complex128]:
    """Summed-area table at pixel corners; it is bilinear inside a pixel, so that boxes are exact.

    Real: sum of the values, imaginary: number of valid pixels. The last row and column stand for
    those beyond the far corners and never get a weight.
    """
    rows, columns = values.shape
    table = np.zeros((rows + 2, columns + 2), dtype=np.complex128)
    np.cumsum(values, axis=1, out=table[1:-1, 1:-1].real)
    np.cumsum(valid, axis=1, dtype=np.float64, out=table[1:-1, 1:-1].imag)
    # Whole rows at a time: np.cumsum down the columns takes ten times as long.
    for index in range(2, rows + 1):
        table[index] += table[index - 1]
    return table


def _box_sum(
    table: NDArray[np.complex128], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Sums over boxes between fractional corners (2, m, n)."""
    rows, columns = table.shape[0] - 1, table.shape[1] - 1
    top, bottom = _split(low[0], rows), _split(high[0], rows)
    left, right = _split(low[1], columns), _split(high[1], columns)
    return (
        _looked_up(table, bottom, right)
        - _looked_up(table, top, right)
        - _looked_up(table, bottom, left)
        + _looked_up(table, top, left)
    )


def _split(position: NDArray[np.float64], length: int) -> _Split:
    """Whole and fractional part of positions, held between 0 and `length` - 1."""
    held = np.clip(position, 0.0, length - 1.0)
    whole = held.astype(np.intp)
    return whole, held - whole


def _looked_up(table: NDArray[_Complex], row: _Split, column: _Split) -> NDArray[_Complex]:
    """Bilinear values of a table at row + its fraction, column + its fraction."""
    flat, width = table.ravel(), table.shape[1]
    index = row[0] * width + column[0]
    upper: NDArray[_Complex] = flat[index]
    upper += (flat[index + 1] - upper) * column[1]
    lower = flat[index + width]
    lower += (flat[index + width + 1] - lower) * column[1]
    upper += (lower - upper) * row[1]
    return upper
