"""The encoding that training and detection share: invariances, gaps, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.samples.encoding import (
    NormalisedWindow,
    WrappedPatch,
    encoding_card,
    encoding_from,
)

ENCODING = NormalisedWindow(size=32)
BOTH = pytest.mark.parametrize("encoding", [ENCODING, NormalisedWindow(size=32, detail="whitened")])


@pytest.fixture
def windows() -> np.ndarray:
    rng = np.random.default_rng(0)
    values = 1e-3 * rng.standard_normal((3, 32, 32))
    rows, columns = np.indices((32, 32))
    values[1] += 0.01 * np.exp(-((rows - 12) ** 2 + (columns - 20) ** 2) / 20)
    values[2, :, :9] = np.nan
    return values


@BOTH
def test_a_constant_and_a_ramp_change_nothing(
    encoding: NormalisedWindow, windows: np.ndarray
) -> None:
    rows, columns = np.indices((32, 32))
    ramp = 0.3 + 2e-3 * rows - 5e-3 * columns
    assert_allclose(encoding.encode(windows + ramp), encoding.encode(windows), atol=2e-5)


@BOTH
def test_the_unit_changes_nothing(encoding: NormalisedWindow, windows: np.ndarray) -> None:
    assert_allclose(encoding.encode(1e3 * windows), encoding.encode(windows), atol=2e-5)


@BOTH
def test_the_sign_turns_with_the_signal(encoding: NormalisedWindow, windows: np.ndarray) -> None:
    plus, minus = encoding.encode(windows), encoding.encode(-windows)
    assert_allclose(minus[:, :2], -plus[:, :2], atol=2e-5)
    assert plus[1, 0, 12, 20] > 0.5


def test_the_first_channel_is_in_robust_deviations(windows: np.ndarray) -> None:
    first = ENCODING.encode(windows[:1])[0, 0]
    scaled = np.sinh(3.0 * first.astype(float))
    assert np.median(np.abs(scaled)) == pytest.approx(1 / 1.4826, rel=0.01)


def test_white_noise_has_equal_spread_and_short_lag_noise(windows: np.ndarray) -> None:
    encoded = ENCODING.encode(windows[:1])[0]
    ratio = np.sinh(3.0 * encoded[0]).std() / np.sinh(3.0 * encoded[1]).std()
    assert ratio == pytest.approx(1.0, abs=0.1)


@BOTH
def test_missing_pixels_are_zero_and_masked(
    encoding: NormalisedWindow, windows: np.ndarray
) -> None:
    encoded = encoding.encode(windows)
    assert_array_equal(encoded[2, :, :, :9], 0.0)
    assert_array_equal(encoded[:, 2], np.isfinite(windows))
    assert np.isfinite(encoded).all()


@BOTH
@pytest.mark.parametrize("value", [0.0, 5.0, np.nan])
def test_flat_and_empty_windows_encode_to_zero(encoding: NormalisedWindow, value: float) -> None:
    encoded = encoding.encode(np.full((1, 32, 32), value))
    assert_allclose(encoded[:, :2], 0.0, atol=1e-4)


@BOTH
def test_a_single_valid_pixel_is_no_signal(encoding: NormalisedWindow) -> None:
    window = np.full((1, 32, 32), np.nan)
    window[0, 3, 4] = 0.02
    assert_allclose(encoding.encode(window)[:, :2], 0.0, atol=1e-3)


@BOTH
def test_three_hundred_times_the_noise_stays_within_a_few_units(
    encoding: NormalisedWindow, windows: np.ndarray
) -> None:
    strong = windows.copy()
    strong[1] += 300 * (windows[1] - windows[0])
    assert np.abs(encoding.encode(strong)).max() < 4.0


def test_one_fringe_of_displacement_is_one_cycle() -> None:
    patch = WrappedPatch(size=8)
    ramp = np.tile(np.linspace(-0.01, 0.01, 8), (1, 8, 1))
    assert_allclose(patch.encode(ramp + patch.cycle), patch.encode(ramp), atol=1e-5)
    # A quarter of a cycle is a quarter turn, and the sign is that of the displacement.
    assert_allclose(patch.encode(np.full((1, 8, 8), patch.cycle / 4)), math.pi / 2, atol=1e-6)


def test_missing_phase_is_zero_in_every_channel() -> None:
    patch = WrappedPatch(size=8, channels=3)
    values = np.full((1, 8, 8), 0.005)
    values[0, 2, 3] = np.nan
    encoded = patch.encode(values)
    assert encoded.shape == (1, 3, 8, 8)
    assert_array_equal(encoded[0, :, 2, 3], 0.0)
    assert_array_equal(encoded[0, 0], encoded[0, 2])


@pytest.mark.parametrize(
    "encoding", [NormalisedWindow(), NormalisedWindow(detail="whitened"), WrappedPatch(channels=3)]
)
def test_the_card_gives_the_encoding_back(encoding) -> None:
    import json

    assert encoding_from(json.loads(json.dumps(encoding_card(encoding)))) == encoding


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NormalisedWindow(size=4), "size 4 px is under 8 px"),
        (lambda: NormalisedWindow(pixel_sizes=(0.0,)), "are not all positive"),
        (lambda: NormalisedWindow(detail="fine"), "detail 'fine' is none of noise-scaled, whitene"),
        (lambda: WrappedPatch(cycle=0.0), "cycle 0 m is not positive"),
        (lambda: WrappedPatch(channels=2), "channels 2 is neither 1 nor 3"),
        (lambda: ENCODING.encode(np.zeros((2, 16, 16))), r"expected \(n, 32, 32\)"),
        (lambda: encoding_from({"kind": "spectral"}), "'spectral' is unknown"),
        (lambda: encoding_from({"kind": "wrapped", "colour": 1}), "unknown field"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
