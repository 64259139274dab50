"""Baselines: what they find, what they must not see, and what must not change them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from bradyseism.evaluation.baselines import (
    BASELINES,
    boxcar,
    laplacian_of_gaussian,
    mogi_filter_bank,
)
from bradyseism.physics.atmosphere import turbulent_field, turbulent_fields
from bradyseism.physics.covariance import ExponentialModel

Map = NDArray[np.float64]

SHAPE = (120, 160)
PIXEL = 200.0
PLACE = (70, 50)
NOISE = 1e-3
DETECTORS: list[Callable[..., Map]] = [mogi_filter_bank, laplacian_of_gaussian, boxcar]
SCORES = list(BASELINES.values())


@pytest.fixture(scope="module")
def noise() -> Map:
    rng = np.random.default_rng(11)
    return turbulent_field(ExponentialModel(NOISE**2, 3000.0), SHAPE, PIXEL, rng)


def point_source(
    depth: float,
    place: tuple[float, float] = PLACE,
    look: tuple[float, float, float] = (0.0, 0.0, 1.0),
    pixel_size: float = PIXEL,
) -> Map:
    """Line of sight of an inflating point, of largest value 1."""
    row, column = np.indices(SHAPE)
    easting, northing = (column - place[1]) * pixel_size, (place[0] - row) * pixel_size
    radius = np.sqrt(easting**2 + northing**2 + depth**2)
    signal = (look[0] * easting + look[1] * northing + look[2] * depth) / radius**3
    return np.asarray(signal / np.abs(signal).max())


def distance_of_best(score: Map) -> float:
    row, column = np.unravel_index(np.nanargmax(score), score.shape)
    return float(math.hypot(row - PLACE[0], column - PLACE[1]) * PIXEL)


@pytest.mark.parametrize("detector", DETECTORS)
class TestEveryBaseline:
    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_finds_a_source_of_ten_times_the_noise(
        self, detector: Callable[..., Map], noise: Map, sign: float
    ) -> None:
        response = detector(noise + sign * 10.0 * NOISE * point_source(3000.0), PIXEL)
        assert distance_of_best(np.abs(response)) <= 1000.0
        assert np.sign(response[PLACE]) == sign

    def test_opposite_maps_have_opposite_responses(
        self, detector: Callable[..., Map], noise: Map
    ) -> None:
        assert_allclose(
            detector(-noise, PIXEL), -detector(noise, PIXEL), rtol=1e-6, atol=1e-6 * NOISE
        )

    def test_constant_makes_no_difference(self, detector: Callable[..., Map], noise: Map) -> None:
        plain, shifted = (detector(noise + constant, PIXEL) for constant in (0.0, 0.05))
        assert_allclose(shifted, plain, rtol=1e-6, atol=1e-6 * np.abs(plain).max())

    def test_turned_map_has_a_turned_response(
        self, detector: Callable[..., Map], noise: Map
    ) -> None:
        turned = detector(np.ascontiguousarray(np.rot90(noise)), PIXEL)
        plain = np.rot90(detector(noise, PIXEL))
        assert_allclose(turned, plain, rtol=1e-6, atol=1e-6 * np.abs(plain).max())

    def test_missing_stays_missing_and_only_that(
        self, detector: Callable[..., Map], noise: Map
    ) -> None:
        holed = noise.copy()
        holed[np.random.default_rng(0).random(SHAPE) < 0.6] = np.nan
        assert_array_equal(np.isnan(detector(holed, PIXEL)), np.isnan(holed))

    def test_finds_the_source_among_scattered_gaps(
        self, detector: Callable[..., Map], noise: Map
    ) -> None:
        velocity = noise + 10.0 * NOISE * point_source(3000.0)
        velocity[np.random.default_rng(1).random(SHAPE) < 0.6] = np.nan
        assert distance_of_best(np.abs(detector(velocity, PIXEL))) <= 1000.0

    def test_coast_is_no_source(self, detector: Callable[..., Map]) -> None:
        row, column = np.indices(SHAPE)
        land = column + 10.0 * np.sin(row / 8.0) > 60
        shore = land & (distance_transform_edt(land) <= 4)
        inland = land & (distance_transform_edt(land) > 25)
        rng = np.random.default_rng(2)
        near, far = [], []
        for field in turbulent_fields(6, ExponentialModel(1.0, 3000.0), SHAPE, PIXEL, rng):
            # Far from 0: whoever fills the sea with zeros before the median sees a cliff.
            score = np.abs(detector(np.where(land, field + 7.0, np.nan), PIXEL))
            near.append(np.percentile(score[shore], 95))
            far.append(np.percentile(score[inland], 95))
        assert np.mean(near) < 1.35 * np.mean(far)

    @pytest.mark.parametrize("shape", [(1, 1), (3, 2), (1, 9), (40, 2), (12, 12)])
    def test_small_maps(self, detector: Callable[..., Map], shape: tuple[int, int]) -> None:
        values = np.random.default_rng(3).standard_normal(shape)
        response = detector(values, PIXEL)
        assert response.shape == shape
        assert np.isfinite(response).all()

    def test_pixel_wider_than_most_scales(self, detector: Callable[..., Map], noise: Map) -> None:
        assert np.isfinite(detector(noise, 10e3)).all()

    def test_map_without_data_or_without_variation(self, detector: Callable[..., Map]) -> None:
        assert np.isnan(detector(np.full((20, 30), np.nan), PIXEL)).all()
        assert_array_equal(detector(np.full((20, 30), 0.3), PIXEL), np.zeros((20, 30)))
        few = np.full((20, 30), np.nan)
        few[3, 4], few[15, 20] = 1.0, 2.0
        assert_array_equal(np.isfinite(detector(few, PIXEL)), np.isfinite(few))

    def test_argument_is_not_changed(self, detector: Callable[..., Map], noise: Map) -> None:
        holed = noise.copy()
        holed[:5] = np.nan
        before = holed.copy()
        detector(holed, PIXEL)
        assert_array_equal(holed, before)

    @pytest.mark.parametrize(
        ("values", "pixel_size", "message"),
        [
            (np.zeros(4), 1.0, r"velocity has the shape \(4,\)"),
            (np.zeros((4, 4)), 0.0, r"pixel_size 0 m is not positive"),
            (np.zeros((4, 4)), math.nan, r"pixel_size nan m is not positive"),
        ],
    )
    def test_errors(
        self, detector: Callable[..., Map], values: Map, pixel_size: float, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            detector(values, pixel_size)


@pytest.mark.parametrize("detector", [mogi_filter_bank, laplacian_of_gaussian])
class TestDimensionless:
    def test_unit_of_the_map_does_not_matter(
        self, detector: Callable[..., Map], noise: Map
    ) -> None:
        assert_allclose(detector(1000.0 * noise, PIXEL), detector(noise, PIXEL), atol=1e-5)

    def test_wide_source_is_found_where_no_pixel_stands_out(
        self, detector: Callable[..., Map]
    ) -> None:
        white = NOISE * np.random.default_rng(4).standard_normal(SHAPE)
        response = detector(white + NOISE * point_source(3000.0), PIXEL)
        assert distance_of_best(np.abs(response)) <= 1000.0


class TestMogiFilterBank:
    @pytest.mark.parametrize("depth", [1000.0, 4000.0])
    def test_response_to_noise_alone_is_standard_normal(self, depth: float) -> None:
        rng = np.random.default_rng(5)
        gaps = rng.random(SHAPE) < 0.3
        for missing in (np.zeros(SHAPE, dtype=bool), gaps):
            variances = []
            for field in turbulent_fields(6, ExponentialModel(1.0, 3000.0), SHAPE, PIXEL, rng):
                field[missing] = np.nan
                variances.append(np.nanvar(mogi_filter_bank(field, PIXEL, depths=[depth])))
            # Some 20 to 200 independent places a map, and the error of the fitted variogram.
            assert_allclose(math.sqrt(np.mean(variances)), 1.0, atol=0.12)

    def test_ratio_in_white_noise_is_that_of_theory(self) -> None:
        rng = np.random.default_rng(6)
        signal = point_source(1000.0)
        ratios = [
            mogi_filter_bank(NOISE * (rng.standard_normal(SHAPE) + signal), PIXEL, depths=[1000.0])[
                PLACE
            ]
            for _ in range(12)
        ]
        # The mean of twelve scatters by 0.3; the source itself adds to the fitted variogram.
        expected = math.sqrt(np.sum(signal**2))
        assert_allclose(np.mean(ratios), expected, rtol=0.2)

    def test_response_is_largest_for_the_true_depth(self, noise: Map) -> None:
        velocity = noise + 10.0 * NOISE * point_source(4000.0)
        at_place = {
            depth: mogi_filter_bank(velocity, PIXEL, depths=[depth])[PLACE]
            for depth in (1000.0, 4000.0, 12000.0)
        }
        assert max(at_place, key=lambda depth: at_place[depth]) == 4000.0

    @pytest.mark.parametrize("look", [(-0.62, -0.13, 0.774), (0.62, -0.13, 0.774), (0.0, 1.0, 0.0)])
    def test_look_moves_the_lobes_and_the_filter_alike(
        self, noise: Map, look: tuple[float, float, float]
    ) -> None:
        direction = np.array(look) / np.linalg.norm(look)
        east, north, up = (float(part) for part in direction)
        velocity = noise + 20.0 * NOISE * point_source(4000.0, look=(east, north, up))
        right = mogi_filter_bank(velocity, PIXEL, look=direction)
        assert distance_of_best(np.abs(right)) <= 600.0
        assert right[PLACE] > 0.0
        wrong = mogi_filter_bank(velocity, PIXEL, look=(-east, -north, up))
        assert right[PLACE] > wrong[PLACE]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"look": (0.0, 0.0, 2.0)}, r"look \(0.0, 0.0, 2.0\) is not a unit vector"),
            ({"look": (1.0, 0.0)}, r"look \(1.0, 0.0\) is not a unit vector"),
            ({"depths": (1.0, 0.0)}, r"depths \(1.0, 0.0\) hold one that is not positive"),
        ],
    )
    def test_errors(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            mogi_filter_bank(np.zeros((4, 4)), PIXEL, **options)


class TestLaplacianOfGaussian:
    def test_blob_of_the_width_answers_most(self) -> None:
        # A Gaussian of deviation s answers most to the Laplacian of the same deviation, which
        # is s root 8 wide; in white noise each width has its own noise.
        row, column = np.indices(SHAPE)
        square = ((row - PLACE[0]) ** 2 + (column - PLACE[1]) ** 2) * PIXEL**2
        blob = np.exp(-square / (2.0 * 1000.0**2))
        white = np.random.default_rng(8).standard_normal(SHAPE)
        widths = [1000.0, 1500.0, 2828.0, 6000.0, 12000.0]
        answers = [
            laplacian_of_gaussian(blob + 0.5 * white, PIXEL, widths=[width])[PLACE]
            for width in widths
        ]
        assert 1 <= int(np.argmax(answers)) <= 3
        assert answers[2] > 1.2 * max(answers[0], answers[4])

    def test_ramp_is_no_blob(self) -> None:
        ramp = np.indices(SHAPE)[1] * 1.0
        rng = np.random.default_rng(9)
        noise = rng.standard_normal(SHAPE)
        plain, tilted = (
            laplacian_of_gaussian(noise + slope * ramp, PIXEL, widths=[2000.0])
            for slope in (0.0, 5.0)
        )
        inside = (slice(30, -30), slice(30, -30))
        # The zero-sum symmetric kernel does not see a ramp away from the border, but the
        # border counts in the noise of the map: compare the pattern.
        assert np.corrcoef(plain[inside].ravel(), tilted[inside].ravel())[0, 1] > 0.999

    def test_width_must_be_positive(self) -> None:
        with pytest.raises(ValueError, match=r"widths \(0.0,\) hold one that is not positive"):
            laplacian_of_gaussian(np.zeros((4, 4)), PIXEL, widths=(0.0,))


class TestBoxcar:
    def test_is_the_mean_about_the_median(self) -> None:
        values = np.random.default_rng(10).standard_normal((15, 15))
        values[2, 3] = np.nan
        response = boxcar(values, 100.0, widths=[500.0])
        expected = np.nanmean(values[0:5, 2:7]) - np.nanmedian(values)
        assert_allclose(response[2, 4], expected, rtol=1e-10)
        assert np.isnan(response[2, 3])

    def test_takes_the_width_that_deviates_most(self) -> None:
        values = np.zeros((31, 31))
        values[13:18, 13:18] = 1.0
        values[15, 15] = -1.0
        response = boxcar(values, 100.0, widths=[100.0, 500.0])
        assert_allclose(response[15, 15], -1.0, rtol=1e-12)
        assert_allclose(response[15, 16], 1.0, rtol=1e-12)

    def test_width_must_be_positive(self) -> None:
        with pytest.raises(ValueError, match=r"widths \(-1.0,\) hold one that is not positive"):
            boxcar(np.zeros((4, 4)), PIXEL, widths=(-1.0,))


def test_scores_are_the_absolute_responses(noise: Map) -> None:
    for detector, score in zip(DETECTORS, SCORES, strict=True):
        assert_array_equal(
            score(noise, PIXEL, np.array([0.0, 0.0, 1.0])), np.abs(detector(noise, PIXEL))
        )
