"""Tropospheric delay left in velocity maps: random turbulence, stratification, variograms.

Turbulence is an isotropic Gaussian field with covariance ``sill exp(-r / length)``, drawn by
circulant embedding, or by intrinsic embedding where the length is long beside the map.
Variograms of maps with gaps come from Fourier autocorrelation, so that all pairs count.

References
----------
Dietrich, C. R. and Newsam, G. N. (1997), SIAM J. Sci. Comput. 18, 1088-1107 (embedding).
Stein, M. L. (2002), J. Comput. Graph. Stat. 11, 587-599 (intrinsic embedding).
Marcotte, D. (1996), Comput. Geosci. 22, 1175-1186 (variograms by FFT).
Cressie, N. (1985), Math. Geol. 17, 563-586 (relative misfits of the fit).
Gaddes, M. E. et al. (2018), J. Geophys. Res. Solid Earth 123, 10226-10251 (peak scaling).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import scipy.fft
import scipy.optimize
from numpy.typing import ArrayLike, DTypeLike, NDArray

NoiseReading = Literal["peak", "sill"]
"""What a published noise amplitude measures: the peak of a field or the root of its sill."""

# Half a torus of four lengths leaves less than 1e-4 of the variance in negative eigenvalues.
_TORUS_LENGTHS = 4.0


def _require_positive(name: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"{name} {value:g} {unit} is not positive: give a finite number over 0")


def _require_spread(name: str, value: float, kind: str) -> None:
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"{name} {value:g} is not a {kind}: give a finite number, 0 or more")


@dataclass(frozen=True)
class ExponentialModel:
    """Exponential covariance ``sill exp(-lag / length)`` with an optional nugget.

    Parameters
    ----------
    sill : float
        Variance of the correlated part, in the square of the map's unit, >= 0.
    length : float
        e-folding distance in metres, > 0; the practical range is three lengths.
    nugget : float
        Variance that is uncorrelated from pixel to pixel, >= 0.

    Raises
    ------
    ValueError
        If a variance is negative or the length not positive, or one is not finite.

    Examples
    --------
    >>> model = ExponentialModel(sill=4.0, length=1000.0, nugget=1.0)
    >>> [round(float(value), 3) for value in model.semivariogram([0.0, 1000.0, 1e6])]
    [0.0, 3.528, 5.0]
    """

    sill: float
    length: float
    nugget: float = 0.0

    def __post_init__(self) -> None:
        _require_spread("sill", self.sill, "variance")
        _require_spread("nugget", self.nugget, "variance")
        _require_positive("length", self.length, "m")

    def covariance(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Covariance at distances `lag` (m); the nugget counts at lag 0 only."""
        distance = np.asarray(lag, dtype=np.float64)
        correlated = self.sill * np.exp(-distance / self.length)
        return np.asarray(correlated + np.where(distance == 0.0, self.nugget, 0.0))

    def semivariogram(self, lag: ArrayLike) -> NDArray[np.float64]:
        """Semivariance at distances `lag` (m): 0 at lag 0, ``nugget + sill`` far away."""
        distance = np.asarray(lag, dtype=np.float64)
        correlated = -self.sill * np.expm1(-distance / self.length)
        return np.asarray(correlated + np.where(distance == 0.0, 0.0, self.nugget))


@dataclass(frozen=True, eq=False)
class Variogram:
    """Empirical semivariances, one for each bin of distance.

    Parameters
    ----------
    lag : array of shape (n,)
        Mean distance of the pairs of a bin in metres, increasing, > 0.
    semivariance : array of shape (n,)
        Half the mean squared difference, in the square of the map's unit.
    pairs : array of shape (n,)
        Number of pairs of pixels in each bin, >= 1.

    Raises
    ------
    ValueError
        If the three arrays are not one-dimensional and equally long.
    """

    lag: NDArray[np.float64]
    semivariance: NDArray[np.float64]
    pairs: NDArray[np.float64]

    def __post_init__(self) -> None:
        shapes = (self.lag.shape, self.semivariance.shape, self.pairs.shape)
        if len(set(shapes)) != 1 or self.lag.ndim != 1:
            raise ValueError(
                f"lag, semivariance and pairs have the shapes {shapes}: give three "
                "one-dimensional arrays of one length"
            )


@dataclass(frozen=True)
class NoiseLevel:
    """Distribution of the amplitude of atmospheric noise over many maps.

    Parameters
    ----------
    mean, deviation : float
        Mean and standard deviation of the amplitude in metres of line-of-sight displacement.

    Raises
    ------
    ValueError
        If the mean is not positive or the deviation negative.
    """

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        _require_positive("mean", self.mean, "m")
        _require_spread("deviation", self.deviation, "standard deviation")

    def draw(self, rng: np.random.Generator) -> float:
        """One amplitude in metres, positive: the absolute value of a normal variate."""
        return abs(float(rng.normal(self.mean, self.deviation)))


NOISE_LEVELS: Mapping[str, NoiseLevel] = MappingProxyType(
    {
        "ascending": NoiseLevel(mean=8.299e-3, deviation=1.9365e-3),
        "descending": NoiseLevel(mean=4.6025e-3, deviation=0.1719e-3),
    }
)
"""Noise of five years in the Central Andes by track (Beker et al. 2022, section 2.2), metres.

Beker et al. do not say whether this is the peak or the root of the sill: see `scale_noise`.
"""


def scale_noise(
    field: NDArray[np.float64], amplitude: float, reading: NoiseReading = "peak"
) -> NDArray[np.float64]:
    """Give a turbulent field of unit variance the published amplitude.

    Parameters
    ----------
    field : array
        Turbulent field with a standard deviation of 1; NaN is missing and stays so.
    amplitude : float
        Amplitude in metres, for example from `NoiseLevel.draw`.
    reading : {"peak", "sill"}
        ``"peak"``: remove the mean and scale the largest absolute value to `amplitude`, as
        Gaddes et al. (2018) do. ``"sill"``: `amplitude` is the root of the sill, so the
        field is multiplied by it and nothing else.

    Returns
    -------
    array
        Field in metres, of the same shape. A constant field becomes 0 under ``"peak"``.

    Raises
    ------
    ValueError
        If `reading` is neither of the two, or nothing in the field is finite.
    """
    if reading == "sill":
        return field * amplitude
    if reading != "peak":
        raise ValueError(f"reading {reading!r} of the noise is unknown: give 'peak' or 'sill'")
    if not np.isfinite(field).any():
        raise ValueError(f"field of shape {field.shape} holds no finite value to scale")
    centred = field - np.nanmean(field)
    peak = float(np.nanmax(np.abs(centred)))
    return centred * (amplitude / peak) if peak > 0.0 else centred


def stratified_delay(
    elevation: NDArray[np.floating[Any]], gradient: float, reference: float
) -> NDArray[np.float64]:
    """Delay proportional to height, as stratified air leaves it.

    Parameters
    ----------
    elevation : array
        Height in metres, NaN where unknown.
    gradient : float
        Line-of-sight change in metres (or m/yr) for each metre of height, either sign.
    reference : float
        Height in metres at which the delay is 0.

    Returns
    -------
    array
        ``gradient * (elevation - reference)``, NaN where the height is.
    """
    return np.asarray(gradient * (np.asarray(elevation, dtype=np.float64) - reference))


def turbulent_field(
    shape: tuple[int, int],
    pixel_size: float,
    length: float,
    rng: np.random.Generator,
    *,
    standard_deviation: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """One turbulent field; `turbulent_fields` gives two for the same work.

    Parameters
    ----------
    shape, pixel_size, length, rng, standard_deviation, dtype
        As in `turbulent_fields`.

    Returns
    -------
    array of shape (rows, columns)
        Equal to ``turbulent_fields(1, ...)[0]``.
    """
    fields = turbulent_fields(
        1, shape, pixel_size, length, rng, standard_deviation=standard_deviation, dtype=dtype
    )
    return np.asarray(fields[0])


def turbulent_fields(
    count: int,
    shape: tuple[int, int],
    pixel_size: float,
    length: float,
    rng: np.random.Generator,
    *,
    standard_deviation: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """Independent Gaussian fields with covariance ``standard_deviation**2 exp(-r / length)``.

    The mean of one field is not 0: only the mean over many fields is. Where the length is long
    beside the field, differences between pixels follow the law exactly and the sill holds on
    average over the field, within 7 % of it at the centre and in the corners.

    Parameters
    ----------
    count : int
        Number of fields; the first of ``count + 1`` are the same as those of ``count``.
    shape : (rows, columns)
        Size of one field in pixels.
    pixel_size, length : float
        Side of a square pixel and e-folding distance in metres.
    rng : numpy.random.Generator
        Source of randomness: the same state gives the same bits.
    standard_deviation : float
        Root of the sill, in the unit wanted of the result.
    dtype : float64 or float32
        Precision of the computation; float32 is faster and draws other fields.

    Returns
    -------
    array of shape (count, rows, columns)
        The fields, in the unit of `standard_deviation`.

    Raises
    ------
    ValueError
        If a size is not positive, the deviation negative, or the precision neither of the two.

    References
    ----------
    Dietrich and Newsam (1997): both the real and the imaginary part of one complex
    transform are fields, independent of each other.
    """
    precision = np.dtype(dtype)
    if precision not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype {precision} is not a precision of fields: float32 or float64")
    rows, columns = int(shape[0]), int(shape[1])
    if min(rows, columns, count) < 1:
        raise ValueError(
            f"{count} fields of {rows} x {columns} pixels cannot be drawn: each must be 1 or more"
        )
    _require_positive("pixel_size", pixel_size, "m")
    _require_positive("length", length, "m")
    _require_spread("standard_deviation", standard_deviation, "standard deviation")
    torus = _torus((rows, columns), float(pixel_size), float(length))
    fields = np.empty((count, rows, columns), dtype=precision)
    for first in range(0, count, 2):
        real, imaginary = _draw_pair(torus, (rows, columns), rng, precision)
        fields[first] = real
        if first + 1 < count:
            fields[first + 1] = imaginary
    fields *= standard_deviation
    return fields


def empirical_variogram(
    velocity: NDArray[np.floating[Any]], pixel_size: float, *, longest_lag: float | None = None
) -> Variogram:
    """Isotropic semivariogram of a map, over all pairs of valid pixels.

    Parameters
    ----------
    velocity : array of shape (rows, columns)
        Map in any unit; NaN is missing.
    pixel_size : float
        Side of a square pixel in metres.
    longest_lag : float, optional
        Longest distance in metres; half the shorter side of the map by default.

    Returns
    -------
    Variogram
        One bin for each pixel size of distance, bins without pairs left out.

    Raises
    ------
    ValueError
        If the map is not two-dimensional, or no two valid pixels lie within `longest_lag`.

    References
    ----------
    Marcotte (1996).
    """
    values = np.asarray(velocity, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"velocity has the shape {values.shape}: give (rows, columns)")
    _require_positive("pixel_size", pixel_size, "m")
    if longest_lag is None:
        longest_lag = max(min(values.shape) / 2.0, 1.0) * pixel_size
    # A bin reaches half a pixel to either side; round-off must not cost the last one.
    reach = longest_lag / pixel_size * (1.0 + 1e-9)
    valid = np.isfinite(values)
    if valid.sum() < 2:
        raise ValueError(
            f"map of {values.shape[0]} x {values.shape[1]} pixels holds {valid.sum()} valid: "
            "a variogram needs two or more"
        )
    squares, counts = _pair_sums(values, valid, int(reach))
    down = np.arange(-(squares.shape[0] // 2), squares.shape[0] // 2 + 1)[:, None]
    right = np.arange(squares.shape[1])[None, :]
    distance = np.hypot(down, right)
    # Lags h and -h are one pair: take the half plane to the east, and south on its border.
    wanted = ((right > 0) | (down > 0)) & (distance <= reach) & (counts > 0.5)
    if not wanted.any():
        raise ValueError(
            f"no two valid pixels lie within longest_lag {longest_lag:g} m at pixels of "
            f"{pixel_size:g} m: give a longer one"
        )
    number = np.rint(distance[wanted]).astype(np.int64)
    pairs = np.bincount(number, counts[wanted]).astype(np.float64)
    lag = np.bincount(number, counts[wanted] * distance[wanted]) * pixel_size
    total = np.bincount(number, squares[wanted])
    filled = pairs > 0.0
    return Variogram(
        lag=lag[filled] / pairs[filled],
        semivariance=np.maximum(0.5 * total[filled] / pairs[filled], 0.0),
        pairs=pairs[filled],
    )


def fit_exponential(variogram: Variogram) -> ExponentialModel:
    """Exponential model with nugget that fits a variogram best.

    Relative misfits (Cressie 1985) count alike in every octave of distance: pairs grow with
    the lag but, in a correlated field, what they tell does not. Misfits beyond 10 % are
    damped, so that a bump or a trend at far lags bends the fit little.

    Parameters
    ----------
    variogram : Variogram
        At least three bins.

    Returns
    -------
    ExponentialModel
        Its length lies between the shortest lag, below which it would be a nugget, and ten
        times the longest. A map without variation gives a sill and a nugget of 0 and the
        longest lag as length.

    Raises
    ------
    ValueError
        If there are fewer than three bins.
    """
    lag, gamma = variogram.lag, variogram.semivariance
    if lag.size < 3:
        raise ValueError(
            f"variogram of {lag.size} bins cannot hold sill, length and nugget: give 3 or more"
        )
    unit = float(gamma.max())
    if unit == 0.0:
        return ExponentialModel(0.0, float(lag[-1]))
    observed = np.maximum(gamma / unit, 1e-6)
    weight = np.sqrt(variogram.pairs) / (lag * observed)
    weight *= observed.size**0.5 / np.linalg.norm(weight * observed)

    def misfit(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        model = parameters[2] - parameters[0] * np.expm1(-lag / math.exp(parameters[1]))
        return np.asarray(weight * (model - observed), dtype=np.float64)

    lowest, highest = math.log(lag[0]), math.log(lag[-1] * 10.0)
    # 63 % of the highest semivariance is reached at one length.
    reached = float(lag[int(np.argmax(observed >= 0.632))])
    start = (1.0, min(max(math.log(reached), lowest + 1e-6), highest - 1e-6), 1e-3)
    # At the longest admitted length only a tenth of the sill shows within the lags.
    bounds = ([0.0, lowest, 0.0], [20.0, highest, 1.1])
    found = scipy.optimize.least_squares(misfit, start, bounds=bounds, loss="soft_l1", f_scale=0.1)
    sill, log_length, nugget = (float(value) for value in found.x)
    return ExponentialModel(sill * unit, math.exp(log_length), nugget * unit)


@dataclass(frozen=True, eq=False)
class _Torus:
    """What a pair of fields is drawn from, for a sill of 1.

    `amplitude` is the root of the eigenvalues over the number of cells, one quarter of the
    torus; `level` and `slope` (per pixel) are the deviations of a constant and of a plane that
    intrinsic embedding adds, 0 without it.
    """

    amplitude: NDArray[np.float64]
    level: float
    slope: float


@lru_cache(maxsize=8)
def _torus(shape: tuple[int, int], pixel_size: float, length: float) -> _Torus:
    """Embed the covariance on a torus of at least twice the field's size.

    Clipped negative eigenvalues of a plain torus would add white noise of up to 3 % of the
    sill where the length is long beside the field. There the torus carries
    ``exp(-r) + quadratic r^2 - constant`` (r in lengths) up to the field's diagonal and 0 from
    there on, with a continuous slope, which leaves no eigenvalue negative. A random plane takes
    the quadratic term out of every difference between two pixels, so that the variogram is
    exact; a random constant gives the sill back.
    """
    extent = [size * pixel_size / length for size in shape]
    halves = [max(side, _TORUS_LENGTHS) for side in extent]
    diagonal = math.hypot(*extent)
    intrinsic = diagonal**2 < halves[0] * halves[1]
    if intrinsic:
        halves = [diagonal, diagonal]
    pixel = pixel_size / length
    sizes = [2 * scipy.fft.next_fast_len(math.ceil(half / pixel)) for half in halves]
    down, right = (np.arange(size // 2 + 1) * pixel for size in sizes)
    distance = np.hypot(down[:, None], right[None, :])
    covariance = np.exp(-distance)
    level = slope = 0.0
    if intrinsic:
        quadratic = math.exp(-diagonal) / (2.0 * diagonal)
        constant = math.exp(-diagonal) * (1.0 + diagonal / 2.0)
        covariance += quadratic * distance**2 - constant
        covariance[distance > diagonal] = 0.0
        slope = math.sqrt(2.0 * quadratic) * pixel
        tilted = slope**2 * sum(size**2 - 1 for size in shape) / 12.0
        level = math.sqrt(constant - tilted)
    # The torus is even in both directions: its transform is a cosine transform of a quarter.
    eigenvalues = np.asarray(scipy.fft.dctn(covariance, type=1), dtype=np.float64)
    amplitude = np.sqrt(np.maximum(eigenvalues, 0.0) / (sizes[0] * sizes[1]))
    amplitude.setflags(write=False)
    return _Torus(amplitude, level, slope)


def _draw_pair(
    torus: _Torus, shape: tuple[int, int], rng: np.random.Generator, precision: np.dtype[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two independent fields: the real and the imaginary part of one complex transform."""
    sides = [2 * (size - 1) for size in torus.amplitude.shape]
    fold = [np.minimum(np.arange(side), side - np.arange(side)) for side in sides]
    spread = torus.amplitude.astype(precision)[np.ix_(*fold)]
    white = rng.standard_normal((sides[0], 2 * sides[1]), dtype=precision)
    spectrum = white.view(np.result_type(precision, np.complex64)) * spread
    # Rows outside the field are dropped before the second half of the transform.
    half = scipy.fft.fft(spectrum, axis=0, overwrite_x=True)[: shape[0]]
    pair = scipy.fft.fft(half, axis=1)[:, : shape[1]]
    if torus.slope == 0.0:
        return pair.real, pair.imag
    down, right = (np.arange(size) - (size - 1) / 2.0 for size in shape)
    weights = rng.standard_normal((2, 3)) * (torus.level, torus.slope, torus.slope)
    planes = [level + south * down[:, None] + east * right for level, south, east in weights]
    return pair.real + planes[0], pair.imag + planes[1]


def _pair_sums(
    values: NDArray[np.float64], valid: NDArray[np.bool_], reach: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of squared differences and numbers of pairs, for lags -reach..reach x 0..reach."""
    down, right = (min(reach, size - 1) for size in values.shape)
    padded = [
        scipy.fft.next_fast_len(size + pad, real=True)
        for size, pad in zip(values.shape, (down, right), strict=True)
    ]
    # Centred: the squares that cancel below stay of the size of the variance.
    centred = np.where(valid, values - np.median(values[valid]), 0.0)
    mask = scipy.fft.rfft2(valid.astype(np.float64), padded)
    first = scipy.fft.rfft2(centred, padded)
    second = scipy.fft.rfft2(centred**2, padded)
    squares = 2.0 * ((np.conj(mask) * second).real - np.abs(first) ** 2)
    rows = np.arange(-down, down + 1)

    def lags(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
        full = scipy.fft.irfft2(spectrum.astype(np.complex128), padded)
        return np.asarray(full[rows, : right + 1], dtype=np.float64)

    return lags(squares), np.asarray(np.rint(lags(np.abs(mask) ** 2)), dtype=np.float64)
