"""Relief for a map: elevation models in SRTM tiles or any common raster, on the map's own grid.

Tiles of one lattice are put together before they are resampled, so that nothing shows where they
meet. Heights are taken as they stand in the file (above the geoid or the ellipsoid): relief is what
is wanted, not a datum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.fill import fillnodata
from scipy import ndimage

from bradyseism.maps.readers.dem_tiles import Tile, find_tiles
from bradyseism.maps.readers.raw import LARGEST_WHOLE
from bradyseism.maps.resampling import resample
from bradyseism.maps.velocity_map import Grid

__all__ = ["Relief", "UncoveredError", "draw_relief", "read_dem"]

LEAST_COVERED: Final = 0.95
"""Share of a map that heights must cover; the rest may be small voids."""

WIDEST_VOID: Final = 12
"""Pixels from the border of a void, at most, up to which it is filled."""

_MARGIN: Final = 4  # pixels of the model around the map
_TRIALS: Final = 200


class UncoveredError(ValueError):
    """An elevation model that leaves out too much of a map."""


@dataclass(frozen=True, eq=False)
class Relief:
    """Elevation on the grid of a map.

    Parameters
    ----------
    elevation : array of float32, shape (rows, columns)
        Metres, finite.
    filled : array of bool, shape (rows, columns)
        True where the model had no height and one was put in.
    grid : Grid
        That of the map.
    files : tuple of str
        Every file that was read.
    notes : tuple of str
        What was done, for people.
    """

    elevation: NDArray[np.float32]
    filled: NDArray[np.bool_]
    grid: Grid
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_dem(
    path: str | Path,
    grid: Grid,
    *,
    outside: float | None = None,
    where: NDArray[np.bool_] | None = None,
) -> Relief:
    """Elevation on the grid of a map.

    Heights are bilinear where the map is about as fine as the model, and means by area where it is
    coarser. Voids get the mean of the heights around them, weighted by inverse distance, up to
    `WIDEST_VOID` pixels of the map from the nearest height; larger ones count as not covered.

    Parameters
    ----------
    path : str or Path
        As for `find_tiles`.
    grid : Grid
        Of the map; in any CRS, across the dateline too.
    outside : float, optional
        Height (m) of ground that no tile covers, such as 0 where tiles of the open sea are left
        out. Default: such ground is an error.
    where : array of bool, shape of the grid, optional
        Pixels whose height is asked for; where there is none elsewhere, the nearest is put in.
        Default: all.

    Returns
    -------
    Relief
        Complete.

    Raises
    ------
    UncoveredError
        If the model covers less than `LEAST_COVERED` of the map, or its voids are too wide to be
        filled.
    ValueError
        As for `find_tiles`.
    OSError
        As for `find_tiles`.
    """
    tiles = find_tiles(path)
    elevation = np.full(grid.shape, np.nan, dtype=np.float32)
    files: list[str] = []
    for lattice in _lattices(tiles):
        near = [tile for tile in lattice if _window(tile.grid, grid, _MARGIN) is not None]
        if not near or np.isfinite(elevation).all():
            continue
        heights = _resampled(near, grid)
        elevation = np.where(np.isfinite(elevation), elevation, heights)
        files += [str(tile.path) for tile in near]
    if outside is not None:
        elevation[~_within(tiles, grid)] = outside
    unknown = np.isnan(elevation)
    if where is not None and not unknown.all():
        nearest = ndimage.distance_transform_edt(
            unknown, return_distances=False, return_indices=True
        )
        elevation = np.where(where, elevation, elevation[tuple(nearest)])
    needed = np.ones(grid.shape, dtype=bool) if where is None else where
    relief = Relief(elevation, np.isnan(elevation), grid, tuple(files))
    return _complete(relief, path, float(unknown[needed].mean()))


def draw_relief(
    path: str | Path, shape: tuple[int, int], pixel_size: float, rng: np.random.Generator
) -> Relief:
    """Relief of a metric grid around a random place that the model covers.

    Parameters
    ----------
    path : str or Path
        As for `find_tiles`.
    shape : (rows, columns)
        Pixels of the grid.
    pixel_size : float
        In metres.
    rng : numpy.random.Generator
        Source of randomness: tiles are drawn with equal chance, places evenly in degrees.

    Returns
    -------
    Relief
        Complete, on an azimuthal equidistant grid about the place.

    Raises
    ------
    UncoveredError
        If none of 200 places is covered.
    ValueError, OSError
        As for `read_dem`.
    """
    tiles = find_tiles(path)
    for _ in range(_TRIALS):
        grid = tiles[int(rng.integers(len(tiles)))].grid
        row, column = rng.uniform(-0.5, np.array(grid.shape) - 0.5)
        longitude, latitude = (float(value) for value in grid.longitude_latitude(row, column))
        window = Grid.around(longitude, latitude, shape, pixel_size=pixel_size)
        if not _encloses(tiles, window):
            continue
        try:
            return read_dem(path, window)
        except UncoveredError:
            continue  # the sea, or wide voids
    raise UncoveredError(
        f"elevation model {path} covers no window of {shape[0]} x {shape[1]} pixels of "
        f"{pixel_size:g} m in {_TRIALS} trials: give more tiles that touch, or ask for smaller maps"
    )


def _encloses(tiles: Sequence[Tile], window: Grid) -> bool:
    """Whether each point of the border of a window lies in some tile."""
    ring = np.array(window.footprint())
    return bool(_inside(tiles, (ring[:, 0], ring[:, 1])).all())


def _complete(relief: Relief, path: str | Path, missing: float) -> Relief:
    """Fill small voids; refuse a model that leaves out more than a share of what is asked for."""
    covered = 1.0 - missing
    if covered < LEAST_COVERED:
        raise UncoveredError(
            f"elevation model {path} covers {covered:.1%} of the map, less than "
            f"{LEAST_COVERED:.0%}: give the tiles that are missing (or, in Python, the height "
            "`outside` of them, 0 for the sea), or cut the map"
        )
    if covered == 1.0:
        return relief
    known = ~relief.filled
    heights = np.where(known, relief.elevation, 0.0).astype(np.float32)
    heights = fillnodata(heights, mask=known, max_search_distance=float(WIDEST_VOID))
    # The same fill of ones tells how far it reached: beyond, the zeros stay.
    probe = np.where(known, np.float32(1.0), np.float32(0.0))
    reached = fillnodata(probe, mask=known, max_search_distance=float(WIDEST_VOID)) > 0.5
    if not reached.all():
        raise UncoveredError(
            f"elevation model {path} has voids wider than {WIDEST_VOID} pixels from their border "
            f"({int((~reached).sum())} pixels of the map): fill them (gdal_fillnodata), or give "
            "another model"
        )
    note = (
        f"{int(relief.filled.sum())} pixels without a height ({1 - covered:.2%}) were filled from "
        "those around them, weighted by inverse distance"
    )
    return replace(relief, elevation=heights, notes=(*relief.notes, note))


def _lattices(tiles: Iterable[Tile]) -> list[list[Tile]]:
    """Tiles of the same CRS whose pixels continue each other, the finest first."""
    lattices: list[list[Tile]] = []
    for tile in tiles:
        for lattice in lattices:
            if _continues(lattice[0].grid, tile.grid):
                lattice.append(tile)
                break
        else:
            lattices.append([tile])
    return sorted(lattices, key=lambda lattice: lattice[0].grid.pixel_size)


def _continues(one: Grid, other: Grid) -> bool:
    if one.crs != other.crs:
        return False
    a, b = one.transform, other.transform
    if not (math.isclose(a.a, b.a, rel_tol=1e-7) and math.isclose(a.e, b.e, rel_tol=1e-7)):
        return False
    return all(abs(x - round(x)) < 0.01 for x in ((b.c - a.c) / a.a, (b.f - a.f) / a.e))


def _window(
    model: Grid, grid: Grid, margin: int, *, anywhere: bool = False
) -> tuple[int, int, int, int] | None:
    """Rows and columns (first and last, exclusive) of a model's lattice under a map.

    None if they lie outside the model, unless `anywhere`.
    """
    ring = np.array(grid.footprint())
    row, column = model.row_column(ring[:, 0], ring[:, 1])
    if model.crs.is_geographic:
        # A ring across the seam opposite of the model must stay in one piece.
        column = np.unwrap(column, period=360.0 / model.transform.a)
    if not (np.isfinite(row).all() and np.isfinite(column).all()):
        return None
    top, left = math.floor(row.min()) - margin, math.floor(column.min()) - margin
    bottom, right = math.ceil(row.max()) + margin + 1, math.ceil(column.max()) + margin + 1
    inside = bottom > 0 and right > 0 and top < model.shape[0] and left < model.shape[1]
    return (top, bottom, left, right) if inside or anywhere else None


def _resampled(tiles: Sequence[Tile], grid: Grid) -> NDArray[np.float32]:
    """Heights of one lattice on a grid, in parts that fit into memory; NaN where there are none."""
    model = tiles[0].grid
    window = _window(model, grid, _MARGIN, anywhere=True)
    if window is None:
        return np.full(grid.shape, np.nan, dtype=np.float32)
    top, bottom, left, right = window
    if (bottom - top) * (right - left) > LARGEST_WHOLE and grid.shape[0] > 1:
        half, columns = grid.shape[0] // 2, grid.shape[1]
        below = grid.transform * Affine.translation(0, half)
        upper = Grid((half, columns), grid.transform, grid.crs)
        lower = Grid((grid.shape[0] - half, columns), below, grid.crs)
        return np.concatenate([_resampled(tiles, upper), _resampled(tiles, lower)])
    heights = _together(tiles, window)

    def locate(
        row: NDArray[np.float64], column: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels of the tile under those of the grid."""
        down, along = model.row_column(*grid.longitude_latitude(row, column))
        return down - top, along - left

    return resample([heights], grid.shape, locate)[0]


def _together(tiles: Sequence[Tile], window: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Heights of a window of the first tile's lattice, out of all tiles; the first to know wins."""
    model = tiles[0].grid
    top, bottom, left, right = window
    heights = np.full((bottom - top, right - left), np.nan, dtype=np.float32)
    for tile in tiles:
        down = round((tile.grid.transform.f - model.transform.f) / model.transform.e)
        east = tile.grid.transform.c - model.transform.c
        if model.crs.is_geographic:
            east -= 360.0 * round(east / 360.0)
        along = round(east / model.transform.a)
        rows, columns = tile.grid.shape
        first = (max(top - down, 0), max(left - along, 0))
        last = (min(bottom - down, rows), min(right - along, columns))
        if first[0] >= last[0] or first[1] >= last[1]:
            continue
        part = heights[
            first[0] + down - top : last[0] + down - top,
            first[1] + along - left : last[1] + along - left,
        ]
        np.copyto(part, tile.read(first, last), where=np.isnan(part))
    return heights


def _within(tiles: Iterable[Tile], grid: Grid) -> NDArray[np.bool_]:
    """Pixels of a grid that lie in any tile."""
    row, column = np.ogrid[: grid.shape[0], : grid.shape[1]]
    return _inside(tiles, grid.longitude_latitude(row, column))


def _inside(
    tiles: Iterable[Tile], place: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> NDArray[np.bool_]:
    """Which longitudes and latitudes lie in any tile."""
    inside = np.zeros(place[0].shape, dtype=bool)
    for tile in tiles:
        down, along = tile.grid.row_column(*place)
        rows, columns = tile.grid.shape
        inside |= (down >= -0.5) & (down < rows - 0.5) & (along >= -0.5) & (along < columns - 0.5)
    return inside
