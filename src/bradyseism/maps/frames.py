"""Cuts and frames around places, patches of frames, and back again (Beker et al., 2022)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from bradyseism.maps.velocity_map import Grid, VelocityMap

FRAME_SHAPE = (512, 512)
PIXEL_SIZE = 200.0  # m
PATCH_SIZE = 256  # pixels
PATCH_STEP = 64  # pixels
MOST_MISSING = 0.05  # share of a frame
METRES_PER_DEGREE = 111_000.0
"""Of latitude, a little short, so that a reach errs on the wide side."""

_MOST_POINTS = 256  # along a side of a map, whose ground is compared with that of another
_CUT_MARGIN = 8  # pixels of the map kept around a cut, so that averages at its border are whole


def frame_around(
    velocity_map: VelocityMap,
    longitude: float,
    latitude: float,
    shape: tuple[int, int] = FRAME_SHAPE,
    pixel_size: float = PIXEL_SIZE,
) -> VelocityMap:
    """Cut the part of a map around a point, on a metric grid centred there.

    Parameters
    ----------
    velocity_map : VelocityMap
        Any grid; resampled as `VelocityMap.resampled` says.
    longitude, latitude : float
        Centre in WGS84 degrees. With an even number of pixels it lies on the corner of four.
    shape : (rows, columns)
        Pixels of the frame, 512 x 512 in the paper.
    pixel_size : float
        In metres, 200 in the paper (a frame of 102.4 km).

    Returns
    -------
    VelocityMap
        NaN where the map has no data.

    Raises
    ------
    ValueError
        If the map has no data in the frame.
    """
    grid = Grid.around(longitude, latitude, shape, pixel_size=pixel_size)
    frame = velocity_map.resampled(grid)
    if not frame.valid.any():
        raise ValueError(
            f"map {velocity_map.name!r} has no data in the frame around longitude {longitude:g}, "
            f"latitude {latitude:g}: give a point inside the map, longitude first"
        )
    return frame


def patch_corners(
    shape: tuple[int, int], size: int = PATCH_SIZE, step: int = PATCH_STEP
) -> NDArray[np.intp]:
    """Upper left pixel (row, column) of every patch, (n, 2), row by row.

    Patches start every `step` pixels; where that leaves a border at the far sides uncovered, one
    more patch ends there. A 512 x 512 frame has 25 patches of 256 x 256 with a step of 64.

    Raises
    ------
    ValueError
        If size or step is not positive, or the array is smaller than a patch.

    Examples
    --------
    >>> patch_corners((512, 512)).shape
    (25, 2)
    """
    if size < 1 or step < 1:
        raise ValueError(f"patch size {size} and step {step} are not both positive: give pixels")
    if min(shape) < size:
        raise ValueError(
            f"array shape {shape} is smaller than a patch of {size} x {size} pixels: "
            "give a larger frame or a smaller patch size"
        )
    starts = [
        np.unique(np.append(np.arange(0, length - size + 1, step), length - size))
        for length in shape
    ]
    return np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, 2)


def patches_holding(
    points: NDArray[np.floating], corners: NDArray[np.intp], size: int = PATCH_SIZE, margin: int = 0
) -> NDArray[np.bool_]:
    """Which patches hold the pixel of any point, a margin (pixels) within their border left out.

    Parameters
    ----------
    points : array, shape (m, 2)
        Fractional row and column; centres of pixels are whole.
    corners : array, shape (n, 2)
        Of `patch_corners`.
    size, margin : int
        Pixels.

    Returns
    -------
    array of bool, shape (n,)
    """
    pixels = np.rint(np.asarray(points).reshape(-1, 1, 2))
    inside = (pixels >= corners + margin) & (pixels < corners + size - margin)
    return np.asarray(inside.all(axis=2).any(axis=0))


def patches(
    array: NDArray[np.floating], size: int = PATCH_SIZE, step: int = PATCH_STEP
) -> NDArray[np.floating]:
    """Patches of a (rows, columns) array, (n, size, size), in the order of `patch_corners`.

    Raises
    ------
    ValueError
        If the array is not 2-D or is smaller than a patch.
    """
    if array.ndim != 2:
        raise ValueError(f"array shape {array.shape} is not (rows, columns): give one map")
    rows, columns = array.shape
    corners = patch_corners((rows, columns), size, step)
    return np.stack([array[r : r + size, c : c + size] for r, c in corners])


def assembled(
    values: NDArray[np.floating],
    shape: tuple[int, int],
    size: int = PATCH_SIZE,
    step: int = PATCH_STEP,
) -> NDArray[np.float64]:
    """Put patches together again: at each pixel the mean of all patches over it.

    Parameters
    ----------
    values : (n,) or (n, size, size) array
        One value or one array for each patch, in the order of `patch_corners`. NaN is left out.
    shape : (rows, columns)
        Of the array that the patches were cut from.
    size, step : int
        As for the cutting.

    Returns
    -------
    (rows, columns) array
        NaN where no patch has a value.

    Raises
    ------
    ValueError
        If the number or size of the patches does not fit the shape.
    """
    corners = patch_corners(shape, size, step)
    if values.shape not in ((len(corners),), (len(corners), size, size)):
        raise ValueError(
            f"patch values of shape {values.shape} do not fit {len(corners)} patches of "
            f"{size} x {size} pixels: give the shape, size and step that they were cut with"
        )
    total, count = np.zeros(shape), np.zeros(shape)
    for (r, c), value in zip(corners, values, strict=True):
        known = np.isfinite(value)
        total[r : r + size, c : c + size] += np.where(known, value, 0.0)
        count[r : r + size, c : c + size] += known
    mean = np.full(shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def reach_around(grid: Grid, centre: tuple[float, float], half_width: float) -> tuple[slice, slice]:
    """Rows and columns that a square can touch, so that work does not grow with the whole map.

    Parameters
    ----------
    grid : Grid
        Of the map.
    centre : (longitude, latitude)
        Degrees.
    half_width : float
        Metres from the centre to the border of the square.

    Returns
    -------
    rows, columns : slice
        With a small margin; at least one pixel, the nearest one where the square lies outside.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    reach = math.sqrt(2.0) * half_width / METRES_PER_DEGREE
    latitude = np.clip(centre[1] + reach * np.sin(angles), -89.9, 89.9)
    longitude = centre[0] + reach * np.cos(angles) / np.cos(np.radians(latitude))
    spans = []
    for place, length in zip(grid.row_column(longitude, latitude), grid.shape, strict=True):
        start = int(np.clip(np.floor(place.min()) - _CUT_MARGIN, 0, length - 1))
        stop = int(np.clip(np.ceil(place.max()) + _CUT_MARGIN + 1, start + 1, length))
        spans.append(slice(start, stop))
    return spans[0], spans[1]


def part_of(velocity_map: VelocityMap, rows: slice, columns: slice) -> VelocityMap:
    """Rows and columns of a map as a map on its own pixels, without provenance."""
    grid, look = velocity_map.grid, velocity_map.look
    velocity = velocity_map.velocity[rows, columns]
    t = grid.transform
    corner = t.c + t.a * columns.start, t.f + t.e * rows.start
    transform = Affine(t.a, 0.0, corner[0], 0.0, t.e, corner[1])
    return VelocityMap(
        velocity,
        Grid((velocity.shape[0], velocity.shape[1]), transform, grid.crs),
        velocity_map.years,
        look=look if look is None or look.ndim == 1 else look[:, rows, columns],
        name=velocity_map.name,
    )


def ground_blocks(maps: Sequence[VelocityMap], side: float) -> NDArray[np.int64]:
    """Number of the block of ground, `side` metres wide, in which each map has its centre.

    Windows that overlap, or show one ground from two tracks, count so as few places and not as
    many.

    Parameters
    ----------
    maps : sequence of VelocityMap
        Windows of about one size.
    side : float
        Metres, positive.

    Returns
    -------
    array of int, shape (maps,)
        From 0 on, from south-west to north-east.
    """
    degree = 111_195.0
    east, north = np.array([one.grid.centre for one in maps]).T
    rows = np.floor(north * degree / side)
    columns = np.floor(east * degree * np.cos(np.radians(rows * side / degree)) / side)
    _, blocks = np.unique(np.stack([rows, columns]), axis=1, return_inverse=True)
    return np.asarray(blocks.ravel(), dtype=np.int64)


def share_ground(first: VelocityMap, second: VelocityMap) -> bool:
    """Whether data of one map lie on data of the other.

    Of maps of more than 256 pixels along a side only every second, third ... pixel is looked at.
    """
    return _lies_on(first, second) or _lies_on(second, first)


def mean_look(look: NDArray[np.floating] | None) -> NDArray[np.float64] | None:
    """Mean look vector (3,) of a map or a part of it; None where it is not known."""
    if look is None:
        return None
    vectors = look.reshape(3, -1)
    vectors = vectors[:, np.isfinite(vectors).all(axis=0)].astype(np.float64)
    if vectors.shape[1] == 0:
        return None
    mean = vectors.mean(axis=1)
    return np.asarray(mean / np.linalg.norm(mean))


def _lies_on(first: VelocityMap, second: VelocityMap) -> bool:
    step = max(1, max(first.grid.shape) // _MOST_POINTS)
    points = step * np.argwhere(first.valid[::step, ::step])
    place = second.grid.row_column(*first.grid.longitude_latitude(points[:, 0], points[:, 1]))
    pixels = np.rint(np.stack(place, axis=1))
    inside = ((pixels >= 0) & (pixels < second.grid.shape)).all(axis=1)
    row, column = pixels[inside].astype(np.intp).T
    return bool(second.valid[row, column].any())
