"""The main job from file to file: simulated and real maps in, the truth out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.scorecard import field_scorecard
from bradyseism.maps.readers import open_map
from bradyseism.maps.volcanoes import read_catalogue
from bradyseism.workflows.screening import screen, write_screening
from bradyseism.workflows.simulation import write_demo, write_scenes


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("demo"))


def test_outputs_agree_with_each_other_and_with_the_map(demo: Path, detector: Detector) -> None:
    catalogue = read_catalogue(demo.with_name("volcanoes.csv"))
    screening = screen([demo], detector, catalogue=catalogue)
    write_screening(screening, demo.parent)
    features = json.loads(demo.with_name("detections.geojson").read_text())["features"]
    named = {feature["properties"]["volcano"] for feature in features}
    assert {"Cerro Lento", "Volcan Hundido"} <= named
    with demo.with_name("volcanoes.csv").open() as file:
        statuses = {row["name"]: row["status"] for row in csv.DictReader(file)}
    assert {name for name, status in statuses.items() if status == "flagged"} == named & set(
        statuses
    )
    with rasterio.open(demo) as source, rasterio.open(demo.with_name("probability.tif")) as made:
        assert source.transform == made.transform
        assert source.shape == made.shape
        assert source.crs == made.crs
        probability = made.read(1)
    assert np.nanmax(probability) > 0.5
    digests = {feature["properties"]["map_sha256"] for feature in features}
    assert digests == {open_map(demo).provenance.sha256}


def test_the_demonstration_passes_its_own_scorecard(tmp_path: Path, detector: Detector) -> None:
    write_demo(tmp_path)
    score = field_scorecard(tmp_path / "truth.csv", detector).as_json()["maps"][0]
    assert score["found"]
    assert score["flagged"]
    assert score["distance_km"] < 4


def test_simulated_scenes_carry_a_truth_table_that_the_scorecard_reads(
    tmp_path: Path, detector: Detector
) -> None:
    paths = write_scenes(tmp_path, seed=5, count=2)
    scores = field_scorecard(tmp_path / "truth.csv", detector).as_json()["maps"]
    assert [score["map"] for score in scores] == [path.stem for path in paths]
    assert all(score["refused"] is None for score in scores)


def test_real_maps_with_known_truth(shared: Path, detector: Detector) -> None:
    card = field_scorecard(shared / "field" / "truth.csv", detector).as_json()
    scores = {score["map"]: score for score in card["maps"]}
    assert "--unit" in scores["himalaya_slope"]["refused"]
    found = {name for name, score in scores.items() if score["found"]}
    assert {"campi_flegrei", "domuyo_asc", "domuyo_desc"} <= found
    assert card["totals"]["windows_flagged_share"] <= 0.03
