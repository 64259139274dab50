"""The loop: loss, order, resumption, frozen layers."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn import functional

from bradyseism.models.network import Output, build
from bradyseism.training import learner, loop, stages
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


def test_resumed_run_equals_undisturbed_run(tmp_path):
    whole, broken, resumed = Tiny(), Tiny(), Tiny()
    undisturbed = fit(whole, blobs(64, 0), blobs(32, 1), SETTINGS, tmp_path / "whole")
    falling = blobs(64, 0)
    falling.__class__ = Interrupting
    falling.left = 2 * 64 + 24  # in the third epoch
    with pytest.raises(Interruption, match="went down"):
        fit(broken, falling, blobs(32, 1), SETTINGS, tmp_path / "broken")
    # What the broken process had in memory is lost: a fresh model goes on from the disk.
    again = fit(resumed, blobs(64, 0), blobs(32, 1), SETTINGS, tmp_path / "broken")
    assert not changed(resumed, weights(whole))
    assert (again.loss, again.epochs) == (undisturbed.loss, undisturbed.epochs)
    last = [
        torch.load(tmp_path / folder / "last.ckpt", weights_only=True)["state_dict"]
        for folder in ("whole", "broken")
    ]
    assert all(value.equal(last[1][name]) for name, value in last[0].items())


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
    with pytest.raises(ValueError, match="are not all 0 or 1"):
        ArrayDataset(np.zeros((2, 1, 4, 4)), np.array([0, 2]))


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"epochs": 0}, "epochs 0 is not positive"),
        ({"learning_rate": -1.0}, "learning_rate -1.0 is not positive"),
        ({"weight_decay": -1.0}, "weight_decay -1.0 is negative"),
        ({"threads": 0}, "threads 0 is below 1"),
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
        stages.Approach((("first",),))


def test_checkpoints_of_the_loop_need_no_pickle(tmp_path):
    fit(Tiny(), blobs(16, 0), blobs(16, 1), SETTINGS, tmp_path)
    for name in (loop.BEST, loop.LAST):
        assert "state_dict" in torch.load(tmp_path / name, weights_only=True)
