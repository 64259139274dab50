"""Strain across a strike-slip fault: locked above a depth, and perhaps creeping below the surface.

Infinitely long vertical fault in an elastic half-space (screw dislocations): motion is parallel to
the fault and depends on the distance from it alone.

References
----------
Savage, J. C. and Burford, R. O. (1973), Geodetic determination of relative plate motion in central
California, J. Geophys. Res. 78, 832-845.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def fault_parallel_velocity(
    across: ArrayLike,
    slip_rate: float,
    locking: float,
    *,
    creep_rate: float = 0.0,
    creep_depth: float = 0.0,
) -> NDArray[np.float64]:
    """Velocity along the strike of a strike-slip fault that slips below its locking depth.

    ``v = slip / pi atan(x / D) + creep (sign(x) / 2 - atan(x / d) / pi)``

    Parameters
    ----------
    across
        Distance x (m) from the trace, positive to the right of the strike.
    slip_rate
        Rate (m/yr) of the relative motion far away; positive is left-lateral, as in `Okada`.
    locking
        Depth D (m) below which the fault slips at the full rate; 0 gives two rigid blocks.
    creep_rate
        Rate (m/yr) at which it creeps from the surface down to `creep_depth`.
    creep_depth
        Depth d (m) of that creep, at most `locking`.

    Returns
    -------
    ndarray of float64
        Velocity (m/yr) along strike, shape of `across`; half the slip rate far to the right. On the
        trace itself the mean of both sides, 0.

    Raises
    ------
    ValueError
        If a number is not finite, a depth negative, or the creep deeper than the locking depth.

    Examples
    --------
    >>> fault_parallel_velocity([-15e3, 15e3, 1e9], slip_rate=0.02, locking=15e3).round(4)
    array([-0.005,  0.005,  0.01 ])
    """
    numbers = {
        "slip_rate": slip_rate,
        "locking": locking,
        "creep_rate": creep_rate,
        "creep_depth": creep_depth,
    }
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} {value:g} is not finite: give m/yr and m")
    if locking < 0.0 or not 0.0 <= creep_depth <= locking:
        raise ValueError(
            f"creep_depth {creep_depth:g} m and locking {locking:g} m break "
            "0 <= creep_depth <= locking: depths are positive down"
        )
    distance = np.asarray(across, dtype=np.float64)
    velocity = slip_rate / math.pi * np.arctan2(distance, locking)
    if creep_rate != 0.0:
        creep = np.sign(distance) / 2 - np.arctan2(distance, creep_depth) / math.pi
        velocity = velocity + creep_rate * creep
    return np.asarray(velocity)
