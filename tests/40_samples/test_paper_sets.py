"""The paper's synthetic set, backgrounds of real maps, and FT1."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS

from bradyseism.maps.readers import ReadOptions
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.line_of_sight import SENTINEL1_WAVELENGTH
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.hybrid import FT1
from bradyseism.samples.real import Background, Region, cut_backgrounds, read_backgrounds
from bradyseism.samples.synthetic import PaperSet, beside_samples
from bradyseism.scenes.priors import GEOMETRIES, PaperPrior

SMALL = WrappedPatch(size=32, pixel_size=1600.0)
# The same patch of 51.2 km, seen with fewer pixels.
SET = PaperSet(seed=4, sources=20, encoding=SMALL)


def positives(samples):
    return [index for index in range(len(samples)) if samples.label(index)]


def velocity_map(shape, look=None, missing=None, pixel_size=200.0):
    rng = np.random.default_rng(0)
    velocity = rng.normal(scale=1e-3, size=shape).astype(np.float32)
    if missing is not None:
        velocity[missing] = np.nan
    grid = Grid.around(-68.0, -24.0, shape, pixel_size=pixel_size)
    return VelocityMap(velocity, grid, 5.0, look=look)


def backgrounds(count, look=None):
    rng = np.random.default_rng(1)
    values = rng.normal(scale=2e-3, size=(count, 32, 32)).astype(np.float32)
    values[:, :4, :5] = np.nan
    return [Background(value, look, "map", 0.0, 0.0) for value in values]


def test_set_has_the_numbers_of_the_paper():
    samples = PaperSet()
    training, validation = samples.split()
    assert len(samples) == 330_834
    assert (len(training), len(validation)) == (297_752, 33_082)
    both = np.concatenate([training.indices, validation.indices])
    assert_array_equal(np.sort(both), np.arange(len(samples)))
    # The same share of every line of sight, and both classes mixed.
    share = np.bincount(validation.indices // 47_262)
    assert_array_equal(share, np.full(7, 4_726))
    labels = [samples.label(int(index)) for index in validation.indices]
    assert abs(np.mean(labels) - 0.5) < 0.015  # 5 standard deviations
    assert_array_equal(samples.split()[1].indices, validation.indices)
    assert not np.array_equal(PaperSet(seed=1).split()[1].indices, validation.indices)


def test_classes_are_equal_for_each_of_seven_looks():
    labels = np.array([SET.label(index) for index in range(len(SET))]).reshape(7, -1)
    assert_array_equal(labels.sum(axis=1), np.full(7, 20))
    tracks = [SET.geometry(index).direction for index in range(0, len(SET), 40)]
    assert tracks == 2 * ["ascending"] + 5 * ["descending"]


def test_looks_point_up_and_to_the_side_of_the_track():
    for geometry in GEOMETRIES:
        east, _, up = geometry.look
        assert up > 0.7
        assert (east < 0) == (geometry.direction == "ascending")


def test_sample_is_the_same_bits_in_any_order_and_process():
    sample = SET[41]["image"]
    for index in (3, 0, 41):
        again = SET[index]["image"]
    assert_array_equal(again, sample)
    program = (
        "import sys\n"
        "from bradyseism.samples.encoding import WrappedPatch\n"
        "from bradyseism.samples.synthetic import PaperSet\n"
        "samples = PaperSet(seed=4, sources=20, encoding=WrappedPatch(32, 1600.0))\n"
        "sys.stdout.buffer.write(samples[41]['image'].tobytes() + samples[3]['image'].tobytes())\n"
        "assert 'torch' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert run.stdout == sample.tobytes() + SET[3]["image"].tobytes()


def test_samples_and_seeds_differ():
    images = [SET[index]["image"] for index in (0, 1, 20, 21, 40)]
    images.append(replace(SET, seed=5)[0]["image"])
    assert len({image.tobytes() for image in images}) == len(images)


def test_peak_lies_between_the_floor_of_its_track_and_ten_centimetres():
    quiet = PaperPrior()
    rng = np.random.default_rng(0)
    for geometry in (GEOMETRIES[0], GEOMETRIES[-1]):
        peaks = [
            field.flat[np.argmax(np.abs(field))]
            for field in (quiet.displacement(geometry.look, SMALL, rng) for _ in range(60))
        ]
        least = 0.015 if geometry.direction == "ascending" else 0.006
        assert np.abs(peaks).min() >= least
        assert np.abs(peaks).max() <= 0.10
        assert np.abs(peaks).min() < least + 0.01
        assert np.abs(peaks).max() > 0.09
        assert 15 < (np.array(peaks) > 0).sum() < 45  # both signs alike


def test_peak_of_a_sample_is_that_of_its_deformation_alone():
    """Twice the peak and the same noise: what differs is the deformation itself."""
    once, twice = (
        replace(SET, volcanoes=PaperPrior(least_ascending=m, least_descending=m, largest=m))
        for m in (0.03, 0.06)
    )
    peaks = np.array([once.peak(index) for index in positives(SET)[:12]])
    assert_allclose(np.abs(peaks), 0.03, rtol=1e-9)
    assert 0 < (peaks > 0).sum() < 12
    for index, peak in zip(positives(SET)[:12], peaks, strict=True):
        deformation = twice.displacement(index) - once.displacement(index)
        assert_allclose(deformation.flat[np.argmax(np.abs(deformation))], peak, rtol=1e-9)
    assert SET.peak(SET.sources) == 0.0  # noise alone


def test_deformation_lies_in_the_middle():
    rng = np.random.default_rng(0)
    upward = np.array([0.0, 0.0, 1.0])
    fields = [SET.volcanoes.displacement(upward, SMALL, rng) for _ in range(30)]
    mass = sum(np.abs(field) / np.abs(field).max() for field in fields)
    rows, columns = np.mgrid[:32, :32]
    assert_allclose(np.average(rows, weights=mass), 15.5, atol=0.7)
    assert_allclose(np.average(columns, weights=mass), 15.5, atol=0.7)
    assert mass[:2].max() < 0.25 * mass.max()


def test_oblique_look_moves_the_peak_toward_the_satellite():
    # A point source pushes outward: ground on the side of the satellite moves toward it.
    prior = PaperPrior()
    columns = np.arange(32)
    centres = []
    for look in (GEOMETRIES[1].look, GEOMETRIES[-1].look):
        rng = np.random.default_rng(7)
        mass = np.zeros(32)
        for _ in range(30):
            field = prior.displacement(look, SMALL, rng)
            field = field * np.sign(field.flat[np.argmax(np.abs(field))])
            mass += np.clip(field, 0, None).sum(axis=0) / field.max()
        centres.append(np.average(columns, weights=mass))
    ascending, descending = centres
    assert ascending < descending  # west, east


@pytest.mark.parametrize(("first", "mean"), [(20, 8.299e-3), (2 * 40 + 20, 4.6025e-3)])
def test_noise_has_the_published_peak(first, mean):
    # Indices of noise-only samples of one ascending and one descending look.
    peaks = [np.abs(SET.displacement(index)).max() for index in range(first, first + 20)]
    deviation = 1.9365e-3 if first == 20 else 0.1719e-3
    assert_allclose(np.mean(peaks), mean, atol=4 * deviation / np.sqrt(20))


def test_noise_read_as_sill_is_larger():
    sill = replace(SET, noise_level="sill")
    ours = np.mean([np.abs(SET.displacement(index)).max() for index in range(20, 40)])
    theirs = np.mean([np.abs(sill.displacement(index)).max() for index in range(20, 40)])
    assert theirs > 1.5 * ours


def test_image_is_the_wrapped_displacement():
    index = positives(SET)[3]
    phase = 2 * np.pi * SET.displacement(index) / (SENTINEL1_WAVELENGTH / 2)
    assert_allclose(np.exp(1j * SET[index]["image"][0]), np.exp(1j * phase), atol=1e-5)
    assert SET[index]["image"].shape == (1, 32, 32)
    assert (SET[index]["label"], SET[index]["place"]) == (1, -1)
    three = replace(SET, encoding=replace(SMALL, channels=3))
    assert three[index]["image"].shape == (3, 32, 32)


def test_bad_sets_are_refused():
    with pytest.raises(ValueError, match="seed -1 is negative"):
        PaperSet(seed=-1)
    with pytest.raises(ValueError, match="0 sources for 7 geometries make no set"):
        PaperSet(sources=0)
    with pytest.raises(ValueError, match="validation share 1 is outside 0-1"):
        SET.split(1.0)
    with pytest.raises(ValueError, match=r"least_ascending 0\.2 m breaks"):
        PaperPrior(least_ascending=0.2)
    with pytest.raises(IndexError, match="index 280 is outside 0 to 279"):
        SET[280]
    with pytest.raises(IndexError, match="index -1 is outside"):
        SET[-1]


def test_patches_of_a_map_do_not_overlap():
    encoding = WrappedPatch(size=32, pixel_size=200.0)
    source = velocity_map((70, 100))
    found = cut_backgrounds(source, encoding)
    assert len(found) == 6
    # The map is on the grid of the patches already.
    assert_allclose(found[0].displacement, source.displacement[:32, :32], rtol=1e-6)
    assert_allclose(found[5].displacement, source.displacement[32:64, 64:96], rtol=1e-6)
    first, second, below = found[0], found[1], found[3]
    assert first.longitude < second.longitude
    assert first.latitude > below.latitude
    row, column = source.grid.row_column(first.longitude, first.latitude)
    assert_allclose((row, column), (15.5, 15.5), atol=1e-6)


def test_lattice_moves_to_where_the_data_are():
    # 10 empty rows above and 20 empty columns on the left: only a shifted lattice fits twice two.
    missing = np.ones((74, 84), dtype=bool)
    missing[10:, 20:] = False
    encoding = WrappedPatch(size=32, pixel_size=200.0, least_valid=0.99)
    found = cut_backgrounds(velocity_map((74, 84), missing=missing), encoding)
    assert len(found) == 4
    assert all(np.isfinite(background.displacement).all() for background in found)
    assert cut_backgrounds(velocity_map((31, 84)), encoding) == []


def test_patch_with_thirty_percent_missing_is_left_out():
    encoding = WrappedPatch(size=20, pixel_size=200.0)
    missing = (slice(None), slice(0, 6))
    assert cut_backgrounds(velocity_map((20, 20), missing=missing), encoding) == []
    missing = (slice(0, 19), slice(0, 6))
    (patch,) = cut_backgrounds(velocity_map((20, 20), missing=missing), encoding)
    assert_array_equal(np.isnan(patch.displacement[:19, :6]), True)
    assert np.isfinite(patch.displacement).sum() == 400 - 114


def test_patch_that_touches_an_excluded_region_is_left_out():
    encoding = WrappedPatch(size=32, pixel_size=200.0)
    source = velocity_map((64, 64))
    longitude, latitude = source.grid.longitude_latitude(np.array([31]), np.array([31]))
    corner = Region(
        float(longitude[0]) - 1e-4,
        float(latitude[0]) - 1e-4,
        float(longitude[0]) + 1e-4,
        float(latitude[0]) + 1e-4,
    )
    left = cut_backgrounds(source, encoding, [corner])
    assert len(left) == 3
    assert len(cut_backgrounds(source, encoding)) == 4
    assert all(b.longitude > -68.0 or b.latitude < -24.0 for b in left)


def test_region_may_cross_the_dateline():
    region = Region(179.0, -10.0, -179.0, 10.0)
    longitude, latitude = np.array([179.5, -179.5, 178.0, 0.0]), np.zeros(4)
    assert region.contains(longitude, latitude).tolist() == [True, True, False, False]
    band = Region(-180.0, -10.0, 180.0, 10.0)
    north = np.array([0.0, 0.0, 0.0, 20.0])
    assert band.contains(longitude, north).tolist() == [True, True, True, False]
    with pytest.raises(ValueError, match="region from latitude 5 to -5 breaks"):
        Region(0.0, 5.0, 1.0, -5.0)


def test_look_of_a_patch_is_the_mean_of_its_pixels():
    look = np.zeros((3, 32, 64), dtype=np.float32)
    look[:, :, :32] = np.array([-0.6, 0.0, 0.8])[:, None, None]
    look[:, :, 32:] = np.array([0.6, 0.0, 0.8])[:, None, None]
    look[:, :5] = np.nan
    encoding = WrappedPatch(size=32, pixel_size=200.0)
    west, east = cut_backgrounds(velocity_map((32, 64), look=look), encoding)
    assert_allclose(west.look, [-0.6, 0.0, 0.8], atol=1e-6)
    assert_allclose(east.look, [0.6, 0.0, 0.8], atol=1e-6)
    assert cut_backgrounds(velocity_map((32, 32)), encoding)[0].look is None


def test_maps_in_degrees_are_cut_on_a_metric_grid():
    grid = Grid((80, 80), Affine(0.002, 0.0, -68.0, 0.0, -0.002, -24.0), CRS.from_epsg(4326))
    degrees = VelocityMap(np.full((80, 80), 2e-3, dtype=np.float32), grid, 5.0)
    found = cut_backgrounds(degrees, WrappedPatch(size=32, pixel_size=200.0))
    assert len(found) == 4  # 16.2 by 17.7 km
    assert_allclose(found[0].displacement[np.isfinite(found[0].displacement)], 0.01, rtol=1e-5)


def test_maps_without_a_patch_are_refused():
    with pytest.raises(ValueError, match="hold no patch of 256 x 256 pixels of 200 m"):
        read_backgrounds([])


def test_real_frames_give_backgrounds(shared):
    frames = sorted((shared / "field" / "north_anatolia").glob("*/vel.geo.tif"))
    if not frames:
        pytest.skip("the frames are not there")
    options = ReadOptions(unit="mm/yr", positive="toward", crs="EPSG:4326", years=5.0)
    test_half = Region(33.6, -90.0, 180.0, 90.0)
    found = read_backgrounds(frames[:1], options, exclude=[test_half])
    assert found
    assert all(b.longitude < 33.6 and np.isfinite(b.displacement).mean() > 0.7 for b in found)


def test_ft1_is_half_volcanoes_half_background():
    base = backgrounds(836)
    samples = FT1(base, seed=3, encoding=SMALL)
    labels = samples.labels
    assert (len(samples), labels.sum()) == (836, 418)
    assert not np.array_equal(labels, FT1(base, seed=4, encoding=SMALL).labels)
    for index in range(60):
        added = samples.displacement(index) - base[index].displacement
        peak = np.nanmax(np.abs(added))
        assert peak == 0 if labels[index] == 0 else 0.015 - 1e-9 <= peak <= 0.10 + 1e-9
        assert_array_equal(np.isnan(added), np.isnan(base[index].displacement))
        assert samples[index]["label"] == labels[index]


def test_ft1_adds_before_wrapping_and_fills_after():
    base = backgrounds(4)
    samples = FT1(base, seed=3, encoding=SMALL)
    index = int(np.argmax(samples.labels))
    image = samples[index]["image"][0]
    assert_array_equal(image[:4, :5], 0)
    expected = 2 * np.pi * samples.displacement(index) / SMALL.cycle
    valid = np.isfinite(expected)
    assert_allclose(np.exp(1j * image[valid]), np.exp(1j * expected[valid]), atol=1e-5)
    assert_array_equal(samples[index]["image"], FT1(base, seed=3, encoding=SMALL)[index]["image"])


def test_ft1_takes_the_look_of_the_map():
    up, east = np.array([0.0, 0.0, 1.0]), np.array([0.6, 0.0, 0.8])
    sets = [FT1(backgrounds(2, look), encoding=SMALL) for look in (up, east, None)]
    index = int(np.argmax(sets[0].labels))
    fields = [np.nan_to_num(samples.displacement(index)) for samples in sets]
    assert not np.allclose(fields[0], fields[1])
    assert not np.allclose(fields[1], fields[2])


def test_ft1_holds_out_both_classes():
    samples = FT1(backgrounds(50), encoding=SMALL)
    training, validation = samples.split(0.2)
    assert (len(training), len(validation)) == (40, 10)
    assert sum(validation[k]["label"] for k in range(10)) == 5
    assert not set(training.indices) & set(validation.indices)


def test_ft1_refuses_what_it_cannot_halve():
    with pytest.raises(ValueError, match="1 backgrounds cannot be halved"):
        FT1(backgrounds(1), encoding=SMALL)
    with pytest.raises(ValueError, match="do not fit patches of 256 pixels"):
        FT1(backgrounds(2))


def test_choices_share_no_randomness_with_a_sample():
    """A key [seed, 0, 0] has the stream of [seed, 0]: the choices of a set must not use it."""
    streams = [np.random.default_rng([4, index]) for index in range(20)]
    streams += [np.random.default_rng([4, 0, 0]), *(beside_samples(4, n) for n in range(12))]
    first = [stream.integers(2**62) for stream in streams]
    assert first[0] == first[20]
    assert len(set(first)) == len(first) - 1
