"""From labelled numpy arrays to what a torch loader takes, in an order that can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed
from torch.utils.data import Dataset, Sampler

from bradyseism.samples.synthetic import NO_PLACE, SampleSet

Sample = dict[str, Tensor]

_LOOKED_AT = 16  # samples of a set that tell it from another


class ArrayDataset(Dataset[Sample]):
    """Samples that lie in memory.

    Parameters
    ----------
    images : array
        Shape (n, c, h, w), or (n, k) for pooled features; any floating type (float16 halves the
        memory), handed on as float32.
    labels : array
        Shape (n,): 1 with deformation, 0 without; between the two what a teacher takes for the
        probability of it.
    places : array or None
        Shape (n,): cell of the feature map, row * w' + column, that holds the centre of the
        deformation; -1 where there is none or it is unknown. None: unknown throughout.

    Raises
    ------
    ValueError
        If the lengths differ or a label is outside 0-1.
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
        outside = [label for label in np.unique(labels).tolist() if not 0 <= label <= 1]
        if outside:
            raise ValueError(
                f"labels {outside} are outside 0-1: give 1 with deformation and 0 without"
            )
        self._images = torch.as_tensor(images)
        self._labels = torch.as_tensor(np.asarray(labels, dtype=np.float32))
        self._places = torch.as_tensor(np.asarray(places, dtype=np.int64))

    @property
    def images(self) -> NDArray[Any]:
        """Images or features, as they are kept."""
        return np.asarray(self._images.numpy())

    @property
    def labels(self) -> NDArray[np.float32]:
        """1 with deformation, 0 without; shape (n,)."""
        return np.asarray(self._labels.numpy())

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Sample:
        return {
            "image": self._images[index].float(),
            "label": self._labels[index],
            "place": self._places[index],
        }


def imprint(samples: Dataset[Sample]) -> list[float]:
    """Tell a set of samples from another: length; labels and mean sizes of a few spread over it."""
    count = len(cast(Sized, samples))
    told = [float(count)]
    for index in np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int):
        sample = samples[int(index)]
        told += [float(sample["label"]), float(sample["image"].abs().mean())]
    return told


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
    """An endless random order that depends on the seed alone, handed out in sections.

    The order is one permutation of all samples after another. Section t holds its positions from
    ``t * section`` on, so that a run can be resumed at the start of any section.

    Parameters
    ----------
    length : int
        Number of samples.
    seed : int
        Seed of all orders, not negative.
    section : int, optional
        Number of samples a section; default all samples, once.
    batch_size : int
        Of all devices together. Where several train, each takes its part of every batch.
    """

    def __init__(
        self, length: int, seed: int, section: int | None = None, batch_size: int = 1
    ) -> None:
        self._length = length
        self._seed = seed
        self._section = length if section is None else section
        self._batch_size = batch_size
        self._number = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the section; lightning, for which it is an epoch, calls this when it begins."""
        self._number = epoch

    def __len__(self) -> int:
        return self._section // device_count()

    def __iter__(self) -> Iterator[int]:
        start = self._number * self._section
        stop = start + self._section
        first, last = start // self._length, (stop - 1) // self._length
        orders = [
            np.random.default_rng([self._seed, turn]).permutation(self._length)
            for turn in range(first, last + 1)
        ]
        offset = first * self._length
        chosen = np.concatenate(orders)[start - offset : stop - offset]
        if device_count() > 1:
            batches = chosen.reshape(-1, device_count(), self._batch_size // device_count())
            chosen = batches[:, device_rank()].ravel()
        return iter(chosen.tolist())


class SharedSampler(Sampler[int]):
    """File order; where several devices validate, each takes every n-th sample.

    Parameters
    ----------
    length : int
        Number of samples.
    """

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return len(self._mine())

    def __iter__(self) -> Iterator[int]:
        return iter(self._mine())

    def _mine(self) -> range:
        return range(device_rank(), self._length, device_count())


def device_count() -> int:
    """Processes that train together, one a device; 1 outside of training on several."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def device_rank() -> int:
    """Number of this process among those that train together."""
    return distributed.get_rank() if distributed.is_initialized() else 0
