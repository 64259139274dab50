"""Looks at every place of a map through an octave pyramid of half-overlapping windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.special import expit

from bradyseism.detection.pooling import by_level, pooled
from bradyseism.detection.runtime import Detector
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.samples.encoding import Encoding

# A window may be this many times as wide as the map, the rest of it being empty. A little over
# the octave, here and below, so that pixels of 199 or 201 m are treated alike.
WIDEST_WINDOW = 2.1
# How much finer than a map's own pixels a level may be: small maps need it to fill a window.
FINEST_UPSAMPLING = ((128, 4.2), (256, 2.1))
USUAL_UPSAMPLING = 1.42

# A place counts as seen where this share of the pixels within a tenth of the window holds data.
LEAST_VALID, NEIGHBOURHOOD = 0.25, 0.2

Pixels = NDArray[np.float64]

WINDOW_FIELDS = np.dtype(
    [
        ("pixel_size", "f8"),
        ("row", "i4"),
        ("column", "i4"),
        ("easting", "f8"),
        ("northing", "f8"),
        ("longitude", "f8"),
        ("latitude", "f8"),
        ("logit", "f8"),
        ("log_odds", "f8"),
        ("probability", "f8"),
        ("place_easting", "f8"),
        ("place_northing", "f8"),
    ]
)


@dataclass(frozen=True, eq=False)
class Level:
    """One octave of the pyramid.

    Parameters
    ----------
    values : array of float32, shape (rows, columns)
        What the encoding takes (velocity or displacement), NaN missing.
    grid : Grid
        Local metric grid of the level.
    """

    values: NDArray[np.float32]
    grid: Grid

    @property
    def pixel_size(self) -> float:
        """Pixel size (m)."""
        return self.grid.transform.a

    def position(self, row: ArrayLike, column: ArrayLike) -> tuple[Pixels, Pixels]:
        """Easting and northing (m) of fractional pixels (centres are integers)."""
        transform = self.grid.transform
        return (
            transform.c + transform.a * (np.asarray(column) + 0.5),
            transform.f + transform.e * (np.asarray(row) + 0.5),
        )

    def crop(self, row: int, column: int, size: int) -> NDArray[np.float32]:
        """Square window from a top-left pixel, NaN outside the level."""
        window = np.full((size, size), np.nan, dtype=np.float32)
        top, left = max(row, 0), max(column, 0)
        part = self.values[top : max(row + size, 0), left : max(column + size, 0)]
        window[
            top - row : top - row + part.shape[0], left - column : left - column + part.shape[1]
        ] = part
        return window


def covered(level: Level, size: int) -> NDArray[np.bool_]:
    """Pixels of a level around which enough holds data for windows of a size to see anything."""
    around = max(round(NEIGHBOURHOOD * size), 1)
    known = np.isfinite(level.values).astype(np.float32)
    share = ndimage.uniform_filter(known, around, mode="constant")
    return np.asarray(share >= LEAST_VALID)


@dataclass(frozen=True, eq=False)
class Scan:
    """All windows of a map.

    Parameters
    ----------
    levels : tuple of Level
        Fine to coarse.
    windows : structured array of `WINDOW_FIELDS`
        Observable windows: top-left pixel on their level, centre, where the source would be
        (easting, northing in the local projection of the levels), the network's logit, and what
        all windows say of that place: log-odds and probability at the prior.
    place : array of float32, shape (n, cells, cells)
        Probability over cells of each window.
    """

    levels: tuple[Level, ...]
    windows: NDArray[Any]
    place: NDArray[np.float32]


def scan(velocity_map: VelocityMap, detector: Detector) -> Scan:
    """Judge every observable window of a map, and the place it points to.

    Parameters
    ----------
    velocity_map : VelocityMap
        Any grid; it is brought to the detector's pixel sizes in a local metric projection.
    detector : Detector
        A trained detector.

    Returns
    -------
    Scan
        With no windows where nothing is observable.
    """
    levels = pyramid(velocity_map, detector.encoding)
    parts = [part for level in levels if len((part := _scan_level(level, detector))[0])]
    if not parts:
        return Scan(levels, np.zeros(0, WINDOW_FIELDS), np.zeros((0, 1, 1), np.float32))
    windows, place = (np.concatenate(column) for column in zip(*parts, strict=True))
    grid = levels[0].grid
    column = (windows["easting"] - grid.transform.c) / grid.transform.a - 0.5
    row = (windows["northing"] - grid.transform.f) / grid.transform.e - 0.5
    windows["longitude"], windows["latitude"] = grid.longitude_latitude(row, column)
    calibration = detector.calibration
    evidence = by_level(windows, calibration.balanced(windows["logit"]), detector.encoding.size)
    windows["log_odds"] = pooled(detector.card, "scanned", evidence, calibration.prior)
    windows["probability"] = expit(windows["log_odds"])
    return Scan(levels, windows, place)


def pyramid(velocity_map: VelocityMap, encoding: Encoding) -> tuple[Level, ...]:
    """Levels of the encoding's pixel sizes that suit the map, fine to coarse; at least one."""
    sizes = _suitable(velocity_map.grid, encoding)
    base = velocity_map.resampled(velocity_map.grid.local(sizes[0]))
    values = base.velocity if encoding.quantity == "velocity" else base.displacement
    levels = [Level(values, base.grid)]
    for size in sizes[1:]:
        levels.append(_coarser(levels[-1], round(size / levels[-1].pixel_size)))
    return tuple(levels)


def _suitable(grid: Grid, encoding: Encoding) -> list[float]:
    own, longest = grid.pixel_size, max(grid.shape)
    upsampling = next((f for side, f in FINEST_UPSAMPLING if longest <= side), USUAL_UPSAMPLING)
    widest = WIDEST_WINDOW * own * longest / encoding.size
    sizes = [size for size in encoding.pixel_sizes if own / upsampling <= size <= widest]
    nearest = min(encoding.pixel_sizes, key=lambda size: abs(np.log(size / own)))
    return sizes or [nearest]


def _coarser(level: Level, factor: int) -> Level:
    """Mean of blocks of `factor` x `factor` pixels; NaN where under half of a block is valid."""
    rows, columns = (-(-n // factor) for n in level.values.shape)
    pad = [(0, n * factor - m) for n, m in zip((rows, columns), level.values.shape, strict=True)]
    padded = np.pad(level.values, pad, constant_values=np.nan)
    blocks = padded.reshape(rows, factor, columns, factor)
    valid = np.isfinite(blocks)
    count = valid.sum(axis=(1, 3))
    total = np.where(valid, blocks, 0.0).sum(axis=(1, 3))
    mean = np.where(2 * count >= factor**2, total / np.maximum(count, 1), np.nan)
    t = level.grid.transform
    transform = Affine(t.a * factor, t.b, t.c, t.d, t.e * factor, t.f)
    return Level(mean.astype(np.float32), Grid((rows, columns), transform, level.grid.crs))


def window_starts(length: int, size: int, step: int) -> NDArray[np.int64]:
    """Top-left positions of overlapping windows, centred on the axis."""
    # The outermost hundredth on either side, as a turned map leaves, needs no windows of its own.
    count = max(1, -(-(length - size - length // 50) // step) + 1)
    first = (length - ((count - 1) * step + size)) // 2
    return first + step * np.arange(count)


def level_windows(
    level: Level, encoding: Encoding, *, steps: int = 2
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Overlapping windows that cover a level, those that are not observable left out.

    Parameters
    ----------
    level : Level
    encoding : Encoding
        Size of a window, and what can be observed.
    steps : int
        Steps from one window to the next that does not overlap it.

    Returns
    -------
    row, column : arrays of int, shape (n,)
        Top-left pixels; negative where a window begins outside the level.
    windows : array of float32, shape (n, size, size)
        NaN outside the level.
    """
    size = encoding.size
    rows, columns = (window_starts(n, size, size // steps) for n in level.values.shape)
    pad = [
        (max(0, -int(s[0])), max(0, int(s[-1]) + size - n))
        for s, n in zip((rows, columns), level.values.shape, strict=True)
    ]
    padded = np.pad(level.values, pad, constant_values=np.nan)
    views = sliding_window_view(padded, (size, size))
    views = views[np.ix_(rows + pad[0][0], columns + pad[1][0])]
    keep = encoding.observable(views.reshape(-1, size, size)).reshape(views.shape[:2])
    row, column = (grid[keep] for grid in np.meshgrid(rows, columns, indexing="ij"))
    return row, column, views[keep]


def _scan_level(level: Level, detector: Detector) -> tuple[NDArray[Any], NDArray[np.float32]]:
    size = detector.encoding.size
    row, column, windows = level_windows(level, detector.encoding)
    table = np.zeros(len(row), dtype=WINDOW_FIELDS)
    if not len(row):
        return table, np.zeros((0, 1, 1), dtype=np.float32)
    prediction = detector.predict(windows)
    table["pixel_size"], table["row"], table["column"] = level.pixel_size, row, column
    centre = (size - 1) / 2
    table["easting"], table["northing"] = level.position(row + centre, column + centre)
    table["logit"] = prediction.logit
    place_row, place_column = most_likely_place(prediction.place, size)
    table["place_easting"], table["place_northing"] = level.position(
        row + place_row, column + place_column
    )
    return table, prediction.place


def most_likely_place(
    place: NDArray[np.float32], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column (pixels of the window) of the most likely place.

    The centroid of the probability in the 3 x 3 cells around the most likely one.

    Parameters
    ----------
    place : array, shape (n, cells, cells)
        Probability over the cells of each window.
    size : int
        Pixels along one side of a window.
    """
    count, cells, _ = place.shape
    best = place.reshape(count, -1).argmax(axis=1)
    row, column = np.divmod(best, cells)
    index = np.arange(cells)
    near_row = np.abs(index[None] - row[:, None]) <= 1
    near_column = np.abs(index[None] - column[:, None]) <= 1
    weight = place * (near_row[:, :, None] & near_column[:, None, :])
    weight = weight / np.maximum(weight.sum(axis=(1, 2), keepdims=True), 1e-30)
    mean_row = (weight.sum(axis=2) * index).sum(axis=1)
    mean_column = (weight.sum(axis=1) * index).sum(axis=1)
    step = size / cells
    return (mean_row + 0.5) * step - 0.5, (mean_column + 0.5) * step - 0.5
