"""The main job from file to file: simulated and real maps in, the truth out."""

from __future__ import annotations

from pathlib import Path

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.scorecard import field_scorecard
from bradyseism.workflows.simulation import write_demo, write_scenes


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
