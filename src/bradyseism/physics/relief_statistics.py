"""Numbers that tell one relief from another: slopes, hypsometry, spectrum, correlation length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from bradyseism.physics.spectrum import spectral_slope
from bradyseism.physics.terrain import steepness

FLAT = 2.0  # degrees
BROAD, FINE = (3e3, 20e3), (6e2, 3e3)  # wavelengths (m)


@dataclass(frozen=True)
class ReliefStatistics:
    """Statistics of one relief; slopes depend on the pixel size.

    Parameters
    ----------
    deviation : float
        Standard deviation of elevation (m).
    hypsometric_integral : float
        Mean height above the lowest point over the range of heights (0-1).
    slope_median, slope_90, slope_99 : float
        Quantiles of steepness (degrees).
    flat : float
        Share (0-1) less steep than 2 degrees.
    broad_slope, fine_slope : float
        Exponents of the spectrum at wavelengths of 3-20 km and of 0.6-3 km.
    correlation_length : float
        Distance (m) at which the autocorrelation falls below 1/e.
    """

    deviation: float
    hypsometric_integral: float
    slope_median: float
    slope_90: float
    slope_99: float
    flat: float
    broad_slope: float
    fine_slope: float
    correlation_length: float


def relief_statistics(
    elevation: NDArray[np.floating[Any]], pixel_size: float, land: NDArray[np.bool_] | None = None
) -> ReliefStatistics:
    """Measure a relief.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Elevation (m), at least 20 km a side.
    pixel_size : float
        Pixel size (m), at most 300.
    land : array of bool, shape (rows, columns), optional
        Where heights and slopes count (the sea has none); default everywhere.

    Raises
    ------
    ValueError
        If the relief is too small, too coarse, or flat all over.
    """
    land = np.ones(elevation.shape, dtype=bool) if land is None else land
    heights = elevation[land]
    if not np.ptp(heights) > 0:
        raise ValueError("relief is flat all over: there is nothing to measure")
    slope = steepness(elevation, pixel_size)[land]
    median, upper, highest = (float(value) for value in np.quantile(slope, (0.5, 0.9, 0.99)))
    return ReliefStatistics(
        deviation=float(heights.std()),
        hypsometric_integral=float((heights.mean() - heights.min()) / np.ptp(heights)),
        slope_median=median,
        slope_90=upper,
        slope_99=highest,
        flat=float((slope < FLAT).mean()),
        broad_slope=spectral_slope(elevation, pixel_size, *BROAD),
        fine_slope=spectral_slope(elevation, pixel_size, *FINE),
        correlation_length=correlation_length(elevation, pixel_size),
    )


def correlation_length(values: NDArray[np.floating[Any]], pixel_size: float) -> float:
    """Distance (m) at which the isotropic autocorrelation of a field falls below 1/e.

    Parameters
    ----------
    values : array, shape (rows, columns)
        Any unit, finite.
    pixel_size : float
        Side of a square pixel (m).

    Returns
    -------
    float
        Half the shorter side at most.
    """
    padded = [fft.next_fast_len(2 * n, real=True) for n in values.shape]
    reach = min(values.shape) // 2
    spectra = (
        fft.rfft2(field, padded) for field in (values - values.mean(), np.ones(values.shape))
    )
    products, pairs = (
        fft.irfft2(np.abs(spectrum) ** 2, padded)[:reach, :reach] for spectrum in spectra
    )
    distance = np.rint(np.hypot(*np.indices(products.shape))).astype(np.intp).ravel()
    covariance = np.bincount(distance, products.ravel()) / np.bincount(distance, pairs.ravel())
    below = np.flatnonzero(covariance[:reach] < covariance[0] / np.e)
    return float(pixel_size * (below[0] if below.size else reach))
