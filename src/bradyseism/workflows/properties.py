"""What is said of sources and reasons in files: km, mm/yr, m3/yr, each key with its unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bradyseism.detection.places import Place
from bradyseism.detection.reasons import Reason
from bradyseism.detection.source_fit import SourceEstimate, SourceFit
from bradyseism.physics.sources import CDM, Mogi
from bradyseism.physics.variogram_fit import Estimate

FIT_KEYS = (
    "model", "sense", "longitude", "latitude",
    "position_95_km", "depth_km", "depth_low_km", "depth_high_km",
    "volume_m3_per_year", "volume_low_m3_per_year", "volume_high_m3_per_year",
    "potency_m3_per_year", "potency_low_m3_per_year", "potency_high_m3_per_year",
    "peak_rate_mm_per_year", "peak_rate_low_mm_per_year", "peak_rate_high_mm_per_year",
    "radius_km", "misfit", "variance_explained", "look",
)  # fmt: skip
"""What is said of each kind of source."""

SOURCE_KEYS = (*(f"source_{key}" for key in FIT_KEYS), "mogi", "cdm")
"""What is said of the better one, and the objects of both."""


def source_properties(source: SourceEstimate | None) -> dict[str, Any]:
    """Keys and values of `SOURCE_KEYS`: of the CDM where one is told, else of the Mogi source.

    Beside them both, each as an object of its own; that of the CDM is None where none is told. All
    are None without an estimate.
    """
    if source is None:
        return dict.fromkeys(SOURCE_KEYS)
    better = {f"source_{key}": value for key, value in fit_properties(source.best).items()}
    return {
        **{key: better[key] for key in SOURCE_KEYS if key in better},
        "mogi": fit_properties(source.mogi),
        "cdm": fit_properties(source.cdm) if source.cdm else None,
    }


def fit_properties(fit: SourceFit) -> dict[str, Any]:
    """Keys and values of `FIT_KEYS`, and the form of a CDM.

    Low and high are the ends of 95 % intervals. The volume change is None for a CDM, whose potency
    alone is known.
    """
    potency = 1.0
    volume: tuple[float | None, ...] = (None,) * 3
    if isinstance(fit.source, Mogi):
        potency = replace(fit.source, volume_change=1.0).potency
        volume = _ends(fit.strength, 1.0, -3)
    values = (
        fit.model, "inflation" if fit.inflates else "deflation",
        round(fit.longitude, 5), round(fit.latitude, 5), round(position_error(fit) / 1e3, 2),
        *_ends(fit.depth, 1e-3, 2), *volume, *_ends(fit.strength, potency, -3),
        *_ends(fit.peak_rate, 1e3, 2), round(fit.radius / 1e3, 2),
        round(fit.chi_square, 2), round(fit.explained, 3),
        "of the map" if fit.look_known else "vertical, assumed",
    )  # fmt: skip
    facts: dict[str, Any] = dict(zip(FIT_KEYS, values, strict=True))
    if isinstance(fit.source, CDM):
        facts["semi_axes_km"] = [round(axis / 1e3, 3) for axis in fit.source.semi_axes]
        facts["rotations_degrees"] = [round(turn, 1) for turn in fit.source.rotations]
        facts["opening_m_per_year"] = round(fit.source.opening, 4)
    return facts


def reason_properties(reasons: Sequence[Reason]) -> dict[str, Any]:
    """Codes and sentences of what explains a detection better, the best first."""
    return {
        "reasons": [reason.code for reason in reasons],
        "reasons_in_words": [reason.sentence for reason in reasons],
    }


def place_properties(place: Place, number: int) -> dict[str, Any]:
    """What several maps say of one place; low and high are ends of 95 % intervals."""
    motion: dict[str, Any] = {}
    for name in ("east", "up"):
        ends = _ends(getattr(place.motion, name), 1e3, 2) if place.motion else (None,) * 3
        keys = (f"{name}{end}_mm_per_year" for end in ("", "_low", "_high"))
        motion.update(zip(keys, ends, strict=True))
    return {
        "id": f"place-{number}",
        "longitude": round(place.longitude, 5),
        "latitude": round(place.latitude, 5),
        "probability": round(place.probability, 4),
        "looks": place.looks,
        "maps": [one.result.map.name for one in place.sightings],
        "probabilities": [round(one.probability, 4) for one in place.sightings],
        "detections": [
            one.detection.identifier if one.detection else None for one in place.sightings
        ],
        **motion,
        **source_properties(place.source),
    }


def position_error(fit: SourceFit) -> float:
    """Half the wider 95 % interval of easting and northing (m)."""
    return max(one.high - one.low for one in (fit.easting, fit.northing)) / 2


def _ends(one: Estimate, factor: float, digits: int) -> tuple[float | None, ...]:
    values = (factor * end for end in (one.value, one.low, one.high))
    return tuple(None if math.isnan(value) else round(value, digits) for value in values)
