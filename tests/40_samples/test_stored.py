"""Samples that are made once and mapped into memory."""

import os
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.stored import _allocate, _make, store
from bradyseism.samples.synthetic import PaperSet

SAMPLES = PaperSet(sources=1, encoding=WrappedPatch(size=16, pixel_size=3200.0))


def test_stored_samples_are_the_samples_and_a_restart_makes_the_rest(tmp_path):
    path = tmp_path / "set.npy"
    partial = path.with_suffix(".partial")
    _allocate(SAMPLES, partial)
    _make((SAMPLES, partial, 0, 5, path.with_suffix(".0.done")))
    # What is there already is not made again: a change shows that it was kept.
    images = np.load(partial, mmap_mode="r+")
    images[2] = 7.0
    images.flush()
    stored = store(SAMPLES, path, processes=1, chunk=5)
    assert [item.name for item in sorted(tmp_path.iterdir())] == ["set.labels.npy", "set.npy"]
    assert len(stored) == 14
    assert stored[2]["image"].max() == 7
    for index in (0, 5, 13):
        expected, found = SAMPLES[index], pickle.loads(pickle.dumps(stored))[index]
        assert found["label"] == expected["label"]
        assert found["image"].dtype == np.float32
        assert_allclose(found["image"], expected["image"], atol=2e-3)  # half precision of pi


def test_full_disk_is_met_before_anything_is_made(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"GB for 14 samples are not free .*set store = false"):
        store(SAMPLES, tmp_path / "set.npy")
    assert list(tmp_path.iterdir()) == []
