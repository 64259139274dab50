"""Covariance models against their formulas, each other, and the rules of a covariance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.covariance import (
    CovarianceModel,
    ExponentialModel,
    MaternModel,
    PowerLaw,
    SphericalModel,
)

LAG = np.array([0.0, 1e-3, 1.0, 100.0, 700.0, 1300.0, 5e4])


class TestExponential:
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


class TestMatern:
    def test_smoothness_of_a_half_is_exponential(self) -> None:
        matern, exponential = MaternModel(2.0, 700.0, 0.3, 0.5), ExponentialModel(2.0, 700.0, 0.3)
        assert_allclose(matern.covariance(LAG), exponential.covariance(LAG), atol=1e-14)
        assert_allclose(matern.semivariogram(LAG), exponential.semivariogram(LAG), atol=1e-14)

    def test_smoothness_of_three_halves_is_a_closed_form(self) -> None:
        ratio = LAG / 700.0
        expected = (1.0 + ratio) * np.exp(-ratio)
        assert_allclose(MaternModel(1.0, 700.0, 0.0, 1.5).covariance(LAG), expected, atol=1e-14)

    @pytest.mark.parametrize("smoothness", [0.1, 1.0, 10.0])
    def test_is_finite_and_falls_from_the_sill_to_0(self, smoothness: float) -> None:
        lag = np.r_[0.0, np.geomspace(1e-200, 1e9, 400)]
        covariance = MaternModel(3.0, 700.0, smoothness=smoothness).covariance(lag)
        assert np.isfinite(covariance).all()
        assert covariance[0] == 3.0
        assert covariance[-1] == pytest.approx(0.0, abs=1e-12)
        assert np.diff(covariance).max() < 1e-12


def test_spherical_has_its_slope_at_0_and_its_range() -> None:
    model = SphericalModel(2.0, 1000.0)
    assert_allclose(model.semivariogram(1e-3) / 1e-3, 1.5 * 2.0 / 1000.0, rtol=1e-9)
    assert_allclose(model.covariance([0.0, 500.0, 1000.0, 4000.0]), [2.0, 0.625, 0.0, 0.0])
    assert model.reach == 1000.0


def test_power_law_grows_by_its_exponent_and_has_a_generalised_covariance() -> None:
    model = PowerLaw(3.0, 1.5, 0.25)
    assert_allclose(model.semivariogram([0.0, 1e3, 4e3]), [0.0, 3.25, 24.25])
    # The variance of a difference of two points, weights +1 and -1: K(0) - K(h), twice.
    for lag in (10.0, 4e3):
        twice = 2.0 * (model.covariance(0.0) - model.covariance(lag))
        assert_allclose(twice, 2.0 * model.semivariogram(lag), rtol=1e-14)
    assert math.isinf(model.variance)
    assert math.isinf(model.reach)


@pytest.mark.parametrize(
    "model",
    [
        ExponentialModel(2.0, 700.0, 0.5),
        SphericalModel(2.0, 700.0, 0.5),
        MaternModel(2.0, 700.0, 0.5, 2.0),
        PowerLaw(2.0, 0.9, 0.5),
    ],
    ids=str,
)
class TestAll:
    def test_scaling_scales_every_variance(self, model: CovarianceModel) -> None:
        thrice = model.scaled(3.0)
        assert_allclose(thrice.semivariogram(LAG), 3.0 * model.semivariogram(LAG), rtol=1e-12)
        assert_allclose(thrice.covariance(LAG), 3.0 * model.covariance(LAG), atol=1e-12)
        assert thrice.nugget == 1.5

    def test_follows_the_protocol_and_starts_at_0(self, model: CovarianceModel) -> None:
        assert isinstance(model, CovarianceModel)
        assert model.semivariogram(0.0) == 0.0
        assert_allclose(model.semivariogram(1e-6), 0.5, rtol=1e-2)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (MaternModel, (1.0, 1.0, 0.0, 0.0), r"smoothness 0 is outside 0-10"),
        (MaternModel, (1.0, 1.0, 0.0, 11.0), r"smoothness 11 is outside 0-10"),
        (MaternModel, (1.0, -1.0, 0.0, 1.0), r"length -1 m is not positive"),
        (SphericalModel, (math.nan, 1.0), r"sill nan is not a variance"),
        (PowerLaw, (-1.0, 1.0), r"at_kilometre -1 is not a variance"),
        (PowerLaw, (1.0, 2.0), r"exponent 2 is outside 0-2"),
        (PowerLaw, (1.0, 1.0, -1.0), r"nugget -1 is not a variance"),
    ],
)
def test_errors(kind: Any, values: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(*values)
