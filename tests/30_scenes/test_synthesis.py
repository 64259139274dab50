"""Scenes: the same bits by index, truth that agrees with the map, gaps and nuisances."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.physics.line_of_sight import project
from bradyseism.scenes.demo import demo
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.priors import BodyPrior, FootprintPrior, LogUniform, LookPrior
from bradyseism.scenes.synthesis import SceneSettings, random_scene, robust_spread, twin_scenes

NO_GAPS = Gaps(decorrelated=0, coast=0, edge=0, holes=0, coarse=0, quadtree=0)


def test_a_scene_is_the_same_bits_in_any_order_and_process() -> None:
    later = [random_scene(7, index).map.velocity for index in (5, 2)]
    assert_array_equal(random_scene(7, 2).map.velocity, later[1])
    code = (
        "from bradyseism import random_scene;import hashlib;"
        "print(hashlib.sha256(random_scene(7, 5).map.velocity.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    import hashlib

    assert other.stdout.strip() == hashlib.sha256(later[0].tobytes()).hexdigest()


def test_seeds_and_indices_differ() -> None:
    one = random_scene(7, 5).map.velocity
    assert not np.array_equal(one, random_scene(7, 6).map.velocity, equal_nan=True)
    assert not np.array_equal(one, random_scene(8, 5).map.velocity, equal_nan=True)


def test_half_of_the_scenes_are_volcanic_and_both_signs_occur() -> None:
    truths = [random_scene(11, index).truth for index in range(300)]
    share = np.mean([truth.volcanic for truth in truths])
    # Sources that gaps hide are left out, so a little under a half; 300 draws scatter by 0.03.
    assert 0.35 < share < 0.56
    signs = [np.sign(truth.peak) for truth in truths if truth.volcanic]
    assert 0.3 < np.mean(np.array(signs) > 0) < 0.7


def test_the_map_is_background_plus_the_true_deformation() -> None:
    settings = SceneSettings(volcanic=1.0, gaps=NO_GAPS, companion=0.0)
    quiet = replace(settings, volcanic=0.0)
    scene, without = random_scene(3, 4, settings), random_scene(3, 4, quiet)
    assert scene.truth.volcanic
    valid = scene.map.valid
    assert_array_equal(valid, without.map.valid)
    difference = (scene.map.velocity - without.map.velocity)[valid]
    peak = abs(scene.truth.peak)
    assert_allclose(difference, scene.truth.deformation[valid], atol=1e-5 * peak + 1e-7)


def test_twins_share_all_but_the_source() -> None:
    settings = SceneSettings(gaps=NO_GAPS, companion=0.0)
    pairs = [twin_scenes(5, index, settings) for index in range(6)]
    assert sum(volcanic.truth.volcanic for _, volcanic in pairs) > 3
    for index, (quiet, volcanic) in enumerate(pairs):
        assert not quiet.truth.volcanic
        difference = volcanic.map.velocity - quiet.map.velocity
        scale = 1e-6 * (abs(volcanic.truth.peak) + np.nanmax(np.abs(quiet.map.velocity)))
        valid = quiet.map.valid
        assert_allclose(difference[valid], volcanic.truth.deformation[valid], atol=scale)
        single = random_scene(5, index, settings)
        same = volcanic if single.truth.volcanic else quiet
        assert_array_equal(single.map.velocity, same.map.velocity)


def test_twins_have_the_same_gaps_and_pixels() -> None:
    for index in range(6):
        settings = SceneSettings(gaps=Gaps(coarse=1.0, quadtree=0.0))
        quiet, volcanic = twin_scenes(6, index, settings)
        assert_array_equal(quiet.map.valid, volcanic.map.valid)


def test_the_source_lies_at_its_true_pixel_and_reproduces_the_deformation() -> None:
    settings = SceneSettings(volcanic=1.0, gaps=NO_GAPS, companion=0.0)
    scenes = [random_scene(21, index, settings) for index in range(20)]
    # A source that lost ground hides is left out.
    volcanic = [scene for scene in scenes if scene.truth.volcanic]
    assert len(volcanic) > 14
    for scene in volcanic:
        truth = scene.truth
        easting, northing = scene.scenery.axes()
        los = project(truth.source.displacement(easting, northing), scene.scenery.look)
        assert_allclose(truth.deformation, los, atol=1e-4 * abs(truth.peak))
        assert los.flat[np.abs(los).argmax()] == pytest.approx(truth.peak, rel=1e-4)
        row, column = round(truth.row), round(truth.column)
        assert truth.source.easting == pytest.approx(
            easting[row, column], abs=scene.scenery.pixel_size
        )
        assert truth.source.northing == pytest.approx(
            northing[row, column], abs=scene.scenery.pixel_size
        )


def test_a_companion_is_part_of_the_truth_and_weaker() -> None:
    settings = SceneSettings(volcanic=1.0, gaps=NO_GAPS, companion=1.0)
    scenes = [random_scene(21, index, settings) for index in range(8)]
    # A source that lost ground hides is left out.
    volcanic = [scene for scene in scenes if scene.truth.volcanic]
    assert len(volcanic) > 4
    for scene in volcanic:
        main, weaker = scene.truth.source.members
        points = scene.scenery.axes()
        seen = [project(one.displacement(*points), scene.scenery.look) for one in (main, weaker)]
        assert_allclose(scene.truth.deformation, sum(seen), atol=2e-4 * abs(scene.truth.peak))
        assert np.abs(seen[0]).max() == pytest.approx(abs(scene.truth.peak), rel=1e-4)
        assert 0.09 < np.abs(seen[1]).max() / np.abs(seen[0]).max() < 0.91


def test_signal_to_noise_is_peak_over_robust_spread() -> None:
    prior = FootprintPrior(signal_to_noise=LogUniform(20, 20))
    fixed = SceneSettings(volcanic=1.0, gaps=NO_GAPS, sources=prior, companion=0.0)
    scene, quiet = random_scene(3, 8, fixed), random_scene(3, 8, replace(fixed, volcanic=0.0))
    spread = robust_spread(quiet.map.velocity[quiet.map.valid].astype(float))
    assert abs(scene.truth.peak) == pytest.approx(20 * spread, rel=1e-4)


def test_gaps_keep_the_least_valid_share() -> None:
    rng = np.random.default_rng(8)
    shares = [Gaps().draw((64, 64), rng).mean() for _ in range(200)]
    assert min(shares) >= 0.3
    assert np.mean(np.array(shares) < 1) > 0.5


def test_coarse_pixels_keep_the_mean() -> None:
    rng = np.random.default_rng(8)
    velocity = rng.standard_normal((64, 64)).cumsum(0).cumsum(1)
    coarse = Gaps(coarse=1.0, quadtree=0.0).pixelate(velocity, rng)
    assert np.nanmean(coarse) == pytest.approx(velocity.mean(), rel=0.02)
    tree = Gaps(quadtree=1.0).pixelate(velocity, rng)
    assert np.nanmean(tree) == pytest.approx(velocity.mean(), rel=1e-9)
    assert len(np.unique(tree)) < velocity.size / 3


def test_looks_point_from_the_ground_to_a_right_looking_satellite() -> None:
    rng = np.random.default_rng(2)
    looks = np.array([LookPrior(vertical=0.0).draw(rng) for _ in range(200)])
    assert_allclose(np.linalg.norm(looks, axis=1), 1.0)
    assert (looks[:, 2] > 0.6).all()
    assert 0.35 < (looks[:, 0] < 0).mean() < 0.65


def test_source_prior_gives_sources_of_the_wanted_width() -> None:
    rng = np.random.default_rng(2)
    axis = np.linspace(-60e3, 60e3, 601)
    for _ in range(10):
        source = BodyPrior(shapes=("mogi",), weights=(1.0,)).draw(10e3, rng)
        uplift = source.displacement(axis, np.zeros_like(axis))[2]
        width = np.ptp(axis[uplift >= 0.5 * uplift.max()])
        assert width == pytest.approx(10e3, abs=400)


def test_the_demonstration_hides_two_volcanoes_of_opposite_sign() -> None:
    made = demo(1)
    assert sorted(np.sign(peak) for _, _, peak in made.deforming) == [-1, 1]
    for longitude, latitude, peak in made.deforming:
        row, column = (round(float(v)) for v in made.map.grid.row_column(longitude, latitude))
        near = made.map.velocity[row - 8 : row + 9, column - 8 : column + 9]
        around = np.nanmedian(made.map.velocity[row - 60 : row + 61, column - 60 : column + 61])
        assert np.sign(np.nanmedian(near) - around) == np.sign(peak)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_scene(-1, 0), "seed -1 and index 0"),
        (lambda: SceneSettings(shape=(2, 64)), r"shape \(2, 64\) is under 4 x 4"),
        (lambda: SceneSettings(volcanic=1.5), "volcanic 1.5 of SceneSettings is outside 0-1"),
        (lambda: SceneSettings(shape=(0, 0)), r"shape \(0, 0\) is under 4 x 4"),
        (lambda: SceneSettings(companion=np.nan), "companion nan of SceneSettings is outside 0-1"),
        (lambda: SceneSettings(margin=0.7), "margin 0.7 is outside 0-0.5"),
        (lambda: SceneSettings(nuisance_rate=np.nan), "nuisance_rate nan of 15 kinds"),
        (lambda: SceneSettings(nuisances=()), "nuisance_rate 1.8 of 0 kinds"),
        (lambda: SceneSettings(pixel_sizes=(100.0, np.nan)), "are not all positive"),
        (lambda: Gaps(coast=-0.1), "coast -0.1 of Gaps is outside 0-1"),
        (lambda: SceneSettings(years=0.0), "time span 0 years is not positive"),
        (lambda: SceneSettings(pixel_sizes=()), r"pixel sizes \(\) m are not all positive"),
        (lambda: LogUniform(2.0, 1.0), "2 to 1 break 0 < low <= high"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
