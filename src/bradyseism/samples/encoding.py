"""How a window of a velocity map becomes network input; shared by training and detection.

Two encodings: `WrappedPatch` is the paper's (wrapped cumulative displacement), `NormalisedWindow`
feeds shape instead of centimetres: each window loses its own plane and is scaled by its own
spread, and shown whitened besides, so that one network serves quiet and noisy maps alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.line_of_sight import SENTINEL1_WAVELENGTH, wrap
from bradyseism.physics.quantiles import MAD_TO_DEVIATION
from bradyseism.samples.whitened import whitened

Quantity = Literal["velocity", "displacement"]
Detail = Literal["noise-scaled", "whitened"]

# Share of neighbouring pixels that must differ: some five cells across a window of one value each.
LEAST_DETAIL = 0.08
# Differences under this share of the largest value are rounding.
ROUNDING = 1e-6


@dataclass(frozen=True)
class NormalisedWindow:
    """Three channels: spread-scaled rate, its detail, valid mask.

    Parameters
    ----------
    size : int
        Pixels along one side of a window.
    pixel_sizes : tuple of float
        Pixel sizes (m) of the octave pyramid, fine to coarse; a window spans
        ``size * pixel_size`` metres.
    least_valid : float
        Share (0-1) of valid pixels under which a window is not observable.
    detail : str
        Channel 1: ``"whitened"`` for `whitened.whitened`, ``"noise-scaled"`` for the first models.

    Notes
    -----
    From every window the least-squares plane of its valid pixels is removed, then its median.
    Channel 0 is ``asinh(residual / (1.4826 MAD))``; channel 1 is the same of the whitened residual,
    or ``asinh(residual / noise)`` with the noise from the median absolute difference of
    neighbouring pixels. Both are over 3 so that values stay within a few units up to 300 times the
    noise. Adding a constant or a ramp to a window changes nothing.
    """

    size: int = 64
    pixel_sizes: tuple[float, ...] = (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
    least_valid: float = 0.25
    detail: Detail = "noise-scaled"
    quantity: ClassVar[Quantity] = "velocity"
    channels: ClassVar[int] = 3

    def __post_init__(self) -> None:
        _check_geometry(self.size, self.pixel_sizes, self.least_valid)
        if self.detail not in get_args(Detail):
            raise ValueError(f"detail {self.detail!r} is none of {', '.join(get_args(Detail))}")

    def observable(self, values: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Which windows, shape (n, size, size), hold enough data, and more than a few flat cells.

        Where a quadtree cell or a coarse pixel fills most of a window, only a coarser level of
        the pyramid can judge it.
        """
        windows = _check_windows(values, self.size)
        valid = np.isfinite(windows)
        filled = np.where(valid, windows, 0.0)
        largest = np.abs(filled).max(axis=(1, 2))[:, None, None]
        both = valid[:, :, 1:] & valid[:, :, :-1]
        differ = both & (np.abs(np.diff(filled, axis=2)) > ROUNDING * largest)
        detail = differ.sum(axis=(1, 2)) >= LEAST_DETAIL * both.sum(axis=(1, 2))
        return np.asarray(_enough(valid, self.least_valid) & detail & (largest[:, 0, 0] > 0))

    def encode(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Encode windows.

        Parameters
        ----------
        values : array, shape (n, size, size)
            LOS velocity (any unit, positive toward the satellite); NaN where missing.

        Returns
        -------
        array of float32, shape (n, 3, size, size)
            Missing pixels are 0 in every channel.
        """
        windows = _check_windows(values, self.size)
        valid = np.isfinite(windows)
        residual = without_planes(windows, valid)
        residual -= _masked_median(residual, valid).astype(np.float32)[:, None, None]
        residual[~valid] = 0.0
        spread = MAD_TO_DEVIATION * _masked_median(np.abs(residual), valid)
        if self.detail == "whitened":
            fine = whitened(residual, valid)
            noise = MAD_TO_DEVIATION * _masked_median(np.abs(fine), valid)
        else:
            fine, noise = residual, _short_lag_noise(residual, valid)
        square = np.einsum("nij,nij->n", residual, residual, dtype=np.float64)
        deviation = np.sqrt(square / np.maximum(valid.sum(axis=(1, 2)), 1))
        # Flat windows (quadtree cells, constants) have no spread but that of rounding.
        largest = np.where(valid, np.abs(windows), 0.0).max(axis=(1, 2))
        floor = np.maximum(1e-3 * deviation, ROUNDING * largest + np.finfo(np.float32).tiny)
        spread, noise = np.maximum(spread, floor), np.maximum(noise, floor)
        encoded = np.empty((len(windows), 3, self.size, self.size), dtype=np.float32)
        for channel, (field, scale) in enumerate(((residual, spread), (fine, noise))):
            encoded[:, channel] = _arcsinh(field / scale.astype(np.float32)[:, None, None]) / 3.0
        encoded[:, 2] = valid
        return encoded


@dataclass(frozen=True)
class WrappedPatch:
    """The paper's input: cumulative displacement, wrapped.

    Parameters
    ----------
    size : int
        Pixels along one side of a patch.
    pixel_size : float
        Pixel size (m).
    cycle : float
        LOS displacement (m) of one wrapping cycle; half the wavelength is one fringe.
    channels : int
        1, or 3 for the same phase three times (Gaddes et al. 2021).
    least_valid : float
        Share (0-1) of valid pixels under which a patch is not observable.
    """

    size: int = 256
    pixel_size: float = 200.0
    cycle: float = SENTINEL1_WAVELENGTH / 2
    channels: int = 1
    least_valid: float = 0.7
    quantity: ClassVar[Quantity] = "displacement"

    def __post_init__(self) -> None:
        _check_geometry(self.size, (self.pixel_size,), self.least_valid)
        if not self.cycle > 0:
            raise ValueError(f"cycle {self.cycle:g} m is not positive: give metres of LOS a cycle")
        if self.channels not in (1, 3):
            raise ValueError(f"channels {self.channels} is neither 1 nor 3")

    @property
    def pixel_sizes(self) -> tuple[float, ...]:
        """The one pixel size (m), as a pyramid of one level."""
        return (self.pixel_size,)

    def observable(self, values: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Which patches, shape (n, size, size), hold enough data."""
        return _enough(np.isfinite(_check_windows(values, self.size)), self.least_valid)

    def encode(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Encode patches.

        Parameters
        ----------
        values : array, shape (n, size, size)
            Cumulative LOS displacement (m, positive toward the satellite); NaN where missing.

        Returns
        -------
        array of float32, shape (n, channels, size, size)
            Phase in radians, [-pi, pi); missing pixels 0 after wrapping.
        """
        windows = _check_windows(values, self.size)
        phase = np.nan_to_num(wrap(windows, self.cycle), nan=0.0).astype(np.float32)
        return np.repeat(phase[:, None], self.channels, axis=1)


Encoding = NormalisedWindow | WrappedPatch

_KINDS: dict[str, type[NormalisedWindow] | type[WrappedPatch]] = {
    "normalised": NormalisedWindow,
    "wrapped": WrappedPatch,
}


def encoding_from(card: Mapping[str, Any]) -> Encoding:
    """Encoding of a model card's ``encoding`` table (``kind`` and the record's fields).

    Raises
    ------
    ValueError
        If the kind or a field is unknown.
    """
    fields = dict(card)
    kind = fields.pop("kind", None)
    if kind not in _KINDS:
        raise ValueError(f"encoding kind {kind!r} is unknown: expected one of {sorted(_KINDS)}")
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    try:
        return _KINDS[kind](**fields)
    except TypeError as error:
        raise ValueError(f"encoding {dict(card)} has an unknown field: {error}") from error


def encoding_card(encoding: Encoding) -> dict[str, Any]:
    """Table for a model card from which `encoding_from` makes the same encoding again."""
    kind = next(name for name, record in _KINDS.items() if isinstance(encoding, record))
    return {"kind": kind, **asdict(encoding)}


def noise_scales(
    windows: NDArray[np.floating[Any]], lags: tuple[int, ...] = (1,)
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Spread of windows without their planes, and how much of it differs at short lags.

    Parameters
    ----------
    windows : array, shape (n, side, side)
        Values of any unit; NaN where missing.
    lags : tuple of int
        In pixels along a row.

    Returns
    -------
    spread : array, shape (n,)
        1.4826 median absolute deviation, in the unit of the windows; 0 where they are flat.
    ratio : array, shape (n, lags)
        Median absolute difference at each lag over that of a field of this spread without
        correlation: about 1 for white noise, small where neighbours are alike.
    """
    valid = np.isfinite(windows)
    residual = without_planes(windows, valid)
    residual -= _masked_median(residual, valid).astype(np.float32)[:, None, None]
    spread = MAD_TO_DEVIATION * _masked_median(np.abs(residual), valid)
    ratio = np.stack([_short_lag_noise(residual, valid, lag) for lag in lags], axis=1)
    return spread, ratio / np.maximum(spread, np.finfo(np.float32).tiny)[:, None]


def _check_geometry(size: int, pixel_sizes: tuple[float, ...], least_valid: float) -> None:
    if size < 8:
        raise ValueError(f"size {size} px is under 8 px: a window needs room for a signal")
    if not pixel_sizes or not all(a > 0 for a in pixel_sizes):
        raise ValueError(f"pixel sizes {pixel_sizes} m are not all positive")
    if not 0 < least_valid <= 1:
        raise ValueError(f"least_valid {least_valid:g} is outside 0-1")


def _check_windows(values: NDArray[np.floating[Any]], size: int) -> NDArray[np.floating[Any]]:
    if values.ndim != 3 or values.shape[1:] != (size, size):
        raise ValueError(f"windows have shape {values.shape}: expected (n, {size}, {size})")
    return values


def _arcsinh(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inverse hyperbolic sine to 1e-7; numpy's own takes ten times as long."""
    size = np.abs(values)
    return np.asarray(np.copysign(np.log(size + np.sqrt(size * size + 1)), values))


def _enough(valid: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    return np.asarray(valid.mean(axis=(1, 2)) >= least)


def without_planes(
    windows: NDArray[np.floating[Any]], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Subtract the least-squares plane of the valid pixels from each window.

    Parameters
    ----------
    windows : array, shape (n, size, size)
        Any unit.
    valid : array of bool, the same shape
        True where there is data; elsewhere the result is 0.
    """
    # By sums along rows and columns: the threads of a matrix product would go on spinning beside
    # those of the network.
    axis = np.linspace(-1.0, 1.0, windows.shape[1])
    filled = np.where(valid, windows, np.float32(0.0))
    weight = [valid.sum(axis=2), valid.sum(axis=1)]
    moments = [[(w * axis**power).sum(axis=1) for power in range(3)] for w in weight]
    mixed = (np.einsum("nij,j->ni", valid, axis) * axis).sum(axis=1)
    (count, row, row_square), (_, column, column_square) = moments
    normal = np.stack(
        [count, row, column, row, row_square, mixed, column, mixed, column_square], axis=1
    ).reshape(-1, 3, 3)
    # A ridge far below any pixel's weight keeps lines and single pixels solvable.
    normal += 1e-9 * np.maximum(normal[:, :1, :1], 1.0) * np.eye(3)
    by_row, by_column = (filled.sum(axis=across, dtype=np.float64) for across in (2, 1))
    right = np.stack(
        [by_row.sum(axis=1), (by_row * axis).sum(axis=1), (by_column * axis).sum(axis=1)], axis=1
    )
    level, down, along = np.linalg.solve(normal, right[..., None])[..., 0].T
    filled -= (level[:, None] + down[:, None] * axis).astype(np.float32)[:, :, None]
    filled -= (along[:, None] * axis).astype(np.float32)[:, None, :]
    filled[~valid] = 0.0
    return filled.astype(np.float32, copy=False)


def _masked_median(values: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median of the valid pixels of each window; 0 where there is none."""
    median = np.zeros(len(values))
    # Window by window: halving the valid pixels takes half the time of sorting them.
    for index, (window, known) in enumerate(zip(values, valid, strict=True)):
        data = window[known]
        if half := data.size // 2:
            data.partition(half)
            low = data[half] if data.size % 2 else data[:half].max()
            median[index] = 0.5 * (float(low) + float(data[half]))
        elif data.size:
            median[index] = data[0]
    return median


def _short_lag_noise(
    residual: NDArray[np.float32], valid: NDArray[np.bool_], lag: int = 1
) -> NDArray[np.float64]:
    """Standard deviation of pixel noise from the median absolute neighbour difference."""
    difference = np.abs(residual[:, :, lag:] - residual[:, :, :-lag])
    both = valid[:, :, lag:] & valid[:, :, :-lag]
    return np.asarray(MAD_TO_DEVIATION / np.sqrt(2.0) * _masked_median(difference, both))
