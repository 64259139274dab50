"""Quantiles of large arrays in a fraction of the time of a partition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.dislocation import compiled

MAD_TO_DEVIATION = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

_BINS = 4096


def quantile(values: NDArray[np.floating[Any]], share: float) -> float:
    """Value below which a share of the values lies, linear between two of them.

    The same number as `numpy.quantile`, to the last bit: a histogram finds the few values that the
    wanted one is among, and only these are sorted.

    Parameters
    ----------
    values : array
        Finite, not empty; the shape does not matter.
    share : float
        0 to 1; 0.5 gives the median.

    Raises
    ------
    ValueError
        If the share is outside 0-1, or the array is empty or not finite.

    Examples
    --------
    >>> quantile(np.array([4.0, 1.0, 3.0]), 0.25)
    2.0
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share {share:g} is outside 0-1: give the part that lies below")
    flat = np.ascontiguousarray(values, dtype=np.float64).ravel()
    low, high = float(flat.min(initial=math.inf)), float(flat.max(initial=-math.inf))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(
            f"{flat.size} values from {low:g} to {high:g}: a quantile needs finite ones, at least 1"
        )
    place = (flat.size - 1) * share
    rank = min(int(place), max(flat.size - 2, 0))
    below, above = _neighbours(flat, low, high, rank)
    # As numpy does it: from the nearer of the two.
    part = place - rank
    step = above - below
    return float(below + step * part if part < 0.5 else above - step * (1.0 - part))


@compiled
def _neighbours(
    values: NDArray[np.float64], low: float, high: float, rank: int
) -> tuple[float, float]:
    """Values number `rank` and `rank` + 1 of those from `low` to `high`, counted upward from 0."""
    if values.size == 1 or not low < high:
        return low, low
    scale = _BINS / (high - low)
    if not 0.0 < scale < math.inf:
        ordered = np.sort(values)
        return ordered[rank], ordered[rank + 1]
    count = np.zeros(_BINS + 1, np.int64)
    for value in values:
        count[int((value - low) * scale)] += 1
    first, before = 0, 0
    while before + count[first] <= rank:
        before += int(count[first])
        first += 1
    last, through = first, before + int(count[first])
    while through <= rank + 1:
        last += 1
        through += int(count[last])
    near = np.empty(through - before, np.float64)
    taken = 0
    for value in values:
        place = int((value - low) * scale)
        if first <= place <= last:
            near[taken] = value
            taken += 1
    near.sort()
    return near[rank - before], near[rank + 1 - before]
