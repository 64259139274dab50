"""The bound on real ground: told all about the source, and that its noise has heavy tails.

References
----------
Lange, K. L., Little, R. J. A. and Taylor, J. M. G. (1989), J. Am. Stat. Assoc. 84, 881-896
(likelihoods of the t distribution).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.stats import t

from bradyseism.evaluation.hidden_sources import Answer, MapWindows
from bradyseism.evaluation.injection import threshold_at
from bradyseism.evaluation.injection_plan import Injection, unit_signal
from bradyseism.evaluation.whitening import Torus, filled, fitted_noise, whitening
from bradyseism.maps.velocity_map import VelocityMap

__all__ = ["FREEDOM", "heavy_tailed_bound"]

FREEDOM = 4.0
"""Degrees of freedom of the t distribution of whitened pixels."""

_TO_SCALE = 1.0 / float(t.ppf(0.75, FREEDOM))


@dataclass(frozen=True, eq=False)
class _Whitener:
    """Makes the noise of one window white, and of scale 1.

    The law of the noise is the exponential variogram with nugget fitted to the window itself
    without any source, the scale the median absolute value of its whitened pixels.
    """

    window: VelocityMap
    filter: NDArray[np.float64]
    noise: NDArray[np.float64]

    @classmethod
    def of(cls, window: VelocityMap) -> _Whitener:
        """Learn the noise of a window without a source."""
        velocity = window.velocity.astype(np.float64)
        values = velocity - np.nanmedian(velocity)
        law = fitted_noise(values, window.valid, window.grid.pixel_size)
        torus = _torus(window, values)
        raw = cls(window, whitening(law, torus), np.ones(1))
        white = raw.white(values)
        scale = _TO_SCALE * float(np.median(np.abs(white))) or 1.0
        return cls(window, raw.filter / scale, white / scale)

    def white(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Whitened valid pixels (valid,) of a map (rows, columns); linear in the map."""
        torus = _torus(self.window, values)
        data = scipy.fft.rfft2(filled(torus)) * self.filter
        rows, columns = values.shape
        return np.asarray(torus.map_of(data)[:rows, :columns][self.window.valid])


def heavy_tailed_bound(
    windows: MapWindows, false_windows: float, pool: ThreadPoolExecutor
) -> Answer:
    """What a clairvoyant finds: told place, shape, depth, sign and rate of each source.

    It asks of each window one question, how much likelier it is with this very source than
    without, and of the noise it knows the variogram of that window without a source and that the
    whitened pixels follow a t distribution with `FREEDOM` degrees. Its statistic is the logarithm
    of that ratio of likelihoods; for each source and rate its threshold is the one at which it
    flags at most a share of the windows without a source, at the same place in each. No detector
    knows any of this, and nobody knows the law of real noise: a bound in practice, no theorem.

    Parameters
    ----------
    windows
        The background.
    false_windows
        Share of the windows without a source that may be flagged.
    pool
        Threads; the answer does not depend on their number.
    """
    quiet = list(pool.map(_Whitener.of, windows.maps))
    same = windows.hosts is windows.maps
    hosts = quiet if same else list(pool.map(_Whitener.of, windows.hosts))

    def answer(one: Injection) -> tuple[NDArray[np.bool_], int]:
        """Which rates are found, and how many empty windows are flagged at most."""
        host = hosts[one.frame]
        signals: dict[tuple[tuple[int, ...], int], NDArray[np.float64]] = {}
        empty = np.empty((len(quiet), windows.rates.size))
        for index, whitener in enumerate(quiet):
            window = whitener.window
            kind = window.grid.shape, round(window.grid.pixel_size)
            if kind not in signals:
                signals[kind] = unit_signal(window, _moved(one, host.window, window)) * one.rate
            signal = whitener.white(signals[kind])
            empty[index] = _evidence(whitener.noise, signal, windows.rates)
        signal = host.white(unit_signal(host.window, one) * one.rate)
        # With the source, and looking for it: the residual is the noise again.
        seen = -_evidence(host.noise, -signal, windows.rates)
        limits = np.array([threshold_at(column, false_windows) for column in empty.T])
        return seen > limits, int(np.sum(empty > limits, axis=0).max())

    found, flagged = {}, 0
    for width, of_width in windows.plan.items():
        answers = list(pool.map(answer, of_width))
        found[width] = np.array([rates for rates, _ in answers])
        flagged = max(flagged, *(count for _, count in answers))
    return Answer(found, flagged)


def _evidence(
    white: NDArray[np.float64], signal: NDArray[np.float64], rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log-likelihood of the whitened pixels with the signal over that without, (rates,)."""
    residual = white - rates[:, None] * signal
    half = (FREEDOM + 1.0) / 2.0
    gain = np.log1p(white**2 / FREEDOM) - np.log1p(residual**2 / FREEDOM)
    return np.asarray(half * gain.sum(axis=1))


def _torus(window: VelocityMap, values: NDArray[np.float64]) -> Torus:
    size = window.grid.pixel_size
    known = np.where(window.valid, values, 0.0)
    return Torus.of(known, window.valid, size, margin=0.5 * max(values.shape) * size)


def _moved(one: Injection, host: VelocityMap, window: VelocityMap) -> Injection:
    """The same source at the same place of another window."""
    at = np.array(host.grid.row_column(one.longitude, one.latitude), dtype=np.float64)
    row, column = at * np.array(window.grid.shape) / np.array(host.grid.shape)
    longitude, latitude = window.grid.longitude_latitude(row, column)
    return replace(one, longitude=float(longitude), latitude=float(latitude))
