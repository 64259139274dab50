"""What a run of the loop leaves on disk while it goes: best weights, last state, one log."""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger

from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.training.learner import Learner

logger = logging.getLogger(__name__)

BEST = "best.ckpt"
LAST = "last.ckpt"


class AtomicCheckpoints(TorchCheckpointIO):
    """Checkpoints that appear whole or not at all, so that a full disk costs no older one."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | PathLike[str],
        storage_options: object = None,
    ) -> None:
        """Write a checkpoint.

        Raises
        ------
        OSError
            If it cannot be written; an older one under this name stays.
        """
        with atomic_path(path) as temporary:
            try:
                torch.save(checkpoint, temporary)
            except RuntimeError as error:
                # torch's own writer hides the reason, mostly a full disk.
                raise OSError(str(error).splitlines()[0]) from error


class TensorBoardLog(TensorBoardLogger):
    """Log for TensorBoard that ends the run when the disk is full, instead of waiting for ever."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Hand numbers to the thread that writes them.

        Raises
        ------
        OSError
            If that thread has ended, which the disk makes it do: nothing would take the numbers.
        """
        writer = getattr(self.experiment.file_writer, "event_writer", None)
        worker = getattr(writer, "_worker", None)
        if worker is not None and not worker.is_alive():
            raise OSError(
                f"cannot write {self.log_dir}: the disk is full, or taken away: "
                "make room, or set tensorboard = false"
            )
        super().log_metrics(dict(metrics), step)


class Keeper(Callback):
    """Keeps the best weights, the last state and the log, of which the rows travel in the state.

    Parameters
    ----------
    folder : Path
        Where `best.ckpt` and `last.ckpt` go.
    log : Path
        CSV file, one row a check.
    sections : int
        Sections an epoch.
    stopping : EarlyStopping
        Says whether a run that is taken up again had come to its end.
    """

    def __init__(self, folder: Path, log: Path, sections: int, stopping: EarlyStopping) -> None:
        self.rows: list[dict[str, float]] = []
        self._folder = folder
        self._log = log
        self._sections = sections
        self._stopping = stopping

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop at once if the patience was used up before."""
        if self._stopping.wait_count >= self._stopping.patience:
            trainer.should_stop = True

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the row of this check; keep the weights if they are the best so far."""
        metrics = cast(Learner, pl_module).metrics
        lowest = min(
            (row["loss"] for row in self.rows if math.isfinite(row["loss"])), default=math.inf
        )
        self.rows.append({"epoch": trainer.current_epoch / self._sections, **metrics})
        if metrics["loss"] < lowest or len(self.rows) == 1:
            trainer.save_checkpoint(self._folder / BEST, weights_only=True)
        facts = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        logger.info("epoch %g: %s", trainer.current_epoch / self._sections, facts)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the state at the end of a section, after the check that may belong to it."""
        if trainer.is_global_zero and self.rows:
            with (
                atomic_path(self._log) as temporary,
                temporary.open("w", newline="", encoding="utf-8") as file,
            ):
                writer = csv.DictWriter(file, list(self.rows[0]))
                writer.writeheader()
                writer.writerows(self.rows)
        # Last: what is in it counts as done.
        trainer.save_checkpoint(self._folder / LAST)

    def state_dict(self) -> dict[str, Any]:
        """Rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Rows of the checks before the interruption."""
        self.rows = list(state_dict["rows"])
