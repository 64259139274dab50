"""Synthetic relief: rivers, flat plains, cones, and the numbers of real mountains."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from bradyseism.physics.atmosphere import turbulent_fields
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.relief import add_cone, synthetic_relief
from bradyseism.physics.relief_statistics import correlation_length, relief_statistics
from bradyseism.physics.spectrum import spectral_slope
from bradyseism.physics.terrain import flat_ground, power_law_field


def drawn(seed: int, shape=(128, 128), **settings) -> np.ndarray:
    return synthetic_relief(shape, 200.0, np.random.default_rng(seed), **settings)


def test_relief_is_the_same_bits_for_a_seed_and_differs_between_seeds() -> None:
    assert_array_equal(drawn(3), drawn(3))
    assert not np.array_equal(drawn(3), drawn(4))


def test_relief_starts_at_zero_and_scales_with_height_and_extent() -> None:
    low, high = drawn(5, height=200.0), drawn(5, height=400.0)
    assert low.min() == 0.0
    assert_allclose(high, 2 * low, rtol=1e-12)
    assert low.std() == pytest.approx(200.0 * (128 * 200.0 / 50e3) ** 0.8)


@pytest.mark.parametrize("shape", [(4, 4), (5, 9), (64, 64), (40, 200), (257, 130)])
def test_relief_of_any_shape_is_finite(shape: tuple[int, int]) -> None:
    relief = drawn(1, shape)
    assert relief.shape == shape
    assert np.isfinite(relief).all()


@pytest.mark.parametrize("height", [200.0, 1200.0])
def test_plains_are_flat_beside_mountains_of_any_height(height: float) -> None:
    shares = [
        np.mean([flat_ground(drawn(s, height=height, plains=p), 200.0).mean() for s in range(6)])
        for p in (0.05, 0.35, 0.7)
    ]
    assert shares[0] < shares[1] < shares[2]
    assert shares[1] > 0.2
    assert shares[2] > 0.4


def pits(elevation: np.ndarray) -> float:
    """Share of pixels that no neighbour lies below."""
    lowest = ndimage.minimum_filter(elevation, 3)
    return float((lowest == elevation)[1:-1, 1:-1].mean())


def test_rivers_leave_few_pits_where_noise_of_the_same_spectrum_has_many() -> None:
    carved, noise = [], []
    for seed in range(6):
        relief = drawn(seed, plains=0.0)
        slope = -spectral_slope(relief, 200.0, 6e2, 2e4)
        # Every other pixel: the rivers are carved at twice the pixel.
        carved.append(pits(relief[::2, ::2]))
        rng = np.random.default_rng(seed)
        noise.append(pits(power_law_field((128, 128), slope, rng)[::2, ::2]))
    assert np.mean(carved) < 0.75 * np.mean(noise)


def test_cone_raises_its_summit_and_nothing_beyond_its_foot() -> None:
    raised = add_cone(np.zeros((41, 41)), 100.0, (20, 20), height=800.0, radius=1000.0)
    assert raised[20, 20] == pytest.approx(800.0)
    assert raised[20, 31] == 0.0
    assert_allclose(raised, raised.T)


def test_crater_sinks_a_third_of_its_radius_below_the_rim() -> None:
    cone = {"height": 900.0, "radius": 6000.0}
    whole = add_cone(np.zeros((81, 81)), 100.0, (40, 40), **cone)
    open_top = add_cone(np.zeros((81, 81)), 100.0, (40, 40), crater=900.0, **cone)
    rim = whole[40, 49]
    assert open_top[40, 40] == pytest.approx(rim - 300.0)
    assert open_top[40, 49] == pytest.approx(rim)
    assert_array_equal(open_top[40, 50:], whole[40, 50:])


def test_age_cuts_valleys_and_keeps_the_summit() -> None:
    cone = {"height": 900.0, "radius": 3500.0}
    flat, rng = np.zeros((81, 81)), np.random.default_rng(2)
    fresh = add_cone(flat, 100.0, (40, 40), **cone)
    old = add_cone(flat, 100.0, (40, 40), age=1.0, rng=rng, **cone)
    assert old[40, 40] == pytest.approx(900.0)
    assert (old <= fresh + 1e-9).all()
    ring = np.isclose(fresh, fresh[40, 55], rtol=0.02)
    assert old[ring].std() > 5 * fresh[ring].std()


@pytest.mark.parametrize("slope", [2.0, 3.0, 4.0])
def test_spectral_slope_of_a_power_law_field(slope: float) -> None:
    rng = np.random.default_rng(1)
    found = [
        spectral_slope(power_law_field((256, 256), slope, rng), 100.0, 500.0, 5000.0)
        for _ in range(12)
    ]
    assert np.mean(found) == pytest.approx(-slope, abs=0.15)


def test_spectral_slope_does_not_depend_on_unit_nor_offset() -> None:
    field = power_law_field((128, 96), 3.0, np.random.default_rng(1))
    expected = spectral_slope(field, 100.0, 400.0, 5000.0)
    assert spectral_slope(5 + 1e3 * field, 100.0, 400.0, 5000.0) == pytest.approx(expected)
    assert spectral_slope(field, 200.0, 800.0, 10000.0) == pytest.approx(expected)


def test_correlation_length_of_an_exponential_covariance() -> None:
    law = ExponentialModel(1.0, 2000.0)
    fields = turbulent_fields(10, law, (256, 256), 100.0, np.random.default_rng(0))
    # The mean of each field is taken from itself, which shortens the length a little.
    found = np.mean([correlation_length(field, 100.0) for field in fields])
    assert 1500 < found < 2100


def test_statistics_of_a_plane() -> None:
    plane = 200.0 * 0.1 * np.indices((160, 160))[1]
    found = relief_statistics(plane, 200.0)
    angle = np.degrees(np.arctan(0.1))
    assert_allclose([found.slope_median, found.slope_90, found.slope_99], angle)
    assert found.hypsometric_integral == pytest.approx(0.5)
    assert found.flat == 0.0


def test_relief_of_the_analogue_frames_is_that_of_srtm(shared) -> None:
    """Medians over 24 places lie within the range of the 13 tiles, statistic by statistic."""
    from bradyseism.scenes.analogue import draw_ground

    synthetic = [
        list(asdict(relief_statistics(draw_ground(index).elevation, 200.0)).values())
        for index in range(0, 24, 2)
    ]
    real = [
        list(asdict(relief_statistics(tile, 200.0, tile > 0)).values())
        for tile in map(srtm, sorted((shared / "srtm").glob("*.hgt")))
    ]
    assert len(real) == 13
    low, high = np.min(real, axis=0), np.max(real, axis=0)
    middle = np.median(synthetic, axis=0)
    assert ((low <= middle) & (middle <= high)).all(), (low, middle, high)


def srtm(path) -> np.ndarray:
    """An SRTM3 tile at 200 m, averaged over two samples each way, its spikes taken out."""
    raw = np.fromfile(path, ">i2").reshape(1201, 1201)[:1200, :1200].astype(np.float32)
    raw = raw.reshape(600, 2, 600, 2).mean(axis=(1, 3))
    smooth = ndimage.median_filter(raw, 3)
    raw = np.maximum(np.where(np.abs(raw - smooth) > 150, smooth, raw), 0.0)
    side, east = 185.3, 185.3 * np.cos(np.radians(int(path.stem[1:3]) + 0.5))
    at = np.meshgrid(
        np.arange(0, 599 * side, 200) / side, np.arange(0, 599 * east, 200) / east, indexing="ij"
    )
    return ndimage.map_coordinates(raw, at, order=1).astype(float)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: drawn(0, plains=1.0), "plains 1 is outside 0-1"),
        (
            lambda: add_cone(np.zeros((5, 5)), 1.0, (2, 2), height=1.0, radius=2.0, age=0.5),
            "age 0.5 is not 0 to 1 with a generator",
        ),
        (
            lambda: add_cone(np.zeros((5, 5)), 1.0, (2, 2), height=1.0, radius=2.0, crater=2.0),
            "crater 2 m breaks 0 <= crater < radius",
        ),
        (lambda: relief_statistics(np.zeros((200, 200)), 200.0), "relief is flat all over"),
        (
            lambda: spectral_slope(np.ones((9, 9)), 100.0, 150.0, 800.0),
            "wavelengths 150 to 800 m do not fit a field of 900 m",
        ),
        (lambda: spectral_slope(np.full((9, 9), np.nan), 100.0, 200.0, 800.0), "holds no data"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
