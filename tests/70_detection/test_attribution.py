"""Grad-CAM in closed form against finite differences, autograd, its own identities and limits."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.detection.attribution import Head, channel_weights, grad_cam

FEATURES, UNITS, ROWS, COLUMNS = 5, 7, 3, 4


@pytest.fixture
def head() -> Head:
    generator = np.random.default_rng(11)
    return Head(
        generator.normal(size=(UNITS, FEATURES)),
        generator.normal(size=UNITS),
        generator.normal(size=UNITS),
        0.3,
    )


@pytest.fixture
def features() -> np.ndarray:
    # Behind a ReLU features are never negative; these may be, which tests more.
    return np.random.default_rng(12).normal(size=(FEATURES, ROWS, COLUMNS))


def test_weights_are_the_finite_difference_of_the_logit(head: Head, features: np.ndarray) -> None:
    step = 1e-6
    weights = channel_weights(features, head)
    for index in np.ndindex(features.shape):
        above, below = features.copy(), features.copy()
        above[index] += step
        below[index] -= step
        slope = (head.logit(above) - head.logit(below)) / (2 * step)
        # The head is piecewise linear: only rounding of the logit (1e-16 / 1e-6) is left.
        assert_allclose(weights[index[0]], slope, rtol=0, atol=1e-8)


def test_agrees_with_autograd(head: Head, features: np.ndarray) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'train')")
    inputs = torch.tensor(features[None], dtype=torch.float64, requires_grad=True)
    hidden = torch.nn.functional.linear(
        inputs.mean(dim=(2, 3)), torch.tensor(head.hidden_weight), torch.tensor(head.hidden_bias)
    )
    logit = torch.relu(hidden) @ torch.tensor(head.last_weight) + head.last_bias
    (gradient,) = torch.autograd.grad(logit.sum(), inputs)
    expected = torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * inputs).sum(dim=1))
    assert_allclose(head.logit(features), logit.item(), rtol=1e-12)
    assert_allclose(grad_cam(features[None], head), expected.detach().numpy(), rtol=0, atol=1e-12)


def test_agrees_with_autograd_in_single_precision(head: Head, features: np.ndarray) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'train')")
    inputs = torch.tensor(features[None], dtype=torch.float32, requires_grad=True)
    dense = torch.nn.Sequential(
        torch.nn.Linear(FEATURES, UNITS), torch.nn.ReLU(), torch.nn.Linear(UNITS, 1)
    )
    dense(inputs.mean(dim=(2, 3))).sum().backward()
    numbers = [parameter.detach().numpy() for parameter in dense.parameters()]
    exported = Head(*numbers)  # the last layer as torch keeps it: (1, m) and (1,)
    # Gradients are below 1 in size: 1e-7 is the rounding of float32.
    assert inputs.grad is not None
    assert_allclose(
        channel_weights(features, exported), inputs.grad[0, :, 0, 0].numpy(), rtol=0, atol=1e-7
    )


def test_signed_map_sums_to_the_logit_without_its_biases(head: Head, features: np.ndarray) -> None:
    gates = head.hidden(features) > 0
    from_biases = head.last_bias + float(np.sum(head.last_weight * gates * head.hidden_bias))
    total = grad_cam(features, head, signed=True).sum()
    assert_allclose(total, head.logit(features) - from_biases, rtol=1e-12)


def test_unsigned_map_is_the_positive_part(head: Head, features: np.ndarray) -> None:
    signed = grad_cam(features, head, signed=True)
    assert (signed < 0).any()
    assert (signed > 0).any()
    assert_array_equal(grad_cam(features, head), np.where(signed > 0, signed, 0.0))


def test_opposite_last_layer_gives_opposite_evidence(head: Head, features: np.ndarray) -> None:
    opposite = Head(head.hidden_weight, head.hidden_bias, -head.last_weight, -head.last_bias)
    assert_allclose(
        grad_cam(features, opposite, signed=True),
        -grad_cam(features, head, signed=True),
        rtol=0,
        atol=0,
    )


def test_evidence_follows_the_features_over_the_cells(head: Head, features: np.ndarray) -> None:
    """Pooling forgets the place: a flip or a swap of axes does the same to the map."""
    evidence = grad_cam(features, head)
    assert evidence.shape == (ROWS, COLUMNS)
    assert_allclose(grad_cam(features[:, ::-1], head), evidence[::-1], rtol=0, atol=1e-12)
    assert_allclose(grad_cam(features.transpose(0, 2, 1), head), evidence.T, rtol=0, atol=1e-12)


def test_batch_equals_one_by_one(head: Head) -> None:
    batch = np.random.default_rng(13).normal(size=(6, FEATURES, ROWS, COLUMNS))
    expected = np.stack([grad_cam(one, head) for one in batch])
    assert_allclose(grad_cam(batch, head), expected, rtol=0, atol=1e-12)
    assert head.logit(batch).shape == (6,)
    assert grad_cam(batch[:0], head).shape == (0, ROWS, COLUMNS)


def test_closed_gates_leave_no_evidence(features: np.ndarray) -> None:
    shut = Head(np.ones((2, FEATURES)), [-1e6, -1e6], [1.0, 1.0], 0.0)
    assert_array_equal(grad_cam(features, shut), np.zeros((ROWS, COLUMNS)))


def test_unit_at_exactly_zero_counts_as_off() -> None:
    assert_array_equal(
        channel_weights(np.zeros((1, 2, 2)), Head([[1.0]], [0.0], [1.0], 0.0)), [0.0]
    )


def test_missing_feature_is_refused(head: Head, features: np.ndarray) -> None:
    features[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="features hold a value that is not finite"):
        grad_cam(features, head)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([1.0], [0.0], [1.0], 0.0), r"hidden_weight has shape \(1,\)"),
        (([[1.0]], [0.0, 1.0], [1.0], 0.0), r"must both have the shape \(1,\)"),
        (([[1.0]], [0.0], [[1.0], [1.0]], 0.0), r"must both have the shape \(1,\)"),
        (
            ([[np.nan]], [0.0], [1.0], 0.0),
            "hidden_weight of the head holds a value that is not finite",
        ),
    ],
)
def test_head_that_does_not_fit_together_is_refused(arrays: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Head(*arrays)


def _encoded(array: np.ndarray) -> str:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def test_head_comes_back_from_the_metadata_of_a_model(head: Head, features: np.ndarray) -> None:
    arrays = {
        "last_bias": np.array([head.last_bias]),
        "last_weight": head.last_weight[np.newaxis],
        "hidden_bias": head.hidden_bias,
        "hidden_weight": head.hidden_weight,
    }
    text = json.dumps({name: _encoded(array) for name, array in arrays.items()})
    assert_array_equal(grad_cam(features, Head.from_json(text)), grad_cam(features, head))
    other = json.dumps({**json.loads(text), "pooling": "cells"})
    with pytest.raises(ValueError, match="pooling cells"):
        Head.from_json(other)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"hidden_weight": "AAAA"}'])
def test_metadata_without_a_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="head in the metadata of the model cannot be read"):
        Head.from_json(text)


@pytest.mark.parametrize("shape", [(FEATURES + 1, 3, 3), (FEATURES, 9), (FEATURES, 0, 3)])
def test_features_of_another_network_are_refused(head: Head, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit the head"):
        grad_cam(np.zeros(shape), head)
