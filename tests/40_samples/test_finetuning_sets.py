"""Low-pass filter, the four fine-tuning sets, and test maps cut into labelled patches."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.finetuning import CONSTITUENTS, FINETUNING_SETS, Material, Part
from bradyseism.samples.hybrid import FT1
from bradyseism.samples.labelled import LabelledMap, MapPatches
from bradyseism.samples.low_pass import low_passed
from bradyseism.samples.real import Background
from bradyseism.samples.synthetic import PaperSet, Selection

ENCODING = WrappedPatch(size=16, pixel_size=3200.0)


def backgrounds(count):
    rng = np.random.default_rng(1)
    values = rng.normal(scale=2e-3, size=(count, 16, 16)).astype(np.float32)
    values[:, :2, :3] = np.nan
    return [Background(value, None, "map", 0.0, 0.0) for value in values]


def material(count, **settings):
    whole = PaperSet(sources=3 * count, encoding=ENCODING)
    return Material(backgrounds(count), whole.split()[0], **settings)


def test_median_of_a_square_that_is_four_kilometres_wide():
    values = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
    smooth = low_passed(values, 200.0)
    assert_allclose(smooth[20, 20], np.sort(values[10:30, 10:30].ravel())[200], rtol=1e-6)
    assert_array_equal(low_passed(values, 800.0), low_passed(values, 200.0, 1000.0))


def test_filter_keeps_what_is_missing_and_invents_nothing():
    values = np.full((30, 30), 3.0)
    values[:4, :7] = np.nan
    smooth = low_passed(values, 200.0)
    assert_array_equal(np.isnan(smooth), np.isnan(values))
    assert_array_equal(smooth[np.isfinite(smooth)], 3.0)
    empty = np.full((5, 5), np.nan)
    assert_array_equal(low_passed(empty, 200.0), empty)


def test_sets_have_the_numbers_of_the_paper():
    # Counts need no image: 836 backgrounds and the whole synthetic set.
    encoding = WrappedPatch(size=16, pixel_size=200.0)
    blank = Background(np.zeros((16, 16), dtype=np.float32), None, "map", 0.0, 0.0)
    training, _ = PaperSet(encoding=encoding).split()
    paper = Material([blank] * 836, training)
    counts = {}
    for name in FINETUNING_SETS:
        members = paper.members(name)
        size = [sum(len(m.positions) for m in members if m.label == label) for label in (1, 0)]
        counts[name] = (*size, sum(size))
    assert counts == {
        "FT1": (418, 418, 836),
        "FT2": (836, 836, 1672),
        "FT3": (836, 836, 1672),
        "FT4": (1672, 1672, 3344),
    }
    assert {name: len(paper.constituent(name)) for name in CONSTITUENTS} == {
        "background": 836, "filtered": 836, "hybrid": 418, "hybrid_filtered": 418,
        "volcano": 836, "noise": 836,
    }  # fmt: skip


def test_constituents_carry_their_label_and_hold_what_they_say():
    made = material(12)
    for name, label in CONSTITUENTS.items():
        samples = made.constituent(name)
        assert {samples[k]["label"] for k in range(len(samples))} == {label}
    rest = np.flatnonzero(made.hybrid.labels == 0)
    assert_array_equal(
        made.constituent("background")[int(rest[0])]["image"], made.hybrid[int(rest[0])]["image"]
    )
    for name in ("volcano", "noise"):
        drawn = made.constituent(name)
        tracks = {drawn.samples.geometry(int(k)).direction for k in drawn.indices}
        assert tracks == {"descending"}
        assert set(drawn.indices) <= set(made.synthetic.indices)
        assert len(set(drawn.indices)) == 12


def test_background_is_filtered_before_the_volcano_or_after():
    encoding = WrappedPatch(size=64, pixel_size=800.0)
    rng = np.random.default_rng(2)
    rough = rng.normal(scale=5e-3, size=(4, 64, 64)).astype(np.float32)
    plain = FT1([Background(v, None, "m", 0.0, 0.0) for v in rough], encoding=encoding)
    index = int(np.flatnonzero(plain.labels)[0])
    volcano = plain.displacement(index) - rough[index]
    before = replace(plain, low_pass="background")
    assert_allclose(
        before.displacement(index), low_passed(rough[index], 800.0) + volcano, atol=1e-7
    )
    after = replace(plain, low_pass="sum")
    assert_allclose(
        after.displacement(index), low_passed(plain.displacement(index), 800.0), atol=1e-7
    )
    quiet = int(np.flatnonzero(plain.labels == 0)[0])
    assert_array_equal(before.displacement(quiet), after.displacement(quiet))
    assert np.std(before.displacement(quiet)) < 0.6 * np.std(plain.displacement(quiet))


def test_filtered_setting_reaches_the_set():
    first, second = (material(6, filtered=filtered) for filtered in ("background", "sum"))
    filtered, plain = (
        [m.constituent(name)[0]["image"] for m in (first, second)]
        for name in ("hybrid_filtered", "hybrid")
    )
    assert not np.array_equal(*filtered)
    assert_array_equal(*plain)


def test_a_background_is_held_out_of_all_its_forms():
    made = material(20)
    held = {}
    numbers = np.flatnonzero(made.hybrid.labels)
    for members in made.members("FT2"):
        own = numbers[members.positions] if members.label else members.positions
        held[members.constituent] = set(own[members.held])
    assert held["hybrid"] == held["hybrid_filtered"]
    assert held["background"] == held["filtered"]
    assert (len(held["hybrid"]), len(held["background"])) == (2, 2)
    (whole,) = (m for m in made.members("FT3") if m.constituent == "background")
    assert set(whole.positions[whole.held]) == held["hybrid"] | held["background"]
    (noise,) = (m for m in made.members("FT4") if m.constituent == "noise")
    assert noise.held.sum() == 4


def test_seeds_choose_other_positives_and_other_simulations():
    first, second = material(20), material(20, seed=1)
    assert not np.array_equal(first.hybrid.labels, second.hybrid.labels)
    drawn = [set(m.constituent("noise").indices) for m in (first, second)]
    assert drawn[0] != drawn[1]


def test_bad_sets_are_refused():
    made = material(6)
    with pytest.raises(ValueError, match="'FT5' is not known: choose one of FT1"):
        made.members("FT5")
    with pytest.raises(ValueError, match=r"constituent 'salt' is not known"):
        Part("salt")
    few = PaperSet(sources=2, encoding=ENCODING).split(0.3)[0]
    with pytest.raises(ValueError, match="descending samples of label 0, but FT3 and FT4 need 30"):
        Material(backgrounds(30), few)
    with pytest.raises(ValueError, match="are a selection of list"):
        Material(backgrounds(4), Selection([], np.arange(3)))


def frame(peaks=(), uncertain=(), shape=(64, 64), counted=True):
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) * 1e-5
    points = (np.array(p, dtype=float).reshape(-1, 2) for p in (peaks, uncertain))
    return LabelledMap("a", "there", values, *points, counted, 0.01, 5.0, 0.0, 0.0)


def test_frame_of_the_paper_gives_25_patches():
    encoding = WrappedPatch(size=256)
    patches = MapPatches(frame(shape=(512, 512)), encoding)
    assert len(patches) == 25
    assert_array_equal(patches.corners[[0, 1, 5, 24]], [[0, 0], [0, 64], [64, 0], [256, 256]])


def test_patch_is_positive_where_it_contains_the_peak():
    encoding = WrappedPatch(size=32)
    patches = MapPatches(frame([(8, 40)]), encoding)
    rows, columns = patches.corners.T
    expected = (rows <= 8) & (columns <= 40) & (columns + 32 > 40)
    assert_array_equal(patches.labels, expected.astype(int))
    assert patches.labels.sum() == 2 * 3
    # A partial deformation, the peak in the first row of pixels, is positive under this rule only.
    middle = MapPatches(frame([(8, 40)]), encoding, "middle")
    assert_array_equal(middle.labels, (rows == 0) & (columns > 16) & (columns <= 32))
    edge = MapPatches(frame([(31, 31), (32, 32)]), WrappedPatch(size=32))
    assert edge.labels[0] == 1
    assert MapPatches(frame([(31.6, 0)]), encoding).labels[0] == 0


def test_what_is_not_known_is_not_counted():
    encoding = WrappedPatch(size=32)
    both = MapPatches(frame([(4, 4)], uncertain=[(4, 4), (60, 60)]), encoding)
    assert both.labels[0] == 1
    assert both.labels[-1] == -1
    assert set(MapPatches(frame([(4, 4)], counted=False), encoding).labels) == {-1}
    assert both[24]["label"] == 0


def test_small_map_is_padded():
    patches = MapPatches(frame([(5, 5)], shape=(20, 64)), WrappedPatch(size=32))
    assert len(patches) == 5
    assert_allclose(patches.missing, 12 / 32)
    assert patches[0]["image"].shape == (1, 32, 32)
    assert_array_equal(patches[0]["image"][0, 20:], 0)
    with pytest.raises(ValueError, match="positive_rule 'all' is unknown"):
        MapPatches(frame(), WrappedPatch(size=32), "all")
