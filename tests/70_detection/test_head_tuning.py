"""Tuning of a head: its gradient, its limits, and what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.detection import head_tuning
from bradyseism.detection.attribution import Head
from bradyseism.detection.head_tuning import Examples, head_inputs, head_logits, tune
from bradyseism.detection.runtime import Detector, Prediction
from bradyseism.evaluation.scores import roc_auc

FEATURES, UNITS = 6, 8


def head() -> Head:
    rng = np.random.default_rng(3)
    return Head(
        rng.normal(size=(UNITS, FEATURES)).astype(np.float32),
        rng.normal(size=UNITS).astype(np.float32),
        rng.normal(size=UNITS).astype(np.float32),
        0.25,
    )


def examples(count: int, seed: int) -> Examples:
    """Sources raise the first feature, and a nuisance the second of any."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, FEATURES)).astype(np.float32)
    labels = (np.arange(count) % 2).astype(np.float32)
    inputs[labels > 0.5, 0] += 3.0
    inputs[:, 1] += 3.0 * (rng.random(count) > 0.5)
    return Examples(inputs, labels)


def test_gradient_is_the_finite_difference() -> None:
    data = examples(40, 0)
    layers = head_tuning._Layers.of(head())
    weight = np.full(40, 1 / 40)
    start = layers.flat()
    _, gradient = head_tuning._loss(layers, data, weight)
    rng = np.random.default_rng(5)
    for _ in range(10):
        direction = rng.normal(size=start.size)
        ends = [
            head_tuning._loss(
                head_tuning._Layers.shaped(start + sign * 1e-3 * direction, head()), data, weight
            )[0]
            for sign in (1, -1)
        ]
        # Bends of the ReLU within the step, and a loss in single precision.
        slope = (ends[0] - ends[1]) / 2e-3
        assert slope == pytest.approx(gradient @ direction, rel=0.01, abs=0.01)


def test_logits_are_those_of_the_head() -> None:
    features = np.random.default_rng(1).normal(size=(5, FEATURES, 3, 3))
    judge = head()
    inputs = judge.inputs(features)
    assert_array_equal(inputs, features.mean(axis=(2, 3)))
    hidden = np.maximum(inputs @ judge.hidden_weight.T + judge.hidden_bias, 0)
    expected = hidden @ judge.last_weight + judge.last_bias
    assert_allclose(judge.logit(features), expected, rtol=1e-12)
    assert_allclose(head_logits(judge, inputs.astype(np.float32)), expected, rtol=1e-5)


def test_learns_what_the_head_did_not_know() -> None:
    training, unseen = examples(400, 10), examples(400, 11)
    before = roc_auc(unseen.labels, head_logits(head(), unseen.inputs))
    tuned = tune(head(), training, stiffness=1e-3, steps=80)
    after = roc_auc(unseen.labels, head_logits(tuned, unseen.inputs))
    assert after > max(before + 0.03, 0.85)


def test_infinite_stiffness_changes_nothing_and_none_the_most() -> None:
    data = examples(100, 13)
    start = head_tuning._Layers.of(head()).flat()
    distances = [
        np.linalg.norm(
            head_tuning._Layers.of(tune(head(), data, stiffness=k, steps=30)).flat() - start
        )
        for k in (1e9, 1.0, 1e-3)
    ]
    assert distances[0] < 1e-6
    assert distances[0] < distances[1] < distances[2]


def test_both_classes_weigh_the_same() -> None:
    data = examples(200, 14)
    thrice = data[np.concatenate([np.arange(200), *[np.flatnonzero(data.labels < 0.5)] * 2])]
    one, other = (
        head_tuning._Layers.of(tune(head(), d, stiffness=0.1, steps=5)).flat()
        for d in (data, thrice)
    )
    assert np.abs(one - head_tuning._Layers.of(head()).flat()).max() > 0.3
    # Few steps: rounding of the sums grows with each, by another amount on every processor.
    assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: tune(head(), d[d.labels > 0.5], stiffness=1.0, steps=1), "10 of 10 windows"),
        (lambda d: tune(head(), d, stiffness=-1.0, steps=1), "stiffness -1 and steps 1"),
        (lambda d: tune(head(), d, stiffness=1.0, steps=0), "steps 0"),
        (lambda d: Examples(d.inputs, d.labels[1:]), "20 inputs and 19 labels"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(examples(20, 0))


def test_a_model_without_feature_maps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Detector.load()
    blind = Prediction(np.zeros(1, np.float32), np.zeros((1, 8, 8), np.float32), None)
    monkeypatch.setattr(detector, "predict", lambda *_, **__: blind)
    with pytest.raises(ValueError, match="gives no feature map: export it again"):
        head_inputs(detector, np.zeros((1, 64, 64)))
