"""The one training loop: early stopping, checkpoints, exact resumption, on CPU or GPU."""

from __future__ import annotations

import csv
import logging
import warnings
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, Dataset

from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.training.data import EpochSampler, Sample
from bradyseism.training.learner import Learner, TrainingSettings

__all__ = ["FitResult", "TrainingSettings", "fit"]

logger = logging.getLogger(__name__)

BEST = "best.ckpt"
LAST = "last.ckpt"


@dataclass(frozen=True)
class FitResult:
    """What a run reached.

    Attributes
    ----------
    loss : float
        Lowest validation loss.
    epochs : int
        Epochs trained, over all resumptions.
    weights : Path
        Lightning checkpoint of the best epoch; the model itself carries its weights too.
    history : tuple of dict
        The rows of `log.csv`, one an epoch: epoch, seconds, training_loss, loss, accuracy, auc,
        place_accuracy (NaN where no place is known).
    """

    loss: float
    epochs: int
    weights: Path
    history: tuple[dict[str, float], ...]


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
        Images -> `models.network.Output`. It ends with the weights of the best epoch, in
        inference mode. Parameters that require no gradient stay as they are.
    training, validation : Dataset
        Samples as `training.data` makes them.
    settings : TrainingSettings
        Settings of the run.
    folder : path
        Where `log.csv`, `best.ckpt` and `last.ckpt` go. If `last.ckpt` is there, the run goes on
        from the end of its epoch, as if it had not been interrupted.

    Returns
    -------
    FitResult
        Lowest loss, number of epochs, weights, history.

    Raises
    ------
    ValueError
        If a data set is empty, or `last.ckpt` belongs to another model or other settings.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    batches = _loader(training, settings, shuffle=True)
    validation_batches = _loader(validation, settings, shuffle=False)
    log = _EpochLog(folder / "log.csv")
    learner = Learner(model.to(memory_format=torch.channels_last), settings)
    with _quiet(settings.threads):
        trainer = _trainer(settings, folder, log)
        last = folder / LAST
        try:
            trainer.fit(
                learner,
                batches,
                validation_batches,
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
        except RuntimeError as error:
            if "loading state_dict" not in str(error):
                raise
            raise ValueError(
                f"checkpoint {str(last)!r} belongs to another model: "
                "give the model that it was trained with, or another folder"
            ) from error
    weights = folder / BEST
    learner.load_state_dict(torch.load(weights, weights_only=True)["state_dict"])
    model.eval()
    lowest = min(row["loss"] for row in log.rows)
    return FitResult(lowest, len(log.rows), weights, tuple(log.rows))


def _trainer(settings: TrainingSettings, folder: Path, log: _EpochLog) -> pl.Trainer:
    """Lightning's loop with early stopping and checkpoints of the best and the last epoch."""
    best = ModelCheckpoint(
        dirpath=folder,
        filename=Path(BEST).stem,
        monitor="validation_loss",
        save_last=True,
        enable_version_counter=False,
    )
    stopping = EarlyStopping("validation_loss", patience=settings.patience)
    return pl.Trainer(
        accelerator=settings.accelerator,
        devices=1,
        precision=settings.precision,
        max_epochs=settings.epochs,
        gradient_clip_val=settings.gradient_norm,
        callbacks=[log, stopping, best],
        logger=False,
        num_sanity_val_steps=0,
        enable_progress_bar=settings.progress,
        enable_model_summary=False,
    )


class _EpochLog(Callback):
    """One row an epoch in a CSV file; the rows travel in the checkpoint."""

    def __init__(self, path: Path) -> None:
        self.rows: list[dict[str, float]] = []
        self._path = path

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the row of this epoch, before the checkpoint of the epoch is written."""
        metrics = cast(Learner, pl_module).metrics
        self.rows.append({"epoch": trainer.current_epoch, **metrics})
        with (
            atomic_path(self._path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        facts = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        logger.info("epoch %d: %s", trainer.current_epoch, facts)

    def state_dict(self) -> dict[str, Any]:
        """Rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Rows of the epochs before the interruption."""
        self.rows = list(state_dict["rows"])


def _loader(
    samples: Dataset[Sample], settings: TrainingSettings, *, shuffle: bool
) -> DataLoader[Sample]:
    """Batches in file order, or in an order drawn from seed and epoch."""
    length = len(cast(Sized, samples))
    if length == 0:
        raise ValueError("the data set holds 0 samples: give at least one for each of the two sets")
    return DataLoader(
        samples,
        batch_size=settings.batch_size,
        sampler=EpochSampler(length, settings.seed) if shuffle else None,
        num_workers=settings.workers,
        # Of its own: a loader that draws from torch's generator would shift dropout on resuming.
        generator=torch.Generator().manual_seed(settings.seed),
        persistent_workers=settings.workers > 0,
        # A last batch of one sample has no spread for batch norm.
        drop_last=shuffle and length % settings.batch_size == 1 and length > 1,
    )


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
