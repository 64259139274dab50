"""Another head in the file of a model: the file computes it, and all else stays."""

from __future__ import annotations

import os
from dataclasses import replace
from multiprocessing import get_all_start_methods, get_context

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.detection.attribution import Head
from bradyseism.detection.model_file import with_head
from bradyseism.detection.runtime import BATCH, Detector, model_content


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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (another, another, "hidden_weight of its head 0 times, not once"),
        (
            None,
            lambda h: Head(h.hidden_weight[:9], h.hidden_bias[:9], h.last_weight[:9], 0.0),
            r"hidden_weight of the new head has shape \(9, \d+\): expected \(256, \d+\)",
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


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no process")
def test_a_pinned_process_starts_no_more_threads_than_processors(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {5})
    detector = Detector.load()
    detector.predict(np.zeros((2 * BATCH, 64, 64), dtype=np.float32))
    assert len(detector._pool[0]._threads) == 1


@pytest.mark.skipif("fork" not in get_all_start_methods(), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_predicts_what_its_parent_does(shipped: Detector) -> None:
    windows = np.random.default_rng(3).standard_normal((70, 64, 64)).astype(np.float32)
    expected = shipped.predict(windows).logit  # the threads of the parent are started
    answer = get_context("fork").SimpleQueue()
    child = get_context("fork").Process(
        target=lambda: answer.put(shipped.predict(windows).logit), daemon=True
    )
    child.start()
    child.join(timeout=30)
    assert child.exitcode == 0
    assert_allclose(answer.get(), expected, rtol=1e-6)
