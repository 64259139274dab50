"""Analogue frames: the numbers of the protocol, truth that agrees with the maps, frozen content."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import Geod

import bradyseism
from bradyseism.maps.frames import patch_corners
from bradyseism.physics.atmosphere import NOISE_LEVELS
from bradyseism.physics.variogram import empirical_variogram
from bradyseism.samples.real import cut_backgrounds
from bradyseism.samples.synthetic import GEOMETRIES
from bradyseism.scenes.analogue import (
    FRAMES,
    SEED,
    YEARS,
    Factors,
    analogue_frame,
    analogue_rng,
    fingerprint,
    residual,
)
from bradyseism.scenes.analogue_background import (
    BACKGROUNDS,
    MOST_MISSING,
    MOST_SALT,
    analogue_background,
    background_grid,
)
from bradyseism.scenes.analogue_frozen import FINGERPRINTS, SHA256
from bradyseism.scenes.analogue_places import PLACES
from bradyseism.scenes.scenery import Scenery
from bradyseism.workflows.analogue import combined_hash

SOURCE = Path(bradyseism.__file__).parent
DEFORMING = [number for number, (place, _) in enumerate(FRAMES) if PLACES[place].deformation]


@pytest.fixture(scope="module")
def frames():
    """The frames with deformation and two quiet ones."""
    return {number: analogue_frame(number) for number in [*DEFORMING, 0, 7]}


@pytest.fixture(scope="module")
def backgrounds():
    """One background map with 14 patches, and one with 13."""
    return {number: analogue_background(number) for number in (2, BACKGROUNDS - 1)}


def test_31_frames_on_24_places_with_46_volcanoes_of_which_ten_deform() -> None:
    assert len(PLACES) == 24
    assert len(FRAMES) == 31
    assert sum(1 + place.neighbours for place in PLACES) == 46
    assert len(DEFORMING) == 10
    assert 31 * len(patch_corners((512, 512))) == 775


def test_a_factor_scales_its_part_alone(frames) -> None:
    """Of the number of each part nothing but its rates changes, and the source stays."""
    whole, *parts = (
        analogue_frame(DEFORMING[0], factors=factors)
        for factors in (Factors(), Factors(0, 1, 1), Factors(1, 0, 1), Factors(1, 1, 0))
    )
    frozen = frames[DEFORMING[0]]
    assert_array_equal(whole.map.velocity, frozen.map.velocity)
    lost = [whole.map.velocity - part.map.velocity for part in parts]
    assert all(np.nanstd(each) > 1e-4 for each in lost)
    assert_allclose(whole.deformation + sum(lost), whole.map.velocity, atol=1e-6)
    doubled = analogue_frame(DEFORMING[0], factors=Factors(ground=2.0))
    assert_allclose(doubled.map.velocity - whole.map.velocity, lost[0], atol=1e-6)
    assert doubled.rate == frozen.rate


def test_background_takes_the_same_factors(backgrounds) -> None:
    frozen = backgrounds[2].map.velocity
    none = analogue_background(2, factors=Factors(0.0, 0.0, 0.0)).map.velocity
    assert_array_equal(none[np.isfinite(frozen)], 0.0)
    airy, calm = (
        analogue_background(2, factors=Factors(ground=0.0, air=air, residual=0.0)).map.velocity
        for air in (3.0, 1.0)
    )
    assert np.nanstd(calm) > 1e-4
    assert_allclose(airy, 3.0 * calm, atol=1e-6)


def test_a_negative_factor_is_refused() -> None:
    with pytest.raises(ValueError, match="give 0 to leave a part out"):
        Factors(air=-1.0)


def test_a_place_seen_twice_is_seen_from_both_sides() -> None:
    for place in PLACES:
        directions = [GEOMETRIES[track].direction for track in place.tracks]
        assert len(set(directions)) == len(directions)


def test_every_line_of_sight_of_the_training_set_is_used() -> None:
    assert {track for _, track in FRAMES} == set(range(len(GEOMETRIES)))


def test_no_two_frames_of_different_places_overlap_nor_do_backgrounds() -> None:
    geod = Geod(ellps="WGS84")
    places = [(place.longitude, place.latitude) for place in PLACES]
    for i, one in enumerate(places):
        for other in places[:i]:
            azimuth, _, distance = geod.inv(*one, *other)
            # The longer component of the offset is over the width of a frame.
            offset = distance * np.abs([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
            assert offset.max() > 103e3
    south, north = min(lat for _, lat in places) - 1, max(lat for _, lat in places) + 1
    grids = [background_grid(number) for number in range(BACKGROUNDS)]
    for latitudes in (np.array(grid.footprint())[:, 1] for grid in grids):
        assert latitudes.min() > north or latitudes.max() < south
    for i, grid in enumerate(grids):
        corners = np.array(grid.footprint()[:-1])
        for other in grids[:i]:
            row, column = other.row_column(corners[:, 0], corners[:, 1])
            inside = (row > -0.5) & (row < 1023.5) & (column > -0.5) & (column < 1023.5)
            assert not inside.any()


def test_rates_are_the_published_range_of_both_signs(frames) -> None:
    rates = np.array([frames[number].rate for number in DEFORMING])
    assert (np.abs(rates) >= 0.004).all()
    assert (np.abs(rates) <= 0.018).all()
    assert {-1.0, 1.0} == set(np.sign(rates))
    for number in DEFORMING:
        place, track = PLACES[FRAMES[number][0]], FRAMES[number][1]
        if track == place.tracks[0]:
            assert frames[number].rate == pytest.approx(place.deformation.rate)


def test_wide_uplift_is_over_70_km_wide(frames) -> None:
    frame = frames[DEFORMING[0]]
    assert frame.place.deformation.like == "Uturuncu"
    row = frame.deformation[frame.peak[0]]
    assert 0.2 * (row > 0.1 * frame.rate).sum() > 70.0


def test_both_tracks_see_the_same_source(frames) -> None:
    first, second = (frames[number] for number in DEFORMING[:2])
    assert first.place == second.place
    assert_array_equal(first.ground.elevation, second.ground.elevation)
    source = first.place.deformation.source
    motion = source.displacement(*Scenery(first.ground.elevation, 200.0, first.track.look).axes())
    # One unknown strength explains both maps.
    strengths = [
        frame.deformation[256, 256] / np.tensordot(frame.track.look, motion[:, 256, 256], axes=1)
        for frame in (first, second)
    ]
    assert strengths[0] == pytest.approx(strengths[1])


def test_the_peak_is_where_the_deformation_is_largest_and_in_the_map(frames) -> None:
    for number in DEFORMING:
        frame = frames[number]
        assert abs(frame.rate) == np.abs(frame.deformation).max()
        row, column = frame.peak
        near = frame.map.velocity[row - 5 : row + 6, column - 5 : column + 6]
        assert np.sign(np.nanmean(near)) == np.sign(frame.rate)
        longitude, latitude = frame.map.grid.longitude_latitude(256, 256)
        assert abs(float(longitude) - frame.place.longitude) < 0.01
        assert abs(float(latitude) - frame.place.latitude) < 0.01


def test_positive_patches_hold_the_peak(frames) -> None:
    total = 0
    for number in DEFORMING:
        frame = frames[number]
        marked = frame.positive_patches()
        inside = [
            row <= frame.peak[0] < row + 256 and column <= frame.peak[1] < column + 256
            for row, column in patch_corners((512, 512))
        ]
        assert_array_equal(marked, inside)
        assert (frame.positive_patches("half") >= marked).all()
        total += int(marked.sum())
    assert total == 145
    assert not frames[0].positive_patches().any()
    assert frames[0].peak is None
    assert frames[0].rate == 0.0


def test_at_most_five_percent_is_missing(frames) -> None:
    shares = [1 - frame.map.valid.mean() for frame in frames.values()]
    assert max(shares) <= 0.05
    assert min(shares) > 0.0
    assert {frame.map.years for frame in frames.values()} == {YEARS}


def test_residual_has_the_published_amplitude() -> None:
    scenery = Scenery(np.zeros((128, 128)), 200.0, GEOMETRIES[3].look)
    peaks, sills = [], []
    for seed in range(40):
        peak, sill = (
            residual(scenery, GEOMETRIES[3], level, np.random.default_rng(seed))
            for level in ("peak", "sill")
        )
        peaks.append(np.abs(peak - peak.mean()).max() * YEARS)
        sills.append(np.square(sill).mean() * YEARS**2)
    level = NOISE_LEVELS["descending"].mean
    # Pixel noise adds some to the peak.
    assert level <= np.mean(peaks) < 2.0 * level
    assert np.sqrt(np.mean(sills)) == pytest.approx(level, rel=0.3)


def test_background_is_subtler_than_frames(frames, backgrounds) -> None:
    quiet = [frames[number].map.velocity for number in (0, 7)]
    made = [made.map.velocity for made in backgrounds.values()]
    tails = [
        np.mean([np.nanquantile(np.abs(v - np.nanmedian(v)), 0.99) for v in maps])
        for maps in (quiet, made)
    ]
    assert tails[1] < tails[0]


def test_background_maps_give_their_patches_and_no_other(backgrounds) -> None:
    for number, made in backgrounds.items():
        assert made.kept.sum() == (14 if number < 56 else 13)
        assert len(cut_backgrounds(made.map)) == made.kept.sum()
        for row, column in np.argwhere(made.kept):
            patch = (slice(256 * row, 256 * row + 256), slice(256 * column, 256 * column + 256))
            assert 1 - made.map.valid[patch].mean() < MOST_MISSING
            assert made.salt[patch][64:192, 64:192].mean() <= MOST_SALT
    assert sum(14 if number < 56 else 13 for number in range(BACKGROUNDS)) == 836


def test_seeds_meet_no_seed_of_training() -> None:
    """States of the generators differ, and no other module may use spawn keys."""
    ours = {
        tuple(analogue_rng(part, index, draw).bit_generator.state["state"].values())
        for part in range(4)
        for index in range(60)
        for draw in range(12)
    }
    assert len(ours) == 4 * 60 * 12
    sources = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")]
    seeds = {int(seed) for text in sources for seed in re.findall(r"seed: int = ([\d_]+)", text)}
    assert 20_220_601 in seeds
    seeds = {seed + offset for seed in seeds | {SEED} for offset in (0, 1, 2)}
    theirs = {
        tuple(np.random.default_rng([seed, index]).bit_generator.state["state"].values())
        for seed in seeds
        for index in range(400)
    }
    assert not ours & theirs
    users = [
        node
        for text in sources
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.keyword) and node.arg == "spawn_key"
    ]
    assert len(users) == 1


def test_a_frame_is_the_same_bits_in_another_process(frames) -> None:
    code = (
        "from bradyseism.scenes.analogue import analogue_frame; import hashlib;"
        "print(hashlib.sha256(analogue_frame(7).map.velocity.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    import hashlib

    here = hashlib.sha256(frames[7].map.velocity.tobytes()).hexdigest()
    assert other.stdout.strip() == here


def test_frozen_version_is_what_the_code_makes(frames, backgrounds) -> None:
    assert len(FINGERPRINTS) == len(FRAMES) + BACKGROUNDS
    assert combined_hash(FINGERPRINTS) == SHA256
    for number in (0, 7, DEFORMING[-1]):
        frame = frames[number]
        assert fingerprint(frame.map) == FINGERPRINTS[frame.map.name], (
            f"{frame.map.name} is another: bump VERSION and freeze again"
        )
    for made in backgrounds.values():
        assert fingerprint(made.map) == FINGERPRINTS[made.map.name]


def test_fingerprint_forgives_rounding_and_nothing_else(frames) -> None:
    frame = frames[0].map
    nudged = frame.with_velocity(frame.velocity * np.float32(1 + 3e-7))
    assert fingerprint(nudged) == fingerprint(frame)
    for other in (
        frame.with_velocity(frame.velocity + np.float32(1e-5)),
        frame.with_velocity(-frame.velocity),
        frame.with_velocity(frame.velocity[::-1].copy()),
        analogue_frame(0, "sill").map,
    ):
        assert fingerprint(other) != fingerprint(frame)


def test_noise_levels_differ_in_the_turbulence_alone() -> None:
    peak, sill = (analogue_frame(8, level).map for level in ("peak", "sill"))
    assert_array_equal(peak.valid, sill.valid)
    rough = [
        empirical_variogram(m.velocity.astype(float), 200.0, longest_lag=5e3).semivariance[-1]
        for m in (peak, sill)
    ]
    assert rough[1] > 1.3 * rough[0]
    assert_allclose(peak.look, sill.look)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analogue_frame(31), "frame 31 is outside 0 to 30"),
        (lambda: analogue_background(60), "background 60 is outside 0 to 59"),
        (lambda: analogue_frame(0, "loud"), "reading 'loud' of the noise is unknown"),
    ],
)
def test_errors_name_the_value(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_unknown_positive_rule_is_refused(frames) -> None:
    with pytest.raises(ValueError, match="positive rule 'any' is unknown"):
        frames[0].positive_patches("any")
