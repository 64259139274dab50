"""Every real map of the truth table opens with the options that the table gives, and no others."""

import csv

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.maps.readers import ReadOptions, inspect_map, open_map, options_from_row

NAMES = (
    "campi_flegrei", "domuyo_asc", "domuyo_desc", "unimak_asc", "unimak_desc", "anatolia_087A",
    "anatolia_167D", "mexico_city", "himalaya_slope",
)  # fmt: skip
REFUSED = {"himalaya_slope"}


@pytest.fixture(scope="module")
def table(shared):
    with (shared / "field/truth.csv").open(encoding="utf-8") as stream:
        return {row["map"]: row for row in csv.DictReader(stream)}


def test_all_rows_are_known(table):
    assert set(NAMES) == set(table)


@pytest.mark.parametrize("name", sorted(set(NAMES) - REFUSED))
def test_row_opens(shared, table, name):
    row = table[name]
    velocity_map = open_map(shared / "field" / row["path"], options_from_row(row))
    assert velocity_map.provenance.reader == row["reader"]
    assert_allclose(velocity_map.years, float(row["span_years"]), rtol=0.01)
    # No map of ground in the table moves faster than 0.3 m/yr, and none stands still.
    assert 1e-3 < np.nanpercentile(np.abs(velocity_map.velocity), 98) < 0.3
    assert 0.3 < velocity_map.valid.mean() < 1.0
    if row["must"]:
        for centre in row["must"].split(";"):
            longitude, latitude, _ = map(float, centre.split())
            place = velocity_map.grid.row_column(longitude, latitude)
            assert 0 < place[0] < velocity_map.grid.shape[0]
            assert 0 < place[1] < velocity_map.grid.shape[1]


def test_a_map_without_unit_is_refused_and_described(shared, table):
    row = table["himalaya_slope"]
    path = shared / "field" / row["path"]
    with pytest.raises(ValueError, match=r"unit.*--unit"):
        open_map(path, options_from_row(row))
    options = [option.split()[0] for _, option in inspect_map(path).missing]
    assert options == ["--unit", "--positive", "--years"]
    given = ReadOptions(unit="mm/yr", positive="toward", years=1.1)
    assert_allclose(open_map(path, given).grid.pixel_size, 25.0, rtol=1e-3)


def test_campi_flegrei_is_the_masked_velocity(shared, table):
    folder = shared / "field" / table["campi_flegrei"]["path"]
    velocity_map = open_map(folder)
    masked = np.fromfile(folder / "results/vel.mskd", "<f4").reshape(121, 191)
    assert_array_equal(velocity_map.velocity, masked * np.float32(1e-3))


@pytest.mark.parametrize(("name", "sense"), [("087A", -1.0), ("167D", 1.0)])
def test_anatolia_looks_across_its_orbit(shared, table, name, sense):
    row = table[f"anatolia_{name}"]
    look = open_map(shared / "field" / row["path"], options_from_row(row)).look
    assert np.all(np.sign(look[0][np.isfinite(look[0])]) == sense)


@pytest.mark.parametrize(("name", "sense"), [("asc", -1.0), ("desc", 1.0)])
def test_unimak_cells_lie_where_they_say(shared, table, name, sense):
    row = table[f"unimak_{name}"]
    velocity_map = open_map(shared / "field" / row["path"], options_from_row(row))
    cells = np.loadtxt(shared / "field" / row["path"], comments="%")
    place = velocity_map.grid.row_column(cells[:, 0], cells[:, 1])
    at = tuple(
        np.clip(np.rint(p).astype(int), 0, n - 1)
        for p, n in zip(place, velocity_map.grid.shape, strict=True)
    )
    difference = np.abs(velocity_map.velocity[at] - cells[:, 4])
    # Places are printed to 0.001 degree, one pixel: cells of 2-3 pixels may show a neighbour.
    assert np.mean(difference < 1e-6) > 0.9
    assert np.sign(np.nanmean(velocity_map.look[0])) == sense


def test_temporal_coherence_is_refused(shared):
    with pytest.raises(ValueError, match="FILE_TYPE 'temporalCoherence'"):
        open_map(shared / "field/unimak/temporalCoherence_des.h5")


@pytest.mark.parametrize("name", ["mask", "E", "vstd"])
def test_companions_are_no_maps(shared, name):
    with pytest.raises(ValueError, match="companion"):
        open_map(shared / f"field/north_anatolia/087A_04904_121313/{name}.geo.tif")


def test_span_that_is_no_number():
    with pytest.raises(ValueError, match="span_years 'long'"):
        options_from_row({"span_years": "long"})
