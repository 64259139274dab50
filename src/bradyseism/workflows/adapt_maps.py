"""Reads the background that a detector is adapted to, and looks for volcanoes in it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bradyseism.detection.detect import detect
from bradyseism.detection.events import FLAG
from bradyseism.detection.runtime import Detector
from bradyseism.maps.near import pixels_near
from bradyseism.maps.readers import ReadOptions, open_map
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.maps.volcanoes import Catalogue

logger = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]

AROUND_VOLCANO = 20e3
"""Ground (m) around a catalogued volcano that is left out of the background."""
SUSPECT = 0.9
"""Probability from which a flagged place counts as a volcano until somebody has looked."""


@dataclass(frozen=True, eq=False)
class Background:
    """Maps to adapt to.

    Parameters
    ----------
    maps : tuple of VelocityMap
        Ground around catalogued volcanoes is missing in them.
    notes : tuple of str
        What the reader has to know, one sentence each.
    """

    maps: tuple[VelocityMap, ...]
    notes: tuple[str, ...]


def read_background(
    paths: Sequence[Path],
    options: ReadOptions,
    detector: Detector,
    *,
    catalogue: Catalogue | None = None,
    looked_at: bool = False,
    progress: Progress | None = None,
) -> Background:
    """Open maps and make sure, as far as can be, that no volcano deforms in them.

    Parameters
    ----------
    paths : sequence of path
        Velocity maps: files or result folders.
    options : ReadOptions
        What the files do not say; holds for all of them.
    detector : Detector
        What looks for volcanoes in them.
    catalogue : Catalogue, optional
        Volcanoes, whose surroundings are left out.
    looked_at : bool
        Whether somebody has looked at the places that the detector flags, and none is volcanic.
    progress : callable, optional
        Told which map is being looked at.

    Raises
    ------
    OSError
        If a map cannot be read.
    ValueError
        If there is no map, one is refused or given twice, or one holds a place of probability over
        `SUSPECT` that nobody has looked at.
    """
    if not paths:
        raise ValueError("no maps: name volcano-free velocity maps behind --background")
    maps: list[VelocityMap] = []
    notes: list[str] = []
    suspects: list[str] = []
    given: dict[str, Path] = {}
    for done, path in enumerate(paths):
        if progress:
            progress(done, len(paths), f"reading {path.name}")
        velocity_map = open_map(path, options)
        # Before anything is left out: neither name nor format tells that a map is another.
        content = hashlib.sha256(velocity_map.velocity.tobytes()).hexdigest()
        if content in given:
            raise ValueError(
                f"{path} holds the same map as {given[content]}: give each once, or its windows "
                "would count twice"
            )
        given[content] = path
        velocity_map, left_out = _without_volcanoes(velocity_map, catalogue)
        notes += left_out
        for found in detect(velocity_map, detector, catalogue).detections:
            place = f"{found.longitude:.3f},{found.latitude:.3f} of {path.name}"
            if found.probability >= SUSPECT and not looked_at:
                suspects.append(f"{place} ({found.probability:.2f})")
            elif found.probability > FLAG:
                notes.append(f"{place} is flagged ({found.probability:.2f}) and taken as quiet")
        maps.append(velocity_map)
    if suspects:
        raise ValueError(
            f"{len(suspects)} places of the background look volcanic, with a probability of "
            f"{SUSPECT:g} or more: {'; '.join(suspects[:5])}{' ...' if len(suspects) > 5 else ''}. "
            "A volcano in the background teaches the detector to overlook volcanoes: look at each "
            "with `bradyseism explain MAP --at LON,LAT`, then leave out the map or, if none is "
            "volcanic, say so with --looked-at"
        )
    return Background(tuple(maps), tuple(notes))


def _without_volcanoes(
    velocity_map: VelocityMap, catalogue: Catalogue | None
) -> tuple[VelocityMap, list[str]]:
    """Map without the surroundings of catalogued volcanoes, and which they are."""
    grid = velocity_map.grid
    near = [
        (one, around)
        for one in (catalogue.volcanoes if catalogue else ())
        if (around := pixels_near(grid, one.longitude, one.latitude, AROUND_VOLCANO))[0].size
    ]
    if not near:
        return velocity_map, []
    names = ", ".join(volcano.name for volcano, _ in near[:5]) + (" ..." if len(near) > 5 else "")
    note = (
        f"{velocity_map.name}: {AROUND_VOLCANO / 1e3:g} km around {len(near)} catalogued volcanoes "
        f"({names}) left out"
    )
    masked = velocity_map.velocity.copy()
    for _, around in near:
        masked[around] = np.nan
    return replace(velocity_map, velocity=masked), [note]
