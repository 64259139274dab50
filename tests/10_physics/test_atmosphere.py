"""Turbulence against the statistics of its law; variograms against brute force."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from bradyseism.physics import atmosphere
from bradyseism.physics.atmosphere import (
    NOISE_LEVELS,
    ExponentialModel,
    NoiseLevel,
    Variogram,
    empirical_variogram,
    fit_exponential,
    scale_noise,
    stratified_delay,
    turbulent_field,
    turbulent_fields,
)

SHAPE = (256, 256)
PIXEL = 200.0
IMAGES = 200


@pytest.fixture(scope="module", params=[2000.0, 5000.0, 10000.0])
def ensemble(request: pytest.FixtureRequest) -> tuple[float, NDArray[np.float32]]:
    length: float = request.param
    rng = np.random.default_rng(20)
    return length, turbulent_fields(IMAGES, SHAPE, PIXEL, length, rng, dtype=np.float32)


def pooled(fields: NDArray[np.float32], pixels: int, *, diagonal: bool = False) -> float:
    """Matheron semivariance of all fields at a lag along rows and columns, or diagonals."""
    if diagonal:
        pairs = [
            (fields[:, pixels:, pixels:], fields[:, :-pixels, :-pixels]),
            (fields[:, :-pixels, pixels:], fields[:, pixels:, :-pixels]),
        ]
    else:
        pairs = [
            (fields[:, pixels:], fields[:, :-pixels]),
            (fields[:, :, pixels:], fields[:, :, :-pixels]),
        ]
    return float(np.mean([np.mean((a - b) ** 2, dtype=np.float64) for a, b in pairs]) / 2.0)


class TestTurbulence:
    def test_pooled_variogram_follows_the_law(
        self, ensemble: tuple[float, NDArray[np.float32]]
    ) -> None:
        # Tolerances are four standard errors of the mean over 200 images.
        length, fields = ensemble
        near, middle, far = (0.02, 0.05, 0.08) if length > 5000.0 else (0.01, 0.025, 0.05)
        at_length = round(length / PIXEL)
        for pixels, tolerance in [(1, near), (at_length, middle), (100, far)]:
            expected = -math.expm1(-pixels * PIXEL / length)
            assert_allclose(pooled(fields, pixels), expected, rtol=tolerance)
        expected = -math.expm1(-math.sqrt(2.0) * at_length * PIXEL / length)
        assert_allclose(
            pooled(fields, at_length, diagonal=True), expected, rtol=math.sqrt(2.0) * middle
        )

    def test_pooled_variogram_is_that_of_the_reference_sampler(
        self, ensemble: tuple[float, NDArray[np.float32]], shared: Path
    ) -> None:
        length, fields = ensemble
        rows = json.loads((shared / "golden" / "atmosphere_stats.json").read_text())["rows"]
        row = next(row for row in rows if row["L_m"] == length)
        # Two ensembles of 200 differ by four standard errors times the root of two.
        for lag, expected, deviation in zip(
            row["lags_m"], row["gamma_mean"], row["gamma_single_image_rel_sd"], strict=True
        ):
            tolerance = 4.0 * math.sqrt(2.0 / IMAGES) * deviation
            assert_allclose(pooled(fields, round(lag / PIXEL)), expected, rtol=tolerance)

    def test_pooled_fit_returns_sill_and_length(
        self, ensemble: tuple[float, NDArray[np.float32]]
    ) -> None:
        length, fields = ensemble
        pixels = np.unique(np.geomspace(1, 2 * length / PIXEL, 12).round().astype(int))
        gamma = np.array([pooled(fields, int(lag)) for lag in pixels])
        lag = pixels * PIXEL
        model = fit_exponential(Variogram(lag, gamma, np.ones_like(gamma) * lag**2))
        assert_allclose(model.sill, 1.0, rtol=0.05)
        assert_allclose(model.length, length, rtol=0.06)
        # A nugget would be the mark of clipped eigenvalues.
        assert model.nugget < 0.1 * PIXEL / length

    def test_opposite_edges_do_not_know_each_other(
        self, ensemble: tuple[float, NDArray[np.float32]]
    ) -> None:
        length, fields = ensemble
        correlation = float(np.mean(fields[:, 0] * fields[:, -1], dtype=np.float64))
        # Columns of an edge hold about 51.2 km / (2 length) independent values.
        error = math.sqrt(2.0 * length / 51200.0 / IMAGES)
        assert_allclose(correlation, math.exp(-51.0e3 / length), atol=4.0 * error)

    def test_two_fields_of_one_transform_are_independent(
        self, ensemble: tuple[float, NDArray[np.float32]]
    ) -> None:
        length, fields = ensemble
        product = float(np.mean(fields[0::2] * fields[1::2], dtype=np.float64))
        cells = 51200.0**2 / (math.pi * length**2 / 2.0)
        assert_allclose(product, 0.0, atol=4.0 / math.sqrt(cells * IMAGES / 2.0))

    @pytest.mark.parametrize("length", [2000.0, 5000.0, 10000.0])
    def test_amplitudes_on_the_torus_carry_the_whole_sill(self, length: float) -> None:
        torus = atmosphere._torus(SHAPE, PIXEL, length)
        weights = [np.r_[1.0, np.full(size - 2, 2.0), 1.0] for size in torus.amplitude.shape]
        assert min(torus.amplitude.shape) > max(SHAPE)
        # Clipping eigenvalues of -1.4e-5 of the largest would show as 3e-4.
        assert_allclose(weights[0] @ torus.amplitude**2 @ weights[1], 1.0, rtol=1e-5)
        assert torus.slope == 0.0

    @pytest.mark.parametrize("shape", [(64, 64), (40, 100)])
    @pytest.mark.parametrize("length", [8000.0, 15000.0, 200000.0])
    def test_long_lengths_keep_their_short_lags(
        self, shape: tuple[int, int], length: float
    ) -> None:
        # Intrinsic embedding: neighbouring pixels differ as they should, to 1 %.
        rng = np.random.default_rng(3)
        fields = turbulent_fields(400, shape, 50.0, length, rng, dtype=np.float32)
        assert_allclose(pooled(fields, 1), -math.expm1(-50.0 / length), rtol=0.01)
        for pixels, tolerance in [(5, 0.03), (35, 0.15)]:
            expected = -math.expm1(-pixels * 50.0 / length)
            assert_allclose(pooled(fields, pixels), expected, rtol=tolerance)
        # One value an image: the variance of 400 scatters by the root of 2 / 400.
        assert_allclose(np.mean(fields**2), 1.0, atol=4.0 * math.sqrt(2.0 / 400))

    def test_rows_and_columns_of_a_long_map_are_not_swapped(self) -> None:
        rng = np.random.default_rng(4)
        fields = turbulent_fields(60, (30, 120), 100.0, 1000.0, rng)
        assert fields.shape == (60, 30, 120)
        for axis in (1, 2):
            step = np.diff(fields, axis=axis)
            assert_allclose(np.mean(step**2) / 2.0, -math.expm1(-0.1), rtol=0.03)

    def test_same_generator_state_gives_the_same_bits(self) -> None:
        for length in (500.0, 50000.0):
            first, second, other = (
                turbulent_fields(3, (20, 30), 90.0, length, np.random.default_rng(seed))
                for seed in (7, 7, 8)
            )
            assert_array_equal(first, second)
            assert np.abs(first - other).min() > 0.0

    def test_fewer_fields_are_the_first_of_more(self) -> None:
        draw = {n: turbulent_fields(n, (9, 8), 1.0, 5.0, np.random.default_rng(1)) for n in (1, 4)}
        assert_array_equal(draw[1][0], draw[4][0])
        single = turbulent_field((9, 8), 1.0, 5.0, np.random.default_rng(1))
        assert_array_equal(single, draw[4][0])

    def test_standard_deviation_scales_the_field(self) -> None:
        unit, wide = (
            turbulent_field(
                (9, 8), 1.0, 5.0, np.random.default_rng(1), standard_deviation=deviation
            )
            for deviation in (1.0, 3.0)
        )
        assert_allclose(wide, 3.0 * unit, rtol=1e-15)

    def test_scale_of_length_and_pixel_does_not_matter(self) -> None:
        metres, kilometres = (
            turbulent_field((16, 16), pixel, length, np.random.default_rng(2))
            for pixel, length in ((250.0, 1000.0), (0.25, 1.0))
        )
        assert_allclose(metres, kilometres, rtol=1e-12)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"count": 0}, r"0 fields of 4 x 5 pixels"),
            ({"shape": (4, 0)}, r"2 fields of 4 x 0 pixels"),
            ({"pixel_size": -1.0}, r"pixel_size -1 m is not positive"),
            ({"length": math.nan}, r"length nan m is not positive"),
            ({"standard_deviation": -2.0}, r"standard_deviation -2 is not a standard deviation"),
            ({"dtype": np.int32}, r"dtype int32 is not a precision of fields"),
        ],
    )
    def test_bad_arguments(self, change: dict[str, Any], message: str) -> None:
        arguments = {"count": 2, "shape": (4, 5), "pixel_size": 1.0, "length": 3.0} | change
        with pytest.raises(ValueError, match=message):
            turbulent_fields(**arguments, rng=np.random.default_rng(0))


class TestNoiseLevel:
    @pytest.mark.parametrize(
        ("track", "mean", "deviation"),
        [("descending", 4.6025e-3, 0.1719e-3), ("ascending", 8.299e-3, 1.9365e-3)],
    )
    def test_amplitudes_of_the_paper(self, track: str, mean: float, deviation: float) -> None:
        rng = np.random.default_rng(5)
        drawn = np.array([NOISE_LEVELS[track].draw(rng) for _ in range(2000)])
        assert drawn.min() > 0.0
        assert_allclose(drawn.mean(), mean, atol=4.0 * deviation / math.sqrt(2000))
        assert_allclose(drawn.std(), deviation, rtol=4.0 / math.sqrt(2 * 2000))

    def test_no_deviation_is_a_constant(self) -> None:
        assert NoiseLevel(0.01, 0.0).draw(np.random.default_rng(0)) == 0.01

    def test_peak_reading_sets_the_largest_value_about_the_mean(self) -> None:
        field = turbulent_field((40, 40), 200.0, 2000.0, np.random.default_rng(0)) + 5.0
        field[3, 4] = np.nan
        scaled = scale_noise(field, 0.008, "peak")
        assert_allclose(np.nanmax(np.abs(scaled)), 0.008, rtol=1e-12)
        assert_allclose(np.nanmean(scaled), 0.0, atol=1e-15)
        assert np.isnan(scaled[3, 4])
        assert np.corrcoef(scaled[5], field[5])[0, 1] > 0.999

    def test_sill_reading_multiplies_and_nothing_else(self) -> None:
        field = np.array([[1.0, -2.0], [np.nan, 0.5]])
        assert_array_equal(scale_noise(field, 0.5, "sill"), [[0.5, -1.0], [np.nan, 0.25]])

    def test_constant_field_has_no_peak(self) -> None:
        assert_array_equal(scale_noise(np.full((2, 2), 3.0), 0.01), np.zeros((2, 2)))

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match=r"mean 0 m is not positive"):
            NoiseLevel(0.0, 1.0)
        with pytest.raises(ValueError, match=r"deviation -1 is not a standard deviation"):
            NoiseLevel(1.0, -1.0)
        with pytest.raises(ValueError, match=r"reading 'mean' of the noise is unknown"):
            scale_noise(np.ones((2, 2)), 1.0, "mean")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"shape \(2, 2\) holds no finite value"):
            scale_noise(np.full((2, 2), np.nan), 1.0)


def test_stratified_delay_is_linear_in_height() -> None:
    height = np.array([[1000.0, 1500.0], [2000.0, np.nan]])
    delay = stratified_delay(height, -2e-6, 1500.0)
    assert_allclose(delay, [[1e-3, 0.0], [-1e-3, np.nan]], atol=1e-18)


class TestVariogram:
    @pytest.mark.parametrize("shape", [(13, 9), (1, 20), (7, 31)])
    def test_equals_brute_force_with_gaps(self, shape: tuple[int, int]) -> None:
        rng = np.random.default_rng(6)
        values = rng.standard_normal(shape) + 100.0
        values[rng.random(shape) < 0.3] = np.nan
        variogram = empirical_variogram(values, 10.0, longest_lag=250.0)

        row, column = np.nonzero(np.isfinite(values))
        first, second = np.triu_indices(row.size, 1)
        distance = np.hypot(row[first] - row[second], column[first] - column[second])
        kept = distance <= 25.0
        number = np.rint(distance[kept]).astype(int)
        squares = (values[row, column][first] - values[row, column][second])[kept] ** 2
        pairs = np.bincount(number)
        filled = pairs > 0
        assert_array_equal(variogram.pairs, pairs[filled])
        assert_allclose(
            variogram.semivariance,
            np.bincount(number, squares)[filled] / pairs[filled] / 2.0,
            rtol=1e-10,
        )
        mean_lag = np.bincount(number, distance[kept])[filled] / pairs[filled] * 10.0
        assert_allclose(variogram.lag, mean_lag, rtol=1e-12)

    def test_of_a_ramp_is_a_parabola_and_ignores_a_constant(self) -> None:
        ramp = np.tile(np.arange(40.0), (40, 1))
        variogram = empirical_variogram(ramp, 1.0, longest_lag=1.0)
        # Half the unit steps run along the ramp, half across it.
        assert_allclose(variogram.semivariance, [0.25], rtol=1e-10)
        shifted = empirical_variogram(ramp + 1e4, 1.0, longest_lag=1.0)
        assert_allclose(shifted.semivariance, variogram.semivariance, rtol=1e-9)

    def test_default_reaches_half_the_shorter_side(self) -> None:
        values = np.random.default_rng(0).standard_normal((30, 50))
        assert 14.5 * 90.0 < empirical_variogram(values, 90.0).lag[-1] <= 15.0 * 90.0

    def test_single_precision_map_with_a_large_constant(self) -> None:
        values = np.random.default_rng(0).standard_normal((30, 50)).astype(np.float32) + 64.0
        assert_allclose(empirical_variogram(values, 1.0).semivariance[0], 1.0, rtol=0.1)

    @pytest.mark.parametrize(
        ("values", "longest_lag", "message"),
        [
            (np.full((4, 4), np.nan), None, r"map of 4 x 4 pixels holds 0 valid"),
            (np.ones((1, 1)), None, r"map of 1 x 1 pixels holds 1 valid"),
            (np.ones(5), None, r"shape \(5,\)"),
            (np.ones((5, 5)), 0.5, r"longest_lag 0.5 m at pixels of 1 m"),
        ],
    )
    def test_errors(
        self, values: NDArray[np.float64], longest_lag: float | None, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            empirical_variogram(values, 1.0, longest_lag=longest_lag)

    def test_unequal_columns(self) -> None:
        with pytest.raises(ValueError, match=r"three one-dimensional arrays"):
            Variogram(np.ones(3), np.ones(2), np.ones(3))


class TestFit:
    lag = np.arange(1.0, 60.0) * 200.0

    @pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
    def test_returns_the_model_that_made_the_variogram(self, scale: float) -> None:
        truth = ExponentialModel(2.0 * scale, 3000.0, 0.3 * scale)
        model = fit_exponential(Variogram(self.lag, truth.semivariogram(self.lag), self.lag))
        assert_allclose(
            [model.sill, model.length, model.nugget],
            [truth.sill, truth.length, truth.nugget],
            rtol=1e-4,
        )

    def test_far_bump_bends_the_fit_little(self) -> None:
        truth = ExponentialModel(1.0, 2000.0)
        gamma = truth.semivariogram(self.lag)
        gamma[-10:] *= 3.0
        model = fit_exponential(Variogram(self.lag, gamma, self.lag))
        assert_allclose([model.sill, model.length], [1.0, 2000.0], rtol=0.1)

    def test_white_noise_is_all_nugget_or_all_shorter_than_a_pixel(self) -> None:
        model = fit_exponential(Variogram(self.lag, np.ones_like(self.lag), self.lag))
        assert_allclose(model.semivariogram(self.lag), 1.0, rtol=1e-2)

    def test_single_map_with_a_nugget_and_gaps(self) -> None:
        rng = np.random.default_rng(9)
        values = turbulent_field(SHAPE, PIXEL, 2000.0, rng)
        values += math.sqrt(0.5) * rng.standard_normal(SHAPE)
        values[rng.random(SHAPE) < 0.5] = np.nan
        model = fit_exponential(empirical_variogram(values, PIXEL))
        # The spread of single maps: about 7 % in the sill, 10 % in the length.
        assert_allclose([model.sill, model.nugget], [1.0, 0.5], rtol=0.2)
        assert_allclose(model.length, 2000.0, rtol=0.35)

    def test_constant_map_has_no_variance(self) -> None:
        model = fit_exponential(empirical_variogram(np.full((20, 20), 3.0), 100.0))
        assert (model.sill, model.nugget) == (0.0, 0.0)

    def test_too_few_bins(self) -> None:
        with pytest.raises(ValueError, match=r"variogram of 2 bins"):
            fit_exponential(Variogram(np.ones(2), np.ones(2), np.ones(2)))


class TestModel:
    def test_covariance_and_semivariogram_add_to_the_variance(self) -> None:
        model = ExponentialModel(2.0, 700.0, 0.5)
        lag = np.array([0.0, 1e-3, 100.0, 700.0, 1e7])
        assert_allclose(model.covariance(lag) + model.semivariogram(lag), 2.5, rtol=1e-14)
        assert_allclose(model.covariance([0.0, 700.0]), [2.5, 2.0 / math.e], rtol=1e-14)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ((-1.0, 1.0, 0.0), r"sill -1 is not a variance"),
            ((1.0, 0.0, 0.0), r"length 0 m is not positive"),
            ((1.0, 1.0, math.inf), r"nugget inf is not a variance"),
        ],
    )
    def test_errors(self, values: tuple[float, float, float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            ExponentialModel(*values)
