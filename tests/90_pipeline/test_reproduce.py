"""The paper's experiment, small: stages, resumption, and what is refused before anything trains."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import shutil
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

import pyarrow.parquet  # noqa: E402  (after the skip)

from bradyseism import cli  # noqa: E402
from bradyseism.detection.runtime import Detector  # noqa: E402
from bradyseism.evaluation.truth import TruthRow, read_truth  # noqa: E402
from bradyseism.maps.frames import ground_blocks  # noqa: E402
from bradyseism.maps.velocity_map import Grid, VelocityMap  # noqa: E402
from bradyseism.maps.writers.map_files import write_map  # noqa: E402
from bradyseism.models.checkpoint import load  # noqa: E402
from bradyseism.training import loop as training_loop  # noqa: E402
from bradyseism.training.learner import TrainingSettings  # noqa: E402
from bradyseism.workflows import reproduce_learning  # noqa: E402
from bradyseism.workflows.reproduce import reproduce  # noqa: E402
from bradyseism.workflows.reproduce_data import (  # noqa: E402
    Inputs,
    field_maps,
    frame_maps,
    injection_frames,
    injection_maps,
    read_frames,
)
from bradyseism.workflows.reproduce_ground import (  # noqa: E402
    background_maps,
    background_patches,
    backgrounds_of,
    refuse_overlap,
    refuse_volcanoes,
)
from bradyseism.workflows.reproduce_models import publish_models  # noqa: E402
from bradyseism.workflows.reproduce_settings import SIZES, ReproduceSettings  # noqa: E402
from bradyseism.workflows.run_arrays import load_backgrounds, load_maps, save_maps  # noqa: E402
from bradyseism.workflows.run_folder import MODELS, PREDICTION_COLUMNS, read_run  # noqa: E402
from bradyseism.workflows.run_inputs import input_hashes  # noqa: E402

pytestmark = pytest.mark.torch
COMMAND = {"command": "pytest", "commit": "none"}
FRAME_PLACES = ((-67.0, -22.0), (-68.5, -25.0))
# The smoke test with a network that takes milliseconds.
TINY = replace(
    SIZES["smoke"],
    network="compact",
    size=64,
    pixel_size=800.0,
    samples=40,
    synthetic_test=8,
    backgrounds=12,
    finetuning=replace(SIZES["smoke"].finetuning, epochs=1),
    seeds=(0, 1),
)


def volcano_at(longitude: float, latitude: float, shape: int = 512) -> VelocityMap:
    """Noise of 1 mm/yr and a bowl of 15 mm/yr in the middle."""
    rng = np.random.default_rng(round(1000 * abs(longitude)))
    grid = Grid.around(longitude, latitude, (shape, shape), pixel_size=200.0)
    axis = 200.0 * (np.arange(shape) - (shape - 1) / 2)
    bowl = 0.015 * np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * 5e3**2))
    return VelocityMap((bowl + rng.normal(0, 1e-3, bowl.shape)).astype(np.float32), grid, 5.0)


def quiet_at(longitude: float, latitude: float, shape: int = 1024) -> VelocityMap:
    rng = np.random.default_rng(7)
    grid = Grid.around(longitude, latitude, (shape, shape), pixel_size=200.0)
    return VelocityMap(rng.normal(0, 1e-3, (shape, shape)).astype(np.float32), grid, 5.0)


def refuse_all(
    maps: list[VelocityMap],
    frames: list[tuple[TruthRow, VelocityMap]],
    truth: tuple[TruthRow, ...],
) -> None:
    refuse_volcanoes(maps, truth)
    patches = background_patches(maps, TINY.encoding("half"))
    refuse_overlap(patches, [("test frame", frame) for _, frame in frames])


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt("before training")


def write_truth(path: Path, rows: list[list[object]]) -> None:
    columns = ["map", "path", "volcanic", "must", "may", "place", "rate_mm_yr"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([columns, *rows])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "frames").mkdir()
    (folder / "background").mkdir()
    write_map(folder / "frames" / "loud.tif", volcano_at(*FRAME_PLACES[0]))
    write_map(folder / "frames" / "still.tif", quiet_at(*FRAME_PLACES[1], 512))
    write_map(folder / "background" / "away.tif", quiet_at(-72.0, -30.0))
    write_truth(
        folder / "truth.csv",
        [
            ["loud", "frames/loud.tif", 1, "-67.0 -22.0 6", "", "north", 15.0],
            ["still", "frames/still.tif", 0, "", "", "south", ""],
        ],
    )
    return Inputs(folder / "frames", folder / "truth.csv", folder / "background")


@pytest.fixture(scope="module")
def finished(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    reproduce(folder, TINY, inputs, COMMAND)
    return folder


def test_every_model_judges_every_patch(finished: Path) -> None:
    table = pyarrow.parquet.read_table(finished / "predictions/half/compact/frames.parquet")
    rows = table.to_pydict()
    assert table.column_names == list(PREDICTION_COLUMNS)
    # 2 frames of 25 patches, plain and filtered, by the synthetic model and 7 models of 2 seeds.
    assert table.num_rows == 2 * 25 * 2 * (1 + 7 * 2)
    assert set(rows["model"]) == {"synthetic", *(" ".join(model) for model in MODELS)}
    assert_allclose(rows["probability"], 1 / (1 + np.exp(-np.array(rows["logit"]))), rtol=1e-9)
    label, frame = np.array(rows["label"]), np.array(rows["frame"])
    assert set(label[frame == "still"]) == {0}
    assert set(rows["place"]) == {"north", "south"}
    corner = np.stack([rows["row"], rows["column"]], axis=1)
    peak = 64  # of 128 pixels
    inside = ((corner <= peak) & (corner + 64 > peak)).all(axis=1)
    assert_array_equal(label == 1, inside & (frame == "loud"))
    assert set(np.array(rows["rate"])[frame == "loud"]) == {0.015}


def test_synthetic_sources_have_the_rate_of_their_peak(finished: Path) -> None:
    """Peaks of 6 to 100 mm in five years."""
    table = pyarrow.parquet.read_table(finished / "predictions/half/compact/synthetic.parquet")
    rate, label = (np.array(table[name]) for name in ("rate", "label"))
    assert set(label) == {0, 1}
    assert not rate[label == 0].any()
    assert np.abs(rate[label == 1]).min() >= 0.0012
    assert np.abs(rate[label == 1]).max() <= 0.020
    whole = reproduce_learning.Study(
        reproduce_learning.RunFolder(finished), TINY, "half"
    ).synthetic(seed_offset=1)
    row = int(np.flatnonzero(label == 1)[0])
    index = int(table["frame"][row].as_py().split()[1])
    assert_allclose(rate[row] * 5, whole.peak(index))


@pytest.mark.parametrize(
    "error",
    [
        BrokenProcessPool("A process in the process pool was terminated abruptly"),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."),
    ],
)
def test_dead_worker_ends_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    def dying(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("bradyseism.workflows.reproduce.reproduce", dying)
    arguments = ["reproduce", "--size", "smoke", "-o", str(tmp_path / "run"), "--quiet"]
    answer = CliRunner().invoke(cli.app, arguments)
    assert answer.exit_code == 2
    assert answer.stderr.count("bradyseism:") == 1
    assert re.search(r"worker process died.* the same command with --resume goes on", answer.stderr)
    error.args = ("of another kind",)
    if type(error) is RuntimeError:
        assert CliRunner().invoke(cli.app, arguments).exception is error


def test_predictions_are_those_of_the_whole_network(finished: Path) -> None:
    model, card = load(finished / "pretrain/half/compact/model.safetensors")
    maps = load_maps(finished / "data/frames.npz")
    encoding = TINY.encoding("half")
    image = encoding.encode(maps[0].displacement[None, :64, :64])
    with torch.inference_mode():
        expected = model(torch.from_numpy(image)).logit.item()
    table = pyarrow.parquet.read_table(finished / "predictions/half/compact/frames.parquet")
    row = table.to_pylist()[0]
    assert (row["model"], row["frame"], row["patch"], row["low_pass"]) == (
        "synthetic", "loud", 0, False,
    )  # fmt: skip
    assert_allclose(row["logit"], expected, atol=5e-3)
    assert card["settings"]["samples"] == 40


def test_a_model_of_the_run_is_a_detector_and_says_what_the_run_says(finished: Path) -> None:
    named = ["synthetic", "FT4 last"]
    paths = publish_models(finished, named)
    assert paths[1] == finished / "models" / "FT4-last-half.onnx"
    encoding = TINY.encoding("half")
    loud = load_maps(finished / "data/frames.npz")[0]
    image = encoding.encode(loud.displacement[None, :64, :64])
    table = pyarrow.parquet.read_table(finished / "predictions/half/compact/frames.parquet")
    said = {
        row["model"]: row["logit"]
        for row in reversed(table.to_pylist())
        if (row["frame"], row["patch"], row["low_pass"]) == ("loud", 0, False)
    }
    for name, path in zip(named, paths, strict=True):
        detector = Detector.load(path)
        assert detector.encoding == encoding
        assert detector.card["commit"] == COMMAND["commit"]
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (logit,) = session.run(["logit"], {"image": image})
        assert_allclose(logit.item(), said[name], atol=5e-3)
    assert said["FT4 last"] != said["synthetic"]
    assert Detector.load(paths[1]).card["head"] == "FT4 last, seed 0, of the same run"


def test_a_model_that_the_run_lacks_is_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="model 'FT9 last' is unknown: choose of synthetic, FT1"):
        publish_models(finished, ["FT9 last"])
    shutil.copy(finished / "run.json", tmp_path)
    with pytest.raises(ValueError, match=r"holds no pretrain/half/compact/model\.safetensors: let"):
        publish_models(tmp_path, ["synthetic"])
    answer = CliRunner().invoke(cli.app, ["reproduce", "-o", "run", "--publish", "FT4 last"])
    assert answer.exit_code == 2
    assert "without --from: name the folder of a run" in answer.stderr


def test_features_are_kept_in_half_precision_once_for_each_constituent(finished: Path) -> None:
    folder = finished / "features/half/compact"
    with np.load(folder / "hybrid-1.npz") as stored:
        assert stored["features"].dtype == np.float16
        assert stored["features"].shape == (6, 160)
        assert set(stored["label"]) == {1}
    names = {path.stem for path in folder.iterdir()}
    assert {"background", "filtered", "noise-0", "volcano-1", "frames-low_pass"} <= names
    assert len(names) == 2 + 2 * 4 + 3


def test_folder_says_what_it_is_and_holds_no_spare_checkpoint(finished: Path) -> None:
    record = read_run(finished)
    assert record["settings"]["network"] == "compact"
    assert record["environment"]["torch"] == torch.__version__
    assert record["command"] == "pytest"
    stages = (finished / "stages.csv").read_text(encoding="utf-8")
    assert "finetune half FT4 last seed 1" in stages
    kept = [path.relative_to(finished) for path in finished.rglob("*.ckpt")]
    assert kept == [Path("pretrain/half/compact/last.ckpt")]
    assert list((finished / "pretrain/half/compact/tensorboard").iterdir())


def test_finetuning_changed_its_layer_and_depends_on_the_seed(finished: Path) -> None:
    base, _ = load(finished / "pretrain/half/compact/model.safetensors")
    heads = dict(
        ((name, seed), head)
        for name, seed, head in reproduce_learning.heads(
            reproduce_learning.Study(reproduce_learning.RunFolder(finished), TINY, "half"),
            "compact",
            tuned=True,
        )
    )
    tuned = heads["FT1 last", 0].state_dict()
    assert tuned["hidden.weight"].equal(base.head.hidden.weight)
    assert not tuned["last.weight"].equal(base.head.last.weight)
    assert not tuned["last.weight"].equal(heads["FT1 last", 1].last.weight)
    assert not heads["FT1 -1last", 0].hidden.weight.equal(base.head.hidden.weight)


def test_stopped_run_goes_on_and_ends_the_same(
    finished: Path, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    true_fit = training_loop.fit

    def failing(*arguments: object, **named: object) -> object:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt("in the fourth fit")
        return true_fit(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("bradyseism.training.stages.fit", failing)
    with pytest.raises(KeyboardInterrupt, match="in the fourth fit"):
        reproduce(tmp_path / "run", TINY, inputs, COMMAND)
    monkeypatch.undo()
    before = (tmp_path / "run/finetune/half/FT1/last/seed-0/head.safetensors").stat().st_mtime_ns
    with pytest.raises(ValueError, match="holds a run already: pass --resume"):
        reproduce(tmp_path / "run", TINY, inputs, COMMAND)
    reproduce(tmp_path / "run", TINY, inputs, COMMAND, resume=True)
    after = (tmp_path / "run/finetune/half/FT1/last/seed-0/head.safetensors").stat().st_mtime_ns
    assert after == before
    first, second = (
        pyarrow.parquet.read_table(folder / "predictions/half/compact/frames.parquet")
        for folder in (finished, tmp_path / "run")
    )
    assert first.equals(second)


@pytest.mark.slow
def test_run_that_is_stopped_at_every_kind_of_file_ends_the_same(
    finished: Path, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By turns Ctrl-C and a full disk, as the first file of each folder and suffix is finished."""
    folder = tmp_path / "run"
    stopped: list[tuple[str, str]] = []
    replace_file = os.replace

    def failing(source: Path, target: Path) -> None:
        inside = Path(target).relative_to(folder)
        if (kind := (inside.parts[0], inside.suffix)) not in stopped:
            stopped.append(kind)
            if len(stopped) % 2:
                raise KeyboardInterrupt
            raise OSError(errno.ENOSPC, "No space left on device")
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", failing)
    attempts = 0
    told: list[str] = []
    while True:
        attempts += 1
        try:
            reproduce(folder, TINY, inputs, COMMAND, resume=True)
        except KeyboardInterrupt:
            continue
        except OSError as error:
            told.append(str(error))
            continue
        break
    assert attempts == len(stopped) + 1
    assert len(told) == len(stopped) // 2
    full = "cannot write .*: No space left on device: choose a folder that .* has free space"
    assert all(re.match(full, message) for message in told)
    kinds = {("data", ".npz"), ("pretrain", ".ckpt"), ("pretrain", ".safetensors"),
             ("features", ".npz"), ("finetune", ".safetensors"), ("predictions", ".parquet"),
             ("run.json", ".json"), ("stages.csv", ".csv")}  # fmt: skip
    assert kinds <= set(stopped)
    assert not [path for path in folder.rglob(".*") if path.is_file()]
    name = "predictions/half/compact/frames.parquet"
    first, second = (pyarrow.parquet.read_table(run / name) for run in (finished, folder))
    assert first.equals(second)


@pytest.mark.slow
def test_six_networks_are_compared_without_fine_tuning(tmp_path: Path) -> None:
    settings = replace(TINY, samples=20)
    names = ("compact", "efficientnet_b0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bradyseism.workflows.reproduce.COMPARED", names)
        reproduce(tmp_path / "run", settings, Inputs(), COMMAND, kind="networks")
    for name in names:
        path = tmp_path / "run/predictions/half" / name / "synthetic.parquet"
        table = pyarrow.parquet.read_table(path)
        assert set(table["model"].to_pylist()) == {"synthetic"}
        assert set(table["label"].to_pylist()) == {0, 1}
    assert not (tmp_path / "run/finetune").exists()


@pytest.mark.slow
def test_learning_rate_is_chosen_on_synthetic_validation(tmp_path: Path) -> None:
    # 10 destroys the weights: its loss is the higher one.
    settings = replace(TINY, samples=60, rates=(10.0, 1e-3), trial=0.5, channels=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bradyseism.workflows.reproduce.COMPARED", ("compact",))
        reproduce(tmp_path / "run", settings, Inputs(), COMMAND, kind="networks")
    folder = tmp_path / "run/pretrain/half/compact"
    with (folder / "rates.csv").open(encoding="utf-8") as file:
        losses = {
            float(r["learning_rate"]): float(r["validation_loss"]) for r in csv.DictReader(file)
        }
    assert losses[10.0] > losses[1e-3]
    model, card = load(folder / "model.safetensors")
    assert card["settings"]["loop"]["learning_rate"] == 1e-3
    assert (model.channels, card["encoding"]["channels"]) == (3, 3)


def test_other_settings_and_other_versions_are_refused(
    finished: Path, inputs: Inputs, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"settings\.samples 41 differs from 40"):
        reproduce(finished, replace(TINY, samples=41), inputs, COMMAND, resume=True)
    (tmp_path / "run.json").write_text(json.dumps({"version": 0}), encoding="utf-8")
    with pytest.raises(ValueError, match="is a run of version 0, this program knows version 1"):
        reproduce(tmp_path, TINY, inputs, COMMAND, resume=True)
    (tmp_path / "run.json").rename(tmp_path / "other.json")
    with pytest.raises(ValueError, match=r"not empty and holds no run\.json"):
        reproduce(tmp_path, TINY, inputs, COMMAND)


def test_frames_are_averaged_in_blocks(inputs: Inputs) -> None:
    assert inputs.frames is not None
    assert inputs.truth is not None
    frames = read_frames(inputs.frames, inputs.truth)
    whole = frames[0][1]
    (coarse, _) = frame_maps(frames, replace(TINY, pixel_size=400.0, size=128).encoding("half"))
    blocks = whole.displacement.reshape(256, 2, 256, 2).mean(axis=(1, 3))
    assert_allclose(coarse.displacement, blocks, atol=1e-7)
    assert_allclose(coarse.peaks, [[127.5, 127.5]], atol=1e-3)
    with pytest.raises(ValueError, match="pixel_size 300 m is no whole multiple of 200 m"):
        frame_maps(frames, replace(TINY, pixel_size=300.0).encoding("half"))


def test_maps_come_back_from_the_run_folder(inputs: Inputs, tmp_path: Path) -> None:
    assert inputs.frames is not None
    assert inputs.truth is not None
    made = frame_maps(read_frames(inputs.frames, inputs.truth), TINY.encoding("half"))
    save_maps(tmp_path / "maps.npz", made)
    for before, after in zip(made, load_maps(tmp_path / "maps.npz"), strict=True):
        assert_array_equal(before.displacement, after.displacement)
        assert_array_equal(before.peaks, after.peaks)
        assert (before.name, before.place, before.rate) == (after.name, after.place, after.rate)


def test_backgrounds_are_cut_without_overlap(finished: Path) -> None:
    kept = load_backgrounds(finished / "data/backgrounds.npz")
    assert len(kept) == TINY.backgrounds
    assert len({(b.longitude, b.latitude) for b in kept}) == TINY.backgrounds


def test_labels_and_frames_must_match(inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    write_map(tmp_path / "frames" / "one.tif", volcano_at(-67.0, -22.0))
    write_truth(tmp_path / "truth.csv", [["two", "frames/two.tif", 0, "", "", "", ""]])
    with pytest.raises(ValueError, match=r"labels without frames: .* names two"):
        read_frames(tmp_path / "frames", tmp_path / "truth.csv")
    write_map(tmp_path / "frames" / "two.tif", volcano_at(-67.0, -23.0))
    with pytest.raises(ValueError, match=r"frames without labels: one\.tif"):
        read_frames(tmp_path / "frames", tmp_path / "truth.csv")


@pytest.mark.parametrize(
    ("shape", "pixel_size", "hole", "message"),
    [
        (300, 200.0, 0, "'one' has 300 x 300 pixels of 200 m: a frame has 512 x 512"),
        (512, 210.0, 0, "'one' has 512 x 512 pixels of 210 m: a frame has .* pixels of 200 m"),
        (512, 200.0, 27, r"'one' lacks 5\.3% of its pixels: a frame lacks at most 5%"),
        (512, 200.0, 25, None),
    ],
)
def test_frames_of_another_form_are_refused(
    tmp_path: Path, shape: int, pixel_size: float, hole: int, message: str | None
) -> None:
    (tmp_path / "frames").mkdir()
    velocity = np.full((shape, shape), 1e-3, dtype=np.float32)
    velocity[:hole] = np.nan
    grid = Grid.around(-67.0, -22.0, (shape, shape), pixel_size=pixel_size)
    write_map(tmp_path / "frames" / "one.tif", VelocityMap(velocity, grid, 5.0))
    write_truth(tmp_path / "truth.csv", [["one", "frames/one.tif", 0, "", "", "", ""]])
    refused = pytest.raises(ValueError, match=message) if message else nullcontext()
    with refused:
        read_frames(tmp_path / "frames", tmp_path / "truth.csv")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((-67.6, -22.0), "'map' holds the volcano of 'loud' at longitude -67, latitude -22"),
        ((-66.0, -22.0), "'map' overlaps the test frame 'loud'"),
    ],
)
def test_background_that_fine_tuning_must_not_see(
    inputs: Inputs, place: tuple[float, float], message: str
) -> None:
    assert inputs.frames is not None
    assert inputs.truth is not None
    frames, truth = read_frames(inputs.frames, inputs.truth), read_truth(inputs.truth)
    refuse_all([quiet_at(-72.0, -30.0)], frames, truth)
    with pytest.raises(ValueError, match=message):
        refuse_all([quiet_at(*place)], frames, truth)


def test_volcanoes_of_maps_elsewhere_count_too(inputs: Inputs, tmp_path: Path) -> None:
    """A row of the truth table whose map lies in another folder is not a frame of the test."""
    assert inputs.frames is not None
    (tmp_path / "frames").mkdir()
    shutil.copy(inputs.frames / "still.tif", tmp_path / "frames")
    write_map(tmp_path / "other.tif", volcano_at(-72.0, -30.0))
    rows = [
        ["still", "frames/still.tif", 0, "", "", "", ""],
        ["other", "other.tif", 1, "-72.0 -30.0 6", "", "", ""],
    ]
    table = tmp_path / "truth.csv"
    write_truth(table, rows)
    frames, truth = read_frames(tmp_path / "frames", table), read_truth(table)
    assert [row.map for row, _ in frames] == ["still"]
    with pytest.raises(ValueError, match="'map' holds the volcano of 'other' at longitude -72"):
        refuse_all([quiet_at(-72.1, -30.0)], frames, truth)


def test_too_little_background_is_refused(inputs: Inputs) -> None:
    assert inputs.background is not None
    encoding = TINY.encoding("half")
    patches = background_patches(background_maps(inputs.background), encoding)
    assert len(backgrounds_of(patches, encoding, 16, 0)) == 16
    with pytest.raises(ValueError, match=r"hold 16 patches .* need 836: .*backgrounds = 16"):
        backgrounds_of(patches, encoding, 836, 0)


def noise_over(west: float, east: float, pixel: float = 0.01, south: float = 40.3) -> VelocityMap:
    """A map of 1.6 degrees from south to north, in degrees as the Anatolian frames are."""
    shape = (round(1.6 / pixel), round((east - west) / pixel))
    rng = np.random.default_rng(round(10 * west))
    grid = Grid(shape, Affine(pixel, 0, west, 0, -pixel, south + 1.6), CRS.from_epsg(4326))
    return VelocityMap(rng.normal(0, 1e-3, shape).astype(np.float32), grid, 5.0)


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    """Folder of two tracks over one ground of both halves of the split, table one above it."""
    folder = tmp_path / "given" / "tracks"
    folder.mkdir(parents=True)
    for name, west in (("one", 31.4), ("two", 31.7)):
        write_map(folder / f"{name}.tif", noise_over(west, 35.0))
    rows = [[name, f"tracks/{name}.tif", 0, "", "", "", ""] for name in ("one", "two")]
    write_truth(folder.parent / "truth.csv", [*rows, ["loud", "loud.tif", 1, "0 0 5", "", "", ""]])
    return folder


def test_tuning_half_is_background_and_testing_half_takes_sources(
    tracks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One folder of maps serves both; without frames the analogue ones are simulated."""
    monkeypatch.setattr("bradyseism.workflows.reproduce.pretrained", interrupt)
    settings = replace(TINY, backgrounds=6, frames=(0,))
    given = Inputs(background=tracks, injection=tracks)
    with pytest.raises(KeyboardInterrupt, match="before training"):
        reproduce(tmp_path / "run", settings, given, COMMAND)
    kept = load_backgrounds(tmp_path / "run/data/backgrounds.npz")
    assert len(kept) == 6
    assert {one.origin for one in kept} <= {"one", "two"}
    assert max(one.longitude for one in kept) < 33.0
    hosts = load_maps(tmp_path / "run/data/injection.npz")
    assert min(one.longitude for one in hosts) > 33.6
    assert len(load_maps(tmp_path / "run/data/frames.npz")) == 1
    assert not (tmp_path / "run/analogue/background").exists()


def test_windows_of_both_halves_share_no_pixel_in_the_north() -> None:
    """There the strip between the halves is narrower than a patch."""
    encoding = TINY.encoding("half")
    left_out = 0
    for west in np.arange(32.63, 32.73, 0.01):  # a patch's width in the south, and a little more
        patches = background_patches([noise_over(west, west + 0.64, south=41.0)], encoding)
        left_out += not patches
        refuse_overlap(patches, [("injection frame", noise_over(33.29, 34.0, south=41.0))])
    assert 0 < left_out < 10


def test_background_shares_no_ground_with_any_test(tracks: Path) -> None:
    encoding = TINY.encoding("half")
    free = background_patches([noise_over(36.5, 38.5)], encoding)
    assert len(free) == 9  # outside the region of the split
    far, near = noise_over(38.6, 40.0), noise_over(38.0, 40.0)
    refuse_overlap(free, [("field map", far)])
    for words in ("injection frame", "field map"):
        message = f"background 'map' overlaps the {words} 'near': fine-tuning must not see"
        with pytest.raises(ValueError, match=message):
            refuse_overlap(free, [(words, replace(near, name="near"))])
    # Judged by patch: the other half of a map that is tested on is free ground.
    halves = background_patches(background_maps(tracks), encoding)
    refuse_overlap(halves, [("injection frame", noise_over(33.31, 35.0))])


@pytest.mark.parametrize("given", ["injection", "field"])
def test_background_that_is_tested_on_is_refused(
    inputs: Inputs, tmp_path: Path, given: str
) -> None:
    assert inputs.background is not None
    table = inputs.background.parent / "away.csv"
    write_truth(table, [["away", "background/away.tif", 0, "", "", "", ""]])
    words = {"injection": "injection frame 'away:", "field": "field map 'away'"}[given]
    with pytest.raises(ValueError, match=f"background 'away' overlaps the {words}"):
        reproduce(tmp_path / "run", TINY, replace(inputs, **{given: table}), COMMAND)
    assert not (tmp_path / "run/data/backgrounds.npz").exists()


def test_background_is_named_by_a_folder_or_by_a_truth_table(inputs: Inputs, tracks: Path) -> None:
    assert inputs.background is not None
    for source in (tracks, tracks.parent, tracks.parent / "truth.csv"):
        assert [one.name for one in background_maps(source)] == ["one", "two"]
    assert len(background_maps(inputs.background)) == 1  # the table above it names other maps


def test_frames_of_one_ground_are_one_place(tracks: Path) -> None:
    encoding = TINY.encoding("half")
    frames = injection_frames(tracks, encoding)
    made, _ = injection_maps(frames, encoding, 4, 0)
    blocks = ground_blocks(frames, 51_200.0)
    assert len(set(blocks)) < 0.5 * len(frames)
    assert [one.place for one in made[: len(frames)]] == [f"block {number}" for number in blocks]
    hosts = {one.name: one.place for one in made[: len(frames)]}
    assert all(hosts[one.name] == one.place for one in made[len(frames) :])


def test_field_maps_of_one_ground_are_one_place() -> None:
    names = {"first": 31.0, "apart": 36.0, "second": 33.0, "between": 32.0}
    found = [
        (TruthRow(name, Path(name), False, (), (), {}), noise_over(west, west + 1.5))
        for name, west in names.items()
    ]
    places = {one.name: one.place for one in field_maps(found, TINY.encoding("half"))}
    assert len({places[name] for name in ("first", "second", "between")}) == 1
    assert places["apart"] == "apart"


def test_missing_inputs_are_named(inputs: Inputs, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without background: give a folder"):
        reproduce(tmp_path / "a", TINY, replace(inputs, background=None), COMMAND)
    with pytest.raises(ValueError, match="give both, or neither"):
        reproduce(tmp_path / "b", TINY, replace(inputs, truth=None), COMMAND)


def test_inputs_are_hashed_and_changed_ones_are_refused(inputs: Inputs, tmp_path: Path) -> None:
    """Before the maps were read a mended input is welcome; afterwards it must stay as it was."""
    source = tmp_path / "mine"
    shutil.copytree(inputs.frames.parent, source)  # type: ignore[union-attr]
    given = Inputs(source / "frames", source / "truth.csv", source / "background")
    folder, spoilt = tmp_path / "run", source / "frames" / "spoilt.tif"
    spoilt.write_bytes(b"no map")
    with pytest.raises(ValueError, match=r"frames without labels: spoilt\.tif"):
        reproduce(folder, TINY, given, COMMAND)
    spoilt.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bradyseism.workflows.reproduce.pretrained", interrupt)
        with pytest.raises(KeyboardInterrupt, match="before training"):
            reproduce(folder, TINY, given, COMMAND, resume=True)
    hashes = read_run(folder)["inputs_sha256"]
    assert {name: set(files) for name, files in hashes.items()} == {
        "frames": {"frames/loud.tif", "frames/still.tif"},
        "truth": {"truth.csv"},
        "background": {"background/away.tif"},
    }
    content = (source / "truth.csv").read_bytes()
    assert hashes["truth"]["truth.csv"] == hashlib.sha256(content).hexdigest()
    (source / "truth.csv").write_bytes(content.replace(b"15.0", b"16.0"))
    with pytest.raises(ValueError, match=r"truth\.csv of the truth was changed since the run in"):
        reproduce(folder, TINY, given, COMMAND, resume=True)
    (source / "truth.csv").write_bytes(content)
    (source / "background" / "new.tif").write_bytes(b"")
    with pytest.raises(ValueError, match=r"background/new\.tif of the background was added"):
        reproduce(folder, TINY, given, COMMAND, resume=True)
    (source / "background" / "new.tif").unlink()
    (source / "frames" / "still.tif").rename(source / "still.tif")
    with pytest.raises(ValueError, match=r"frames/still\.tif of the frames was removed"):
        reproduce(folder, TINY, given, COMMAND, resume=True)


def test_run_of_before_hashes_and_channels_goes_on(
    finished: Path, inputs: Inputs, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    record = read_run(folder)
    del record["inputs_sha256"], record["settings"]["channels"]
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    reproduce(folder, TINY, inputs, COMMAND, resume=True)
    assert "inputs_sha256" not in read_run(folder)
    with pytest.raises(ValueError, match=r"settings\.channels 3 differs from 1 of the run"):
        reproduce(folder, replace(TINY, channels=3), inputs, COMMAND, resume=True)


def test_a_table_counts_with_the_maps_that_it_names(inputs: Inputs, tmp_path: Path) -> None:
    assert inputs.frames is not None
    (tmp_path / "maps" / "stack").mkdir(parents=True)
    for name in ("one.tif", "one.E.tif", "onerous.tif", "stack/vel.tif", "stack/.hidden"):
        (tmp_path / "maps" / name).write_bytes(name.encode())
    rows = [["one", "maps/one.tif", 0, "", "", "", ""], ["two", "maps/stack", 0, "", "", "", ""]]
    write_truth(tmp_path / "truth.csv", [*rows, ["gone", "maps/gone.tif", 0, "", "", "", ""]])
    hashes = input_hashes({"field": tmp_path / "truth.csv"})
    names = {"truth.csv", "maps/one.tif", "maps/one.E.tif", "maps/stack/vel.tif"}
    assert set(hashes["field"]) == names


def test_learning_rates_are_tried_once_and_diverged_ones_left(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lowest finite loss is taken; a run that is taken up again reads what was found."""
    tried: list[float] = []

    def fit(*arguments: object) -> training_loop.FitResult:
        settings, folder = arguments[3:]
        assert isinstance(settings, TrainingSettings)
        assert isinstance(folder, Path)
        tried.append(settings.learning_rate)
        folder.mkdir(parents=True)
        (folder / "last.ckpt").touch()
        return training_loop.FitResult(losses[settings.learning_rate], 1, folder, ())

    losses = {0.3: float("nan"), 0.1: 0.7, 0.01: 0.2, 0.001: 0.5}
    monkeypatch.setattr(reproduce_learning, "fit", fit)
    settings = replace(TINY, rates=tuple(losses), trial=0.5)
    study = reproduce_learning.Study(reproduce_learning.RunFolder(tmp_path), settings, "half")
    training, validation = study.synthetic().split()
    for _ in range(2):
        rate = reproduce_learning.chosen_rate(study, "compact", training, validation, tmp_path)
        assert rate == 0.01
    assert tried == list(losses)
    assert not list(tmp_path.rglob("*.ckpt"))
    losses = dict.fromkeys(losses, float("nan"))
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match=r"none of the learning rates \[0\.3, .* finite"):
        reproduce_learning.chosen_rate(study, "compact", training, validation, tmp_path / "other")


def test_sizes_hold_what_the_paper_holds() -> None:
    full = SIZES["full"]
    assert (full.samples, full.backgrounds, full.size, full.pixel_size) == (330_834, 836, 256, 200)
    assert full.loop.patience == 10 * full.loop.checks
    assert (full.loop.precision, full.loop.checks) == ("bf16-mixed", 4)
    for settings in SIZES.values():
        assert settings.network == "inception_resnet_v2"
        assert settings.size * settings.pixel_size == 51_200
    assert len(SIZES["cpu"].seeds) == 3


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"network": "lenet"}, "network 'lenet' is not known"),
        ({"size": 64}, "size 64 px is below 75 px"),
        ({"cycles": ("double",)}, "cycles .*double.* are not all of half, whole"),
        ({"samples": 3}, "samples 3 is outside 20 to 330834"),
        ({"backgrounds": 4}, "backgrounds 4 are too few"),
        ({"backgrounds": 5}, "backgrounds 5 are too few .* give at least 6"),
        ({"seeds": ()}, "give at least one seed"),
    ],
)
def test_bad_settings_are_refused(field: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReproduceSettings(**field)  # type: ignore[arg-type]
