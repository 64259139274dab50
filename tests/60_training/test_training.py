"""The loop: loss, order, resumption, frozen layers."""

import math
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn import functional

from bradyseism.models.network import Output, build
from bradyseism.training import checkpoints, learner, loop, stages
from bradyseism.training.approaches import Approach
from bradyseism.training.data import ArrayDataset, EpochSampler, IndexedDataset
from bradyseism.training.loop import TrainingSettings, fit

SETTINGS = TrainingSettings(epochs=4, batch_size=16, learning_rate=1e-2, threads=1, augment=True)


class Tiny(nn.Module):
    """A network that trains in milliseconds, with batch norm and dropout."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.features = nn.Sequential(nn.Conv2d(1, 8, 5, 4, 2), nn.BatchNorm2d(8), nn.ReLU())
            self.place = nn.Conv2d(8, 1, 1)
            self.last = nn.Linear(8, 1)

    def forward(self, images):
        features = self.features(images)
        pooled = functional.dropout(features.amax(dim=(2, 3)), 0.2, self.training)
        return Output(self.last(pooled).squeeze(1), features, self.place(features).squeeze(1))


def blobs(count, seed, channels=1):
    """Noise; every second image holds a square in one of 4 x 4 cells."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(count, channels, 16, 16)).astype(np.float32)
    labels = np.arange(count) % 2
    places = np.where(labels == 1, rng.integers(16, size=count), -1)
    for image, label, place in zip(images, labels, places, strict=True):
        if label:
            row, column = 4 * (place // 4), 4 * (place % 4)
            image[0, row : row + 4, column : column + 4] += 4
    return ArrayDataset(images, labels, places)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed(model, before):
    return {name for name, value in model.state_dict().items() if not value.equal(before[name])}


class Interruption(Exception):
    pass


class Interrupting(ArrayDataset):
    """Raises at its n-th sample, as a machine that goes down."""

    left = 0

    def __getitem__(self, index):
        self.left -= 1
        if self.left == 0:
            raise Interruption("went down")
        return super().__getitem__(index)


def test_learns_what_and_where(tmp_path):
    settings = TrainingSettings(epochs=25, batch_size=16, learning_rate=2e-2, threads=1)
    result = fit(Tiny(), blobs(160, 0), blobs(80, 1), settings, tmp_path)
    best = min(result.history, key=lambda row: row["loss"])
    assert best["loss"] == result.loss
    assert best["auc"] > 0.95
    assert best["place_accuracy"] > 0.9
    assert result.weights.is_file()
    rows = (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + result.epochs
    assert rows[0].startswith("epoch,training_loss,loss,accuracy,auc,place_accuracy")


def test_same_seed_same_weights_another_seed_others(tmp_path):
    models = [Tiny() for _ in range(3)]
    for number, (model, seed) in enumerate(zip(models, (0, 0, 1), strict=True)):
        settings = TrainingSettings(epochs=1, batch_size=16, threads=1, seed=seed)
        fit(model, blobs(48, 0), blobs(16, 1), settings, tmp_path / str(number))
    assert not changed(models[0], weights(models[1]))
    assert changed(models[0], weights(models[2]))


@pytest.mark.parametrize("sections", [{}, {"checks": 2}, {"checks": 2, "checkpoint_steps": 1}])
def test_resumed_run_equals_undisturbed_run(tmp_path, sections):
    settings = replace(SETTINGS, **sections)
    whole, broken, resumed = Tiny(), Tiny(), Tiny()
    undisturbed = fit(whole, blobs(64, 0), blobs(32, 1), settings, tmp_path / "whole")
    falling = blobs(64, 0)
    falling.__class__ = Interrupting
    falling.left = 2 * 64 + 24  # in the third epoch
    with pytest.raises(Interruption, match="went down"):
        fit(broken, falling, blobs(32, 1), settings, tmp_path / "broken")
    # What the broken process had in memory is lost: a fresh model goes on from the disk.
    again = fit(resumed, blobs(64, 0), blobs(32, 1), settings, tmp_path / "broken")
    assert not changed(resumed, weights(whole))
    assert (again.loss, again.epochs) == (undisturbed.loss, undisturbed.epochs)
    last = [
        torch.load(tmp_path / folder / "last.ckpt", weights_only=True)["state_dict"]
        for folder in ("whole", "broken")
    ]
    assert all(value.equal(last[1][name]) for name, value in last[0].items())
    assert len(again.history) == 4 * settings.checks
    for before, after in zip(undisturbed.history, again.history, strict=True):
        assert_allclose(after["training_loss"], before["training_loss"], rtol=1e-12)


KILLED = """
import os, signal, sys
import numpy as np
from bradyseism.models.network import build
from bradyseism.training.data import ArrayDataset
from bradyseism.training.loop import TrainingSettings, fit

class Dying(ArrayDataset):
    left = int(sys.argv[2])

    def __getitem__(self, index):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)

rng = np.random.default_rng(0)
images = rng.normal(size=(48, 1, 16, 16)).astype(np.float32)
settings = TrainingSettings(epochs=2, batch_size=8, threads=1, augment=True, checkpoint_steps=2)
model = build("compact", 1)
fit(model, Dying(images, np.arange(48) % 2), ArrayDataset(images, np.arange(48) % 2), settings,
    sys.argv[1])
print(sum(float(value.double().sum()) for value in model.state_dict().values()).hex())
"""


@pytest.mark.slow
def test_killed_process_ends_with_the_same_weights(tmp_path):
    def run(folder, dies_at):
        command = [sys.executable, "-c", KILLED, str(tmp_path / folder), str(dies_at)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)

    whole = run("whole", -1)
    assert whole.returncode == 0, whole.stderr
    assert run("killed", 48 + 29).returncode == -signal.SIGKILL
    last = torch.load(tmp_path / "killed" / loop.LAST, weights_only=True)
    assert last["global_step"] == 8  # in the middle of the second epoch
    assert run("killed", -1).stdout == whole.stdout


def test_ctrl_c_leaves_what_was_done(tmp_path):
    class Interrupted(Interrupting):
        def __getitem__(self, index):
            try:
                return super().__getitem__(index)
            except Interruption:
                raise KeyboardInterrupt("in the loader") from None

    falling = blobs(64, 0)
    falling.__class__ = Interrupted
    falling.left = 64 + 24
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="in the loader"):
        fit(Tiny(), falling, blobs(32, 1), SETTINGS, tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler
    assert torch.load(tmp_path / loop.LAST, weights_only=True)["global_step"] == 4
    assert fit(Tiny(), blobs(64, 0), blobs(32, 1), SETTINGS, tmp_path).epochs == 4


def test_full_disk_costs_no_older_checkpoint(tmp_path, monkeypatch):
    fit(Tiny(), blobs(32, 0), blobs(16, 1), replace(SETTINGS, epochs=1), tmp_path / "run")
    before = (tmp_path / "run" / loop.LAST).read_bytes()

    def full(content, path):
        path.write_bytes(b"begin")
        raise RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"last\.ckpt: .*failed writing.*free space"):
        checkpoints.AtomicCheckpoints().save_checkpoint({}, tmp_path / "run" / loop.LAST)
    assert (tmp_path / "run" / loop.LAST).read_bytes() == before
    assert len(list((tmp_path / "run").iterdir())) == 3


def test_early_stopping_looks_each_quarter_of_an_epoch(tmp_path):
    settings = TrainingSettings(
        epochs=50, batch_size=4, learning_rate=0.3, schedule="constant", patience=3, checks=4,
        threads=1,
    )  # fmt: skip
    result = fit(Tiny(), blobs(32, 0), blobs(16, 1), settings, tmp_path)
    losses = [row["loss"] for row in result.history]
    assert len(losses) - 1 - int(np.argmin(losses)) == 3
    assert_allclose([row["epoch"] for row in result.history[:5]], [0, 0.25, 0.5, 0.75, 1])
    assert result.epochs == len(losses) / 4
    # A run that had stopped does not begin again.
    again = fit(Tiny(), blobs(32, 0), blobs(16, 1), settings, tmp_path)
    assert again.history == result.history


def test_only_one_checkpoint_holds_the_optimiser(tmp_path):
    fit(Tiny(), blobs(32, 0), blobs(16, 1), SETTINGS, tmp_path)
    best, last = (torch.load(tmp_path / name, weights_only=True) for name in (loop.BEST, loop.LAST))
    assert "optimizer_states" not in best
    assert "optimizer_states" in last


def test_log_for_tensorboard(tmp_path):
    settings = replace(SETTINGS, epochs=2, tensorboard=True)
    fit(Tiny(), blobs(32, 0), blobs(16, 1), settings, tmp_path)
    content = b"".join(path.read_bytes() for path in (tmp_path / "tensorboard").iterdir())
    for tag in (b"validation_loss", b"training_loss", b"accuracy"):
        assert tag in content


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_full_disk_ends_the_log_for_tensorboard_and_does_not_hang(tmp_path, monkeypatch):
    """The thread that writes dies of it, and takes no more than ten numbers that wait."""

    def full(*_):
        raise OSError(28, "No space left on device")

    log = checkpoints.TensorBoardLog(tmp_path, name="", version="tensorboard")
    writes = log.experiment.file_writer.event_writer._worker
    monkeypatch.setattr("tensorboardX.record_writer.RecordWriter.write", full)
    log.log_metrics({"loss": 0.5}, 0)
    writes.join(10)
    with pytest.raises(OSError, match=r"cannot write .*tensorboard: the disk is full"):
        log.log_metrics({"loss": 0.4}, 1)


def test_mixed_precision_trains(tmp_path):
    settings = TrainingSettings(
        epochs=1, batch_size=16, threads=1, precision="bf16-mixed", accelerator="cpu"
    )
    assert math.isfinite(fit(Tiny(), blobs(32, 0), blobs(16, 1), settings, tmp_path).loss)


def test_finished_run_is_not_run_again(tmp_path):
    first = fit(Tiny(), blobs(32, 0), blobs(16, 1), SETTINGS, tmp_path)
    model = Tiny()
    assert fit(model, blobs(32, 0), blobs(16, 1), SETTINGS, tmp_path) == first
    assert changed(model, weights(Tiny()))


def test_resuming_refuses_other_settings_and_other_models(tmp_path):
    fit(Tiny(), blobs(32, 0), blobs(16, 1), SETTINGS, tmp_path)
    other = TrainingSettings(epochs=4, batch_size=16, learning_rate=1e-3, threads=1, augment=True)
    with pytest.raises(ValueError, match=r"learning_rate 0\.001 differs from 0\.01"):
        fit(Tiny(), blobs(32, 0), blobs(16, 1), other, tmp_path)
    with pytest.raises(ValueError, match="belongs to another model"):
        fit(build("compact", 1), blobs(32, 0), blobs(16, 1), SETTINGS, tmp_path)


@pytest.mark.parametrize("other", [33, 32])
def test_resuming_refuses_other_samples(tmp_path, other):
    fit(Tiny(), blobs(32, 0), blobs(16, 1), SETTINGS, tmp_path)
    with pytest.raises(ValueError, match=f"the {other} training samples differ from the 32"):
        fit(Tiny(), blobs(other, 5), blobs(16, 1), SETTINGS, tmp_path)


def test_a_training_that_diverges_is_no_success(tmp_path):
    wild = replace(SETTINGS, learning_rate=1e30, gradient_norm=1e30)
    with pytest.raises(ValueError, match=r"none of \d checks had a finite loss: .* under 1e\+30"):
        fit(Tiny(), blobs(32, 0), blobs(16, 1), wild, tmp_path)


def test_stops_early_and_keeps_the_best(tmp_path):
    settings = TrainingSettings(
        epochs=50, batch_size=8, learning_rate=0.3, schedule="constant", patience=2, threads=1
    )
    training, validation = blobs(16, 0), blobs(16, 1)
    model = Tiny()
    result = fit(model, training, validation, settings, tmp_path)
    losses = [row["loss"] for row in result.history]
    assert result.epochs < 50
    assert len(losses) - 1 - int(np.argmin(losses)) == 2
    batch = torch.utils.data.default_collate([validation[i] for i in range(16)])
    with torch.inference_mode():
        output = model(batch["image"])
    loss = functional.binary_cross_entropy_with_logits(output.logit, batch["label"])
    loss += 0.5 * learner.place_losses(output.place, batch["place"]).mean()
    assert_allclose(loss, result.loss, rtol=1e-5)


def test_threads_are_given_back(tmp_path):
    before = torch.get_num_threads()
    settings = TrainingSettings(epochs=1, threads=before + 1)
    fit(Tiny(), blobs(16, 0), blobs(16, 1), settings, tmp_path)
    assert torch.get_num_threads() == before


def test_empty_set_is_refused(tmp_path):
    empty = ArrayDataset(np.zeros((0, 1, 16, 16)), np.zeros(0))
    with pytest.raises(ValueError, match="holds 0 samples"):
        fit(Tiny(), empty, blobs(16, 1), SETTINGS, tmp_path)


def test_single_last_sample_does_not_break_batch_norm(tmp_path):
    settings = TrainingSettings(epochs=1, batch_size=16, threads=1)
    result = fit(Tiny(), blobs(17, 0), blobs(17, 1), settings, tmp_path)
    assert math.isfinite(result.loss)


@pytest.mark.parametrize("symmetry", range(8))
def test_place_turns_with_its_image(symmetry):
    for place in range(16):
        cells = torch.zeros(1, 1, 4, 4)
        cells[0, 0, place // 4, place % 4] = 1
        image = cells.repeat_interleave(4, 2).repeat_interleave(4, 3)
        turned = functional.avg_pool2d(learner.turned(image, symmetry), 4)
        after = learner.turned_places(torch.tensor([place, -1]), torch.Size((4, 4)), symmetry)
        assert after.tolist() == [int(turned.flatten().argmax()), -1]


def test_symmetries_are_eight_different_ones():
    grid = torch.arange(9).reshape(3, 3)
    assert len({tuple(learner.turned(grid, k).flatten().tolist()) for k in range(8)}) == 8
    assert learner.turned(grid, 0).equal(grid)


def test_place_loss_counts_known_places_only():
    cells = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(0))
    losses = learner.place_losses(cells, torch.tensor([-1, 2, -1]))
    assert_allclose(losses, [cells[1].logsumexp((0, 1)) - cells[1, 1, 0]], rtol=1e-6)
    assert len(learner.place_losses(cells, torch.full((3,), -1))) == 0


def test_rate_rises_then_falls():
    shares = [learner.rate_share(step, 200) for step in range(201)]
    assert_allclose(shares[:10], np.arange(1, 11) / 10)
    assert max(shares) == 1.0
    assert (np.diff(shares[10:]) <= 0).all()
    assert_allclose(shares[-1], learner.FINAL_RATE)


def test_area_under_curve():
    labels = np.array([0, 1, 0, 1])
    assert learner.area_under_curve(labels, np.array([0.1, 0.9, 0.2, 0.8])) == 1
    assert learner.area_under_curve(labels, -np.array([0.1, 0.9, 0.2, 0.8])) == 0
    assert learner.area_under_curve(labels, np.zeros(4)) == 0.5
    assert math.isnan(learner.area_under_curve(np.ones(3), np.zeros(3)))


def test_order_depends_on_seed_and_epoch_alone():
    sampler, other = EpochSampler(50, 3), EpochSampler(50, 3)
    sampler.set_epoch(2)
    first = list(sampler)
    list(other)
    other.set_epoch(2)
    assert list(other) == first
    assert sorted(first) == list(range(50))
    other.set_epoch(3)
    assert list(other) != first


def test_sections_hand_out_one_endless_order():
    sections = []
    for number in range(10):
        sampler = EpochSampler(50, 3, section=20)
        sampler.set_epoch(number)
        sections += list(sampler)
        assert len(sampler) == 20
    for turn in range(4):
        assert sorted(sections[50 * turn : 50 * turn + 50]) == list(range(50))
    whole = EpochSampler(50, 3)
    whole.set_epoch(2)
    assert sections[100:150] == list(whole)


def test_half_precision_images_come_out_single():
    sample = ArrayDataset(np.ones((2, 1, 4, 4), dtype=np.float16), np.array([0, 1]))[1]
    assert sample["image"].dtype == torch.float32
    assert (sample["label"].item(), sample["place"].item()) == (1.0, -1)


def test_indexed_samples_are_made_when_asked_for():
    asked = []

    class Made:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            asked.append(index)
            image = np.full((1, 2, 2), index, dtype=np.float32)
            return {"image": image, "label": index % 2, "place": -1}

    samples = IndexedDataset(Made())
    assert len(samples) == 3
    assert samples[2]["image"].max() == 2
    assert samples[1]["place"] == -1
    assert asked == [2, 1]


def test_bad_samples_are_refused():
    with pytest.raises(ValueError, match="2 images, 3 labels and 3 places differ"):
        ArrayDataset(np.zeros((2, 1, 4, 4)), np.zeros(3))
    with pytest.raises(ValueError, match="are outside 0-1"):
        ArrayDataset(np.zeros((2, 1, 4, 4)), np.array([0, 2]))


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"epochs": 0}, "epochs 0 is not positive"),
        ({"learning_rate": -1.0}, "learning_rate -1.0 is not positive"),
        ({"weight_decay": -1.0}, "weight_decay -1.0 is negative"),
        ({"threads": 0}, "threads 0 is below 1"),
        ({"checks": 0}, "checks 0 is not positive"),
        ({"checkpoint_steps": -1}, "checkpoint_steps -1 is negative"),
        ({"devices": 3}, "batch_size 128 cannot be shared among 3 devices"),
        ({"schedule": "steps"}, "schedule 'steps' is unknown"),
    ],
)
def test_bad_settings_are_refused(field, message):
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**field)


@pytest.mark.parametrize(
    ("approach", "layers"),
    [("last", {"last"}), ("-1last", {"hidden"}), ("last2", {"hidden", "last"}),
     ("-1&last1", {"hidden", "last"})],
)  # fmt: skip
def test_finetuning_changes_its_layers_and_nothing_else(approach, layers, tmp_path):
    model = build("compact", 1)
    before = weights(model)
    settings = TrainingSettings(epochs=3, batch_size=8, schedule="constant", threads=1)
    results = stages.finetune(
        model, blobs(24, 0), blobs(8, 1), tmp_path, approach=approach, settings=settings
    )
    expected = {f"head.{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert changed(model, before) == expected
    assert len(results) == len(stages.APPROACHES[approach].steps)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not model.training


def test_features_are_computed_in_inference_mode():
    model = build("compact", 1)
    before = weights(model)
    samples = blobs(6, 0)
    pooled = stages.pooled_features(model, samples, batch_size=4)
    assert not changed(model, before)
    with torch.inference_mode():
        expected = model(samples[5]["image"][None]).features.mean(dim=(2, 3))[0]
    assert_allclose(pooled[5]["image"], expected, atol=1e-5)
    assert pooled[5]["label"] == samples[5]["label"]


def test_finetuning_refuses_what_it_cannot_do(tmp_path):
    model = build("compact", 1)
    with pytest.raises(ValueError, match="approach 'all' is not known: choose one of last"):
        stages.finetune(model, blobs(8, 0), blobs(8, 1), tmp_path, approach="all")
    with pytest.raises(ValueError, match="augment True cannot be had"):
        stages.finetune(model, blobs(8, 0), blobs(8, 1), tmp_path, settings=SETTINGS)
    with pytest.raises(ValueError, match="do not each name a layer"):
        Approach((("first",),))


def test_checkpoints_of_the_loop_need_no_pickle(tmp_path):
    fit(Tiny(), blobs(16, 0), blobs(16, 1), SETTINGS, tmp_path)
    for name in (loop.BEST, loop.LAST):
        assert "state_dict" in torch.load(tmp_path / name, weights_only=True)


SEVERAL = """
import sys
import numpy as np
import torch
from bradyseism.models.network import build
from bradyseism.training.data import IndexedDataset
from bradyseism.training.loop import TrainingSettings, fit

class Made:
    def __len__(self):
        return 31

    def __getitem__(self, index):
        image = np.full((1, 16, 16), index / 31, dtype=np.float32)
        return {"image": image, "label": index % 2, "place": -1}

if __name__ == "__main__":
    settings = TrainingSettings(epochs=1, batch_size=8, threads=1, accelerator="cpu", devices=2)
    result = fit(build("compact", 1), IndexedDataset(Made()), IndexedDataset(Made()), settings,
                 sys.argv[1])
    print(len(result.history), result.loss)
"""


@pytest.mark.slow
def test_two_devices_share_every_batch(tmp_path):
    (tmp_path / "several.py").write_text(SEVERAL)
    command = [sys.executable, "several.py", "run"]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=200
    )
    assert answer.returncode == 0, answer.stderr
    checks, loss = answer.stdout.split()
    assert checks == "1"
    assert 0 < float(loss) < 5
    assert torch.load(tmp_path / "run" / loop.LAST, weights_only=True)["global_step"] == 4
