"""Reads what the paper's experiment is tested on and fine-tuned with, once, into the run folder."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from bradyseism.evaluation.injection_plan import (
    InjectionSettings,
    cut_frames,
    draw_plan,
    injected,
    plan_csv,
)
from bradyseism.evaluation.truth import Place, TruthRow, read_truth, volcano_free_maps
from bradyseism.maps.frames import (
    FRAME_SHAPE,
    MOST_MISSING,
    PIXEL_SIZE,
    ground_blocks,
    share_ground,
)
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.labelled import LabelledMap
from bradyseism.samples.synthetic import beside_samples

logger = logging.getLogger(__name__)

_TOLERANCE = 0.01  # of the pixel size of a frame
_NOT_MAPS = (".csv", ".json", ".md", ".txt", ".geojson")


@dataclass(frozen=True)
class Inputs:
    """Folders and tables of maps; what is None is left out.

    Parameters
    ----------
    frames, truth : Path
        Folder of test frames, and the truth table that labels them.
    background : Path
        Folder of volcano-free maps (or their truth table) for fine-tuning.
    injection : Path
        Folder of volcano-free real maps (or its truth table) to hide sources in.
    field : Path
        Truth table of real maps.
    """

    frames: Path | None = None
    truth: Path | None = None
    background: Path | None = None
    injection: Path | None = None
    field: Path | None = None

    @property
    def given(self) -> dict[str, Path]:
        """What is not left out, by name."""
        return {f.name: path for f in fields(self) if (path := getattr(self, f.name))}


def read_frames(folder: Path, truth: Path) -> list[tuple[TruthRow, VelocityMap]]:
    """Frames of the paper's form with their rows of the truth table.

    Raises
    ------
    ValueError
        If a label has no frame, a frame no label, or a frame another shape or pixel size, or too
        much is missing in it.
    """
    rows = [row for row in read_truth(truth) if not _elsewhere(row.path, folder)]
    lost = [row.map for row in rows if not row.path.exists()]
    if lost:
        raise ValueError(
            f"labels without frames: {truth} names {', '.join(lost)}, but {folder} lacks them: "
            "add the maps, or take the lines out"
        )
    known = {row.path.resolve() for row in rows}
    bare = [path.name for path in map_files(folder) if path.resolve() not in known]
    if bare or not rows:
        raise ValueError(
            f"frames without labels: {', '.join(bare) or 'all'} of {folder} do not stand in "
            f"{truth}: add a line for each, or take the maps out"
        )
    frames = [(row, row.open()) for row in rows]
    for _, frame in frames:
        _check_frame(frame)
    return frames


def labelled(row: TruthRow, velocity_map: VelocityMap, grid: Grid) -> LabelledMap:
    """Bring a map to the pixels of the run, and its truth to rows and columns."""
    coarse = velocity_map.resampled(grid)
    longitude, latitude = coarse.grid.centre
    return LabelledMap(
        name=row.map,
        place=row.place,
        displacement=coarse.displacement,
        peaks=_pixels(row.must, coarse.grid),
        uncertain=_pixels(row.may, coarse.grid),
        counted=row.volcanic is not None,
        rate=row.rate,
        years=coarse.years,
        longitude=longitude,
        latitude=latitude,
    )


def frame_maps(
    frames: Sequence[tuple[TruthRow, VelocityMap]], encoding: WrappedPatch
) -> list[LabelledMap]:
    """Frames at the pixel size of the run, a whole multiple of theirs, averaged in blocks.

    Raises
    ------
    ValueError
        If the pixel size is no whole multiple of 200 m.
    """
    factor = round(encoding.pixel_size / PIXEL_SIZE)
    if factor < 1 or abs(factor * PIXEL_SIZE - encoding.pixel_size) > 1e-6:
        raise ValueError(
            f"pixel_size {encoding.pixel_size:g} m is no whole multiple of {PIXEL_SIZE:g} m: "
            "frames are averaged in blocks; give 200, 400 or 800"
        )
    return [labelled(row, frame, _coarser(frame.grid, factor)) for row, frame in frames]


def injection_frames(source: Path, encoding: WrappedPatch) -> list[VelocityMap]:
    """Frames of real volcano-free maps, as wide as a patch; of Anatolia the testing half alone."""
    settings = InjectionSettings(side=encoding.size * encoding.pixel_size)
    return cut_frames(volcano_free_maps(source), settings)


def injection_maps(
    frames: Sequence[VelocityMap], encoding: WrappedPatch, count: int, seed: int
) -> tuple[list[LabelledMap], str]:
    """Patches of frames, untouched and with a source, and the plan as a table.

    Frames overlap by half, and tracks show the same ground: those of one block of ground, as wide
    as a frame, are of one place.
    """
    settings = InjectionSettings(count=count, side=encoding.size * encoding.pixel_size)
    plan = draw_plan(frames, settings, beside_samples(seed, 4))
    places = [f"block {number}" for number in ground_blocks(frames, settings.side)]
    none = np.zeros((0, 2))
    made = [
        _patch(frame, encoding, none, 0.0, place)
        for frame, place in zip(frames, places, strict=True)
    ]
    for one in plan:
        frame = frames[one.frame]
        place = Place(one.longitude, one.latitude, 1.0)
        peak = _pixels((place,), _patch_grid(frame, encoding))
        made.append(_patch(injected(frame, one), encoding, peak, one.rate, places[one.frame]))
    return made, plan_csv(plan, frames)


def read_field(truth: Path) -> list[tuple[TruthRow, VelocityMap]]:
    """Real maps of a truth table that can be read, with their rows.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = []
    for row in read_truth(truth):
        try:
            found.append((row, row.open()))
        except (ValueError, OSError) as error:
            logger.warning("field map %s is left out: %s", row.map, error)
    if not found:
        raise ValueError(f"{truth} names no map that can be read: look at its paths and options")
    return found


def field_maps(
    found: Sequence[tuple[TruthRow, VelocityMap]], encoding: WrappedPatch
) -> list[LabelledMap]:
    """Field maps at the pixel size of the run; those that share ground are of one place."""
    made = [labelled(row, one, one.grid.local(encoding.pixel_size)) for row, one in found]
    places = [one.place for one in made]
    for first, second in itertools.combinations(range(len(found)), 2):
        if share_ground(found[first][1], found[second][1]):
            merged = places[second]
            places = [places[first] if place == merged else place for place in places]
    return [replace(one, place=place) for one, place in zip(made, places, strict=True)]


def _elsewhere(path: Path, folder: Path) -> bool:
    return path.exists() and not path.resolve().is_relative_to(folder.resolve())


def map_files(folder: Path) -> list[Path]:
    """Files of a folder that may be maps: no tables, no hidden files, no look companions."""
    files = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    stems = {path.stem for path in files}
    return [
        path
        for path in files
        if path.suffix not in _NOT_MAPS
        and not (path.stem[-2:] in (".E", ".N", ".U") and path.stem[:-2] in stems)
    ]


def _check_frame(frame: VelocityMap) -> None:
    rows, columns = frame.grid.shape
    size = frame.grid.pixel_size
    if (rows, columns) != FRAME_SHAPE or abs(size / PIXEL_SIZE - 1) > _TOLERANCE:
        raise ValueError(
            f"frame {frame.name!r} has {rows} x {columns} pixels of {size:.0f} m: a frame has "
            f"{FRAME_SHAPE[0]} x {FRAME_SHAPE[1]} pixels of {PIXEL_SIZE:g} m; "
            "cut it with bradyseism.maps.frames.frame_around"
        )
    missing = 1.0 - float(frame.valid.mean())
    if missing > MOST_MISSING:
        raise ValueError(
            f"frame {frame.name!r} lacks {missing:.1%} of its pixels: a frame lacks at most "
            f"{MOST_MISSING:.0%}; fill it, or take it and its label out"
        )


def _coarser(grid: Grid, factor: int) -> Grid:
    rows, columns = grid.shape
    t = grid.transform
    scaled = Affine(factor * t.a, 0.0, t.c, 0.0, factor * t.e, t.f)
    return Grid((rows // factor, columns // factor), scaled, grid.crs)


def _pixels(places: Sequence[Place], grid: Grid) -> NDArray[np.float64]:
    points = [grid.row_column(place.longitude, place.latitude) for place in places]
    return np.array([(float(r), float(c)) for r, c in points]).reshape(-1, 2)


def _patch_grid(frame: VelocityMap, encoding: WrappedPatch) -> Grid:
    shape = (encoding.size, encoding.size)
    return Grid.around(*frame.grid.centre, shape, pixel_size=encoding.pixel_size)


def _patch(
    frame: VelocityMap,
    encoding: WrappedPatch,
    peaks: NDArray[np.float64],
    rate: float,
    place: str,
) -> LabelledMap:
    patch = frame.resampled(_patch_grid(frame, encoding))
    none = np.zeros((0, 2))
    return LabelledMap(
        frame.name,
        place,
        patch.displacement,
        peaks,
        none,
        True,
        rate,
        frame.years,
        *patch.grid.centre,
    )
