"""Several maps of one place: linked, weighed together, and decomposed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from scipy.special import logit

from bradyseism.detection.detect import Detection, DetectionResult, Window, evidence_around
from bradyseism.detection.places import (
    MISSED,
    combined_probability,
    find_places,
    ground_motion,
)
from bradyseism.detection.source_fit import look_around
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import Mogi

SIDE, PIXEL, PRIOR = 140, 200.0, 0.05
GRID = Grid.around(179.95, 40.0, (SIDE, SIDE), pixel_size=PIXEL)
POINTS = np.meshgrid(*GRID.eastings_northings())
DESCENDING, ASCENDING = look_vector(-168.0, 39.0), look_vector(-12.0, 39.0)
CHAMBER = Mogi(0.0, 0.0, 3e3, 4e5)


def place_at(easting, northing):
    half = (SIDE - 1) / 2
    return tuple(
        float(v) for v in GRID.longitude_latitude(half - northing / PIXEL, half + easting / PIXEL)
    )


def result(name, look, found=(), *, evidence=0.01, seed=0, push=(0.0, 0.0, 0.0)):
    """Map of the chamber, and of a pushed block if asked for; `found` are (east, north, p)."""
    moved = CHAMBER.displacement(*POINTS)
    bell = np.exp(-(POINTS[0] ** 2 + POINTS[1] ** 2) / (2 * 2e3**2))
    moved = moved * (not any(push)) + np.multiply.outer(push, bell)
    seen = (0.0, 0.0, 1.0) if look is None else look
    noise = turbulent_field(
        ExponentialModel(3e-4**2, 3e3, 1e-4**2), GRID.shape, PIXEL, np.random.default_rng(seed)
    )
    velocity = (project(moved, np.asarray(seen)) + noise).astype(np.float32)
    given = None if look is None else np.asarray(look, dtype=np.float32)
    one = VelocityMap(velocity, GRID, 5.0, given, name=name)
    detections = tuple(
        Detection(
            f"{name}-{rank}", *place_at(east, north), probability, 5e-3, 2.3e3, (),
            Window(200.0, 64, 0.0, 0.0, ()), np.zeros((8, 8)),
        )
        for rank, (east, north, probability) in enumerate(found, start=1)
    )  # fmt: skip
    windows = np.zeros(0, dtype=[("logit", "f8")])
    return DetectionResult(one, detections, np.full(GRID.shape, evidence, np.float32), windows, ())


def test_one_line_of_sight_alone_says_what_it_says():
    assert combined_probability([[0.7]], PRIOR) == pytest.approx(0.7)


def test_independent_odds_multiply_and_the_prior_counts_once():
    both = combined_probability([[0.6], [0.3]], PRIOR)
    assert logit(both) == pytest.approx(logit(0.6) + logit(0.3) - logit(PRIOR))
    assert both == pytest.approx(combined_probability([[0.3], [0.6]], PRIOR))
    # What is as probable as the prior says nothing.
    assert combined_probability([[0.6], [PRIOR]], PRIOR) == pytest.approx(0.6)


def test_silence_counts_against_but_not_without_bound():
    quiet, silent = (combined_probability([[0.9], [p]], PRIOR) for p in (0.01, 1e-9))
    assert silent < quiet < 0.9
    assert logit(silent) == pytest.approx(logit(0.9) + np.log(MISSED))


def test_maps_of_one_look_are_averaged():
    same = combined_probability([[0.9, 0.9]], PRIOR)
    assert same == pytest.approx(0.9)
    assert combined_probability([[0.9], [0.9]], PRIOR) > 0.99


def test_detections_of_two_tracks_are_one_place():
    places = find_places(
        [
            result("down", DESCENDING, [(300.0, 0.0, 0.7)], seed=1),
            result("up", ASCENDING, [(-300.0, 200.0, 0.8)], seed=2),
        ],
        PRIOR,
    )
    (place,) = places
    assert place.looks == 2
    assert {found.identifier for found in place.detections} == {"down-1", "up-1"}
    assert place.probability == pytest.approx(combined_probability([[0.7], [0.8]], PRIOR))
    row, column = GRID.row_column(place.longitude, place.latitude)
    assert (float(column) - (SIDE - 1) / 2) * PIXEL == pytest.approx(0.0, abs=20.0)
    assert ((SIDE - 1) / 2 - float(row)) * PIXEL == pytest.approx(100.0, abs=20.0)
    fit = place.source.mogi
    assert fit.depth.low <= 3e3 <= fit.depth.high
    assert fit.depth.value == pytest.approx(3e3, rel=0.15)


def test_far_detections_are_two_places_and_each_map_that_is_quiet_counts():
    places = find_places(
        [
            result("down", DESCENDING, [(0.0, 0.0, 0.7)], evidence=0.02),
            result("up", ASCENDING, [(9e3, 0.0, 0.8)], evidence=0.02),
        ],
        PRIOR,
    )
    assert len(places) == 2
    assert [len(place.detections) for place in places] == [1, 1]
    for place, alone in zip(places, (0.8, 0.7), strict=True):
        assert place.probability == pytest.approx(
            combined_probability([[alone], [0.02]], PRIOR), abs=1e-6
        )


def test_a_map_that_does_not_see_the_place_says_nothing():
    blind = result("up", ASCENDING, evidence=np.nan)
    assert find_places([result("down", DESCENDING, [(0, 0, 0.7)]), blind], PRIOR) == ()
    assert find_places([result("down", DESCENDING, [(0, 0, 0.7)])], PRIOR) == ()


@pytest.mark.parametrize(("down", "along"), [(-200, 0), (200, 0), (0, -200), (0, 200)])
def test_a_map_that_does_not_hold_the_place_does_not_see_it(down, along):
    grid = replace(GRID, transform=GRID.transform * Affine.translation(along, down))
    assert np.isnan(evidence_around(grid, np.full(grid.shape, 0.3, np.float32), 179.95, 40.0))


def test_evidence_within_three_kilometres_counts_in_every_direction():
    for row, column, seen in ((0, 14, True), (14, 0, True), (11, 11, False), (0, 16, False)):
        probability = np.zeros(GRID.shape, np.float32)
        probability[SIDE // 2 + row, SIDE // 2 + column] = 0.4
        found = evidence_around(GRID, probability, *place_at(0.5 * PIXEL, -0.5 * PIXEL))
        assert found == pytest.approx(0.4 if seen else 0.0)


def test_evidence_of_somebody_else_does_not_speak_for_the_place():
    loud = result("up", ASCENDING, evidence=0.99)
    (place,) = find_places([result("down", DESCENDING, [(0, 0, 0.7)]), loud], PRIOR)
    assert place.probability == pytest.approx(combined_probability([[0.7], [0.5]], PRIOR))


def test_maps_of_the_same_track_are_one_look_and_tell_no_east():
    maps = [result(name, DESCENDING, [(0, 0, 0.7)], seed=n) for n, name in enumerate("ab")]
    (place,) = find_places(maps, PRIOR)
    assert place.looks == 1
    assert place.probability == pytest.approx(0.7)
    assert place.motion is None
    assert place.source is None


def test_maps_that_share_their_noise_make_nothing_surer():
    pair = [
        result("down", DESCENDING, [(0, 0, 0.8)], seed=1),
        result("up", ASCENDING, [(0, 0, 0.7)], seed=2),
    ]
    again = [replace(one, map=replace(one.map, name=f"{one.map.name} again")) for one in pair]
    (once,), (twice,) = find_places(pair, PRIOR), find_places(pair + again, PRIOR)
    assert len(twice.sightings) == 4
    assert twice.probability == pytest.approx(once.probability)
    assert (twice.motion.east, twice.motion.up) == (once.motion.east, once.motion.up)
    assert twice.source.mogi.depth == once.source.mogi.depth


@pytest.mark.parametrize(("incidence", "looks"), [(30.0, 1), (28.0, 2)])
def test_looks_are_two_from_ten_degrees_on(incidence, looks):
    maps = [
        result("a", DESCENDING, [(0, 0, 0.7)]),
        result("b", look_vector(-168.0, incidence), [(0, 0, 0.8)], seed=3),
    ]
    (place,) = find_places(maps, PRIOR)
    assert place.looks == looks


def test_intervals_of_motion_hold_the_truth_and_tell_something():
    push, held = (3e-3, 0.0, 5e-3), []
    for seed in range(0, 24, 2):
        blocks = [
            look_around(result("one", look, seed=seed + n, push=push).map, place_at(0, 0), 2.35e3)
            for n, look in enumerate((DESCENDING, ASCENDING))
        ]
        motion = ground_motion(blocks, 2e3 * np.sqrt(2 * np.log(2)))
        held += [one.low <= truth <= one.high for one, truth in zip(
            (motion.east, motion.up), (push[0], push[2]), strict=True
        )]  # fmt: skip
        assert motion.up.high - motion.up.low < 1.5e-3
    assert np.mean(held) >= 0.8


def test_without_a_look_there_is_no_common_source():
    maps = [
        result("a", None, [(0, 0, 0.7)]),
        result("b", DESCENDING, [(0, 0, 0.7)], seed=3),
    ]
    (place,) = find_places(maps, PRIOR)
    assert place.source is None
    assert place.motion is None


@pytest.mark.parametrize("known", [[DESCENDING], [DESCENDING, ASCENDING], []])
def test_a_map_without_a_look_is_no_evidence_of_its_own(known):
    """It may be of the same track as another, whose noise would count twice."""
    chances = [0.8, 0.7][: len(known)]
    maps = [result(f"known{n}", look, [(0, 0, chances[n])], seed=n) for n, look in enumerate(known)]
    maps += [result(name, None, [(0, 0, 0.9)], seed=5) for name in ("a", "b")]
    (place,) = find_places(maps, PRIOR)
    assert place.looks == max(len(known), 1)
    expected = [[*chances[:1], 0.9, 0.9], *([one] for one in chances[1:])]
    assert place.probability == pytest.approx(combined_probability(expected, PRIOR))


@pytest.mark.parametrize("push", [(8e-3, 0.0, 0.0), (0.0, 0.0, -8e-3), (4e-3, 0.0, 6e-3)])
def test_two_tracks_tell_vertical_from_east(push):
    maps = [
        result("down", DESCENDING, [(0, 0, 0.7)], seed=1, push=push),
        result("up", ASCENDING, [(0, 0, 0.7)], seed=2, push=push),
    ]
    (place,) = find_places(maps, PRIOR)
    assert place.motion.east.value == pytest.approx(push[0], abs=1.2e-3)
    assert place.motion.up.value == pytest.approx(push[2], abs=1.2e-3)
    assert place.motion.up.low < place.motion.up.value < place.motion.up.high


def test_the_order_of_the_maps_does_not_matter():
    maps = [
        result("down", DESCENDING, [(0.0, 0.0, 0.7), (4e3, 0.0, 0.6)], seed=1),
        result("up", ASCENDING, [(3.5e3, 0.0, 0.9)], seed=2),
    ]
    names = [
        {frozenset(found.identifier for found in place.detections) for place in places}
        for places in (find_places(maps, PRIOR), find_places(maps[::-1], PRIOR))
    ]
    assert names[0] == names[1] == {frozenset({"up-1", "down-2"}), frozenset({"down-1"})}


def test_a_larger_radius_links_farther():
    near, far = result("down", DESCENDING, [(0, 0, 0.7)]), result("up", ASCENDING, [(7e3, 0, 0.8)])
    assert len(find_places([near, far], PRIOR)) == 2
    wide = replace(far.detections[0], radius=8e3)
    assert len(find_places([near, replace(far, detections=(wide,))], PRIOR)) == 1
