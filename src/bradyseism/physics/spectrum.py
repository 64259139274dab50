"""Spectral slope of a field: how fast its power falls with the wavenumber."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

_RINGS_PER_OCTAVE = 4


def spectral_slope(
    values: NDArray[np.floating[Any]], pixel_size: float, shortest: float, longest: float
) -> float:
    """Exponent b of the isotropic power spectral density k**b between two wavelengths.

    The field is tapered (Hann); the logarithm of the mean power of each ring of wavenumbers is
    fitted by a line, every ring alike. Missing pixels count as the mean.

    Parameters
    ----------
    values : array, shape (rows, columns)
        Any unit; NaN is missing.
    pixel_size : float
        Side of a square pixel (m).
    shortest, longest : float
        Wavelengths (m), at least two pixels and at most the shorter side.

    Returns
    -------
    float
        Negative for a field that is smooth: -3 to -4 for relief, -8/3 to -11/3 for turbulence.

    Raises
    ------
    ValueError
        If the wavelengths do not fit the field, or it holds no data.
    """
    side = min(values.shape) * pixel_size
    if not 2 * pixel_size <= shortest < longest <= side:
        raise ValueError(
            f"wavelengths {shortest:g} to {longest:g} m do not fit a field of {side:g} m with "
            f"pixels of {pixel_size:g} m: give two pixels at least, and the shorter side at most"
        )
    known = np.isfinite(values)
    if not known.any():
        raise ValueError("field holds no data: a spectrum needs some")
    filled = np.where(known, values - values[known].mean(), 0.0)
    taper = np.hanning(values.shape[0])[:, None] * np.hanning(values.shape[1])
    power = np.abs(fft.rfft2(filled * taper)) ** 2
    down = fft.fftfreq(values.shape[0], pixel_size)[:, None]
    wavenumber = np.hypot(down, fft.rfftfreq(values.shape[1], pixel_size))
    rings = max(3, round(_RINGS_PER_OCTAVE * math.log2(longest / shortest)))
    edges = np.geomspace(1.0 / longest, 1.0 / shortest, rings + 1)
    ring = np.digitize(wavenumber, edges).ravel()
    count = np.bincount(ring, minlength=rings + 2)[1:-1]
    total = np.bincount(ring, power.ravel(), minlength=rings + 2)[1:-1]
    middle = np.sqrt(edges[1:] * edges[:-1])
    used = (count > 0) & (total > 0)
    if used.sum() < 2:
        return math.nan
    slope, _ = np.polyfit(np.log(middle[used]), np.log(total[used] / count[used]), 1)
    return float(slope)
