"""A run folder of the paper's experiment with drawn answers, made without any training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bradyseism import cli
from bradyseism.evaluation.published import PUBLISHED
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.workflows.run_folder import PREDICTION_COLUMNS, VERSION

PIXEL = 400.0
NETWORK = "inception_resnet_v2"
SHIFT = {
    "synthetic": (0.3, 4.0),
    "FT1 last": (1.6, 0.3),
    "FT1 -1last": (1.0, -0.4),
    "FT1 last2": (1.5, -0.6),
    "FT1 -1&last1": (-0.8, -6.0),
    "FT2 last": (1.2, 0.0),
    "FT3 last": (-0.6, -6.0),
    "FT4 last": (1.7, -0.3),
}
"""For each model the distance of its two normal distributions, and their middle, in logits."""


@pytest.fixture(scope="session")
def drawn_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whole run folder, drawn once by the command, for tests that only read it."""
    pytest.importorskip("pyarrow")
    folder = make_run(tmp_path_factory.mktemp("paper") / "run", places=9)
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    answer = CliRunner().invoke(cli.app, ["reproduce", "--from", str(folder), "--quiet"])
    assert answer.exit_code == 0, answer.output
    assert f"Wrote {folder / 'report.md'}" in answer.stdout
    assert made == {path: path.stat().st_mtime_ns for path in made}, "drawing changed the run"
    return folder


@pytest.fixture
def run_maker() -> Callable[..., Path]:
    """Maker of run folders, for tests that change theirs."""
    pytest.importorskip("pyarrow")
    return make_run


def make_run(
    folder: Path,
    *,
    side: int = 32,
    places: int = 12,
    seeds: int = 2,
    cycles: tuple[str, ...] = ("half",),
    low_pass: tuple[bool, ...] = (False,),
    injections: int = 40,
) -> Path:
    """Make the folder; needs pyarrow. Every third place deforms and some have two frames."""
    rng = np.random.default_rng(11)
    for name in ("data", *(f"predictions/{cycle}/{NETWORK}" for cycle in cycles)):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(card(), indent=1))
    (folder / "stages.csv").write_text(
        "stage,seconds,finished\n"
        f"pretrain half {NETWORK},120,2022-06-01T10:00:00\nfinetune,30,2022-06-01T10:01:00\n"
    )
    make_training(folder / "pretrain/half" / NETWORK)
    frames = make_frames(folder, rng, side, places)
    make_backgrounds(folder, rng, side, 12)
    tests = {"frames": patches_of_frames(frames, side)}
    if injections:
        tests["injection"] = patches_of_injection(injections)
    for cycle in cycles:
        for test, patches in tests.items():
            rows = predictions(patches, rng, seeds, low_pass)
            write_parquet(folder / "predictions" / cycle / NETWORK / f"{test}.parquet", rows)
        make_features(folder, rng, cycle)
        make_attribution(folder, rng, cycle, side, frames)
    return folder


def card() -> dict[str, object]:
    return {
        "version": VERSION,
        "kind": "paper",
        "settings": {
            "seed": 3,
            "pixel_size": PIXEL,
            "network": NETWORK,
            "size": 32,
            "samples": 3000,
            "seeds": [0, 1],
        },
        "inputs": {},
        "environment": {"python": "3.12", "cores": 2, "machine": "x86_64", "gpu": None},
        "command": "bradyseism reproduce --size smoke -o run",
        "commit": "0123456789abcdef",
        "started": "2022-06-01T09:58:00+00:00",
    }


def make_training(folder: Path) -> None:
    """Logs of a training whose second check is the best, after trials of two rates."""
    folder.mkdir(parents=True)
    (folder / "rates.csv").write_text("learning_rate,validation_loss\n0.01,\n0.001,0.5\n")
    (folder / "log.csv").write_text(
        "epoch,training_loss,loss,accuracy,auc,place_accuracy,seconds\n"
        "0,0.7,0.6,0.5,0.6,nan,9\n1,0.3,0.0321,0.98765,1.0,nan,9\n2,0.2,0.04,0.99,1.0,nan,9\n"
    )


def smooth(rng: np.random.Generator, side: int, length: float, size: float) -> np.ndarray:
    field = turbulent_field(ExponentialModel(1.0, length), (side, side), PIXEL, rng)
    return field / field.std() * size


def make_frames(
    folder: Path, rng: np.random.Generator, side: int, places: int
) -> list[dict[str, object]]:
    """Turbulence, rough ground and, where a place deforms, a bell-shaped source; in metres."""
    width = 2 * side
    frames: list[dict[str, object]] = []
    for place in range(places):
        for copy in range(1 + (place % 4 == 0)):
            ground = smooth(rng, width, 8e3, 0.004) + smooth(rng, width, 1.2e3, 0.003)
            peaks = np.zeros((0, 2))
            rate = 0.0
            if place % 3 == 0:
                rate = float(np.linspace(0.004, 0.018, places)[place]) * (-1) ** place
                peak = np.array([width / 2 + rng.uniform(-4, 4), width / 2 + rng.uniform(-4, 4)])
                squared = ((np.indices((width, width)) - peak[:, None, None]) ** 2).sum(axis=0)
                ground += 5 * rate * np.exp(-squared / (2 * (5e3 / PIXEL) ** 2))
                peaks = peak[None]
            elif place % 3 == 1:  # something like a salt flat
                rows, columns = np.indices((width, width)) - width / 2
                ground -= 0.03 / (1 + np.exp(3 * (np.hypot(rows / 7, columns / 4) - 1)))
            ground[:2, :3] = np.nan
            frames.append(
                {
                    "displacement": ground.astype(np.float32), "peaks": peaks,
                    "uncertain": np.zeros((0, 2)), "rate": rate,
                    "name": f"frame-{place:02d}{'ab'[copy]}", "place": f"place-{place:02d}",
                    "counted": True, "years": 5.0,
                    "longitude": -68.0 + 0.9 * (place % 3) + 0.25 * copy,
                    "latitude": -22.0 - 0.8 * (place // 3) - 0.2 * copy,
                }
            )  # fmt: skip
    flat = ("name", "place", "counted", "longitude", "latitude", "rate", "years")
    arrays = {key: np.array([frame[key] for frame in frames]) for key in flat}
    arrays |= {
        f"{key}_{i}": frame[key]
        for i, frame in enumerate(frames)
        for key in ("displacement", "peaks", "uncertain")
    }
    np.savez(folder / "data/frames.npz", **arrays)
    return frames


def make_backgrounds(folder: Path, rng: np.random.Generator, side: int, count: int) -> None:
    displacement = [
        smooth(rng, side, 6e3, 0.004) + smooth(rng, side, 1e3, 0.003) for _ in range(count)
    ]
    np.savez(
        folder / "data/backgrounds.npz",
        displacement=np.array(displacement, dtype=np.float32),
        origin=np.array([f"background-{i}" for i in range(count)]),
        longitude=np.full(count, -70.0), latitude=np.full(count, -25.0),
        look=np.full((count, 3), np.nan),
    )  # fmt: skip


def patches_of_frames(frames: list[dict[str, object]], side: int) -> dict[str, np.ndarray]:
    """25 patches of each frame, a quarter of a patch apart; positive where they hold the peak."""
    rows: dict[str, list[object]] = {
        name: [] for name in ("frame", "place", "patch", "row", "column", "label", "rate")
    }
    for frame in frames:
        for patch in range(25):
            row, column = (side // 4 * k for k in divmod(patch, 5))
            inside = [
                row <= r < row + side and column <= c < column + side
                for r, c in np.asarray(frame["peaks"])
            ]
            values = (
                frame["name"],
                frame["place"],
                patch,
                row,
                column,
                int(any(inside)),
                frame["rate"],
            )
            for name, value in zip(rows, values, strict=True):
                rows[name].append(value)
    return {name: np.array(values) for name, values in rows.items()}


def patches_of_injection(count: int) -> dict[str, np.ndarray]:
    label = np.repeat([0, 1], [count, 4 * count])
    rate = np.append(np.zeros(count), np.repeat([0.002, 0.005, -0.010, 0.020], count))
    number = np.arange(label.size)
    return {
        "frame": np.array([f"patch-{i:03d}" for i in number]),
        "place": np.array([f"ground-{i % 15:02d}" for i in number]),
        "patch": np.zeros(label.size, int), "row": np.zeros(label.size, int),
        "column": np.zeros(label.size, int), "label": label, "rate": rate,
    }  # fmt: skip


def predictions(
    patches: dict[str, np.ndarray], rng: np.random.Generator, seeds: int, low_pass: tuple[bool, ...]
) -> dict[str, np.ndarray]:
    """Answers drawn from two normals; faster sources are seen more easily."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in PREDICTION_COLUMNS}
    count = len(patches["label"])
    ease = np.where(patches["label"] == 1, np.abs(patches["rate"]) / 0.01, 0.0)
    for model in PUBLISHED:
        shift, middle = SHIFT[model]
        for seed in range(1 if model == "synthetic" else seeds):
            for filtered in low_pass:
                logit = middle + shift * (patches["label"] * (0.5 + 0.5 * ease) - 0.5)
                logit = logit + rng.normal(size=count)
                values = dict(
                    patches, model=np.full(count, model),
                    seed=np.full(count, seed), low_pass=np.full(count, filtered),
                    missing=np.zeros(count), logit=logit, probability=1 / (1 + np.exp(-logit)),
                )  # fmt: skip
                for name in parts:
                    parts[name].append(values[name])
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def write_parquet(path: Path, rows: dict[str, np.ndarray]) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = {name: pyarrow.array(values.tolist()) for name, values in rows.items()}
    parquet.write_table(pyarrow.table(columns), path)


def make_features(folder: Path, rng: np.random.Generator, cycle: str) -> None:
    target = folder / "features" / cycle / "inception_resnet_v2"
    target.mkdir(parents=True)
    sets = {"synthetic": 0.0, "background": 3.0, "hybrid-0": 3.0, "volcano-0": 0.5, "noise-0": 0.3}
    for name, centre in (sets | {"frames": 2.5}).items():
        label = np.arange(40) % 2
        if name in ("background", "noise-0"):
            label = np.zeros(40, dtype=int)
        if name in ("hybrid-0", "volcano-0"):
            label = np.ones(40, dtype=int)
        features = rng.normal(size=(40, 24))
        features[:, 0] += 2 * centre
        features[:, 1] += 4 * label
        np.savez(target / f"{name}.npz", features=features.astype(np.float16), label=label)


def make_attribution(
    folder: Path, rng: np.random.Generator, cycle: str, side: int, frames: list[dict[str, object]]
) -> None:
    target = folder / "attribution" / cycle
    target.mkdir(parents=True)
    chosen = [f for f in frames if len(np.asarray(f["peaks"]))][:3] + [
        f for f in frames if not len(np.asarray(f["peaks"]))
    ][:3]
    start = side // 2
    phase = [
        np.asarray(f["displacement"])[start : start + side, start : start + side] for f in chosen
    ]
    image = np.angle(np.exp(2j * np.pi * np.array(phase) / 0.0277)).astype(np.float32)
    axis = np.arange(6) - 2.5
    bell = np.exp(-(axis[:, None] ** 2 + axis**2) / 3)
    evidence = np.array([np.roll(bell, k, axis=1) for k in (0, 0, 1, 2, 3, 1)])
    np.savez(
        target / "FT1-last.npz", model=np.array("FT1 last"), image=image, evidence=evidence,
        logit=rng.uniform(0.3, 3, 6),
        label=np.array([1, 1, 1, 0, 0, 0]), frame=np.array([f["name"] for f in chosen]),
    )  # fmt: skip
