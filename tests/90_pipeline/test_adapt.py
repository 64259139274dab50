"""Adapting the shipped detector to one's own maps: what it gains, and when it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from bradyseism.cli import app
from bradyseism.detection.runtime import Detector, model_content
from bradyseism.detection.scan import pyramid
from bradyseism.evaluation.certainty import CertaintySettings
from bradyseism.evaluation.comparison import Comparison
from bradyseism.maps.readers import ReadOptions, open_map
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.volcanoes import Catalogue, Volcano
from bradyseism.maps.writers.map_files import write_map
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector
from bradyseism.physics.sources import Mogi
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.scenes.simulation import simulate
from bradyseism.scenes.synthesis import SceneSettings
from bradyseism.workflows.adapt import LIMITS, AdaptSettings, adapt, check_target, write_adapted
from bradyseism.workflows.adapt_maps import AROUND_VOLCANO, read_background
from bradyseism.workflows.adapt_windows import _ground, background_windows, hybrid_windows

FEW = CertaintySettings(
    lengths=(3.0,), nuggets=(0.0,), valid=(1.0,), maps=12, widths=(0.2,), ratios=(2.0, 32.0),
    sources=10,
)  # fmt: skip
SMALL = AdaptSettings(windows=100, pairs=100, steps=20, certainty=FEW)
LOOK = look_vector(-168.0, 39.0)


def region(seed: int, size: int = 192, *, bowls: float = 6e-3, pixel_size: float = 200.0):
    """Turbulence and, everywhere, small round bowls that no training has seen so many of."""
    rng = np.random.default_rng(seed)
    grid = Grid.around(33.0, 39.0, (size, size), pixel_size=pixel_size)
    noise = turbulent_field(ExponentialModel(1e-6, 5e3), grid.shape, pixel_size, rng)
    bowl = gaussian_filter((rng.random(grid.shape) < 1 / 2500).astype(float), 6)
    velocity = noise + 3e-4 * rng.standard_normal(grid.shape) - bowls * bowl / bowl.max()
    return VelocityMap(
        velocity.astype(np.float32), grid, 5.0, look=LOOK.astype(np.float32), name=f"region-{seed}"
    )


@pytest.fixture(scope="module")
def windows():
    return background_windows(
        [region(0)], NormalisedWindow(), most=200, rng=np.random.default_rng(0)
    )


def test_quarters_share_no_data(windows) -> None:
    """What stands in one quarter changes no window of the others, of another track either."""
    ours = region(0)
    quarter = _quarter_of_pixels(ours)
    changed = ours.with_velocity(np.where(quarter == 2, ours.velocity[::-1], ours.velocity))
    for maps, others in (([ours], [changed]), ([ours, ours], [ours, changed])):
        one, two = (
            background_windows(m, NormalisedWindow(), most=10_000, rng=np.random.default_rng(0))
            for m in (maps, others)
        )
        assert len(one) == len(two)
        same = (np.nan_to_num(one.values) == np.nan_to_num(two.values)).all(axis=(1, 2))
        assert same[one.table["quarter"] != 2].all()
        assert not same[(one.table["quarter"] == 2) & (one.table["map"] == len(maps) - 1)].any()


def _quarter_of_pixels(velocity_map: VelocityMap):
    """Quarter of every pixel, asked of windows of one pixel of their own value."""
    ground = _ground([pyramid(velocity_map, NormalisedWindow())])
    row, column = np.indices(velocity_map.grid.shape)
    return ground.part(*velocity_map.grid.longitude_latitude(row, column), rounds=2)


def test_every_quarter_and_block_has_windows(windows) -> None:
    assert set(windows.table["quarter"]) == set(range(4))
    assert set(windows.table["block"]) == set(range(16))
    assert (windows.table["block"] // 4 == windows.table["quarter"]).all()
    assert len(set(windows.table["pixel_size"])) >= 3


def test_thinning_spares_the_rare_levels() -> None:
    sizes = [
        background_windows(
            [region(0)], NormalisedWindow(), most=most, rng=np.random.default_rng(0)
        ).table["pixel_size"]
        for most in (10_000, 60)
    ]
    whole, thin = (dict(zip(*np.unique(s, return_counts=True), strict=True)) for s in sizes)
    assert sum(thin.values()) <= 60 < sum(whole.values())
    limit = max(thin.values())
    assert all(thin[level] == min(whole[level], limit) for level in whole)


def test_pairs_differ_by_a_source_of_the_stated_size_and_place(windows) -> None:
    few = windows[np.arange(6)]
    hybrid = hybrid_windows(
        few, SceneSettings(companion=0.0), copies=3, rng=np.random.default_rng(1)
    )
    loud = np.flatnonzero(hybrid.table["volcanic"])
    assert len(loud) >= 16
    for index in loud:
        added = hybrid.values[index].astype(float) - hybrid.values[index - 1]
        assert not hybrid.table["volcanic"][index - 1]
        row = hybrid.table[index]
        assert np.nanmax(np.abs(added)) <= row["peak"] * 1.0001
        if np.isfinite(added).all():
            assert np.abs(added).max() == pytest.approx(row["peak"], rel=1e-3)
        assert 0.7 * 0.999 <= row["signal_to_noise"] <= 300 * 1.001
    assert hybrid.table["straight"].sum() == sum(1 + (k in loud) for k in _straight_quiet(hybrid))


def _straight_quiet(hybrid):
    table = hybrid.table
    quiet = np.flatnonzero(table["straight"] & ~table["volcanic"])
    # A pair stands one after the other: counted under the index of its louder half.
    return [k + 1 for k in quiet]


@pytest.fixture(scope="module")
def small():
    return adapt([region(0)], model_content(), SMALL)


def test_the_same_seed_gives_the_same_model_and_another_does_not(small, windows) -> None:
    again = adapt([region(0)], model_content(), SMALL)
    assert again.comparison == small.comparison
    assert Detector(again.content).head.hidden_weight.tobytes() == (
        Detector(small.content).head.hidden_weight.tobytes()
    )
    assert again.card["settings"] == small.card["settings"]
    other = hybrid_windows(
        windows[np.arange(4)], SceneSettings(), copies=1, rng=np.random.default_rng(1)
    )
    ours = hybrid_windows(
        windows[np.arange(4)], SceneSettings(), copies=1, rng=np.random.default_rng(0)
    )
    assert not np.array_equal(other.table["peak"], ours.table["peak"])


def test_the_card_says_where_the_model_comes_from(small) -> None:
    card = small.card
    base = Detector.load()
    assert card["base"] == {"name": base.name, "sha256": base.sha256}
    assert card["settings"]["seed"] == 0
    assert card["maps"][0]["name"] == "region-0"
    assert card["calibration"]["prior"] == base.calibration.prior
    assert card["held_out"]["before"]["auc"] == small.comparison.before.auc
    assert "history" not in card
    assert Detector(small.content).encoding == base.encoding


@pytest.mark.parametrize(("harm", "steps"), [((), 8), (("worse",), 7)])
def test_progress_ends_at_its_total_and_limits_stand_once(small, monkeypatch, harm, steps) -> None:
    monkeypatch.setattr(Comparison, "harm", harm)
    told: list[tuple[int, int, str]] = []
    quick = replace(SMALL, steps=1)
    again = adapt([region(0)], small.content, quick, progress=lambda *step: told.append(step))
    assert [done for done, _, _ in told] == list(range(steps + 1))
    assert told[-1] == (steps, steps, "done")
    assert again.card["limits"].count(LIMITS[0]) == 1


def test_nothing_is_written_unless_it_is_better(small, tmp_path: Path) -> None:
    harmless = replace(
        small.comparison,
        change=small.comparison.change
        | {"log_loss": replace(small.comparison.change["log_loss"], high=1e-9)},
    )
    with pytest.raises(ValueError, match="not better than the one it comes from: log-loss"):
        write_adapted(tmp_path / "mine.onnx", replace(small, comparison=harmless))
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_is_a_detector_with_its_card(small, tmp_path: Path) -> None:
    change = small.comparison.change
    good = replace(
        small.comparison,
        change={
            "log_loss": replace(change["log_loss"], high=-0.01),
            "auc": replace(change["auc"], estimate=0.01),
            "background_flagged": replace(change["background_flagged"], estimate=0.0),
            "sources_found": change["sources_found"],
        },
    )
    write_adapted(tmp_path / "mine.onnx", replace(small, comparison=good))
    assert {p.name for p in tmp_path.iterdir()} == {"mine.onnx", "mine.md"}
    detector = Detector.load(tmp_path / "mine.onnx")
    assert detector.name == f"{Detector.load().name}-adapted"
    assert detector.card["base"] == small.card["base"]
    assert small.base.sha256 in (tmp_path / "mine.md").read_text()
    with pytest.raises(ValueError, match="is there already, and a model is never overwritten"):
        check_target(tmp_path / "mine.onnx")


def test_a_name_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"does not end in \.onnx"):
        check_target(tmp_path / "mine")
    with pytest.raises(ValueError, match="is missing: create it"):
        check_target(tmp_path / "nowhere" / "mine.onnx")


def test_too_little_background_is_refused() -> None:
    whole = region(0)
    corner = np.full(whole.grid.shape, np.nan, np.float32)
    corner[:56, :56] = whole.velocity[:56, :56]
    with pytest.raises(ValueError, match=r"observable windows, .* in the emptiest"):
        adapt([whole.with_velocity(corner)], model_content(), SMALL)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"windows": 5}, "windows 5 and pairs 2000: give at least 30"),
        ({"stiffness": -1.0}, "stiffness -1"),
        ({"seed": -1}, "seed -1 is negative"),
    ],
)
def test_settings_that_do_not_hold_are_refused(values, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AdaptSettings(**values)


@pytest.fixture(scope="module")
def volcano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    quiet = region(3, 256, bowls=0.0)
    chamber = Mogi(0.0, 0.0, 5e3, volume_change=5e6)
    loud = quiet.velocity + simulate(chamber, on=quiet).truth.deformation
    path = tmp_path_factory.mktemp("loud") / "loud.tif"
    write_map(path, quiet.with_velocity(loud))
    return path


def test_a_volcano_in_the_background_is_refused_until_somebody_has_looked(volcano: Path) -> None:
    detector = Detector.load()
    with pytest.raises(ValueError, match=r"1 places of the background look volcanic.*--looked-at"):
        read_background([volcano], ReadOptions(), detector)
    found = read_background([volcano], ReadOptions(), detector, looked_at=True)
    assert "is flagged" in found.notes[0]


def test_ground_around_a_catalogued_volcano_is_left_out(volcano: Path) -> None:
    catalogue = Catalogue((Volcano(1, "Hidden", 33.0, 39.0), Volcano(2, "Far", 60.0, 10.0)))
    found = read_background([volcano], ReadOptions(), Detector.load(), catalogue=catalogue)
    assert found.notes == ("loud: 20 km around 1 catalogued volcanoes (Hidden) left out",)
    (masked,) = found.maps
    lost = np.count_nonzero(~masked.valid) * 200.0**2
    assert lost == pytest.approx(np.pi * AROUND_VOLCANO**2, rel=0.01)
    assert not masked.valid[128, 128]
    assert masked.valid[0, 0]


def test_no_maps_and_one_map_twice_are_refused(volcano: Path) -> None:
    detector = Detector.load()
    with pytest.raises(ValueError, match="no maps"):
        read_background([], ReadOptions(), detector)
    with pytest.raises(ValueError, match="holds the same map as"):
        read_background([volcano, volcano], ReadOptions(), detector, looked_at=True)


def test_a_map_given_twice_is_known_again_though_a_volcano_is_left_out(volcano: Path) -> None:
    grid = open_map(volcano).grid
    place = (float(part) for part in grid.longitude_latitude(20, 20))
    catalogue = Catalogue((Volcano(1, "Left Out", *place),))
    with pytest.raises(ValueError, match="holds the same map as"):
        read_background(
            [volcano, volcano], ReadOptions(), Detector.load(), catalogue=catalogue, looked_at=True
        )


@pytest.mark.slow
def test_a_peculiar_region_is_learnt_and_the_gain_holds_on_another_of_its_kind() -> None:
    result = adapt([region(1, 700)], model_content())
    assert result.comparison.harm == ()
    assert result.comparison.change["auc"].low > 0
    assert result.comparison.change["sources_found"].low > 0
    shipped, mine = Detector.load(), Detector(result.content)
    elsewhere = background_windows(
        [region(101, 500)], NormalisedWindow(), most=500, rng=np.random.default_rng(0)
    )
    hybrid = hybrid_windows(elsewhere, SceneSettings(), copies=1, rng=np.random.default_rng(1))
    found, flagged = [], []
    for detector in (shipped, mine):
        odds = detector.calibration.log_odds(detector.predict(hybrid.values).logit)
        quiet, loud = odds[~hybrid.table["volcanic"]], odds[hybrid.table["volcanic"]]
        found.append(np.mean(loud > np.quantile(quiet, 0.99)))
        flagged.append(np.mean(quiet > 0))
    assert found[1] > found[0]
    assert flagged[1] <= flagged[0]


@pytest.mark.slow
def test_better_is_written_and_what_is_not_is_refused(tmp_path: Path) -> None:
    """A model that knows the ground by heart cannot be bettered on it."""
    path, config = tmp_path / "quiet.tif", tmp_path / "adapt.toml"
    write_map(path, region(0, bowls=12e-3))
    few = "lengths = [3.0]\nnuggets = [0.0]\nvalid = [1.0]\nmaps = 12\nsources = 10\n"
    config.write_text(f"[adapt]\nwindows = 150\npairs = 150\nsteps = 30\n[adapt.certainty]\n{few}")
    shared = ["adapt", "--background", str(path), "--config", str(config), "--looked-at"]
    first = CliRunner().invoke(app, [*shared, "-o", str(tmp_path / "mine.onnx")])
    assert first.exit_code == 0, first.output
    assert "held-out ground" in first.stdout
    assert "detect --model" in first.stdout
    files = {p.name for p in tmp_path.iterdir()}
    assert {"mine.onnx", "mine.md"} <= files
    card = Detector.load(tmp_path / "mine.onnx").card
    assert np.shape(card["false_alarm"]["log_odds"])[:3] == (1, 1, 1)
    assert np.shape(card["detectable"]["ratios"])[0] == 1
    again = ["--model", str(tmp_path / "mine.onnx"), "-o", str(tmp_path / "twice.onnx"), "--json"]
    second = CliRunner().invoke(app, [*shared, *again])
    assert second.exit_code == 2
    assert "the adapted model is not better than the one it comes from" in second.stderr
    told = json.loads(second.stdout)
    assert told["model"] is None
    assert told["harm"]
    assert {p.name for p in tmp_path.iterdir()} == files
