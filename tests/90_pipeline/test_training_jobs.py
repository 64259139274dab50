"""Training from seeds, fine-tuning on maps: each ends in a model that the plain install runs."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

torch = pytest.importorskip("torch")

from bradyseism.detection.calibration import Calibration  # noqa: E402
from bradyseism.detection.prior import MAP_PRIOR  # noqa: E402
from bradyseism.detection.runtime import Detector  # noqa: E402  (after the skip)
from bradyseism.evaluation.certainty import CertaintySettings  # noqa: E402
from bradyseism.evaluation.pooling_fit import PoolingSettings  # noqa: E402
from bradyseism.maps.readers import ReadOptions  # noqa: E402
from bradyseism.models.checkpoint import load  # noqa: E402
from bradyseism.samples.encoding import WrappedPatch  # noqa: E402
from bradyseism.samples.windows import WindowSet  # noqa: E402
from bradyseism.scenes.synthesis import SceneSettings  # noqa: E402
from bradyseism.workflows.card import CardSettings  # noqa: E402
from bradyseism.workflows.paper import (  # noqa: E402
    FinetuneSettings,
    PaperSettings,
    finetune_paper,
    train_paper,
)
from bradyseism.workflows.shipped import ShippedSettings, train_shipped  # noqa: E402
from bradyseism.workflows.simulation import write_scenes  # noqa: E402
from bradyseism.workflows.teaching import LOOKS, log_odds, taught_labels  # noqa: E402

pytestmark = pytest.mark.torch
COMMAND = {"command": "pytest", "commit": "none"}


def shipped_settings() -> ShippedSettings:
    settings = ShippedSettings(training=96, validation=48, calibration=48, processes=1)
    few = CertaintySettings(
        lengths=(3.0, 6.0), nuggets=(0.0,), valid=(1.0,), maps=12, widths=(0.2,),
        ratios=(2.0, 32.0), sources=10,
    )  # fmt: skip
    loop, teachers = (
        replace(one, epochs=1, batch_size=32) for one in (settings.loop, settings.teachers_loop)
    )
    measured = CardSettings(PoolingSettings(sides=(96,), backgrounds=15), few, 20, processes=1)
    return replace(
        settings, loop=loop, teacher="compact", teachers_loop=teachers, measured=measured
    )


def test_the_shipped_weights_and_the_shipped_onnx_are_one_model() -> None:
    model, card = load(str(files("bradyseism.models") / "shipped.safetensors"))
    detector = Detector.load()
    assert card["name"] == detector.name
    windows = np.random.default_rng(0).normal(0, 1e-3, (5, 64, 64))
    with torch.inference_mode():
        output = model(torch.from_numpy(detector.encoding.encode(windows)))
    prediction = detector.predict(windows, with_features=True)
    assert_allclose(prediction.logit, output.logit.numpy(), atol=1e-4)
    assert_allclose(prediction.features, output.features.numpy(), atol=1e-4)


def test_the_shipped_card_says_how_it_came_about() -> None:
    card = Detector.load().card
    for key in ("command", "commit", "data", "settings", "metrics_simulated", "limits", "history"):
        assert card[key]
    assert card["calibration"]["prior"] == MAP_PRIOR


def test_training_the_shipped_detector_from_nothing(tmp_path: Path) -> None:
    card = train_shipped(tmp_path, shipped_settings(), provenance=COMMAND)
    detector = Detector.load(tmp_path / "shipped.onnx")
    assert json.loads((tmp_path / "shipped.json").read_text()) == card == detector.card
    assert detector.calibration.prior == card["prior"]["per_map"] == MAP_PRIOR
    quiet, moving = card["pooling"]["maps"]
    assert 12 <= quiet == moving <= 15  # but for those whose gaps hide the source
    assert np.shape(card["false_alarm"]["log_odds"])[:3] == (2, 1, 1)
    assert np.shape(card["detectable"]["ratios"]) == (2, 1, 4)
    assert 0 < card["reliability"]["balanced"]["expected_calibration_error"][0] < 1
    assert "## Limits" in (tmp_path / "shipped.md").read_text()
    teacher, _ = load(tmp_path / "teacher.safetensors")
    assert (teacher.name, load(tmp_path / "shipped.safetensors")[0].name) == ("compact", "light")
    assert card["teacher"]["name"].endswith("(compact)")
    (taught,) = tmp_path.glob("taught-*.npy")
    assert np.load(taught).shape == (96,)


def test_a_label_is_partly_its_own_and_partly_its_teachers(tmp_path: Path) -> None:
    weights = Path(str(files("bradyseism.models") / "shipped.safetensors"))
    scenes = SceneSettings(shape=(64, 64))
    samples = WindowSet(5, 12, scenes).chunk(0, 12)
    kept = tmp_path / "said.npy"
    half, own = (taught_labels(samples, weights, trust, kept) for trust in (0.5, 0.0))
    assert_allclose(own, samples.labels)
    model, card = load(weights)
    probability = Calibration(**card["calibration"]).balanced(
        log_odds(model, samples.images, LOOKS)
    )
    assert_allclose(half, 0.5 * samples.labels + 0.5 / (1 + np.exp(-probability)), atol=1e-6)
    # A turned window says the same as the window: the place of its looks is forgotten.
    turned = np.ascontiguousarray(np.rot90(samples.images, 2, (2, 3)))
    assert_allclose(
        log_odds(model, turned, (0, 2)), log_odds(model, samples.images, (0, 2)), atol=1e-3
    )
    # What was said is read again, not asked for.
    np.save(kept, np.zeros(12, np.float32))
    again = taught_labels(samples, weights, 1.0, kept)
    assert np.ptp(again) == 0
    assert again[0] == pytest.approx(1 / (1 + np.exp(-card["calibration"]["offset"])), abs=1e-6)


@pytest.mark.slow
def test_windows_that_are_there_are_not_simulated_again(tmp_path: Path) -> None:
    card = train_shipped(tmp_path, shipped_settings(), provenance=COMMAND)
    windows = sorted((tmp_path / "windows").iterdir())
    stamps = [path.stat().st_mtime_ns for path in windows]
    again = train_shipped(tmp_path, shipped_settings(), provenance=COMMAND)
    assert [path.stat().st_mtime_ns for path in windows] == stamps
    assert again["calibration"] == card["calibration"]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    settings = PaperSettings(network="compact", samples=60, size=64, pixel_size=800.0)
    loop = replace(settings.loop, epochs=1, batch_size=16, workers=0)
    train_paper(folder, replace(settings, loop=loop), provenance=COMMAND)
    return folder


@pytest.fixture(scope="module")
def quiet_maps(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    scenes = SceneSettings(shape=(256, 256), pixel_sizes=(400.0,), volcanic=0.0)
    return write_scenes(tmp_path_factory.mktemp("quiet"), seed=3, count=5, settings=scenes)


def test_finetuning_changes_the_last_layer_only(
    paper: Path, quiet_maps: list[Path], tmp_path: Path
) -> None:
    settings = FinetuneSettings(approach="last")
    settings = replace(settings, loop=replace(settings.loop, epochs=2, learning_rate=1e-2))
    card = finetune_paper(
        tmp_path,
        paper / "model.safetensors",
        quiet_maps,
        ReadOptions(),
        settings,
        provenance=COMMAND,
    )
    before, after = (
        load(folder / "model.safetensors")[0].state_dict() for folder in (paper, tmp_path)
    )
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"head.last.weight", "head.last.bias"}
    detector = Detector.load(tmp_path / "model.onnx")
    assert isinstance(detector.encoding, WrappedPatch)
    assert detector.name == card["name"] == "paper-compact-ft1-last"


def test_a_model_without_a_place_head_places_by_grad_cam(paper: Path) -> None:
    detector = Detector.load(paper / "model.onnx")
    prediction = detector.predict(np.random.default_rng(0).normal(0, 0.01, (3, 64, 64)))
    assert_allclose(prediction.place.sum(axis=(1, 2)), 1.0, rtol=1e-5)
    assert prediction.features is None


def test_finetuning_refuses_what_is_not_of_wrapped_patches(
    quiet_maps: list[Path], tmp_path: Path
) -> None:
    weights = Path(str(files("bradyseism.models") / "shipped.safetensors"))
    with pytest.raises(ValueError, match="does not take wrapped patches"):
        finetune_paper(
            tmp_path, weights, quiet_maps, ReadOptions(), FinetuneSettings(), provenance=COMMAND
        )


def test_finetuning_refuses_too_little_background(
    paper: Path, quiet_maps: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="background patches are too few"):
        finetune_paper(
            tmp_path,
            paper / "model.safetensors",
            quiet_maps[:1],
            ReadOptions(),
            FinetuneSettings(),
            provenance=COMMAND,
        )
