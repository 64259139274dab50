"""What the figures of the paper show: samples of its sets, and signals that are no volcano."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.finetuning import CONSTITUENTS, FINETUNING_SETS, Material
from bradyseism.samples.labelled import LabelledMap, MapPatches
from bradyseism.samples.low_pass import low_passed
from bradyseism.samples.real import Background
from bradyseism.samples.synthetic import PaperSet

Array = NDArray[np.float64]
_SOME = 499  # samples of the synthetic set, through all its lines of sight, to choose from


@dataclass(frozen=True, eq=False)
class Exhibit:
    """One patch in a figure.

    Attributes
    ----------
    image : (size, size) array
        Wrapped phase in radians, or displacement in metres; NaN missing.
    label : int
        1 with deformation, 0 without.
    name : str
        Where it comes from.
    """

    image: Array
    label: int
    name: str


@dataclass(frozen=True, eq=False)
class Composition:
    """The four fine-tuning sets: how many samples of which constituent, and one of each.

    Attributes
    ----------
    examples : mapping of str to Exhibit
        One sample of every constituent.
    counts : mapping of str to mapping of str to int
        For each set, the constituents that it holds and how many samples of each.
    filtered : {"background", "sum"}
        What goes through the low-pass filter.
    """

    examples: dict[str, Exhibit]
    counts: dict[str, dict[str, int]]
    filtered: str


def sets_of_run(
    settings: Mapping[str, Any], backgrounds: Sequence[Background], encoding: WrappedPatch
) -> tuple[PaperSet, Material]:
    """Make again the synthetic set of a run and the fine-tuning sets of its first seed.

    Parameters
    ----------
    settings : mapping
        Of ``run.json``; what it lacks has the default of the sets.
    backgrounds : sequence of Background
        Of the run, at least two.
    encoding : WrappedPatch
        Size, pixel size and wrapping cycle of the run.
    """
    seed = int(settings.get("seed", 0))
    level = settings.get("noise_level", "peak")
    whole = PaperSet(seed=seed, noise_level=level, encoding=encoding)
    training, _ = whole.split()
    first = int(settings.get("seeds", [seed])[0])
    return whole, Material(backgrounds, training, first, settings.get("filtered", "background"))


def composition(material: Material) -> Composition:
    """Show what the fine-tuning sets are made of."""
    examples = {}
    for name, label in CONSTITUENTS.items():
        samples = material.constituent(name)
        examples[name] = _exhibit(samples[min(1, len(samples) - 1)]["image"], label, name)
    counts = {
        each: {part.constituent: part.positions.size for part in material.members(each)}
        for each in FINETUNING_SETS
    }
    return Composition(examples, counts, material.filtered)


def samples_of_sets(
    whole: PaperSet, material: Material, maps: Sequence[LabelledMap], *, each: int = 3
) -> dict[str, list[Exhibit]]:
    """Samples of the synthetic set, the first fine-tuning set and the test maps.

    Parameters
    ----------
    whole : PaperSet
        The synthetic set.
    material : Material
        What the fine-tuning sets are made of.
    maps : sequence of LabelledMap
        Of the tests.
    each : int
        How many of each class.

    Returns
    -------
    dict
        By set, `each` samples with deformation, then as many without (fewer where it holds fewer).
    """
    shown: dict[str, list[Exhibit]] = {"synthetic": [], "fine-tuning": [], "test": []}
    for label in (1, 0):
        some = range(0, len(whole), len(whole) // _SOME)
        numbers = [index for index in some if whole.label(index) == label]
        for index in _spread(numbers, each):
            shown["synthetic"].append(_exhibit(whole[index]["image"], label, f"sample {index}"))
        hybrid, backgrounds = material.hybrid, material.backgrounds
        for index in _spread(np.flatnonzero(hybrid.labels == label).tolist(), each):
            image = hybrid[index]["image"]
            shown["fine-tuning"].append(_exhibit(image, label, backgrounds[index].origin))
        shown["test"] += _test_samples(maps, whole.encoding, label, each)
    return shown


def confusing_patterns(
    maps: Sequence[LabelledMap], pixel_size: float, side: int, *, each: int = 2
) -> dict[str, list[Exhibit]]:
    """Signals of maps without deformation that could be taken for it.

    Parameters
    ----------
    maps : sequence of LabelledMap
        Those without a peak are searched.
    pixel_size, side : float, int
        Metres, and pixels along a patch.
    each : int
        Patches of each kind, no two of one map.

    Returns
    -------
    dict
        ``compact``: the largest median displacement over 4 km in the middle of the patch, against
        all of it (a salt flat is like this); ``rough``: the largest median size of what that
        filter leaves (slope motion is). Displacement in metres against the median of the patch;
        patches of which more than half is missing are left out.
    """
    found: dict[str, list[tuple[float, Exhibit]]] = {"compact": [], "rough": []}
    for one in maps:
        if len(one.peaks) or len(one.uncertain) or not one.counted:
            continue
        smooth = low_passed(one.displacement, pixel_size)
        best = {kind: (-1.0, (0, 0)) for kind in found}
        for row, column in MapPatches(one, WrappedPatch(size=side, pixel_size=pixel_size)).corners:
            window = (slice(row, row + side), slice(column, column + side))
            part, rest = smooth[window], one.displacement[window] - smooth[window]
            if np.isnan(part).mean() > 0.5:
                continue
            middle = np.nanmedian(part)
            inner = part[side // 4 : -side // 4, side // 4 : -side // 4] - middle
            strength = {
                "compact": float(np.nanmax(np.abs(np.nan_to_num(inner)), initial=0.0)),
                "rough": float(np.nanmedian(np.abs(rest))),
            }
            for kind, value in strength.items():
                best[kind] = max(best[kind], (value, (int(row), int(column))))
        for kind, (value, (row, column)) in best.items():
            if value < 0:
                continue
            patch = one.displacement[row : row + side, column : column + side].astype(np.float64)
            exhibit = Exhibit(patch - np.nanmedian(patch), 0, one.name)
            found[kind].append((value, exhibit))
    return {
        kind: [exhibit for _, exhibit in sorted(parts, key=lambda part: -part[0])[:each]]
        for kind, parts in found.items()
    }


def _exhibit(image: NDArray[np.float32], label: int, name: str) -> Exhibit:
    return Exhibit(image[0].astype(np.float64), label, name)


def _spread(numbers: Sequence[int], count: int) -> list[int]:
    """Choose `count` of the numbers, evenly through their order."""
    if len(numbers) <= count:
        return list(numbers)
    return [numbers[round(i)] for i in np.linspace(0, len(numbers) - 1, count)]


def _test_samples(
    maps: Sequence[LabelledMap], encoding: WrappedPatch, label: int, each: int
) -> list[Exhibit]:
    """Take of each of some maps the most central patch of the label."""
    chosen = [one for one in maps if one.counted and bool(len(one.peaks)) == bool(label)]
    shown = []
    for number in _spread(range(len(chosen)), each):
        patches = MapPatches(chosen[number], encoding)
        fitting = np.flatnonzero(patches.labels == label)
        if fitting.size == 0:
            continue
        goal = np.asarray(chosen[number].peaks).reshape(-1, 2)[:1] if label else _middle(patches)
        centre = patches.corners[fitting] + (encoding.size - 1) / 2
        best = int(fitting[np.argmin(np.sum((centre - goal) ** 2, axis=1))])
        shown.append(_exhibit(patches[best]["image"], label, chosen[number].name))
    return shown


def _middle(patches: MapPatches) -> Array:
    rows, columns = patches.map.displacement.shape
    return np.array([[(rows - 1) / 2, (columns - 1) / 2]])
