"""How a map's noise depends on distance: its variogram, the models that fit it, and a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.physics.variogram import (
    Estimator,
    Variogram,
    empirical_variogram,
    without_plane,
)
from bradyseism.physics.variogram_fit import CONFIDENCE, Fit, fit_models

BINS = 24
FEWEST_PIXELS = 200
_SQUARE_MM = 1e6  # (mm/yr)^2 in (m/yr)^2


@dataclass(frozen=True, eq=False)
class NoiseReport:
    """The variogram of a map and what fits it.

    Parameters
    ----------
    name : str
        Of the map.
    pixels : int
        That hold data.
    share : float
        Of the map, 0-1.
    estimator : {"classical", "resistant"}
        How the semivariances were taken.
    detrended : bool
        Whether a plane was removed first.
    variogram : Variogram
        In m and (m/yr)^2.
    fits : tuple of Fit
        The best first.
    """

    name: str
    pixels: int
    share: float
    estimator: Estimator
    detrended: bool
    variogram: Variogram
    fits: tuple[Fit, ...]


def measure_noise(
    velocity_map: VelocityMap,
    *,
    estimator: Estimator = "resistant",
    detrend: bool = False,
    longest_lag: float | None = None,
) -> NoiseReport:
    """Take the variogram of a map and fit every kind of model to it.

    Distances are those at the centre of the map, along rows and columns apart, whatever its CRS.

    Parameters
    ----------
    velocity_map : VelocityMap
        The map.
    estimator : {"resistant", "classical"}
        Median or mean of the squared differences: a deforming place hardly bends the median.
    detrend : bool
        Remove a plane first.
    longest_lag : float, optional
        In metres; half the shorter side of the valid part of the map by default.

    Returns
    -------
    NoiseReport

    Raises
    ------
    ValueError
        If too few pixels are valid, they do not vary, or their lags are too few for a model.
    """
    values = np.asarray(velocity_map.velocity, dtype=np.float64)
    valid = np.isfinite(values)
    pixels = int(valid.sum())
    if pixels < FEWEST_PIXELS:
        raise ValueError(
            f"map {velocity_map.name!r} holds {pixels} valid pixels: a variogram with a model "
            f"needs {FEWEST_PIXELS} or more; is its mask too strict?"
        )
    rows, columns = (np.flatnonzero(valid.any(axis=axis)) for axis in (1, 0))
    values = values[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    known = values[np.isfinite(values)]
    if known.max() == known.min():
        raise ValueError(
            f"map {velocity_map.name!r} is {known[0]:g} m/yr in all {pixels} valid pixels: "
            "it has no variation to take a variogram of"
        )
    if detrend:
        values = without_plane(values)
    variogram = empirical_variogram(
        values,
        velocity_map.grid.pixel_sides,
        longest_lag=longest_lag,
        estimator=estimator,
        bins=BINS,
    )
    fits = fit_models(variogram)
    return NoiseReport(
        velocity_map.name, pixels, pixels / valid.size, estimator, detrend, variogram, fits
    )


def as_json(report: NoiseReport) -> dict[str, Any]:
    """All of a report for machines: km and (mm/yr)^2, intervals of 95 %, the best model first."""
    variogram = report.variogram
    return {
        "map": report.name,
        "valid_pixels": report.pixels,
        "valid_share": report.share,
        "estimator": report.estimator,
        "plane_removed": report.detrended,
        "lag_km": (variogram.lag / 1e3).tolist(),
        "semivariance_mm2_per_year2": (variogram.semivariance * _SQUARE_MM).tolist(),
        "pairs": variogram.pairs.tolist(),
        "confidence": CONFIDENCE,
        "models": [
            {
                "model": found.kind,
                "misfit": found.misfit,
                "criterion": found.criterion,
                "parameters": {name: list(ends) for name, *ends in parameters(found)},
            }
            for found in report.fits
        ],
    }


def parameters(found: Fit) -> list[tuple[str, float, float, float]]:
    """Name with unit, value and ends of the interval of each parameter, as people read them.

    Variances become their roots, in mm/yr, lengths km; a power law has its root at 1 km.
    """
    rows = []
    for one in found.estimates:
        ends = (one.value, one.low, one.high)
        if one.name in ("sill", "nugget", "at_kilometre"):
            name = "at 1 km" if one.name == "at_kilometre" else one.name
            value, low, high = (math.sqrt(max(end, 0.0)) * 1e3 for end in ends)
            rows.append((f"{name} (root, mm/yr)", value, low, high))
        elif one.name == "length":
            value, low, high = (end / 1e3 for end in ends)
            rows.append(("length (km)", value, low, high))
        else:
            rows.append((one.name, *ends))
    return rows
