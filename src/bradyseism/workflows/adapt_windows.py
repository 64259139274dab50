"""The hybrid set of a user's own maps: background windows, each with and without a source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.scan import Level, level_windows, pyramid
from bradyseism.evaluation.injection_plan import look_of
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.samples.encoding import NormalisedWindow, without_planes
from bradyseism.samples.ground import Ground
from bradyseism.scenes.scenery import Scenery
from bradyseism.scenes.synthesis import SceneSettings, Truth, robust_spread, with_sources

# Two rounds of halving give four quarters, each held out once; four give the blocks of intervals.
QUARTER_ROUNDS, BLOCK_ROUNDS = 2, 4
QUARTERS, BLOCKS = 2**QUARTER_ROUNDS, 2**BLOCK_ROUNDS
# Turns and mirrors of the square.
SYMMETRIES = 8
# Draws of a source before a window counts as one whose gaps would hide any.
TRIES = 5
# Pixels along a side for which the part of the ground is asked; those between follow the nearest.
LATTICE = 512

WINDOW_FIELDS = np.dtype(
    [
        ("map", "i4"),
        ("pixel_size", "f8"),
        ("look", "f8", 3),
        ("quarter", "i4"),
        ("block", "i4"),
        ("straight", "?"),
        ("volcanic", "?"),
        ("signal_to_noise", "f8"),
        ("peak", "f8"),
    ]
)
"""Index of the map; pixel size (m); look (east, north, up); quarter and block of the ground;
whether neither turned nor mirrored; whether a source was added, and then its peak over the robust
spread of the window, and its unsigned peak (m/yr)."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of maps, and what is known of each.

    Parameters
    ----------
    values : array of float32, shape (n, size, size)
        LOS velocity (m/yr), NaN missing.
    table : structured array of `WINDOW_FIELDS`, shape (n,)
    """

    values: NDArray[np.float32]
    table: NDArray[Any]

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, chosen: NDArray[Any]) -> Windows:
        return Windows(self.values[chosen], self.table[chosen])


def background_windows(
    maps: Sequence[VelocityMap],
    encoding: NormalisedWindow,
    *,
    most: int,
    rng: np.random.Generator,
    steps: int = 2,
) -> Windows:
    """Overlapping windows of all levels that a scan of the maps would use.

    Each map is masked to one quarter of the ground after the other, so that windows of different
    quarters share no data, even where maps of two tracks overlap.

    Parameters
    ----------
    maps : sequence of VelocityMap
        Without volcanic deformation.
    encoding : NormalisedWindow
        Size and pixel sizes of a window.
    most : int
        Windows at most. Above it levels of many windows are thinned at random, those of few stay
        whole.
    rng : numpy.random.Generator
        Source of randomness.
    steps : int
        Steps from one window to the next that does not overlap it; a scan takes 2.

    Raises
    ------
    ValueError
        If the ground is too small to be divided.
    """
    pyramids = [pyramid(each, encoding) for each in maps]
    ground = _ground(pyramids)
    parts = [
        part
        for index, (levels, each) in enumerate(zip(pyramids, maps, strict=True))
        for level in levels
        for part in _quartered(
            level, ground, encoding, own=each.grid.pixel_size, index=index, steps=steps
        )
    ]
    windows = _joined(parts, encoding.size)
    looks = np.array([look_of(each) for each in maps])
    windows.table["look"] = looks[windows.table["map"]]
    return windows[_thinned(windows.table["pixel_size"], most, rng)]


def hybrid_windows(
    background: Windows, settings: SceneSettings, *, copies: int, rng: np.random.Generator
) -> Windows:
    """Each window as it is, and with a simulated source of its own.

    Parameters
    ----------
    background : Windows
        As `background_windows` gives them.
    settings : SceneSettings
        What the sources are, and how far from the border.
    copies : int
        From 1, the windows as they lie, to 8, all turns and mirrors of each; every copy has a
        source of its own.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Windows
        Pairs one after the other; a window whose gaps hide every source drawn stands alone.
    """
    values, rows = [], []
    for window, row in zip(background.values, background.table, strict=True):
        turns = [0, *rng.permutation(np.arange(1, SYMMETRIES))[: copies - 1]]
        for turn in turns:
            turned = _turned(window, int(turn))
            quiet = row.copy()
            quiet["straight"] = turn == 0
            values.append(turned)
            rows.append(quiet)
            truth = _source(turned, float(row["pixel_size"]), row["look"], settings, rng)
            if truth is None:
                continue
            values.append((turned + truth.deformation).astype(np.float32))
            rows.append(_with_truth(quiet, truth, _spread(turned)))
    return Windows(np.array(values), np.array(rows, dtype=WINDOW_FIELDS))


def _ground(pyramids: Sequence[tuple[Level, ...]]) -> Ground:
    """Quarters and blocks of one area over all maps."""
    longitude, latitude, weight = [], [], []
    for levels in pyramids:
        level = levels[-1]
        row, column = np.nonzero(np.isfinite(level.values))
        east, north = level.grid.longitude_latitude(row, column)
        longitude.append(east)
        latitude.append(north)
        weight.append(np.full(len(row), level.pixel_size**2))
    return Ground.of(
        np.concatenate(longitude),
        np.concatenate(latitude),
        np.concatenate(weight),
        rounds=BLOCK_ROUNDS,
    )


def _quartered(
    level: Level,
    ground: Ground,
    encoding: NormalisedWindow,
    *,
    own: float,
    index: int,
    steps: int,
) -> Iterator[Windows]:
    """Windows of each quarter of a level; the strip along each cut belongs to none."""
    lattice = math.ceil(max(level.grid.shape) / LATTICE)
    margin = (lattice + 1) * max(level.pixel_size, own)
    quarter = _parts(level, ground, lattice, rounds=QUARTER_ROUNDS, margin=margin)
    block = _parts(level, ground, lattice, rounds=BLOCK_ROUNDS, margin=0.0)
    for number in range(QUARTERS):
        masked = replace(level, values=np.where(quarter == number, level.values, np.float32("nan")))
        row, column, values = level_windows(masked, encoding, steps=steps)
        table = np.zeros(len(row), dtype=WINDOW_FIELDS)
        table["map"], table["pixel_size"], table["quarter"] = index, level.pixel_size, number
        table["straight"] = True
        named = replace(level, values=block.astype(np.float32))
        for k, window in enumerate(values):
            inside = named.crop(int(row[k]), int(column[k]), encoding.size)[np.isfinite(window)]
            table["block"][k] = np.bincount(inside.astype(np.int64)).argmax()
        yield Windows(values, table)


def _parts(
    level: Level, ground: Ground, step: int, *, rounds: int, margin: float
) -> NDArray[np.int64]:
    """Part of the ground of every pixel of a level; -1 near a cut."""
    rows, columns = level.grid.shape
    row, column = (np.arange(0, n, step) + (step - 1) / 2 for n in (rows, columns))
    places = level.grid.longitude_latitude(row[:, None], column[None])
    part = ground.part(*places, rounds=rounds, margin=margin)
    return part.repeat(step, axis=0).repeat(step, axis=1)[:rows, :columns]


def _joined(parts: Sequence[Windows], size: int) -> Windows:
    values = [part.values for part in parts] or [np.zeros((0, size, size), np.float32)]
    tables = [part.table for part in parts] or [np.zeros(0, WINDOW_FIELDS)]
    return Windows(np.concatenate(values), np.concatenate(tables))


def _thinned(
    pixel_sizes: NDArray[np.float64], most: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Indices of at most `most` windows, rising, the same limit for every pixel size."""
    levels, counts = np.unique(pixel_sizes, return_counts=True)
    limit = next((n for n in range(most, 0, -1) if np.minimum(counts, n).sum() <= most), 1)
    chosen = [
        rng.permutation(np.flatnonzero(pixel_sizes == level))[:limit].astype(np.intp)
        for level in levels
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.intp)


def _turned(window: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    """One of the eight symmetries; 0 leaves the window as it is."""
    turned = np.rot90(window, turn % 4)
    return turned[:, ::-1] if turn >= 4 else turned


def _spread(window: NDArray[np.float32]) -> float:
    """Robust spread (m/yr) of a window around its plane, as the encoding sees it."""
    valid = np.isfinite(window)
    return robust_spread(without_planes(window[None], valid[None])[0][valid].astype(np.float64))


def _source(
    window: NDArray[np.float32],
    pixel_size: float,
    look: NDArray[np.float64],
    settings: SceneSettings,
    rng: np.random.Generator,
) -> Truth | None:
    """Draw what is added to a window; None where its gaps hide every draw."""
    scenery = Scenery(np.zeros(window.shape), pixel_size, look)
    quiet = Truth(False, None, np.nan, np.nan, 0.0, np.zeros(window.shape), {})
    valid, spread = np.isfinite(window), _spread(window)
    for _ in range(TRIES):
        truth = with_sources(quiet, scenery, settings, valid, spread=spread, rng=rng)
        if truth.volcanic:
            return truth
    return None


def _with_truth(row: np.void, truth: Truth, spread: float) -> np.void:
    loud = row.copy()
    loud["volcanic"], loud["peak"] = True, abs(truth.peak)
    loud["signal_to_noise"] = abs(truth.peak) / spread if spread > 0 else np.inf
    return loud
