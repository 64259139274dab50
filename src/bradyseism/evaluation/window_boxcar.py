"""The yardstick that sees what the detector sees: a boxcar in the windows of its pyramid.

What a detector gains over it, it gains by what it has learned, not by its windows or by their
normalisation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bradyseism.detection.scan import level_windows, pyramid
from bradyseism.evaluation.baselines import BASELINES
from bradyseism.evaluation.injection import Best, Method, score_map_method
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.samples.encoding import Encoding, NormalisedWindow

__all__ = ["BOX_SIDES", "WINDOW_BOXCAR", "baseline_methods", "window_boxcar_method"]

WINDOW_BOXCAR = "same-window boxcar"

BOX_SIDES = (3, 5, 9, 17, 33)
"""Sides of the boxes in pixels of a window."""

# Valid share of a box below which it tells nothing, as that of the other baselines.
_SUPPORT = 0.25


def baseline_methods(encoding: Encoding) -> dict[str, Method]:
    """All methods without learning by name: those of `BASELINES`, and the same-window boxcar.

    Parameters
    ----------
    encoding : Encoding
        Of the detector beside which they stand.
    """
    methods = {name: score_map_method(score) for name, score in BASELINES.items()}
    return methods | {WINDOW_BOXCAR: window_boxcar_method(encoding)}


def window_boxcar_method(encoding: Encoding) -> Method:
    """Judge maps by the largest absolute box mean in any window of a detector's pyramid.

    Parameters
    ----------
    encoding : Encoding
        Of the detector: gives pixel sizes, windows and what is observable. For wrapped patches
        those of the default `NormalisedWindow` are taken, as phase has no spread to scale by.

    Returns
    -------
    Method
        Its score is the mean of the first channel of `NormalisedWindow`: the rate without the
        plane and the median of its window, over the window's MAD. Its place is the centre of the
        box.
    """
    own = encoding if isinstance(encoding, NormalisedWindow) else NormalisedWindow()

    def judge(frame: VelocityMap) -> Best:
        """Best box over levels, windows and sizes."""
        best = Best(-math.inf, math.nan, math.nan)
        for level in pyramid(frame, own):
            row, column, windows = level_windows(level, own)
            if not len(row):
                continue
            score = _box_scores(own.encode(windows))
            window, down, along = np.unravel_index(score.argmax(), score.shape)
            if score[window, down, along] > best.score:
                place = level.grid.longitude_latitude(row[window] + down, column[window] + along)
                best = Best(float(score[window, down, along]), *(float(part) for part in place))
        return best

    return judge


def _box_scores(encoded: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Largest absolute box mean about each pixel, (n, size, size); 0 where none has support."""
    rate, valid = encoded[:, 0].astype(np.float64), encoded[:, 2].astype(np.float64)
    best = np.zeros(rate.shape)
    for side in BOX_SIDES:
        total, share = (
            ndimage.uniform_filter(part, (0, side, side), mode="constant") for part in (rate, valid)
        )
        # Means of a mask fall short of their share by round-off.
        supported = share >= _SUPPORT - 1e-9
        mean = np.abs(total) / np.where(supported, share, 1.0)
        np.maximum(best, mean, out=best, where=supported)
    return best
