"""Looking up the tables that a model card holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["interpolated"]


def interpolated(
    table: NDArray[np.float64], axis: NDArray[np.float64], at: float
) -> NDArray[np.float64]:
    """Row of a table between its rows.

    Parameters
    ----------
    table : array, shape (n, ...)
    axis : array, shape (n,)
        Where the rows stand, rising.
    at : float
        On the axis; beyond its ends the row is the first or the last.

    Returns
    -------
    array, shape (...)
        Linear along the axis.
    """
    place = float(np.interp(at, axis, np.arange(axis.size)))
    low = min(int(place), axis.size - 2) if axis.size > 1 else 0
    high = min(low + 1, axis.size - 1)
    return np.asarray(table[low] + (place - low) * (table[high] - table[low]))
