"""Another head in the file of a model: the file computes it, and all else stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.detection.attribution import Head
from bradyseism.detection.model_file import with_head
from bradyseism.detection.runtime import Detector, model_content


@pytest.fixture(scope="module")
def content() -> bytes:
    return model_content()


@pytest.fixture(scope="module")
def shipped(content: bytes) -> Detector:
    return Detector(content)


def another(head: Head) -> Head:
    rng = np.random.default_rng(0)
    return replace(
        head,
        hidden_weight=head.hidden_weight * 1.5,
        hidden_bias=head.hidden_bias + 0.01,
        last_weight=rng.normal(size=head.last_weight.shape).astype(np.float32).astype(float),
        last_bias=0.5,
    )


def test_the_same_head_and_card_leave_the_network_as_it_was(
    content: bytes, shipped: Detector
) -> None:
    again = Detector(with_head(content, shipped.head, shipped.head, shipped.card))
    windows = np.random.default_rng(1).normal(size=(3, 64, 64)) * 1e-3
    for one, other in zip(
        *(d.predict(windows, with_features=True).__dict__.values() for d in (shipped, again)),
        strict=True,
    ):
        assert_array_equal(one, other)


def test_file_computes_the_new_head_and_explains_it(content: bytes, shipped: Detector) -> None:
    new = another(shipped.head)
    changed = Detector(with_head(content, shipped.head, new, {**shipped.card, "name": "mine"}))
    windows = np.random.default_rng(1).normal(size=(3, 64, 64)) * 1e-3
    prediction = changed.predict(windows, with_features=True)
    assert prediction.features is not None
    assert_allclose(prediction.logit, new.logit(prediction.features), rtol=1e-4, atol=1e-5)
    assert changed.name == "mine"
    assert_allclose(changed.head.last_weight, new.last_weight, rtol=1e-6)
    assert changed.sha256 != shipped.sha256
    assert np.abs(prediction.logit - shipped.predict(windows).logit).max() > 0.1


@pytest.mark.parametrize("layout", ["convolutions", "products"])
def test_a_head_for_every_cell_is_found_in_any_layout(layout: str) -> None:
    rng = np.random.default_rng(4)
    arrays = [rng.normal(size=s).astype(np.float32) for s in ((5, 3), (5,), (5,))]
    old = Head(*arrays, 0.25, "cells")
    content = _cell_model(old, layout)
    new = another(old)
    features = rng.normal(size=(2, 3, 4, 4)).astype(np.float32)
    changed = with_head(content, old, new, {"name": "cells"})
    for model, head in ((content, old), (changed, new)):
        assert_allclose(_run(model, features), head.logit(features), rtol=1e-4, atol=1e-5)
    again = onnx.load_model_from_string(changed)
    entries = {entry.key: entry.value for entry in again.metadata_props}
    assert Head.from_json(entries["head"]).pooling == "cells"
    assert entries["card"] == '{"name": "cells"}'
    assert entries["other"] == "stays"


def _run(model: bytes, features: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["logit"], {"features": features})[0]


def _cell_model(head: Head, layout: str) -> bytes:
    """Two dense layers on every cell and the logarithm of the mean of their exponentials."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    hidden = head.hidden_weight.astype(np.float32)
    last = head.last_weight.astype(np.float32)[None]
    if layout == "convolutions":
        weights = {"w1": hidden[:, :, None, None], "w2": last[:, :, None, None]}
        nodes = [
            helper.make_node("Conv", ["features", "w1", "b1"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Conv", ["r", "w2", "b2"], ["z4"]),
        ]
    else:
        weights = {"w1": np.ascontiguousarray(hidden.T), "w2": np.ascontiguousarray(last.T)}
        nodes = [
            helper.make_node("Transpose", ["features"], ["x"], perm=[0, 2, 3, 1]),
            helper.make_node("MatMul", ["x", "w1"], ["m1"]),
            helper.make_node("Add", ["m1", "b1"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("MatMul", ["r", "w2"], ["m2"]),
            helper.make_node("Add", ["m2", "b2"], ["z4"]),
        ]
    weights |= {
        "b1": head.hidden_bias.astype(np.float32),
        "b2": np.array([head.last_bias], np.float32),
        "cells": np.array(np.log(16.0), np.float32),
    }
    nodes += [
        helper.make_node("ReduceLogSumExp", ["z4"], ["s"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Sub", ["s", "cells"], ["logit"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("features", kind, ["n", 3, 4, 4])],
        [helper.make_tensor_value_info("logit", kind, ["n"])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"card": "{}", "head": head.to_json(), "other": "stays"})
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (another, another, "hidden_weight of its head 0 times, not once"),
        (
            None,
            lambda h: replace(h, pooling="mean" if h.pooling == "cells" else "cells"),
            "pooling '[a-z]+' of the new head is not",
        ),
        (
            None,
            lambda h: Head(
                h.hidden_weight[:9], h.hidden_bias[:9], h.last_weight[:9], 0.0, h.pooling
            ),
            r"hidden_weight of the new head has shape \(9, 160\): expected \(256, 160\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    old, new, message: str, content: bytes, shipped: Detector
) -> None:
    with pytest.raises(ValueError, match=message):
        with_head(content, old(shipped.head) if old else shipped.head, new(shipped.head), {})


def test_a_file_that_is_cut_short_is_refused(content: bytes, shipped: Detector) -> None:
    with pytest.raises(ValueError, match="is no whole ONNX file"):
        with_head(content[: len(content) // 2], shipped.head, shipped.head, {})
