"""One map as ordered: exact truth, streams of their own, what a map lends, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS

from bradyseism import (
    CDM,
    ExponentialModel,
    Grid,
    Mogi,
    VelocityMap,
    look_vector,
    offset,
    project,
    simulate,
)
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.nuisances import NUISANCES
from bradyseism.scenes.nuisances.effect import losing

LOOK = look_vector(-168.0, 39.0)
GRID = Grid.around(-67.18, -22.27, (60, 80), pixel_size=200.0)
CHAMBER = Mogi(1000.0, -600.0, 3e3, 1e6)
NOISE = ExponentialModel(sill=4e-6, length=2e3, nugget=1e-6)


def test_without_noise_the_map_is_the_projected_source() -> None:
    scene = simulate(CHAMBER, on=GRID, look=LOOK)
    axes = 200.0 * (np.arange(80) - 39.5), -200.0 * (np.arange(60) - 29.5)
    los = project(CHAMBER.displacement(*np.meshgrid(*axes)), LOOK)
    assert_allclose(scene.truth.deformation, los, rtol=1e-12)
    assert_array_equal(scene.map.velocity, los.astype(np.float32))
    assert scene.truth.peak == los.flat[np.abs(los).argmax()]
    assert (scene.truth.row, scene.truth.column) == (32.5, 44.5)
    assert scene.map.years == 5.0
    assert scene.truth.nuisances == ()


def test_a_sum_of_sources_peaks_where_it_moves_most() -> None:
    both = CHAMBER + CDM.sill(-4e3, 3e3, 2e3, length=2e3, width=2e3, opening=-3.0)
    truth = simulate(both, on=GRID, look=(0.0, 0.0, 1.0)).truth
    row, column = round(truth.row), round(truth.column)
    assert truth.deformation[row, column] == truth.peak < 0
    assert_allclose((row, column), (29.5 - 15, 39.5 - 20), atol=2)
    assert truth.source == both


def test_a_source_lies_at_its_longitude_and_latitude() -> None:
    place = (-67.15, -22.29)
    scene = simulate(Mogi(*offset(GRID, *place), 1e3, 1e5), on=GRID, look=(0, 0, 1))
    assert_allclose(GRID.longitude_latitude(scene.truth.row, scene.truth.column), place, atol=1e-9)
    row, column = np.unravel_index(np.argmax(scene.map.velocity), GRID.shape)
    assert_allclose((row, column), (scene.truth.row, scene.truth.column), atol=0.51)


def test_level_ground_is_a_deeper_source_and_relief_bends_the_field() -> None:
    flat = simulate(CHAMBER, on=GRID, look=LOOK, elevation=np.full(GRID.shape, 500.0))
    deeper = simulate(Mogi(1000.0, -600.0, 3.5e3, 1e6), on=GRID, look=LOOK)
    assert_allclose(flat.truth.deformation, deeper.truth.deformation, rtol=1e-12)
    hill = np.zeros(GRID.shape)
    hill[:, 40:] = 800.0
    bent = simulate(CHAMBER, on=GRID, look=LOOK, elevation=hill).truth.deformation
    plain = simulate(CHAMBER, on=GRID, look=LOOK).truth.deformation
    assert_allclose(bent[:, :40], plain[:, :40], rtol=1e-12)
    assert np.abs(bent[:, 44]).max() < np.abs(plain[:, 44]).max()


def test_noise_has_its_sill_and_nugget() -> None:
    wide = Grid.around(0.0, 0.0, (256, 256), pixel_size=200.0)
    fields = [
        simulate(on=wide, look=LOOK, noise=NOISE, seed=seed).map.velocity for seed in range(8)
    ]
    fields = np.array(fields, dtype=float)
    assert fields.var() == pytest.approx(5e-6, rel=0.1)
    neighbours = 0.5 * np.mean(np.diff(fields, axis=2) ** 2)
    expected = 1e-6 + 4e-6 * (1 - math.exp(-0.1))
    assert neighbours == pytest.approx(expected, rel=0.02)


def test_the_same_seed_is_the_same_bits_and_streams_are_independent() -> None:
    order = {
        "on": GRID,
        "look": LOOK,
        "gaps": Gaps(decorrelated=1.0, coast=0.0, holes=0.0, edge=0.0),
        "seed": 3,
    }
    one = simulate(CHAMBER, noise=NOISE, **order)
    assert_array_equal(one.map.velocity, simulate(CHAMBER, noise=NOISE, **order).map.velocity)
    silent = simulate(CHAMBER, **order)
    assert_array_equal(silent.map.valid, one.map.valid)
    assert 0.3 <= one.map.valid.mean() < 1.0
    assert_array_equal(one.truth.deformation, silent.truth.deformation)
    other = simulate(CHAMBER, noise=NOISE, **(order | {"seed": 4}))
    assert not np.array_equal(other.map.velocity, one.map.velocity, equal_nan=True)


def test_a_map_lends_its_pixels_look_span_and_gaps_but_not_its_velocity() -> None:
    velocity = np.full(GRID.shape, 0.5, dtype=np.float32)
    velocity[:, :10] = np.nan
    looks = np.moveaxis(np.stack([look_vector(-168.0, 30.0 + c / 10) for c in range(80)]), 0, 1)
    real = VelocityMap(
        velocity, GRID, years=2.5, look=np.repeat(looks[:, None], 60, axis=1).astype(np.float32)
    )
    scene = simulate(CHAMBER, on=real)
    assert scene.map.years == 2.5
    assert_array_equal(scene.map.valid, real.valid)
    assert np.nanmax(np.abs(scene.map.velocity)) < 0.05
    easting, northing = scene.scenery.axes()
    los = project(CHAMBER.displacement(easting, northing), real.look)
    assert_allclose(scene.truth.deformation, los, atol=1e-12)
    assert simulate(CHAMBER, on=real, years=4.0).map.years == 4.0


def test_every_nuisance_is_drawn_and_masked() -> None:
    chosen = [NUISANCES["ramp"], NUISANCES["salt flat"]]
    scene = simulate(CHAMBER, on=GRID, look=LOOK, nuisances=chosen, seed=2)
    assert scene.truth.nuisances == ("Ramp", "SaltFlat")
    left = scene.map.velocity - scene.truth.deformation
    assert np.abs(left).max() > 1e-4
    alone = simulate(on=GRID, look=LOOK, nuisances=chosen, seed=2)
    assert_allclose(left, alone.map.velocity, atol=1e-8)
    assert not alone.truth.volcanic
    assert math.isnan(alone.truth.row)
    assert not alone.truth.deformation.any()


class Hole:
    """A nuisance that costs the first rows their data."""

    def effect(self, scenery, rng):
        lost = np.zeros(scenery.shape, dtype=bool)
        lost[:7] = True
        return losing(lost)


class Nothing:
    """A nuisance that the ground cannot hold."""

    def effect(self, scenery, rng):
        return losing(np.zeros(scenery.shape, dtype=bool))


def test_lost_data_are_missing_and_what_is_absent_is_not_named() -> None:
    scene = simulate(CHAMBER, on=GRID, look=LOOK, nuisances=[Hole(), Nothing()])
    assert not scene.map.valid[:7].any()
    assert scene.map.valid[7:].all()
    assert scene.truth.nuisances == ("Hole",)
    assert_array_equal(scene.truth.nuisance_mask, ~scene.map.valid)
    assert np.isfinite(scene.truth.deformation).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"look": None}, r"look is missing: pass look=look_vector"),
        ({"look": (1.0, 1.0, 1.0)}, r"look vector .* has length 1\.73\d*, not 1"),
        ({"look": np.zeros((3, 2, 2))}, r"look has shape \(3, 2, 2\)"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"years": 0.0}, "time span 0 years is not positive"),
        ({"elevation": np.zeros((4, 4))}, r"elevation has shape \(4, 4\) and the grid \(60, 80\)"),
        ({"elevation": np.full((60, 80), np.nan)}, "elevation has 4800 pixels .* covers the map"),
        ({"elevation": np.full((60, 80), -4e3)}, "elevation -4000 m is not above the top"),
        ({"gaps": np.ones((60, 80))}, r"gaps of shape \(60, 80\) and type float64 are no mask"),
        ({"on": "geographic"}, r"in 'WGS 84.*' has pixels of .* on the ground: .*grid\.local\("),
        ({"on": "mercator"}, r"has pixels of 200 x 200, 15\d\.\d* m on the ground"),
    ],
)
def test_what_cannot_be_is_refused(change, message: str) -> None:
    grids = {
        "geographic": Grid((9, 9), Affine(1e-3, 0, 20.0, 0, -1e-3, 40.0), CRS.from_epsg(4326)),
        "mercator": Grid((9, 9), Affine(200, 0, 2e6, 0, -200, 4.8e6), CRS.from_epsg(3857)),
    }
    order = {"on": GRID, "look": LOOK} | change
    if isinstance(order["on"], str):
        order["on"] = grids[order["on"]]
    with pytest.raises(ValueError, match=message):
        simulate(CHAMBER, **order)
