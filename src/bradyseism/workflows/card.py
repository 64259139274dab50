"""Measures a trained model and writes what was measured on its card (needs torch)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bradyseism.detection.prior import PRIOR_FACTS, WINDOW_PRIOR
from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.certainty import CertaintySettings, certainty_tables
from bradyseism.evaluation.reliability import BACKGROUNDS, measure_reliability
from bradyseism.maps.writers.tables import as_read_back
from bradyseism.models.checkpoint import load
from bradyseism.workflows.publishing import publish

Progress = Callable[[str, int, int], None]


def certainty_facts(
    detector: Detector,
    settings: CertaintySettings,
    *,
    backgrounds: int = BACKGROUNDS,
    processes: int = 2,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """How sure a detector is, for its card.

    Parameters
    ----------
    detector : Detector
        Trained and calibrated.
    settings : CertaintySettings
        What is simulated for the two tables.
    backgrounds : int
        For the reliability.
    processes : int
        Simulating processes.
    progress : callable, optional
        Called with the name of a part, and the steps done and in all.

    Returns
    -------
    dict
        `prior`, those of `certainty_tables`, and `reliability` (with the figures of both priors).
    """
    reliability = measure_reliability(
        detector,
        backgrounds=backgrounds,
        processes=processes,
        progress=(lambda done, total, _: progress("reliability", done, total))
        if progress
        else None,
    )
    return as_read_back(
        {
            "prior": prior_facts(detector.calibration.prior),
            **certainty_tables(detector, settings, progress),
            "reliability": reliability.as_json(),
        }
    )


def measure_again(
    weights: Path,
    settings: CertaintySettings,
    *,
    backgrounds: int = BACKGROUNDS,
    progress: Progress | None = None,
) -> Path:
    """Measure a model that is trained already, and write it again with its new card.

    Parameters
    ----------
    weights : Path
        A ``.safetensors`` file with its ``.onnx`` beside it; both and the card are replaced.
    settings : CertaintySettings
        What is simulated.
    backgrounds : int
        For the reliability.
    progress : callable, optional
        As in `certainty_facts`.

    Returns
    -------
    Path
        Of the ONNX file.

    Raises
    ------
    ValueError, OSError
        If one of the two files is missing or no model of this project.
    """
    model, card = load(weights)
    detector = Detector.load(weights.with_suffix(".onnx"))
    card |= certainty_facts(detector, settings, backgrounds=backgrounds, progress=progress)
    return publish(weights.parent, weights.stem, model, card)


def prior_facts(prior: float) -> dict[str, Any]:
    """Where the prior of a card comes from."""
    if prior == WINDOW_PRIOR:
        return dict(PRIOR_FACTS)
    return {"per_window": prior, "per_window_source": "the setting `prior` of the training"}
