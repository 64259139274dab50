"""Beker et al. (2022): train on the synthetic set, fine-tune on real background (needs torch)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bradyseism.detection.calibration import Calibration
from bradyseism.maps.readers import ReadOptions
from bradyseism.models.checkpoint import load
from bradyseism.models.network import build
from bradyseism.samples.encoding import WrappedPatch, encoding_from
from bradyseism.samples.hybrid import FT1
from bradyseism.samples.real import Region, read_backgrounds
from bradyseism.samples.synthetic import PaperSet, Selection, beside_samples
from bradyseism.training.data import IndexedDataset
from bradyseism.training.learner import TrainingSettings
from bradyseism.training.loop import fit
from bradyseism.training.stages import FINETUNING, finetune
from bradyseism.workflows.publishing import model_card, publish

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PaperSettings:
    """One synthetic training run of the paper.

    Parameters
    ----------
    network : str
        Key of `models.network.NETWORKS`; the paper's is InceptionResNet v2.
    samples : int
        How many of the 330,834 samples to use, drawn at random; all of them take a data-centre
        GPU.
    seed : int
        Seed of the set, of the weights and of the order.
    size, pixel_size : int, float
        Side of a patch in pixels, and pixel size (m): 256 at 200 m in the paper; 128 at 400 m is
        the same ground four times as fast.
    loop : TrainingSettings
        Early stopping on validation loss with patience 10, as in the paper.
    """

    network: str = "inception_resnet_v2"
    samples: int = 330_834
    seed: int = 0
    size: int = 256
    pixel_size: float = 200.0
    loop: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=100, batch_size=64, learning_rate=1e-3, patience=10, place_weight=0.0, workers=1
        )
    )

    def __post_init__(self) -> None:
        if not 20 <= self.samples <= len(PaperSet()):
            raise ValueError(
                f"samples {self.samples} is outside 20 to {len(PaperSet())}, the size of the set"
            )


@dataclass(frozen=True)
class FinetuneSettings:
    """One fine-tuning run.

    Parameters
    ----------
    approach : str
        Key of `training.stages.APPROACHES`.
    seed : int
        Seed of the choice of positives and of their volcanoes.
    exclude : tuple of (west, south, east, north)
        Boxes (degrees) that no background may touch, such as the test region.
    loop : TrainingSettings
        Fixed small learning rate; stops on the loss of a fifth of the backgrounds.
    """

    approach: str = "last"
    seed: int = 0
    exclude: tuple[tuple[float, float, float, float], ...] = ()
    loop: TrainingSettings = FINETUNING


def train_paper(
    folder: Path, settings: PaperSettings, *, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """Train on the synthetic set alone; a restart goes on where it stopped.

    Parameters
    ----------
    folder : Path
        Holds checkpoints and log, and at the end `model.onnx`, `.safetensors` and `.json`.
    settings : PaperSettings
    provenance : mapping
        What the card shall state beside: command, commit.

    Returns
    -------
    dict
        The model card.
    """
    encoding = WrappedPatch(size=settings.size, pixel_size=settings.pixel_size)
    whole = PaperSet(seed=settings.seed, encoding=encoding)
    training, validation = (
        thinned(part, settings.samples / len(whole), settings.seed) for part in whole.split()
    )
    model = build(settings.network, encoding.channels, seed=settings.seed)
    loop = replace(settings.loop, seed=settings.seed)
    result = fit(model, IndexedDataset(training), IndexedDataset(validation), loop, folder)
    facts = {
        "data": f"{len(training)} training and {len(validation)} validation samples of the "
        "synthetic set of Beker et al. (2022), section 2.2",
        "place": False,
        "settings": asdict(settings),
        "history": result.history,
        "limits": ["wrapped input, trained without nuisances: flags nearly any real map"],
        **provenance,
    }
    card = model_card(f"paper-{settings.network}", encoding, Calibration(), facts)
    publish(folder, "model", model, card)
    return card


def finetune_paper(
    folder: Path,
    weights: Path,
    maps: Sequence[Path],
    options: ReadOptions,
    settings: FinetuneSettings,
    *,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Fine-tune the head of a model on FT1: a user's volcano-free maps and simulated volcanoes.

    Parameters
    ----------
    folder : Path
        Holds the run and at the end `model.onnx`, `.safetensors` and `.json`.
    weights : Path
        Safetensors of a model of wrapped patches, as `train_paper` writes it.
    maps : sequence of Path
        Volcano-free velocity maps.
    options : ReadOptions
        What the maps do not say.
    settings : FinetuneSettings
    provenance : mapping
        What the card shall state beside: command, commit.

    Raises
    ------
    ValueError
        If the model takes other input than wrapped patches, or too little background is left.
    """
    model, card = load(weights)
    encoding = encoding_from(card["encoding"])
    if not isinstance(encoding, WrappedPatch):
        raise ValueError(
            f"model {card['name']!r} does not take wrapped patches, which FT1 is made of: give the "
            "safetensors that `bradyseism train paper` wrote"
        )
    regions = tuple(Region(*box) for box in settings.exclude)
    backgrounds = read_backgrounds(maps, options, encoding=encoding, exclude=regions)
    if len(backgrounds) < 10:
        raise ValueError(
            f"{len(backgrounds)} background patches are too few to halve and hold a fifth out: "
            "give at least 10, the paper used 836"
        )
    hybrid = FT1(backgrounds, seed=settings.seed, encoding=encoding)
    training, validation = hybrid.split()
    folder.mkdir(parents=True, exist_ok=True)
    results = finetune(
        model,
        IndexedDataset(training),
        IndexedDataset(validation),
        folder,
        approach=settings.approach,
        settings=replace(settings.loop, seed=settings.seed),
    )
    facts = {
        "data": f"FT1 of {len(backgrounds)} background patches from {len(maps)} maps on {weights}",
        "place": False,
        "settings": asdict(settings),
        "history": [result.history for result in results],
        "limits": ["knows the background of its own region only"],
        **provenance,
    }
    tuned = model_card(f"{card['name']}-ft1-{settings.approach}", encoding, Calibration(), facts)
    publish(folder, "model", model, tuned)
    return tuned


def thinned(samples: Selection, share: float, seed: int) -> Selection:
    """Return a random share (0-1) of a selection, in order, but at least two samples."""
    count = max(2, round(share * len(samples)))
    chosen = beside_samples(seed, 2).permutation(len(samples))[:count]
    return Selection(samples.samples, samples.indices[np.sort(chosen)])
