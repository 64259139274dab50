"""A detector on labelled frames, patch by patch."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.patch_scorecard import patch_scorecard
from bradyseism.evaluation.scores import roc_auc
from bradyseism.evaluation.truth import TruthRow
from bradyseism.maps.readers import ReadOptions
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.writers.map_files import write_map
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import Mogi

SHAPE, PIXEL = (256, 320), 200.0  # two patches a frame
PEAK = 128, 40  # of the source: in the first patch alone


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three quiet frames, and three of other places that hold one source."""
    folder = tmp_path_factory.mktemp("frames")
    look = look_vector(-168.0, 39.0)
    rows = [("map", "path", "volcanic", "must", "may", "note", "place", "rate_mm_yr")]
    for index in range(6):
        grid = Grid.around(30.0 + 2 * index, 40.0, SHAPE, pixel_size=PIXEL)
        noise = turbulent_field(
            ExponentialModel(1e-6, 4e3), SHAPE, PIXEL, np.random.default_rng(index)
        )
        centre = tuple(float(v) for v in grid.longitude_latitude(*PEAK))
        if volcanic := index % 2:
            row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
            east, north = PIXEL * (column - PEAK[1]), PIXEL * (PEAK[0] - row)
            los = project(Mogi(0.0, 0.0, 4e3, 1e6).displacement(east, north), look)
            noise = noise + 0.02 * los / los.max()
        name = f"frame-{index}"
        one = VelocityMap(noise.astype(np.float32), grid, 5.0, look.astype(np.float32), name)
        write_map(folder / f"{name}.tif", one)
        must = f"{centre[0]} {centre[1]} 5" if volcanic else ""
        rows.append((name, f"{name}.tif", str(volcanic), must, "", "", name, str(20 * volcanic)))
    with (folder / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "truth.csv"


def test_patches_are_labelled_by_the_peak_and_judged_alone(truth: Path) -> None:
    card = patch_scorecard(truth, Detector.load())
    assert card.scores.label.tolist() == [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    assert_allclose(card.scores.rate, np.repeat([0.0, 0.02] * 3, 2))
    assert card.statistics.estimate("auc") == roc_auc(card.scores.label, card.scores.logit[0])
    assert card.statistics.estimate("auc") > 0.9
    assert card.volcanoes == (3, 3)
    said = json.loads(json.dumps(card.as_json()))
    assert said["counts"]["TP"] == 3
    assert sum(said["counts"].values()) == said["patches"] == 12
    assert "3 of 3 places" in card.as_markdown()


def test_too_few_places_give_no_interval(truth: Path) -> None:
    with truth.open(newline="") as file:
        rows = list(csv.reader(file))[:3]
    few = truth.with_name("few.csv")
    with few.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    card = patch_scorecard(few, Detector.load())
    assert card.as_json()["auc"]["low"] is None
    assert "nan" not in card.as_markdown()
    assert "NaN" not in json.dumps(card.as_json())


def test_a_table_of_ambiguous_maps_alone_is_refused(truth: Path) -> None:
    with truth.open(newline="") as file:
        rows = list(csv.reader(file))
    doubtful = truth.with_name("doubtful.csv")
    with doubtful.open("w", newline="") as file:
        csv.writer(file).writerows([rows[0], *([*r[:2], "ambiguous", *r[3:]] for r in rows[1:])])
    with pytest.raises(ValueError, match=r"doubtful\.csv gives no patch that counts: it needs"):
        patch_scorecard(doubtful, Detector.load())


def row(volcanic: bool | None, **said: str) -> TruthRow:
    return TruthRow("frame", Path("frame.tif"), volcanic, (), (), said)


def test_place_and_rate_are_read_without_blanks_and_known_of_quiet_ground() -> None:
    assert row(True, place=" hill ", rate_mm_yr=" 20 ").place == "hill"
    assert row(True, place=" ").place == row(True).place == "frame"
    assert row(True, rate_mm_yr=" 20 ").rate == row(False, rate_mm_yr="20").rate == 0.02
    assert row(False, rate_mm_yr=" ").rate == row(False).rate == 0.0
    assert np.isnan([row(True).rate, row(None).rate]).all()
    folder = TruthRow("frame", Path("frame.tif"), False, (), (), ReadOptions())
    assert (folder.place, folder.rate) == ("frame", 0.0)


def test_a_rate_that_is_no_number_is_refused_by_map_and_column() -> None:
    with pytest.raises(ValueError, match="map 'frame': rate_mm_yr 'fast' is not a number: give mm"):
        _ = row(True, rate_mm_yr="fast").rate
