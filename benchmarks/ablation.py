"""What each idea in the shipped detector's recipe adds, and how it does on what it never saw.

    python benchmarks/ablation.py -o FOLDER [--pairs 6000] [--tests 2000] [--seeds 0 1 2] [--json]

Small networks of the shipped architecture are trained alike on simulated windows in pairs (with and
without a source on the same background), each with one idea left out, or on the windows that hold
no nuisance of one kind, and judged on the same unseen pairs. Columns: area under the ROC curve and
share of sources found at the threshold that 1 % of the windows without a source pass; for a
nuisance left out, on the test windows that hold it, beside a training that saw it. Mean and
standard deviation over seeds of weights, order and dropout. Small trainings rank ideas; they say
nothing of how good the shipped weights are. A run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bradyseism.evaluation.scores import roc_auc
from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.maps.writers.tables import plain, write_json
from bradyseism.models.network import build
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.samples.side_by_side import side_by_side
from bradyseism.samples.windows import place_cell
from bradyseism.scenes.synthesis import twin_scenes
from bradyseism.training.data import ArrayDataset
from bradyseism.training.loop import fit
from bradyseism.workflows.shipped import ShippedSettings

TRAINING_SEED, TEST_SEED = 31_000_000, 32_000_000
FALSE_SHARE = 0.01
CHANNELS = {"spread-scaled rate": 0, "noise-scaled rate": 1, "valid mask": 2}


@dataclass(frozen=True, eq=False)
class Windows:
    """Encoded windows in pairs: images (n, 3, 64, 64), labels, places and what disturbs each."""

    images: NDArray[np.float16]
    labels: NDArray[np.float32]
    places: NDArray[np.int64]
    nuisances: NDArray[np.str_]

    def chosen(self, keep: NDArray[np.bool_]) -> Windows:
        """Those windows alone."""
        return Windows(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    def holding(self, nuisance: str) -> NDArray[np.bool_]:
        """Which windows hold a nuisance of this kind."""
        return np.array([nuisance in names.split() for names in self.nuisances])


def windows(path: Path, seed: int, pairs: int) -> Windows:
    """Simulate pairs once on two processes and keep them in a file."""
    if not path.exists():
        jobs = [(seed, index) for index in range(pairs)]
        parts = list(side_by_side(_pair, jobs, 2, chunksize=50))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, open(temporary, "wb") as handle:
            np.savez(handle, *columns)
    with np.load(path) as file:
        return Windows(*(file[name] for name in file.files))


def _pair(job: tuple[int, int]) -> tuple[NDArray, ...]:
    scenes = twin_scenes(*job)
    truths = [scene.truth for scene in scenes]
    images = NormalisedWindow().encode(np.stack([scene.map.velocity for scene in scenes]))
    labels = np.array([truth.volcanic for truth in truths], dtype=np.float32)
    places = np.array([place_cell(t.row, t.column, 64) if t.volcanic else -1 for t in truths])
    return (
        images.astype(np.float16),
        labels,
        places,
        np.array([" ".join(t.nuisances) for t in truths]),
    )


def trained(
    folder: Path, training: Windows, network: str, seed: int, epochs: int
) -> torch.nn.Module:
    """Network trained on the first nine tenths of the windows, the rest for validation."""
    last = len(training.labels) * 9 // 20 * 2  # whole pairs
    parts = [
        ArrayDataset(training.images[part], training.labels[part], training.places[part])
        for part in (slice(None, last), slice(last, None))
    ]
    loop = replace(ShippedSettings().loop, epochs=epochs, seed=seed)
    model = build(network, training.images.shape[1], seed=seed)
    fit(model, *parts, loop, folder)
    return model.eval()


def logits(model: torch.nn.Module, images: NDArray[np.float16]) -> NDArray[np.float64]:
    """Log-odds of windows."""
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(images[start : start + 256]).float()).logit.numpy()
            for start in range(0, len(images), 256)
        ]
    return np.concatenate(parts).astype(np.float64)


def scores(logit: NDArray[np.float64], labels: NDArray[np.float32]) -> list[float]:
    """Area under the curve and share found at `FALSE_SHARE`."""
    positive = labels > 0.5
    found = logit[positive] > np.quantile(logit[~positive], 1 - FALSE_SHARE)
    return [roc_auc(positive, logit), float(found.mean())]


def without_channel(part: Windows, channel: int) -> Windows:
    """Windows of which one channel says nothing."""
    images = part.images.copy()
    images[:, channel] = 0
    return replace(part, images=images)


def variants(training: Windows, test: Windows) -> dict[str, tuple[Windows, Windows, str, str]]:
    """For each name: what to train on, what to test on, the network, and a nuisance left out."""
    network = ShippedSettings().network
    # Every other window of the pairs: as many backgrounds for half as many windows ...
    rng = np.random.default_rng(0)
    single = np.zeros(len(training.labels), dtype=bool)
    single[np.arange(0, len(single), 2) + rng.integers(0, 2, len(single) // 2)] = True
    half = (
        np.arange(len(single)) < len(single) // 2
    )  # ... against half as many backgrounds in pairs.
    rows = {"whole recipe": (training, test, network, "")}
    rows |= {
        f"without {name}": (without_channel(training, n), without_channel(test, n), network, "")
        for name, n in CHANNELS.items()
    }
    rows["with contrasts of blobs"] = (training, test, "compact_blobs", "")
    rows["half the backgrounds, in pairs"] = (training.chosen(half), test, network, "")
    rows["as many windows, none in pairs"] = (training.chosen(single), test, network, "")
    bare = training.chosen(training.nuisances == "")
    rows["no nuisance in training"] = (bare, test, network, "")
    kinds = sorted({name for names in training.nuisances for name in names.split()})
    for kind in kinds:
        unseen = training.chosen(~training.holding(kind))
        rows[f"never saw {kind}"] = (unseen, test.chosen(test.holding(kind)), network, kind)
    return rows


def measure(folder: Path, pairs: int, tests: int, seeds: Sequence[int], epochs: int) -> list[dict]:
    """Train and judge every variant that is not there yet."""
    training = windows(folder / f"training-{pairs}.npz", TRAINING_SEED, pairs)
    test = windows(folder / f"test-{tests}.npz", TEST_SEED, tests)
    table = []
    whole: dict[int, NDArray[np.float64]] = {}
    for name, (seen, judged, network, kind) in variants(training, test).items():
        rows, beside = [], []
        for seed in seeds:
            place = folder / f"{pairs}-{epochs}" / name.replace(" ", "-") / str(seed)
            answers = place / "logits.npy"
            if not answers.exists():
                model = trained(place, seen, network, seed, epochs)
                logit = logits(model, judged.images)
                with atomic_path(answers) as temporary, open(temporary, "wb") as handle:
                    np.save(handle, logit)
            logit = np.load(answers)
            if name == "whole recipe":
                whole[seed] = logit
            rows.append(scores(logit, judged.labels))
            if kind:
                beside.append(scores(whole[seed][test.holding(kind)], judged.labels))
        table.append(
            {"variant": name, "windows": len(seen.labels), "tests": len(judged.labels)}
            | _spread(rows, "")
            | (_spread(beside, "_seen") if beside else {})
        )
    write_json(folder / "ablation.json", table)
    return table


def _spread(rows: list[list[float]], suffix: str) -> dict[str, list[float]]:
    values = np.array(rows)
    deviation = values.std(axis=0, ddof=1) if len(rows) > 1 else np.full(2, np.nan)
    return {
        f"{name}{suffix}": [float(mean), float(spread)]
        for name, mean, spread in zip(("auc", "found"), values.mean(axis=0), deviation, strict=True)
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the run")
    parser.add_argument("--pairs", type=int, default=6000, help="pairs of training windows")
    parser.add_argument("--tests", type=int, default=2000, help="pairs of test windows")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", action="store_true", help="one JSON array instead of a table")
    a = parser.parse_args()
    table = measure(a.output, a.pairs, a.tests, a.seeds, a.epochs)
    if a.json:
        print(json.dumps(plain(table)))
        return
    print(
        "| recipe | windows | AUC, % | found at 1 % false, % | AUC of a training that saw it, % |"
    )
    print("|---|---|---|---|---|")
    for row in table:
        cells = [
            f"{100 * row[name][0]:.1f} ± {100 * row[name][1]:.1f}" if name in row else ""
            for name in ("auc", "found", "auc_seen")
        ]
        print(f"| {row['variant']} | {row['windows']:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
