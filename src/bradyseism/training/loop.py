"""The one training loop: early stopping, checkpoints, exact resumption, on CPU or GPU.

Lightning's epochs are sections here: as many steps as lie between two checkpoints. A run that was
killed at any moment goes on from the last section that it finished, and ends, on a CPU, with the
same weights as an undisturbed run.
"""

from __future__ import annotations

import csv
import logging
import math
import signal
import warnings
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import cast

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.callbacks import EarlyStopping
from torch import nn
from torch.utils.data import DataLoader, Dataset

from bradyseism.training.checkpoints import (
    BEST,
    LAST,
    AtomicCheckpoints,
    Keeper,
    TensorBoardLog,
)
from bradyseism.training.data import EpochSampler, Sample, SharedSampler, imprint
from bradyseism.training.learner import Learner, TrainingSettings

__all__ = ["FitResult", "TrainingSettings", "fit"]

LOG = "log.csv"


@dataclass(frozen=True)
class FitResult:
    """What a run reached.

    Attributes
    ----------
    loss : float
        Lowest validation loss.
    epochs : float
        Epochs trained, over all resumptions.
    weights : Path
        Checkpoint with the weights of the best check; the model itself carries them too.
    history : tuple of dict
        The rows of `log.csv`, one a check: epoch, training_loss, loss, accuracy, auc,
        place_accuracy (NaN where no place is known), seconds.
    """

    loss: float
    epochs: float
    weights: Path
    history: tuple[dict[str, float], ...]


class DivergedError(ValueError):
    """A training that never had a finite validation loss."""


@dataclass(frozen=True)
class _Sections:
    """How an epoch is cut: `count` sections of `samples` samples, `each` of them a check."""

    count: int
    each: int
    samples: int

    @classmethod
    def of(cls, length: int, settings: TrainingSettings) -> _Sections:
        """Cut an epoch of so many samples."""
        batch = settings.batch_size
        steps = -(-length // batch)
        checks = min(settings.checks, steps)
        a_check = -(-steps // checks)
        each = (
            max(1, round(a_check / settings.checkpoint_steps)) if settings.checkpoint_steps else 1
        )
        count = checks * each
        if count == 1 and settings.devices == 1:
            # A last batch of one sample has no spread for batch norm.
            return cls(1, 1, length - (length % batch == 1 and length > 1))
        return cls(count, each, -(-steps // count) * batch)


def fit(
    model: nn.Module,
    training: Dataset[Sample],
    validation: Dataset[Sample],
    settings: TrainingSettings,
    folder: str | PathLike[str],
) -> FitResult:
    """Train a model until its validation loss no longer falls.

    Parameters
    ----------
    model : nn.Module
        Images -> `models.network.Output`. It ends with the weights of the best check, in
        inference mode. Parameters that require no gradient stay as they are.
    training, validation : Dataset
        Samples as `training.data` makes them.
    settings : TrainingSettings
        Settings of the run.
    folder : path
        Where `log.csv`, `best.ckpt` (weights alone), `last.ckpt` and, if wanted, `tensorboard`
        go. If `last.ckpt` is there, the run goes on from it, as if it had not been interrupted.

    Returns
    -------
    FitResult
        Lowest loss, number of epochs, weights, history.

    Raises
    ------
    ValueError
        If a data set is empty, or `last.ckpt` belongs to another model, other samples or other
        settings.
    DivergedError
        If no check has a finite loss.
    OSError
        If a checkpoint cannot be written; what was there before stays.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for samples in (training, validation):
        if len(cast(Sized, samples)) == 0:
            raise ValueError(
                "the data set holds 0 samples: give at least one for each of the two sets"
            )
    sections = _Sections.of(len(cast(Sized, training)), settings)
    learner = Learner(model.to(memory_format=torch.channels_last), settings, imprint(training))
    last = folder / LAST
    if settings.devices > 1:
        # The usual one, by file descriptor, cannot hand a model to processes that are spawned.
        torch.multiprocessing.set_sharing_strategy("file_system")  # type: ignore[no-untyped-call]
    with _quiet(settings.threads), _interruptible(), _refusing_another_model(last):
        _trainer(settings, folder, sections).fit(
            learner,
            _training_batches(training, settings, sections),
            _validation_batches(validation, settings),
            ckpt_path=last if last.exists() else None,
            weights_only=True,
        )
    rows = _read_log(folder / LOG)
    lowest = min((row["loss"] for row in rows if math.isfinite(row["loss"])), default=math.nan)
    if math.isnan(lowest):
        raise DivergedError(
            f"none of {len(rows)} checks had a finite loss: train in an empty folder with a "
            f"learning_rate under {settings.learning_rate:g}"
        )
    learner.load_state_dict(torch.load(folder / BEST, weights_only=True)["state_dict"])
    model.eval()
    checks = sections.count // sections.each
    return FitResult(lowest, len(rows) / checks, folder / BEST, tuple(rows))


def _trainer(settings: TrainingSettings, folder: Path, sections: _Sections) -> pl.Trainer:
    """Lightning's loop with early stopping and checkpoints of the best check and last section."""
    stopping = EarlyStopping(
        "validation_loss", patience=settings.patience, check_on_train_epoch_end=False
    )
    return pl.Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        # The place head has no gradient where no place is known.
        strategy="ddp_spawn_find_unused_parameters_true" if settings.devices > 1 else "auto",
        use_distributed_sampler=False,
        precision=settings.precision,
        max_epochs=settings.epochs * sections.count,
        check_val_every_n_epoch=sections.each,
        gradient_clip_val=settings.gradient_norm,
        callbacks=[stopping, Keeper(folder, folder / LOG, sections.count, stopping)],
        plugins=[AtomicCheckpoints()],
        logger=TensorBoardLog(folder, name="", version="tensorboard")
        if settings.tensorboard
        else False,
        log_every_n_steps=50,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        enable_progress_bar=settings.progress,
        enable_model_summary=False,
    )


def _training_batches(
    samples: Dataset[Sample], settings: TrainingSettings, sections: _Sections
) -> DataLoader[Sample]:
    """Batches in an order drawn from the seed."""
    sampler = EpochSampler(
        len(cast(Sized, samples)), settings.seed, sections.samples, settings.batch_size
    )
    return _loader(samples, settings, sampler)


def _validation_batches(samples: Dataset[Sample], settings: TrainingSettings) -> DataLoader[Sample]:
    """Batches in file order."""
    return _loader(samples, settings, SharedSampler(len(cast(Sized, samples))))


def _loader(
    samples: Dataset[Sample], settings: TrainingSettings, sampler: EpochSampler | SharedSampler
) -> DataLoader[Sample]:
    return DataLoader(
        samples,
        batch_size=settings.batch_size // settings.devices,
        sampler=sampler,
        num_workers=settings.workers,
        # Of its own: a loader that draws from torch's generator would shift dropout on resuming.
        generator=torch.Generator().manual_seed(settings.seed),
        persistent_workers=settings.workers > 0,
        pin_memory=settings.accelerator != "cpu" and torch.cuda.is_available(),
    )


def _read_log(path: Path) -> list[dict[str, float]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: float(v) for name, v in row.items()} for row in csv.DictReader(file)]


@contextmanager
def _refusing_another_model(last: Path) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        raise ValueError(
            f"checkpoint {str(last)!r} belongs to another model: "
            "give the model that it was trained with, or another folder"
        ) from error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Pass Ctrl-C on, which lightning turns into an exit of the program."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt(*stop.__context__.args) from stop


@contextmanager
def _quiet(threads: int) -> Iterator[None]:
    """Silence what lightning advises, and use so many threads of torch, for a while."""
    names = ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero")
    levels = [logging.getLogger(name).level for name in names]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PossibleUserWarning)
            # A folder that holds a run is how a run is resumed.
            warnings.filterwarnings("ignore", message="Checkpoint directory", category=UserWarning)
            # Lightning's own use of a class that torch retires.
            warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
            yield
    finally:
        torch.set_num_threads(before)
        for name, level in zip(names, levels, strict=True):
            logging.getLogger(name).setLevel(level)
