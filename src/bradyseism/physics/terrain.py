"""What relief does to a velocity map: slopes, downslope motion, local incidence.

Arrays are north-up (row 0 is north); elevation in metres; pixel size in metres.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from bradyseism.physics.dislocation import compiled
from bradyseism.physics.line_of_sight import checked_look
from bradyseism.physics.quantiles import quantile

FloatArray = NDArray[np.floating[Any]]
GAUSSIAN_MODES = 16


def power_law_field(
    shape: tuple[int, int],
    slope: float,
    rng: np.random.Generator,
    *,
    outer_scale: float | None = None,
) -> NDArray[np.float64]:
    """Random field with an isotropic power-law spectrum, zero mean and unit variance.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns, at least 2 each.
    slope : float
        Exponent b > 0 of the two-dimensional power spectral density k**-b; relief has 3 to 4,
        turbulent delay 8/3 to 11/3.
    rng : numpy.random.Generator
        Source of randomness.
    outer_scale : float, optional
        Wavelength (pixels) above which the spectrum is flat; default the padded side.

    Returns
    -------
    array of float64, shape (rows, columns)
        Opposite edges are independent: the field is cut from one twice as wide.
    """
    if min(shape) < 2:
        raise ValueError(f"shape {shape} is under 2 x 2 pixels: nothing varies in it")
    if not 0.0 < slope < math.inf or not (outer_scale is None or 0.0 < outer_scale < math.inf):
        raise ValueError(
            f"slope {slope:g} and outer_scale {outer_scale} px are not both positive: give the "
            "exponent of the spectrum and a wavelength"
        )
    padded = tuple(fft.next_fast_len(2 * n, real=True) for n in shape)
    knee = 1.0 / (outer_scale or max(padded))
    # Rows of one frequency and its negative share an amplitude.
    amplitude = np.exp(np.float32(-slope / 4) * _log_wavenumber(padded, knee))
    amplitude[0, 0] = 0.0
    spectrum = _random_modes(amplitude, padded[0], rng)
    # Rows outside the field are dropped before the second half of the transform.
    half = fft.ifft(spectrum, axis=0, overwrite_x=True)[: shape[0]]
    cut = fft.irfft(half, padded[1], axis=1)[:, : shape[1]].astype(np.float64)
    cut -= cut.mean()
    return np.asarray(cut / max(float(cut.std()), np.finfo(float).tiny))


@lru_cache(maxsize=8)
def _log_wavenumber(padded: tuple[int, int], knee: float) -> NDArray[np.float32]:
    """Logarithm of the squared wavenumber (cycles per pixel) of real modes, flat below the knee.

    Of shape (rows // 2 + 1, columns // 2 + 1): frequencies 0 and above.
    """
    along_rows, along_columns = fft.rfftfreq(padded[0]), fft.rfftfreq(padded[1])
    squared = along_rows[:, None] ** 2 + along_columns[None, :] ** 2
    logarithm = np.log(np.asarray(squared, dtype=np.float32) + knee**2)
    logarithm.setflags(write=False)
    return np.asarray(logarithm)


def _random_modes(
    amplitude: NDArray[np.float32], rows: int, rng: np.random.Generator
) -> NDArray[np.complex64]:
    """Half spectrum of a real field: steep spectra are carried by few modes, which are Gaussian.

    A field is the sum of thousands of the others, so that it is Gaussian all the same; uniform
    numbers from raw bits cost a tenth.
    """
    columns = amplitude.shape[1]
    bits = rng.integers(0, 2**32, size=(rows, columns), dtype=np.uint32).view(np.int16)
    low = min(GAUSSIAN_MODES, rows // 2)
    gaussian = rng.standard_normal((2 * low, 2 * min(GAUSSIAN_MODES, columns)), dtype=np.float32)
    parts = np.empty((rows, 2 * columns), dtype=np.float32)
    _scale(bits, gaussian, amplitude, parts)
    return parts.view(np.complex64)


@compiled
def _scale(
    bits: NDArray[np.int16],
    gaussian: NDArray[np.float32],
    amplitude: NDArray[np.float32],
    parts: NDArray[np.float32],
) -> None:
    """Write modes of a given deviation from 16 bits, the lowest from `gaussian`."""
    rows, low = parts.shape[0], gaussian.shape[0] // 2
    unit = np.float32(math.sqrt(3.0) / 2**15)
    for row in range(rows):
        sizes = amplitude[min(row, rows - row)]
        for column in range(sizes.size):
            parts[row, 2 * column] = np.float32(bits[row, 2 * column]) * unit * sizes[column]
            parts[row, 2 * column + 1] = (
                np.float32(bits[row, 2 * column + 1]) * unit * sizes[column]
            )
        if row < low or row >= rows - low:
            normals = gaussian[row if row < low else row - rows + 2 * low]
            for column in range(normals.size):
                parts[row, column] = normals[column] * sizes[column // 2]


def gradient(elevation: FloatArray, pixel_size: float) -> NDArray[np.float64]:
    """Slope of relief toward east and north.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Elevation (m), at least 2 x 2.
    pixel_size : float
        Pixel size (m).

    Returns
    -------
    array of float64, shape (2, rows, columns)
        d elevation / d easting and d elevation / d northing (m per m, positive uphill).
    """
    if elevation.ndim != 2 or min(elevation.shape) < 2:
        raise ValueError(f"elevation has shape {elevation.shape}: a slope needs 2 x 2 pixels")
    if not 0.0 < pixel_size < math.inf:
        raise ValueError(f"pixel size {pixel_size:g} m is not positive: give metres")
    return _central_differences(np.ascontiguousarray(elevation, dtype=np.float64), pixel_size)


@compiled
def _central_differences(elevation: NDArray[np.float64], pixel_size: float) -> NDArray[np.float64]:
    """Slopes toward east and north over two pixels, over one at the border."""
    rows, columns = elevation.shape
    slopes = np.empty((2, rows, columns))
    for row in range(rows):
        north, south = max(row - 1, 0), min(row + 1, rows - 1)
        run = (south - north) * pixel_size
        for column in range(columns):
            slopes[1, row, column] = (elevation[north, column] - elevation[south, column]) / run
        along, eastward = elevation[row], slopes[0, row]
        eastward[0] = (along[1] - along[0]) / pixel_size
        eastward[columns - 1] = (along[columns - 1] - along[columns - 2]) / pixel_size
        for column in range(1, columns - 1):
            eastward[column] = (along[column + 1] - along[column - 1]) / (2.0 * pixel_size)
    return slopes


def steepness(elevation: FloatArray, pixel_size: float) -> NDArray[np.float64]:
    """Slope angle of relief in degrees, shape (rows, columns), 0-90."""
    return np.asarray(np.degrees(np.arctan(np.hypot(*gradient(elevation, pixel_size)))))


def downslope_sensitivity(
    elevation: FloatArray, pixel_size: float, look: FloatArray
) -> NDArray[np.float64]:
    """LOS velocity of ground that moves down its slope at unit speed.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Elevation (m).
    pixel_size : float
        Pixel size (m).
    look : array, shape (3,)
        East, north, up unit vector from the ground to the satellite.

    Returns
    -------
    array of float64, shape (rows, columns)
        Between -1 and 1, positive toward the satellite; 0 on flat ground.
    """
    eastward, northward = gradient(elevation, pixel_size)
    east, north, up = (float(part) for part in checked_look(look))
    square = eastward**2 + northward**2
    # Along the surface: horizontally against the gradient, vertically down by its square.
    toward = -east * eastward - north * northward - up * square
    return np.asarray(toward / np.sqrt(np.maximum(square * (1.0 + square), np.finfo(float).tiny)))


def flat_ground(
    elevation: FloatArray, pixel_size: float, *, steepest: float = 2.0
) -> NDArray[np.bool_]:
    """Mask of ground less steep than `steepest` degrees, shape (rows, columns)."""
    if not 0 < steepest < 90:
        raise ValueError(f"steepest {steepest:g} deg is outside 0-90")
    eastward, northward = gradient(elevation, pixel_size)
    return np.asarray(eastward**2 + northward**2 < math.tan(math.radians(steepest)) ** 2)


def local_incidence(
    elevation: FloatArray, pixel_size: float, look: FloatArray
) -> NDArray[np.float64]:
    """Angle (degrees, 0-180) between the line of sight and the normal of the ground.

    Over 90 degrees the ground is in shadow; where a slope toward the satellite is steeper than
    the incidence angle it is in layover.
    """
    eastward, northward = gradient(elevation, pixel_size)
    normal = np.stack([-eastward, -northward, np.ones_like(eastward)])
    normal /= np.sqrt((normal**2).sum(axis=0))
    cosine = np.tensordot(checked_look(look), normal, axes=1)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def blob(
    shape: tuple[int, int],
    share: float,
    rng: np.random.Generator,
    *,
    roughness: float = 3.5,
    centre: tuple[float, float] | None = None,
) -> NDArray[np.bool_]:
    """Irregular connected-looking patch that covers `share` of the area.

    It lies around `centre` (row, column), or around a random place: the super-level set of a
    random field plus a cone. Outlines are smooth for a large `roughness` exponent (4), frayed for
    a small one (2.5).
    """
    if not 0 < share <= 1:
        raise ValueError(f"share {share:g} is outside 0-1")
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    row, column = rng.uniform(0, 1, 2) * shape if centre is None else centre
    reach = math.sqrt(share * shape[0] * shape[1] / math.pi)
    distance = np.sqrt(((rows - row) / reach) ** 2 + ((columns - column) / reach) ** 2)
    frayed = power_law_field(shape, roughness, rng, outer_scale=max(4.0, 3 * reach))
    level = 0.6 * frayed - distance
    return np.asarray(level > quantile(level, 1 - share))
