"""Three detectors without learning, the yardstick for any that learns.

Each takes a velocity map with gaps and its pixel size and returns the signed response at each
pixel, positive for uplift; its absolute value is the score in `BASELINES`. All of them leave
out a scale where too little of its weight lies on valid pixels, so that coasts, gaps and the
border of the map do not pass for sources.

References
----------
Turin, G. L. (1960), IRE Trans. Inf. Theory 6, 311-329 (matched filter in coloured noise).
Mogi, K. (1958), Bull. Earthq. Res. Inst. 36, 99-134.
Lindeberg, T. (1998), Int. J. Comput. Vis. 30, 79-116 (Laplacian of Gaussian over scales).
Knutsson, H. and Westin, C.-F. (1993), Proc. CVPR, 515-523 (normalised convolution).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from bradyseism.evaluation.whitening import Torus, filled, fitted_noise, whitening
from bradyseism.physics.quantiles import MAD_TO_DEVIATION

DEPTHS = (1e3, 2e3, 4e3, 8e3, 16e3)
"""Depths of the Mogi filter bank in metres."""

BLOB_WIDTHS = (1e3, 1.6e3, 2.7e3, 4.5e3, 7.4e3, 12e3, 20e3)
"""Diameters of the blobs of the Laplacian of Gaussian in metres."""

BOX_WIDTHS = (0.4e3, 0.8e3, 1.6e3, 2.8e3, 5.2e3, 8.4e3, 16e3)
"""Sides of the boxcars in metres."""

# Valid share of a kernel's weight, and of a template's energy, below which it tells nothing.
# Scattered gaps of 60 % must pass the first; the second does not count narrow gaps.
_SUPPORT = 0.25
_ENERGY = 0.5


def mogi_filter_bank(
    velocity: NDArray[np.floating[Any]],
    pixel_size: float,
    *,
    look: Sequence[float] = (0.0, 0.0, 1.0),
    depths: Sequence[float] = DEPTHS,
) -> NDArray[np.float64]:
    """Matched filter for point sources in noise with the map's own variogram.

    Parameters
    ----------
    velocity : array of shape (rows, columns)
        North-up map in any unit, positive toward the satellite; NaN is missing.
    pixel_size : float
        Side of a square pixel in metres.
    look : (east, north, up)
        Unit vector from the ground to the satellite; vertical by default.
    depths : sequence of float
        Depths of the sources in metres.

    Returns
    -------
    array of shape (rows, columns)
        Best signal-to-noise ratio over the depths, with the sign of the volume change; about
        standard normal for one depth in pure noise. NaN where the map is, 0 where no depth has
        half of its energy near valid pixels or the map does not vary.

    Raises
    ------
    ValueError
        If the map is not two-dimensional, the pixel size or a depth not positive, or `look` not
        of unit length.

    Notes
    -----
    Map and template are divided by the root of the noise spectrum (Turin 1960), that of the
    exponential variogram with nugget fitted to the map. Gaps and a margin around the map are
    filled by inverse-distance weighting before, or their edges would be the strongest signal;
    the norm of the template counts pixels within half a depth of valid ones only.
    """
    values, valid = _checked(velocity, pixel_size)
    direction = np.asarray(look, dtype=np.float64)
    if direction.shape != (3,) or abs(np.linalg.norm(direction) - 1.0) > 1e-3:
        raise ValueError(f"look {look} is not a unit vector: give (east, north, up) of length 1")
    if min(depths) <= 0.0:
        raise ValueError(f"depths {tuple(depths)} hold one that is not positive: give metres > 0")
    noise = fitted_noise(values, valid, pixel_size)
    if noise.sill + noise.nugget == 0.0:
        return np.where(valid, 0.0, np.nan)
    extent = max(values.shape) * pixel_size
    used = [depth for depth in depths if depth <= extent]
    torus = Torus.of(values, valid, pixel_size, margin=2.0 * max(used, default=0.0))
    whitener = whitening(noise, torus)
    data = scipy.fft.rfft2(filled(torus)) * whitener
    mask = scipy.fft.rfft2(torus.mask)
    distance = np.hypot(torus.easting, torus.northing)

    def responses() -> Iterable[NDArray[np.float64]]:
        """One response a template."""
        for depth in used:
            near = torus.map_of(mask * scipy.fft.rfft2(distance <= 0.5 * depth)) > 0.5
            coverage = scipy.fft.rfft2(near)
            spectrum = scipy.fft.rfft2(_mogi(torus, depth, direction)) * whitener
            power = torus.map_of(spectrum) ** 2
            energy = torus.map_of(coverage * np.conj(scipy.fft.rfft2(power)))
            match = torus.map_of(data * np.conj(spectrum))
            supported = energy >= _ENERGY * power.sum()
            yield np.where(supported, match / np.sqrt(np.where(supported, energy, 1.0)), 0.0)

    return _strongest(responses(), valid)


def laplacian_of_gaussian(
    velocity: NDArray[np.floating[Any]],
    pixel_size: float,
    *,
    widths: Sequence[float] = BLOB_WIDTHS,
) -> NDArray[np.float64]:
    """Blob detector: mean of the centre minus mean of the surroundings, over many widths.

    Parameters
    ----------
    velocity : array of shape (rows, columns)
        Map in any unit, positive toward the satellite; NaN is missing.
    pixel_size : float
        Side of a square pixel in metres.
    widths : sequence of float
        Diameters of the blobs in metres, the width between the zeros of the kernel.

    Returns
    -------
    array of shape (rows, columns)
        Strongest response in units of the robust noise (MAD) of its width in this map. NaN where
        the map is, 0 where no width has a quarter of its weight on valid pixels.

    Raises
    ------
    ValueError
        If the map is not two-dimensional, or the pixel size or a width not positive.

    Notes
    -----
    Both lobes of the kernel are normalised convolutions (Knutsson and Westin 1993), equal to the
    Laplacian of Gaussian up to a factor where nothing is missing. Dividing by the noise of each
    width takes the place of the scale normalisation of Lindeberg (1998).
    """
    values, valid = _checked(velocity, pixel_size, widths)

    # The zeros of the kernel lie at the root of two sigma.
    extent = max(values.shape) * pixel_size
    sigmas = [max(width / math.sqrt(8.0), 0.5 * pixel_size) for width in widths if width <= extent]
    torus = Torus.of(values, valid, pixel_size, margin=4.0 * max(sigmas, default=0.0))
    data, coverage = scipy.fft.rfft2(torus.values), scipy.fft.rfft2(torus.mask)
    # Round-off of a map without variation is no noise to measure by.
    floor = 1e-12 * float(np.max(np.abs(values), initial=0.0))

    def responses() -> Iterable[NDArray[np.float64]]:
        """One response a scale."""
        for sigma in sigmas:
            contrast, least = np.zeros(torus.mask.shape), np.ones(torus.mask.shape)
            for sign, lobe in zip((1.0, -1.0), _lobes(torus, sigma), strict=True):
                kernel = scipy.fft.rfft2(lobe)
                share = torus.map_of(coverage * kernel)
                contrast += sign * torus.map_of(data * kernel) / np.maximum(share, _SUPPORT)
                least = np.minimum(least, share)
            supported = torus.mask & (least >= _SUPPORT)
            # Means over fewer pixels are noisier: without this, the border would stand out.
            contrast *= np.sqrt(np.maximum(least, 0.0))
            noise = _deviation(contrast[supported])
            if noise > floor:
                yield np.where(supported, contrast / noise, 0.0)

    return _strongest(responses(), valid)


def boxcar(
    velocity: NDArray[np.floating[Any]],
    pixel_size: float,
    *,
    widths: Sequence[float] = BOX_WIDTHS,
) -> NDArray[np.float64]:
    """Largest deviation of a boxcar mean from the median of the map.

    Parameters
    ----------
    velocity : array of shape (rows, columns)
        Map in any unit, positive toward the satellite; NaN is missing.
    pixel_size : float
        Side of a square pixel in metres.
    widths : sequence of float
        Sides of the boxes in metres, rounded to an odd number of pixels.

    Returns
    -------
    array of shape (rows, columns)
        Deviation in the unit of the map. NaN where the map is.

    Raises
    ------
    ValueError
        If the map is not two-dimensional, or the pixel size or a width not positive.
    """
    values, valid = _checked(velocity, pixel_size, widths)

    def responses() -> Iterable[NDArray[np.float64]]:
        """One response a width."""
        for width in widths:
            pixels = 2 * int(width / pixel_size / 2.0) + 1
            share = scipy.ndimage.uniform_filter(valid.astype(np.float64), pixels, mode="constant")
            total = scipy.ndimage.uniform_filter(values, pixels, mode="constant")
            # Means of a mask fall short of their share by round-off.
            supported = share >= _SUPPORT - 1e-9
            yield np.where(supported, total / np.where(supported, share, 1.0), 0.0)

    return _strongest(responses(), valid)


ScoreMap = Callable[
    [NDArray[np.floating[Any]], float, NDArray[np.floating[Any]]], NDArray[np.float64]
]


def _score(detector: Callable[..., NDArray[np.float64]], *, by_look: bool = False) -> ScoreMap:
    def score(
        velocity: NDArray[np.floating[Any]], pixel_size: float, look: NDArray[np.floating[Any]]
    ) -> NDArray[np.float64]:
        """Run the detector on one map."""
        geometry = {"look": look} if by_look else {}
        return np.abs(detector(velocity, pixel_size, **geometry))

    return score


BASELINES: Mapping[str, ScoreMap] = MappingProxyType(
    {
        "Mogi filter bank": _score(mogi_filter_bank, by_look=True),
        "Laplacian of Gaussian": _score(laplacian_of_gaussian),
        "boxcar": _score(boxcar),
    }
)
"""Score maps by name: (velocity, pixel size (m), look) -> larger where a source is likelier."""


def _checked(
    velocity: NDArray[np.floating[Any]], pixel_size: float, widths: Sequence[float] = (1.0,)
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Map about its median with 0 in the gaps, and where it is valid."""
    values = np.asarray(velocity, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"velocity has the shape {values.shape}: give (rows, columns)")
    if not (math.isfinite(pixel_size) and pixel_size > 0.0):
        raise ValueError(f"pixel_size {pixel_size:g} m is not positive: give metres on the ground")
    if min(widths) <= 0.0:
        raise ValueError(f"widths {tuple(widths)} hold one that is not positive: give metres > 0")
    valid = np.isfinite(values)
    middle = np.median(values[valid]) if valid.any() else 0.0
    return np.where(valid, values - middle, 0.0), valid


def _strongest(
    responses: Iterable[NDArray[np.float64]], valid: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Response of the largest absolute value at each pixel, NaN where the map is."""
    best = np.zeros(valid.shape)
    for response in responses:
        inside = response[: valid.shape[0], : valid.shape[1]]
        np.copyto(best, inside, where=np.abs(inside) > np.abs(best))
    return np.where(valid, best, np.nan)


def _deviation(residuals: NDArray[np.float64]) -> float:
    """Standard deviation about 0 from the median absolute value; 0 if there is none."""
    return MAD_TO_DEVIATION * float(np.median(np.abs(residuals))) if residuals.size else 0.0


def _mogi(torus: Torus, depth: float, look: NDArray[np.float64]) -> NDArray[np.float64]:
    """Line of sight of an inflating point below cell (0, 0), of largest value 1."""
    radius = np.sqrt(torus.easting**2 + torus.northing**2 + depth**2)
    signal = (look[0] * torus.easting + look[1] * torus.northing + look[2] * depth) / radius**3
    return np.asarray(signal / np.abs(signal).max(), dtype=np.float64)


def _lobes(torus: Torus, sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and surround of a Laplacian of Gaussian at cell (0, 0), each with the sum 1."""
    square = (torus.easting**2 + torus.northing**2) / (2.0 * sigma**2)
    kernel = (1.0 - square) * np.exp(-square)
    centre, surround = np.maximum(kernel, 0.0), np.maximum(-kernel, 0.0)
    return centre / centre.sum(), surround / surround.sum()
