"""Line of sight: where the satellite looks from, what it sees of a displacement, and how it wraps.

A look vector is (east, north, up), of unit length, from the ground to the satellite. Displacement
along it is positive **toward** the satellite, so uplift is positive for every orbit. The
interferometric phase of a displacement d is 4 pi d / wavelength: one fringe is half a wavelength.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

SENTINEL1_WAVELENGTH = 0.05546576
"""Radar wavelength of Sentinel-1 (m)."""

UNIT_TOLERANCE = 1e-3
"""How far the length of a look vector may lie from one; maps in float32 and rounded tables pass."""


def look_vector(heading: ArrayLike, incidence: ArrayLike) -> NDArray[np.float64]:
    """Return the look vector of a right-looking radar, or one for each pixel of two maps of angles.

    Parameters
    ----------
    heading
        Direction of flight (degrees, clockwise from north): about -12 on ascending and -168 on
        descending passes of Sentinel-1.
    incidence
        Angle of the line of sight from the vertical at the ground (degrees), 0 to below 90. Both
        broadcast to one shape (...); in maps NaN is missing.

    Returns
    -------
    ndarray of float64, (3, ...)
        East, north and up part of the unit vector from the ground to the satellite.

    Raises
    ------
    ValueError
        If no angle is finite or an incidence is out of range.

    Examples
    --------
    >>> look_vector(heading=-12.0, incidence=39.0).round(3)
    array([-0.616, -0.131,  0.777])
    """
    azimuth, tilt = np.broadcast_arrays(
        np.asarray(heading, dtype=np.float64), np.asarray(incidence, dtype=np.float64)
    )
    if not np.any(np.isfinite(azimuth)):
        raise ValueError(f"heading is {azimuth.flat[0]:g}: give degrees clockwise from north")
    outside = tilt[(tilt < 0.0) | (tilt >= 90.0)]
    if outside.size or not np.any(np.isfinite(tilt)):
        raise ValueError(
            f"incidence {(outside if outside.size else tilt).flat[0]:g} deg is outside 0 to 90: "
            "is it an azimuth? incidence counts from the vertical"
        )
    azimuth, tilt = np.radians(azimuth), np.radians(tilt)
    return np.stack([-np.cos(azimuth) * np.sin(tilt), np.sin(azimuth) * np.sin(tilt), np.cos(tilt)])


def checked_look(look: ArrayLike) -> NDArray[np.float64]:
    """Return one look vector, once it is known to be one.

    Parameters
    ----------
    look
        East, north, up from the ground to the satellite, (3,).

    Raises
    ------
    ValueError
        If it is not three numbers, or its length differs from 1 by over `UNIT_TOLERANCE`.
    """
    vector = np.asarray(look, dtype=np.float64)
    length = float(np.sqrt(np.sum(vector**2))) if vector.shape == (3,) else math.nan
    if not abs(length - 1.0) <= UNIT_TOLERANCE:
        raise ValueError(
            f"look vector {vector.tolist()} has length {length:g}, not 1: give (east, north, up) "
            "from the ground to the satellite, no angles"
        )
    return vector


def project(displacement: ArrayLike, look: ArrayLike) -> NDArray[np.float64]:
    """Return what the satellite sees of a displacement.

    Parameters
    ----------
    displacement
        (3, ...) east, north and up, in any unit of length or of length per time.
    look
        Look vector, (3,), or one for each point, (3, ...), of which NaN marks points without one.

    Returns
    -------
    ndarray of float64, (...)
        Displacement toward the satellite, in the same unit; NaN where either is NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit or a look vector is not of unit length.

    Examples
    --------
    >>> round(float(project([0.0, 0.0, 1.0], look_vector(-12.0, 39.0))), 3)
    0.777
    """
    moved = np.asarray(displacement, dtype=np.float64)
    seen = np.asarray(look, dtype=np.float64)
    if moved.shape[:1] != (3,):
        raise ValueError(
            f"displacement has shape {moved.shape}: its first axis must hold east, north and up, "
            "(3, ...)"
        )
    if seen.shape not in ((3,), moved.shape):
        raise ValueError(
            f"look has shape {seen.shape} beside a displacement of shape {moved.shape}: "
            "give (3,) or one look vector for each point"
        )
    length = np.sqrt(np.sum(seen**2, axis=0))
    if np.any(np.abs(length - 1.0) > UNIT_TOLERANCE):
        worst = np.ravel(length)[np.nanargmax(np.abs(length - 1.0))]
        raise ValueError(
            f"look vector has length {worst:g}, not 1: give (east, north, up) from the ground to "
            "the satellite, no angles"
        )
    return np.asarray(np.einsum("i...,i...->...", moved, _aligned(seen, moved.ndim)))


def _aligned(look: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    """One look vector, or a map of them, with as many axes as the displacement."""
    return look if look.ndim == dimensions else look.reshape(3, *(1,) * (dimensions - 1))


def wrap(displacement: ArrayLike, cycle: float = SENTINEL1_WAVELENGTH / 2) -> NDArray[np.floating]:
    """Return the displacement as a wrapped phase.

    Parameters
    ----------
    displacement
        Displacement toward the satellite (m), any shape.
    cycle
        Displacement (m) of one fringe, positive; half the wavelength by default.

    Returns
    -------
    ndarray, as displacement
        Phase (radians) in [-pi, pi), growing with motion toward the satellite; NaN stays NaN. Of
        the floating type of the displacement (float64 for integers).

    Raises
    ------
    ValueError
        If the cycle is not a positive number.

    Examples
    --------
    >>> wrap([0.0, 0.25, 0.5, 1.25], cycle=1.0) / np.pi
    array([ 0. ,  0.5, -1. ,  0.5])
    """
    if not (math.isfinite(cycle) and cycle > 0):
        raise ValueError(f"cycle {cycle:g} m is not positive: give the displacement of one fringe")
    fringes = np.asarray(displacement)
    if not np.issubdtype(fringes.dtype, np.floating):
        fringes = fringes.astype(np.float64)
    fringes = fringes / cycle
    # The nearest whole fringe is taken away, not a remainder of the phase: -pi itself then stays.
    return np.asarray(2.0 * np.pi * (fringes - np.floor(fringes + 0.5)))
