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

from bradyseism.physics.atmosphere import (
    NOISE_LEVELS,
    NoiseLevel,
    gradient_field,
    scale_noise,
    stratified_delay,
    turbulent_field,
    turbulent_fields,
)
from bradyseism.physics.covariance import (
    CovarianceModel,
    ExponentialModel,
    MaternModel,
    PowerLaw,
    SphericalModel,
)
from bradyseism.physics.embedding import embed
from bradyseism.physics.normals import standard_normals
from bradyseism.physics.population import FittedModels, LogNormalModels
from bradyseism.physics.variogram import Variogram
from bradyseism.physics.variogram_fit import fit

SHAPE = (256, 256)
PIXEL = 200.0
IMAGES = 200
SHORT = ExponentialModel(1.0, 5.0)


@pytest.fixture(scope="module", params=[2000.0, 5000.0, 10000.0])
def ensemble(request: pytest.FixtureRequest) -> tuple[float, NDArray[np.float64]]:
    length: float = request.param
    rng = np.random.default_rng(20)
    return length, turbulent_fields(IMAGES, ExponentialModel(1.0, length), SHAPE, PIXEL, rng)


def pooled(fields: NDArray[np.float64], pixels: int, *, diagonal: bool = False) -> float:
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
        self, ensemble: tuple[float, NDArray[np.float64]]
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
        self, ensemble: tuple[float, NDArray[np.float64]], shared: Path
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
        self, ensemble: tuple[float, NDArray[np.float64]]
    ) -> None:
        length, fields = ensemble
        pixels = np.unique(np.geomspace(1, 2 * length / PIXEL, 12).round().astype(int))
        gamma = np.array([pooled(fields, int(lag)) for lag in pixels])
        lag = pixels * PIXEL
        model: Any = fit(Variogram(lag, gamma, np.ones_like(gamma) * lag**2)).model
        assert_allclose(model.sill, 1.0, rtol=0.05)
        assert_allclose(model.length, length, rtol=0.06)
        # A nugget would be the mark of clipped eigenvalues.
        assert model.nugget < 0.1 * PIXEL / length

    def test_opposite_edges_do_not_know_each_other(
        self, ensemble: tuple[float, NDArray[np.float64]]
    ) -> None:
        length, fields = ensemble
        correlation = float(np.mean(fields[:, 0] * fields[:, -1], dtype=np.float64))
        # Columns of an edge hold about 51.2 km / (2 length) independent values.
        error = math.sqrt(2.0 * length / 51200.0 / IMAGES)
        assert_allclose(correlation, math.exp(-51.0e3 / length), atol=4.0 * error)

    def test_two_fields_of_one_transform_are_independent(
        self, ensemble: tuple[float, NDArray[np.float64]]
    ) -> None:
        length, fields = ensemble
        product = float(np.mean(fields[0::2] * fields[1::2], dtype=np.float64))
        cells = 51200.0**2 / (math.pi * length**2 / 2.0)
        assert_allclose(product, 0.0, atol=4.0 / math.sqrt(cells * IMAGES / 2.0))

    @pytest.mark.parametrize("length", [2000.0, 5000.0, 10000.0])
    def test_amplitudes_on_the_torus_carry_the_whole_sill(self, length: float) -> None:
        torus = embed(ExponentialModel(1.0, length), SHAPE, (PIXEL, PIXEL))
        # Coefficients of the inner columns stand for their conjugates too.
        weights = np.r_[1.0, np.full(torus.amplitude.shape[1] - 2, 2.0), 1.0]
        power = np.sum(torus.amplitude.astype(np.float64) ** 2, axis=0)
        assert torus.amplitude.shape[0] >= 2 * SHAPE[0] - 2
        # Clipping eigenvalues of -1.4e-5 of the largest would show as 3e-4.
        assert_allclose(weights**2 @ power, 1.0, rtol=1e-5)
        assert torus.slopes == (0.0, 0.0)

    @pytest.mark.parametrize("shape", [(64, 64), (40, 100)])
    @pytest.mark.parametrize("length", [8000.0, 15000.0, 200000.0])
    def test_long_lengths_keep_their_short_lags(
        self, shape: tuple[int, int], length: float
    ) -> None:
        # Intrinsic embedding: neighbouring pixels differ as they should, to 1 %.
        rng = np.random.default_rng(3)
        fields = turbulent_fields(400, ExponentialModel(1.0, length), shape, 50.0, rng)
        assert_allclose(pooled(fields, 1), -math.expm1(-50.0 / length), rtol=0.01)
        for pixels, tolerance in [(5, 0.03), (35, 0.15)]:
            expected = -math.expm1(-pixels * 50.0 / length)
            assert_allclose(pooled(fields, pixels), expected, rtol=tolerance)
        # One value an image: the variance of 400 scatters by the root of 2 / 400.
        assert_allclose(np.mean(fields**2), 1.0, atol=4.0 * math.sqrt(2.0 / 400))

    def test_rows_and_columns_of_a_long_map_are_not_swapped(self) -> None:
        rng = np.random.default_rng(4)
        fields = turbulent_fields(60, ExponentialModel(1.0, 1000.0), (30, 120), 100.0, rng)
        assert fields.shape == (60, 30, 120)
        for axis in (1, 2):
            step = np.diff(fields, axis=axis)
            assert_allclose(np.mean(step**2) / 2.0, -math.expm1(-0.1), rtol=0.03)

    def test_same_generator_state_gives_the_same_bits(self) -> None:
        for length in (500.0, 50000.0):
            first, second, other = (
                turbulent_fields(
                    3, ExponentialModel(1.0, length), (20, 30), 90.0, np.random.default_rng(seed)
                )
                for seed in (7, 7, 8)
            )
            assert_array_equal(first, second)
            assert np.abs(first - other).min() > 0.0

    def test_fewer_fields_are_the_first_of_more(self) -> None:
        draw = {
            n: turbulent_fields(n, SHORT, (9, 8), 1.0, np.random.default_rng(1)) for n in (1, 4)
        }
        assert_array_equal(draw[1][0], draw[4][0])
        single = turbulent_field(SHORT, (9, 8), 1.0, np.random.default_rng(1))
        assert_array_equal(single, draw[4][0])

    def test_standard_deviation_scales_the_field(self) -> None:
        unit, wide = (
            turbulent_field(SHORT.scaled(deviation**2), (9, 8), 1.0, np.random.default_rng(1))
            for deviation in (1.0, 3.0)
        )
        assert_allclose(wide, 3.0 * unit, rtol=1e-12)

    def test_scale_of_length_and_pixel_does_not_matter(self) -> None:
        metres, kilometres = (
            turbulent_field(
                ExponentialModel(1.0, length), (16, 16), pixel, np.random.default_rng(2)
            )
            for pixel, length in ((250.0, 1000.0), (0.25, 1.0))
        )
        assert_allclose(metres, kilometres, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"count": 0}, r"0 fields of 4 x 5 pixels"),
            ({"shape": (4, 0)}, r"2 fields of 4 x 0 pixels"),
            ({"pixel_size": -1.0}, r"pixel_size -1 m is not positive"),
            ({"pixel_size": (1.0, math.nan)}, r"pixel_size nan m is not positive"),
            ({"valid": np.ones((5, 4), dtype=bool)}, r"valid has the shape \(5, 4\)"),
            (
                {"model": MaternModel(1.0, 1e6, smoothness=8.0)},
                r"cannot be drawn on 4 x 5 pixels .* too smooth",
            ),
        ],
    )
    def test_bad_arguments(self, change: dict[str, Any], message: str) -> None:
        arguments = {"count": 2, "shape": (4, 5), "pixel_size": 1.0, "model": SHORT} | change
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
        field = turbulent_field(
            ExponentialModel(1.0, 2000.0), (40, 40), 200.0, np.random.default_rng(0)
        )
        field += 5.0
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


def test_stratified_delay_takes_a_gradient_for_each_pixel() -> None:
    height = np.array([[1000.0, 1500.0], [2000.0, 3000.0]])
    gradient = np.array([[1e-6, 2e-6], [3e-6, -1e-6]])
    expected = [[-5e-4, 0.0], [1.5e-3, -1.5e-3]]
    assert_allclose(stratified_delay(height, gradient, 1500.0), expected, atol=1e-18)
    with pytest.raises(ValueError, match=r"gradient of shape \(2,\) does not fit the elevation"):
        stratified_delay(height, gradient[0], 1500.0)


class TestGradientField:
    def test_no_deviation_is_the_constant(self) -> None:
        field = gradient_field((-2e-6, 0.0), 3e4, (20, 30), 200.0, np.random.default_rng(0))
        assert_array_equal(field, np.full((20, 30), -2e-6))

    def test_is_smooth_and_spreads_as_asked(self) -> None:
        rng = np.random.default_rng(1)
        model = MaternModel(4.0, 2000.0, smoothness=1.5)
        fields = np.array(
            [gradient_field((5.0, 2.0), 2000.0, (50, 70), (200.0, 100.0), rng) for _ in range(300)]
        )
        assert_allclose(fields.mean(), 5.0, atol=0.15)
        assert_allclose(fields.std(), 2.0, rtol=0.06)
        assert_allclose(pooled_along(fields, 1, 10), model.semivariogram(2000.0), rtol=0.1)
        assert_allclose(pooled_along(fields, 2, 10), model.semivariogram(1000.0), rtol=0.1)
        # Neighbours differ by a small part of the spread.
        assert pooled_along(fields, 2, 1) < 0.004 * 4.0

    def test_errors(self) -> None:
        rng = np.random.default_rng(0)
        with pytest.raises(ValueError, match=r"deviation -1 is not a standard deviation"):
            gradient_field((0.0, -1.0), 1e4, (4, 4), 100.0, rng)
        with pytest.raises(ValueError, match=r"mean gradient inf is not finite"):
            gradient_field((math.inf, 1.0), 1e4, (4, 4), 100.0, rng)


def pooled_along(fields: NDArray[np.float64], axis: int, pixels: int) -> float:
    size = fields.shape[axis]
    near = np.take(fields, range(size - pixels), axis=axis)
    far = np.take(fields, range(pixels, size), axis=axis)
    return float(np.mean((far - near) ** 2) / 2.0)


class TestEveryModel:
    @pytest.mark.parametrize(
        "model",
        [
            ExponentialModel(3.0, 2000.0, 1.0),
            SphericalModel(3.0, 4000.0, 0.2),
            SphericalModel(3.0, 60000.0),
            MaternModel(3.0, 1000.0, 0.1, 1.5),
            MaternModel(3.0, 3000.0, 0.0, 0.3),
            PowerLaw(1.0, 2.0 / 3.0),
            PowerLaw(1.0, 1.4, 0.5),
            PowerLaw(1.0, 1.8),
        ],
        ids=str,
    )
    def test_variogram_along_rows_and_columns_of_oblong_pixels(
        self, model: CovarianceModel
    ) -> None:
        rng = np.random.default_rng(2)
        fields = turbulent_fields(300, model, (40, 70), (150.0, 250.0), rng)
        for pixels, tolerance in [(1, 0.02), (4, 0.06), (15, 0.2)]:
            for axis, side in [(1, 150.0), (2, 250.0)]:
                expected = model.semivariogram(pixels * side)
                assert_allclose(pooled_along(fields, axis, pixels), expected, rtol=tolerance)
        if math.isfinite(model.variance):
            assert_allclose(np.mean(fields**2), model.variance, rtol=0.2)
            assert_allclose(fields.mean(), 0.0, atol=0.35)

    def test_nugget_alone_is_white(self) -> None:
        model = ExponentialModel(0.0, 500.0, 4.0)
        fields = turbulent_fields(20, model, (30, 40), 100.0, np.random.default_rng(0))
        assert_allclose(fields.std(), 2.0, rtol=0.03)
        assert_allclose(pooled_along(fields, 1, 1), 4.0, rtol=0.05)

    def test_no_variance_is_zero(self) -> None:
        model = SphericalModel(0.0, 10.0)
        assert not turbulent_field(model, (5, 6), 1.0, np.random.default_rng(0)).any()

    def test_gaps_are_missing_and_the_rest_as_without(self) -> None:
        valid = np.random.default_rng(0).random((20, 30)) > 0.6
        whole, holed = (
            turbulent_field(SHORT, (20, 30), 1.0, np.random.default_rng(3), valid=mask)
            for mask in (None, valid)
        )
        assert_array_equal(np.isfinite(holed), valid)
        assert_array_equal(holed[valid], whole[valid])

    def test_values_are_normal(self, ensemble: tuple[float, NDArray[np.float64]]) -> None:
        _, fields = ensemble
        kurtosis = float(np.mean(fields**4) / np.mean(fields**2) ** 2)
        assert_allclose(kurtosis, 3.0, atol=0.25)


class TestNormals:
    def test_moments_and_tails_are_those_of_a_normal_law(self) -> None:
        drawn = standard_normals((4_000_000,), np.random.default_rng(5)).astype(np.float64)
        for power, expected in [(1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0)]:
            # Variance of the mean of x^p: the moment of order 2 p.
            moment = math.prod(range(1, 2 * power, 2))
            assert_allclose(np.mean(drawn**power), expected, atol=4.5 * math.sqrt(moment / 4e6))
        # One edge inside the layers, one at the tail that has its own rule, one beyond.
        for edge in (0.5, 2.0, 3.6541528853610088, 4.2):
            expected = 0.5 * math.erfc(edge / math.sqrt(2.0))
            for share in (np.mean(drawn > edge), np.mean(drawn < -edge)):
                assert_allclose(share, expected, atol=4.5 * math.sqrt(expected / 4e6))

    def test_neighbours_are_independent(self) -> None:
        drawn = standard_normals((1_000_000,), np.random.default_rng(6)).astype(np.float64)
        for step in (1, 2, 3):
            assert_allclose(np.mean(drawn[step:] * drawn[:-step]), 0.0, atol=4.5e-3)
            squares = (drawn[step:] ** 2 - 1.0) * (drawn[:-step] ** 2 - 1.0)
            assert_allclose(np.mean(squares), 0.0, atol=4.5 * 2e-3)


class TestPopulation:
    def test_each_field_has_its_own_model(self) -> None:
        models = FittedModels((ExponentialModel(1e-8, 100.0), ExponentialModel(1e4, 100.0)))
        fields = turbulent_fields(30, models, (8, 9), 50.0, np.random.default_rng(0))
        strong = np.abs(fields).max(axis=(1, 2)) > 1.0
        assert 5 < strong.sum() < 25

    def test_log_normal_models_return_what_they_were_drawn_from(self) -> None:
        truth = LogNormalModels(4e-6, 6e3, 0.5, 0.3, -0.7, 0.1, SphericalModel)
        rng = np.random.default_rng(1)
        drawn = [truth.draw(rng) for _ in range(4000)]
        assert all(isinstance(model, SphericalModel) for model in drawn)
        found = LogNormalModels.of(drawn)  # type: ignore[arg-type]
        assert_allclose([found.sill, found.length], [4e-6, 6e3], rtol=0.04)
        assert_allclose([found.sill_spread, found.length_spread], [0.5, 0.3], rtol=0.05)
        assert_allclose([found.correlation, found.nugget_share], [-0.7, 0.1], atol=0.04)
        assert found.kind is SphericalModel

    def test_errors(self) -> None:
        one = ExponentialModel(1.0, 2.0)
        with pytest.raises(ValueError, match=r"holds 0 models"):
            FittedModels(())
        with pytest.raises(ValueError, match=r"correlation 2 is outside -1 to 1"):
            LogNormalModels(1.0, 1.0, correlation=2.0)
        with pytest.raises(ValueError, match=r"2 models of ExponentialModel make no"):
            LogNormalModels.of([one, one])
        with pytest.raises(ValueError, match=r"sill 0 of a model has no logarithm"):
            LogNormalModels.of([one, one, ExponentialModel(0.0, 2.0)])
