"""Trains the detector that the package ships, from nothing but seeds (needs torch)."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.calibration import Calibration, fit_calibration
from bradyseism.detection.prior import MAP_PRIOR
from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.scores import expected_calibration_error, roc_auc
from bradyseism.models.checkpoint import load, save
from bradyseism.models.network import Classifier, build
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.samples.windows import Samples, WindowSet, generate
from bradyseism.scenes.priors import FootprintPrior, LogUniform
from bradyseism.scenes.synthesis import SceneSettings
from bradyseism.training.data import ArrayDataset
from bradyseism.training.learner import TrainingSettings
from bradyseism.training.loop import FitResult, fit
from bradyseism.workflows.card import CardSettings, certainty_facts
from bradyseism.workflows.publishing import model_card, publish
from bradyseism.workflows.teaching import log_odds, taught_labels

Progress = Callable[[str, int, int], None]

NAME = "bradyseism-light-2"
SETS = ("training", "validation", "calibration")
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
    teacher : str
        Key of a larger network, which is trained first in the same way, and whose probabilities
        the network learns beside the labels; "" for labels alone.
    trust : float
        Weight (0-1) of the teacher's probability in a label.
    processes : int
        Simulating processes.
    scenes : SceneSettings
        What the simulated windows may hold.
    encoding : NormalisedWindow
        How a window becomes network input.
    loop, teachers_loop : TrainingSettings
        Of the two trainings: epochs, batches, learning rate.
    """

    training: int = 120_000
    validation: int = 6_000
    calibration: int = 8_000
    seed: int = 20_220_601
    prior: float = MAP_PRIOR
    measured: CardSettings = field(default_factory=CardSettings)
    network: str = "light"
    teacher: str = ""
    trust: float = 0.5
    processes: int = 2
    scenes: SceneSettings = field(
        default_factory=lambda: SceneSettings(sources=FootprintPrior(width=LogUniform(0.07, 0.75)))
    )
    encoding: NormalisedWindow = field(default_factory=lambda: NormalisedWindow(detail="whitened"))
    loop: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=16, batch_size=128, learning_rate=3e-3, augment=True, threads=1
        )
    )
    teachers_loop: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=4, batch_size=128, learning_rate=2e-3, augment=True
        )
    )

    def __post_init__(self) -> None:
        if not 0 <= self.trust <= 1:
            raise ValueError(f"trust {self.trust:g} is outside 0-1: give the teacher's weight")


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
        A `teacher.safetensors` that is there already is the teacher.
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
    counts = (settings.training, settings.validation, settings.calibration)
    windows = {
        name: WindowSet(settings.seed + offset, count, settings.scenes, settings.encoding)
        for offset, (name, count) in enumerate(zip(SETS, counts, strict=True))
    }
    sets = {
        name: generate(
            of_name,
            folder / "windows",
            processes=settings.processes,
            progress=partial(progress, name) if progress else None,
        )
        for name, of_name in windows.items()
    }
    labels = sets["training"].labels
    teacher = _teacher(folder, sets, settings) if settings.teacher else None
    if teacher:
        known = f"{windows['training'].digest}-{len(labels)}-{_sha256(teacher)[:12]}"
        kept = folder / f"taught-{known}.npy"
        reported = partial(progress, "teaching") if progress else None
        labels = taught_labels(sets["training"], teacher, settings.trust, kept, reported)
    model, result = _fitted(settings, settings.network, sets, labels, folder, loop=settings.loop)
    logits = log_odds(model, sets["calibration"].images)
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
        **({"teacher": _known_as(teacher)} if teacher else {}),
        **provenance,
    }
    card = model_card(NAME, settings.encoding, calibration, facts)
    path = publish(folder, "shipped", model, card)
    card |= certainty_facts(Detector.load(path), settings.measured, progress=progress)
    publish(folder, "shipped", model, card)
    return card


def _teacher(folder: Path, sets: Mapping[str, Samples], settings: ShippedSettings) -> Path:
    """Weights of the teacher, in the folder or trained now on the labels of the windows."""
    path = folder / "teacher.safetensors"
    if not path.exists():
        labels, own = sets["training"].labels, folder / "teacher"
        model, _ = _fitted(
            settings, settings.teacher, sets, labels, own, loop=settings.teachers_loop
        )
        logits = log_odds(model, sets["calibration"].images)
        calibration = fit_calibration(logits, sets["calibration"].labels, prior=settings.prior)
        name = f"teacher of {NAME} ({settings.teacher})"
        save(path, model, model_card(name, settings.encoding, calibration, {}))
    return path


def _fitted(
    settings: ShippedSettings,
    network: str,
    sets: Mapping[str, Samples],
    labels: NDArray[np.float32],
    folder: Path,
    *,
    loop: TrainingSettings,
) -> tuple[Classifier, FitResult]:
    """Network trained on the training windows with these labels."""
    model = build(network, settings.encoding.channels, seed=settings.seed)
    known, unseen = sets["training"], sets["validation"]
    training = ArrayDataset(known.images, labels, known.places)
    validation = ArrayDataset(unseen.images, unseen.labels, unseen.places)
    return model, fit(model, training, validation, loop, folder)


def _known_as(weights: Path) -> dict[str, str]:
    """Name and hash of a model, for the card of its pupil."""
    _, card = load(weights)
    return {
        "name": str(card["name"]),
        "commit": str(card.get("commit", "that of its pupil")),
        "sha256": _sha256(weights),
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
