"""Empirical variograms of maps with gaps: how much pixels differ at each distance.

The classical estimator (half the mean squared difference) takes all pairs, by Fourier
autocorrelation. One deforming volcano bends it: its square enters. The resistant one takes the
median squared difference of pairs drawn at random in each bin (Dowd 1984), which half of the
pairs can spoil before it breaks; the fourth-root estimator of Cressie and Hawkins (1980) damps a
spoilt pair but has no such limit, so a broad signal still moves it.

References
----------
Marcotte, D. (1996), Comput. Geosci. 22, 1175-1186 (variograms by FFT).
Dowd, P. A. (1984), in Geostatistics for Natural Resources Characterization, 91-106 (median).
Cressie, N. and Hawkins, D. M. (1980), Math. Geol. 12, 115-125.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.fft
import scipy.special
from numpy.typing import NDArray

from bradyseism.physics.atmosphere import PixelSize, pixel_sides
from bradyseism.physics.quantiles import MAD_TO_DEVIATION

Estimator = Literal["classical", "resistant"]
"""Mean or median of the squared differences of a bin."""

_DRAWN, _MOST_DRAWN, _FEWEST_DRAWN = 30_000, 2_000_000, 2_000
_KEPT = 1_600  # pairs in all whose places a fit knows: its error takes each two of them together
_MEDIAN_SQUARE = float(scipy.special.chdtri(1, 0.5))
# Variance of a median of squares over that of their mean, for independent normal differences.
_EFFICIENCY = 0.37
_PLANE_SAMPLE, _PLANE_ROUNDS = 200_000, 20


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
        Number of pairs of pixels in each bin, >= 1; an estimate where pairs were drawn.
    places : array of shape (n, k, 4), optional
        Down and right of the first, down and right of the second pixel (m) of some pairs of each
        bin: what a fit needs to know its own error.
    scatter : array of shape (n,), optional
        Relative variance that the finite number of pairs alone gives each semivariance.

    Raises
    ------
    ValueError
        If the three first arrays are not one-dimensional and equally long.
    """

    lag: NDArray[np.float64]
    semivariance: NDArray[np.float64]
    pairs: NDArray[np.float64]
    places: NDArray[np.float64] | None = None
    scatter: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        shapes = (self.lag.shape, self.semivariance.shape, self.pairs.shape)
        if len(set(shapes)) != 1 or self.lag.ndim != 1:
            raise ValueError(
                f"lag, semivariance and pairs have the shapes {shapes}: give three "
                "one-dimensional arrays of one length"
            )


def empirical_variogram(
    velocity: NDArray[np.floating[Any]],
    pixel_size: PixelSize,
    *,
    longest_lag: float | None = None,
    estimator: Estimator = "classical",
    bins: int | None = None,
    rng: np.random.Generator | None = None,
) -> Variogram:
    """Isotropic semivariogram of a map.

    Parameters
    ----------
    velocity : array of shape (rows, columns)
        Map in any unit; NaN is missing.
    pixel_size : float or (height, width)
        Of a pixel in metres.
    longest_lag : float, optional
        Longest distance in metres; half the shorter side of the map by default.
    estimator : {"classical", "resistant"}
        All pairs and their mean square, or drawn pairs and their median square, which a deforming
        volcano hardly bends.
    bins : int, optional
        At most so many, their widths growing with the distance. One for each shorter side of a
        pixel by default. Bins without pairs are left out.
    rng : numpy.random.Generator, optional
        Draws pairs; by default the same ones for the same map.

    Returns
    -------
    Variogram

    Raises
    ------
    ValueError
        If the map is not two-dimensional, or no two valid pixels lie within `longest_lag`.

    References
    ----------
    Marcotte (1996); Dowd (1984).
    """
    values = np.asarray(velocity, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"velocity has the shape {values.shape}: give (rows, columns)")
    if estimator not in ("classical", "resistant"):
        raise ValueError(f"estimator {estimator!r} is unknown: give 'classical' or 'resistant'")
    sides = pixel_sides(pixel_size)
    if longest_lag is None:
        extent = min(n * side for n, side in zip(values.shape, sides, strict=True))
        longest_lag = max(extent / 2.0, *sides)
    valid = np.isfinite(values)
    if valid.sum() < 2:
        raise ValueError(
            f"map of {values.shape[0]} x {values.shape[1]} pixels holds {valid.sum()} valid: "
            "a variogram needs two or more"
        )
    edges = _edges(longest_lag, min(sides), bins)
    count = min(max(_MOST_DRAWN // (edges.size - 1), _FEWEST_DRAWN), _DRAWN)
    if estimator == "classical":
        count = max(10 * _KEPT // edges.size, 40)
    drawn = _draw_pairs(valid, sides, edges, count, rng or np.random.default_rng(0))
    if estimator == "classical":
        found = _all_pairs(values, valid, sides, edges)
    else:
        found = _drawn_pairs(values, drawn)
    lag, semivariance, pairs, scatter = found
    filled = pairs > 0.0
    if not filled.any():
        raise ValueError(
            f"no two valid pixels lie within longest_lag {longest_lag:g} m at pixels of "
            f"{sides[0]:g} m: give a longer one"
        )
    places = _kept_places(drawn, filled, sides)
    return Variogram(lag[filled], semivariance[filled], pairs[filled], places, scatter[filled])


def without_plane(velocity: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Remove a plane that half of the map agrees on.

    Least squares with the weights of Huber (1981), then with the biweight of Beaton and Tukey
    (1974), which leaves a deforming place out.

    Parameters
    ----------
    velocity : array of shape (rows, columns)
        Map in any unit; NaN is missing and stays so.

    Returns
    -------
    array of shape (rows, columns)
        The rest, its robust mean 0. The far end of its variogram is lower than that of the field.

    Raises
    ------
    ValueError
        If fewer than three pixels are valid.
    """
    values = np.asarray(velocity, dtype=np.float64)
    row, column = np.nonzero(np.isfinite(values))
    if row.size < 3:
        raise ValueError(f"{row.size} valid pixels hold no plane: three or more are needed")
    chosen = slice(None, None, max(row.size // _PLANE_SAMPLE, 1))
    scale = float(max(values.shape))
    design = np.column_stack(
        [np.ones(row[chosen].size), row[chosen] / scale, column[chosen] / scale]
    )
    observed = values[row[chosen], column[chosen]]
    weight = np.ones(observed.size)
    for turn in range(_PLANE_ROUNDS):
        root = np.sqrt(weight)
        plane = np.linalg.lstsq(design * root[:, None], observed * root, rcond=None)[0]
        size = np.abs(observed - design @ plane)
        spread = MAD_TO_DEVIATION * float(np.median(size))
        ratio = size / max(spread, 1e-300)
        if turn < _PLANE_ROUNDS // 2:
            weight = 1.345 / np.maximum(ratio, 1.345)
        else:
            weight = np.maximum(1.0 - (ratio / 4.685) ** 2, 1e-6) ** 2
    down, right = (np.arange(n) / scale for n in values.shape)
    return np.asarray(values - (plane[0] + plane[1] * down[:, None] + plane[2] * right))


def _edges(longest: float, pixel: float, bins: int | None) -> NDArray[np.float64]:
    """Edges of the bins in metres, half a pixel off whole numbers of pixels."""
    # A bin reaches half a pixel to either side; round-off must not cost the last one.
    reach = max(int(longest / pixel * (1.0 + 1e-9)), 0) + 1
    if bins is None:
        inner = np.arange(1, reach + 1) - 0.5
    elif bins < 3:
        raise ValueError(f"bins {bins} is fewer than 3: no model can be fitted to them")
    else:
        inner = np.unique(np.rint(np.geomspace(1.0, reach, bins + 1))) - 0.5
    edges = np.asarray(inner * pixel, dtype=np.float64)
    if edges.size < 2:
        edges = np.array([0.5, 1.5]) * pixel
    edges[-1] = min(edges[-1], longest * (1.0 + 1e-9))
    return np.asarray(np.append(edges[:-1], max(edges[-1], edges[-2] + 1e-9 * pixel)))


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Pairs drawn at random: places of both pixels, of shape (2, bins, pairs), and their lag.

    `usable` is True where both pixels hold data and the lag lies in the bin; `possible` is the
    number of pairs that would be if all were usable.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    lag: NDArray[np.float64]
    usable: NDArray[np.bool_]
    possible: NDArray[np.float64]


def _draw_pairs(
    valid: NDArray[np.bool_],
    sides: tuple[float, float],
    edges: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
) -> _Drawn:
    """Draw `count` pairs for each bin: a valid pixel and a lag from the half plane."""
    shape = (edges.size - 1, count)
    squares = edges**2
    radius = np.sqrt(squares[:-1, None] + rng.random(shape) * np.diff(squares)[:, None])
    angle = np.pi * rng.random(shape)
    places = np.flatnonzero(valid)
    first = places[rng.integers(places.size, size=shape)]
    row, column = np.divmod(first, valid.shape[1])
    down = np.rint(radius * np.sin(angle) / sides[0]).astype(np.int64)
    right = np.rint(radius * np.cos(angle) / sides[1]).astype(np.int64)
    rows, columns = np.stack([row, row + down]), np.stack([column, column + right])
    lag = np.hypot(down * sides[0], right * sides[1])
    inside = (rows[1] < valid.shape[0]) & (columns[1] >= 0) & (columns[1] < valid.shape[1])
    rows[1], columns[1] = np.where(inside, rows[1], row), np.where(inside, columns[1], column)
    inside &= valid[rows[1], columns[1]]
    inside &= (lag >= edges[:-1, None]) & (lag < edges[1:, None])
    # The half plane of a bin holds so many lags; each pairs every valid pixel once.
    lags = 0.5 * np.pi * np.diff(squares) / (sides[0] * sides[1])
    return _Drawn(rows, columns, lag, inside, lags * places.size)


def _drawn_pairs(values: NDArray[np.float64], drawn: _Drawn) -> NDArray[np.float64]:
    """Lag, semivariance, pairs and scatter of each bin, by the median of drawn pairs."""
    difference = values[drawn.row[0], drawn.column[0]] - values[drawn.row[1], drawn.column[1]]
    number = drawn.usable.sum(axis=1)
    semivariance, lag = np.zeros(number.size), np.zeros(number.size)
    for index in np.flatnonzero(number):
        usable = drawn.usable[index]
        semivariance[index] = np.median(difference[index, usable] ** 2) / (2.0 * _MEDIAN_SQUARE)
        lag[index] = drawn.lag[index, usable].mean()
    share = number / drawn.usable.shape[1]
    scatter = 2.0 / (_EFFICIENCY * np.maximum(number, 1))
    return np.stack([lag, semivariance, drawn.possible * share, scatter])


def _kept_places(
    drawn: _Drawn, filled: NDArray[np.bool_], sides: tuple[float, float]
) -> NDArray[np.float64] | None:
    """Places in metres of the same number of usable pairs of each bin, or None if one lacks any."""
    usable = drawn.usable[filled]
    if not usable.any(axis=1).all():
        return None
    keep = max(_KEPT // usable.shape[0], 2)
    # The first usable ones; a bin with few of them repeats them.
    order = np.argsort(~usable, axis=1, kind="stable")
    turn = np.arange(keep)[None, :] % usable.sum(axis=1)[:, None]
    chosen = np.take_along_axis(order, turn, axis=1)
    columns = []
    for end in (0, 1):
        for place, side in zip((drawn.row, drawn.column), sides, strict=True):
            columns.append(np.take_along_axis(place[end][filled], chosen, axis=1) * side)
    return np.stack(columns, axis=-1).astype(np.float64)


def _all_pairs(
    values: NDArray[np.float64],
    valid: NDArray[np.bool_],
    sides: tuple[float, float],
    edges: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Lag, semivariance, pairs and scatter of each bin, by the mean over all pairs."""
    reach = tuple(
        min(int(edges[-1] / side), n - 1) for side, n in zip(sides, valid.shape, strict=True)
    )
    squares, counts = _pair_sums(values, valid, (reach[0], reach[1]))
    down = np.arange(-reach[0], reach[0] + 1)[:, None]
    right = np.arange(reach[1] + 1)[None, :]
    distance = np.hypot(down * sides[0], right * sides[1])
    # Lags h and -h are one pair: take the half plane to the east, and south on its border.
    wanted = ((right > 0) | (down > 0)) & (counts > 0.5)
    wanted &= (distance >= edges[0]) & (distance <= edges[-1])
    number = np.minimum(np.searchsorted(edges, distance[wanted], side="right") - 1, edges.size - 2)
    size = edges.size - 1
    pairs = np.bincount(number, counts[wanted], minlength=size)
    lag = np.bincount(number, counts[wanted] * distance[wanted], minlength=size)
    total = np.bincount(number, squares[wanted], minlength=size)
    divisor = np.maximum(pairs, 1.0)
    semivariance = np.maximum(0.5 * total / divisor, 0.0)
    return np.stack([lag / divisor, semivariance, pairs, 2.0 / divisor])


def _pair_sums(
    values: NDArray[np.float64], valid: NDArray[np.bool_], reach: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of squared differences and numbers of pairs, lags -reach..reach x 0..reach."""
    padded = [
        scipy.fft.next_fast_len(size + pad, real=True)
        for size, pad in zip(values.shape, reach, strict=True)
    ]
    # Centred: the squares that cancel below stay of the size of the variance.
    centred = np.where(valid, values - np.median(values[valid]), 0.0)
    mask = scipy.fft.rfft2(valid.astype(np.float64), padded)
    first = scipy.fft.rfft2(centred, padded)
    second = scipy.fft.rfft2(centred**2, padded)
    squares = 2.0 * ((np.conj(mask) * second).real - np.abs(first) ** 2)
    rows = np.arange(-reach[0], reach[0] + 1)

    def lags(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
        # The columns beyond the reach are dropped before the second half of the transform.
        """Values at the lags within reach."""
        partial = scipy.fft.ifft(spectrum.astype(np.complex128), axis=0, overwrite_x=True)[rows]
        full = scipy.fft.irfft(partial, padded[1], axis=1)
        return np.asarray(full[:, : reach[1] + 1], dtype=np.float64)

    return lags(squares), np.asarray(np.rint(lags(np.abs(mask) ** 2)), dtype=np.float64)
