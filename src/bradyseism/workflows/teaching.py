"""A larger network teaches a quick one: what it takes for the probability softens the labels.

A label is 1 for every source, hidden ones too. A network that has seen many windows knows which
cannot be told; a small one that learns its probability beside the label need not find that out
(Hinton et al. 2015, arXiv:1503.02531). What it is worth is measured by `benchmarks/ablation.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from bradyseism.detection.calibration import Calibration
from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.models.checkpoint import load
from bradyseism.models.network import Classifier
from bradyseism.samples.windows import Samples
from bradyseism.training.learner import turned

# Looks at a window whose log-odds are averaged: quarter turns, every other one mirrored.
LOOKS = (0, 5, 2, 7)
_BATCH = 256
_CHUNK = 40 * _BATCH


def log_odds(
    model: Classifier, images: NDArray[np.floating], looks: tuple[int, ...] = (0,)
) -> NDArray[np.float32]:
    """Raw log-odds of a network in inference mode, the mean over looks.

    Parameters
    ----------
    model
        Network.
    images
        Encoded windows, shape (n, channels, side, side).
    looks
        Symmetries, see `training.learner.turned`.
    """
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            batch = torch.from_numpy(images[start : start + _BATCH]).float()
            seen = [_channels_last(turned(batch, look)) for look in looks]
            parts.append(torch.stack([model(one).logit for one in seen]).mean(dim=0).numpy())
    return np.concatenate(parts)


def taught_labels(
    samples: Samples,
    weights: Path,
    trust: float,
    kept: Path,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Labels between 0 and 1: of the windows themselves and, for a part, of the teacher.

    Parameters
    ----------
    samples
        Windows of the training.
    weights
        The teacher, as `models.checkpoint.load` reads it; its card has its calibration.
    trust
        Weight (0-1) of the teacher's probability.
    kept
        ``.npy`` file of the teacher's log-odds: written, or read if it is there.
    progress
        Told windows done and in all.
    """
    model, card = load(weights)
    if not kept.exists():
        said = []
        for start in range(0, len(samples), _CHUNK):
            said.append(log_odds(model, samples.images[start : start + _CHUNK], LOOKS))
            if progress:
                progress(min(start + _CHUNK, len(samples)), len(samples))
        with atomic_path(kept) as temporary, open(temporary, "wb") as file:
            np.save(file, np.concatenate(said))
    probability = expit(Calibration(**card["calibration"]).balanced(np.load(kept)))
    return np.asarray((1 - trust) * samples.labels + trust * probability, dtype=np.float32)


def _channels_last(images: torch.Tensor) -> torch.Tensor:
    return images.contiguous(memory_format=torch.channels_last)
