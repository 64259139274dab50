"""Variograms against brute force; fits against the models that made them, and their errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import (
    CovarianceModel,
    ExponentialModel,
    MaternModel,
    PowerLaw,
    SphericalModel,
)
from bradyseism.physics.variogram import Variogram, empirical_variogram, without_plane
from bradyseism.physics.variogram_fit import Kind, bin_deviation, fit, fit_models

SHAPE = (256, 256)
PIXEL = 200.0
TRUTHS: dict[Kind, CovarianceModel] = {
    "exponential": ExponentialModel(4.0, 1200.0, 0.5),
    "spherical": SphericalModel(4.0, 3000.0, 0.2),
    "matern": MaternModel(4.0, 500.0, 0.2, 1.5),
    "power law": PowerLaw(1.0, 1.2, 0.1),
}


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


class TestResistant:
    def test_agrees_with_the_classical_on_a_gaussian_field(self) -> None:
        rng = np.random.default_rng(1)
        valid = rng.random((120, 150)) > 0.6
        model = ExponentialModel(2.0, 1000.0, 0.4)
        field = turbulent_field(model, valid.shape, (200.0, 150.0), rng, valid=valid)
        both = [
            empirical_variogram(field, (200.0, 150.0), estimator=name, bins=15)
            for name in ("classical", "resistant")
        ]
        # Drawn lags are rounded to pixels: the nearest bins weigh their few lags otherwise.
        assert_allclose(both[1].lag, both[0].lag, rtol=0.06)
        assert_allclose(both[1].semivariance, both[0].semivariance, rtol=0.15)
        # The number of pairs is known by sampling; the nearest bins hold few lags.
        assert_allclose(both[1].pairs[3:], both[0].pairs[3:], rtol=0.2)

    def test_a_deforming_volcano_bends_only_the_classical(self) -> None:
        rng = np.random.default_rng(2)
        field = turbulent_field(ExponentialModel(1.0, 1000.0), (150, 150), 200.0, rng)
        row, column = np.indices(field.shape)
        dome = 20.0 * np.exp(-((row - 70.0) ** 2 + (column - 80.0) ** 2) / (2.0 * 10.0**2))
        change = {
            name: empirical_variogram(field + dome, 200.0, estimator=name, bins=15).semivariance
            / empirical_variogram(field, 200.0, estimator=name, bins=15).semivariance
            for name in ("classical", "resistant")
        }
        assert change["classical"][-3:].min() > 5.0
        assert change["resistant"].max() < 2.2

    def test_same_map_gives_the_same_variogram(self) -> None:
        field = np.random.default_rng(0).standard_normal((30, 40))
        one, two = (empirical_variogram(field, 1.0, estimator="resistant") for _ in range(2))
        assert_array_equal(one.semivariance, two.semivariance)

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match=r"estimator 'mean' is unknown"):
            empirical_variogram(np.eye(5), 1.0, estimator="mean")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"bins 2 is fewer than 3"):
            empirical_variogram(np.eye(5), 1.0, bins=2)


def test_oblong_pixels_have_their_own_sides() -> None:
    ramp = np.tile(np.arange(40.0), (40, 1))
    # Steps of 1 along rows only: at one pixel of height nothing changes, at one of width 1/2.
    tall = empirical_variogram(ramp, (100.0, 1000.0), longest_lag=110.0)
    assert_allclose(tall.semivariance, 0.0, atol=1e-9)
    wide = empirical_variogram(ramp, (1000.0, 100.0), longest_lag=110.0)
    assert_allclose(wide.semivariance, [0.5], rtol=1e-9)


class TestPlane:
    def test_is_removed_in_spite_of_a_volcano_and_gaps(self) -> None:
        rng = np.random.default_rng(0)
        row, column = np.indices((80, 110))
        noise = 0.1 * rng.standard_normal(row.shape)
        dome = 30.0 * np.exp(-((row - 20.0) ** 2 + (column - 90.0) ** 2) / 200.0)
        values = noise + dome + 0.2 * row - 0.1 * column + 7.0
        values[rng.random(row.shape) < 0.4] = np.nan
        rest = without_plane(values)
        assert_array_equal(np.isnan(rest), np.isnan(values))
        far = np.isfinite(rest) & (dome < 0.01)
        assert_allclose((rest - noise)[far], 0.0, atol=0.1)

    def test_two_pixels_hold_no_plane(self) -> None:
        with pytest.raises(ValueError, match=r"2 valid pixels hold no plane"):
            without_plane(np.array([[1.0, 2.0, np.nan]]))


class TestFit:
    lag = np.arange(1.0, 60.0) * 200.0

    @pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
    def test_returns_the_model_that_made_the_variogram(self, scale: float) -> None:
        truth = ExponentialModel(2.0 * scale, 3000.0, 0.3 * scale)
        model: Any = fit(Variogram(self.lag, truth.semivariogram(self.lag), self.lag)).model
        assert_allclose(
            [model.sill, model.length, model.nugget],
            [truth.sill, truth.length, truth.nugget],
            rtol=1e-4,
        )

    def test_far_bump_bends_the_fit_little(self) -> None:
        truth = ExponentialModel(1.0, 2000.0)
        gamma = truth.semivariogram(self.lag)
        gamma[-10:] *= 3.0
        model: Any = fit(Variogram(self.lag, gamma, self.lag)).model
        assert_allclose([model.sill, model.length], [1.0, 2000.0], rtol=0.1)

    def test_white_noise_is_all_nugget_or_all_shorter_than_a_pixel(self) -> None:
        model: Any = fit(Variogram(self.lag, np.ones_like(self.lag), self.lag)).model
        assert_allclose(model.semivariogram(self.lag), 1.0, rtol=1e-2)

    def test_single_map_with_a_nugget_and_gaps(self) -> None:
        rng = np.random.default_rng(9)
        values = turbulent_field(ExponentialModel(1.0, 2000.0), SHAPE, PIXEL, rng)
        values += math.sqrt(0.5) * rng.standard_normal(SHAPE)
        values[rng.random(SHAPE) < 0.5] = np.nan
        model: Any = fit(empirical_variogram(values, PIXEL)).model
        # The spread of single maps: about 7 % in the sill, 10 % in the length.
        assert_allclose([model.sill, model.nugget], [1.0, 0.5], rtol=0.2)
        assert_allclose(model.length, 2000.0, rtol=0.35)

    def test_constant_map_has_no_variance(self) -> None:
        with pytest.raises(ValueError, match=r"semivariance is 0 in all bins"):
            fit(empirical_variogram(np.full((20, 20), 3.0), 100.0))

    def test_too_few_bins(self) -> None:
        with pytest.raises(ValueError, match=r"variogram of 2 bins"):
            fit(Variogram(np.ones(2), np.ones(2), np.ones(2)))

    @pytest.mark.parametrize("kind", list(TRUTHS))
    def test_each_kind_returns_its_own_law_and_is_chosen(self, kind: Kind) -> None:
        truth = TRUTHS[kind]
        variogram = Variogram(self.lag, truth.semivariogram(self.lag), self.lag)
        found = fit_models(variogram)
        assert_allclose(
            fit(variogram, kind).model.semivariogram(self.lag),
            truth.semivariogram(self.lag),
            rtol=1e-3,
        )
        # A Matern model holds the exponential one.
        assert found[0].kind in (kind, "matern")
        assert all(math.isnan(one.low) for one in found[0].estimates)

    def test_unknown_kind_and_too_few_bins_for_it(self) -> None:
        lag = self.lag[:3]
        with pytest.raises(ValueError, match=r"kind 'linear' of model is unknown"):
            fit(Variogram(lag, lag, lag), "linear")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"3 bins cannot hold 4 parameters"):
            fit(Variogram(lag, lag, lag), "matern")


class TestErrors:
    @pytest.mark.parametrize(
        "kind",
        ["spherical", *(pytest.param(kind, marks=pytest.mark.slow) for kind in TRUTHS)],
    )
    def test_intervals_hold_the_truth_as_often_as_they_say(self, kind: Kind) -> None:
        truth, rng = TRUTHS[kind], np.random.default_rng(11)
        maps, held, widths = 15, 0, []
        for _ in range(maps):
            valid = rng.random((80, 100)) > 0.4
            field = turbulent_field(truth, valid.shape, (200.0, 180.0), rng, valid=valid)
            found = fit(empirical_variogram(field, (200.0, 180.0), bins=20), kind)
            for one in found.estimates:
                value = getattr(truth, one.name)
                held += one.low <= value <= one.high
                # A nugget that hides under the growth of a smooth field may stay unknown.
                if one.name != "nugget":
                    widths.append((one.high - one.low) / value)
        share = held / (maps * len(found.estimates))
        # 95 % are promised; the parameters of one map hang together: some 5 % of scatter.
        assert 0.82 < share <= 1.0
        # Intervals that hold everything would say nothing.
        assert np.median(widths) < 1.5

    def test_bins_scatter_from_map_to_map_as_computed(self) -> None:
        truth, rng = TRUTHS["exponential"], np.random.default_rng(12)
        variograms = [
            empirical_variogram(turbulent_field(truth, (64, 64), PIXEL, rng), PIXEL, bins=10)
            for _ in range(150)
        ]
        measured = np.std([one.semivariance for one in variograms], axis=0)
        expected = np.mean([bin_deviation(one, truth) for one in variograms[:5]], axis=0)
        # 150 maps know it to 6 %; in the nearest bin the few pairs count on the safe side.
        assert_allclose(expected[1:], measured[1:], rtol=0.25)
        assert 1.0 < expected[0] / measured[0] < 1.6

    def test_the_law_that_made_a_map_is_chosen(self) -> None:
        rng = np.random.default_rng(13)
        for kind in ("exponential", "spherical", "matern"):
            field = turbulent_field(TRUTHS[kind], (128, 128), PIXEL, rng)
            variogram = empirical_variogram(field, PIXEL, estimator="resistant", bins=24)
            assert fit_models(variogram)[0].kind == kind

    def test_a_length_beyond_the_map_is_not_determined(self) -> None:
        ramp = np.random.default_rng(0).random((40, 40)) * 1e-3 + np.arange(40.0)
        found = fit(empirical_variogram(ramp, 100.0, bins=10), "spherical")
        ends = {one.name: one.low for one in found.estimates}
        assert math.isnan(ends["length"])
        assert math.isnan(ends["sill"])
