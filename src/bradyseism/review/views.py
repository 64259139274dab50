"""What the pictures show: thinned maps, cuts around a detection, profiles, wrapping cycles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from bradyseism.maps.frames import mean_look, part_of, reach_around
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.line_of_sight import SENTINEL1_WAVELENGTH

LONGEST_SIDE = 1200  # pixels of a thinned map
CROP_PIXELS = 161  # most pixels along a side of a cut
FRINGE = SENTINEL1_WAVELENGTH / 2
SHORTEST_CYCLE = FRINGE / 16  # 1.7 mm: below it, the noise of a map of years fills the picture
_PROFILE_BINS = 20


@dataclass(frozen=True, eq=False)
class Profile:
    """Values averaged over rings about a centre.

    Attributes
    ----------
    distance : ndarray, shape (n,)
        Mean radius of each ring in metres.
    mean, low, high : ndarray, shape (n,)
        Mean, 16th and 84th percentile in the unit of the values. NaN where a ring holds no data.
    """

    distance: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Crop:
    """Square north-up cut around a detection, on metres.

    Attributes
    ----------
    grid : Grid
        Local metric grid with the detection at its centre.
    velocity : ndarray, shape (n, n)
        LOS velocity in m/yr relative to `surroundings`, positive toward the satellite, NaN missing.
    probability : ndarray, shape (n, n)
        0 to 1, NaN where not observable.
    evidence : ndarray, shape (n, n)
        Grad-CAM, 0 to 1 (its largest value), NaN outside the window it explains.
    surroundings : float
        Median velocity of the outer part of the cut in m/yr, as the map has it.
    look : ndarray, shape (3,), or None
        Mean unit vector (east, north, up) from the ground to the satellite.
    """

    grid: Grid
    velocity: NDArray[np.float64]
    probability: NDArray[np.float64]
    evidence: NDArray[np.float64]
    surroundings: float
    look: NDArray[np.float64] | None

    @property
    def pixel_size(self) -> float:
        """Pixel size in metres."""
        return float(self.grid.transform.a)

    @property
    def half_width(self) -> float:
        """Distance from the centre to the border in metres."""
        return self.grid.shape[1] * self.pixel_size / 2

    def offsets(self, ring: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        """East and north of the detection in metres, shape (n, 2), of (longitude, latitude)."""
        points = np.asarray(ring, dtype=np.float64)
        row, column = self.grid.row_column(points[:, 0], points[:, 1])
        centre = (self.grid.shape[0] - 1) / 2
        return np.column_stack([column - centre, centre - row]) * self.pixel_size


def thinned(
    values: NDArray[np.floating], grid: Grid, *, longest_side: int = LONGEST_SIDE
) -> tuple[NDArray[np.float64], Grid]:
    """Average whole blocks of pixels until no side is longer than `longest_side`.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Any unit, NaN missing; missing pixels are left out of the averages.
    grid : Grid
        Grid of the values.
    longest_side : int
        Pixels, positive.

    Returns
    -------
    values : ndarray of float64
        NaN where a block holds no data.
    grid : Grid
        With pixels a whole number of times as large; the last row and column may reach beyond
        the map.
    """
    factor = math.ceil(max(values.shape) / longest_side)
    if factor == 1:
        return np.asarray(values, dtype=np.float64), grid
    rows, columns = (math.ceil(length / factor) for length in values.shape)
    padding = [(0, rows * factor - values.shape[0]), (0, columns * factor - values.shape[1])]
    padded = np.pad(np.asarray(values, dtype=np.float32), padding, constant_values=np.nan)
    blocks = padded.reshape(rows, factor, columns, factor)
    valid = np.isfinite(blocks)
    total = np.where(valid, blocks, 0.0).sum(axis=(1, 3), dtype=np.float64)
    count = valid.sum(axis=(1, 3))
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    t = grid.transform
    transform = Affine(t.a * factor, 0.0, t.c, 0.0, t.e * factor, t.f)
    return mean, Grid((rows, columns), transform, grid.crs)


def wrapping_cycle(signal: float) -> float:
    """Displacement of one colour cycle that shows a signal as at least one fringe, if it can.

    Parameters
    ----------
    signal : float
        Size of the cumulative displacement in metres, of either sign.

    Returns
    -------
    float
        In metres: half the Sentinel-1 wavelength for a signal of a fringe or more; otherwise halved
        until the signal fills a cycle, but no shorter than a sixteenth of it (1.7 mm).
    """
    cycle = FRINGE
    while cycle > abs(signal) and cycle > SHORTEST_CYCLE:
        cycle /= 2
    return cycle


def radial_profile(values: NDArray[np.floating], pixel_size: float) -> Profile:
    """Average over rings about the central pixel, out to the nearest border.

    Parameters
    ----------
    values : ndarray, shape (n, n)
        Any unit, NaN missing; the centre is at ((n - 1) / 2, (n - 1) / 2).
    pixel_size : float
        Metres.
    """
    distance = _distance(values.shape[0]) * pixel_size
    edges = np.linspace(0.0, values.shape[0] * pixel_size / 2, _PROFILE_BINS + 1)
    ring = np.digitize(distance, edges) - 1
    valid = np.isfinite(values)
    table = np.full((4, _PROFILE_BINS), np.nan)
    table[0] = (edges[:-1] + edges[1:]) / 2
    for index in range(_PROFILE_BINS):
        inside = values[valid & (ring == index)]
        if inside.size:
            table[1:, index] = inside.mean(), *np.percentile(inside, [16, 84])
    return Profile(*table)


def crop_around(
    velocity_map: VelocityMap,
    probability: NDArray[np.floating],
    centre: tuple[float, float],
    *,
    half_width: float,
    evidence: NDArray[np.floating],
    window: Sequence[tuple[float, float]],
) -> Crop:
    """Cut a square out of a map and bring all that is shown of it onto one metric grid.

    Parameters
    ----------
    velocity_map : VelocityMap
        The whole map.
    probability : ndarray, shape of the map
        0 to 1, NaN where not observable.
    centre : (longitude, latitude)
        Degrees.
    half_width : float
        Metres from the centre to the border, positive.
    evidence : ndarray, shape (h, w)
        Grad-CAM over the cells of one window, row 0 north.
    window : sequence of (longitude, latitude)
        Ring through the corners of that window.

    Raises
    ------
    ValueError
        If the probability does not have the shape of the map.
    """
    if probability.shape != velocity_map.grid.shape:
        raise ValueError(
            f"probability has shape {probability.shape} but the map {velocity_map.grid.shape}: "
            "bring it onto the grid of the map first"
        )
    size = max(2 * half_width / CROP_PIXELS, velocity_map.grid.pixel_size)
    side = 2 * math.floor(half_width / size) + 1  # odd: the centre lies on the centre of a pixel
    grid = Grid.around(*centre, (side, side), pixel_size=size)
    rows, columns = reach_around(velocity_map.grid, centre, half_width)
    part = part_of(velocity_map, rows, columns)
    velocity = part.resampled(grid).velocity.astype(np.float64)
    chance = part.with_velocity(probability[rows, columns]).resampled(grid)
    surroundings = _surroundings(velocity)
    return Crop(
        grid=grid,
        velocity=velocity - surroundings,
        probability=chance.velocity.astype(np.float64),
        evidence=_evidence_on(grid, evidence, window),
        surroundings=surroundings,
        look=mean_look(part.look),
    )


def _distance(side: int) -> NDArray[np.float64]:
    """Distance from the central pixel in pixels, shape (side, side)."""
    axis = np.arange(side) - (side - 1) / 2
    distance: NDArray[np.float64] = np.hypot(axis[:, np.newaxis], axis)
    return distance


def _surroundings(velocity: NDArray[np.floating]) -> float:
    """Median beyond two thirds of the half width; of everything where nothing is known there."""
    valid = np.isfinite(velocity)
    outer = valid & (_distance(velocity.shape[0]) > velocity.shape[0] / 3)
    chosen = velocity[outer if outer.any() else valid]
    return float(np.median(chosen)) if chosen.size else 0.0


def _evidence_on(
    grid: Grid, evidence: NDArray[np.floating], window: Sequence[tuple[float, float]]
) -> NDArray[np.float64]:
    """Bring the cells of a window onto a grid that may be turned a little against it."""
    ring = np.asarray(window, dtype=np.float64)
    row, column = grid.row_column(ring[:, 0], ring[:, 1])
    # The corners by their place in the picture, whatever the order and direction of the ring.
    northwest, northeast, southwest = (
        np.array([row[index], column[index]])
        for index in (np.argmin(row + column), np.argmax(column - row), np.argmax(row - column))
    )
    basis = np.column_stack([southwest - northwest, northeast - northwest])
    pixels = np.indices(grid.shape).reshape(2, -1) - northwest[:, np.newaxis]
    place = np.linalg.solve(basis, pixels)  # 0 to 1, southward and eastward inside the window
    cells = place * np.array(evidence.shape)[:, np.newaxis] - 0.5
    largest = float(np.max(evidence, initial=0.0))
    scaled = np.asarray(evidence, dtype=np.float64) / (largest if largest > 0.0 else 1.0)
    values = map_coordinates(scaled, cells, order=1, mode="nearest")
    inside = ((place >= 0.0) & (place <= 1.0)).all(axis=0)
    return np.where(inside, values, np.nan).reshape(grid.shape)
