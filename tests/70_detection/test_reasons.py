"""What explains a place better than a source: each code on the map that deserves it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bradyseism.detection.nature import what_it_is
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import SENTINEL1_WAVELENGTH, look_vector, project
from bradyseism.physics.sources import Mogi
from bradyseism.physics.terrain import downslope_sensitivity, power_law_field, steepness

SIDE, PIXEL, YEARS = 160, 200.0, 5.0
GRID = Grid.around(30.0, 40.0, (SIDE, SIDE), pixel_size=PIXEL)
LOOK = look_vector(-168.0, 39.0)
EASTING, NORTHING = np.meshgrid(*GRID.eastings_northings())
DISTANCE = np.hypot(EASTING, NORTHING)
CENTRE = tuple(float(v) for v in GRID.longitude_latitude((SIDE - 1) / 2, (SIDE - 1) / 2))
RELIEF = 400.0 * power_law_field((SIDE, SIDE), 3.2, np.random.default_rng(2))


def heights(grid, where):
    """Relief (m) on any grid; the record of a map carries it as km."""
    there = VelocityMap((RELIEF / 1e3).astype(np.float32), GRID, 1.0).resampled(grid).velocity
    return 1e3 * np.where(np.isfinite(there), there, 0.0)


def level(grid):
    """A plain: flat everywhere."""
    return np.zeros(grid.shape)


def reasons_of(pattern, *, radius=2.5e3, elevation=None, seed=0):
    """Reasons for the middle of a map of a pattern (m/yr) in weak turbulence."""
    noise = turbulent_field(
        ExponentialModel(4e-4**2, 4e3, 2e-4**2), GRID.shape, PIXEL, np.random.default_rng(seed)
    )
    one = VelocityMap((pattern + noise).astype(np.float32), GRID, YEARS, LOOK.astype(np.float32))
    source, reasons = what_it_is(one, CENTRE, radius, elevation)
    assert source is not None
    return {reason.code: reason for reason in reasons}


def source(peak=8e-3, depth=3e3):
    los = project(Mogi(0.0, 0.0, depth, 1e6).displacement(EASTING, NORTHING), LOOK)
    return peak * los / los.max()


@pytest.mark.parametrize("peak", [8e-3, -8e-3])
def test_a_source_has_no_other_reason(peak):
    assert reasons_of(source(peak), elevation=heights) == {}


def test_a_fault_step():
    strike = math.radians(30.0)
    across = EASTING * math.cos(strike) - NORTHING * math.sin(strike)
    found = reasons_of(6e-3 / math.pi * np.arctan(across / 400.0))
    best = max(found.values(), key=lambda reason: reason.gain)
    assert best.code == "fault step"
    said = float(best.sentence.split("striking ")[1].split()[0])
    assert min(abs(said - 30.0), 180.0 - abs(said - 30.0)) < 8.0
    assert float(best.sentence.split("step of ")[1].split()[0]) == pytest.approx(6.0, rel=0.3)


def test_a_sinking_bowl_with_a_floor_and_a_rising_one():
    floor = 1.0 / (1.0 + np.exp((DISTANCE / 2.5e3 - 1.0) / 0.1))
    found = reasons_of(-8e-3 * floor)
    assert found["plain subsidence"].gain > 10.0
    assert "5" in found["plain subsidence"].sentence.split("about ")[1][:2]
    assert "plain subsidence" not in reasons_of(8e-3 * floor)


@pytest.mark.parametrize("fringes", [1.0, 0.7])
def test_a_block_unwrapped_to_the_wrong_cycle(fringes):
    jump = fringes * SENTINEL1_WAVELENGTH / 2 / YEARS
    inside = (np.abs(EASTING) < 2.6e3) & (np.abs(NORTHING) < 1.8e3)
    found = reasons_of(np.where(inside, jump, 0.0))
    assert found["unwrapping"].gain > 10.0
    assert ("fringes of Sentinel-1" in found["unwrapping"].sentence) is (fringes == 1.0)


def test_what_follows_the_relief():
    pattern = 8e-3 * RELIEF / np.abs(RELIEF).max()
    found = reasons_of(pattern, elevation=heights)
    assert max(found.values(), key=lambda reason: reason.gain).code == "relief-correlated"
    rate = 8.0 / np.abs(RELIEF).max() * 1e3
    said = float(found["relief-correlated"].sentence.split("elevation, ")[1].split()[0])
    assert said == pytest.approx(rate, rel=0.3)
    assert "relief-correlated" not in reasons_of(pattern)


def test_what_creeps_down_its_slopes_and_what_would_creep_up():
    downhill = downslope_sensitivity(RELIEF, PIXEL, LOOK) * steepness(RELIEF, PIXEL) / 35.0
    pattern = 2e-2 * downhill * (DISTANCE < 6e3)
    assert "slope" in reasons_of(pattern, elevation=heights)
    assert "slope" not in reasons_of(pattern)
    assert "slope" not in reasons_of(-pattern, elevation=heights)


def test_a_gap_beside_the_place_is_an_edge():
    cut = np.where(EASTING > 600.0, np.nan, source())
    found = reasons_of(cut)
    share = float(found["edge"].sentence.split()[0])
    # A chord 600 m from the centre of a circle of 3.75 km leaves 40 % beyond it.
    assert share == pytest.approx(40.0, abs=4.0)
    assert math.isnan(found["edge"].gain)
    assert "edge" not in reasons_of(source())


def test_a_bent_background_is_a_ramp():
    found = reasons_of(1.2e-2 * (EASTING / 16e3) ** 2 - 1.2e-2 * (NORTHING / 16e3) ** 2)
    assert "ramp" in found
