"""How sure a screening is: chances of false alarms, and what would have been found."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from scipy.special import logit

from bradyseism.detection.detect import DetectionResult
from bradyseism.detection.false_alarm import FalseAlarm, TailTable, chance_by_draws
from bradyseism.detection.nature import without_source
from bradyseism.detection.runtime import Detector
from bradyseism.physics.covariance import ExponentialModel

# Of the places with an answer, those that the stated rate holds for.
_SHARE = 0.9

logger = logging.getLogger(__name__)


def with_false_alarms(result: DetectionResult, detector: Detector) -> DetectionResult:
    """Add the chance of a false alarm per map to each detection.

    Parameters
    ----------
    result : DetectionResult
        As `detect` gave it; returned as it is where nothing was detected.
    detector : Detector
        What detected.

    Returns
    -------
    DetectionResult
        The noise is that of the map without the sources of its detections. A map whose noise has no
        law (too few pixels) keeps detections without a chance.
    """
    if not result.detections:
        return result
    log_odds = [float(logit(min(found.probability, 1 - 1e-16))) for found in result.detections]
    quiet = result.map
    for found in result.detections:
        if found.source:
            quiet = without_source(quiet, found.source.best)
    try:
        chances = chance_by_draws(quiet, detector, log_odds, windows=len(result.windows))
    except ValueError as error:
        logger.info("no chance of a false alarm for %s: %s", result.map.name, error)
        return result
    chances = tuple(
        replace(chance, by_table=_by_table(result, detector, chance, own))
        for chance, own in zip(chances, log_odds, strict=True)
    )
    detections = tuple(
        replace(found, false_alarm=chance)
        for found, chance in zip(result.detections, chances, strict=True)
    )
    return replace(result, detections=detections)


def false_alarm_facts(chance: FalseAlarm | None) -> dict[str, float | int | str | None]:
    """Return what is said of a chance in lists and for machines; None where it is not known."""
    if chance is None:
        names = ("false_alarm", "false_alarm_draws", "false_alarm_by_table", "noise_model")
        return dict.fromkeys(names)
    return {
        "false_alarm": round(chance.probability, 4),
        "false_alarm_draws": chance.draws,
        "false_alarm_by_table": chance.by_table,
        "noise_model": noise_in_words(chance.noise),
    }


def detectable_in_words(result: DetectionResult) -> str:
    """Say what rate would have been seen over how much of a map; empty where it is not known.

    The rate is that which nine tenths of the places with an answer stay within.
    """
    valid = result.map.valid
    if result.detectable is None or not len(result.windows):
        return ""
    if not np.isfinite(result.detectable[valid]).any():
        return "No detectable rate can be stated for this map at this prior."
    rates = result.detectable[valid]
    rate = float(np.quantile(rates[np.isfinite(rates)], _SHARE))
    return (
        f"A source over {1e3 * rate:.2g} mm/yr, of the width seen best, would have been found in "
        f"nine cases of ten over {100 * np.mean(rates <= rate):.0f} % of the pixels with data "
        "(detectable_rate.tif)."
    )


def noise_in_words(noise: ExponentialModel) -> str:
    """Law of the noise as people read it: km and mm/yr."""
    return (
        f"exponential, {1e3 * noise.sill**0.5:.3g} mm/yr over {noise.length / 1e3:.3g} km, nugget "
        f"{1e3 * noise.nugget**0.5:.3g} mm/yr"
    )


def _by_table(
    result: DetectionResult, detector: Detector, chance: FalseAlarm, log_odds: float
) -> float | None:
    table = TailTable.from_card(detector.card)
    if table is None:
        return None
    finest = float(result.windows["pixel_size"].min())
    return table.chance(
        chance.noise,
        (result.map.grid.pixel_size, finest),
        float(result.map.valid.mean()),
        int(np.sum(result.windows["pixel_size"] == finest)),
        log_odds - float(logit(detector.calibration.prior)),
    )
