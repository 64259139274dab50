"""What is said of sources and reasons in files: km, mm/yr, m3/yr, each key with its unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bradyseism.detection.places import Place
from bradyseism.detection.reasons import Reason
from bradyseism.detection.source_fit import SourceEstimate, SourceFit
from bradyseism.physics.sources import Mogi
from bradyseism.physics.variogram_fit import Estimate

SOURCE_KEYS = (
    "source_model", "source_sense", "source_longitude", "source_latitude",
    "source_position_95_km", "source_depth_km", "source_depth_low_km", "source_depth_high_km",
    "source_volume_m3_per_year", "source_volume_low_m3_per_year", "source_volume_high_m3_per_year",
    "source_potency_m3_per_year", "source_potency_low_m3_per_year",
    "source_potency_high_m3_per_year", "source_peak_rate_mm_per_year",
    "source_peak_rate_low_mm_per_year", "source_peak_rate_high_mm_per_year", "source_radius_km",
    "source_misfit", "source_variance_explained", "source_look",
)  # fmt: skip


def source_properties(source: SourceEstimate | None) -> dict[str, Any]:
    """Keys and values of `SOURCE_KEYS`: of the CDM where one is told, else of the Mogi source.

    Low and high are the ends of 95 % intervals. All are None without an estimate; the volume
    change is None for a CDM, whose potency alone is known.
    """
    if source is None:
        return dict.fromkeys(SOURCE_KEYS)
    fit = source.best
    potency = (
        replace(fit.source, volume_change=1.0).potency if isinstance(fit.source, Mogi) else 1.0
    )
    volume = (None,) * 3 if fit.model == "CDM" else _ends(fit.strength, 1.0, -3)
    values = (
        fit.model, "inflation" if fit.inflates else "deflation",
        round(fit.longitude, 5), round(fit.latitude, 5), round(position_error(fit) / 1e3, 2),
        *_ends(fit.depth, 1e-3, 2), *volume, *_ends(fit.strength, potency, -3),
        *_ends(fit.peak_rate, 1e3, 2), round(fit.radius / 1e3, 2),
        round(fit.chi_square, 2), round(fit.explained, 3),
        "of the map" if fit.look_known else "vertical, assumed",
    )  # fmt: skip
    return dict(zip(SOURCE_KEYS, values, strict=True))


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
