"""The whitening filter: white turbulence, gaps without rims, sources that stand out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from numpy.testing import assert_array_equal

from bradyseism.physics.atmosphere import turbulent_fields
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.samples.encoding import without_planes
from bradyseism.samples.whitened import whitened

SIZE = 64
WHOLE = np.ones((1, SIZE, SIZE), dtype=bool)


@pytest.fixture(scope="module")
def turbulence() -> np.ndarray:
    """Windows whose turbulence is as long as they are wide."""
    model = ExponentialModel(sill=1.0, length=float(SIZE))
    fields = turbulent_fields(200, model, (SIZE, SIZE), 1.0, np.random.default_rng(3))
    return without_planes(fields, np.repeat(WHOLE, 200, axis=0))


def test_long_turbulence_becomes_white(turbulence: np.ndarray) -> None:
    wave = np.pi * np.arange(SIZE) / SIZE
    number = np.hypot(wave[:, None], wave)

    def band(fields: np.ndarray, low: float, high: float) -> float:
        power = (scipy.fft.dctn(fields, axes=(1, 2), norm="ortho") ** 2).mean(axis=0)
        return float(power[(number >= low) & (number < high)].mean())

    white = whitened(turbulence, np.repeat(WHOLE, 200, axis=0))
    assert band(turbulence, 0.2, 0.3) > 15 * band(turbulence, 0.6, 0.8)
    # What is left of the slope is the filter's own fall toward fine wave numbers.
    fall = np.exp(-2 * (0.25**2 - 0.7**2) / 1.6**2)
    assert band(white, 0.2, 0.3) == pytest.approx(fall * band(white, 0.6, 0.8), rel=0.25)


def test_a_narrow_source_stands_out_of_long_turbulence(turbulence: np.ndarray) -> None:
    rows, columns = np.indices((SIZE, SIZE)) - 31.5
    bell = (1 + (rows**2 + columns**2) / 3.0**2) ** -1.5

    def contrast(field: np.ndarray, signal: np.ndarray) -> float:
        return float(np.abs(signal).max() / (1.4826 * np.median(np.abs(field))))

    mask = np.repeat(WHOLE, len(turbulence), axis=0)
    signal = whitened(bell[None].astype(np.float32), WHOLE)[0]
    assert contrast(whitened(turbulence, mask), signal) > 1.5 * contrast(turbulence, bell)


def test_a_gap_in_a_smooth_field_leaves_no_rim() -> None:
    rows, columns = np.indices((SIZE, SIZE)) / SIZE - 0.5
    field = (10 * np.cos(3 * rows) * np.cos(2 * columns)).astype(np.float32)[None]
    valid = WHOLE.copy()
    valid[0, 20:30, 25:45] = False
    rim = whitened(np.where(valid, field, 0).astype(np.float32), valid)
    unfilled = whitened(np.where(valid, field, 0).astype(np.float32), WHOLE)
    assert_array_equal(rim[~valid], 0.0)
    assert np.abs(rim).max() < 0.2 * np.abs(unfilled).max()


def test_windows_do_not_touch_each_other(turbulence: np.ndarray) -> None:
    valid = np.repeat(WHOLE, 3, axis=0)
    valid[1, :20] = False
    windows = np.where(valid, turbulence[:3], 0).astype(np.float32)
    together = whitened(windows, valid)
    for index in range(3):
        alone = whitened(windows[index : index + 1], valid[index : index + 1])
        np.testing.assert_allclose(together[index], alone[0], atol=1e-5)
    assert_array_equal(windows[1, :20], 0.0)
