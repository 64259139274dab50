"""From points and cells to a raster: lattices, quadtree blocks, scattered points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["Lattice", "lattice_of", "paint", "place", "scatter_lattice"]

_FEWEST_FILLED: Final = 0.02
_LARGEST_LATTICE: Final = 64_000_000
_ROUNDING: Final = 0.25  # of a pixel; coordinates are printed to a few digits
_NEIGHBOURS: Final = 8
_FEW: Final = 0.005  # share of the points on either side that may not set the extent

Numbers = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Lattice:
    """Rows and columns for points.

    Parameters
    ----------
    shape : tuple of int
        Rows, columns.
    transform : Affine
        Pixel corner to coordinates, north-up.
    row, column : ndarray of int, shape (points,)
        The pixel of each point.
    """

    shape: tuple[int, int]
    transform: Affine
    row: Indices
    column: Indices


def lattice_of(east: Numbers, north: Numbers) -> Lattice | None:
    """Find the regular grid on which points lie.

    Parameters
    ----------
    east, north : ndarray of float64, shape (points,)
        Coordinates of pixel centres, any order, with gaps.

    Returns
    -------
    Lattice or None
        None where the points keep to no grid: more than a quarter of a pixel off, two points in one
        pixel, or under 2 % of the pixels filled.
    """
    steps = _step(east), _step(north)
    if not all(steps):
        return None
    column, row = (east - east.min()) / steps[0], (north.max() - north) / steps[1]
    shape = round(float(row.max())) + 1, round(float(column.max())) + 1
    off = max(np.abs(column - np.rint(column)).max(), np.abs(row - np.rint(row)).max())
    if off > _ROUNDING or east.size < _FEWEST_FILLED * shape[0] * shape[1]:
        return None
    rows, columns = np.rint(row).astype(np.intp), np.rint(column).astype(np.intp)
    if np.unique(rows * shape[1] + columns).size != east.size:
        return None
    west, top = east.min() - steps[0] / 2, north.max() + steps[1] / 2
    return Lattice(shape, Affine(steps[0], 0.0, west, 0.0, -steps[1], top), rows, columns)


def _step(values: Numbers) -> float:
    """Return the spacing of sorted coordinates, refined over their whole range; 0 for none."""
    gaps = np.diff(np.unique(values))
    if gaps.size == 0:
        return 0.0
    step = float(np.median(gaps[gaps > 1e-3 * gaps.max()]))
    span = float(values.max() - values.min())
    return span / max(1, round(span / step))


def scatter_lattice(east: Numbers, north: Numbers, *, geographic: bool) -> Lattice:
    """Lay a grid over scattered points, about one point to a pixel.

    Parameters
    ----------
    east, north : ndarray of float64, shape (points,)
        Coordinates, finite.
    geographic : bool
        True for degrees: pixels are then square on the ground at the middle latitude.

    Returns
    -------
    Lattice
        Pixel side: the larger of the median distance between nearest neighbours, which is the
        spacing of a lattice, and the side of a square that holds one point on average where points
        are usual, by the distance of their eighth neighbours.

    Raises
    ------
    ValueError
        If the points all lie in one place, or so far apart that the grid would not fit into memory.
    """
    stretch = float(np.cos(np.radians(0.5 * (north.min() + north.max())))) if geographic else 1.0
    points = np.unique(np.column_stack((east * stretch, north)), axis=0)
    if len(points) < 2:
        raise ValueError(
            f"the table has {len(points)} place with data: at least two different ones are needed; "
            "give the whole table"
        )
    sample = points[:: max(1, len(points) // 20_000)]
    count = min(_NEIGHBOURS, len(points) - 1)
    distance, _ = cKDTree(points).query(sample, k=count + 1)
    nearest, farthest = np.median(distance[:, [1, count]], axis=0)
    side = float(max(nearest, farthest * np.sqrt(np.pi / count)))
    width = side / stretch
    columns = int((east.max() - east.min()) / width) + 1
    rows = int((north.max() - north.min()) / side) + 1
    for axis, coordinate in (("east", points[:, 0] / stretch), ("north", points[:, 1])):
        low, high = np.quantile(coordinate, [_FEW, 1 - _FEW])
        away = np.abs(coordinate - 0.5 * (low + high)) > 3 * (high - low) + 10 * side
        if away.any():
            raise ValueError(
                f"{away.sum()} of {len(points)} points lie far from all others ({axis} "
                f"{coordinate[away][0]:g}, the others {low:g} to {high:g}): mend or remove them"
            )
    if rows * columns > _LARGEST_LATTICE:
        raise ValueError(
            f"{len(points)} points {side:g} apart over {rows} x {columns} pixels make a grid of "
            "more than 64 million: are there stray points? cut the table to one region"
        )
    column = ((east - east.min()) / width).astype(np.intp)
    row = ((north.max() - north) / side).astype(np.intp)
    transform = Affine(width, 0.0, float(east.min()), 0.0, -side, float(north.max()))
    return Lattice((rows, columns), transform, row, column)


def place(lattice: Lattice, values: Numbers) -> NDArray[np.float32]:
    """Put the mean of the points in each pixel.

    Parameters
    ----------
    lattice : Lattice
        Where the points go.
    values : ndarray of float64, shape (points,)
        NaN is missing.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        NaN where there is no point.
    """
    valid = np.isfinite(values)
    flat = lattice.row[valid] * lattice.shape[1] + lattice.column[valid]
    size = lattice.shape[0] * lattice.shape[1]
    count = np.bincount(flat, minlength=size)
    total = np.bincount(flat, weights=values[valid], minlength=size)
    mean = np.full(size, np.nan, dtype=np.float32)
    np.divide(total, count, out=mean, where=count > 0, casting="unsafe")
    return mean.reshape(lattice.shape)


def paint(
    values: Numbers, blocks: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Paint quadtree cells over their blocks of rows and columns.

    Parameters
    ----------
    values : ndarray of float64, shape (cells,)
        One value a cell.
    blocks : ndarray of int, shape (cells, 4)
        First row, last row, first column, last column; last exclusive; row 0 is north.
    shape : tuple of int
        Rows, columns.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        NaN between the cells. A cell stands for its whole block, also where its data lie to one
        side of it (a coast, a masked slope).
    """
    painted = np.full(shape, np.nan, dtype=np.float32)
    for value, (top, bottom, left, right) in zip(values, blocks, strict=True):
        painted[top:bottom, left:right] = value
    return painted
