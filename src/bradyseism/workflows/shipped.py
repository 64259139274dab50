"""Trains the detector that the package ships, from nothing but seeds (needs torch)."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bradyseism.detection.calibration import Calibration, fit_calibration
from bradyseism.detection.prior import MAP_PRIOR
from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.scores import expected_calibration_error, roc_auc
from bradyseism.models.network import Classifier, build
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.samples.windows import Samples, WindowSet, generate
from bradyseism.scenes.priors import FootprintPrior, LogUniform
from bradyseism.scenes.synthesis import SceneSettings
from bradyseism.training.data import ArrayDataset
from bradyseism.training.learner import TrainingSettings
from bradyseism.training.loop import fit
from bradyseism.workflows.card import CardSettings, certainty_facts
from bradyseism.workflows.publishing import model_card, publish

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]

NAME = "bradyseism-compact-2"
LIMITS = [
    "no relief is used: smooth subsidence bowls and deposits can look volcanic",
    "signals narrower than 7 % or wider than 75 % of every window are not learned",
    "probabilities hold at the stated prior, on backgrounds like the simulated ones",
]


@dataclass(frozen=True)
class ShippedSettings:
    """Everything that decides the shipped weights.

    Parameters
    ----------
    training, validation, calibration : int
        Numbers of simulated windows; each set has a seed of its own.
    seed : int
        Seeds of the sets are `seed`, `seed + 1`, `seed + 2`; of the first weights `seed`.
    prior : float
        Share of maps expected to hold deformation, stated by every probability.
    measured : CardSettings
        What is simulated to weigh window sizes and to say how sure the detector is.
    network : str
        Key of `models.network.NETWORKS`.
    processes : int
        Simulating processes.
    scenes : SceneSettings
        What the simulated windows may hold.
    encoding : NormalisedWindow
        How a window becomes network input.
    loop : TrainingSettings
        Of the training: epochs, batches, learning rate.
    """

    training: int = 120_000
    validation: int = 6_000
    calibration: int = 8_000
    seed: int = 20_220_601
    prior: float = MAP_PRIOR
    measured: CardSettings = field(default_factory=CardSettings)
    network: str = "compact"
    processes: int = 2
    scenes: SceneSettings = field(
        default_factory=lambda: SceneSettings(sources=FootprintPrior(width=LogUniform(0.07, 0.75)))
    )
    encoding: NormalisedWindow = field(default_factory=NormalisedWindow)
    loop: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=4, batch_size=128, learning_rate=2e-3, augment=True
        )
    )


def train_shipped(
    folder: Path,
    settings: ShippedSettings,
    *,
    provenance: Mapping[str, Any],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Simulate, train, calibrate, export; a restart goes on where it stopped.

    Parameters
    ----------
    folder : Path
        Holds the windows, checkpoints and log of the run, and at the end `shipped.onnx`,
        `shipped.safetensors`, `shipped.json` (the card) and `shipped.md` (the card for people).
    settings : ShippedSettings
    provenance : mapping
        What the card shall state beside: command, commit.
    progress : callable, optional
        Called with the name of a set and the chunks done and in all.

    Returns
    -------
    dict
        The model card.
    """
    sets = {
        name: _windows(
            name, count, settings.seed + offset, settings, folder=folder, progress=progress
        )
        for offset, (name, count) in enumerate(
            (
                ("training", settings.training),
                ("validation", settings.validation),
                ("calibration", settings.calibration),
            )
        )
    }
    model = build(settings.network, settings.encoding.channels, seed=settings.seed)
    training, validation = (
        ArrayDataset(part.images, part.labels, part.places)
        for part in (sets["training"], sets["validation"])
    )
    result = fit(model, training, validation, settings.loop, folder)
    logits = _logits(model, sets["calibration"])
    calibration = fit_calibration(logits, sets["calibration"].labels, prior=settings.prior)
    metrics = _metrics(logits, sets["calibration"], calibration)
    facts = {
        "data": "simulated windows only (bradyseism.scenes); no real map was used in training",
        "settings": asdict(settings),
        "epochs": result.epochs,
        "validation_loss": result.loss,
        "history": result.history,
        "metrics_simulated": metrics,
        "limits": LIMITS,
        "hardware": f"{platform.machine()} CPU, {settings.loop.threads} threads",
        **provenance,
    }
    card = model_card(NAME, settings.encoding, calibration, facts)
    path = publish(folder, "shipped", model, card)
    card |= certainty_facts(Detector.load(path), settings.measured, progress=progress)
    publish(folder, "shipped", model, card)
    return card


def _windows(
    name: str,
    count: int,
    seed: int,
    settings: ShippedSettings,
    *,
    folder: Path,
    progress: Progress | None,
) -> Samples:
    windows = WindowSet(seed, count, settings.scenes, settings.encoding)
    return generate(
        windows,
        folder / "windows",
        processes=settings.processes,
        progress=(lambda done, total: progress(name, done, total)) if progress else None,
    )


def _logits(model: Classifier, samples: Samples) -> NDArray[np.float32]:
    starts = range(0, len(samples), 256)
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(samples.images[start : start + 256]).float()).logit.numpy()
            for start in starts
        ]
    return np.concatenate(parts)


def _metrics(
    logits: NDArray[np.float32], samples: Samples, calibration: Calibration
) -> dict[str, float]:
    """Metrics on the calibration set.

    AUC and calibration error are those of its second half, with a calibration fitted on the first;
    the shares flagged are those of all of it, with the calibration fitted on all of it.
    """
    half = len(logits) // 2
    fitted = fit_calibration(logits[:half], samples.labels[:half], prior=0.5)
    probability = fitted.probability(logits[half:])
    labels = samples.labels[half:] > 0.5
    at_prior = calibration.probability(logits)
    quiet = samples.labels < 0.5
    return {
        "auc": roc_auc(labels, probability),
        "calibration_error_balanced": expected_calibration_error(labels, probability),
        "share_flagged_volcanic": float((at_prior[~quiet] > 0.5).mean()),
        "share_flagged_quiet": float((at_prior[quiet] > 0.5).mean()),
    }
