"""Windows without the correlation of turbulence: neighbours differ by noise alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

# Wave number (radians a pixel) from which on pixel noise rules, and is smoothed instead.
_CUT = 1.6
# Standard deviation (pixels) of the smoothing that fills gaps, and the least weight it divides by.
_BRIDGE, _LEAST_WEIGHT = 3.0, 0.05


def whitened(residual: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Windows times the wave number to 1.5, without what is finer than four pixels.

    Turbulence of exponential covariance, long against the window, has an amplitude that falls with
    the wave number to 1.5 (Matern 1/2 in the plane); times it, it is white, and a source in it
    stands out as in a matched filter.

    Parameters
    ----------
    residual : array, shape (n, size, size)
        Any unit; without level and plane, 0 where missing.
    valid : array of bool, the same shape
        True where there is data. Gaps are bridged by what is near, or their rims would stand out.

    Returns
    -------
    array of float32, the same shape
        In no unit of use: to be scaled; 0 where missing.
    """
    filled = residual
    if (gappy := ~valid.all(axis=(1, 2))).any():
        over = (0.0, _BRIDGE, _BRIDGE)
        weight = gaussian_filter(valid[gappy].astype(np.float32), over)
        near = gaussian_filter(residual[gappy], over) / np.maximum(weight, _LEAST_WEIGHT)
        filled = residual.copy()
        filled[gappy] = np.where(valid[gappy], residual[gappy], near)
    # Cosines end level at the border: a periodic transform would see a step there.
    spectrum = scipy.fft.dctn(filled, axes=(1, 2))
    spectrum *= _transfer(residual.shape[1])
    white = scipy.fft.idctn(spectrum, axes=(1, 2), overwrite_x=True)
    return np.where(valid, white, np.float32(0.0))


@cache
def _transfer(size: int) -> NDArray[np.float32]:
    wave = np.pi * np.arange(size) / size
    number = np.hypot(wave[:, None], wave)
    return (number**1.5 * np.exp(-((number / _CUT) ** 2))).astype(np.float32)
