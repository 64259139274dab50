"""What a detection is: the source that would make it, and what else would."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.reasons import Reason, explain_otherwise
from bradyseism.detection.source_fit import SourceEstimate, estimate_source, look_around
from bradyseism.maps.velocity_map import Grid, VelocityMap

Elevation = Callable[[Grid], NDArray[np.floating] | None]
"""Height (m) on the pixels of a grid; None where no model covers it."""


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
    heights = elevation(blocks.cut.grid) if elevation else None
    reasons = explain_otherwise(blocks, source, radius, years=velocity_map.years, elevation=heights)
    return source, reasons
