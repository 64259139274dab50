"""Training, features and fine-tuning of the paper's experiment, each kept as soon as it is made."""

from __future__ import annotations

import copy
import csv
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from safetensors.torch import save as serialized
from torch.utils.data import ConcatDataset

from bradyseism.detection.calibration import Calibration
from bradyseism.maps.writers.atomic import write_bytes
from bradyseism.maps.writers.tables import write_csv
from bradyseism.models.checkpoint import load, save
from bradyseism.models.network import Classifier, Head, build
from bradyseism.samples.finetuning import CONSTITUENTS, SEEDLESS, Material
from bradyseism.samples.real import Background
from bradyseism.samples.stored import store
from bradyseism.samples.synthetic import PaperSet, SampleSet, Selection, beside_samples
from bradyseism.training.checkpoints import BEST, LAST
from bradyseism.training.data import ArrayDataset, IndexedDataset, Sample
from bradyseism.training.learner import TrainingSettings
from bradyseism.training.loop import DivergedError, fit
from bradyseism.training.stages import finetune_head, pooled_features
from bradyseism.workflows.paper import thinned
from bradyseism.workflows.publishing import model_card
from bradyseism.workflows.reproduce_settings import ReproduceSettings
from bradyseism.workflows.run_arrays import save_arrays
from bradyseism.workflows.run_folder import MODELS, SYNTHETIC, RunFolder

logger = logging.getLogger(__name__)

FEATURE_BATCH = 32


@dataclass(frozen=True)
class Study:
    """A run, its settings, and one wrapping cycle of it.

    Parameters
    ----------
    run : RunFolder
    settings : ReproduceSettings
    cycle : str
        Key of `reproduce_settings.CYCLES`.
    """

    run: RunFolder
    settings: ReproduceSettings
    cycle: str

    def synthetic(self, seed_offset: int = 0) -> PaperSet:
        """Return the synthetic set; with an offset another one, for testing."""
        return PaperSet(
            seed=self.settings.seed + seed_offset,
            noise_level=self.settings.noise_level,
            encoding=self.settings.encoding(self.cycle),
        )

    def material(self, backgrounds: Sequence[Background], seed: int) -> Material:
        """Return what the fine-tuning sets of a seed are made of."""
        training, _ = self.synthetic().split()
        return Material(backgrounds, training, seed, self.settings.filtered)

    @property
    def stored_path(self) -> Path:
        """Where the images of the synthetic set lie while networks are trained on it."""
        return self.run / f"data/synthetic-{self.cycle}.npy"

    def features_path(self, network: str, name: str) -> Path:
        """Where the features of a set lie."""
        return self.run / f"features/{self.cycle}/{network}/{name}.npz"

    def head_path(self, model: tuple[str, str], seed: int) -> Path:
        """Where the head of a fine-tuned model lies."""
        name, approach = model
        return self.run / f"finetune/{self.cycle}/{name}/{approach}/seed-{seed}/head.safetensors"


def pretrained(study: Study, network: str, provenance: Mapping[str, Any]) -> Classifier:
    """Model trained on the synthetic set alone, from the run folder if it is there."""
    folder = study.run / f"pretrain/{study.cycle}/{network}"
    weights = folder / "model.safetensors"
    if weights.exists():
        return load(weights)[0]
    settings = study.settings
    training, validation = _synthetic_parts(study)
    with study.run.stage(f"learning rate {study.cycle} {network}"):
        rate = chosen_rate(study, network, training, validation, folder)
    with study.run.stage(f"pretrain {study.cycle} {network}"):
        model = build(network, settings.channels, seed=settings.seed)
        loop = replace(settings.loop, learning_rate=rate, seed=settings.seed)
        result = fit(model, IndexedDataset(training), IndexedDataset(validation), loop, folder)
        facts = {
            "data": f"{len(training)} training and {len(validation)} validation samples of the "
            "synthetic set of Beker et al. (2022), section 2.2",
            "place": False,
            "settings": {**asdict(settings), "loop": asdict(loop)},
            "history": result.history,
            "limits": ["wrapped input, trained without nuisances: flags nearly any real map"],
            **provenance,
        }
        encoding = settings.encoding(study.cycle)
        save(weights, model, model_card(f"paper-{network}", encoding, Calibration(), facts))
        # The same weights stand in the model now.
        (folder / BEST).unlink()
    return load(weights)[0]


def keep_features(
    study: Study, network: str, model: Classifier, sets: Mapping[str, Sequence[SampleSet]]
) -> None:
    """Run the frozen part of a network over sets, each once for ever.

    Parameters
    ----------
    study : Study
    network : str
        Key of `models.network.NETWORKS`.
    model : Classifier
        The trained network.
    sets : mapping of str to sequence of SampleSet
        By the name of their file; the sets of one name follow one another.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device).to(memory_format=torch.channels_last)
    workers = study.settings.loop.workers
    for name, parts in sets.items():
        path = study.features_path(network, name)
        if path.exists():
            continue
        with study.run.stage(f"features {study.cycle} {network} {name}"):
            samples: ConcatDataset[Sample] = ConcatDataset([IndexedDataset(part) for part in parts])
            made = pooled_features(model, samples, FEATURE_BATCH, workers=workers)
            features, labels = made.images.astype(np.float16), made.labels.astype(np.int8)
            save_arrays(path, {"features": features, "label": labels})
    model.to("cpu")


def constituent_sets(
    study: Study, backgrounds: Sequence[Background]
) -> dict[str, Sequence[SampleSet]]:
    """All constituents of all seeds by the names of their feature files."""
    sets: dict[str, Sequence[SampleSet]] = {}
    for seed in study.settings.seeds:
        material = study.material(backgrounds, seed)
        for name in CONSTITUENTS:
            sets.setdefault(constituent_file(name, seed), [material.constituent(name)])
    return sets


def constituent_file(name: str, seed: int) -> str:
    """Name of the features of a constituent."""
    return name if name in SEEDLESS else f"{name}-{seed}"


def finetune_all(study: Study, network: str, backgrounds: Sequence[Background]) -> None:
    """Tune the head of the synthetic model into every model of the paper, for every seed."""
    synthetic = _synthetic_head(study, network)
    for seed in study.settings.seeds:
        material = study.material(backgrounds, seed)
        for name, approach in MODELS:
            path = study.head_path((name, approach), seed)
            if path.exists():
                continue
            with study.run.stage(f"finetune {study.cycle} {name} {approach} seed {seed}"):
                training, validation = _finetuning_sets(study, network, material, name)
                head = copy.deepcopy(synthetic)
                settings = replace(study.settings.finetuning, seed=seed)
                finetune_head(
                    head, training, validation, path.parent, approach=approach, settings=settings
                )
                write_bytes(path, serialized(head.state_dict()))
                for checkpoint in [*path.parent.rglob(BEST), *path.parent.rglob(LAST)]:
                    checkpoint.unlink()


def heads(study: Study, network: str, *, tuned: bool) -> Iterator[tuple[str, int, Head]]:
    """Yield name, seed and head of the synthetic model, and of every fine-tuned one."""
    head = _synthetic_head(study, network)
    yield SYNTHETIC, study.settings.seed, head
    if tuned:
        for model in MODELS:
            for seed in study.settings.seeds:
                own = copy.deepcopy(head)
                own.load_state_dict(load_file(study.head_path(model, seed)))
                yield " ".join(model), seed, own.eval()


def _synthetic_head(study: Study, network: str) -> Head:
    model, _ = load(study.run / f"pretrain/{study.cycle}/{network}/model.safetensors")
    return model.head


def _synthetic_parts(study: Study) -> tuple[SampleSet, SampleSet]:
    """Training and validation samples, as many as the settings say; on disk if they say so."""
    settings = study.settings
    whole = study.synthetic()
    share = settings.samples / len(whole)
    training, validation = (thinned(part, share, settings.seed) for part in whole.split())
    if not settings.store:
        return training, validation
    both = Selection(whole, np.concatenate([training.indices, validation.indices]))
    path = study.stored_path
    with study.run.stage(f"synthetic set {study.cycle}"):
        stored = store(both, path, processes=max(2, settings.loop.workers))
    return (
        Selection(stored, np.arange(len(training))),
        Selection(stored, np.arange(len(training), len(both))),
    )


def chosen_rate(
    study: Study, network: str, training: SampleSet, validation: SampleSet, folder: Path
) -> float:
    """Learning rate with the lowest synthetic validation loss after a short trial, once for ever.

    Parameters
    ----------
    study : Study
        Its settings say which rates, and how long a trial is.
    network : str
        Key of `models.network.NETWORKS`.
    training, validation : SampleSet
        Of the synthetic set.
    folder : Path
        Where the trials go, one folder each, and ``rates.csv``. If it is there, nothing is tried.

    Raises
    ------
    ValueError
        If every rate ends without a finite loss.
    """
    settings = study.settings
    if len(settings.rates) == 1:
        return settings.rates[0]
    table = folder / "rates.csv"
    if not table.exists():
        count = max(2, round(settings.trial * len(training)))
        part = beside_samples(settings.seed, 5).permutation(len(training))[:count]
        chosen = IndexedDataset(Selection(training, np.sort(part)))
        losses = {}
        for rate in settings.rates:
            loop: TrainingSettings = replace(
                settings.loop, learning_rate=rate, seed=settings.seed, epochs=settings.trial_epochs
            )
            model = build(network, settings.channels, seed=settings.seed)
            trial = folder / f"rate-{rate:g}"
            try:
                losses[rate] = fit(model, chosen, IndexedDataset(validation), loop, trial).loss
            except DivergedError:
                losses[rate] = math.nan
        write_csv(table, ["learning_rate", "validation_loss"], list(losses.items()))
    for checkpoint in (BEST, LAST):
        for spent in folder.glob(f"rate-*/{checkpoint}"):
            spent.unlink()
    return _lowest(table)


def _lowest(table: Path) -> float:
    """Rate of the lowest loss; a training that diverged has none."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = [(float(loss or "nan"), float(rate)) for rate, loss in list(csv.reader(file))[1:]]
    finite = [row for row in rows if np.isfinite(row[0])]
    if not finite:
        raise ValueError(
            f"none of the learning rates {[rate for _, rate in rows]} ends with a finite "
            "validation loss: set lower rates under [reproduce], in a new folder"
        )
    return min(finite)[1]


def _finetuning_sets(
    study: Study, network: str, material: Material, name: str
) -> tuple[ArrayDataset, ArrayDataset]:
    """Training and held-out features of a fine-tuning set."""
    features: dict[bool, list[np.ndarray[Any, Any]]] = {False: [], True: []}
    labels: dict[bool, list[int]] = {False: [], True: []}
    for members in material.members(name):
        file = constituent_file(members.constituent, material.seed)
        with np.load(study.features_path(network, file), allow_pickle=False) as stored:
            taken = stored["features"][members.positions]
        for held in (False, True):
            chosen = taken[members.held == held]
            features[held].append(chosen)
            labels[held] += [members.label] * len(chosen)
    training, validation = (
        ArrayDataset(np.concatenate(features[held]), np.array(labels[held]))
        for held in (False, True)
    )
    return training, validation


__all__ = [
    "Study",
    "chosen_rate",
    "constituent_file",
    "constituent_sets",
    "finetune_all",
    "heads",
    "keep_features",
    "pretrained",
]
