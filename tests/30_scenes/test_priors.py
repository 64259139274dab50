"""Priors of sources: what is printed holds, rates and lifetimes add up, every shape is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.config import read_settings
from bradyseism.physics.half_space import BuriedSource
from bradyseism.physics.line_of_sight import look_vector
from bradyseism.physics.sources import CDM, Mogi, PointCDM
from bradyseism.scenes.catalogue import CataloguePrior, volume
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.priors import (
    GEOMETRIES,
    BodyPrior,
    FootprintPrior,
    LogUniform,
    PaperLooks,
    PaperPrior,
    View,
)
from bradyseism.scenes.synthesis import SceneSettings, random_scene

VIEW = View(100e3, look_vector(-168.0, 39.0), 5.0, 1e-3)
NO_GAPS = Gaps(decorrelated=0, coast=0, edge=0, holes=0, coarse=0, quadtree=0)


def fixed(value: float) -> LogUniform:
    return LogUniform(value, value)


def draws(prior: CataloguePrior, count: int, seed: int = 1) -> list[BuriedSource]:
    rng = np.random.default_rng(seed)
    return [prior.draw(VIEW, rng) for _ in range(count)]


def test_the_catalogue_holds_every_shape_and_none_reaches_the_surface() -> None:
    sources = draws(CataloguePrior(), 400)
    shapes = {type(source) for source in sources}
    # A CDM is the far field of a point CDM already.
    assert shapes == set(BuriedSource.__subclasses__()) - {PointCDM}
    pipes = {source.opened for source in sources if hasattr(source, "opened")}
    assert pipes == {True, False}
    assert min(source.top for source in sources) > 0


def test_a_source_that_outlives_the_map_changes_its_volume_by_the_rate_drawn() -> None:
    prior = CataloguePrior(depth=fixed(4e3), volume_rate=fixed(1e6), lifetime=fixed(1e7))
    sources = draws(prior, 120)
    assert_allclose([abs(volume(source)) for source in sources], 1e6, rtol=1e-9)
    assert_allclose([source.depth for source in sources], 4e3)


def test_a_short_episode_counts_for_its_share_of_the_time_span() -> None:
    prior = CataloguePrior(
        depth=fixed(4e3), volume_rate=fixed(1e6), lifetime=fixed(1.0), slowest=1e-12,
        shapes=("mogi",), weights=(1.0,),
    )  # fmt: skip
    rates = np.array([abs(source.volume_change) for source in draws(prior, 3000)])
    # Uniform start over lifetime + span: the mean is 1 / (1 + 5), the most 1 / 5 of the rate.
    assert rates.mean() / 1e6 == pytest.approx(1 / 6, abs=4 * 0.05 / np.sqrt(3000))
    assert rates.max() == pytest.approx(2e5)


def test_depths_are_log_uniform_where_no_draw_is_repeated() -> None:
    prior = CataloguePrior(
        volume_rate=fixed(1e6), lifetime=fixed(1e7), slowest=1e-12, shapes=("mogi",), weights=(1.0,)
    )
    depths = np.log([source.depth for source in draws(prior, 2000)])
    low, high = np.log(1e3), np.log(25e3)
    assert depths.mean() == pytest.approx((low + high) / 2, abs=0.1)
    assert depths.std() == pytest.approx((high - low) / np.sqrt(12), rel=0.05)


def test_uplift_of_mogi_sources_stays_between_its_bounds() -> None:
    prior = CataloguePrior(shapes=("mogi",), weights=(1.0,), poisson=(0.25, 0.25))
    up = [abs(source.displacement(0.0, 0.0)[2]) for source in draws(prior, 300)]
    assert 2e-3 <= min(up) < 4e-3
    assert 0.2 < max(up) <= 1.0


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_share_of_inflating_sources(share: float) -> None:
    signs = [source.potency > 0 for source in draws(CataloguePrior(inflating=share), 400)]
    assert np.mean(signs) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 400))


def test_ends_of_the_catalogue_lift_the_ground_as_it_says() -> None:
    for depth, volume_rate, uplift, area in ((1e3, 2e4, 4.8e-3, 2e6), (25e3, 1e8, 38e-3, 1150e6)):
        distance = np.linspace(0.0, 1.5 * depth, 3001)
        up = Mogi(0.0, 0.0, depth, volume_rate).displacement(distance, 0 * distance)[2]
        assert up[0] == pytest.approx(uplift, rel=0.01)
        half = distance[up > up[0] / 2].max()
        assert np.pi * half**2 == pytest.approx(area, rel=0.1)


def test_catalogue_sources_keep_their_rate_in_a_scene() -> None:
    settings = SceneSettings(
        pixel_sizes=(1600.0,), volcanic=1.0, companion=0.0, gaps=NO_GAPS, nuisance_rate=0.0,
        sources=CataloguePrior(volume_rate=fixed(1e6), lifetime=fixed(1e7), slowest=1e-9),
    )  # fmt: skip
    for index in range(8):
        truth = random_scene(3, index, settings).truth
        assert abs(volume(truth.source)) == pytest.approx(1e6)


def test_paper_volcanoes_keep_the_printed_bounds_of_their_track_in_the_centre() -> None:
    settings = SceneSettings(
        pixel_sizes=(800.0,), volcanic=1.0, companion=0.0, gaps=NO_GAPS, margin=0.5,
        nuisance_rate=0.0, looks=PaperLooks(), sources=PaperPrior(),
    )  # fmt: skip
    peaks: dict[bool, list[float]] = {True: [], False: []}
    for index in range(120):
        scene = random_scene(3, index, settings)
        assert isinstance(scene.truth.source, CDM)
        assert (scene.truth.row, scene.truth.column) == (31.5, 31.5)
        assert any(np.allclose(scene.map.look, one.look) for one in GEOMETRIES)
        peaks[bool(scene.map.look[0] < 0)].append(5.0 * abs(scene.truth.peak))
    for ascending, least in ((True, 0.015), (False, 0.006)):
        assert least <= min(peaks[ascending]) < least + 0.02
        assert 0.08 < max(peaks[ascending]) <= 0.10
    # Two of the seven lines of sight are ascending.
    assert len(peaks[True]) / 120 == pytest.approx(2 / 7, abs=0.17)


def test_the_paper_prior_is_a_rate_over_the_span_of_the_map() -> None:
    rng = np.random.default_rng(0)
    prior = PaperPrior(least_descending=0.05, largest=0.05)
    assert abs(prior.peak(1.0, VIEW, rng)) == pytest.approx(0.01)
    assert abs(prior.peak(1.0, replace(VIEW, years=2.0), rng)) == pytest.approx(0.025)


def test_footprints_scale_with_the_scene() -> None:
    prior = FootprintPrior(BodyPrior(("mogi",), (1.0,)), width=fixed(0.2))
    for extent in (10e3, 100e3):
        source = prior.draw(replace(VIEW, extent=extent), np.random.default_rng(0))
        assert isinstance(source, Mogi)
        axis = np.linspace(-extent / 2, extent / 2, 1001)
        up = source.displacement(axis, np.zeros_like(axis))[2]
        assert np.ptp(axis[up > up.max() / 2]) == pytest.approx(0.2 * extent, rel=0.02)


def test_a_file_chooses_the_prior_and_changes_it(tmp_path) -> None:
    path = tmp_path / "scenes.toml"
    path.write_text(
        '[simulate.looks]\nkind = "paper"\n'
        '[simulate.sources]\nkind = "catalogue"\ninflating = 0.8\n'
        "[simulate.sources.depth]\nlow = 2000.0\n"
    )
    settings = read_settings(path, "simulate", SceneSettings())
    assert settings.looks == PaperLooks()
    assert settings.sources == CataloguePrior(depth=LogUniform(2e3, 25e3), inflating=0.8)
    path.write_text("[simulate.sources.width]\nlow = 0.2\n")
    kept = read_settings(path, "simulate", SceneSettings())
    assert kept.sources == FootprintPrior(width=LogUniform(0.2, 0.75))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[simulate.sources]\nkind = "broad"', "kind 'broad' of sources in .* known are footprint"),
        ('[simulate.sources]\nkind = "paper"\nwidht = 3', "did you mean 'width'"),
        ("[simulate]\nsources = 3", "sources in .* is 3, not a table"),
    ],
)
def test_a_file_with_a_wrong_prior_is_refused(text: str, message: str, tmp_path) -> None:
    path = tmp_path / "scenes.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_settings(path, "simulate", SceneSettings())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CataloguePrior(shapes=("cube",), weights=(1.0,)), "name shapes out of"),
        (lambda: BodyPrior(shapes=("sill",), weights=(-1.0,)), "one weight, not negative"),
        (lambda: CataloguePrior(slowest=2.0), "slowest 2 and fastest 1 m/yr break"),
        (lambda: CataloguePrior(inflating=1.2), r"inflating 1\.2 is outside 0-1"),
        (lambda: CataloguePrior(steepest_tilt=60.0), "steepest_tilt 60 deg is outside 0 to 45"),
        (lambda: CataloguePrior(relative_size=fixed(0.9)), r"reaches 0\.9, more than 0\.6"),
        (lambda: CataloguePrior(volume_rate=fixed(10.0)), "no source lifts the ground by 0.002"),
        (lambda: PaperLooks(()), "geometries are empty"),
        (lambda: PaperPrior(least_ascending=0.2), r"least_ascending 0\.2 m breaks"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
