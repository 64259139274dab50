"""Injected sources are what the plan says, and the comparison counts them as it says."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS

from bradyseism.evaluation import injection, injection_plan, split
from bradyseism.evaluation.baselines import BASELINES
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector

LOOK = look_vector(-12.0, 39.0).astype(np.float32)


def volcano_free_map(
    seed: int = 0, *, shape=(96, 128), pixel_size=800.0, place=(-70.0, -20.0), noise=0.001
) -> VelocityMap:
    """Turbulence only, about a place far from Anatolia unless told."""
    rows, columns = shape
    crs = CRS.from_dict({"proj": "aeqd", "lon_0": place[0], "lat_0": place[1], "datum": "WGS84"})
    left, top = -columns * pixel_size / 2, rows * pixel_size / 2
    velocity = turbulent_field(
        ExponentialModel(noise**2, 5e3), shape, pixel_size, np.random.default_rng(seed)
    )
    transform = Affine(pixel_size, 0, left, 0, -pixel_size, top)
    return VelocityMap(
        velocity.astype(np.float32), Grid(shape, transform, crs), 5.0, LOOK, f"quiet{seed}"
    )


def settings(**changes) -> injection_plan.InjectionSettings:
    return replace(injection_plan.InjectionSettings(count=24), **changes)


def test_frames_overlap_by_half_and_keep_the_pixels_of_their_map() -> None:
    whole = volcano_free_map()
    frames = injection_plan.cut_frames([whole], settings())
    assert len(frames) == 2 * 3  # starts 0 and 32 of 96 rows, 0, 32 and 64 of 128 columns
    for frame in frames:
        _, row, column = frame.name.split(":")
        rows, columns = slice(int(row), int(row) + 64), slice(int(column), int(column) + 64)
        assert_array_equal(frame.velocity, whole.velocity[rows, columns])
        corner = whole.grid.longitude_latitude(int(row), int(column))
        assert_allclose(frame.grid.longitude_latitude(0, 0), corner)


def test_finer_maps_are_averaged_and_small_maps_are_one_frame() -> None:
    fine = volcano_free_map(shape=(300, 200), pixel_size=100.0)
    (frame,) = injection_plan.cut_frames([fine], settings())
    assert frame.grid.shape == (150, 100)
    assert_allclose(frame.grid.pixel_size, 200, rtol=1e-3)


def test_look_maps_are_cut_along() -> None:
    whole = volcano_free_map()
    look = np.broadcast_to(LOOK[:, None, None], (3, *whole.grid.shape))
    frame = injection_plan.cut_frames([replace(whole, look=look)], settings())[0]
    assert frame.look is not None
    assert frame.look.shape == (3, 64, 64)


def test_a_look_that_is_nowhere_known_is_the_nominal_one() -> None:
    whole = volcano_free_map()
    look = np.full((3, *whole.grid.shape), np.nan, np.float32)
    unknown = injection_plan.look_of(replace(whole, look=look))
    assert_allclose(unknown, injection_plan.NOMINAL_LOOK)
    look[:, :5] = LOOK[:, None, None]
    assert_allclose(injection_plan.look_of(replace(whole, look=look)), LOOK, rtol=1e-6)


def test_frames_hold_enough_data_where_sources_go() -> None:
    whole = volcano_free_map()
    velocity = np.array(whole.velocity)
    velocity[:, :60] = np.nan
    frames = injection_plan.cut_frames([whole.with_velocity(velocity)], settings(missing=0.6))
    assert {frame.name.split(":")[2] for frame in frames} == {"32", "64"}
    empty = whole.with_velocity(np.full_like(velocity, np.nan))
    with pytest.raises(ValueError, match="km frame with at most 50% missing"):
        injection_plan.cut_frames([empty], settings())


def test_anatolian_split_keeps_tuning_and_testing_apart() -> None:
    longitude = np.array([32.9, 33.1, 33.5, 33.7, 40.0, -70.0])
    latitude = np.full(6, 41.0)
    rule = split.ANATOLIAN_SPLIT
    tuning = rule.selects(longitude, latitude, "tuning")
    testing = rule.selects(longitude, latitude, "testing")
    assert_array_equal(tuning, [True, False, False, False, False, False])
    assert_array_equal(testing, [False, False, False, True, True, True])
    assert rule.selects(32.0, 45.0, "testing")  # another country
    with pytest.raises(ValueError, match="limits 33 and 31 does not rise"):
        split.Split(31, 39, 36, 43, tuning_limit=33, testing_limit=31)


def test_frames_of_the_two_parts_share_no_ground() -> None:
    whole = volcano_free_map(shape=(64, 320), place=(33.31, 41.0))
    extents = {}
    for part in ("tuning", "testing"):
        frames = injection_plan.cut_frames([whole], settings(part=part))
        corners = [np.array(frame.grid.footprint())[:, 0] for frame in frames]
        extents[part] = min(map(np.min, corners)), max(map(np.max, corners))
    assert extents["tuning"][1] < extents["testing"][0]
    with pytest.raises(ValueError, match="on the tuning ground"):
        injection_plan.cut_frames([volcano_free_map()], settings(part="tuning"))


def test_plan_is_balanced_repeats_and_lies_on_valid_central_pixels() -> None:
    whole = volcano_free_map()
    velocity = np.array(whole.velocity)
    velocity[::2] = np.nan
    wanted = settings(count=48)
    frames = injection_plan.cut_frames([whole.with_velocity(velocity)], wanted)
    plan = injection_plan.draw_plan(frames, wanted, np.random.default_rng(7))
    cells = [(round(1e3 * one.rate), one.width) for one in plan]
    expected = itertools.product((2, 5, 10, 20, 40, 80, -2, -5, -10, -20, -40, -80), wanted.widths)
    assert sorted(cells) == sorted(expected)
    for one in plan:
        frame = frames[one.frame]
        row, column = frame.grid.row_column(one.longitude, one.latitude)
        assert 15.9 < row < 48.1
        assert 15.9 < column < 48.1
        assert frame.valid[round(float(row)), round(float(column))]
    again = injection_plan.draw_plan(frames, wanted, np.random.default_rng(7))
    other = injection_plan.draw_plan(frames, wanted, np.random.default_rng(8))
    text = injection_plan.plan_csv(plan, frames)
    assert injection_plan.plan_csv(again, frames) == text
    assert injection_plan.plan_csv(other, frames) != text
    assert len(injection_plan.plan_digest(text)) == 64


def test_plan_table_says_everything_about_a_source() -> None:
    frames = injection_plan.cut_frames([volcano_free_map()], settings())
    plan = injection_plan.draw_plan(frames, settings(), np.random.default_rng(1))
    rows = list(csv.DictReader(io.StringIO(injection_plan.plan_csv(plan, frames))))
    assert len(rows) == 24
    assert float(rows[0]["rate_mm_per_year"]) == 2
    assert float(rows[1]["rate_mm_per_year"]) == -2
    assert float(rows[0]["width_km"]) == 2
    assert rows[3]["source"] == repr(plan[3].source)
    assert_allclose(float(rows[3]["depth_km"]), plan[3].source.depth / 1e3, atol=1e-4)
    assert_allclose([float(part) for part in rows[0]["look"].split()], LOOK, atol=1e-5)


@pytest.mark.parametrize(("width", "pixel"), [(5e3, 200.0), (20e3, 800.0)])
def test_injected_signal_has_the_peak_place_and_width_of_the_plan(width, pixel) -> None:
    """On a still, fine map everything can be measured off the pixels, for all shapes of source."""
    still = volcano_free_map(shape=(192, 192), pixel_size=pixel, noise=0.0)
    wanted = settings(rates=(0.010,), widths=(width,), count=8, side=192 * pixel)
    (frame,) = injection_plan.cut_frames([still], wanted)
    plan = injection_plan.draw_plan([frame], wanted, np.random.default_rng(3))
    assert len({type(one.source) for one in plan}) > 1
    for one in plan:
        signal = injection_plan.injected(frame, one).velocity
        peak = np.unravel_index(np.argmax(np.abs(signal)), signal.shape)
        row, column = (float(v) for v in frame.grid.row_column(one.longitude, one.latitude))
        # The trial grid has an eighth of a depth between its points.
        assert np.hypot(peak[0] - row, peak[1] - column) < 1 + one.source.depth / 8 / pixel
        assert_allclose(signal[round(row), round(column)], one.rate, rtol=1e-4)
        assert_allclose(signal[peak], one.rate, rtol=0.01)
        area = np.sum(signal / one.rate > 0.5) * pixel**2
        assert_allclose(2 * np.sqrt(area / np.pi), width, rtol=0.06)


def test_injection_adds_to_what_is_there_and_leaves_gaps() -> None:
    frame = injection_plan.cut_frames([volcano_free_map()], settings())[0]
    gappy = np.array(frame.velocity)
    gappy[:5] = np.nan
    frame = frame.with_velocity(gappy)
    one = injection_plan.draw_plan([frame], settings(), np.random.default_rng(2))[4]
    single = injection_plan.injected(frame, one).velocity - frame.velocity
    triple = injection_plan.injected(frame, replace(one, rate=-3 * one.rate)).velocity
    assert_array_equal(np.isnan(single), ~frame.valid)
    # float32 of velocities of some mm/yr
    assert_allclose(triple - frame.velocity, -3 * single, atol=2e-9 + 1e-6 * abs(one.rate))


def test_threshold_flags_no_more_than_the_share_even_with_ties() -> None:
    rng = np.random.default_rng(4)
    for share, scores in itertools.product(
        (0.0, 0.05, 0.2), (rng.normal(size=41), rng.integers(4, size=41).astype(float), np.ones(9))
    ):
        threshold = injection.threshold_at(scores, share)
        assert np.mean(scores > threshold) <= share
        lower = scores[scores < threshold]
        assert lower.size == 0 or np.mean(scores > lower.max()) > share


def result_by_hand() -> injection.InjectionResult:
    """Four sources of 10 mm/yr and 4 km; `sharp` finds three, one of them elsewhere; `dull` one."""
    frames = injection_plan.cut_frames([volcano_free_map()], settings())
    wanted = settings(rates=(0.010,), widths=(4e3,), count=4, false_frames=0.25)
    plan = injection_plan.draw_plan(frames, wanted, np.random.default_rng(0))
    quiet = np.array([0.0, 1.0, 2.0, 3.0])
    return injection.InjectionResult(
        plan,
        wanted,
        "digest",
        quiet={"sharp": quiet, "dull": quiet},
        scores={
            "sharp": np.array([2.5, 2.1, 9.0, 2.0]),
            "dull": np.array([2.5, -np.inf, 1.0, 1.0]),
        },
        distances={
            "sharp": np.array([0.0, 4999.0, 5001.0, 0.0]),
            "dull": np.array([0.0, np.nan, 0.0, 0.0]),
        },
        blocks=np.arange(4),
    )


def test_result_counts_found_and_located_sources() -> None:
    result = result_by_hand()
    assert result.threshold("sharp") == 2.0
    assert result.flagged("sharp") == 1
    assert result.rates == (0.010,)
    assert_array_equal(result.found("sharp"), [True, True, True, False])
    assert_array_equal(result.found("sharp", located=True), [True, True, False, False])
    assert result.share("sharp", 0.010).estimate == 0.75
    assert result.share("dull", 0.010, width=4e3, located=True).estimate == 0.25
    first, second, chance = result.winner(0.010)
    assert (first, second) == ("sharp", "dull")
    assert_allclose(chance, 0.5)  # two sources only `sharp` finds: 2 * 0.5 ** 2
    with pytest.raises(ValueError, match="no source of 20 mm/yr"):
        result.share("sharp", 0.020)


def test_sources_of_one_ground_are_no_independent_trials() -> None:
    result = result_by_hand()
    many = replace(
        result,
        plan=result.plan * 10,
        scores={name: np.tile(one, 10) for name, one in result.scores.items()},
        distances={name: np.tile(one, 10) for name, one in result.distances.items()},
        blocks=np.arange(40),
    )
    shared = replace(many, blocks=np.tile(np.arange(4), 10))
    assert many.share("sharp", 0.010).high < 0.9 < shared.share("sharp", 0.010).high
    assert many.winner(0.010)[2] < 1e-5
    assert_allclose(shared.winner(0.010)[2], 0.5)  # two blocks, all for `sharp`


def test_wide_sources_may_be_located_within_half_their_width() -> None:
    result = result_by_hand()
    wide = replace(result, plan=tuple(replace(one, width=12e3) for one in result.plan))
    assert_array_equal(wide.found("sharp", located=True), [True, True, True, False])


def test_result_as_table_and_for_machines() -> None:
    result = result_by_hand()
    table = result.as_markdown().splitlines()
    assert table[0] == "| method | false frames | 10 mm/yr |"
    assert table[2] == "| sharp | 1/4 | 75 % (19-100) |"
    assert table[3] == "| sharp, right place | 1/4 | 50 % (0-100) |"
    assert table[-1].startswith("- 10 mm/yr: sharp finds most, then dull (p = 0.5")
    machine = result.as_json()
    assert machine["methods"]["sharp"]["frames_flagged"] == 1
    overall, narrow = machine["methods"]["sharp"]["found"]
    assert (overall["width_km"], narrow["width_km"]) == (None, 4)
    assert overall["share"] == 0.75
    assert machine["winners"][0]["first"] == "sharp"
    assert machine["plan_sha256"] == "digest"


def test_baselines_find_what_is_strong_and_miss_what_drowns() -> None:
    """A real run: noise of 1 mm/yr, sources a hundred times that and a hundredth of it."""
    wanted = settings(rates=(1e-5, 0.1), widths=(10e3,), count=8)
    maps = [volcano_free_map(seed, shape=(64, 64)) for seed in range(3)]
    frames = injection_plan.cut_frames(maps, wanted)
    plan = injection_plan.draw_plan(frames, wanted, np.random.default_rng(5))
    methods = {name: injection.score_map_method(score) for name, score in BASELINES.items()}
    steps = []
    result = injection.run_injection(
        frames, plan, methods, wanted, progress=lambda *step: steps.append(step)
    )
    assert steps[-1] == (11, 11, "frames")
    for name in BASELINES:
        assert result.flagged(name) == 0  # of 3 frames none may be flagged at 5 %
        assert result.share(name, 0.1).estimate == 1
        # The noisiest frame sets the threshold: a nudge may lift it, but at its own place.
        assert result.share(name, 1e-5, located=True).estimate <= 1 / 4
    alone = injection.run_injection(frames, plan, methods, wanted, workers=1)
    for name in BASELINES:
        assert_array_equal(alone.scores[name], result.scores[name])
    located = [result.share(name, 0.1, located=True).estimate for name in BASELINES]
    assert min(located) >= 0.75


def test_frames_without_data_score_below_everything() -> None:
    frame = volcano_free_map()
    empty = frame.with_velocity(np.full(frame.grid.shape, np.nan))
    best = injection.score_map_method(next(iter(BASELINES.values())))(empty)
    assert best.score == -np.inf
    assert np.isnan(best.longitude)


def test_bad_settings_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="count 0"):
        settings(count=0)
    with pytest.raises(ValueError, match=r"rates .* not all positive"):
        settings(rates=(0.01, -0.02))
    with pytest.raises(ValueError, match="side -1 m"):
        settings(side=-1.0)
    with pytest.raises(ValueError, match="false_frames 5"):
        settings(false_frames=5.0)
    with pytest.raises(ValueError, match="0 frames, 0 injections, 0 methods"):
        injection.run_injection([], [], {}, settings())
