"""Where the samples of all sets lie in the space of features, brought to a plane by t-SNE."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bradyseism.samples.finetuning import CONSTITUENTS
from bradyseism.workflows.run_arrays import save_arrays

EACH = 300
"""Most samples of one set; more only hide each other."""

_COMPONENTS = 50  # principal components that t-SNE sees (van der Maaten and Hinton, 2008)
_SETS = ("synthetic", *CONSTITUENTS, "frames", "injection", "field")


@dataclass(frozen=True, eq=False)
class LatentPlane:
    """Samples on a plane on which neighbours in feature space stay neighbours.

    Attributes
    ----------
    place : (n, 2) array
        Coordinates without unit; only who is whose neighbour means something.
    name : (n,) array of str
        Set of each sample.
    label : (n,) array
        1 with deformation, 0 without, -1 not counted.
    """

    place: NDArray[np.float64]
    name: NDArray[np.str_]
    label: NDArray[np.int64]


def latent_plane(folder: Path, stored: Path, *, seed: int = 0) -> LatentPlane | None:
    """Bring the stored features of all sets to a plane, or read the plane made before.

    Parameters
    ----------
    folder : Path
        ``features/CYCLE/NETWORK`` of a run.
    stored : Path
        Where the plane is kept, an .npz file: the same features always give the same figure. It is
        taken only where the folder holds features of the same samples, or none any more.
    seed : int
        Seed of the choice of samples and of t-SNE.

    Returns
    -------
    LatentPlane or None
        None where fewer than two sets, or fewer than 20 samples, have features.
    """
    features, names, labels = _gathered(folder, np.random.default_rng(seed))
    if stored.is_file():
        with np.load(stored, allow_pickle=False) as file:
            kept = LatentPlane(file["place"], file["name"], file["label"])
        same = np.array_equal(kept.name, names) and np.array_equal(kept.label, labels)
        if same or not names.size:
            return kept
    if len(set(names)) < 2 or len(names) < 20:
        return None
    plane = LatentPlane(_embedded(features, seed), names, labels)
    save_arrays(stored, {"place": plane.place, "name": plane.name, "label": plane.label})
    return plane


def _gathered(
    folder: Path, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.str_], NDArray[np.int64]]:
    """Up to `EACH` samples of every set; of a constituent drawn for several seeds, the first."""
    parts: list[tuple[NDArray[np.float64], str, NDArray[np.int64]]] = []
    for name in _SETS:
        # A set without a seed has one file; the low-passed test sets are left out.
        own = folder / f"{name}.npz"
        found = [own] if own.is_file() else sorted(folder.glob(f"{name}-[0-9]*.npz"))
        if not found:
            continue
        with np.load(found[0], allow_pickle=False) as file:
            label = file["label"].astype(np.int64)
            chosen = np.sort(rng.permutation(label.size)[:EACH])
            parts.append((file["features"][chosen].astype(np.float64), name, label[chosen]))
    if not parts:
        return np.zeros((0, 0)), np.zeros(0, dtype=np.str_), np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([features for features, _, _ in parts]),
        np.concatenate([np.full(label.size, name) for _, name, label in parts]),
        np.concatenate([label for _, _, label in parts]),
    )


def _embedded(features: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE  # of the extra `train`
    from threadpoolctl import threadpool_limits  # comes with it

    centred = features - features.mean(axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    reduced = (left * size)[:, :_COMPONENTS]
    perplexity = min(30.0, (len(features) - 1) / 3)
    method = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    # A few hundred points: threads that wait for each other take ten times as long.
    with threadpool_limits(1):
        place = method.fit_transform(reduced.astype(np.float32))
    return np.asarray(place, dtype=np.float64)
