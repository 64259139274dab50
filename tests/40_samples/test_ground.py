"""Parts of the ground: equal, nested, apart from each other, and the same across the dateline."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bradyseism.samples.ground import EARTH_RADIUS, Ground


def points(west: float = 30.0, wide: float = 2.0, tall: float = 1.0):
    rng = np.random.default_rng(0)
    east = west + wide * rng.random(4000)
    return (east + 180.0) % 360.0 - 180.0, 40.0 + tall * rng.random(4000), np.ones(4000)


def test_parts_hold_the_same_area_and_nest() -> None:
    longitude, latitude, weight = points()
    ground = Ground.of(longitude, latitude, weight, rounds=4)
    blocks = ground.part(longitude, latitude, rounds=4)
    assert_array_equal(np.bincount(blocks), np.full(16, 250))
    assert_array_equal(ground.part(longitude, latitude, rounds=2), blocks // 4)


def test_weight_is_area() -> None:
    longitude, latitude, _ = points()
    weight = np.where(longitude < 30.5, 3.0, 1.0)
    ground = Ground.of(longitude, latitude, weight, rounds=1)
    half = ground.part(longitude, latitude, rounds=1)
    masses = [weight[half == k].sum() for k in (0, 1)]
    assert masses[0] == pytest.approx(masses[1], rel=0.01)


@pytest.mark.parametrize(("wide", "tall", "along"), [(2.0, 1.0, 0), (1.0, 1.5, 1)])
def test_the_longer_side_is_halved(wide: float, tall: float, along: int) -> None:
    places = points(wide=wide, tall=tall)
    ground = Ground.of(*places, rounds=1)
    half = ground.part(*places[:2], rounds=1)
    spans = [[np.ptp(axis[half == k]) for k in (0, 1)] for axis in places[:2]]
    assert max(spans[along]) < 0.55 * (wide, tall)[along]
    assert min(spans[1 - along]) > 0.95 * (wide, tall)[1 - along]


def test_the_dateline_does_not_matter() -> None:
    inland, across = points(30.0), points(179.0)
    parts = [Ground.of(*p, rounds=3).part(*p[:2], rounds=3) for p in (inland, across)]
    # Numbers may be swapped by the direction of an axis; who lies with whom is the same.
    pairs = np.unique(np.stack(parts), axis=1)
    assert pairs.shape[1] == 8


def test_the_margin_keeps_parts_apart() -> None:
    longitude, latitude, weight = points()
    ground = Ground.of(longitude, latitude, weight, rounds=1)
    part = ground.part(longitude, latitude, rounds=1, margin=5e3)
    east = np.radians(longitude) * EARTH_RADIUS * np.cos(np.radians(latitude))
    assert 0.03 < np.mean(part == -1) < 0.09
    north = np.radians(latitude) * EARTH_RADIUS
    one, other = (np.stack([east[part == k], north[part == k]], axis=1)[::5] for k in (0, 1))
    nearest = np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)).min()
    assert nearest > 9.9e3


def test_too_little_ground_is_refused() -> None:
    with pytest.raises(ValueError, match="7 pixels with data cannot be divided into 4 parts"):
        Ground.of(np.arange(7.0), np.arange(7.0), np.ones(7), rounds=2)
