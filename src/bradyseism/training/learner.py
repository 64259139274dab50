"""What the loop minimises and measures: settings, loss, optimiser and metrics.

Loss: binary cross-entropy of the label plus, for samples whose place is known, a weighted
cross-entropy over the cells of the feature map.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, distributed, nn
from torch.nn import functional

from bradyseism.models.network import Output
from bradyseism.training.data import Sample, device_count

WARMUP = 0.05
FINAL_RATE = 0.01
# Settings that change how a run goes, but not where it arrives.
FREE_ON_RESUMING = ("threads", "workers", "accelerator", "progress", "patience", "tensorboard")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of one run of the loop.

    Attributes
    ----------
    epochs : int
        Most epochs to train.
    batch_size : int
        Samples a step.
    learning_rate : float
        Highest learning rate of AdamW.
    schedule : {"cosine", "constant"}
        "cosine": linear rise over the first twentieth of all steps, then half a cosine down to a
        hundredth; "constant": as it is, for fine-tuning.
    weight_decay : float
        Decoupled decay of matrices and kernels; biases and norms are spared.
    gradient_norm : float
        Gradients are clipped to this norm.
    place_weight : float
        Weight of the place loss against the label loss.
    patience : int
        Checks without a lower validation loss after which training stops.
    checks : int
        Checks of the validation loss an epoch; 4 checks each quarter.
    checkpoint_steps : int
        Steps between two checkpoints, rounded so that they divide a check; 0: one a check.
    seed : int
        Seed of order, dropout and augmentation.
    augment : bool
        Turn and mirror each batch by one of the eight symmetries of the square.
    threads : int
        Threads of torch on the CPU.
    workers : int
        Processes that make samples; 0 for samples in memory.
    precision : {"32-true", "bf16-mixed", "16-mixed"}
        Arithmetic, in lightning's words.
    accelerator : {"auto", "cpu", "gpu"}
        Where to train.
    devices : int
        How many devices train together, each on its share of every batch (DDP).
    tensorboard : bool
        Keep the log for TensorBoard, too.
    progress : bool
        Show lightning's progress bar.
    """

    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 2e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    weight_decay: float = 0.02
    gradient_norm: float = 1.0
    place_weight: float = 0.5
    patience: int = 10
    checks: int = 1
    checkpoint_steps: int = 0
    seed: int = 0
    augment: bool = False
    threads: int = 2
    workers: int = 0
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = 1
    tensorboard: bool = False
    progress: bool = False

    def __post_init__(self) -> None:
        positive = ("epochs", "batch_size", "learning_rate", "gradient_norm", "patience")
        for name in (*positive, "checks", "devices"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)} is not positive: give more than 0")
        for name in ("weight_decay", "place_weight", "seed", "workers", "checkpoint_steps"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} {getattr(self, name)} is negative: give 0 or more")
        if self.threads < 1:
            raise ValueError(f"threads {self.threads} is below 1: give the number of cores to use")
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(f"schedule {self.schedule!r} is unknown: give cosine or constant")
        if self.batch_size % self.devices:
            raise ValueError(
                f"batch_size {self.batch_size} cannot be shared among {self.devices} devices: "
                "give a multiple of devices"
            )


def area_under_curve(labels: NDArray[Any], scores: NDArray[Any]) -> float:
    """Area under the ROC curve by ranks (Mann and Whitney 1947), ties counted half.

    Parameters
    ----------
    labels : array
        Shape (n,): 1 or 0.
    scores : array
        Shape (n,): larger means more likely 1.

    Returns
    -------
    float
        In 0-1; NaN if only one class is there.

    Examples
    --------
    >>> area_under_curve(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.3, 0.8]))
    0.75
    """
    positive = np.asarray(labels) == 1
    count, other = int(positive.sum()), int((~positive).sum())
    if count == 0 or other == 0:
        return math.nan
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * other))


class Learner(pl.LightningModule):
    """A model with its loss, optimiser and metrics, as lightning wants it.

    Parameters
    ----------
    model : nn.Module
        Images -> `Output`. Only parameters that require a gradient are trained.
    settings : TrainingSettings
        Settings of the run.
    imprint : sequence of float
        Of the training samples, see `training.data.imprint`; a resumed run must have the same.

    Attributes
    ----------
    metrics : dict of float
        Of the last check: training_loss, loss, accuracy, auc, place_accuracy (NaN where no place
        is known), seconds.
    """

    def __init__(
        self, model: nn.Module, settings: TrainingSettings, imprint: Sequence[float] = ()
    ) -> None:
        super().__init__()
        self.model = model
        self.settings = settings
        self.imprint = list(imprint)
        self.metrics: dict[str, float] = {}
        self._losses: list[Tensor] = []
        self._before = (0.0, 0)  # sum and number of the losses since the last check
        self._validated: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        self._started = time.monotonic()

    def on_train_epoch_start(self) -> None:
        """Seed dropout and augmentation by the section, so that a resumed run draws the same."""
        seed = self.settings.seed + 1_000_003 * self.current_epoch
        torch.manual_seed(seed + 1_000_000_007 * self.global_rank)

    def training_step(self, batch: Sample, _: int) -> Tensor:
        """Loss of one batch, shape ()."""
        symmetry = int(torch.randint(8, ())) if self.settings.augment else 0
        output = self._outputs(turned(batch["image"], symmetry))
        places = turned_places(batch["place"], output.place.shape[1:], symmetry)
        loss = functional.binary_cross_entropy_with_logits(output.logit, batch["label"])
        located = place_losses(output.place, places)
        if self.settings.place_weight and len(located):
            loss = loss + self.settings.place_weight * located.mean()
        self._losses.append(loss.detach())
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forget the outputs of the epoch before."""
        self._validated.clear()
        self._gather_losses()

    def validation_step(self, batch: Sample, _: int) -> None:
        """Keep what the metrics need of one batch."""
        output = self._outputs(batch["image"])
        known = batch["place"] >= 0
        hits = output.place.flatten(1).argmax(1)[known] == batch["place"][known]
        located = place_losses(output.place, batch["place"])
        kept = (output.logit, batch["label"], located, hits)
        self._validated.append(tuple(t.detach().cpu() for t in kept))  # type: ignore[arg-type]

    def on_validation_epoch_end(self) -> None:
        """Work out the metrics over the whole validation set."""
        logit, label, located, hits = _of_all_devices(
            [torch.cat(part).float() for part in zip(*self._validated, strict=True)]
        )
        loss = functional.binary_cross_entropy_with_logits(logit, label)
        if self.settings.place_weight and len(located):
            loss = loss + self.settings.place_weight * located.mean()
        total, count = self._before
        self._before = (0.0, 0)
        self.metrics = {
            "training_loss": total / count if count else math.nan,
            "loss": loss.item(),
            "accuracy": ((logit > 0) == (label > 0.5)).float().mean().item(),
            "auc": area_under_curve(label.numpy(), logit.numpy()),
            "place_accuracy": hits.mean().item() if len(hits) else math.nan,
            "seconds": time.monotonic() - self._started,
        }
        self._started = time.monotonic()
        self.log("validation_loss", loss.to(self.device), batch_size=len(label))
        shown = {k: v for k, v in self.metrics.items() if k != "loss" and not math.isnan(v)}
        self.log_dict(shown, batch_size=len(label))

    def _gather_losses(self) -> None:
        if self._losses:
            total, count = self._before
            self._before = (
                total + torch.stack(self._losses).double().sum().item(),
                count + len(self._losses),
            )
            self._losses.clear()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW over the parameters that require a gradient, with the schedule of the settings."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        groups = [
            {
                "params": [p for p in trained if p.ndim > 1],
                "weight_decay": self.settings.weight_decay,
            },
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.settings.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        cosine = self.settings.schedule == "cosine"
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: rate_share(step, steps) if cosine else 1.0
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the settings, and the losses since the last check."""
        checkpoint["settings"] = asdict(self.settings)
        checkpoint["imprint"] = self.imprint
        self._gather_losses()
        checkpoint["losses"] = list(self._before)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse other settings and other samples: the result would belong to neither."""
        for name, before in checkpoint["settings"].items():
            now = getattr(self.settings, name)
            if now != before and name not in FREE_ON_RESUMING:
                raise ValueError(
                    f"{name} {now!r} differs from {before!r} of the interrupted run: "
                    "go on with its settings, or train in an empty folder"
                )
        before = checkpoint.get("imprint", self.imprint)
        if len(before) != len(self.imprint) or not np.allclose(before, self.imprint, rtol=1e-3):
            raise ValueError(
                f"the {int(self.imprint[0])} training samples differ from the {int(before[0])} of "
                "the interrupted run: go on with its samples, or train in an empty folder"
            )
        total, count = checkpoint["losses"]
        self._before = (total, count)

    def _outputs(self, images: Tensor) -> Output:
        """Run the model, pixels of all channels side by side: twice as fast on a CPU."""
        if images.ndim == 4:
            images = images.contiguous(memory_format=torch.channels_last)
        output: Output = self.model(images)
        return output


def _of_all_devices(parts: list[Tensor]) -> list[Tensor]:
    """Put together what the devices have validated; the order does not matter to the metrics."""
    if device_count() == 1:
        return parts
    gathered: list[list[Tensor]] = [[] for _ in range(device_count())]
    distributed.all_gather_object(gathered, parts)
    return [torch.cat(part) for part in zip(*gathered, strict=True)]


def rate_share(step: int, steps: int) -> float:
    """Share (0-1) of the highest learning rate at a step of `steps`: linear rise, then cosine."""
    rise = max(1, round(WARMUP * steps))
    if step < rise:
        return (step + 1) / rise
    done = min(1.0, (step - rise) / max(1, steps - rise))
    return FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * done))


def place_losses(cells: Tensor, places: Tensor) -> Tensor:
    """Cross-entropy over the cells, shape (m,), of the m of n samples whose place is known.

    Parameters
    ----------
    cells : Tensor
        Shape (n, h', w'): logits.
    places : Tensor
        Shape (n,): row * w' + column, -1 where unknown.
    """
    known = places >= 0
    return functional.cross_entropy(cells.flatten(1)[known], places[known], reduction="none")


def turned(grids: Tensor, symmetry: int) -> Tensor:
    """Turn and mirror (..., h, w) by one of the eight symmetries of the square; 0 changes nothing.

    Parameters
    ----------
    grids : Tensor
        Square in the last two axes.
    symmetry : int
        0-3: quarter turns; 4-7: the same, mirrored.
    """
    rotated = torch.rot90(grids, symmetry % 4, dims=(-2, -1))
    return rotated.flip(-1) if symmetry >= 4 else rotated


def turned_places(places: Tensor, shape: torch.Size, symmetry: int) -> Tensor:
    """Cells, shape (n,), after the image was `turned`; -1 stays -1.

    Parameters
    ----------
    places : Tensor
        Shape (n,): row * w' + column before.
    shape : (h', w')
        Shape of the feature map.
    symmetry : int
        As for `turned`.
    """
    before = turned(torch.arange(shape.numel()).reshape(shape), symmetry).flatten()
    after = torch.argsort(before).to(places.device)
    return torch.where(places >= 0, after[places.clamp(min=0)], places)
