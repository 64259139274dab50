"""What a detection is: the source that would make it, what else would, and the map without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.reasons import Reason, explain_otherwise
from bradyseism.detection.source_fit import (
    SourceEstimate,
    SourceFit,
    estimate_source,
    look_around,
)
from bradyseism.detection.surroundings import VERTICAL
from bradyseism.maps.frames import mean_look
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.line_of_sight import project

_REACH, _SIDE = 8.0, 128  # depths to either side that a source is seen from, and pixels along them

Elevation = Callable[[Grid, NDArray[np.bool_]], NDArray[np.floating] | None]
"""Height (m) on the pixels of a grid, known where asked; None where no model covers that."""


def what_it_is(
    velocity_map: VelocityMap,
    place: tuple[float, float],
    radius: float,
    elevation: Elevation | None = None,
) -> tuple[SourceEstimate | None, tuple[Reason, ...]]:
    """Fit a source to a place of a map, and say what explains the place better.

    Parameters
    ----------
    velocity_map : VelocityMap
        The map.
    place : (longitude, latitude)
        Degrees.
    radius : float
        Of the area over half of the peak (m).
    elevation : callable, optional
        Heights for a grid; without them nothing is said of relief.

    Returns
    -------
    source : SourceEstimate or None
        None where too little data is left around the place.
    reasons : tuple of Reason
        The best first; empty without evidence.
    """
    blocks = look_around(velocity_map, place, radius)
    if blocks is None:
        return None, ()
    source = estimate_source([blocks])
    cut = blocks.cut
    heights = elevation(cut.grid, np.isfinite(cut.velocity)) if elevation else None
    reasons = explain_otherwise(blocks, source, radius, years=velocity_map.years, elevation=heights)
    return source, reasons


def without_source(velocity_map: VelocityMap, fit: SourceFit) -> VelocityMap:
    """Take what a source moves, within eight of its depths, out of a map.

    Parameters
    ----------
    velocity_map : VelocityMap
        The map; without a look motion counts as vertical.
    fit : SourceFit
        The source.
    """
    size = 2.0 * _REACH * fit.depth.value / _SIDE
    around = Grid.around(fit.longitude, fit.latitude, (_SIDE, _SIDE), pixel_size=size)
    easting, northing = np.meshgrid(*around.eastings_northings())
    moved = fit.source.displacement(easting + fit.source.easting, northing + fit.source.northing)
    look = mean_look(velocity_map.look)
    seen = project(moved, np.array(VERTICAL) if look is None else look)
    model = VelocityMap(seen.astype(np.float32), around, velocity_map.years)
    known = np.nan_to_num(model.resampled(velocity_map.grid).velocity)
    return velocity_map.with_velocity(velocity_map.velocity - known)
