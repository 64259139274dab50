"""Samples made once, on disk and mapped into memory, so that every epoch reads the same bits."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.writers.tables import write_json
from bradyseism.samples.side_by_side import side_by_side
from bradyseism.samples.synthetic import NO_PLACE, Sample, SampleSet

CHUNK = 500


@dataclass(frozen=True, eq=False)
class StoredSamples:
    """Samples whose images lie in a ``.npy`` file.

    Parameters
    ----------
    path : Path
        Images, float16 (n, channels, size, size). Opened when the first is asked for, so that the
        record travels light between processes.
    labels : array of int, shape (n,)
        1 with deformation, 0 without.
    """

    path: Path
    labels: NDArray[np.int8]
    _opened: list[NDArray[np.float16]] = field(default_factory=list, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Sample:
        if not self._opened:
            self._opened.append(np.load(self.path, mmap_mode="r"))
        image = self._opened[0][index].astype(np.float32)
        return {"image": image, "label": int(self.labels[index]), "place": NO_PLACE}

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "labels": self.labels, "_opened": []}


def store(
    samples: SampleSet,
    path: Path,
    *,
    processes: int = 2,
    chunk: int = CHUNK,
    progress: Callable[[int, int], None] | None = None,
) -> StoredSamples:
    """Make all samples and keep them; a restart goes on where it stopped.

    Parameters
    ----------
    samples : SampleSet
        What to keep; with the same `path` always the same.
    path : Path
        File of the images, ending in ``.npy``; labels go to ``.labels.npy`` beside it.
    processes : int
        How many work side by side.
    chunk : int
        Samples between two marks of progress.
    progress : callable, optional
        Called with the number of chunks done and in all.

    Raises
    ------
    OSError
        If the disk has no room for the whole file, before anything is made.
    """
    finished = _labels_path(path)
    if not path.exists():
        partial = path.with_suffix(".partial")
        _allocate(samples, partial)
        starts = range(0, len(samples), chunk)
        marks = [path.with_suffix(f".{start}.done") for start in starts]
        jobs = [
            (samples, partial, start, min(start + chunk, len(samples)), mark)
            for start, mark in zip(starts, marks, strict=True)
            if not mark.exists()
        ]
        made = side_by_side(_make, jobs, processes)
        for done, _ in enumerate(made, start=len(marks) - len(jobs) + 1):
            if progress:
                progress(done, len(marks))
        labels = [np.array(_read_marks(mark), dtype=np.int8) for mark in marks]
        np.save(finished, np.concatenate(labels))
        os.replace(partial, path)
        for mark in marks:
            mark.unlink()
    return StoredSamples(path, np.load(finished))


def discard(path: Path) -> None:
    """Remove what `store` keeps under a path; nothing happens where nothing is."""
    for kept in (path, _labels_path(path)):
        kept.unlink(missing_ok=True)


def _labels_path(path: Path) -> Path:
    return path.with_suffix(".labels.npy")


def _allocate(samples: SampleSet, partial: Path) -> None:
    if partial.exists():
        return
    shape = (len(samples), *samples[0]["image"].shape)
    for mark in partial.parent.glob(f"{partial.stem}.*.done"):
        mark.unlink()
    try:
        np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape).flush()
        with partial.open("rb+") as file:
            # A hole in a file that finds no room later ends the process without a word.
            os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
    except OSError as error:
        partial.unlink(missing_ok=True)
        size = 2 * int(np.prod(shape)) / 1e9
        raise OSError(
            f"cannot write {partial.parent}: {size:.1f} GB for {shape[0]} samples are not free "
            f"({error.strerror}): make room, or set store = false"
        ) from error


def _make(job: tuple[SampleSet, Path, int, int, Path]) -> None:
    samples, partial, start, stop, mark = job
    images = np.load(partial, mmap_mode="r+")
    labels = []
    for index in range(start, stop):
        sample = samples[index]
        images[index] = sample["image"]
        labels.append(sample["label"])
    images.flush()
    write_json(mark, labels)


def _read_marks(mark: Path) -> list[int]:
    return [int(word) for word in mark.read_text(encoding="utf-8").strip("[] \n").split(",")]
