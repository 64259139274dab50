"""Windows for the shipped detector: simulated scenes, encoded, by index or kept in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.samples.side_by_side import side_by_side
from bradyseism.scenes.synthesis import SceneSettings, twin_scenes

PLACE_CELLS = 8
CHUNK = 1000


@dataclass(frozen=True, eq=False)
class Samples:
    """Encoded, labelled windows in memory.

    Parameters
    ----------
    images : array of float16 or float32, shape (n, channels, size, size)
    labels : array of float32, shape (n,)
        1 with a source, 0 without.
    places : array of int64, shape (n,)
        Cell (row-major, of `PLACE_CELLS` x `PLACE_CELLS`) that holds the source; -1 without one.
    """

    images: NDArray[np.floating[Any]]
    labels: NDArray[np.float32]
    places: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.labels) == len(self.places):
            raise ValueError(
                f"{len(self.images)} images, {len(self.labels)} labels and {len(self.places)} "
                "places: expected as many of each"
            )

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class WindowSet:
    """Simulated windows by index: nothing stored, the same bits in any process and order.

    Windows come in pairs on the same background: an even one without the source, the odd one after
    it with the source, which may hide behind gaps.

    Parameters
    ----------
    seed : int
        Training, validation and calibration use different seeds.
    count : int
        Number of windows.
    scenes : SceneSettings
        What the scenes may hold; square, of the encoding's size.
    encoding : NormalisedWindow
        How a window becomes network input.
    """

    seed: int
    count: int
    scenes: SceneSettings = field(default_factory=SceneSettings)
    encoding: NormalisedWindow = field(default_factory=NormalisedWindow)

    def __post_init__(self) -> None:
        if self.scenes.shape != (self.encoding.size, self.encoding.size):
            raise ValueError(
                f"scenes of {self.scenes.shape} px do not fit an encoding of "
                f"{self.encoding.size} px: set both to one size"
            )

    def __len__(self) -> int:
        return self.count

    @property
    def digest(self) -> str:
        """Twelve characters that change with anything that changes the windows."""
        settings = repr((self.seed, self.scenes, self.encoding))
        return hashlib.sha256(settings.encode()).hexdigest()[:12]

    def chunk(self, start: int, stop: int) -> Samples:
        """Encoded windows `start` to `stop` (exclusive)."""
        pairs = range(start // 2, -(-stop // 2))
        scenes = [one for pair in pairs for one in twin_scenes(self.seed, pair, self.scenes)]
        scenes = scenes[start % 2 :][: stop - start]
        images = self.encoding.encode(np.stack([scene.map.velocity for scene in scenes]))
        size = self.encoding.size
        labels, places = [], []
        for scene in scenes:
            truth = scene.truth
            labels.append(float(truth.volcanic))
            places.append(place_cell(truth.row, truth.column, size) if truth.volcanic else -1)
        return Samples(
            images.astype(np.float16), np.array(labels, dtype=np.float32), np.array(places)
        )


def place_cell(row: float, column: float, size: int) -> int:
    """Cell of the place head that holds a pixel (fractional, pixel centres are integers)."""
    cells = np.clip(
        np.floor((np.array([row, column]) + 0.5) * PLACE_CELLS / size), 0, PLACE_CELLS - 1
    ).astype(int)
    return int(cells[0] * PLACE_CELLS + cells[1])


def generate(
    windows: WindowSet,
    folder: Path,
    *,
    processes: int = 2,
    chunk: int = CHUNK,
    progress: Callable[[int, int], None] | None = None,
) -> Samples:
    """All windows of a set, made once and kept in `folder`; a restart goes on where it stopped.

    Parameters
    ----------
    windows : WindowSet
        The set.
    folder : Path
        One file per `chunk` windows, named by the settings of the set and its windows; files that
        are there already are used as they are.
    processes : int
        Simulating processes.
    chunk : int
        Windows a file.
    progress : callable, optional
        Called with the number of chunks done and in all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, windows.count, chunk)
    parts = [(start, min(start + chunk, windows.count)) for start in starts]
    paths = [folder / f"{windows.digest}-{start:07d}-{stop:07d}.npz" for start, stop in parts]
    jobs = [
        (windows, *part, path) for part, path in zip(parts, paths, strict=True) if not path.exists()
    ]
    done = len(paths) - len(jobs)
    for _ in side_by_side(_make_chunk, jobs, processes):
        done += 1
        if progress:
            progress(done, len(paths))
    return _joined(paths, windows)


def _make_chunk(job: tuple[WindowSet, int, int, Path]) -> None:
    windows, start, stop, path = job
    samples = windows.chunk(start, stop)
    with atomic_path(path) as temporary, open(temporary, "wb") as handle:
        np.savez(handle, images=samples.images, labels=samples.labels, places=samples.places)


def _joined(paths: list[Path], windows: WindowSet) -> Samples:
    """Chunks in order, in one allocation: the images are most of the memory of a training run."""
    size = windows.encoding.size
    images = np.empty((windows.count, windows.encoding.channels, size, size), dtype=np.float16)
    labels = np.empty(windows.count, dtype=np.float32)
    places = np.empty(windows.count, dtype=np.int64)
    for place, part in _parts(paths):
        images[place], labels[place], places[place] = (
            part["images"],
            part["labels"],
            part["places"],
        )
    return Samples(images, labels, places)


def _parts(paths: list[Path]) -> Iterator[tuple[slice, dict[str, NDArray[Any]]]]:
    start = 0
    for path in paths:
        with np.load(path, allow_pickle=False) as part:
            arrays = {name: part[name] for name in part.files}
        stop = start + len(arrays["labels"])
        yield slice(start, stop), arrays
        start = stop
