"""Covariance models on a torus, from which fields are drawn by one fast Fourier transform.

References
----------
Dietrich, C. R. and Newsam, G. N. (1997), SIAM J. Sci. Comput. 18, 1088-1107 (embedding).
Stein, M. L. (2002), J. Comput. Graph. Stat. 11, 587-599 (intrinsic embedding).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from bradyseism.physics.covariance import CovarianceModel
from bradyseism.physics.normals import standard_normals

CLIPPED = 0.02
"""Most white noise that clipped eigenvalues may add, over the semivariance of one pixel."""

# Plain tori reach as far as the model, or further; intrinsic ones these many diagonals.
_STRETCHES = (1.0, 1.5, 2.5)
_RADII = (1.0, 2.0)
# A torus may hold this many cells, or this many for each pixel of a large field.
_MOST_CELLS, _MOST_PER_PIXEL = 2**23, 40


@dataclass(frozen=True, eq=False)
class Torus:
    """What fields are drawn from.

    Parameters
    ----------
    amplitude : array of float32, shape (rows of the torus, columns // 2 + 1)
        Deviation of the real and of the imaginary part of each Fourier coefficient.
    columns : int
        Of the torus.
    level : float
        Deviation of a constant that intrinsic embedding adds, 0 without it.
    slopes : (float, float)
        Deviations of a plane that it adds, per row and per column, 0 without it.
    """

    amplitude: NDArray[np.float32]
    columns: int
    level: float = 0.0
    slopes: tuple[float, float] = (0.0, 0.0)

    def draw(self, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
        """One field of a shape no larger than that the torus was made for."""
        rows, half = self.amplitude.shape
        spectrum = standard_normals((rows, 2 * half), rng).view(np.complex64)
        spectrum *= self.amplitude
        # Rows outside the field are dropped before the second half of the transform.
        partial = scipy.fft.fft(spectrum, axis=0, overwrite_x=True)[: shape[0]]
        whole = scipy.fft.irfft(partial, self.columns, axis=1, norm="forward", overwrite_x=True)
        field = np.asarray(whole[:, : shape[1]], dtype=np.float32)
        if self.slopes == (0.0, 0.0):
            return field
        down, right = (np.arange(size) - (size - 1) / 2.0 for size in shape)
        level, south, east = rng.standard_normal(3) * (self.level, *self.slopes)
        plane = level + south * down[:, None] + east * right
        return np.asarray(field + plane.astype(np.float32))


@dataclass(frozen=True)
class _Candidate:
    """Half sides of a torus in metres; `radius` in diagonals of the field if it is intrinsic."""

    halves: tuple[float, float]
    radius: float | None


@lru_cache(maxsize=16)
def embed(model: CovarianceModel, shape: tuple[int, int], sides: tuple[float, float]) -> Torus:
    """Torus for fields of a model, the smallest that keeps the variogram.

    A plain torus carries the covariance itself, to at least the field's sides and the model's
    reach; it is taken where it is small. Else the torus carries ``c0 - gamma(r) + c2 r^2`` as
    far as the diagonal D of the field, ``beta (R - r)^3 / r`` (r and R in diagonals) from there to
    R = 2, or nothing beyond the diagonal where R = 1 suffices (Stein 2002). A random plane takes
    the quadratic term out of every difference between two pixels; a random constant gives the
    sill back.

    Parameters
    ----------
    model : CovarianceModel
        What the field follows.
    shape : (rows, columns)
        Of the field.
    sides : (height, width)
        Of a pixel in metres.

    Returns
    -------
    Torus
        Negative eigenvalues, whose clipping adds white noise, sum to no more than `CLIPPED` of
        the semivariance of one pixel.

    Raises
    ------
    ValueError
        If no torus of a size that memory holds can carry the model.
    """
    tolerated = CLIPPED * float(model.semivariogram(min(sides)))
    most = max(_MOST_CELLS, _MOST_PER_PIXEL * shape[0] * shape[1])
    for candidate in _candidates(model, shape, sides):
        sizes = [
            2 * scipy.fft.next_fast_len(math.ceil(half / side * (1.0 - 1e-12)), real=True)
            for half, side in zip(candidate.halves, sides, strict=True)
        ]
        if sizes[0] * sizes[1] > most:
            break
        down, right = (np.arange(n // 2 + 1) * side for n, side in zip(sizes, sides, strict=True))
        distance = np.hypot(down[:, None], right[None, :])
        level, slopes = 0.0, (0.0, 0.0)
        if candidate.radius is None:
            covariance = model.covariance(distance)
        else:
            covariance, quadratic = _intrinsic(model, distance, candidate)
            slopes = (math.sqrt(2.0 * quadratic) * sides[0], math.sqrt(2.0 * quadratic) * sides[1])
            level = _level(model, float(covariance[0, 0]), slopes, shape)
        # The torus is even in both directions: its transform is a cosine transform of a quarter.
        eigenvalues = np.asarray(scipy.fft.dctn(covariance, type=1), dtype=np.float64)
        weights = [np.r_[1.0, np.full(n // 2 - 1, 2.0), 1.0] for n in sizes]
        clipped = -(weights[0] @ np.minimum(eigenvalues, 0.0) @ weights[1])
        if clipped <= tolerated * sizes[0] * sizes[1]:
            return Torus(_amplitude(eigenvalues), sizes[1], level, slopes)
    raise ValueError(
        f"{model} cannot be drawn on {shape[0]} x {shape[1]} pixels of {sides[0]:g} x "
        f"{sides[1]:g} m: the field is too smooth beside its size; take larger pixels, a shorter "
        "length or less smoothness"
    )


def _candidates(
    model: CovarianceModel, shape: tuple[int, int], sides: tuple[float, float]
) -> list[_Candidate]:
    """Tori to try, the smallest first."""
    height, width = (n * side for n, side in zip(shape, sides, strict=True))
    diagonal = math.hypot(height, width)
    found = [_Candidate((radius * diagonal, radius * diagonal), radius) for radius in _RADII]
    if math.isfinite(model.reach):
        for stretch in _STRETCHES:
            reach = stretch * model.reach
            found.append(_Candidate((max(height, reach), max(width, reach)), None))
    return sorted(found, key=lambda one: one.halves[0] * one.halves[1])


def _intrinsic(
    model: CovarianceModel, distance: NDArray[np.float64], candidate: _Candidate
) -> tuple[NDArray[np.float64], float]:
    """Covariance on an intrinsic torus, and the coefficient of its quadratic term per m^2."""
    radius = candidate.radius or 1.0
    diagonal, step = candidate.halves[0] / radius, 1e-3
    near = np.asarray(model.semivariogram(diagonal * np.array([1.0 - step, 1.0, 1.0 + step])))
    near = near - model.nugget
    slope = (near[2] - near[0]) / (2.0 * step)
    bend = (near[2] - 2.0 * near[1] + near[0]) / step**2
    # Value and slope are continuous at the diagonal, the second derivative too where R > 1.
    beta = (slope - bend) / (3.0 * radius * (radius**2 - 1.0)) if radius > 1.0 else 0.0
    quadratic = max(0.5 * (slope - beta * (radius - 1.0) ** 2 * (radius + 2.0)), 0.0)
    constant = beta * (radius - 1.0) ** 3 + near[1] - quadratic
    ratio = distance / diagonal
    inner = constant - (model.semivariogram(distance) - model.nugget) + quadratic * ratio**2
    outer = beta * np.clip(radius - ratio, 0.0, None) ** 3 / np.maximum(ratio, 1.0)
    covariance = np.asarray(np.where(ratio <= 1.0, inner, outer), dtype=np.float64)
    covariance[0, 0] = constant + model.nugget
    return covariance, float(quadratic / diagonal**2)


def _level(
    model: CovarianceModel, embedded: float, slopes: tuple[float, ...], shape: tuple[int, int]
) -> float:
    """Deviation of the constant that gives the sill back on average over the field."""
    if not math.isfinite(model.variance):
        return 0.0
    tilted = sum(s**2 * (n**2 - 1) for s, n in zip(slopes, shape, strict=True)) / 12.0
    return math.sqrt(max(model.variance - embedded - tilted, 0.0))


def _amplitude(eigenvalues: NDArray[np.float64]) -> NDArray[np.float32]:
    """Amplitudes on half the torus, for a real transform, from a quarter of its eigenvalues."""
    rows, columns = (2 * (size - 1) for size in eigenvalues.shape)
    # A coefficient stands for its conjugate too, but for those of the first and last column.
    quarter = np.sqrt(np.maximum(eigenvalues, 0.0) / (2.0 * rows * columns))
    quarter[:, [0, -1]] *= math.sqrt(2.0)
    quarter = quarter.astype(np.float32)
    amplitude = np.concatenate([quarter, quarter[-2:0:-1]])
    amplitude.setflags(write=False)
    return amplitude
