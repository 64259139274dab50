"""The low-pass filter of the paper: a median over 20 pixels of 200 m."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, median_filter

LOW_PASS_WIDTH = 4_000.0  # m


def low_passed(
    displacement: NDArray[np.floating[Any]], pixel_size: float, width: float = LOW_PASS_WIDTH
) -> NDArray[np.float32]:
    """Median of the square around each pixel.

    Missing pixels count as their nearest neighbour with data, and stay missing; so do, beyond the
    border, the mirrored pixels.

    Parameters
    ----------
    displacement : array, shape (rows, columns)
        Cumulative LOS displacement (m), before wrapping; NaN missing.
    pixel_size, width : float
        In metres: of a pixel, and of the side of the square, rounded to whole pixels.

    Returns
    -------
    array of float32, shape (rows, columns)

    Examples
    --------
    >>> spike = np.zeros((5, 5))
    >>> spike[2, 2] = 1
    >>> float(low_passed(spike, 200.0, 600.0).max())
    0.0
    """
    size = max(1, round(width / pixel_size))
    missing = ~np.isfinite(displacement)
    if missing.all():
        return np.asarray(displacement, dtype=np.float32)
    filled = displacement
    if missing.any():
        nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
        filled = displacement[tuple(nearest)]
    smooth = median_filter(filled.astype(np.float32), size=size, mode="reflect")
    smooth[missing] = np.nan
    return np.asarray(smooth)
