"""From which level on something is found: where values come to stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["lasting_level"]


def lasting_level(
    levels: NDArray[np.float64],
    values: NDArray[np.float64],
    wanted: float,
    short: NDArray[np.bool_],
) -> float:
    """Level from which on no value is short of what is wanted.

    Parameters
    ----------
    levels : array, shape (n,)
        Positive, rising.
    values : array, shape (n,)
        At the levels; linear in the logarithm of the level between them.
    wanted : float
        In the unit of the values.
    short : array of bool, shape (n,)
        Which values are not enough.

    Returns
    -------
    float
        The first level where none is short, infinite where the last one is.
    """
    lacking = np.flatnonzero(short)
    if not lacking.size:
        return float(levels[0])
    last = int(lacking[-1])
    if last + 1 == len(values):
        return float("inf")
    part = (wanted - values[last]) / (values[last + 1] - values[last])
    return float(levels[last] * (levels[last + 1] / levels[last]) ** part)
