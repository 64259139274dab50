"""Tables of points: headings, units, regular grids, quadtrees, scattered points, products."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.maps.readers import ReadOptions, inspect_map, open_map
from bradyseism.physics.line_of_sight import look_vector

SAID = ReadOptions(positive="toward", crs="EPSG:4326", years=5.0)
ALL_SAID = ReadOptions(unit="mm/yr", positive="toward", crs="EPSG:4326", years=5.0)


def regular(path, heading="latitude,longitude,displacement (mm)", delimiter=",", skip=()):
    """Write 4 x 5 points; the value is 10 x row from the north + column."""
    lines = [heading] if heading else []
    for k in range(20):
        row, column = divmod(k, 5)
        if k not in skip:
            place = (f"{-36.4 - 0.01 * row:.3f}", f"{-70.6 + 0.01 * column:.3f}")
            lines.append(delimiter.join((*place, f"{10 * row + column}")))
    path.write_text("\n".join(lines[:1] + lines[:0:-1]) + "\n")  # southern rows first
    return path


EXPECTED = (10.0 * np.arange(4)[:, None] + np.arange(5)) * 1e-3 / 5.0


def test_regular_grid_of_displacement(tmp_path):
    velocity_map = open_map(regular(tmp_path / "a.csv"), SAID)
    assert_allclose(velocity_map.velocity, EXPECTED, rtol=1e-6)
    longitude, latitude = velocity_map.grid.longitude_latitude([0, 3], [0, 4])
    assert_allclose(longitude, [-70.6, -70.56], atol=1e-9)
    assert_allclose(latitude, [-36.4, -36.43], atol=1e-9)


def test_heading_names_quantity_and_unit(tmp_path):
    inspection = inspect_map(regular(tmp_path / "a.csv"))
    facts = {name: value for name, value, _ in inspection.facts}
    assert (facts["quantity"], facts["unit"]) == ("displacement", "mm")
    assert [what for what, _ in inspection.missing] == ["sign", "CRS", "time span"]


@pytest.mark.parametrize(
    ("heading", "delimiter"),
    [
        ("lat;lon;disp [mm]", ";"),
        ("Latitude\tLongitude\tdisplacement_mm", "\t"),
        ("latitude longitude displacement_mm", " "),
        ("# lat,lon,displacement (Millimetres)", ","),
    ],
)
def test_other_headings_and_delimiters(tmp_path, heading, delimiter):
    path = regular(tmp_path / "a.txt", heading, delimiter)
    assert_allclose(open_map(path, SAID).velocity, EXPECTED, rtol=1e-6)


def test_gaps_in_a_regular_grid_stay_gaps(tmp_path):
    velocity_map = open_map(regular(tmp_path / "a.csv", skip=(6, 7, 13)), SAID)
    assert velocity_map.velocity.shape == (4, 5)
    assert velocity_map.valid.sum() == 17
    assert not velocity_map.valid[1, 1]


def test_empty_and_nan_fields_are_missing(tmp_path):
    path = regular(tmp_path / "a.csv")
    path.write_text(path.read_text().replace(",34\n", ",\n").replace(",33\n", ",NaN\n"))
    assert open_map(path, SAID).valid.sum() == 18


def test_columns_by_option_without_headings(tmp_path):
    path = regular(tmp_path / "a.csv", "0,0,0")
    path.write_text("\n".join(path.read_text().splitlines()[1:]))
    with pytest.raises(ValueError, match="--columns"):
        open_map(path, ALL_SAID)
    options = ReadOptions(
        unit="mm/yr", positive="toward", crs="EPSG:4326", years=5.0,
        columns="longitude=2, latitude=1, velocity=3",
    )  # fmt: skip
    assert_allclose(open_map(path, options).velocity, 5.0 * EXPECTED, rtol=1e-6)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("velocity=nowhere", "0 columns of that name"),
        ("velocity=9", "0 columns of that name"),
        ("speed=3", r"is not role=column"),
    ],
)
def test_wrong_columns_option(tmp_path, columns, message):
    path = regular(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=message):
        open_map(path, ReadOptions(columns=columns))


def test_without_a_unit_in_the_heading_it_is_missing(tmp_path):
    path = regular(tmp_path / "a.csv", "latitude,longitude,velocity")
    with pytest.raises(ValueError, match=r"unit.*--unit"):
        open_map(path, SAID)
    assert_allclose(open_map(path, ALL_SAID).velocity, 5.0 * EXPECTED, rtol=1e-6)


def test_displacement_heading_against_a_rate_unit(tmp_path):
    path = regular(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"unit mm/yr .*quantity is displacement"):
        open_map(path, ALL_SAID)


def test_swapped_latitude_and_longitude(tmp_path):
    path = tmp_path / "a.csv"
    rows = "\n".join(f"{151.0 + 0.01 * k},{-5.0 - 0.01 * (k % 3)},1" for k in range(9))
    path.write_text("lat,lon,velocity_mm_yr\n" + rows)
    with pytest.raises(ValueError, match=r"latitudes up to 151.08.*swapped"):
        open_map(path, SAID)


def test_broken_row_is_named(tmp_path):
    path = regular(tmp_path / "a.csv")
    path.write_text(path.read_text() + "here it ends\n")
    with pytest.raises(ValueError, match="row that does not fit"):
        open_map(path, SAID)


def test_scattered_points_are_averaged_about_their_spacing(tmp_path):
    rng = np.random.default_rng(5)
    longitude, latitude = rng.uniform(15.0, 15.1, 4000), rng.uniform(60.0, 60.05, 4000)
    speed = 100.0 * (longitude - 15.0)
    rows = "\n".join(
        f"{x:.6f},{y:.6f},{v:.4f}" for x, y, v in zip(longitude, latitude, speed, strict=True)
    )
    path = tmp_path / "a.csv"
    path.write_text("lon,lat,velocity (mm/yr)\n" + rows)
    velocity_map = open_map(path, SAID)
    # Half of the points are nearer to another than 0.5 / sqrt(density): no spacing for a grid.
    spacing = np.sqrt(5570.0 * 5570.0 / 4000.0)
    assert_allclose(velocity_map.grid.pixel_size, spacing, rtol=0.1)
    # One point a pixel on average leaves exp(-1) of them empty.
    assert_allclose(velocity_map.valid.mean(), 1 - np.exp(-1), atol=0.06)
    # Square on the ground: at 60 degrees a degree of longitude is half one of latitude.
    assert_allclose(velocity_map.grid.transform.a / -velocity_map.grid.transform.e, 2.0, rtol=0.01)
    row, column = np.nonzero(velocity_map.valid)
    place, _ = velocity_map.grid.longitude_latitude(row, column)
    error = 1e3 * velocity_map.velocity[row, column] - 100.0 * (place - 15.0)
    assert np.abs(error).max() <= 100.0 * 0.5 * velocity_map.grid.transform.a + 1e-3


def test_a_point_far_from_all_others_is_named(tmp_path):
    rng = np.random.default_rng(0)
    places = np.column_stack([rng.uniform(-66.9, -66.7, 2000), rng.uniform(-22.0, -21.8, 2000)])
    places[7, 0] = -10.0
    rows = "\n".join(f"{x:.6f},{y:.6f},1.5" for x, y in places)
    path = tmp_path / "a.csv"
    path.write_text("lon,lat,velocity (mm/yr)\n" + rows)
    with pytest.raises(ValueError, match="1 of 2000 points lie far from all others"):
        open_map(path, SAID)
    path.write_text("lon,lat,velocity (mm/yr)\n" + rows.replace("-10.000000", "500"))
    with pytest.raises(ValueError, match="longitudes up to 500"):
        open_map(path, SAID)


@pytest.mark.parametrize("word", ["NA", "n/a", "null", ""])
def test_words_for_a_missing_number(tmp_path, word):
    path = regular(tmp_path / "a.csv")
    text = path.read_text().splitlines()
    fields = text[5].split(",")
    text[5] = ",".join([*fields[:2], word])
    path.write_text("\n".join(text) + "\n")
    assert np.count_nonzero(~open_map(path, SAID).valid) == 1


def test_points_across_the_dateline(tmp_path):
    path = tmp_path / "a.csv"
    places = [(179.98, 52.0), (179.99, 52.0), (-180.0, 52.0), (-179.99, 52.0)]
    places += [(x, 51.99) for x, _ in places]
    rows = "\n".join(f"{x},{y},{k}" for k, (x, y) in enumerate(places))
    path.write_text("lon,lat,velocity (mm/yr)\n" + rows)
    velocity_map = open_map(path, SAID)
    assert_allclose(1e3 * velocity_map.velocity, [[0, 1, 2, 3], [4, 5, 6, 7]], atol=1e-6)
    longitude, _ = velocity_map.grid.longitude_latitude([0, 0], [0, 3])
    assert_allclose(longitude, [179.98, -179.99], atol=1e-9)


CELLS = [
    # place of the data, heading, incidence, value, variance, rows, columns
    (10.025, 50.075, -11.0, 35.0, 0.010, 1e-6, 0, 50, 0, 50),
    (10.075, 50.075, -11.0, 36.0, 0.020, 1e-6, 0, 50, 50, 100),
    (10.050, 50.040, -11.0, 35.5, 0.030, 1e-6, 50, 100, 0, 100),
]


def quadtree(path, cells=CELLS, extent="10.0,10.1,50.0,50.1"):
    header = f"%Reference (Lon,Lat): None, Dimensions: 100,100, Extent: {extent}\n"
    path.write_text(header + "\n".join(" ".join(map(str, cell)) for cell in cells))
    return path


QUAD_SAID = ReadOptions(unit="m/yr", positive="toward", crs="EPSG:4326", years=6.0)


def test_quadtree_cells_fill_their_blocks(tmp_path):
    velocity_map = open_map(quadtree(tmp_path / "a.csv"), QUAD_SAID)
    velocity = velocity_map.velocity
    assert velocity.shape == (100, 100)
    assert_allclose(velocity[:50, :50], 0.010, rtol=1e-6)
    assert_allclose(velocity[:50, 50:], 0.020, rtol=1e-6)
    assert_allclose(velocity_map.grid.transform[:6], [0.001, 0, 10.0, 0, -0.001, 50.1], atol=1e-12)


def test_a_quadtree_cell_stands_for_its_whole_block(tmp_path):
    velocity = open_map(quadtree(tmp_path / "a.csv"), QUAD_SAID).velocity
    # The third cell's data lie to the north in its block; the file says one value for all of it.
    assert_allclose(velocity[50:], 0.030, rtol=1e-6)


def test_quadtree_rows_from_the_south_are_turned(tmp_path):
    cells = [(*c[:6], 100 - c[7], 100 - c[6], *c[8:]) for c in CELLS]
    south = open_map(quadtree(tmp_path / "a.csv", cells), QUAD_SAID)
    north = open_map(quadtree(tmp_path / "b.csv"), QUAD_SAID)
    np.testing.assert_array_equal(south.velocity, north.velocity)
    assert any("southernmost" in note for note in south.provenance.notes)


@pytest.mark.parametrize("heading", [-11.0, 191.0])
def test_quadtree_azimuth_near_the_meridian_is_the_heading(tmp_path, heading):
    cells = [(*c[:2], heading, *c[3:]) for c in CELLS]
    look = open_map(quadtree(tmp_path / "a.csv", cells), QUAD_SAID).look
    assert_allclose(look[:, 10, 80], look_vector(heading, 36.0), atol=1e-6)
    assert np.sign(look[0, 10, 80]) == (-1.0 if heading < 0 else 1.0)


def test_azimuth_across_the_orbit_is_not_interpreted(tmp_path):
    cells = [(*c[:2], 102.0, *c[3:]) for c in CELLS]
    velocity_map = open_map(quadtree(tmp_path / "a.csv", cells), QUAD_SAID)
    assert velocity_map.look is None
    assert any("no flight direction" in note for note in velocity_map.provenance.notes)


@pytest.mark.parametrize(
    ("cells", "extent", "message"),
    [
        ([(*CELLS[0][:7], 120, 0, 50)], "10.0,10.1,50.0,50.1", "outside its 100 x 100"),
        (CELLS, "50.0,50.1,10.1,10.0", "not west,east,south,north"),
    ],
)
def test_quadtree_that_contradicts_itself(tmp_path, cells, extent, message):
    with pytest.raises(ValueError, match=message):
        open_map(quadtree(tmp_path / "a.csv", cells, extent), QUAD_SAID)


def egms(path, heading, columns):
    rows = [
        f"p{k},{4_500_000 + 100 * (k % 4)},{2_000_000 - 100 * (k // 4)},{k}.5,{columns}"
        for k in range(12)
    ]
    path.write_text(f"pid,easting,northing,mean_velocity,{heading}\n" + "\n".join(rows))
    return path


def test_egms_level_2_needs_no_option(tmp_path):
    path = egms(
        tmp_path / "EGMS_L2b_117_0262_IW2_VV.csv",
        "los_east,los_north,los_up,20180102,20221231",
        "-0.6,-0.1,0.79372539,0.0,12.5",
    )
    velocity_map = open_map(path)
    assert_allclose(velocity_map.velocity[0], [5e-4, 1.5e-3, 2.5e-3, 3.5e-3], rtol=1e-5)
    assert velocity_map.grid.crs.to_epsg() == 3035
    assert_allclose(velocity_map.grid.transform.a, 100.0)
    assert_allclose(velocity_map.years, 4.99, atol=0.01)
    assert_allclose(velocity_map.look[:, 1, 1], [-0.6, -0.1, 0.79372539], atol=1e-6)


@pytest.mark.parametrize(("letter", "vector"), [("U", [0, 0, 1]), ("E", [1, 0, 0])])
def test_egms_level_3_is_not_line_of_sight(tmp_path, letter, vector):
    path = egms(
        tmp_path / f"EGMS_L3_E45N20_100km_{letter}_2018_2022_1.csv", "20180102,20221231", "0,1"
    )
    assert_allclose(open_map(path).look, vector)
