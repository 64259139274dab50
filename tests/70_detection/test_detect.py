"""The main job on simulated maps: what is hidden is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyproj
import pytest
from affine import Affine
from numpy.testing import assert_allclose

from bradyseism.detection.detect import DetectionResult, at_its_source, detect, same_source
from bradyseism.detection.runtime import Detector
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.volcanoes import Catalogue
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.scenes.demo import Demo


@pytest.fixture(scope="module")
def result(made: Demo, detector: Detector) -> DetectionResult:
    return detect(made.map, detector, made.catalogue)


def quiet_map(seed: int = 0) -> VelocityMap:
    field = turbulent_field(
        ExponentialModel(2e-3**2, 5e3), (256, 256), 200.0, np.random.default_rng(seed)
    )
    grid = Grid((256, 256), Affine(200, 0, 5e5, 0, -200, 7.4e6), pyproj.CRS.from_epsg(32719))
    return VelocityMap(field.astype(np.float32), grid, years=5.0, name="quiet")


def test_both_hidden_volcanoes_are_found_with_their_sign(
    made: Demo, result: DetectionResult
) -> None:
    geod = pyproj.Geod(ellps="WGS84")
    for longitude, latitude, peak in made.deforming:
        distances = [
            geod.inv(longitude, latitude, d.longitude, d.latitude)[2] for d in result.detections
        ]
        nearest = result.detections[int(np.argmin(distances))]
        assert min(distances) < 4e3
        assert nearest.probability > 0.5
        assert np.sign(nearest.rate) == np.sign(peak)
        # The plane around takes a part of the far field with it.
        assert nearest.rate == pytest.approx(peak, rel=0.4)


def test_a_detection_lies_at_its_mogi_source(result: DetectionResult) -> None:
    for found in result.detections:
        assert found.source is not None
        fit = found.source.mogi
        assert (found.longitude, found.latitude) == (fit.longitude, fit.latitude)


def test_a_source_off_the_map_or_nearer_to_another_moves_nothing(
    made: Demo, result: DetectionResult
) -> None:
    one, other = result.detections[:2]
    grid = made.map.grid
    assert one.source is not None
    far = replace(one, longitude=one.longitude + 0.05)
    moved = at_its_source(far, [far, other], grid)
    assert (moved.longitude, moved.latitude) == (one.longitude, one.latitude)
    beside = replace(other, longitude=one.longitude + 0.01, latitude=one.latitude)
    assert at_its_source(far, [far, beside], grid) is far
    outside = replace(one.source.mogi, longitude=one.longitude + 20.0)
    lost = replace(one, source=replace(one.source, mogi=outside))
    assert at_its_source(lost, [lost], grid) is lost
    nothing = replace(far, source=None)
    assert at_its_source(nothing, [nothing], grid) is nothing


def test_detections_of_one_source_are_one(result: DetectionResult) -> None:
    one, other = result.detections[:2]
    assert one.source is not None
    assert not same_source(one, other)
    fit = one.source.mogi
    degree = 111.3e3  # metres of latitude
    for apart, aside, same in ((0.45, 1.9, True), (0.55, 1.9, False), (0.45, 2.1, False)):
        moved = replace(fit, latitude=fit.latitude + apart * fit.radius / degree)
        twin = replace(
            one,
            source=replace(one.source, mogi=moved),
            latitude=one.latitude - aside * fit.radius / degree,
        )
        assert same_source(one, twin) == same_source(twin, one) == same
    assert not same_source(one, replace(one, source=None))


def test_the_catalogue_says_who_is_flagged_and_who_is_quiet(result: DetectionResult) -> None:
    status = {entry.volcano.name: entry.status for entry in result.volcanoes}
    assert status["Cerro Lento"] == status["Volcan Hundido"] == "flagged"
    assert {status[name] for name in ("Cerro Quieto", "Apacheta Fria", "Nevado Mudo")} == {"quiet"}


def test_probability_lies_on_the_maps_own_grid_and_peaks_at_the_detections(
    made: Demo, result: DetectionResult
) -> None:
    assert result.probability.shape == made.map.grid.shape
    assert np.nanmin(result.probability) >= 0
    assert np.nanmax(result.probability) <= 1
    for detection in result.detections:
        row, column = made.map.grid.row_column(detection.longitude, detection.latitude)
        near = result.probability[
            round(float(row)) - 15 : round(float(row)) + 16,
            round(float(column)) - 15 : round(float(column)) + 16,
        ]
        assert np.nanmax(near) > 0.3


def test_detections_carry_evidence_footprint_and_window(result: DetectionResult) -> None:
    for detection in result.detections:
        assert detection.evidence.ndim == 2
        assert detection.evidence.min() >= 0
        assert detection.footprint[0] == detection.footprint[-1]
        assert detection.window.footprint[0] == detection.window.footprint[-1]
        assert detection.radius > 0


def test_a_constant_and_a_ramp_move_no_probability_by_more_than_two_percent(
    made: Demo, result: DetectionResult, detector: Detector
) -> None:
    rows, columns = np.indices(made.map.grid.shape)
    ramp = 0.02 + 2e-5 * rows - 3e-5 * columns
    tilted = made.map.with_velocity((made.map.velocity + ramp).astype(np.float32))
    again = detect(tilted, detector, made.catalogue)
    assert len(again.detections) == len(result.detections)
    for one, other in zip(result.detections, again.detections, strict=True):
        assert other.probability == pytest.approx(one.probability, abs=0.02)
        assert_allclose((other.longitude, other.latitude), (one.longitude, one.latitude), atol=0.01)


def test_the_grid_of_the_map_hardly_matters(made: Demo, detector: Detector) -> None:
    geographic = Grid(
        (540, 560),
        Affine(0.002, 0, made.deforming[0][0] - 0.4, 0, -0.002, made.deforming[0][1] + 0.4),
        pyproj.CRS.from_epsg(4326),
    )
    longitude, latitude, peak = made.deforming[0]
    found = detect(made.map.resampled(geographic), detector).detections
    nearest = min(found, key=lambda d: abs(d.longitude - longitude) + abs(d.latitude - latitude))
    assert_allclose((nearest.longitude, nearest.latitude), (longitude, latitude), atol=0.04)
    assert np.sign(nearest.rate) == np.sign(peak)


@pytest.mark.parametrize("depth", [5e3, 8e3, 14e3])
def test_the_radius_is_that_at_half_of_the_peak_however_wide(
    detector: Detector, depth: float
) -> None:
    quiet = quiet_map()
    rows, columns = np.indices(quiet.velocity.shape)
    away = 200.0 * np.hypot(rows - 128, columns - 128)
    mogi = 0.03 * (1 + (away / depth) ** 2) ** -1.5
    found = detect(quiet.with_velocity(quiet.velocity / 3 + mogi), detector).detections[0]
    assert found.radius == pytest.approx(depth * np.sqrt(2 ** (2 / 3) - 1), rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_turbulence_alone_is_not_flagged(detector: Detector, seed: int) -> None:
    assert detect(quiet_map(seed), detector).detections == ()


@pytest.mark.parametrize("value", [0.0, 0.01])
def test_a_constant_map_is_not_flagged(detector: Detector, value: float) -> None:
    flat = quiet_map().with_velocity(np.full((256, 256), value, dtype=np.float32))
    assert detect(flat, detector).detections == ()


def test_a_checkerboard_is_not_flagged(detector: Detector) -> None:
    rows, columns = np.indices((256, 256))
    board = np.where((rows // 16 + columns // 16) % 2, 5e-3, -5e-3).astype(np.float32)
    assert detect(quiet_map().with_velocity(board), detector).detections == ()


def test_ground_without_data_is_not_observable(made: Demo, detector: Detector) -> None:
    velocity = quiet_map().velocity.copy()
    rows, columns = np.indices(velocity.shape)
    velocity[np.hypot(rows - 128, columns - 128) < 60] = np.nan  # 12 km
    holed = quiet_map().with_velocity(velocity)
    longitude, latitude = (float(v) for v in holed.grid.longitude_latitude(128, 128))
    hidden = replace(made.catalogue.volcanoes[0], longitude=longitude, latitude=latitude)
    result = detect(holed, detector, Catalogue((hidden,)))
    assert [one.status for one in result.volcanoes] == ["not observable"]
    assert np.isnan(result.probability[120:136, 120:136]).all()
    assert result.detectable is not None
    seen = np.isfinite(result.probability) & np.isfinite(result.detectable)
    # Detectable rates hold for cells of 8 by 8 pixels.
    assert np.mean(np.isfinite(result.probability) == np.isfinite(result.detectable)) > 0.93
    assert seen[0, 0]


def test_empty_maps_are_not_observable(made: Demo, detector: Detector) -> None:
    empty = made.map.with_velocity(np.full(made.map.grid.shape, np.nan, dtype=np.float32))
    result = detect(empty, detector, made.catalogue)
    assert result.detections == ()
    assert np.isnan(result.probability).all()
    assert {entry.status for entry in result.volcanoes} == {"not observable"}
    assert result.score == 0.0


def test_a_single_pixel_is_not_observable(detector: Detector) -> None:
    grid = replace(quiet_map().grid, shape=(1, 1))
    single = VelocityMap(np.full((1, 1), 0.01, dtype=np.float32), grid, years=5.0)
    assert detect(single, detector).detections == ()
