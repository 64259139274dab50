"""Sources, reasons and places as files, page and words: names, units and what is missing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from numpy.testing import assert_allclose
from typer.testing import CliRunner

from bradyseism import cli
from bradyseism.cli.summary import advice, places_table
from bradyseism.detection.detect import Detection, DetectionResult, Window
from bradyseism.detection.nature import what_it_is
from bradyseism.detection.places import find_places
from bradyseism.detection.reasons import Reason
from bradyseism.detection.runtime import Detector
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.writers.map_files import write_map
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import CDM, Mogi
from bradyseism.physics.variogram_fit import Estimate
from bradyseism.review.report import write_report
from bradyseism.review.sources import modelled, source_facts
from bradyseism.review.views import crop_around
from bradyseism.workflows.properties import SOURCE_KEYS, source_properties
from bradyseism.workflows.screening import Screening, as_json, screen, write_screening

SIDE, PIXEL = 120, 200.0
GRID = Grid.around(30.0, 40.0, (SIDE, SIDE), pixel_size=PIXEL)
CENTRE = tuple(float(v) for v in GRID.longitude_latitude((SIDE - 1) / 2, (SIDE - 1) / 2))
HINT = Reason("slope", "Ground that creeps explains <it> better.", 20.0)


def looked(name, look, seed):
    points = np.meshgrid(*GRID.eastings_northings())
    los = project(Mogi(0.0, 0.0, 2.5e3, 1.5e5).displacement(*points), look)
    law = ExponentialModel(5e-4**2, 3e3, 2e-4**2)
    noise = turbulent_field(law, GRID.shape, PIXEL, np.random.default_rng(seed))
    velocity = (los + noise).astype(np.float32)
    one = VelocityMap(velocity, GRID, 5.0, look.astype(np.float32), name=name)
    source, _ = what_it_is(one, CENTRE, 2e3)
    around = Grid.around(*CENTRE, (64, 64), pixel_size=PIXEL)
    ring = tuple(around.footprint())
    found = Detection(
        f"{name}-1", *CENTRE, 0.8, 6e-3, 2e3, ring, Window(PIXEL, 64, 0.0, 0.0, ring), np.eye(8),
        source=source, reasons=(HINT,),
    )  # fmt: skip
    evidence = np.full(GRID.shape, 0.3, np.float32)
    return DetectionResult(one, (found,), evidence, np.zeros(3, [("logit", "f8")]), ())


@pytest.fixture(scope="module")
def screening():
    results = (
        looked("down", look_vector(-168.0, 39.0), 1),
        looked("up", look_vector(-12.0, 39.0), 2),
    )
    return Screening(results, (), Detector.load(), find_places(results, 0.05))


@pytest.fixture(scope="module")
def folder(screening, tmp_path_factory):
    target = tmp_path_factory.mktemp("several")
    write_screening(screening, target)
    return target


def test_the_fields_of_a_source_are_in_the_units_of_their_names(screening, folder):
    features = json.loads((folder / "detections.geojson").read_text())["features"]
    facts = {one["properties"]["id"]: one["properties"] for one in features}["down-1"]
    fit = screening.results[0].detections[0].source.best
    assert set(SOURCE_KEYS) <= set(facts)
    assert facts["source_model"] == "Mogi"
    assert facts["source_sense"] == "inflation"
    assert facts["source_depth_km"] == pytest.approx(fit.depth.value / 1e3, abs=0.006)
    assert facts["source_depth_low_km"] < facts["source_depth_km"] < facts["source_depth_high_km"]
    assert facts["source_volume_m3_per_year"] == pytest.approx(fit.strength.value, abs=501)
    # A Mogi source at 0.25: the volume change is 5/9 of the potency.
    ratio = facts["source_volume_m3_per_year"] / facts["source_potency_m3_per_year"]
    assert ratio == pytest.approx(5 / 9, rel=0.01)
    assert facts["source_peak_rate_mm_per_year"] == pytest.approx(
        1e3 * fit.peak_rate.value, abs=0.006
    )
    assert facts["source_look"] == "of the map"
    assert 0.0 < facts["source_position_95_km"] < 1.0
    assert facts["mogi"]["depth_km"] == facts["source_depth_km"]
    assert facts["cdm"] is None
    assert facts["reasons"] == ["slope"]
    assert facts["reasons_in_words"] == [HINT.sentence]


def test_the_model_lies_where_the_source_is_in_any_cut_around_it():
    grid = Grid.around(*CENTRE, (91, 81), pixel_size=150.0)
    look = look_vector(-168.0, 39.0)
    points = np.meshgrid(*grid.eastings_northings())
    los = project(Mogi(1.8e3, -900.0, 2.5e3, 1.5e5).displacement(*points), look)
    one = VelocityMap(los.astype(np.float32), grid, 5.0, np.asarray(look, np.float32))
    source, _ = what_it_is(one, CENTRE, 2e3)
    beside = tuple(float(v) for v in grid.longitude_latitude(40.0, 52.0))
    nothing, ring = np.zeros(grid.shape, np.float32), grid.footprint()
    crop = crop_around(one, nothing, beside, half_width=3e3, evidence=np.eye(8), window=ring)
    model, rest = modelled(crop, source.mogi)
    assert_allclose(model.velocity, crop.velocity + crop.surroundings, atol=0.02 * los.max())
    assert np.nanmax(np.abs(rest.velocity)) < 0.02 * los.max()


@pytest.fixture(scope="module")
def told(screening):
    """Estimate with a CDM beside its Mogi source."""
    estimate = screening.results[0].detections[0].source
    sill = CDM(
        0.0, 0.0, 2.1e3, semi_axes=(1.2e3, 8e2, 0.0), opening=-0.25, rotations=(1.0, 2.0, 30.0)
    )
    cdm = replace(
        estimate.mogi, model="CDM", source=sill, chi_square=0.97,
        depth=Estimate("depth", 2.1e3, 1.9e3, 2.4e3),
        strength=Estimate("potency rate", sill.potency, 1.2 * sill.potency, 0.8 * sill.potency),
    )  # fmt: skip
    return replace(estimate, cdm=cdm)


def test_both_kinds_of_source_are_told_beside_the_better_one(told):
    facts = source_properties(told)
    mogi, cdm = facts["mogi"], facts["cdm"]
    assert (mogi["model"], cdm["model"], facts["source_model"]) == ("Mogi", "CDM", "CDM")
    assert facts["source_depth_km"] == cdm["depth_km"] == 2.1
    assert (cdm["depth_low_km"], cdm["depth_high_km"]) == (1.9, 2.4)
    assert cdm["potency_m3_per_year"] == -960_000  # 4 x 1200 x 800 x -0.25
    assert cdm["volume_m3_per_year"] is None
    assert cdm["semi_axes_km"] == [1.2, 0.8, 0.0]
    assert cdm["rotations_degrees"] == [1.0, 2.0, 30.0]
    assert cdm["opening_m_per_year"] == -0.25
    assert (cdm["sense"], mogi["sense"]) == ("deflation", "inflation")
    assert mogi["volume_m3_per_year"] == pytest.approx(told.mogi.strength.value, abs=501)
    assert mogi["depth_low_km"] < mogi["depth_km"] < mogi["depth_high_km"]
    assert (mogi["misfit"], cdm["misfit"]) == (round(told.mogi.chi_square, 2), 0.97)
    assert "semi_axes_km" not in mogi
    assert list(facts) == list(SOURCE_KEYS)


def test_the_table_of_a_cdm_says_its_form_and_the_mogi_source_in_its_place(told):
    facts = dict(source_facts(told))
    assert facts["Semi-axes"].startswith("1.2 x 0.8 x 0 km, turned 1, 2, 30 degrees")
    assert f"misfit {told.mogi.chi_square:.1f} times the noise" in facts["As a Mogi source"]
    assert "As a Mogi source" not in dict(source_facts(replace(told, cdm=None)))


def test_without_a_source_every_field_is_there_and_empty():
    assert source_properties(None) == dict.fromkeys(SOURCE_KEYS)


def test_places_of_several_maps_are_points_with_what_each_map_says(screening, folder):
    (feature,) = json.loads((folder / "places.geojson").read_text())["features"]
    assert feature["geometry"]["coordinates"] == pytest.approx(CENTRE, abs=1e-4)
    facts = feature["properties"]
    assert facts["looks"] == 2
    assert sorted(facts["maps"]) == ["down", "up"]
    assert facts["probability"] == pytest.approx(screening.places[0].probability, abs=1e-4)
    assert facts["up_low_mm_per_year"] < facts["up_mm_per_year"] < facts["up_high_mm_per_year"]
    assert facts["source_depth_km"] == pytest.approx(2.5, rel=0.2)
    assert as_json(screening)["places"][0] == facts
    assert "2 of 2" in places_table(screening).columns[1]._cells[0].plain


def test_one_map_has_no_places(screening, tmp_path):
    write_screening(replace(screening, results=screening.results[:1], places=()), tmp_path)
    assert not (tmp_path / "places.geojson").exists()
    assert (tmp_path / "detections.geojson").exists()


def test_the_page_shows_source_reason_and_place(screening, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, screening.results, model="m", places=screening.places)
    page = path.read_text()
    assert page.count("What could make it") == 2
    assert "Mogi, inflation" in page
    assert "Ground that creeps explains &lt;it&gt; better." in page
    assert "Places that several maps see" in page
    write_report(path, screening.results[:1], model="m")
    assert "Places that several maps see" not in path.read_text()


def test_the_summary_names_the_reason(screening):
    assert "Something else may explain it: slope (see the report)." in advice(screening)


def test_an_elevation_model_that_is_not_there_is_one_message(tmp_path):
    write_map(tmp_path / "map.tif", looked("down", look_vector(-168.0, 39.0), 1).map)
    arguments = ["detect", "map.tif", "--dem", "nowhere", "-o", "result"]
    answer = CliRunner().invoke(
        cli.app, [str(tmp_path / one) if one[0] in "mnr" else one for one in arguments]
    )
    assert answer.exit_code == 2
    assert "nowhere" in answer.stderr


def test_relief_reaches_the_reasons(tmp_path, monkeypatch):
    seen = {}

    def spy(velocity_map, detector, catalogue, *, elevation):
        everywhere = np.ones((20, 20), dtype=bool)
        far = Grid.around(60.0, 10.0, (20, 20), pixel_size=PIXEL)
        seen["heights"] = elevation(GRID, np.ones(GRID.shape, dtype=bool))
        seen["elsewhere"] = elevation(far, everywhere)
        return DetectionResult(velocity_map, (), np.zeros(GRID.shape, np.float32), np.zeros(0), ())

    monkeypatch.setattr("bradyseism.workflows.screening.detect", spy)
    path = tmp_path / "dem.tif"
    profile = {"driver": "GTiff", "height": 60, "width": 60, "count": 1, "dtype": "float32"}
    transform = rasterio.transform.from_origin(29.7, 40.3, 0.01, 0.01)
    slope = np.broadcast_to(np.arange(60, dtype=np.float32)[:, None] * 10, (60, 60))
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, **profile) as file:
        file.write(slope.reshape(1, 60, 60))
    one = VelocityMap(np.zeros(GRID.shape, np.float32), GRID, 5.0, name="flat")
    monkeypatch.setattr("bradyseism.workflows.screening.open_map", lambda *_: one)
    screen(["flat.tif"], Detector.load(), dem=path)
    # Rows run south, ten metres a hundredth of a degree.
    latitude = GRID.longitude_latitude(0, (SIDE - 1) / 2)[1]
    assert seen["heights"][0, SIDE // 2] == pytest.approx((40.3 - latitude - 0.005) * 1e3, abs=8.0)
    assert seen["elsewhere"] is None
