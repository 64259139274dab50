"""What each idea in the shipped detector's recipe adds, and how it does on what it never saw.

    python benchmarks/ablation.py -o FOLDER [--pairs 6000] [--tests 2000] [--seeds 0 1 2] [--json]
        [--background MAPS]

Small networks of the shipped architecture are trained alike on simulated windows in pairs (with and
without a source on the same background), by their labels alone or taught by the teacher's network,
each with one idea left out, or on the windows that hold no nuisance of one kind, and judged on the
same unseen pairs. Columns: area under the ROC curve and share of sources found at the threshold
that 1 % of the windows without a source pass; for a nuisance left out, on the test windows that
hold it, beside a training that saw it. Mean and standard deviation over seeds of weights, order and
dropout. With real volcano-free maps (a folder
or a truth table) also the share of 20 mm/yr sources found in frames of their tuning ground where at
most 5 % of the untouched frames are flagged, some two minutes more for each training of an idea.
Small trainings rank ideas; they say nothing of how good the shipped weights are. A run goes on
where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from detectors import hide, name_of
from numpy.typing import NDArray

from bradyseism.detection.calibration import fit_calibration
from bradyseism.evaluation.scores import roc_auc
from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.maps.writers.tables import plain, write_json
from bradyseism.models.network import Classifier, build
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.samples.side_by_side import side_by_side
from bradyseism.samples.windows import Samples, place_cell
from bradyseism.scenes.synthesis import SceneSettings, twin_scenes
from bradyseism.training.data import ArrayDataset
from bradyseism.training.loop import fit
from bradyseism.workflows.publishing import model_card, publish
from bradyseism.workflows.shipped import ShippedSettings
from bradyseism.workflows.teaching import log_odds, taught_labels

TRAINING_SEED, TEST_SEED = 31_000_000, 32_000_000
FALSE_SHARE = 0.01
# Real ground: sources hidden in all, their seed, and the rate (m/yr) that is told.
HIDDEN, HIDDEN_SEED, HIDDEN_RATE = 480, 778, 0.020
MODEL = "model"
WHOLE, TEACHER = "labels alone", f"{ShippedSettings().teacher} network"
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


@dataclass(frozen=True, eq=False)
class Variant:
    """What to train on, what to be judged on, the network, its teacher, and what is left out."""

    training: Windows
    test: Windows
    network: str
    teacher: str = ""
    channel: int | None = None
    nuisance: str = ""


def windows(path: Path, seed: int, pairs: int, scenes: SceneSettings) -> Windows:
    """Simulate pairs once on two processes and keep them in a file."""
    if not path.exists():
        jobs = [(seed, index, scenes) for index in range(pairs)]
        parts = list(side_by_side(_pair, jobs, 2, chunksize=50))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, open(temporary, "wb") as handle:
            np.savez(handle, *columns)
    with np.load(path) as file:
        return Windows(*(file[name] for name in file.files))


def _pair(job: tuple[int, int, SceneSettings]) -> tuple[NDArray, ...]:
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


def trained(folder: Path, variant: Variant, seed: int, epochs: int) -> Classifier:
    """Network trained on the first nine tenths of the windows, the rest for validation."""
    seen = variant.training
    if variant.channel is not None:
        seen = replace(seen, images=seen.images.copy())
        seen.images[:, variant.channel] = 0
    last = len(seen.labels) * 9 // 20 * 2  # whole pairs
    labels = seen.labels
    if variant.teacher:
        folder.mkdir(parents=True, exist_ok=True)
        teacher = folder.parents[1] / variant.teacher.replace(" ", "-") / folder.name
        known = Samples(seen.images[:last], labels[:last], seen.places[:last])
        taught = taught_labels(
            known, teacher / f"{MODEL}.safetensors", ShippedSettings().trust, folder / "said.npy"
        )
        labels = np.append(taught, labels[last:])
    parts = [
        ArrayDataset(seen.images[part], labels[part], seen.places[part])
        for part in (slice(None, last), slice(last, None))
    ]
    loop = replace(ShippedSettings().loop, epochs=epochs, seed=seed)
    model = build(variant.network, seen.images.shape[1], seed=seed)
    fit(model, *parts, loop, folder)
    if variant.channel is not None:
        # Deaf to the channel, so that it may be given windows that have it.
        first = next(layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d))
        first.weight.data[:, variant.channel] = 0
    validation = seen.chosen(np.arange(len(seen.labels)) >= last)
    calibration = fit_calibration(
        log_odds(model, validation.images), validation.labels, prior=ShippedSettings().prior
    )
    publish(folder, MODEL, model, model_card(MODEL, NormalisedWindow(), calibration, {}))
    return model


def scores(logit: NDArray[np.float32], labels: NDArray[np.float32]) -> list[float]:
    """Area under the curve and share found at `FALSE_SHARE`."""
    positive = labels > 0.5
    found = logit[positive] > np.quantile(logit[~positive], 1 - FALSE_SHARE)
    return [roc_auc(positive, logit), float(found.mean())]


def variants(training: Windows, narrow: Windows, test: Windows) -> dict[str, Variant]:
    """Every row of the table by its name."""
    recipe = ShippedSettings()
    whole = Variant(training, test, recipe.network)
    # Every other window of the pairs: as many backgrounds for half as many windows ...
    rng = np.random.default_rng(0)
    single = np.zeros(len(training.labels), dtype=bool)
    single[np.arange(0, len(single), 2) + rng.integers(0, 2, len(single) // 2)] = True
    # ... against half as many backgrounds in pairs.
    half = np.arange(len(single)) < len(single) // 2
    rows = {WHOLE: whole}
    rows |= {f"without {name}": replace(whole, channel=n) for name, n in CHANNELS.items()}
    rows |= {
        TEACHER: replace(whole, network=recipe.teacher),
        f"taught by the {TEACHER}": replace(whole, teacher=TEACHER),
        "sources from 4 % of the window on": replace(whole, training=narrow),
        "half the backgrounds, in pairs": replace(whole, training=training.chosen(half)),
        "as many windows, none in pairs": replace(whole, training=training.chosen(single)),
        "no nuisance in training": replace(
            whole, training=training.chosen(training.nuisances == "")
        ),
    }
    for kind in sorted({name for names in training.nuisances for name in names.split()}):
        unseen = training.chosen(~training.holding(kind))
        judged = test.chosen(test.holding(kind))
        rows[f"never saw {kind}"] = Variant(unseen, judged, whole.network, nuisance=kind)
    return rows


def measure(a: argparse.Namespace) -> list[dict[str, str | int | list[float]]]:
    """Train and judge every variant that is not there yet."""
    folder, recipe, wider = a.output, ShippedSettings().scenes, SceneSettings()
    training = windows(folder / f"training-{a.pairs}.npz", TRAINING_SEED, a.pairs, recipe)
    narrow = windows(folder / f"narrow-{a.pairs}.npz", TRAINING_SEED, a.pairs, wider)
    test = windows(folder / f"test-{a.tests}.npz", TEST_SEED, a.tests, wider)
    table = []
    whole: dict[int, NDArray[np.float32]] = {}
    for name, variant in variants(training, narrow, test).items():
        rows, beside, real = [], [], []
        for seed in a.seeds:
            place = folder / f"{a.pairs}-{a.epochs}" / name.replace(" ", "-") / str(seed)
            answers = place / "logits.npy"
            if not answers.exists():
                model = trained(place, variant, seed, a.epochs)
                with atomic_path(answers) as temporary, open(temporary, "wb") as handle:
                    np.save(handle, log_odds(model, variant.test.images))
            logit = np.load(answers)
            if name == WHOLE:
                whole[seed] = logit
            rows.append(scores(logit, variant.test.labels))
            if variant.nuisance:
                seen = whole[seed][test.holding(variant.nuisance)]
                beside.append(scores(seen, variant.test.labels))
            elif a.background:
                real.append([_on_real_ground(place, a.background)])
        table.append(
            {"variant": name, "windows": len(variant.training.labels)}
            | {"tests": len(variant.test.labels)}
            | _spread(rows, ("auc", "found"))
            | (_spread(beside, ("auc_seen", "found_seen")) if beside else {})
            | (_spread(real, ("found_real",)) if real else {})
        )
    write_json(folder / "ablation.json", table)
    return table


def _on_real_ground(place: Path, background: Path) -> float:
    """Share found of sources hidden in real tuning ground, kept in a file."""
    answer = place / "real.json"
    if not answer.exists():
        model = str(place / f"{MODEL}.onnx")
        result = hide([model], background, HIDDEN, HIDDEN_SEED)
        write_json(answer, {"found": result.share(name_of(model), HIDDEN_RATE).estimate})
    return float(json.loads(answer.read_text(encoding="utf-8"))["found"])


def _spread(rows: list[list[float]], names: Sequence[str]) -> dict[str, list[float]]:
    values = np.array(rows)
    deviation = values.std(axis=0, ddof=1) if len(rows) > 1 else np.full(len(names), np.nan)
    return {
        name: [float(mean), float(spread)]
        for name, mean, spread in zip(names, values.mean(axis=0), deviation, strict=True)
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the run")
    parser.add_argument("--pairs", type=int, default=6000, help="pairs of training windows")
    parser.add_argument("--tests", type=int, default=2000, help="pairs of test windows")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--background", type=Path, help="volcano-free maps or their truth table")
    parser.add_argument("--json", action="store_true", help="one JSON array instead of a table")
    arguments = parser.parse_args()
    table = measure(arguments)
    if arguments.json:
        print(json.dumps(plain(table)))
        return
    columns = {
        "auc": "AUC, %",
        "found": "found at 1 % false, %",
        "auc_seen": "AUC of a training that saw it, %",
        "found_real": "20 mm/yr found in real ground, %",
    }
    print("| recipe | windows |", " | ".join(columns.values()), "|")
    print("|---" * (2 + len(columns)) + "|")
    for row in table:
        cells = [
            f"{100 * row[name][0]:.1f} ± {100 * row[name][1]:.1f}" if name in row else ""
            for name in columns
        ]
        print(f"| {row['variant']} | {row['windows']:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
