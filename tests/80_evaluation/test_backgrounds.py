"""Sources under nuisances and in real maps: who finds them, and what the bound knows there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS
from scipy.stats import norm
from scipy.stats import t as student

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation import heavy_tail, yardstick_scorecard
from bradyseism.evaluation.backgrounds import Background, nuisance_backgrounds, real_backgrounds
from bradyseism.evaluation.baselines import BASELINES
from bradyseism.evaluation.clairvoyant import YardstickSettings
from bradyseism.evaluation.heavy_tail import heavy_tailed_bound
from bradyseism.evaluation.hidden_sources import MapWindows, hide, judge
from bradyseism.evaluation.injection import (
    Best,
    detector_method,
    evidence_method,
    score_map_method,
)
from bradyseism.evaluation.yardstick import BOUND, run_yardstick
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.writers.map_files import write_map
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector
from bradyseism.scenes.priors import BodyPrior

PIXEL = 1600.0
SMALL = YardstickSettings(
    lengths=(3e3,),
    deviations=(1e-3,),
    widths=(6e3,),
    ratios=(0.5, 2.0, 8.0, 32.0, 128.0),
    real_rates=(5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 16e-3, 32e-3, 64e-3),
    windows=20,
    sources=8,
    shapes=2,
    pixels=32,
    pixel_size=PIXEL,
    false_windows=0.05,
)


def heavy_map(seed: int, *, deviation=1e-3, shape=(32, 32), name=None) -> VelocityMap:
    """Turbulence, and pixel noise of t law with 2.5 degrees of freedom; a gap at the corner."""
    rng = np.random.default_rng(seed)
    crs = CRS.from_dict(
        {"proj": "aeqd", "lon_0": -70.0, "lat_0": -20.0 + seed % 50, "datum": "WGS84"}
    )
    velocity = turbulent_field(ExponentialModel(1.0, 4e3), shape, PIXEL, rng)
    velocity = deviation * (velocity + 0.7 * rng.standard_t(2.5, size=shape))
    velocity[:5, :5] = np.nan
    half = shape[0] * PIXEL / 2
    transform = Affine(PIXEL, 0, -half, 0, -PIXEL, half)
    look = look_vector(-168.0, 39.0).astype(np.float32)
    grid = Grid(shape, transform, crs)
    return VelocityMap(velocity.astype(np.float32), grid, 5.0, look, name or f"map{seed}")


def windows_of(maps, *, count=8, rates=SMALL.real_rates, width=6e3) -> MapWindows:
    plan = hide(maps, (width,), count, BodyPrior(), np.random.default_rng(1))
    return MapWindows(maps, maps, plan, np.array(rates))


@pytest.fixture(scope="module")
def maps():
    return [heavy_map(seed) for seed in range(8)]


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_every_host_takes_as_many_sources_of_either_sign(maps):
    plan = hide(maps[:4], (3e3, 6e3), 8, BodyPrior(), np.random.default_rng(0))
    for width, of_width in plan.items():
        each = sorted((one.frame, one.rate) for one in of_width)
        assert each == [(frame, sign) for frame in range(4) for sign in (-1.0, 1.0)]
        assert {one.width for one in of_width} == {width}


def test_loud_windows_hold_the_source_at_each_rate(maps):
    windows = windows_of(maps[:2])
    one = windows.plan[6e3][1]
    host = maps[one.frame]
    row, column = (int(np.rint(v)) for v in host.grid.row_column(one.longitude, one.latitude))
    added = [loud.velocity - host.velocity for loud in windows.loud(6e3, 1)]
    at = [signal[row, column] for signal in added]
    assert_allclose(at, -windows.rates, rtol=1e-3, atol=1e-8)
    assert_array_equal(np.isnan(added[0]), ~host.valid)


def test_a_threshold_finds_what_theory_says(pool):
    """The method sees the peak in unit normal noise: d90 lies 2.326 + 1.282 deviations up."""
    rng = np.random.default_rng(0)
    size = 2000

    class Numbers:
        """Windows of a single number."""

        empties = size
        sources = {5e3: size}  # noqa: RUF012  (read only)

        def empty(self, index):
            return noise[index]

        def loud(self, width, source):
            return (noise[size + source] + rate for rate in rates)

    rates = np.geomspace(1.0, 10.0, 30)
    noise = rng.standard_normal(2 * size)
    settings = replace(SMALL, false_windows=0.01, widths=(5e3,), sources=size, windows=size)
    ground = Background("numbers", rates, size, lambda _: Numbers(), lambda _: answer)
    answer = judge(Numbers(), lambda value: Best(float(value), 0.0, 0.0), 0.01, pool)
    assert answer.flagged == size // 100
    result = run_yardstick({}, settings, backgrounds=[ground])
    expected = norm.isf(0.01) + norm.isf(0.1)
    assert result.cell(BOUND, "numbers", 5e3).d90().estimate == pytest.approx(expected, rel=0.04)


def test_clairvoyant_beats_other_methods_where_tails_are_heavy(maps, pool):
    windows = windows_of(maps, rates=(2e-3,))
    bound = heavy_tailed_bound(windows, 0.125, pool)
    assert bound.flagged == 1  # of 8 windows at an eighth
    share = bound.found[6e3].mean()
    for name in BASELINES.keys() - {"Mogi filter bank"}:  # slow
        score = BASELINES[name]
        other = judge(windows, score_map_method(score), 0.125, pool)
        assert share > other.found[6e3].mean() + 0.1, name


def test_whitened_pixels_have_the_scale_of_their_law():
    rng = np.random.default_rng(4)
    pixels = np.concatenate([_white(heavy_map(seed), rng) for seed in range(40, 46)])
    within = np.abs(pixels) < student.ppf(0.95, heavy_tail.FREEDOM)
    assert np.mean(within) == pytest.approx(0.9, abs=0.015)


def _white(window, rng):
    """Whitened pixels of a window that holds nothing but pixel noise of the law."""
    noise = 2e-3 * rng.standard_t(heavy_tail.FREEDOM, size=window.velocity.shape)
    return heavy_tail._Whitener.of(window.with_velocity(noise.astype(np.float32))).noise


def test_heavy_tailed_statistic_is_worth_more_than_correlation():
    """White noise of the very law: the ratio of likelihoods is the best test there is."""
    rng = np.random.default_rng(0)
    noise = rng.standard_t(heavy_tail.FREEDOM, size=(2000, 100))
    signal = np.exp(-0.5 * np.linspace(-3, 3, 100) ** 2)
    rates = np.array([0.8])

    def power(statistic):
        """Share found where 2 % of noise is flagged."""
        quiet, loud = (np.array([statistic(row + s) for row in noise]) for s in (0, 0.8 * signal))
        return np.mean(loud > np.quantile(quiet, 0.98))

    heavy = power(lambda row: heavy_tail._evidence(row, signal, rates)[0])
    assert heavy > power(lambda row: row @ signal) + 0.1


def test_clairvoyant_flags_strange_windows_as_often_as_asked(maps, pool):
    """Hosts that set no threshold, and sources too weak to matter."""
    hosts = [heavy_map(seed) for seed in range(100, 108)]
    plan = hide(hosts, (6e3,), 32, BodyPrior(), np.random.default_rng(1))
    windows = MapWindows(maps, hosts, plan, np.array([1e-9, 0.1]))
    found = heavy_tailed_bound(windows, 0.25, pool).found[6e3]
    assert 1 <= found[:, 0].sum() <= 18  # 8 of 32 expected
    assert found[:, 1].all()


def test_clairvoyant_knows_neither_unit_nor_sign_nor_level(maps, pool):
    windows = windows_of(maps[:4])
    found = heavy_tailed_bound(windows, 0.25, pool).found[6e3]
    turned = [one.with_velocity(0.5 - 3 * one.velocity) for one in maps[:4]]
    plan = {6e3: tuple(replace(one, rate=-one.rate) for one in windows.plan[6e3])}
    other = MapWindows(turned, turned, plan, 3 * windows.rates)
    assert_array_equal(heavy_tailed_bound(other, 0.25, pool).found[6e3], found)


def test_real_maps_stand_by_their_noise():
    quiet = [heavy_map(seed, deviation=2e-4, name=f"calm{seed}") for seed in range(2)]
    noisy = heavy_map(5, deviation=4e-3, name="rough")
    grounds = list(real_backgrounds([noisy, *quiet], SMALL, 0))
    assert [ground.label.rsplit(",")[0] for ground in grounds] == [
        "quiet real maps", "noisy real maps",
    ]  # fmt: skip
    assert [ground.windows for ground in grounds] == [2, 1]
    calm = grounds[0].parts
    assert [label.split(",")[0] for label in calm] == ["calm0", "calm1"]
    members = np.array([part[6e3] for part in calm.values()])
    assert members.sum(axis=0).tolist() == [1] * 8
    assert not grounds[1].parts
    # A degree apart: each map is ground of its own.
    assert np.unique(grounds[0].places[6e3]).size == 2
    assert grounds[0].digest != grounds[1].digest


def test_overlapping_windows_are_one_place():
    whole = heavy_map(0, shape=(64, 64))
    (ground,) = real_backgrounds([whole], replace(SMALL, sources=36), 0)
    assert ground.windows == 9
    assert np.unique(ground.places[6e3]).size < 9


@pytest.fixture(scope="module")
def nuisances():
    methods = {"boxcar": score_map_method(BASELINES["boxcar"])}
    grounds = list(nuisance_backgrounds(SMALL, 0))
    return run_yardstick(methods, SMALL, backgrounds=grounds)


def test_nuisances_make_it_harder_and_leave_the_bound(nuisances):
    methods = {"boxcar": score_map_method(BASELINES["boxcar"])}
    plain = run_yardstick(methods, SMALL)
    noise = "1 mm/yr, 3 km"
    under = f"{noise}, nuisances"
    bounds = nuisances.cell(BOUND, under, 6e3), plain.cell(BOUND, noise, 6e3)
    assert_array_equal(bounds[0].found, bounds[1].found)
    assert nuisances.cell("boxcar", under, 6e3).found.sum() < (
        plain.cell("boxcar", noise, 6e3).found.sum()
    )


def test_scenes_are_quiet_and_sources_lie_where_there_is_data(pool):
    (ground,) = nuisance_backgrounds(SMALL, 0)
    windows = ground.open(pool)
    assert isinstance(windows, MapWindows)
    assert windows.empties == SMALL.windows
    assert {loud.grid.shape for loud in windows.loud(6e3, 0)} == {(32, 32)}
    names = {one.name for one in windows.maps}
    for one in windows.plan[6e3]:
        host = windows.hosts[one.frame]
        row, column = host.grid.row_column(one.longitude, one.latitude)
        assert host.valid[round(float(row)), round(float(column))]
        assert host.name.rsplit(":", 2)[0] not in names


def test_scorecard_goes_on_from_kept_answers_whoever_counts(tmp_path, monkeypatch):
    """Real maps with all methods; then again, with other threads and nobody asked."""
    (tmp_path / "maps").mkdir()
    for seed in range(2):
        write_map(tmp_path / "maps" / f"map{seed}.tif", heavy_map(seed, deviation=4e-4))
    settings = replace(SMALL, sources=2, real_rates=(1e-3, 1.0))
    detector = Detector.load()
    wanted = {
        "grounds": [str(tmp_path / "maps")], "settings": settings, "folder": tmp_path / "kept",
    }  # fmt: skip
    result = yardstick_scorecard.yardstick_scorecard(
        detector, beside={"other": detector}, workers=1, **wanted
    )
    assert len({one.method for one in result.cells}) == 7
    # The two detectors are one file: it is judged once.
    assert len(list((tmp_path / "kept").iterdir())) == 6
    monkeypatch.setattr("bradyseism.evaluation.yardstick.judge", None)
    again = yardstick_scorecard.yardstick_scorecard(
        detector, beside={"other": detector}, workers=2, **wanted
    )
    assert again.as_json() == result.as_json()
    # At another prior other places are looked at again.
    with pytest.raises(TypeError, match="not callable"):
        yardstick_scorecard.yardstick_scorecard(Detector.load(prior=0.1), **wanted)
    with pytest.raises(ValueError, match="called 'boxcar', which is taken"):
        yardstick_scorecard.yardstick_scorecard(detector, beside={"boxcar": detector})


def test_evidence_is_what_detection_says():
    detector = Detector.load()
    host = heavy_map(3)
    one = windows_of([host], rates=(1e-4, 0.05), width=12e3)
    for frame in (host, *one.loud(12e3, 0)):
        quick, whole = evidence_method(detector)(frame), detector_method(detector)(frame)
        probability = 1 / (1 + np.exp(-quick.score))
        # The map of evidence spreads a window over its cells: pixels between have less.
        assert probability == pytest.approx(whole.score, abs=0.02 if probability > 0.5 else 0.05)
        if probability > 0.5:
            assert quick.longitude == pytest.approx(whole.longitude, abs=0.02)
            assert quick.latitude == pytest.approx(whole.latitude, abs=0.02)
    empty = host.with_velocity(np.full(host.grid.shape, np.nan, dtype=np.float32))
    assert evidence_method(detector)(empty).score == -np.inf


def test_counts_stand_in_the_table(maps, pool):
    settings = replace(SMALL, real_rates=(5e-3, 10e-3, 20e-3, 50e-3))
    windows = windows_of(maps[:4], rates=settings.real_rates)
    ground = Background(
        "real", windows.rates, 4, lambda _: windows, lambda p: heavy_tailed_bound(windows, 0.2, p)
    )
    result = run_yardstick({}, settings, backgrounds=[ground])
    last = result.as_markdown().splitlines()[-1]
    assert last.startswith("| real | bound | 6 km | ")
    assert last.count("/8 (") == 4
    with pytest.raises(ValueError, match="a method is called 'bound'"):
        run_yardstick({BOUND: lambda _: Best(0.0, 0.0, 0.0)}, settings, backgrounds=[ground])
