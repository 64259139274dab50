"""The smallest size of the paper's experiment through the command line, real network and all."""

import json

import pytest
from typer.testing import CliRunner

from bradyseism import cli

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def call(*arguments):
    return CliRunner().invoke(cli.app, ["reproduce", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "smoke"
    answer = call("--size", "smoke", "-o", folder, "--quiet")
    assert answer.exit_code == 0, answer.output
    return folder, answer.stdout


def test_run_holds_all_that_its_report_is_made_of(run):
    folder, said = run
    card = json.loads((folder / "run.json").read_text())
    assert card["settings"]["network"] == "inception_resnet_v2"
    assert card["inputs"] == {}
    manifest = json.loads((folder / "analogue" / "manifest.json").read_text())
    assert manifest["is_frozen_version"]
    for number in (2, 3, 4, 5, 6):
        assert list((folder / "figures").glob(f"*{number}*.svg")), f"figure {number} is missing"
    report = (folder / "report.md").read_text()
    assert "FT1 [-1&last1]" in report
    assert f"Wrote {folder / 'report.md'}" in said


def test_run_or_draw_but_not_neither():
    answer = call()
    assert answer.exit_code == 2
    assert "give -o with the folder of the run, or --from RUN" in answer.stderr


def test_a_folder_with_a_run_is_not_begun_again(run):
    folder, _ = run
    answer = call("--size", "smoke", "-o", folder)
    assert answer.exit_code == 2
    assert "--resume" in answer.stderr


def test_frames_need_background_and_background_frames(tmp_path):
    answer = call("--size", "smoke", "-o", tmp_path / "a", "--truth", tmp_path / "truth.csv")
    assert answer.exit_code == 2
    assert "without frames" in answer.stderr
