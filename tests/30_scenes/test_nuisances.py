"""Each nuisance against its physics: signs, places, what it costs, and what it cannot do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.maps.readers.dem import Relief
from bradyseism.maps.velocity_map import Grid
from bradyseism.physics.flow import flow_lobe
from bradyseism.physics.line_of_sight import look_vector
from bradyseism.physics.relief import synthetic_relief
from bradyseism.physics.terrain import flat_ground, steepness
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.nuisances import NUISANCES, Effect
from bradyseism.scenes.nuisances.effect import FASTEST_COHERENT
from bradyseism.scenes.nuisances.faults import FaultStep
from bradyseism.scenes.nuisances.losses import LayoverShadow, Snow, Vegetation, Water
from bradyseism.scenes.nuisances.plains import AquiferSubsidence, MineSubsidence, SaltFlat
from bradyseism.scenes.nuisances.slopes import RockGlacier, SlopeCreep
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery
from bradyseism.scenes.synthesis import SceneSettings, random_scene

VERTICAL = np.array([0.0, 0.0, 1.0])
ASCENDING, DESCENDING = look_vector(-12.0, 38.0), look_vector(-168.0, 38.0)
NO_GAPS = Gaps(decorrelated=0, coast=0, edge=0, holes=0, coarse=0, quadtree=0)


def fixed(value: float) -> LogUniform:
    return LogUniform(value, value)


def rng(seed: int = 4) -> np.random.Generator:
    return np.random.default_rng(seed)


def scenery(look: np.ndarray = DESCENDING, plains: float = 0.4) -> Scenery:
    relief = synthetic_relief((64, 64), 200.0, rng(), height=1200.0, plains=plains)
    return Scenery(relief, 200.0, look)


def ramp(degrees: float, look: np.ndarray) -> Scenery:
    """A slope that rises to the east: it faces west."""
    return Scenery(100.0 * np.tan(np.radians(degrees)) * np.indices((48, 48))[1], 100.0, look)


FLAT = Scenery(np.zeros((64, 64)), 200.0, VERTICAL)


@pytest.mark.parametrize("name", sorted(NUISANCES))
@pytest.mark.parametrize(
    "ground",
    [scenery(), scenery(ASCENDING, plains=0.0), FLAT, Scenery(np.eye(4), 50.0, VERTICAL)],
    ids=["mountains", "no plains", "flat", "tiny"],
)
def test_effects_are_whole_and_repeat_with_the_seed(name: str, ground: Scenery) -> None:
    before = ground.elevation.copy()
    for seed in range(4):
        effect, again = (NUISANCES[name].effect(ground, rng(seed)) for _ in range(2))
        assert effect.velocity.shape == ground.shape
        assert effect.present[effect.lost].all()
        quiet = np.abs(effect.velocity[~effect.present])
        assert quiet.max(initial=0.0) <= 0.1 * np.abs(effect.velocity).max()
        assert_array_equal(effect.velocity, again.velocity)
        assert_array_equal(effect.lost, again.lost)
    assert_array_equal(ground.elevation, before)


@pytest.mark.parametrize(
    "name", ["local motion", "stratified residual", "ramp", "unwrapping jump", "patchy turbulence"]
)
def test_what_has_no_geometry_peaks_at_its_amplitude(name: str) -> None:
    nuisance = replace(NUISANCES[name], amplitude=fixed(0.03))
    for seed in range(5):
        velocity = nuisance.effect(scenery(), rng(seed)).velocity
        assert np.abs(velocity).max() == pytest.approx(0.03)


def test_a_slope_that_faces_west_creeps_toward_an_ascending_and_from_a_descending_satellite() -> (
    None
):
    creep = SlopeCreep(fixed(0.02), share=fixed(0.5))
    toward, away, sinking = (
        creep.effect(ramp(20.0, look), rng()) for look in (ASCENDING, DESCENDING, VERTICAL)
    )
    assert_array_equal(toward.present, away.present)
    assert (toward.velocity[toward.present] > 0).all()
    assert (away.velocity[away.present] < 0).all()
    # Down the slope at 20 mm/yr sinks by the sine of 20 degrees.
    assert sinking.velocity.min() == pytest.approx(-0.02 * np.sin(np.radians(20.0)))
    angle = np.radians(20.0)
    motion = 0.02 * np.array([-np.cos(angle), 0.0, -np.sin(angle)])
    assert toward.velocity.max() == pytest.approx(motion @ ASCENDING)
    assert away.velocity.min() == pytest.approx(motion @ DESCENDING)


def test_creep_stays_on_steep_ground_that_the_radar_sees() -> None:
    ground = scenery()
    creep = SlopeCreep(steepest=15.0, share=fixed(0.8)).effect(ground, rng())
    assert creep.present.any()
    assert (ground.steepness[creep.present] > 15.0).all()
    assert not (creep.present & ground.hidden).any()
    # 45 degrees toward the satellite is laid over at an incidence of 38.
    assert not SlopeCreep().effect(ramp(45.0, ASCENDING), rng()).present[:, 8:-8].any()


def test_a_lobe_runs_down_the_slope_and_is_as_long_and_wide_as_told() -> None:
    falling_east = -20.0 * np.indices((60, 90))[1].astype(float)
    lobe = flow_lobe(falling_east, 50.0, (30, 20), length=2000.0, width=600.0)
    rows, columns = np.nonzero(lobe)
    assert columns.min() >= 14
    assert columns.max() == pytest.approx(20 + 2000 / 50 + 300 / 50, abs=1)
    assert np.ptp(rows) == pytest.approx(600 / 50 - 2, abs=1)
    assert lobe[30, 50] == pytest.approx(1.0)
    # Sharp sides: over half of the speed at four fifths of the half width.
    assert lobe[30 + 5, 50] > 0.5
    assert_array_equal(lobe[1:30], lobe[31:][::-1])
    turned = flow_lobe(falling_east.T, 50.0, (20, 30), length=2000.0, width=600.0)
    assert_allclose(turned, lobe.T)


def test_lobes_need_a_slope_and_are_lost_where_the_radar_cannot_follow() -> None:
    assert pytest.approx(0.4221, abs=1e-4) == FASTEST_COHERENT
    assert not RockGlacier().effect(FLAT, rng()).present.any()
    ground = scenery()
    slow = RockGlacier(fixed(0.05), count=fixed(8)).effect(ground, rng())
    assert not slow.lost.any()
    assert 0 < np.abs(slow.velocity).max() <= 0.05
    quick = RockGlacier(fixed(2.0), count=fixed(8)).effect(ground, rng())
    assert_array_equal(quick.lost, np.abs(quick.velocity) > FASTEST_COHERENT)
    assert quick.lost.any()


@pytest.mark.parametrize("kind", [SaltFlat, AquiferSubsidence, MineSubsidence, Water])
def test_plains_are_needed(kind: type) -> None:
    slope = ramp(10.0, DESCENDING)
    assert not kind().effect(slope, rng()).present.any()


@pytest.mark.parametrize("kind", [SaltFlat, AquiferSubsidence, Water])
def test_what_lies_on_plains_stays_on_flat_ground(kind: type) -> None:
    ground = scenery()
    flat = flat_ground(ground.elevation, 200.0, steepest=1.5)
    for seed in range(6):
        effect = kind().effect(ground, rng(seed))
        assert effect.present.any()
        assert flat[effect.present].all()


def test_aquifers_sink_by_their_rate_along_the_vertical() -> None:
    aquifer = AquiferSubsidence(fixed(0.1), rebound=0.0)
    assert aquifer.effect(FLAT, rng()).velocity.min() == pytest.approx(-0.1)
    oblique = replace(FLAT, look=ASCENDING)
    assert aquifer.effect(oblique, rng()).velocity.min() == pytest.approx(-0.1 * ASCENDING[2])
    rising = replace(aquifer, rebound=1.0).effect(FLAT, rng()).velocity
    assert_array_equal(rising, -aquifer.effect(FLAT, rng()).velocity)


def test_an_aquifer_is_broad_and_a_mine_is_steep() -> None:
    aquifer = AquiferSubsidence(fixed(0.1), fixed(5e3), wells=fixed(1), rebound=0.0)
    mine = MineSubsidence(fixed(0.1), fixed(200.0), fixed(1500.0), panels=fixed(1))

    def relative_slope(effect: Effect) -> float:
        return float(steepness(effect.velocity, 200.0).max() / np.abs(effect.velocity).max())

    slopes = [[relative_slope(kind.effect(FLAT, rng(seed))) for seed in range(8)]
              for kind in (aquifer, mine)]  # fmt: skip
    assert max(slopes[0]) < min(slopes[1])


def test_a_mine_sinks_by_the_volume_of_its_panels_and_pulls_its_sides_in() -> None:
    mine = MineSubsidence(fixed(0.2), fixed(300.0), fixed(1600.0), panels=fixed(1))
    wide = Scenery(np.zeros((128, 128)), 100.0, VERTICAL)
    down = mine.effect(wide, rng(8)).velocity
    assert down.max() <= 0.0
    assert -0.2 <= down.min() < -0.02
    # Length times width (a quarter to all of the length) times 0.2 to 1 of the rate.
    volume = -down.sum() * 100.0**2
    assert 0.2 * 0.2 * 1600 * 400 * 0.9 < volume < 0.2 * 1600 * 1600 * 1.01
    east = mine.effect(replace(wide, look=np.array([1.0, 0.0, 0.0])), rng(8)).velocity
    row, column = np.unravel_index(down.argmin(), down.shape)
    assert east[row, :column].sum() > 0 > east[row, column + 1 :].sum()
    assert east.sum() == pytest.approx(0.0, abs=1e-3 * np.abs(east).sum())


def test_a_fast_mine_is_lost_in_its_middle() -> None:
    mine = MineSubsidence(fixed(2.0), fixed(100.0), fixed(2000.0), panels=fixed(3))
    effect = mine.effect(FLAT, rng())
    assert_array_equal(effect.lost, np.abs(effect.velocity) > FASTEST_COHERENT)
    assert 0 < effect.lost.mean() < effect.present.mean()


def test_salt_flats_are_vertical_and_wet_ones_are_lost() -> None:
    dry = SaltFlat(fixed(0.01), seasonal=0.0, wet=0.0)
    assert not dry.effect(FLAT, rng()).lost.any()
    assert dry.effect(FLAT, rng()).velocity.min() == pytest.approx(-0.01)
    assert dry.effect(FLAT, rng()).velocity.max() <= 0.0
    signs = [np.sign(replace(dry, seasonal=1.0).effect(FLAT, rng(seed)).velocity.sum())
             for seed in range(20)]  # fmt: skip
    assert {-1.0, 1.0} == set(signs)
    wet = replace(dry, wet=1.0).effect(FLAT, rng())
    assert wet.lost.any()
    assert (wet.velocity[wet.lost] == 0.0).all()


def test_faults_move_along_strike_and_only_the_look_says_how_much_is_seen() -> None:
    for seed in range(6):
        east, north, up = (
            FaultStep(fixed(0.02), fixed(3e3), creeping=0.0)
            .effect(replace(FLAT, look=look), rng(seed))
            .velocity
            for look in np.eye(3)
        )
        assert_array_equal(up, 0.0)
        along = np.hypot(east, north)
        assert 0.003 < along.max() < 0.01
        # The same across the scene: east = along sin(strike), north = along cos(strike).
        sine, cosine = (np.abs(part).max() / along.max() for part in (east, north))
        assert_allclose(np.abs(east), along * sine, atol=1e-12)
        # Nothing changes along the strike.
        strike = np.array([east.flat[0], north.flat[0]]) / along.flat[0]
        southward, eastward = np.gradient(east / strike[0])
        assert (
            np.abs(strike[0] * eastward - strike[1] * southward).max()
            < 0.02 * np.hypot(eastward, southward).max()
        )
        assert sine**2 + cosine**2 == pytest.approx(1.0)


def test_creeping_faults_are_steps_and_locked_ones_are_not() -> None:
    look = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0])

    def sharpest(creeping: float, seed: int) -> float:
        fault = FaultStep(fixed(0.02), fixed(15e3), creeping=creeping)
        velocity = fault.effect(replace(FLAT, look=look), rng(seed)).velocity
        return float(np.abs(np.diff(velocity)).max() / np.ptp(velocity))

    ratios = [sharpest(1.0, seed) / sharpest(0.0, seed) for seed in range(12)]
    assert np.median(ratios) > 3


def test_snow_lies_high_vegetation_low_and_shares_are_kept() -> None:
    ground = scenery(plains=0.0)
    high = np.median(ground.elevation)
    snow = Snow(fixed(0.2)).effect(ground, rng()).lost
    assert snow.mean() == pytest.approx(0.2, abs=0.01)
    assert (ground.elevation[snow] > high).mean() > 0.97
    heights = []
    for seed in range(10):
        green = Vegetation(fixed(0.3)).effect(ground, rng(seed)).lost
        assert green.mean() == pytest.approx(0.3, abs=0.01)
        heights.append(ground.elevation[green].mean())
    assert np.mean(heights) < ground.elevation.mean()


def test_layover_and_shadow_are_those_of_the_relief() -> None:
    ground = scenery()
    effect = LayoverShadow().effect(ground, rng())
    assert_array_equal(effect.lost, ground.hidden)
    assert ground.hidden.any()
    assert not effect.velocity.any()
    assert not LayoverShadow().effect(scenery(VERTICAL), rng()).present.any()


def test_a_scene_is_missing_where_a_nuisance_costs_data_and_says_which() -> None:
    kinds = (Water(), Vegetation(fixed(0.1)), replace(NUISANCES["ramp"]))
    settings = SceneSettings(nuisances=kinds, nuisance_rate=3.0, volcanic=0.0, gaps=NO_GAPS)
    seen: set[str] = set()
    for index in range(12):
        scene = random_scene(5, index, settings)
        truth = scene.truth
        lost = np.zeros(settings.shape, dtype=bool)
        for name in {"Water", "Vegetation"} & set(truth.nuisances):
            lost |= truth.nuisance_masks[name]
        assert_array_equal(~scene.map.valid, lost)
        union = np.zeros(settings.shape, dtype=bool)
        for mask in truth.nuisance_masks.values():
            assert mask.any()
            union |= mask
        assert_array_equal(truth.nuisance_mask, union)
        seen |= set(truth.nuisances)
    assert seen == {"Water", "Vegetation", "Ramp"}


def test_a_scene_lies_on_the_relief_that_is_given() -> None:
    grid = Grid.around(130.5, 32.5, (40, 56), pixel_size=150.0)
    heights = synthetic_relief(grid.shape, 150.0, rng()).astype(np.float32)
    ground = Relief(heights, np.zeros(grid.shape, bool), grid, ())
    scene = random_scene(3, 1, ground=ground)
    assert scene.map.grid is grid
    assert_array_equal(scene.scenery.elevation, heights)
    assert scene.scenery.pixel_size == pytest.approx(150.0, rel=1e-4)
    assert scene.truth.deformation.shape == grid.shape


def test_nuisances_leave_the_least_valid_share() -> None:
    settings = SceneSettings(nuisances=(Vegetation(fixed(0.5)),), nuisance_rate=6.0)
    for index in range(10):
        scene = random_scene(6, index, settings)
        assert scene.map.valid.mean() >= settings.gaps.least_valid - 0.02


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Scenery(np.zeros((0, 5)), 1.0, VERTICAL), r"shape \(0, 5\): a scenery is"),
        (lambda: Scenery(np.full((3, 3), np.nan), 1.0, VERTICAL), "9 pixels that are not finite"),
        (lambda: Scenery(np.zeros((3, 3)), np.nan, VERTICAL), "pixel size nan m is not positive"),
        (lambda: Scenery(np.zeros((3, 3)), 1.0, 1.1 * VERTICAL), "has length 1.1, not 1"),
        (lambda: Scenery(np.zeros((3, 3)), 1.0, np.zeros(2)), r"look vector \[0.0, 0.0\]"),
        (lambda: Scenery(np.zeros((3, 3)), 1.0, np.full(3, np.nan)), "has length nan"),
        (lambda: SaltFlat(wet=1.5), "wet 1.5 of SaltFlat is outside 0-1"),
        (lambda: FaultStep(creeping=np.nan), "creeping nan of FaultStep is outside 0-1"),
        (lambda: Snow(LogUniform(0.1, 2.0)), "high 2 of LogUniform is outside 0-1"),
        (lambda: SlopeCreep(steepest=-3.0), "steepest -3 deg of SlopeCreep is outside 0-90"),
        (lambda: RockGlacier(steepest=np.nan), "steepest nan deg of RockGlacier"),
        (lambda: AquiferSubsidence(LogUniform(np.nan, 1.0)), "break 0 < low <= high"),
        (lambda: Effect(np.zeros((2, 2)), *[np.zeros((2, 3), bool)] * 2), "differ: give three"),
        (lambda: Effect(np.full((1, 1), np.nan), *[np.zeros((1, 1), bool)] * 2), "not finite"),
        (
            lambda: flow_lobe(np.zeros((9, 9)), 1.0, (9, 0), length=1, width=1),
            r"start \(9, 0\) lies outside",
        ),
        (
            lambda: flow_lobe(np.zeros((9, 9)), 1.0, (0, 0), length=-4, width=1),
            "length -4 m of a lobe is not positive",
        ),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
