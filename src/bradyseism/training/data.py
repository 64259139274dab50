"""From labelled numpy arrays to what a torch loader takes, in an order that can be resumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from bradyseism.samples.synthetic import NO_PLACE, SampleSet

Sample = dict[str, Tensor]


class ArrayDataset(Dataset[Sample]):
    """Samples that lie in memory.

    Parameters
    ----------
    images : array
        Shape (n, c, h, w), or (n, k) for pooled features; any floating type (float16 halves the
        memory), handed on as float32.
    labels : array
        Shape (n,): 1 with deformation, 0 without.
    places : array or None
        Shape (n,): cell of the feature map, row * w' + column, that holds the centre of the
        deformation; -1 where there is none or it is unknown. None: unknown throughout.

    Raises
    ------
    ValueError
        If the lengths differ or a label is neither 0 nor 1.
    """

    def __init__(
        self, images: NDArray[Any], labels: NDArray[Any], places: NDArray[Any] | None = None
    ) -> None:
        if places is None:
            places = np.full(len(labels), NO_PLACE)
        if not len(images) == len(labels) == len(places):
            raise ValueError(
                f"{len(images)} images, {len(labels)} labels and {len(places)} places differ in "
                "number: give one label and one place for each image"
            )
        if not np.isin(labels, (0, 1)).all():
            raise ValueError(
                f"labels {np.unique(labels).tolist()} are not all 0 or 1: "
                "give 1 with deformation and 0 without"
            )
        self._images = torch.as_tensor(images)
        self._labels = torch.as_tensor(np.asarray(labels, dtype=np.float32))
        self._places = torch.as_tensor(np.asarray(places, dtype=np.int64))

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Sample:
        return {
            "image": self._images[index].float(),
            "label": self._labels[index],
            "place": self._places[index],
        }


class IndexedDataset(Dataset[Sample]):
    """Samples that are made, by index, when they are asked for.

    Parameters
    ----------
    samples : SampleSet
        Samples by index.
    """

    def __init__(self, samples: SampleSet) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        sample = self._samples[index]
        return {
            "image": torch.as_tensor(sample["image"], dtype=torch.float32),
            "label": torch.tensor(float(sample["label"])),
            "place": torch.tensor(sample["place"]),
        }


class EpochSampler(Sampler[int]):
    """A random order that depends on the seed and the epoch alone, so that a run can be resumed.

    Parameters
    ----------
    length : int
        Number of samples.
    seed : int
        Seed of all orders, not negative.
    """

    def __init__(self, length: int, seed: int) -> None:
        self._length = length
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; lightning calls this when the epoch begins."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._epoch])
        return iter(rng.permutation(self._length).tolist())
