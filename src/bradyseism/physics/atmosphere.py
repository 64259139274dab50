"""Tropospheric delay left in velocity maps: random turbulence, stratification, published levels.

Turbulence is an isotropic Gaussian field that follows a covariance model (`covariance.py`), drawn
on a torus (`embedding.py`) by one real Fourier transform.

References
----------
Gaddes, M. E. et al. (2018), J. Geophys. Res. Solid Earth 123, 10226-10251 (peak scaling).
Beker, T. et al. (2022), Fine-tuning CNNs for decreased sensitivity to non-volcanic deformation
velocity signals (noise levels).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import scipy.ndimage
from numpy.typing import ArrayLike, NDArray

from bradyseism.physics.covariance import (
    CovarianceModel,
    MaternModel,
    require_positive,
    require_spread,
)
from bradyseism.physics.embedding import embed
from bradyseism.physics.population import ModelPopulation

NoiseReading = Literal["peak", "sill"]
"""What a published noise amplitude measures: the peak of a field or the root of its sill."""

PixelSize = float | tuple[float, float]
"""Side of a square pixel, or (height, width) of another one, in metres."""

_GRADIENT_SMOOTHNESS, _CELLS_A_LENGTH = 1.5, 12.0


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
        require_positive("mean", self.mean, "m")
        require_spread("deviation", self.deviation, "standard deviation")

    def draw(self, rng: np.random.Generator) -> float:
        """One amplitude in metres, positive: the absolute value of a normal variate."""
        return abs(float(rng.normal(self.mean, self.deviation)))


NOISE_LEVELS: Mapping[str, NoiseLevel] = MappingProxyType(
    {
        "ascending": NoiseLevel(mean=8.299e-3, deviation=1.9365e-3),
        "descending": NoiseLevel(mean=4.6025e-3, deviation=0.1719e-3),
    }
)
"""Noise of five years in the Central Andes by track (Beker et al. 2022, section 2.2).

Metres of displacement accumulated over the time span, not a rate: divide by the years for a
velocity map. Beker et al. do not say whether this is the peak or the root of the sill: see
`scale_noise`.
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
    elevation: NDArray[np.floating[Any]], gradient: ArrayLike, reference: float
) -> NDArray[np.float64]:
    """Delay proportional to height, as stratified air leaves it.

    Parameters
    ----------
    elevation : array
        Height in metres, NaN where unknown.
    gradient : float or array of the shape of `elevation`
        Line-of-sight change in metres (or m/yr) for each metre of height, either sign: one for
        the whole map, or one for each pixel, for example from `gradient_field`.
    reference : float
        Height in metres at which the delay is 0.

    Returns
    -------
    array
        ``gradient * (elevation - reference)``, NaN where the height is.

    Raises
    ------
    ValueError
        If `gradient` is an array of another shape.
    """
    height = np.asarray(elevation, dtype=np.float64)
    change = np.asarray(gradient, dtype=np.float64)
    if change.ndim and change.shape != height.shape:
        raise ValueError(
            f"gradient of shape {change.shape} does not fit the elevation of shape "
            f"{height.shape}: give one number or an array of that shape"
        )
    return np.asarray(change * (height - reference))


def gradient_field(
    level: NoiseLevel | tuple[float, float],
    length: float,
    shape: tuple[int, int],
    pixel_size: PixelSize,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Smooth field of the change with height, as weather that differs from place to place leaves.

    Parameters
    ----------
    level : (mean, deviation)
        Of the gradient over places, in metres (or m/yr) of line-of-sight change for each metre of
        height; a deviation of 0 gives the constant gradient. The mean has either sign.
    length : float
        Scale of distance of the changes in metres (Matern covariance of smoothness 1.5).
    shape, pixel_size, rng
        As in `turbulent_fields`.

    Returns
    -------
    array of shape (rows, columns)
        For `stratified_delay`.

    Raises
    ------
    ValueError
        If the deviation is negative, the length not positive or the grid empty.
    """
    mean, deviation = (level.mean, level.deviation) if isinstance(level, NoiseLevel) else level
    require_spread("deviation", deviation, "standard deviation")
    if not math.isfinite(mean):
        raise ValueError(f"mean gradient {mean:g} is not finite: give metres for each metre")
    model = MaternModel(deviation**2, length, smoothness=_GRADIENT_SMOOTHNESS)
    sides = pixel_sides(pixel_size)
    # A smooth field is drawn on a grid of its own scale, two cells wider, and interpolated.
    steps = [max(side, length / _CELLS_A_LENGTH) for side in sides]
    cells = [
        math.ceil(n * side / step) + 4 for n, side, step in zip(shape, sides, steps, strict=True)
    ]
    coarse = turbulent_field(model, (cells[0], cells[1]), (steps[0], steps[1]), rng)
    places = [
        2.0 + np.arange(n) * side / step for n, side, step in zip(shape, sides, steps, strict=True)
    ]
    between = scipy.ndimage.map_coordinates(coarse, np.meshgrid(*places, indexing="ij"), order=3)
    return np.asarray(mean + between)


def turbulent_field(
    model: CovarianceModel | ModelPopulation,
    shape: tuple[int, int],
    pixel_size: PixelSize,
    rng: np.random.Generator,
    *,
    valid: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """One turbulent field: ``turbulent_fields(1, ...)[0]``.

    Parameters
    ----------
    model, shape, pixel_size, rng, valid
        As in `turbulent_fields`.

    Returns
    -------
    array of shape (rows, columns)
        In the root of the unit of the model's variances.
    """
    return np.asarray(turbulent_fields(1, model, shape, pixel_size, rng, valid=valid)[0])


def turbulent_fields(
    count: int,
    model: CovarianceModel | ModelPopulation,
    shape: tuple[int, int],
    pixel_size: PixelSize,
    rng: np.random.Generator,
    *,
    valid: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Independent Gaussian fields that follow a covariance model.

    The mean of one field is not 0: only the mean over many fields is. Where the correlation is
    long beside the field, differences between pixels follow the law exactly and the sill holds on
    average over the field, within 7 % of it at the centre and in the corners. A model without a
    sill gives the differences alone: the constant of such a field means nothing.

    Parameters
    ----------
    count : int
        Number of fields; the first of ``count + 1`` are the same as those of ``count``.
    model : CovarianceModel or ModelPopulation
        Law of all fields, nugget included, or what draws a law for each.
    shape : (rows, columns)
        Size of one field in pixels.
    pixel_size : float or (height, width)
        Of a pixel in metres.
    rng : numpy.random.Generator
        Source of randomness: the same state gives the same bits.
    valid : array of bool, shape (rows, columns), optional
        Where the fields have data; they are NaN elsewhere.

    Returns
    -------
    array of float64, shape (count, rows, columns)
        The fields, in the root of the unit of the model's variances; drawn in single precision.

    Raises
    ------
    ValueError
        If a size is not positive, `valid` has another shape, or the model is too smooth for the
        field (see `embedding.embed`).

    Examples
    --------
    >>> from bradyseism.physics.covariance import ExponentialModel
    >>> rng = np.random.default_rng(1)
    >>> turbulent_fields(2, ExponentialModel(1e-6, 5e3), (32, 64), 200.0, rng).shape
    (2, 32, 64)
    """
    rows, columns = int(shape[0]), int(shape[1])
    if min(rows, columns, count) < 1:
        raise ValueError(
            f"{count} fields of {rows} x {columns} pixels cannot be drawn: each must be 1 or more"
        )
    sides = pixel_sides(pixel_size)
    if valid is not None and np.shape(valid) != (rows, columns):
        raise ValueError(
            f"valid has the shape {np.shape(valid)}, the field {(rows, columns)}: give one shape"
        )
    fields = np.empty((count, rows, columns))
    for field in fields:
        law = model.draw(rng) if isinstance(model, ModelPopulation) else model
        unit = law.variance if math.isfinite(law.variance) else 1.0
        if unit == 0.0:
            field[:] = 0.0
            continue
        # Tori are kept for a variance of 1, so that fields of any strength share them.
        torus = embed(law.scaled(1.0 / unit), (rows, columns), sides)
        np.multiply(torus.draw((rows, columns), rng), math.sqrt(unit), out=field, dtype=np.float64)
    if valid is not None:
        fields[:, ~np.asarray(valid, dtype=bool)] = np.nan
    return fields


def pixel_sides(pixel_size: PixelSize) -> tuple[float, float]:
    """Height and width of a pixel in metres, from both or from the side of a square one.

    Raises
    ------
    ValueError
        If one is not a finite number over 0.
    """
    height, width = pixel_size if isinstance(pixel_size, tuple) else (pixel_size, pixel_size)
    for side in (height, width):
        require_positive("pixel_size", side, "m")
    return float(height), float(width)
