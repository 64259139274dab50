"""Fine-tuning approaches of the paper: which dense layers learn, everything else frozen.

The frozen part is run once, in inference mode (its batch norms keep their statistics), and only
the head is trained, on the pooled features.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from bradyseism.models.network import Classifier, Head, Output, pool
from bradyseism.training.approaches import APPROACHES
from bradyseism.training.data import ArrayDataset, Sample
from bradyseism.training.loop import FitResult, TrainingSettings, fit

FINETUNING = TrainingSettings(
    epochs=200, batch_size=32, learning_rate=1e-4, schedule="constant", weight_decay=0.0
)


def finetune(
    model: Classifier,
    training: Dataset[Sample],
    validation: Dataset[Sample],
    folder: str | PathLike[str],
    *,
    approach: str = "last",
    settings: TrainingSettings = FINETUNING,
) -> tuple[FitResult, ...]:
    """Train part of the head of a model; the rest of it stays as it is, bit for bit.

    Parameters
    ----------
    model : Classifier
        A trained model. Its head ends with the weights of the best epoch, in inference mode.
    training, validation : Dataset
        Samples as `training.data` makes them, for example of FT1.
    folder : path
        Where the run goes, one folder a step.
    approach : str
        A key of `APPROACHES`.
    settings : TrainingSettings
        Settings of each step. Images are not turned: they are seen only once.

    Returns
    -------
    tuple of FitResult
        One a step.

    Raises
    ------
    ValueError
        If the approach is unknown, or the settings ask to turn images.
    """
    _check(approach, settings)
    features = pooled_features(model, training, settings.batch_size)
    validation_features = pooled_features(model, validation, settings.batch_size)
    results = finetune_head(
        model.head, features, validation_features, folder, approach=approach, settings=settings
    )
    model.requires_grad_(True).eval()
    return results


def finetune_head(
    head: Head,
    training: Dataset[Sample],
    validation: Dataset[Sample],
    folder: str | PathLike[str],
    *,
    approach: str = "last",
    settings: TrainingSettings = FINETUNING,
) -> tuple[FitResult, ...]:
    """Train part of a head on features that were computed before.

    Parameters
    ----------
    head : Head
        It ends with the weights of the best check, in inference mode, every layer trainable.
    training, validation : Dataset
        Samples whose image is what the head takes, as `pooled_features` gives them.
    folder, approach, settings
        As for `finetune`.

    Returns
    -------
    tuple of FitResult
        One a step.

    Raises
    ------
    ValueError
        As `finetune`.
    """
    _check(approach, settings)
    pooled = _PooledClassifier(head)
    results = []
    for number, layers in enumerate(APPROACHES[approach].steps, start=1):
        for name, parameter in pooled.head.named_parameters():
            parameter.requires_grad_(name.split(".")[0] in layers)
        run = Path(folder) / f"step-{number}"
        results.append(fit(pooled, training, validation, settings, run))
    head.requires_grad_(True).eval()
    return tuple(results)


def _check(approach: str, settings: TrainingSettings) -> None:
    if approach not in APPROACHES:
        raise ValueError(
            f"approach {approach!r} is not known: choose one of {', '.join(APPROACHES)}"
        )
    if settings.augment:
        raise ValueError(
            "augment True cannot be had in fine-tuning, where features are computed once: "
            "give augment = false"
        )


def pooled_features(
    model: Classifier, samples: Dataset[Sample], batch_size: int = 128, *, workers: int = 0
) -> ArrayDataset:
    """Run the frozen part of a model once.

    Parameters
    ----------
    model : Classifier
        The model; put into inference mode.
    samples : Dataset
        Samples of images.
    batch_size : int
        Images at a time.
    workers : int
        Processes that make samples; 0 for samples in memory.

    Returns
    -------
    ArrayDataset
        Samples whose image is what the head takes, as `pool` makes it, and whose place is unknown.
    """
    model.eval()
    device = model.head.last.weight.device
    images, labels = [], []
    with torch.inference_mode():
        for batch in DataLoader(samples, batch_size=batch_size, num_workers=workers):
            taken = batch["image"].to(device, memory_format=torch.channels_last)
            images.append(pool(model.features(taken)).cpu())
            labels.append(batch["label"])
    return ArrayDataset(torch.cat(images).numpy(), torch.cat(labels).numpy())


class _PooledClassifier(nn.Module):
    """The head alone, in the form that the loop trains."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Output:
        """Classify pooled features, (n, k); there is no place to say."""
        maps = features[:, :, None, None]
        return Output(self.head(features), maps, maps[:, 0])
