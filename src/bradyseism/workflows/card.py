"""Measures a trained model and writes what was measured on its card (needs torch)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bradyseism.detection.prior import MAP_PRIOR, PRIOR_FACTS
from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.certainty import CertaintySettings, certainty_tables
from bradyseism.evaluation.pooling_fit import PoolingSettings, fit_pooling, with_pooling
from bradyseism.evaluation.reliability import BACKGROUNDS, measure_reliability
from bradyseism.maps.writers.tables import as_read_back
from bradyseism.models.checkpoint import load
from bradyseism.workflows.publishing import publish

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CardSettings:
    """What is simulated for a card.

    Parameters
    ----------
    pooling : PoolingSettings
        Maps on which the evidence of all window sizes is weighed.
    certainty : CertaintySettings
        Noise and sources for the two tables.
    backgrounds : int
        Windows for the reliability; a tenth as many maps.
    processes : int
        Simulating processes.
    """

    pooling: PoolingSettings = field(default_factory=PoolingSettings)
    certainty: CertaintySettings = field(default_factory=CertaintySettings)
    backgrounds: int = BACKGROUNDS
    processes: int = 2


def certainty_facts(
    detector: Detector, settings: CardSettings, *, progress: Progress | None = None
) -> dict[str, Any]:
    """How sure a detector is, for its card.

    Parameters
    ----------
    detector : Detector
        Trained and calibrated.
    settings : CardSettings
        What is simulated.
    progress : callable, optional
        Called with the name of a part, and the steps done and in all.

    Returns
    -------
    dict
        `prior`, `pooling`, those of `certainty_tables`, and `reliability` (at both priors).
    """

    def part(name: str) -> Callable[..., None]:
        """Progress of one part."""
        return lambda done, total, _="": progress(name, done, total) if progress else None

    processes = settings.processes
    pooling = fit_pooling(
        detector, settings.pooling, processes=processes, progress=part("window sizes")
    )
    pooling = as_read_back(pooling)
    knowing = with_pooling(detector, pooling)
    reliability = measure_reliability(
        knowing,
        backgrounds=settings.backgrounds,
        processes=processes,
        progress=part("reliability"),
    )
    return as_read_back(
        {
            "prior": prior_facts(detector.calibration.prior),
            "pooling": pooling,
            **certainty_tables(knowing, settings.certainty, progress),
            "reliability": reliability.as_json(),
        }
    )


def measure_again(
    weights: Path,
    settings: CardSettings,
    *,
    prior: float | None = None,
    progress: Progress | None = None,
) -> Path:
    """Measure a model that is trained already, and write it again with its new card.

    Parameters
    ----------
    weights : Path
        A ``.safetensors`` file with its ``.onnx`` beside it; both and the card are replaced.
    settings : CardSettings
        What is simulated.
    prior : float, optional
        That the card shall state from now on (0-1).
    progress : callable, optional
        As in `certainty_facts`.

    Returns
    -------
    Path
        Of the ONNX file.

    Raises
    ------
    ValueError, OSError
        If one of the two files is missing or no model of this project, or the prior is no share.
    """
    model, card = load(weights)
    detector = Detector.load(weights.with_suffix(".onnx"), prior=prior)
    for part in (card["calibration"], card.get("settings", {})):
        if "prior" in part:
            part["prior"] = detector.calibration.prior
    card |= certainty_facts(detector, settings, progress=progress)
    return publish(weights.parent, weights.stem, model, card)


def prior_facts(prior: float) -> dict[str, Any]:
    """Where the prior of a card comes from."""
    if prior == MAP_PRIOR:
        return dict(PRIOR_FACTS)
    return {"per_map": prior, "per_map_source": "the setting `prior` of the training"}
