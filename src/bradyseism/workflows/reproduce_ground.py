"""Which ground fine-tuning sees: volcano-free, and none of what anything is tested on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine
from pyproj import Geod

from bradyseism.evaluation.split import ANATOLIAN_SPLIT
from bradyseism.evaluation.truth import (
    TRUTH_TABLE,
    Place,
    TruthRow,
    read_truth,
    volcano_free_maps,
)
from bradyseism.maps.frames import METRES_PER_DEGREE, share_ground
from bradyseism.maps.readers import open_map
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.real import Background, cut_backgrounds
from bradyseism.samples.synthetic import beside_samples
from bradyseism.workflows.reproduce_data import map_files

_GEOD = Geod(ellps="WGS84")
# Windows of testing ground have whole pixels of their maps and so may be a little wider.
_WIDER = 1.02


@dataclass(frozen=True, eq=False)
class Ground:
    """A background patch, and the same pixels as a map.

    Parameters
    ----------
    patch : Background
    map : VelocityMap
        Under the name of the map that the patch was cut from.
    """

    patch: Background
    map: VelocityMap


def background_maps(source: Path) -> list[VelocityMap]:
    """Maps for fine-tuning.

    Parameters
    ----------
    source : Path
        A truth table, or a folder with one in it or above it that names maps of the folder: their
        volcano-free rows. Any other folder: every map in it.
    """
    if source.is_file() or _has_table(source):
        return volcano_free_maps(source)
    return [open_map(path) for path in map_files(source)]


def background_patches(maps: Sequence[VelocityMap], encoding: WrappedPatch) -> list[Ground]:
    """Patches that do not overlap; in the region of the Anatolian split of its tuning half alone.

    Ground outside the region is free.
    """
    return [
        Ground(patch, _as_map(patch, whole, encoding))
        for whole in maps
        for patch in cut_backgrounds(whole, encoding)
        if _may_tune(patch, encoding.size * encoding.pixel_size)
    ]


def refuse_volcanoes(maps: Sequence[VelocityMap], truth: Sequence[TruthRow]) -> None:
    """Refuse a background map that holds a volcano of the truth table.

    Parameters
    ----------
    maps : sequence of VelocityMap
        Whole, for a volcano moves ground far around it.
    truth : sequence of TruthRow
        The whole table, with maps that lie elsewhere.

    Raises
    ------
    ValueError
        Naming both.
    """
    for background in maps:
        for row in truth:
            for centre in (*row.must, *row.may):
                if _holds(background, centre):
                    raise ValueError(
                        f"background {background.name!r} holds the volcano of {row.map!r} at "
                        f"longitude {centre.longitude:g}, latitude {centre.latitude:g}: "
                        "fine-tuning must not see what is tested; give other background"
                    )


def refuse_overlap(grounds: Sequence[Ground], tests: Sequence[tuple[str, VelocityMap]]) -> None:
    """Refuse a background patch that shows ground of a test.

    Parameters
    ----------
    grounds : sequence of Ground
        Of `background_patches`.
    tests : sequence of (str, VelocityMap)
        Maps that are tested on, each with a word for what it is: "test frame".

    Raises
    ------
    ValueError
        Naming both.
    """
    if not grounds:
        return
    east = np.array([ground.patch.longitude for ground in grounds])
    north = np.array([ground.patch.latitude for ground in grounds])
    reach = _reach(grounds[0].map.grid)  # all are of one size
    for words, test in tests:
        longitude, latitude = (np.full(east.shape, value) for value in test.grid.centre)
        _, _, distance = _GEOD.inv(longitude, latitude, east, north)
        near = np.flatnonzero(distance < 1.2 * (reach + _reach(test.grid)))
        for ground in (grounds[int(index)] for index in near):
            if share_ground(ground.map, test):
                raise ValueError(
                    f"background {ground.map.name!r} overlaps the {words} {test.name!r}: "
                    "fine-tuning must not see what is tested; give other background"
                )


def backgrounds_of(
    grounds: Sequence[Ground], encoding: WrappedPatch, count: int, seed: int
) -> list[Background]:
    """Draw `count` patches at random where there are more, in their order.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    if len(grounds) < count:
        raise ValueError(
            f"the background maps hold {len(grounds)} patches of {encoding.size} x "
            f"{encoding.size} pixels of {encoding.pixel_size:g} m on ground that fine-tuning may "
            f"see, but the fine-tuning sets need {count}: give more maps, or set backgrounds = "
            f"{len(grounds)} under [reproduce]"
        )
    chosen = beside_samples(seed, 3).permutation(len(grounds))[:count]
    return [grounds[int(index)].patch for index in np.sort(chosen)]


def _has_table(folder: Path) -> bool:
    """Whether there is a table in the folder, or one above it that names maps of the folder."""
    inside = folder.resolve()
    if (inside / TRUTH_TABLE).is_file():
        return True
    above = inside.parent / TRUTH_TABLE
    return above.is_file() and any(
        row.path.resolve().is_relative_to(inside) for row in read_truth(above)
    )


def _may_tune(patch: Background, side: float) -> bool:
    split, east, north = ANATOLIAN_SPLIT, patch.longitude, patch.latitude
    if not (split.west <= east <= split.east and split.south <= north <= split.north):
        return True
    # The strip between the limits is as wide as a patch in the south, and narrower in the north.
    width = _WIDER * side / (METRES_PER_DEGREE * math.cos(math.radians(north)))
    return bool(split.selects(east, north, "tuning")) and east + width <= split.testing_limit


def _as_map(patch: Background, whole: VelocityMap, encoding: WrappedPatch) -> VelocityMap:
    grid = whole.grid.local(encoding.pixel_size)
    place = grid.row_column(patch.longitude, patch.latitude)
    row, column = (round(float(middle) - (encoding.size - 1) / 2) for middle in place)
    t = grid.transform
    corner = Affine(t.a, 0.0, t.c + t.a * column, 0.0, t.e, t.f + t.e * row)
    shape = (encoding.size, encoding.size)
    velocity = patch.displacement / np.float32(whole.years)
    return VelocityMap(velocity, Grid(shape, corner, grid.crs), whole.years, name=whole.name)


def _reach(grid: Grid) -> float:
    """Metres from the centre to a corner."""
    return 0.5 * grid.pixel_size * math.hypot(*grid.shape)


def _holds(background: VelocityMap, place: Place) -> bool:
    pixel = np.array(background.grid.row_column(place.longitude, place.latitude))
    return bool(np.all((pixel >= -0.5) & (pixel <= np.array(background.grid.shape) - 0.5)))
