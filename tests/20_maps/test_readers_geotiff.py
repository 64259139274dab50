"""GeoTIFF: no-data, masks, look vectors, registration, tags, row order, strips."""

import re

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.maps.readers import ReadOptions, inspect_map, open_map, raw

TRANSFORM = Affine(0.01, 0.0, 14.0, 0.0, -0.01, 41.0)
SAID = ReadOptions(unit="mm/yr", positive="toward", years=4.0)


def write(path, array, transform=TRANSFORM, crs="EPSG:4326", tags=None, **profile):
    array = np.asarray(array)
    bands = array if array.ndim == 3 else array[None]
    with rasterio.open(
        path, "w", driver="GTiff", count=len(bands), height=bands.shape[1], width=bands.shape[2],
        dtype=bands.dtype, transform=transform, crs=crs, **profile,
    ) as target:  # fmt: skip
        target.write(bands)
        if tags:
            target.update_tags(**tags)
    return path


@pytest.fixture
def ramp():
    return np.arange(12, dtype=np.float32).reshape(3, 4) + 1


def test_millimetres_and_zero_are_values(tmp_path, ramp):
    ramp[1, 2] = 0.0  # the reference pixel
    path = write(tmp_path / "a.tif", ramp)
    velocity_map = open_map(path, SAID)
    assert_allclose(velocity_map.velocity, ramp * 1e-3, rtol=1e-6)
    assert velocity_map.valid.all()
    assert velocity_map.years == 4.0
    assert velocity_map.look is None
    assert velocity_map.provenance.reader == "geotiff"
    assert len(velocity_map.provenance.sha256) == 64


def test_away_turns_the_sign(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp)
    toward = open_map(path, SAID)
    away = open_map(path, ReadOptions(unit="mm/yr", positive="away", years=4.0))
    assert_array_equal(away.velocity, -toward.velocity)


@pytest.mark.parametrize(
    ("unit", "metres_per_year"),
    [("m/yr", 1.0), ("cm/yr", 1e-2), ("mm/yr", 1e-3), ("m", 0.25), ("cm", 0.0025), ("mm", 2.5e-4)],
)
def test_every_unit_over_four_years(tmp_path, unit, metres_per_year):
    path = write(tmp_path / "a.tif", np.full((3, 3), 2.0, np.float32))
    velocity_map = open_map(path, ReadOptions(unit=unit, positive="toward", years=4.0))
    assert_allclose(velocity_map.velocity, 2.0 * metres_per_year, rtol=1e-6)


def test_pixel_corner_stays(tmp_path, ramp):
    grid = open_map(write(tmp_path / "a.tif", ramp), SAID).grid
    longitude, latitude = grid.longitude_latitude(0, 0)
    assert_allclose([longitude, latitude], [14.005, 40.995], atol=1e-9)


def test_point_registration_is_the_same_place(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp)
    with rasterio.open(path, "r+") as target:
        target.update_tags(AREA_OR_POINT="Point")
    assert "point" in dict((f[0], f[1]) for f in inspect_map(path).facts)["registration"]
    assert_allclose(open_map(path, SAID).grid.longitude_latitude(0, 0)[0], 14.005, atol=1e-9)


def test_rows_from_the_south_are_turned(tmp_path, ramp):
    flipped = write(
        tmp_path / "a.tif", ramp[::-1].copy(), Affine(0.01, 0.0, 14.0, 0.0, 0.01, 40.97)
    )
    velocity_map = open_map(flipped, SAID)
    assert_allclose(velocity_map.velocity, ramp * 1e-3, rtol=1e-6)
    assert_allclose(velocity_map.grid.transform[:6], TRANSFORM[:6], atol=1e-9)
    assert any("flipped" in note for note in velocity_map.provenance.notes)


def test_rotated_grid_is_refused(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp, Affine(0.01, 0.001, 14.0, 0.001, -0.01, 41.0))
    with pytest.raises(ValueError, match="rotated"):
        open_map(path, SAID)


@pytest.mark.parametrize(
    ("dtype", "nodata"), [("uint16", 65535), ("int16", -32768), ("float32", -9999), ("uint8", 255)]
)
def test_nodata_is_missing(tmp_path, dtype, nodata):
    array = np.ones((3, 4), dtype)
    array[0, 1] = nodata
    velocity_map = open_map(write(tmp_path / "a.tif", array, nodata=nodata), SAID)
    assert not velocity_map.valid[0, 1]
    assert velocity_map.valid.sum() == 11


def test_huge_fill_values_without_a_tag_are_missing(tmp_path, ramp):
    ramp[0, 0], ramp[0, 1] = -3.4e38, np.inf
    assert open_map(write(tmp_path / "a.tif", ramp), SAID).valid.sum() == 10


def test_many_zeros_are_kept_and_noted(tmp_path, ramp):
    ramp[:2] = 0.0
    velocity_map = open_map(write(tmp_path / "a.tif", ramp), SAID)
    assert velocity_map.valid.all()
    assert any("exactly 0" in note for note in velocity_map.provenance.notes)


def test_scale_and_offset_of_the_band(tmp_path):
    path = write(tmp_path / "a.tif", np.full((3, 3), 100, np.int16))
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.1,), (5.0,)
    assert_allclose(open_map(path, SAID).velocity, 15e-3, rtol=1e-6)


def test_first_band_is_taken_and_noted(tmp_path, ramp):
    velocity_map = open_map(write(tmp_path / "a.tif", np.stack([ramp, 9 * ramp])), SAID)
    assert_allclose(velocity_map.velocity, ramp * 1e-3, rtol=1e-6)
    assert "band 1 of 2 was read" in velocity_map.provenance.notes


def test_own_tags_need_no_options(tmp_path, ramp):
    tags = {"QUANTITY": "displacement", "UNIT": "mm", "POSITIVE": "away", "YEARS": "2.0"}
    path = write(
        tmp_path / "a.tif", ramp, tags={f"BRADYSEISM_{name}": word for name, word in tags.items()}
    )
    velocity_map = open_map(path)
    assert_allclose(velocity_map.velocity, -ramp * 0.5e-3, rtol=1e-6)
    assert inspect_map(path).missing == ()


@pytest.mark.parametrize("name", ["velocity_mm_per_year.tif", "vel_mmyr.tif", "vel-mm-yr.tif"])
def test_unit_spelled_out_in_the_file_name(tmp_path, ramp, name):
    velocity_map = open_map(write(tmp_path / name, ramp), ReadOptions(positive="toward", years=1.0))
    assert_allclose(velocity_map.velocity, ramp * 1e-3, rtol=1e-6)


def test_option_against_the_file_wins_with_a_note(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp, tags={"BRADYSEISM_UNIT": "mm/yr"})
    options = ReadOptions(unit="cm/yr", positive="toward", years=1.0, crs="EPSG:4258")
    velocity_map = open_map(path, options)
    assert_allclose(velocity_map.velocity, ramp * 1e-2, rtol=1e-6)
    notes = " ".join(velocity_map.provenance.notes)
    assert "--unit cm/yr was used against mm/yr" in notes
    assert "--crs EPSG:4258 was used against EPSG:4326" in notes


def look_files(folder, names, east=-0.6, shape=(3, 4), sense=1.0, transform=TRANSFORM):
    up = 0.77
    north = -np.sqrt(1.0 - east**2 - up**2)
    for name, value in zip(names, (east, north, up), strict=True):
        write(folder / name, np.full(shape, sense * value, np.float32), transform)
    return np.array([east, north, up])


@pytest.mark.parametrize(
    ("map_name", "companions"),
    [
        ("vel.geo.tif", ("E.geo.tif", "N.geo.tif", "U.geo.tif")),
        ("etna.tif", ("etna.E.tif", "etna.N.tif", "etna.U.tif")),
        ("etna.tif", ("etna_E.tif", "etna_N.tif", "etna_U.tif")),
        ("etna.tif", ("E.tif", "N.tif", "U.tif")),
    ],
)
def test_look_vectors_beside_the_map(tmp_path, ramp, map_name, companions):
    path = write(tmp_path / map_name, ramp)
    vector = look_files(tmp_path, companions)
    look = open_map(path, SAID).look
    assert look.shape == (3, 3, 4)
    assert_allclose(look[:, 1, 2], vector, atol=1e-6)


@pytest.mark.parametrize("prefix", ["", "etna.", "etna_"])
def test_a_component_of_the_look_is_no_velocity_map(tmp_path, ramp, prefix):
    look_files(tmp_path, [f"{prefix}{letter}.tif" for letter in "ENU"])
    with pytest.raises(ValueError, match="component of the look vector"):
        open_map(tmp_path / f"{prefix}U.tif", SAID)


def test_east_north_and_up_of_the_motion_are_maps(tmp_path, ramp):
    for letter in "ENU":
        write(tmp_path / f"{letter}.tif", 1e-3 * ramp)
    look = ReadOptions(unit="m/yr", positive="toward", years=4.0, look="0,0,1")
    assert_allclose(open_map(tmp_path / "U.tif", look).velocity, 1e-3 * ramp)


def test_look_from_the_satellite_is_turned_round(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp)
    vector = look_files(tmp_path, ("E.tif", "N.tif", "U.tif"), sense=-1.0)
    velocity_map = open_map(path, SAID)
    assert_allclose(velocity_map.look[:, 0, 0], vector, atol=1e-6)
    assert any("turned round" in note for note in velocity_map.provenance.notes)


def test_look_on_another_grid_is_left_out_with_a_note(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp)
    half_a_pixel = Affine(0.01, 0.0, 14.005, 0.0, -0.01, 40.995)
    look_files(tmp_path, ("E.tif", "N.tif", "U.tif"), transform=half_a_pixel)
    velocity_map = open_map(path, SAID)
    assert velocity_map.look is None
    assert any("another grid" in note for note in velocity_map.provenance.notes)


def test_angles_in_place_of_unit_vectors_are_refused(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp)
    for name in ("E.tif", "N.tif", "U.tif"):
        write(tmp_path / name, np.full((3, 4), 39.0, np.float32))
    with pytest.raises(ValueError, match="not 1: are they angles"):
        open_map(path, SAID)


def test_orbit_word_keeps_agreeing_vectors_and_overrides_others(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp)
    vector = look_files(tmp_path, ("E.tif", "N.tif", "U.tif"))
    said = {"unit": "mm/yr", "positive": "toward", "years": 4.0}
    agreed = open_map(path, ReadOptions(**said, look="ascending"))
    assert_allclose(agreed.look[:, 0, 0], vector, atol=1e-6)
    against = open_map(path, ReadOptions(**said, look="descending"))
    assert against.look.shape == (3,)
    assert against.look[0] > 0.0
    assert any("--look descending was used against" in n for n in against.provenance.notes)


def test_mask_of_one_keeps(tmp_path, ramp):
    path = write(tmp_path / "vel.geo.tif", ramp)
    mask = np.ones((3, 4), np.float32)
    mask[0, 0], mask[2, 3] = 0.0, np.nan
    write(tmp_path / "mask.geo.tif", mask)
    velocity_map = open_map(path, SAID)
    assert_array_equal(velocity_map.valid, mask == 1.0)
    assert any("1 = keep" in note for note in velocity_map.provenance.notes)


def test_large_map_is_averaged_in_strips(tmp_path, monkeypatch):
    monkeypatch.setattr(raw, "LARGEST_WHOLE", 400)
    monkeypatch.setattr(raw, "_STRIP_PIXELS", 100)
    rng = np.random.default_rng(3)
    array = rng.normal(size=(41, 62)).astype(np.float32)
    array[rng.random(array.shape) < 0.3] = np.nan
    path = write(tmp_path / "a.tif", array)
    velocity_map = open_map(path, SAID)
    factor = 3  # ceil(sqrt(41 * 62 / 400))
    assert velocity_map.velocity.shape == (14, 21)
    assert_allclose(velocity_map.velocity[2, 5], 1e-3 * np.nanmean(array[6:9, 15:18]), rtol=1e-5)
    assert_allclose(velocity_map.grid.transform.a, 0.01 * factor)
    assert_allclose(velocity_map.grid.transform.f, 41.0)
    assert any("averaged 3 x 3" in note for note in velocity_map.provenance.notes)


def test_blocks_with_less_than_a_quarter_of_data_are_missing(monkeypatch):
    monkeypatch.setattr(raw, "LARGEST_WHOLE", 4)
    array = np.full((8, 8), np.nan, np.float32)
    array[:4, :4].flat[:4] = 2.0
    array[4:, 4:].flat[:3] = 2.0
    reduced = raw.read_reduced(lambda first, last: array[first:last], array.shape)
    assert_array_equal(reduced, [[2.0, np.nan], [np.nan, np.nan]])


def test_neighbouring_utm_zone_moves_the_map(tmp_path, ramp):
    corner = Affine(25.0, 0.0, 500_000.0, 0.0, -25.0, 4_500_000.0)
    west = open_map(write(tmp_path / "a.tif", ramp, corner, "EPSG:32632"), SAID)
    east = open_map(write(tmp_path / "b.tif", ramp, corner, "EPSG:32633"), SAID)
    shift = east.grid.longitude_latitude(0, 0)[0] - west.grid.longitude_latitude(0, 0)[0]
    assert_allclose(shift, 6.0, atol=1e-6)
    assert_allclose(west.grid.pixel_size, 25.0, rtol=1e-3)


def test_map_across_the_dateline(tmp_path, ramp):
    path = write(tmp_path / "a.tif", ramp, Affine(0.01, 0.0, 179.98, 0.0, -0.01, 52.0))
    longitude, _ = open_map(path, SAID).grid.longitude_latitude([0, 0], [0, 3])
    assert_allclose(longitude, [179.985, -179.985], atol=1e-9)


def test_inspection_says_what_would_be_refused(tmp_path, ramp):
    ramp[0, 0] = -32768.0
    path = write(tmp_path / "a.tif", ramp)
    said = ReadOptions(unit="mm/yr", positive="toward", years=2.0, crs="EPSG:4326")
    ((what, remedy),) = inspect_map(path, said).missing
    assert what == "rates that ground can have"
    with pytest.raises(ValueError, match=re.escape(remedy)):
        open_map(path, said)


def test_inspection_names_what_is_missing(tmp_path, ramp):
    ramp[0, 0] = np.nan
    path = write(tmp_path / "a.tif", ramp, crs=None)
    inspection = inspect_map(path)
    assert [option.split()[0] for _, option in inspection.missing] == [
        "--unit", "--positive", "--crs", "--years",
    ]  # fmt: skip
    facts = {name: value for name, value, _ in inspection.facts}
    assert facts["rows x columns"] == "3 x 4"
    assert facts["missing share"] == "8.3%"
    assert facts["CRS"] == "unknown"
    known = inspect_map(path, ReadOptions(unit="m/yr", positive="away", years=2.0, crs="EPSG:4326"))
    assert known.missing == ()
    low, high = np.percentile(-1000.0 * ramp[np.isfinite(ramp)], (2, 98))
    facts = {name: (value, origin) for name, value, origin in known.facts}
    assert facts["value range"][0].startswith(f"{low:.4g} to {high:.4g} mm/yr")
    assert facts["positive"] == ("away", "option --positive")
