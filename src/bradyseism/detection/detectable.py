"""The smallest rate that a map could have shown at each place, so that "nothing" says something.

A source is found from a certain ratio of its peak to the spread of the noise around it on. What
ratio depends on how the noise is correlated and on the width of the source against the window; it
is measured by simulation when a model is made, and kept on its card. Here the spread and the
correlation of every window of a scan are measured, and the ratio is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.card_tables import interpolated
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import Level, Scan, covered
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.samples.encoding import noise_scales

__all__ = [
    "LAGS",
    "THIN",
    "DetectionCurve",
    "detectable_map",
    "detectable_rate",
    "window_noise",
]

# Noise is measured on every second pixel of a window, at these lags of what is left.
THIN, LAGS = 2, (1, 4)
# A window that lacks more says nothing where fuller ones look.
MOST_MISSING = 0.25
# What whole maps need over the curve so that nine of ten sources are found, by the slow test of
# this file: the curve knows one finer level, and the least of many estimates is low.
MARGIN = 1.5
# Pixels of a map that share one rate.
STEP = 8
_SOFTEST = 0.05


@dataclass(frozen=True, eq=False)
class DetectionCurve:
    """Peak over spread from which sources are found, by noise, width and threshold.

    Parameters
    ----------
    found : float
        Share of the sources (0-1) that are found from these ratios on.
    prior : float
        Prior at which they were measured.
    widths : array, shape (widths,)
        Full width at half maximum over the side of the window.
    shifts : array, shape (shifts,)
        Rising thresholds on the log-odds at that prior; 0 is a probability of one half.
    correlation : array, shape (noises, lags)
        Logarithm of the ratios of `noise_scales` of each kind of noise.
    ratios : array, shape (noises, widths, shifts)
        Peak rate over the spread of the window.
    """

    found: float
    prior: float
    widths: NDArray[np.float64]
    shifts: NDArray[np.float64]
    correlation: NDArray[np.float64]
    ratios: NDArray[np.float64]

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> DetectionCurve | None:
        """Curve of a model card, or None if it has none."""
        table = card.get("detectable")
        if not table:
            return None
        names = ("widths", "shifts", "correlation", "ratios")
        arrays = (np.asarray(table[name], dtype=np.float64) for name in names)
        return cls(float(table["found"]), float(table["prior"]), *arrays)

    def needed(self, correlation: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
        """Peak over spread needed in windows, for each width.

        Parameters
        ----------
        correlation : array, shape (n, lags)
            Ratios of `noise_scales`.
        prior : float
            Of the detector: a smaller one asks for more, and none is known beyond the last shift.

        Returns
        -------
        array, shape (n, widths)
            Between the kinds of noise by inverse square distance in the logarithm of the ratios;
            NaN for a prior smaller than those that were tried.
        """
        shift = np.log(self.prior / (1 - self.prior)) - np.log(prior / (1 - prior))
        if shift > self.shifts[-1] + 1e-6:
            return np.full((len(correlation), len(self.widths)), np.nan)
        logarithm = interpolated(np.log(np.moveaxis(self.ratios, 2, 0)), self.shifts, float(shift))
        known = np.log(np.maximum(correlation, 1e-3))
        square = ((known[:, None] - self.correlation[None]) ** 2).sum(axis=2)
        weight = 1.0 / (square + _SOFTEST**2)
        weight /= weight.sum(axis=1, keepdims=True)
        return np.asarray(np.exp(weight @ logarithm))


def window_noise(
    windows: NDArray[np.floating[Any]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Spread and correlation of windows (n, size, size), as the curve knows them."""
    return noise_scales(windows[:, ::THIN, ::THIN], LAGS)


def detectable_rate(
    scanned: Scan, curve: DetectionCurve, size: int, prior: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smallest peak rate that would have been found at each place, at the best width.

    Parameters
    ----------
    scanned : Scan
        Of a map.
    curve : DetectionCurve
        Of the detector.
    size : int
        Pixels along one side of a window.
    prior : float
        Of the detector.

    Returns
    -------
    rate, width : arrays of float32, shape (rows, columns) of the finest level
        Rate in the unit of the levels, and the full width (m) at half maximum for which it holds;
        NaN where no window looks or too little data lies around.

    Notes
    -----
    A place has the noise of the window that holds it in its central half. Windows that lack over
    `MOST_MISSING` of their pixels, such as those wider than the map, say nothing where fuller ones
    look: the curve is of full windows, and a plane over a part hides what is as wide. Deformation
    is part of the spread: around a strong source the rate is too high.
    """
    answers = [
        answer
        for level in scanned.levels
        if (answer := _answers(level, scanned, curve, size, prior))
    ]
    shape = scanned.levels[0].grid.shape
    best = np.full((2, *shape), np.nan, dtype=np.float32)
    for full in (True, False):
        seen = _smallest(answers, scanned.levels[0], size, full=full)
        best = np.where(np.isnan(best[0]), seen, best)
    return best[0], best[1]


def _answers(
    level: Level, scanned: Scan, curve: DetectionCurve, size: int, prior: float
) -> tuple[Level, NDArray[np.void], NDArray[np.float64], NDArray[np.bool_]] | None:
    """Windows of a level, the least rate and its width in each, and which are full."""
    table = scanned.windows[scanned.windows["pixel_size"] == level.pixel_size]
    if not len(table):
        return None
    windows = np.stack([level.crop(int(w["row"]), int(w["column"]), size) for w in table])
    spread, correlation = window_noise(windows)
    rates = MARGIN * spread[:, None] * curve.needed(correlation, prior)
    widths = curve.widths[rates.argmin(axis=1)] * size * level.pixel_size
    full = np.isnan(windows).mean(axis=(1, 2)) <= MOST_MISSING
    return level, table, np.stack([rates.min(axis=1), widths]), full


def _smallest(
    answers: Sequence[tuple[Level, NDArray[np.void], NDArray[np.float64], NDArray[np.bool_]]],
    finest: Level,
    size: int,
    *,
    full: bool,
) -> NDArray[np.float32]:
    """Smallest rate and its width over levels, by the full windows alone or by the others."""
    rows, columns = finest.grid.shape
    best = np.full((2, rows, columns), np.nan, dtype=np.float32)
    best[0] = np.inf
    for level, table, values, are_full in answers:
        kept = are_full == full
        if not kept.any():
            continue
        factor = round(level.pixel_size / finest.pixel_size)
        painted = _paint(level, table[kept], values[:, kept], size)
        painted = painted.repeat(factor, axis=1).repeat(factor, axis=2)[:, :rows, :columns]
        best = np.where(painted[0] < best[0], painted, best)
    best[0, np.isinf(best[0])] = np.nan
    return best


def detectable_map(
    velocity_map: VelocityMap, scanned: Scan, detector: Detector
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Detectable rate, and the width for which it holds, on the map's own grid.

    Parameters
    ----------
    velocity_map : VelocityMap
        The map.
    scanned : Scan
        Of this map by this detector.
    detector : Detector
        At its prior.

    Returns
    -------
    rate, width : arrays of float32, shape (rows, columns), or None
        m/yr, and metres at half maximum; one value for `STEP` x `STEP` pixels, NaN where not
        observable. None if the card has no curve.
    """
    curve = DetectionCurve.from_card(detector.card)
    if curve is None:
        return None
    layers = detectable_rate(scanned, curve, detector.encoding.size, detector.calibration.prior)
    own, finest = velocity_map.grid, scanned.levels[0].grid
    rows, columns = (np.minimum(np.arange(0, n, STEP) + STEP // 2, n - 1) for n in own.shape)
    places = finest.row_column(*own.longitude_latitude(rows[:, None], columns))
    row, column = (
        np.clip(np.rint(place), 0, n - 1).astype(np.intp)
        for place, n in zip(places, finest.shape, strict=True)
    )
    rate, width = (
        layer[row, column].repeat(STEP, axis=0).repeat(STEP, axis=1)[: own.shape[0], : own.shape[1]]
        for layer in layers
    )
    per_year = 1.0 if detector.encoding.quantity == "velocity" else velocity_map.years
    return np.asarray(rate / np.float32(per_year)), width


def _paint(
    level: Level, table: NDArray[np.void], values: NDArray[np.float64], size: int
) -> NDArray[np.float32]:
    """Values of the windows (k, n) on the pixels of their level; NaN where none counts."""
    rows, columns = level.grid.shape
    canvas = np.full((len(values), rows + 2 * size, columns + 2 * size), np.nan, dtype=np.float32)
    # Whole windows first, for what no central half reaches at the rim, the noisiest last.
    order = np.argsort(values[0], kind="stable")
    for margin in (0, size // 4):
        for index in order:
            top = int(table["row"][index]) + size + margin
            left = int(table["column"][index]) + size + margin
            side = size - 2 * margin
            canvas[:, top : top + side, left : left + side] = values[:, index, None, None]
    inner = canvas[:, size : size + rows, size : size + columns]
    return np.asarray(np.where(covered(level, size), inner, np.nan), dtype=np.float32)
