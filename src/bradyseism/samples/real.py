"""Patches of real maps without volcanoes: the background that fine-tuning adds to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.readers import ReadOptions, open_map
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.samples.encoding import WrappedPatch

logger = logging.getLogger(__name__)

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
        width = (self.east - self.west) % 360.0
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
    """Cut a map into patches that do not overlap.

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
    displacement = resampled.displacement
    rows, columns = displacement.shape
    found = []
    for row, column in _corners(rows, columns, size):
        window = (slice(row, row + size), slice(column, column + size))
        patch = displacement[window]
        if np.isfinite(patch).mean() <= encoding.least_valid or _touches(
            resampled, window, exclude
        ):
            continue
        middle = (size - 1) / 2
        longitude, latitude = resampled.grid.longitude_latitude(row + middle, column + middle)
        found.append(
            Background(
                patch.copy(),
                _mean_look(resampled, window),
                velocity_map.name,
                float(longitude),
                float(latitude),
            )
        )
    return found


def read_backgrounds(
    folder: str | PathLike[str],
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    encoding: WrappedPatch = DEFAULT_ENCODING,
    exclude: Sequence[Region] = (),
) -> list[Background]:
    """Cut every map of a folder into background patches.

    Parameters
    ----------
    folder : path
        Its entries, in the order of their names, are velocity maps that `open_map` reads (files,
        or result folders); hidden ones and GeoTIFF companions (`*.E.tif`, ...) are left out.
    options : ReadOptions
        What the maps do not say.
    encoding, exclude
        As for `cut_backgrounds`.

    Returns
    -------
    list of Background
        Map by map.

    Raises
    ------
    OSError
        If the folder cannot be read.
    ValueError
        If a map is refused, or no patch is left.
    """
    found: list[Background] = []
    for path in _entries(Path(folder)):
        patches = cut_backgrounds(open_map(path, options), encoding, exclude)
        logger.info("%s: %d background patches", path.name, len(patches))
        found += patches
    if not found:
        raise ValueError(
            f"folder {str(folder)!r} holds no patch of {encoding.size} x {encoding.size} pixels "
            f"of {encoding.pixel_size:g} m with more than {encoding.least_valid:.0%} valid: "
            "give larger maps"
        )
    return found
