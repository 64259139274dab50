"""The command line as a person meets it: help, one message for bad input, whole results."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from bradyseism import cli
from bradyseism.config import TABLES
from bradyseism.detection.runtime import Detector
from bradyseism.maps.readers import open_map

COMMANDS = [
    ["inspect"],
    ["variogram"],
    ["simulate", "demo"],
    ["simulate", "scenes"],
    ["simulate", "analogue"],
    ["train", "shipped"],
    ["train", "card"],
    ["train", "paper"],
    ["adapt"],
    ["finetune"],
    ["reproduce"],
    ["evaluate"],
    ["explain"],
    ["detect"],
]


def call(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    answer = call("simulate", "demo", "-o", folder)
    assert answer.exit_code == 0, answer.output
    return folder


@pytest.fixture(scope="module")
def result(demo):
    folder = demo / "result"
    answer = call(
        "detect", demo / "map.tif", "-o", folder, "--catalogue", demo / "volcanoes.csv",
        "--prior", "0.3", "--json",
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    return folder, json.loads(answer.stdout)


@pytest.fixture(scope="module")
def small(demo, tmp_path_factory):
    """A quiet part of the map."""
    return cut_out(demo / "map.tif", tmp_path_factory.mktemp("small") / "small.tif", 20, 400, 96)


def cut_out(whole, path, column, row, side):
    """Write a square part of a map."""
    with rasterio.open(whole) as file:
        part = rasterio.windows.Window(column, row, side, side)
        profile = file.profile | {"height": side, "width": side, "driver": "GTiff"}
        profile |= {"transform": file.window_transform(part)}
        with rasterio.open(path, "w", **profile) as cut:
            cut.write(file.read(1, window=part), 1)
            cut.update_tags(**file.tags())
    return path


def test_help_lists_every_command():
    answer = call("--help")
    assert answer.exit_code == 0
    assert all(command[0] in answer.output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_has_help_with_an_example(command):
    answer = call(*command, "--help")
    assert answer.exit_code == 0
    assert f"Example: bradyseism {' '.join(command)}" in " ".join(answer.output.split())


def test_inspect_says_unit_sign_and_what_is_missing(demo):
    answer = call("inspect", demo / "map.tif", "--json")
    assert answer.exit_code == 0
    facts = {fact["what"]: fact["value"] for fact in json.loads(answer.stdout)["understood"]}
    assert facts["unit"] == "mm/yr"
    assert facts["positive"] == "toward"
    assert json.loads(answer.stdout)["missing"] == []


def test_inspect_names_the_option_for_what_is_missing(tmp_path):
    path = tmp_path / "silent.tif"
    profile = {"driver": "GTiff", "height": 70, "width": 70, "count": 1, "dtype": "float32"}
    transform = rasterio.transform.from_origin(500_000.0, 4_000_000.0, 100.0, 100.0)
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as file:
        file.write(np.linspace(-5, 5, 4900, dtype=np.float32).reshape(1, 70, 70))
    answer = call("inspect", path, "--json")
    options = " ".join(gap["option"] for gap in json.loads(answer.stdout)["missing"])
    assert all(name in options for name in ("--unit", "--positive", "--years"))


def test_a_warning_names_what_is_odd(tmp_path):
    path = tmp_path / "metres.tif"
    profile = {"driver": "GTiff", "height": 70, "width": 70, "count": 1, "dtype": "float32"}
    transform = rasterio.transform.from_origin(500_000.0, 4_000_000.0, 100.0, 100.0)
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as file:
        file.write(np.linspace(-5, 5, 4900, dtype=np.float32).reshape(1, 70, 70))
    stated = ["--unit", "m/yr", "--positive", "toward", "--years", "5"]
    odd = "is the unit mm/yr (--unit mm/yr)?"
    assert odd in " ".join(call("inspect", path, *stated).stdout.split())
    answer = call("detect", path, *stated, "-o", tmp_path / "result", "--json")
    assert answer.exit_code == 0
    (warning,) = json.loads(answer.stdout)["warnings"]
    assert odd in warning["warning"]
    assert odd in answer.stderr
    assert odd in (tmp_path / "result" / "report.html").read_text()
    written = json.loads((tmp_path / "result" / "detections.geojson").read_text())
    assert odd in written["properties"]["warnings"][0]


@pytest.mark.parametrize("command", ["inspect", "detect", "explain"])
def test_bad_input_is_one_message_and_leaves_nothing(command, tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("this is no raster")
    output = [] if command == "inspect" else ["-o", tmp_path / "result"]
    answer = call(command, path, *output)
    assert answer.exit_code == 2
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("bradyseism: ")
    assert "notes.tif" in lines[0]
    assert [item.name for item in tmp_path.iterdir()] == ["notes.tif"]


@pytest.mark.parametrize("prior", ["0", "1.5", "-0.2"])
def test_a_prior_that_is_no_share_is_bad_input(demo, tmp_path, prior):
    answer = call("detect", demo / "map.tif", "-o", tmp_path / "result", "--prior", prior)
    assert answer.exit_code == 2
    assert f"prior {float(prior):g} is outside 0-1: give a share of maps" in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_prior_is_stated_in_every_output(result):
    folder, said = result
    assert said["prior"] == 0.3
    assert {found["prior"] for found in said["detections"]} == {0.3}
    written = json.loads((folder / "detections.geojson").read_text())
    assert written["properties"]["prior"] == 0.3
    assert "30 % of maps expected to deform" in (folder / "report.html").read_text()


def test_a_path_is_no_markup(small, tmp_path):
    answer = call("detect", small, "-o", tmp_path / "[red]:volcano:[")
    assert answer.exit_code == 0, answer.output
    assert "[red]:volcano:[" in "".join(answer.stdout.split())


def test_an_output_that_is_a_file_is_refused(demo, tmp_path):
    target = tmp_path / "taken"
    target.write_text("precious")
    answer = call("simulate", "demo", "-o", target)
    assert answer.exit_code == 2
    assert "is a file" in answer.stderr
    assert target.read_text() == "precious"
    # Before any map is opened.
    answer = call("detect", tmp_path / "missing.tif", "-o", target)
    assert answer.exit_code == 2
    assert "is a file" in answer.stderr


def test_no_traceback_at_the_shell(tmp_path):
    missing = tmp_path / "missing.tif"
    answer = subprocess.run(
        [sys.executable, "-m", "bradyseism", "inspect", str(missing)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("bradyseism: ")
    assert "Traceback" not in answer.stderr


def test_interruption_is_quiet(monkeypatch, demo):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bradyseism.maps.readers.inspect_map", interrupt)
    answer = call("inspect", demo / "map.tif")
    assert answer.exit_code == 130
    assert answer.stderr == "bradyseism: interrupted\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[simulate]\nnuisance_rat = 1.0", "did you mean 'nuisance_rate'"),
        ("[simulat]\nnuisance_rate = 1.0", "did you mean 'simulate'"),
        ("[simulate]\nnuisance_rate = 'many'", "nuisance_rate"),
        ("[simulate]\nvolcanic = 2.0", "outside 0-1"),
        ("[simulate.noise]\nlo = 0.1", "unknown key in noise"),
        ("simulate = 3", "not a table"),
        ("[simulate", "is not TOML"),
    ],
)
def test_settings_that_do_not_hold_are_refused(text, message, tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    answer = call("simulate", "scenes", "-o", tmp_path / "scenes", "--config", path)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert not (tmp_path / "scenes").exists()


def test_settings_reach_the_simulation(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[simulate]\nshape = [80, 90]\nvolcanic = 1.0\n")
    answer = call("simulate", "scenes", "-o", tmp_path, "--config", path, "--seed", 5)
    assert answer.exit_code == 0, answer.output
    with rasterio.open(tmp_path / "scene-5-0.tif") as file:
        assert file.shape == (80, 90)


def test_scenes_lie_on_the_relief_that_is_given(tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text("[simulate]\nshape = [64, 64]\n")
    heights = 500 + 2 * np.indices((1201, 1201))[0]
    (tmp_path / "N40E014.hgt").write_bytes(heights.astype(">i2").tobytes())
    arguments = ["simulate", "scenes", "-o", tmp_path / "scenes", "--config", settings, "--dem"]
    answer = call(*arguments, tmp_path / "N40E014.hgt")
    assert answer.exit_code == 0, answer.output
    with rasterio.open(tmp_path / "scenes" / "scene-0-0.tif") as file:
        longitude, latitude = file.lnglat()
        assert file.shape == (64, 64)
    assert 14.0 < longitude < 15.0
    assert 40.0 < latitude < 41.0
    missing = call(*arguments, tmp_path / "absent.tif")
    assert missing.exit_code == 2
    assert "absent.tif does not exist" in " ".join(missing.stderr.split())


def test_tables_are_those_of_the_commands():
    assert set(TABLES) <= {name for command in COMMANDS for name in command}


def test_detect_writes_everything(result):
    folder, _ = result
    expected = {"detections.geojson", "volcanoes.csv", "probability.tif", "report.html"}
    if Detector.load().card.get("detectable"):
        expected.add("detectable_rate.tif")
    assert {item.name for item in folder.iterdir()} == expected


def test_detect_says_how_often_noise_does_as_much(result):
    folder, answer = result
    features = json.loads((folder / "detections.geojson").read_text())["features"]
    for found in (*answer["detections"], *(feature["properties"] for feature in features)):
        assert found["false_alarm_draws"] >= 4
        assert 1 / (found["false_alarm_draws"] + 1) - 1e-4 <= found["false_alarm"] <= 1
        assert found["noise_model"].startswith("exponential, ")
    assert "maps of pure noise with this map's variogram" in (folder / "report.html").read_text()


def test_detect_finds_the_two_hidden_volcanoes(result):
    _, answer = result
    status = {row["name"]: row["status"] for row in answer["volcanoes"]}
    assert status["Cerro Lento"] == status["Volcan Hundido"] == "flagged"
    assert status["Cerro Quieto"] == "quiet"
    rates = {found["volcano"]: found["rate_mm_per_year"] for found in answer["detections"]}
    assert rates["Cerro Lento"] > 0 > rates["Volcan Hundido"]


def test_both_volcanoes_are_named_and_flagged(result):
    folder, _ = result
    features = json.loads((folder / "detections.geojson").read_text())["features"]
    named = {feature["properties"]["volcano"] for feature in features}
    assert {"Cerro Lento", "Volcan Hundido"} <= named
    with (folder / "volcanoes.csv").open() as file:
        statuses = {row["name"]: row["status"] for row in csv.DictReader(file)}
    assert {name for name, status in statuses.items() if status == "flagged"} == named & set(
        statuses
    )


def test_geojson_carries_model_and_input(result, demo):
    folder, answer = result
    features = json.loads((folder / "detections.geojson").read_text())["features"]
    digest = open_map(demo / "map.tif").provenance.sha256
    assert [feature["properties"]["id"] for feature in features] == [
        found["id"] for found in answer["detections"]
    ]
    for feature in features:
        assert feature["geometry"]["type"] == "Polygon"
        assert feature["properties"]["map_sha256"] == digest
        assert len(feature["properties"]["model_sha256"]) == 64


def test_probability_lies_on_the_map(result, demo):
    folder, _ = result
    with (
        rasterio.open(folder / "probability.tif") as written,
        rasterio.open(demo / "map.tif") as read,
    ):
        assert written.shape == read.shape
        assert written.transform == read.transform
        assert written.crs == read.crs
        assert np.nanmax(written.read(1)) > 0.5


def test_summary_says_what_to_do_and_the_report_that_there_was_no_catalogue(demo, tmp_path):
    part = cut_out(demo / "map.tif", tmp_path / "part.tif", 86, 102, 128)
    answer = call("detect", part, "-o", tmp_path)
    assert answer.exit_code == 0
    said = " ".join(answer.stdout.split())
    assert "unassociated" in said
    assert "Look first at" in said
    assert "report.html" in said
    assert "No catalogue was given" in (tmp_path / "report.html").read_text()


def test_report_of_a_catalogue_does_not_miss_one(result):
    assert "No catalogue was given" not in (result[0] / "report.html").read_text()


def test_a_refused_map_does_not_end_the_run_of_others(small, tmp_path):
    bad = tmp_path / "notes.tif"
    bad.write_text("this is no raster")
    answer = call("detect", bad, small, "-o", tmp_path / "result", "--quiet")
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.count("notes.tif") == 1
    assert "left out: " in answer.stderr
    assert (tmp_path / "result" / "report.html").is_file()


def test_maps_come_by_a_table_that_says_what_each_does_not(small, tmp_path):
    with (
        rasterio.open(small) as whole,
        rasterio.open(tmp_path / "bare.tif", "w", **whole.profile) as bare,
    ):
        bare.write(1e3 * whole.read(1), 1)
    table = tmp_path / "maps.csv"
    # As a spreadsheet program saves it, with a mark of the byte order.
    table.write_text(
        "path,unit,positive,span_years,look\nbare.tif,mm/yr,away,4,descending\n",
        encoding="utf-8-sig",
    )
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "probability.tif").write_text("of an earlier run with one map")
    answer = call("detect", small, "--table", table, "-o", tmp_path / "r", "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["maps"] == ["small", "bare"]
    assert not (tmp_path / "r" / "probability.tif").exists()
    page = (tmp_path / "r" / "report.html").read_text()
    assert "5.00 years" in page
    assert "4.00 years" in page


def test_options_hold_for_rows_of_a_table_that_say_nothing(small, tmp_path):
    bare, table = tmp_path / "bare.tif", tmp_path / "maps.csv"
    with rasterio.open(small) as whole:
        profile = {**whole.profile, "count": 1}
        with rasterio.open(bare, "w", **profile) as file:
            file.write(1e3 * whole.read(1), 1)
    table.write_text("path,span_years\nbare.tif,\nbare.tif,4\n")
    said = ("--unit", "mm/yr", "--positive", "away", "--years", "7")
    answer = call("detect", "--table", table, *said, "-o", tmp_path / "r")
    assert answer.exit_code == 0, answer.output
    page = (tmp_path / "r" / "report.html").read_text()
    assert "7.00 years" in page
    assert "4.00 years" in page
    refused = call("detect", "--table", table, "-o", tmp_path / "none")
    assert refused.exit_code == 2
    assert "No map could be read" in refused.output
    assert "Report" not in refused.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,years\na.tif,5\n", "a column years, which nothing reads: call it span_years"),
        ("path,look\na.tif,sideways\n", "line 2: look 'sideways' is not understood"),
        ("map,look\na.tif,ascending\n", "line 2: no path: a table of maps has a column path"),
        ("path\n", "has no rows: a table of maps names one a line"),
    ],
)
def test_a_table_that_names_no_maps_is_refused(text, message, tmp_path):
    table = tmp_path / "maps.csv"
    table.write_text(text)
    answer = call("detect", "--table", table, "-o", tmp_path / "r")
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert not (tmp_path / "r").exists()


def test_detect_wants_a_map(tmp_path):
    answer = call("detect", "-o", tmp_path / "r")
    assert answer.exit_code == 2
    assert "no map: give MAP..., or --table" in answer.stderr


def test_version():
    answer = call("--version")
    assert answer.stdout.split() == ["bradyseism", version("bradyseism")]


def test_evaluate_scores_simulated_truth(demo):
    answer = call("evaluate", "--field", demo / "truth.csv", "--json")
    assert answer.exit_code == 0, answer.output
    (score,) = json.loads(answer.stdout)["maps"]
    assert score["volcanic"] is True
    assert score["found"] is True


def test_evaluate_takes_the_size_and_the_company_of_the_yardstick(tmp_path, monkeypatch):
    from bradyseism.evaluation import yardstick_scorecard
    from bradyseism.evaluation.clairvoyant import REFERENCE, YardstickSettings
    from bradyseism.evaluation.yardstick import YardstickResult

    asked = {}

    def scorecard(detector, **wanted):
        asked.update(wanted)
        return YardstickResult((), wanted["settings"], wanted["seed"])

    monkeypatch.setattr(yardstick_scorecard, "yardstick_scorecard", scorecard)
    monkeypatch.setattr(Detector, "load", lambda path=None, prior=None: path)
    answer = call(
        "evaluate", "--yardstick", "--windows", 200, "--sources", 6, "--background", "nuisances",
        "--background", tmp_path, "--beside", "runs/a/model.onnx", "--beside", "runs/b/model.onnx",
        "-o", tmp_path / "kept", "--seed", 4, "--json",
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    assert list(asked["beside"]) == ["runs/a/model", "runs/b/model"]
    assert list(asked["grounds"]) == ["nuisances", str(tmp_path)]
    assert asked["settings"] == YardstickSettings(windows=200, sources=6, shapes=6)
    assert (asked["folder"], asked["seed"]) == (tmp_path / "kept", 4)
    call("evaluate", "--yardstick", "--json")
    assert asked["settings"] == YardstickSettings()
    assert list(asked["grounds"]) == ["turbulence"]
    call("evaluate", "--yardstick", "--reference", "--windows", 100, "--sources", 5, "--json")
    assert asked["settings"] == replace(REFERENCE, windows=100, sources=5)
    both = call("evaluate", "--yardstick", "--reference", "--background", "nuisances")
    assert both.exit_code == 2
    assert "a background of its own" in both.stderr


def test_evaluate_wants_one_question():
    answer = call("evaluate")
    assert answer.exit_code == 2
    assert "give one of them" in answer.stderr
    idle = call("evaluate", "--field", "truth.csv", "--reference", "-o", "out")
    assert idle.exit_code == 2
    assert "--reference True, --output out: only --yardstick" in idle.stderr


def test_explain_draws_the_evidence(demo, tmp_path):
    picture = tmp_path / "evidence.png"
    answer = call("explain", demo / "map.tif", "-o", picture, "--json")
    assert answer.exit_code == 0, answer.output
    windows = json.loads(answer.stdout)["windows"]
    widths = [window["width"] for window in windows]
    assert widths == sorted(widths)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_explain_refuses_a_place_outside(demo):
    answer = call("explain", demo / "map.tif", "--at", "10,50")
    assert answer.exit_code == 2
    assert "no observable window" in answer.stderr
    assert "holds data from -68.61 to -67.60 east and -24.43 to -23.50 north" in answer.stderr


def test_explain_says_where_its_picture_is_and_writes_png_alone(demo, tmp_path):
    assert f"Wrote {tmp_path}" in call("explain", demo / "map.tif", "-o", tmp_path / "a.png").stdout
    answer = call("explain", demo / "map.tif", "-o", tmp_path / "a.jpg")
    assert answer.exit_code == 2
    assert "does not end in .png" in answer.stderr
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("text", ["10", "10,x", "a place"])
def test_explain_refuses_what_is_no_place(text, demo):
    answer = call("explain", demo / "map.tif", "--at", text)
    assert answer.exit_code == 2
    assert "longitude,latitude" in answer.stderr


def test_variogram_says_which_model_fits_and_draws_it(demo, tmp_path):
    picture = tmp_path / "variogram.png"
    answer = call("variogram", demo / "map.tif", "-o", picture)
    assert answer.exit_code == 0, answer.output
    assert "model fits best" in answer.stdout
    assert "95 % interval" in answer.stdout
    assert picture.read_bytes()[:4] == b"\x89PNG"
    answer = call("variogram", demo / "map.tif", "--json", "--detrend", "--longest", "10")
    facts = json.loads(answer.stdout)
    assert facts["plane_removed"]
    assert 9.0 < facts["lag_km"][-1] <= 10.0
    assert len(facts["models"]) == 4
    # Turbulence of 1 mm/yr and pixel noise of half that, but for the places that move.
    sills = {
        name: values[0]
        for model in facts["models"]
        if model["model"] == "exponential"
        for name, values in model["parameters"].items()
    }
    assert 0.7 < sills["sill (root, mm/yr)"] < 3.0
    assert 0.3 < sills["nugget (root, mm/yr)"] < 0.8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((40, 40), np.nan), "holds 0 valid pixels"),
        (np.full((40, 40), 2.0), "has no variation"),
        (np.where(np.arange(1600).reshape(40, 40) < 90, 1.0, np.nan), "90 valid pixels"),
    ],
)
def test_variogram_refuses_what_has_none(tmp_path, values, message):
    path = tmp_path / "map.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=40, width=40, count=1, dtype="float32",
        crs="EPSG:32633", nodata=np.nan, transform=rasterio.Affine(100, 0, 5e5, 0, -100, 4e6),
    ) as file:  # fmt: skip
        file.write(values.astype("float32"), 1)
    answer = call(
        "variogram", path, "--unit", "mm/yr", "--positive", "toward", "--years", 5,
        "--quantity", "velocity",
    )  # fmt: skip
    assert answer.exit_code == 2
    assert message in answer.output
