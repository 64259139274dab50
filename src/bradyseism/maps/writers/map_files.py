"""Velocity maps as GeoTIFF that say themselves what they hold."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.maps.writers.geotiff import encode_cog

MILLIMETRES = 1000.0  # in a metre


def write_map(path: str | os.PathLike[str], velocity_map: VelocityMap) -> None:
    """Write a velocity map in mm/yr that `open_map` reads back without options.

    Quantity, unit, sign and time span stand in the tags of the file. If the map knows its look
    vector, its components go to ``<stem>.E.tif``, ``<stem>.N.tif`` and ``<stem>.U.tif``. All files
    take their names only after all are on disk.

    Parameters
    ----------
    path : path
        File to write, with the suffix ``.tif``.
    velocity_map : VelocityMap
        Map to write; its name and provenance are not kept.

    Raises
    ------
    ValueError
        If the suffix is another, or the map has no look vector and companions of an older map of
        the same name stand there, which would be taken for its own.
    OSError
        If a file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(f"map file name {target.name!r} does not end in .tif: give it that suffix")
    companions = [target.with_name(f"{target.stem}.{letter}{target.suffix}") for letter in "ENU"]
    stale = [companion.name for companion in companions if companion.exists()]
    if velocity_map.look is None and stale:
        raise ValueError(
            f"look companions {', '.join(stale)} stand beside {target.name}, but this map has no "
            "look vector: remove them or choose another name"
        )
    tags = {
        "BRADYSEISM_QUANTITY": "velocity",
        "BRADYSEISM_UNIT": "mm/yr",
        "BRADYSEISM_POSITIVE": "toward",
        "BRADYSEISM_YEARS": repr(velocity_map.years),
    }
    grid = velocity_map.grid
    with ExitStack() as files:
        # Entered first, so that the map itself takes its name last.
        temporary = files.enter_context(atomic_path(target))
        velocity = velocity_map.velocity * np.float32(MILLIMETRES)
        description = "line-of-sight velocity, positive toward the satellite"
        temporary.write_bytes(
            encode_cog(velocity, grid, description=description, unit="mm/yr", tags=tags)
        )
        if velocity_map.look is None:
            return
        names = ("east", "north", "up")
        for companion, component, name in zip(companions, velocity_map.look, names, strict=True):
            temporary = files.enter_context(atomic_path(companion))
            band = np.broadcast_to(component, grid.shape)
            description = f"look vector from the ground to the satellite, {name}"
            temporary.write_bytes(encode_cog(band, grid, description=description, unit="1"))
