"""The chance that noise alone makes a detection as strong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyproj
import pytest
from affine import Affine

from bradyseism.detection import false_alarm
from bradyseism.detection.false_alarm import TailTable, chance_by_draws, own_noise
from bradyseism.detection.runtime import Detector
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel

NOISE = ExponentialModel(2e-3**2, 3e3, 1e-3**2)


def quiet_map(seed: int = 0, pixels: int = 128, ramp: float = 0.0) -> VelocityMap:
    shape = (pixels, pixels)
    field = turbulent_field(NOISE, shape, 200.0, np.random.default_rng(seed))
    field = field + ramp * np.arange(pixels)
    grid = Grid(shape, Affine(200, 0, 5e5, 0, -200, 7.4e6), pyproj.CRS.from_epsg(32719))
    return VelocityMap(field.astype(np.float32), grid, years=5.0)


def table(**changes: np.ndarray) -> TailTable:
    # Maps whose log-odds are exponential variates: e-folding 1 for short, 2 for long noise.
    shares = np.array([0.1, 0.01, 0.001])
    rows = -np.log(shares) * np.array([1.0, 2.0])[:, None, None, None]
    log_odds = np.broadcast_to(rows, (2, 2, 2, 3))
    axes = np.array([1.0, 100.0]), np.array([0.0, 1.0]), np.array([0.5, 1.0])
    return TailTable(49, *axes, shares, log_odds)


def test_the_law_of_a_map_is_found_whatever_its_ramp() -> None:
    laws = [own_noise(quiet_map(3, 256, ramp)) for ramp in (0.0, 2e-4)]
    for law in laws:
        assert law.variance == pytest.approx(NOISE.variance, rel=0.5)
        assert law.nugget == pytest.approx(NOISE.nugget, rel=0.5)
    assert laws[1].length == pytest.approx(laws[0].length, rel=0.05)


def test_the_chance_is_that_of_ranks_and_no_less_than_the_draws_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = iter(range(100))
    monkeypatch.setattr(false_alarm, "strongest", lambda *_: float(next(drawn)))
    monkeypatch.setattr(false_alarm, "WINDOWS_A_PLACE", 30)
    chances = chance_by_draws(
        quiet_map(), Detector.load(), [8.5, 5.0, 100.0], windows=10
    )  # fmt: skip
    assert [one.draws for one in chances] == [9, 9, 9]
    assert [one.as_strong for one in chances] == [0, 4, 0]
    assert [one.probability for one in chances] == [0.1, 0.5, 0.1]


def test_fewer_windows_allow_more_draws_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(false_alarm, "strongest", lambda *_: -np.inf)
    for windows, draws in ((10_000_000, false_alarm.FEWEST), (1, false_alarm.MOST), (140, 10)):
        (chance,) = chance_by_draws(quiet_map(), Detector.load(), [1.0], windows=windows)
        assert chance.draws == draws


def test_what_noise_shows_everywhere_is_a_certain_false_alarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(false_alarm, "WINDOWS_A_PLACE", 40)
    weak, strong = chance_by_draws(quiet_map(), Detector.load(), [-np.inf, 50.0], windows=20)
    assert weak.probability == 1.0
    assert strong.probability == 1 / (strong.draws + 1)
    assert strong.noise == own_noise(quiet_map())


def test_without_detections_nothing_is_drawn() -> None:
    assert chance_by_draws(quiet_map(), Detector.load(), [], windows=20) == ()


def test_the_table_interpolates_and_goes_on_beyond_its_end() -> None:
    made = table()
    assert made.share(1.0, 0.0, 1.0, 3.0) == pytest.approx(np.exp(-3.0))
    assert made.share(1.0, 0.0, 1.0, 12.0) == pytest.approx(np.exp(-12.0))
    assert made.share(100.0, 0.5, 0.7, 12.0) == pytest.approx(np.exp(-6.0))
    # Half way in the logarithm of the length.
    assert made.share(10.0, 0.0, 1.0, 6.0) == pytest.approx(np.exp(-4.0))
    assert made.share(0.01, 0.0, 1.0, 3.0) == made.share(1.0, 0.0, 1.0, 3.0)
    assert made.share(1.0, 0.0, 1.0, -5.0) == 1.0


def test_the_chance_by_table_is_that_of_a_map_so_large_at_its_own_pixel_size() -> None:
    made, noise = table(), ExponentialModel(1.0, 200.0)
    one = made.chance(noise, (200.0, 200.0), 1.0, 49, 6.0)
    assert one == pytest.approx(np.exp(-6.0))
    many = made.chance(noise, (200.0, 200.0), 1.0, 4900, 6.0)
    assert many == pytest.approx(1 - (1 - np.exp(-6.0)) ** 100)
    assert made.chance(noise, (200.0, 200.0), 1.0, 49, 60.0) == false_alarm.LEAST_CLAIM
    # Means over two by two pixels leave a quarter of the nugget: half of the variance of this law.
    grainy = replace(made, log_odds=made.log_odds * np.array([1.0, 3.0])[:, None, None])
    rough = ExponentialModel(1.0, 200.0, 4.0)
    assert grainy.chance(rough, (100.0, 200.0), 1.0, 49, 6.0) == pytest.approx(np.exp(-6.0 / 2.0))
    # At pixels a hundred times finer the noise is as long as the table goes.
    assert made.chance(noise, (2.0, 2.0), 1.0, 49, 6.0) == pytest.approx(np.exp(-3.0))


def test_a_card_without_a_table_has_none() -> None:
    assert TailTable.from_card({}) is None
    # Tables of single windows, of cards before maps were weighed as a whole.
    assert TailTable.from_card({"false_alarm": {"windows": 2000, "log_odds": []}}) is None
