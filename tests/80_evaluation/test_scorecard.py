"""Scorecards: the rules of found, flagged and false, and whole runs with the shipped detector."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose
from pyproj import CRS

from bradyseism.detection.detect import Detection, DetectionResult, Window
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import WINDOW_FIELDS
from bradyseism.evaluation import scorecard, truth
from bradyseism.evaluation.baselines import BASELINES
from bradyseism.evaluation.injection_plan import InjectionSettings
from bradyseism.maps.readers import ReadOptions
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.writers.map_files import write_map
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import Mogi

COLUMNS = ("map", "path", "volcanic", "must", "may", "unit", "positive", "look", "span_years")
PIXEL, SIDE = 800.0, 80
CENTRE = (-70.0, -20.0)


def simulated_map(*, rate: float = 0.0, seed: int = 1) -> VelocityMap:
    """Noise of 1 mm/yr over 64 km and, with a rate (m/yr), a source under the very middle."""
    crs = CRS.from_dict({"proj": "aeqd", "lon_0": CENTRE[0], "lat_0": CENTRE[1], "datum": "WGS84"})
    half = SIDE * PIXEL / 2
    grid = Grid((SIDE, SIDE), Affine(PIXEL, 0, -half, 0, -PIXEL, half), crs)
    velocity = turbulent_field(
        ExponentialModel(0.001**2, 5e3), grid.shape, PIXEL, np.random.default_rng(seed)
    )
    look = look_vector(-168.0, 39.0)
    easting, northing = np.meshgrid(*grid.eastings_northings())
    los = project(Mogi(0, 0, 5e3, volume_change=1e6).displacement(easting, northing), look)
    velocity += rate * los / los.max()
    return VelocityMap(velocity.astype(np.float32), grid, 5.0, look.astype(np.float32))


def write_truth(folder, *rows: dict[str, str]):
    path = folder / "truth.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        table.writerows(rows)
    return path


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A folder of simulated maps with a truth table: a source, noise, a bowl, and no map at all."""
    folder = tmp_path_factory.mktemp("field")
    write_map(folder / "volcano.tif", simulated_map(rate=0.05))
    write_map(folder / "quiet.tif", simulated_map(seed=2))
    write_map(folder / "bowl.tif", simulated_map(rate=-0.05, seed=3))
    (folder / "broken.tif").write_text("this is no raster")
    must = f"{CENTRE[0]} {CENTRE[1]} 4"
    write_truth(
        folder,
        {"map": "volcano", "path": "volcano.tif", "volcanic": "1", "must": must},
        {"map": "quiet", "path": "quiet.tif", "volcanic": "0"},
        {"map": "bowl", "path": "bowl.tif", "volcanic": "ambiguous"},
        {"map": "broken", "path": "broken.tif", "volcanic": "0"},
    )
    return folder


def detection(longitude: float, latitude: float, probability: float) -> Detection:
    window = Window(800.0, 64, 0.0, 0.0, ())
    return Detection(
        "map-1", longitude, latitude, probability, 0.01, 3e3, (), window, np.zeros((8, 8))
    )


def result(*detections: Detection, windows=()) -> DetectionResult:
    table = np.zeros(len(windows), dtype=WINDOW_FIELDS)
    for row, (longitude, latitude, probability) in zip(table, windows, strict=True):
        row["longitude"], row["latitude"], row["probability"] = longitude, latitude, probability
    whole = simulated_map()
    evidence = np.full(whole.grid.shape, 0.2, dtype=np.float32)
    return DetectionResult(whole, detections, evidence, table, ())


def test_places_are_read_from_the_table() -> None:
    first, second = truth.parse_places("-164.65 54.52 8; 14.14 40.826 5.5")
    assert first == truth.Place(-164.65, 54.52, 8000)
    assert second.radius == 5500
    assert truth.parse_places("  ") == ()
    with pytest.raises(ValueError, match=r"'14\.14 40\.8' is not three numbers"):
        truth.parse_places("14.14 40.8")
    with pytest.raises(ValueError, match="radius 0 km"):
        truth.parse_places("14.14 40.8 0")


def test_found_needs_a_flagged_detection_within_a_radius() -> None:
    must = truth.parse_places("-70 -20 5; -69 -20 5")
    near, far = detection(-70.0, -20.04, 0.6), detection(-69.5, -20.0, 0.9)
    score = scorecard.score_map("x", True, result(far, near, windows=[(-70, -20, 0.9)]), must, ())
    assert score.found
    assert score.flagged
    assert score.false_detections == 1
    assert_allclose(score.probability, 0.9, rtol=1e-6)  # the evidence map is float32
    assert_allclose(score.distance_km, 4.43, atol=0.01)  # of the one that finds, not the surest
    alone = scorecard.score_map("x", True, result(far), must, ())
    assert_allclose(alone.distance_km, 52.3, atol=0.1)  # half a degree at 20 degrees south
    assert (alone.found, alone.flagged) == (False, True)
    beside = scorecard.score_map("x", True, result(detection(-70, -20.05, 0.9)), must, ())
    assert not beside.found  # 5.5 km
    second = scorecard.score_map("x", True, result(detection(-69, -20.03, 0.9)), must, ())
    assert second.found
    assert_allclose(second.distance_km, 3.3, atol=0.05)


def test_without_a_centre_whatever_a_volcanic_map_shows_counts() -> None:
    score = scorecard.score_map("x", True, result(detection(-70, -20, 0.9)), (), ())
    assert (score.found, score.flagged, score.false_detections) == (True, True, 0)


def test_a_centre_far_off_the_map_is_a_mistake() -> None:
    swapped = truth.parse_places("-20 -70 5")
    with pytest.raises(ValueError, match="must -20 -70 lies far off the map, which is about -70"):
        scorecard.score_map("x", True, result(detection(-70, -20, 0.9)), swapped, ())


def test_probability_of_a_half_is_no_flag() -> None:
    must = truth.parse_places("-70 -20 5")
    score = scorecard.score_map("x", True, result(detection(-70, -20, 0.5)), must, ())
    assert (score.found, score.flagged, score.false_detections) == (False, False, 0)
    assert_allclose(score.distance_km, 0, atol=1e-9)


def test_real_signals_besides_are_neither_found_nor_false() -> None:
    must, may = truth.parse_places("-70 -20 5"), truth.parse_places("-69.5 -20 5")
    score = scorecard.score_map("x", True, result(detection(-69.5, -20, 0.9)), must, may)
    assert (score.found, score.flagged, score.false_detections) == (False, True, 0)


def test_nothing_seen_is_none_not_zero() -> None:
    score = scorecard.score_map("x", False, result(), (), ())
    assert score.probability is None
    assert score.distance_km is None
    quiet = scorecard.score_map("x", False, result(windows=[(-70, -20, 0.2)]), (), ())
    assert_allclose(quiet.probability, 0.2)


def test_only_testing_ground_counts_in_anatolia() -> None:
    windows = [(32.5, 41, 0.9), (33.3, 41, 0.9), (34, 41, 0.9), (34.5, 41, 0.5), (35, 41, 0.1)]
    detections = [detection(32.5, 41, 0.9), detection(34, 41, 0.9)]
    score = scorecard.score_map("x", False, result(*detections, windows=windows), (), ())
    assert (score.windows, score.flagged_windows) == (3, 1)
    assert score.false_detections == 1
    assert score.flagged


def test_totals_count_what_was_read() -> None:
    card = scorecard.FieldScorecard(
        (
            scorecard.MapScore("a", True, found=True, flagged=True, windows=9, flagged_windows=5),
            scorecard.MapScore("b", True, flagged=True, false_detections=2),
            scorecard.MapScore("c", False, windows=30, flagged_windows=1),
            scorecard.MapScore("d", False, flagged=True, windows=10, false_detections=1),
            scorecard.MapScore("e", None, flagged=True, windows=7, flagged_windows=7),
            scorecard.MapScore("f", False, refused="no unit"),
        )
    )
    totals = card.totals
    assert (totals["volcanic"], totals["volcanic_found"], totals["volcanic_flagged"]) == (2, 1, 2)
    assert (totals["volcano_free"], totals["volcano_free_flagged"]) == (2, 1)
    assert (totals["ambiguous"], totals["refused"], totals["false_detections"]) == (1, 1, 3)
    assert (totals["windows"], totals["windows_flagged"]) == (40, 1)
    assert totals["windows_flagged_low"] < 1 / 40 == totals["windows_flagged_share"]
    assert "refused: no unit" in card.as_markdown()
    assert "1 of 40 windows flagged, 2.5 %" in card.as_markdown()
    none = scorecard.FieldScorecard(card.maps[-1:]).totals
    assert none["windows_flagged_share"] is None


def test_field_run_lists_every_map_and_survives_a_refusal(field, detector: Detector) -> None:
    steps = []
    card = scorecard.field_scorecard(
        field / "truth.csv", detector, progress=lambda *step: steps.append(step)
    )
    volcano, quiet, bowl, broken = card.maps
    assert (volcano.found, volcano.flagged, volcano.refused) == (True, True, None)
    assert volcano.distance_km < 4
    assert (quiet.found, quiet.flagged) == (False, False)
    assert quiet.windows > quiet.flagged_windows
    assert bowl.volcanic is None
    assert "broken.tif" in broken.refused
    assert broken.probability is None
    assert steps[1] == (1, 4, "quiet")
    assert steps[-1] == (4, 4, "done")
    machine = json.loads(json.dumps(card.as_json(), allow_nan=False))
    assert set(machine) == {"maps", "totals"}
    keys = {"map", "volcanic", "found", "flagged", "probability", "distance_km", "refused"}
    assert all(set(row) == keys for row in machine["maps"])
    assert [row["volcanic"] for row in machine["maps"]] == [True, False, None, False]


def test_truth_tables_are_checked(tmp_path, detector: Detector) -> None:
    table = tmp_path / "truth.csv"
    table.write_text("map,path,volcanic\na,a.tif,1\n")
    with pytest.raises(ValueError, match="line 2: no column must, may"):
        scorecard.field_scorecard(table, detector)
    write_truth(tmp_path, {"map": "a", "path": "a.tif", "volcanic": "yes"})
    with pytest.raises(ValueError, match="volcanic 'yes' is not known"):
        scorecard.field_scorecard(table, detector)
    write_truth(tmp_path)
    with pytest.raises(ValueError, match="has no rows"):
        scorecard.field_scorecard(table, detector)


def test_volcano_free_maps_come_from_the_truth_table(field) -> None:
    for source in (field, field / "truth.csv"):
        (only,) = truth.volcano_free_maps(source)
        assert only.name == "quiet"


def test_volcano_free_maps_of_a_folder_are_told_by_the_table_above(tmp_path) -> None:
    for folder, seed in (("inside", 4), ("outside", 5)):
        (tmp_path / folder).mkdir()
        write_map(tmp_path / folder / "a.tif", simulated_map(seed=seed))
    write_truth(
        tmp_path,
        {"map": "in", "path": "inside/a.tif", "volcanic": "0"},
        {"map": "out", "path": "outside/a.tif", "volcanic": "0"},
    )
    assert [one.name for one in truth.volcano_free_maps(tmp_path / "inside")] == ["in"]
    (tmp_path / "tables").mkdir()
    write_truth(tmp_path / "tables", {"map": "up", "path": "../inside/a.tif", "volcanic": "0"})
    (named,) = truth.volcano_free_maps(tmp_path / "tables" / "truth.csv")
    assert named.name == "up"


def test_volcano_free_maps_of_a_plain_folder_are_all_that_can_be_read(tmp_path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    write_map(folder / "b.tif", replace(simulated_map(), look=None))
    (folder / "a.tif").write_text("no raster")
    assert [one.name for one in truth.volcano_free_maps(folder, ReadOptions())] == ["b"]
    (folder / "b.tif").unlink()
    with pytest.raises(ValueError, match=r"no volcano-free map.*refused: a \("):
        truth.volcano_free_maps(folder)


def test_field_maps_of_the_project_give_the_two_anatolian_frames(shared) -> None:
    maps = truth.volcano_free_maps(shared / "field" / "north_anatolia")
    assert [one.name for one in maps] == ["anatolia_087A", "anatolia_167D"]


def test_injection_run_writes_its_plan_and_compares_all_methods(
    field, detector: Detector, tmp_path
) -> None:
    maps = truth.volcano_free_maps(field)
    settings = InjectionSettings(count=4, rates=(0.05,), widths=(10e3,))
    plan, steps = tmp_path / "plan.csv", []
    outcome = scorecard.injection_scorecard(
        maps,
        detector,
        plan,
        settings=settings,
        seed=3,
        progress=lambda *step: steps.append((step, plan.exists())),
    )
    assert plan.read_text().count("\n") == 5
    assert steps[0] == ((1, 5, "frames"), True)
    assert list(outcome.scores) == ["bradyseism", *BASELINES, "same-window boxcar"]
    assert outcome.share("bradyseism", 0.05).estimate == 1
    assert outcome.share("bradyseism", 0.05, located=True).estimate >= 0.75
    json.dumps(outcome.as_json(), allow_nan=False)
