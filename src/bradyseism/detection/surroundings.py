"""The ground around a place, reduced to some hundred block means and whitened by its own noise.

Block means of a map are correlated. Their covariance follows from the variogram of the ground
around, averaged over the area of both blocks; the inverse of its Cholesky factor makes their noise
white, and a plane is projected out: reference point and orbit are arbitrary. What is left is
compared by plain sums of squares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from bradyseism.maps.frames import mean_look, part_of, reach_around
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.variogram import empirical_variogram, without_plane
from bradyseism.physics.variogram_fit import fit

BLOCKS = 20
"""Blocks along a side, at most."""

PIXELS = 80
"""Pixels along a side before they are put together to blocks, at most."""

FEWEST_BLOCKS = 40
VERTICAL = (0.0, 0.0, 1.0)
_NOISE_PIXELS, _NOISE_BINS = 96, 12
_NARROWEST_NOISE = 15e3
_MOST_SUBCELLS = 5
_ROUNDING = 1e-6  # of the largest rate: what single precision leaves of a constant
_LEAST_NUGGET = 1e-4  # of the variance: keeps the covariance well conditioned

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cut:
    """Square metric cut of a map about a place.

    Parameters
    ----------
    velocity : array, shape (n, n)
        LOS velocity (m/yr), NaN missing.
    pixel_size : float
        Metres.
    look : array, shape (3,)
        Mean unit vector (east, north, up) from the ground to the satellite; vertical where the map
        does not tell it.
    look_known : bool
        Whether the map tells it.
    grid : Grid
        With the place at its centre.
    """

    velocity: Array
    pixel_size: float
    look: Array
    look_known: bool
    grid: Grid

    def axes(self) -> tuple[Array, Array]:
        """Easting and northing (m) of the pixel centres from the place, each (n, n)."""
        half = (self.velocity.shape[0] - 1) / 2
        along = (np.arange(self.velocity.shape[0]) - half) * self.pixel_size
        return np.broadcast_to(along, self.velocity.shape), np.broadcast_to(
            -along[:, None], self.velocity.shape
        )


def cut_around(
    velocity_map: VelocityMap, place: tuple[float, float], half_width: float, most_pixels: int
) -> Cut:
    """Cut a square out of a map.

    Parameters
    ----------
    velocity_map : VelocityMap
        The map.
    place : (longitude, latitude)
        Centre, degrees.
    half_width : float
        Metres from the centre to the border.
    most_pixels : int
        Along a side; pixels are no finer than the map's.
    """
    size = max(2 * half_width / most_pixels, velocity_map.grid.pixel_size)
    side = max(math.ceil(2 * half_width / size - 1e-6), 2)
    grid = Grid.around(*place, (side, side), pixel_size=size)
    part = part_of(velocity_map, *reach_around(velocity_map.grid, place, half_width))
    look = mean_look(part.look)
    return Cut(
        part.resampled(grid).velocity.astype(np.float64),
        size,
        np.array(VERTICAL) if look is None else look,
        look is not None,
        grid,
    )


@dataclass(frozen=True, eq=False)
class Blocks:
    """Block means around a place, with what makes their noise white.

    Parameters
    ----------
    easting, northing : array, shape (4, n)
        Points (m from the place) of each block whose mean stands for its own: Gauss's, about the
        mean place of its data.
    velocity : array, shape (n,)
        Mean LOS velocity (m/yr).
    look : array, shape (3,)
        As of the cut.
    whitener : array, shape (n, n)
        Makes block means white and free of a plane: the sum of squares of `whitener @ residual` is
        the misfit in units of the noise.
    noise : ExponentialModel
        Of the ground around, (m/yr)2 and m.
    member : array of int, shape of the cut
        Block of each pixel, -1 where it belongs to none.
    cut : Cut
        What the blocks were made of.
    """

    easting: Array
    northing: Array
    velocity: Array
    look: Array
    whitener: Array
    noise: ExponentialModel
    member: NDArray[np.int64]
    cut: Cut

    @property
    def half_width(self) -> float:
        """Metres from the place to the border."""
        return float(self.cut.velocity.shape[0] * self.cut.pixel_size / 2)

    def whitened(self, columns: Array) -> Array:
        """White, plane-free form of block values, (n,) or (n, k)."""
        return np.asarray(self.whitener @ columns)

    def mean_of(self, field: NDArray[np.floating]) -> Array:
        """Block means (n,) of a field on the pixels of the cut; missing data count as missing."""
        inside = self.member >= 0
        count = np.bincount(self.member[inside], minlength=self.velocity.size)
        total = np.bincount(
            self.member[inside], weights=field[inside], minlength=self.velocity.size
        )
        return np.asarray(total / count)


def reduce_to_blocks(cut: Cut, noise: ExponentialModel, noise_pixel: float) -> Blocks | None:
    """Block means of a cut, whitened by a noise model.

    Parameters
    ----------
    cut : Cut
        What to reduce.
    noise : ExponentialModel
        Of single pixels.
    noise_pixel : float
        Size (m) of the pixels that the nugget holds for.

    Returns
    -------
    Blocks or None
        None where fewer than `FEWEST_BLOCKS` blocks are at least half full.
    """
    side = cut.velocity.shape[0]
    wide = math.ceil(side / BLOCKS)
    count = math.ceil(side / wide)
    number = np.arange(side) // wide
    member = number[:, None] * count + number
    valid = np.isfinite(cut.velocity)
    filled = np.bincount(member[valid], minlength=count**2)
    full = np.bincount(member.ravel(), minlength=count**2)
    kept = np.flatnonzero(2 * filled >= full)
    if kept.size < FEWEST_BLOCKS:
        return None
    renumbered = np.full(count**2, -1)
    renumbered[kept] = np.arange(kept.size)
    member = np.where(valid, renumbered[member], -1)
    inside = member >= 0
    east, north, velocity = (
        np.bincount(member[inside], weights=field[inside]) / filled[kept]
        for field in (*cut.axes(), cut.velocity)
    )
    size = wide * cut.pixel_size
    away = size / math.sqrt(12.0)
    points_east = east + away * np.array([[-1.0], [1.0], [-1.0], [1.0]])
    points_north = north + away * np.array([[-1.0], [-1.0], [1.0], [1.0]])
    covariance = _block_covariance(noise, np.array(divmod(kept, count)), size, noise_pixel)
    pixels = filled[kept] * (cut.pixel_size / noise_pixel) ** 2
    nugget = noise.nugget / np.maximum(pixels, 1.0)
    floor = _LEAST_NUGGET * max(noise.variance, np.finfo(float).tiny)
    covariance[np.diag_indices_from(covariance)] += nugget + floor
    plane = np.column_stack([np.ones(kept.size), east / size, north / size])
    whitener = _without(_inverse_factor(covariance), plane)
    return Blocks(points_east, points_north, velocity, cut.look, whitener, noise, member, cut)


def _block_covariance(
    model: ExponentialModel, place: NDArray[np.int64], size: float, pixel: float
) -> Array:
    """Covariance of the means of square blocks (row and column, (2, n)) of one size (m).

    The model holds for means over pixels of their own size: a block is so many of them.
    """
    lags = np.abs(place[:, :, None] - place[:, None, :])
    cells = min(max(round(size / pixel), 1), _MOST_SUBCELLS)
    steps = np.arange(1 - cells, cells)
    weights = (cells - np.abs(steps)) / cells**2
    shifted = np.arange(int(lags.max()) + 1)[:, None] + steps / cells
    distance = size * np.hypot(shifted[:, None, :, None], shifted[None, :, None, :])
    # A nugget is not correlated: it is counted by the number of pixels.
    correlated = replace(model, nugget=0.0).covariance(distance)
    table = np.einsum("ijkl,k,l->ij", correlated, weights, weights)
    return np.asarray(table[lags[0], lags[1]])


def _inverse_factor(covariance: Array) -> Array:
    """Inverse of the lower Cholesky factor."""
    factor = linalg.cholesky(covariance, lower=True)
    return np.asarray(
        linalg.solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False)
    )


def _without(whitener: Array, columns: Array) -> Array:
    """The whitener, with what columns can explain projected out."""
    basis = np.linalg.qr(whitener @ columns)[0]
    return np.asarray(whitener - basis @ (basis.T @ whitener))


def noise_around(cut: Cut, hidden: NDArray[np.bool_] | None = None) -> ExponentialModel | None:
    """Exponential model, nugget included, of the variogram of a cut.

    Parameters
    ----------
    cut : Cut
        Without the signal, or with it hidden.
    hidden : array of bool, shape of the cut, optional
        True where the signal is.

    Returns
    -------
    ExponentialModel or None
        None where too little is left, or nothing varies.
    """
    values = cut.velocity if hidden is None else np.where(hidden, np.nan, cut.velocity)
    valid = np.isfinite(values)
    if valid.sum() < FEWEST_BLOCKS:
        return None
    rest = without_plane(values)
    variogram = empirical_variogram(rest, cut.pixel_size, estimator="resistant", bins=_NOISE_BINS)
    rounding = _ROUNDING * float(np.abs(values[valid]).max())
    if variogram.lag.size < 3 or not variogram.semivariance.max() > rounding**2:
        return None
    # Without the places of the pairs: intervals of the law are not asked for, and take longest.
    model = fit(replace(variogram, places=None)).model
    assert isinstance(model, ExponentialModel)
    return model


def noise_cut(velocity_map: VelocityMap, place: tuple[float, float], half_width: float) -> Cut:
    """Cut, twice as wide as the signal's own or 15 km to either side, that noise is taken from."""
    return cut_around(velocity_map, place, max(2 * half_width, _NARROWEST_NOISE), _NOISE_PIXELS)
