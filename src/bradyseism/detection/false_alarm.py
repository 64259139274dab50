"""How often a map of pure noise would show a detection as strong: the chance of a false alarm.

Noise that follows the map's own variogram, with the map's own gaps, is looked at exactly as the
map was, window by window and with a second look (after Staniewicz and Chen, who draw maps of
tropospheric noise to tell which features of a map it can make). With n maps drawn, k of which show
something as strong, the chance is stated as ``(k + 1) / (n + 1)``: nothing under ``1 / (n + 1)``
can be claimed. A table on the model card, made once by simulation, gives a second, rougher number
without that floor.

References
----------
Staniewicz, S. and Chen, J. (2022), Automatic detection of InSAR surface deformation signals in the
presence of severe tropospheric noise, TechRxiv, doi:10.36227/techrxiv.20128406.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.card_tables import interpolated
from bradyseism.detection.events import after_second_look, find_candidates
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import scan
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.variogram import empirical_variogram, without_plane
from bradyseism.physics.variogram_fit import fit

__all__ = ["FalseAlarm", "TailTable", "chance_by_draws", "own_noise", "strongest"]

# Windows that the network judges in about a second on two cores, and bounds of the maps drawn.
WINDOWS_A_PLACE = 1_400
FEWEST, MOST = 4, 199
# The table's tail is extrapolated: no chance under this is claimed of a map.
LEAST_CLAIM = 1e-4
_BINS = 24


@dataclass(frozen=True)
class FalseAlarm:
    """Chance that a map of pure noise shows a detection at least as strong, anywhere.

    Parameters
    ----------
    probability : float
        ``(k + 1) / (n + 1)``, 0-1: an upper estimate, never under ``1 / (n + 1)``.
    draws : int
        n, noise maps drawn.
    as_strong : int
        k, those that show something as strong.
    noise : ExponentialModel
        Law of the noise, m and (m/yr)^2.
    by_table : float or None
        Chance by the table of the card, which is extrapolated beyond the least share of maps that
        it holds; None if the card has none.
    """

    probability: float
    draws: int
    as_strong: int
    noise: ExponentialModel
    by_table: float | None = None


@dataclass(frozen=True, eq=False)
class TailTable:
    """How often a map of pure noise is as sure: log-odds at a prior of one half.

    Parameters
    ----------
    windows : int
        Of the finest level of the maps of the table.
    lengths, nuggets, valid : array
        Correlation length (pixels of the finest level), share of the variance that is
        uncorrelated, and share of pixels with data: axes of the table, rising.
    shares : array of shape (quantiles,)
        Shares of maps, falling.
    log_odds : array of shape (lengths, nuggets, valid, quantiles)
        That the strongest places of these shares of the maps exceed, rising along the last axis.
    """

    windows: int
    lengths: NDArray[np.float64]
    nuggets: NDArray[np.float64]
    valid: NDArray[np.float64]
    shares: NDArray[np.float64]
    log_odds: NDArray[np.float64]

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> TailTable | None:
        """Table of a model card, or None if it has none."""
        table = card.get("false_alarm")
        if not table or "maps" not in table:
            return None
        names = ("lengths", "nuggets", "valid", "shares", "log_odds")
        arrays = (np.asarray(table[name], dtype=np.float64) for name in names)
        return cls(int(table["windows"]), *arrays)

    def share(self, length: float, nugget: float, valid: float, log_odds: float) -> float:
        """Share of maps of such noise, as large as those of the table, that are at least as sure.

        Parameters
        ----------
        length : float
            In pixels of the finest level.
        nugget, valid : float
            Shares, 0-1. Values beyond an axis count as its end.
        log_odds : float
            At a prior of one half. Beyond the last quantile the share goes on falling as between
            the last two.
        """
        row = self.log_odds
        axes = (np.log(self.lengths), self.nuggets, self.valid)
        for axis, at in zip(axes, (math.log(length), nugget, valid), strict=True):
            row = interpolated(row, axis, at)
        logarithm = np.log(self.shares)
        if log_odds > row[-1]:
            slope = (logarithm[-1] - logarithm[-2]) / max(row[-1] - row[-2], 1e-6)
            return float(np.exp(logarithm[-1] + slope * (log_odds - row[-1])))
        return float(np.exp(np.interp(log_odds, row, logarithm, left=0.0)))

    def chance(
        self,
        noise: ExponentialModel,
        pixels: tuple[float, float],
        valid: float,
        windows: int,
        log_odds: float,
    ) -> float:
        """Chance that a map of pure noise is as sure, whose parts count as independent maps.

        Never under `LEAST_CLAIM`.

        Parameters
        ----------
        noise : ExponentialModel
            Of the map.
        pixels : (float, float)
            Pixel sizes (m) of the map and of the finest level of its scan: means over pixels have
            less nugget.
        valid : float
            Share of pixels with data (0-1).
        windows : int
            Of the finest level.
        log_odds : float
            At a prior of one half.
        """
        own, finest = pixels
        nugget = noise.nugget / max(finest / own, 1.0) ** 2
        share = self.share(
            noise.length / finest, nugget / max(nugget + noise.sill, 1e-300), valid, log_odds
        )
        quiet = windows / self.windows * math.log1p(-min(share, 1.0 - 1e-12))
        return max(-math.expm1(quiet), LEAST_CLAIM)


def own_noise(velocity_map: VelocityMap) -> ExponentialModel:
    """Exponential law with nugget of a map without its plane, by the variogram that half follows.

    Raises
    ------
    ValueError
        If the map has too few pixels or no variation.
    """
    values = without_plane(velocity_map.velocity)
    variogram = empirical_variogram(
        values, velocity_map.grid.pixel_sides, estimator="resistant", bins=_BINS
    )
    # Without the places of the pairs: intervals of the law are not asked for, and take longest.
    model = fit(replace(variogram, places=None)).model
    assert isinstance(model, ExponentialModel)
    return model


def chance_by_draws(
    velocity_map: VelocityMap,
    detector: Detector,
    log_odds: Sequence[float],
    *,
    windows: int,
    seed: int = 0,
) -> tuple[FalseAlarm, ...]:
    """Chance of a false alarm per map for each detection of a map.

    Parameters
    ----------
    velocity_map : VelocityMap
        The map without what moves in it: its pixels, its gaps and its variogram.
    detector : Detector
        What found them, at its prior.
    log_odds : sequence of float
        Of the detections, at the same prior.
    windows : int
        That the map was scanned by; sets how many maps are drawn: those whose windows take about a
        second for each detection, `FEWEST` to `MOST`.
    seed : int
        Of the noise: the same seed gives the same numbers.

    Returns
    -------
    tuple of FalseAlarm
        In the same order; empty without detections.

    Raises
    ------
    ValueError
        If no law can be fitted to the map.
    """
    if not log_odds:
        return ()
    noise = own_noise(velocity_map)
    draws = int(np.clip(WINDOWS_A_PLACE * len(log_odds) // max(windows, 1), FEWEST, MOST))
    drawn = np.array(
        [
            strongest(_noise_like(velocity_map, noise, (seed, index)), detector)
            for index in range(draws)
        ]
    )
    found = []
    for own in log_odds:
        as_strong = int(np.sum(drawn >= own))
        found.append(FalseAlarm((as_strong + 1) / (draws + 1), draws, as_strong, noise))
    return tuple(found)


def strongest(velocity_map: VelocityMap, detector: Detector) -> float:
    """Log-odds of the strongest place of a map; minus infinity where nothing is observable."""
    scanned = scan(velocity_map, detector)
    log_odds = after_second_look(scanned, find_candidates(scanned, detector))
    return float(log_odds.max(initial=-math.inf))


def _noise_like(
    velocity_map: VelocityMap, noise: ExponentialModel, seeds: tuple[int, int]
) -> VelocityMap:
    field = turbulent_field(
        noise,
        velocity_map.grid.shape,
        velocity_map.grid.pixel_sides,
        np.random.default_rng(seeds),
        valid=velocity_map.valid,
    )
    return velocity_map.with_velocity(field)
