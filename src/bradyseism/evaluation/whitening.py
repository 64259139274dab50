"""A map with gaps on a torus, and the filter that makes its noise white.

References
----------
Turin, G. L. (1960), IRE Trans. Inf. Theory 6, 311-329 (matched filter in coloured noise).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.variogram import empirical_variogram
from bradyseism.physics.variogram_fit import fit

__all__ = ["Torus", "filled", "fitted_noise", "whitening"]

_LONGEST_LAG = 30e3
_FEWEST_PIXELS = 9


@dataclass(frozen=True, eq=False)
class Torus:
    """Map in the corner of a torus, for circular convolution with kernels at cell (0, 0)."""

    values: NDArray[np.float64]
    mask: NDArray[np.bool_]
    pixel_size: float

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        valid: NDArray[np.bool_],
        pixel_size: float,
        *,
        margin: float,
    ) -> Torus:
        """Torus with at least `margin` metres between opposite edges of the map."""
        extra = math.ceil(margin / pixel_size) + 1
        padding = [
            (0, scipy.fft.next_fast_len(size + extra, real=True) - size) for size in valid.shape
        ]
        return cls(np.pad(values, padding), np.pad(valid, padding), pixel_size)

    @property
    def easting(self) -> NDArray[np.float64]:
        """Distance (m) east of the first pixel, wrapped."""
        columns = self.mask.shape[1]
        return np.asarray(scipy.fft.fftfreq(columns, 1.0 / columns)[None, :] * self.pixel_size)

    @property
    def northing(self) -> NDArray[np.float64]:
        """Distance (m) north of the first pixel, wrapped."""
        rows = self.mask.shape[0]
        return np.asarray(scipy.fft.fftfreq(rows, 1.0 / rows)[:, None] * -self.pixel_size)

    def map_of(self, spectrum: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Map of a spectrum."""
        return np.asarray(scipy.fft.irfft2(spectrum, self.mask.shape), dtype=np.float64)


def fitted_noise(
    values: NDArray[np.float64], valid: NDArray[np.bool_], pixel_size: float
) -> ExponentialModel:
    """Noise of the map: exponential with nugget, or white where too few pixels tell."""
    if valid.sum() < _FEWEST_PIXELS:
        return ExponentialModel(0.0, pixel_size)
    reach = min(max(0.5 * math.hypot(*values.shape), 3.0) * pixel_size, _LONGEST_LAG)
    data = np.where(valid, values, np.nan)
    variogram = empirical_variogram(data, pixel_size, longest_lag=max(reach, pixel_size))
    if variogram.lag.size < 3 or not variogram.semivariance.any():
        return ExponentialModel(0.0, pixel_size, float(np.var(values[valid])))
    # Without the places of the pairs: intervals of the law are not asked for, and take longest.
    model = fit(replace(variogram, places=None), "exponential").model
    assert isinstance(model, ExponentialModel)
    return model


def whitening(noise: ExponentialModel, torus: Torus) -> NDArray[np.float64]:
    """One over the root of the noise spectrum, on the frequencies of `rfft2`."""
    rows, columns = torus.mask.shape
    down = scipy.fft.fftfreq(rows, torus.pixel_size)[:, None]
    right = scipy.fft.rfftfreq(columns, torus.pixel_size)
    square = (2.0 * math.pi * noise.length) ** 2 * (down**2 + right**2)
    area = 2.0 * math.pi * (noise.length / torus.pixel_size) ** 2
    spectrum = noise.sill * area * (1.0 + square) ** -1.5
    # Variance beyond the highest frequency folds back into the map, nearly white.
    beyond = noise.sill / math.hypot(1.0, math.pi * noise.length / torus.pixel_size)
    spectrum += noise.nugget + beyond
    return np.asarray(1.0 / np.sqrt(spectrum), dtype=np.float64)


def filled(torus: Torus) -> NDArray[np.float64]:
    """Values whose gaps and margin hold inverse-distance (cubed) means of the map."""
    square = (torus.easting**2 + torus.northing**2) / torus.pixel_size**2
    kernel = scipy.fft.rfft2((square + 1.0) ** -1.5)
    total = torus.map_of(scipy.fft.rfft2(torus.values) * kernel)
    weight = torus.map_of(scipy.fft.rfft2(torus.mask) * kernel)
    return np.where(torus.mask, torus.values, total / weight)
