"""The picture of `bradyseism explain`: which ground decided."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.review.figures import evidence_panel
from bradyseism.review.views import crop_around
from bradyseism.workflows.explanation import Explanation

DOTS_PER_INCH = 160
# Of the window's width: the place may lie at its border, and all of it shall be in the picture.
_HALF_WIDTH = 1.05


def write_evidence(
    path: str | PathLike[str], velocity_map: VelocityMap, explanation: Explanation
) -> None:
    """Draw Grad-CAM over the velocity around a place, and write it as PNG.

    Parameters
    ----------
    path : path
        Picture to write, whole or not at all.
    velocity_map : VelocityMap
        The map that was explained.
    explanation : Explanation
        Of a place in it.

    Raises
    ------
    ValueError
        If the name does not end in .png.
    OSError
        If the picture cannot be written.
    """
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"output {str(path)!r} does not end in .png: the picture is a PNG")
    window = explanation.window
    crop = crop_around(
        velocity_map,
        np.full(velocity_map.grid.shape, np.nan, dtype=np.float32),
        explanation.place,
        half_width=_HALF_WIDTH * window.pixel_size * window.size,
        evidence=explanation.evidence,
        window=window.footprint,
    )
    figure = evidence_panel(crop, window.footprint)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH, format="png")
