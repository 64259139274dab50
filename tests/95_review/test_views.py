"""What the pictures show: places, signs and units survive thinning, cutting and averaging."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS

from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.review.views import (
    FRINGE,
    SHORTEST_CYCLE,
    Crop,
    crop_around,
    radial_profile,
    thinned,
    wrapping_cycle,
)

GRID = Grid((120, 160), Affine(0.002, 0, -68.9, 0, -0.002, -21.8), CRS.from_epsg(4326))
CENTRE = tuple(float(v) for v in GRID.longitude_latitude(60, 90))
OFFSET = 3e-3  # m/yr of the whole map: another reference point


def _window(side: float) -> list[tuple[float, float]]:
    """Ring through the corners of a square in metres about the centre."""
    grid = Grid.around(*CENTRE, (2, 2), pixel_size=side / 2)
    longitude, latitude = grid.longitude_latitude([-0.5, 1.5, 1.5, -0.5], [-0.5, -0.5, 1.5, 1.5])
    return list(zip(longitude.tolist(), latitude.tolist(), strict=True))


def _crop(velocity_map: VelocityMap, evidence: np.ndarray, half_width: float = 6e3) -> Crop:
    probability = np.full(GRID.shape, 0.25, dtype=np.float32)
    probability[:60] = 0.75
    return crop_around(
        velocity_map,
        probability,
        CENTRE,
        half_width=half_width,
        evidence=evidence,
        window=_window(8e3),
    )


@pytest.fixture
def velocity_map() -> VelocityMap:
    """A bump 3 km north and 1 km west of the centre on ground at `OFFSET`."""
    around = Grid.around(*CENTRE, (1, 1), pixel_size=1.0)
    rows, columns = np.indices(GRID.shape)
    row, column = around.row_column(*GRID.longitude_latitude(rows, columns))
    squared = (column + 1e3) ** 2 + (row + 3e3) ** 2  # pixels of 1 m, row grows to the south
    velocity = OFFSET + 0.02 * np.exp(-squared / 1e3**2)
    look = np.broadcast_to(np.array([[[-0.6]], [[0.0]], [[0.8]]]), (3, *GRID.shape))
    return VelocityMap(velocity.astype(np.float32), GRID, 5.0, look=look)


def test_cut_keeps_place_and_sign_and_takes_the_surroundings_off(velocity_map: VelocityMap) -> None:
    crop = _crop(velocity_map, np.ones((4, 4)))
    row, column = np.unravel_index(np.nanargmax(crop.velocity), crop.velocity.shape)
    centre = (crop.grid.shape[0] - 1) / 2
    # Pixels of 214 m: the peak is found to one of them, the value to their width.
    assert_allclose((column - centre) * crop.pixel_size, -1e3, atol=crop.pixel_size)
    assert_allclose((centre - row) * crop.pixel_size, 3e3, atol=crop.pixel_size)
    assert_allclose(crop.surroundings, OFFSET, atol=2e-4)
    assert_allclose(np.nanmax(crop.velocity), 0.02, rtol=0.06)
    assert crop.probability[0, 0] > 0.7 > 0.3 > crop.probability[-1, 0]
    assert crop.look is not None
    assert_allclose(crop.look, [-0.6, 0.0, 0.8], atol=1e-6)


def test_cut_does_not_depend_on_the_reference_of_the_map(velocity_map: VelocityMap) -> None:
    shifted = velocity_map.with_velocity(velocity_map.velocity + np.float32(0.05))
    first, second = (_crop(m, np.ones((4, 4))) for m in (velocity_map, shifted))
    assert_allclose(first.velocity, second.velocity, atol=1e-7)  # float32 at 0.05 m/yr
    assert_allclose(second.surroundings - first.surroundings, 0.05, atol=1e-7)


def test_cut_pixels_are_no_finer_than_those_of_the_map(velocity_map: VelocityMap) -> None:
    small = _crop(velocity_map, np.ones((4, 4)), half_width=2e3)
    assert_allclose(small.pixel_size, GRID.pixel_size)
    assert small.grid.shape[0] % 2 == 1
    wide = _crop(velocity_map, np.ones((4, 4)), half_width=90e3)
    assert wide.grid.shape == (161, 161)
    assert_allclose(wide.half_width, 90e3, rtol=0.01)


def test_cut_beyond_the_border_of_the_map_is_missing(velocity_map: VelocityMap) -> None:
    crop = _crop(velocity_map, np.ones((4, 4)), half_width=40e3)
    assert np.isnan(crop.velocity[0]).all()
    assert np.isfinite(crop.velocity).any()


def test_evidence_lies_where_its_cells_lie(velocity_map: VelocityMap) -> None:
    evidence = np.zeros((8, 8))
    evidence[1, 6] = 2.0  # second row from the north, second column from the east
    crop = _crop(velocity_map, evidence)
    row, column = np.unravel_index(np.nanargmax(crop.evidence), crop.evidence.shape)
    centre = (crop.grid.shape[0] - 1) / 2
    # Cells of 1 km: the centre of this one is 2.5 km east and 2.5 km north.
    assert_allclose((column - centre) * crop.pixel_size, 2.5e3, atol=crop.pixel_size)
    assert_allclose((centre - row) * crop.pixel_size, 2.5e3, atol=crop.pixel_size)
    assert 0.8 < np.nanmax(crop.evidence) <= 1.0
    assert np.isnan(crop.evidence[0]).all()
    share = np.isfinite(crop.evidence).mean()
    assert_allclose(share, (8 / 12) ** 2, rtol=0.06)  # 8 km window in a cut of 12 km


def test_evidence_does_not_depend_on_the_order_of_the_ring(velocity_map: VelocityMap) -> None:
    evidence = np.arange(16.0).reshape(4, 4)
    probability = np.zeros(GRID.shape, dtype=np.float32)
    ring = _window(8e3)
    pictures = [
        crop_around(
            velocity_map, probability, CENTRE, half_width=6e3, evidence=evidence, window=turned
        ).evidence
        for turned in (ring, ring[::-1], [*ring[2:], *ring[:3]])
    ]
    assert_allclose(pictures[1], pictures[0], atol=1e-9)
    assert_allclose(pictures[2], pictures[0], atol=1e-9)


def test_no_evidence_at_all_stays_zero(velocity_map: VelocityMap) -> None:
    assert np.nanmax(_crop(velocity_map, np.zeros((4, 4))).evidence) == 0.0


def test_probability_of_another_grid_is_refused(velocity_map: VelocityMap) -> None:
    with pytest.raises(
        ValueError, match=r"probability has shape \(3, 3\) but the map \(120, 160\)"
    ):
        crop_around(
            velocity_map,
            np.zeros((3, 3)),
            CENTRE,
            half_width=5e3,
            evidence=np.ones((2, 2)),
            window=_window(4e3),
        )


def test_offsets_are_east_and_north(velocity_map: VelocityMap) -> None:
    crop = _crop(velocity_map, np.ones((4, 4)))
    ring = [CENTRE, (CENTRE[0], CENTRE[1] + 0.01), (CENTRE[0] + 0.01, CENTRE[1])]
    offsets = crop.offsets(ring)
    assert_allclose(offsets[0], 0.0, atol=1e-3)
    assert_allclose(offsets[1], [0.0, 1107.5], atol=1.0)  # a hundredth of a degree at 22 S
    assert_allclose(offsets[2], [1032.0, 0.0], atol=2.0)


def test_thinning_averages_blocks_without_missing_pixels() -> None:
    values = np.arange(24.0).reshape(4, 6)
    values[0, 0] = np.nan
    values[2:, 4:] = np.nan
    grid = Grid((4, 6), Affine(10.0, 0, 500.0, 0, -10.0, 900.0), CRS.from_epsg(32633))
    thin, coarse = thinned(values, grid, longest_side=3)
    assert_allclose(thin, [[14 / 3, 5.5, 7.5], [15.5, 17.5, np.nan]], rtol=1e-7)
    assert coarse.shape == (2, 3)
    assert coarse.transform == Affine(20.0, 0, 500.0, 0, -20.0, 900.0)


def test_thinning_keeps_a_small_map_and_pads_an_odd_one() -> None:
    values = np.ones((5, 7))
    grid = Grid((5, 7), Affine(1.0, 0, 0, 0, -1.0, 0), CRS.from_epsg(32633))
    same, own = thinned(values, grid, longest_side=7)
    assert_array_equal(same, values)
    assert own is grid
    thin, coarse = thinned(values, grid, longest_side=6)
    assert_array_equal(thin, np.ones((3, 4)))
    assert coarse.shape == (3, 4)


def test_profile_of_a_cone_is_a_line() -> None:
    axis = np.arange(101) - 50.0
    distance = np.hypot(axis[:, np.newaxis], axis) * 30.0
    profile = radial_profile(1.0 - distance / 1500.0, 30.0)
    # Rings of 2.5 pixels hold few and uneven distances near the centre.
    assert_allclose(profile.mean[2:], 1.0 - profile.distance[2:] / 1500.0, atol=0.012)
    assert (profile.low <= profile.mean).all()
    assert (profile.mean <= profile.high).all()
    assert profile.distance[-1] < 1515.0


def test_profile_leaves_missing_pixels_out() -> None:
    values = np.full((21, 21), 2.0)
    values[:, :10] = np.nan
    assert_allclose(radial_profile(values, 1.0).mean[5:], 2.0)
    assert np.isnan(radial_profile(np.full((21, 21), np.nan), 1.0).mean).all()


@pytest.mark.parametrize(
    ("signal", "share"), [(0.05, 1), (FRINGE, 1), (0.02, 2), (-0.02, 2), (0.008, 4), (0.002, 16)]
)
def test_cycle_is_the_longest_that_the_signal_fills(signal: float, share: int) -> None:
    assert_allclose(wrapping_cycle(signal), FRINGE / share)


def test_cycle_has_a_floor() -> None:
    assert wrapping_cycle(0.0) == SHORTEST_CYCLE
