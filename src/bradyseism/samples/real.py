"""Patches of real maps without volcanoes: the background that fine-tuning adds to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.frames import mean_look
from bradyseism.maps.readers import ReadOptions, open_map
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.samples.encoding import WrappedPatch

logger = logging.getLogger(__name__)

# Offsets of the lattice of patches that are tried along each side.
OFFSETS = 16
DEFAULT_ENCODING = WrappedPatch()
DEFAULT_OPTIONS = ReadOptions()


@dataclass(frozen=True)
class Region:
    """A box that no background patch may touch, for example where the test maps lie.

    Parameters
    ----------
    west, south, east, north : float
        In degrees; west may be larger than east across the dateline.
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        if not -90 <= self.south < self.north <= 90:
            raise ValueError(
                f"region from latitude {self.south:g} to {self.north:g} breaks "
                "-90 <= south < north <= 90"
            )

    def contains(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """True for points (degrees) inside, or on the border."""
        around = self.east - self.west
        width = 360.0 if around >= 360.0 else around % 360.0
        inside: NDArray[np.bool_] = (longitude - self.west) % 360.0 <= width
        return inside & (latitude >= self.south) & (latitude <= self.north)


@dataclass(frozen=True, eq=False)
class Background:
    """One patch of a real map.

    Parameters
    ----------
    displacement : array of float32, shape (size, size)
        Cumulative LOS displacement (m, positive toward the satellite), NaN missing.
    look : None or array, shape (3,)
        Mean unit vector (east, north, up) from the ground to the satellite, if known.
    origin : str
        Name of the map.
    longitude, latitude : float
        Centre in degrees.
    """

    displacement: NDArray[np.float32]
    look: NDArray[np.float64] | None
    origin: str
    longitude: float
    latitude: float


def cut_backgrounds(
    velocity_map: VelocityMap,
    encoding: WrappedPatch = DEFAULT_ENCODING,
    exclude: Sequence[Region] = (),
) -> list[Background]:
    """Cut a map into patches that do not overlap, as many as a regular lattice of them yields.

    Parameters
    ----------
    velocity_map : VelocityMap
        A map without volcanic deformation, on any grid.
    encoding : WrappedPatch
        Size and pixel size of a patch and the share of it that must be valid.
    exclude : sequence of Region
        A patch that touches one of them is left out.

    Returns
    -------
    list of Background
        From north-west to south-east; empty if the map is too small or too empty.
    """
    size = encoding.size
    resampled = velocity_map.resampled(velocity_map.grid.local(encoding.pixel_size))
    displacement, look = resampled.displacement, resampled.look
    middle = (size - 1) / 2
    found = []
    for row, column in _corners(_usable(resampled, encoding, exclude), size):
        window = (slice(row, row + size), slice(column, column + size))
        longitude, latitude = resampled.grid.longitude_latitude(row + middle, column + middle)
        found.append(
            Background(
                displacement[window].copy(),
                mean_look(look if look is None or look.ndim == 1 else look[:, *window]),
                velocity_map.name,
                float(longitude),
                float(latitude),
            )
        )
    return found


def read_backgrounds(
    paths: Iterable[str | PathLike[str]],
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    encoding: WrappedPatch = DEFAULT_ENCODING,
    exclude: Sequence[Region] = (),
) -> list[Background]:
    """Cut maps into background patches.

    Parameters
    ----------
    paths : iterable of path
        Velocity maps without volcanic deformation, files or result folders, as `open_map` reads
        them. Maps of one place by two tracks give patches of one ground.
    options : ReadOptions
        What the maps do not say.
    encoding, exclude
        As for `cut_backgrounds`.

    Returns
    -------
    list of Background
        Map by map, in the order given.

    Raises
    ------
    OSError
        If a map cannot be read.
    ValueError
        If a map is refused, or no patch is left.
    """
    found: list[Background] = []
    for path in paths:
        patches = cut_backgrounds(open_map(Path(path), options), encoding, exclude)
        logger.info("%s: %d background patches", path, len(patches))
        found += patches
    if not found:
        raise ValueError(
            f"the maps hold no patch of {encoding.size} x {encoding.size} pixels of "
            f"{encoding.pixel_size:g} m with more than {encoding.least_valid:.0%} valid outside "
            "the excluded regions: give larger maps"
        )
    return found


def _usable(
    velocity_map: VelocityMap, encoding: WrappedPatch, exclude: Sequence[Region]
) -> NDArray[np.bool_]:
    """True for every upper left pixel of a patch that is full enough and touches no region."""
    size = encoding.size
    if min(velocity_map.grid.shape) < size:
        return np.zeros((0, 0), dtype=np.bool_)
    usable: NDArray[np.bool_] = (
        _patch_sums(velocity_map.valid, size) > encoding.least_valid * size**2
    )
    if exclude:
        row, column = np.indices(velocity_map.grid.shape)
        points = velocity_map.grid.longitude_latitude(row, column)
        inside = np.logical_or.reduce([region.contains(*points) for region in exclude])
        usable &= _patch_sums(inside, size) == 0
    return usable


def _patch_sums(mask: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """Number of True pixels in the patch under every upper left pixel, by a summed-area table."""
    table = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows = table[size:] - table[:-size]
    return np.asarray(rows[:, size:] - rows[:, :-size])


def _corners(usable: NDArray[np.bool_], size: int) -> list[tuple[int, int]]:
    """Upper left pixels of the lattice of patches, of all its offsets, that holds the most."""
    best: list[tuple[int, int]] = []
    step = max(1, size // OFFSETS)
    for top in range(0, min(size, len(usable)), step):
        for left in range(0, min(size, usable.shape[1]), step):
            rows, columns = np.nonzero(usable[top::size, left::size])
            if len(rows) > len(best):
                best = [
                    (top + size * int(r), left + size * int(c))
                    for r, c in zip(rows, columns, strict=True)
                ]
    return best
