"""Files out: whole or not at all, read back by others as meant."""

import csv
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS

from bradyseism.maps.readers import open_map
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.writers.atomic import atomic_path, write_bytes
from bradyseism.maps.writers.geotiff import write_cog
from bradyseism.maps.writers.map_files import write_map
from bradyseism.maps.writers.staging import staged_folder
from bradyseism.maps.writers.tables import point, polygon, write_csv, write_geojson, write_json

GRID = Grid((30, 40), Affine(0.01, 0, -68.0, 0, -0.01, -22.0), CRS.from_epsg(4326))
LOOK = np.array([-0.6, -0.1, math.sqrt(1 - 0.37)])


def example_map(look=None, grid=GRID):
    velocity = np.random.default_rng(1).normal(0.0, 0.01, grid.shape).astype(np.float32)
    velocity[3, 5] = np.nan
    velocity[4, 6] = 0.0
    return VelocityMap(velocity, grid, 5.25, look=look)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_half(target, error):
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error


class TestAtomicPath:
    def test_success_leaves_one_file(self, tmp_path):
        with atomic_path(tmp_path / "a.txt") as temporary:
            assert temporary.parent == tmp_path
            assert temporary.suffix == ".txt"
            temporary.write_text("new")
            assert not (tmp_path / "a.txt").exists()
        assert names(tmp_path) == ["a.txt"]

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_failure_leaves_the_old_file(self, tmp_path, error):
        target = tmp_path / "a.txt"
        target.write_text("old")
        with pytest.raises(error, match="halfway"):
            write_half(target, error("halfway"))
        assert names(tmp_path) == ["a.txt"]
        assert target.read_text() == "old"

    def test_failure_of_the_disk_names_the_file_and_the_remedy(self, tmp_path):
        target = tmp_path / "a.txt"
        target.write_text("old")
        with pytest.raises(OSError, match=r"cannot write .*a\.txt: No space left.* free space"):
            write_half(target, OSError(28, os.strerror(28)))
        assert names(tmp_path) == ["a.txt"]
        assert target.read_text() == "old"

    def test_body_that_wrote_nothing(self, tmp_path):
        with (
            pytest.raises(OSError, match=r"cannot write .*a\.txt"),
            atomic_path(tmp_path / "a.txt"),
        ):
            pass
        assert names(tmp_path) == []

    def test_refuses_folders(self, tmp_path):
        with pytest.raises(OSError, match="it is a folder, give the name of a file"):
            write_bytes(tmp_path, b"")
        with pytest.raises(OSError, match=r"the folder .*missing is missing, create it"):
            write_bytes(tmp_path / "missing" / "a.txt", b"")

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
    def test_folder_without_permission(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(OSError, match="choose a folder that is writable"):
            write_bytes(tmp_path / "a.txt", b"content")

    def test_permissions_are_those_of_any_new_file(self, tmp_path):
        (tmp_path / "plain").write_bytes(b"")
        write_bytes(tmp_path / "atomic", b"")
        modes = [(tmp_path / name).stat().st_mode for name in ("plain", "atomic")]
        assert modes[0] == modes[1]


class TestCog:
    def test_others_read_what_was_meant(self, tmp_path):
        array = np.random.default_rng(2).random((900, 1100))
        array[0, 0] = np.nan
        grid = Grid((900, 1100), Affine(0.001, 0, -68, 0, -0.001, -22), CRS.from_epsg(4326))
        path = tmp_path / "probability.tif"
        write_cog(path, array, grid, description="probability", unit="1", tags={"MODEL": "m"})
        assert names(tmp_path) == ["probability.tif"]
        with rasterio.open(path) as dataset:
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert dataset.overviews(1)[0] == 2
            assert dataset.compression.name == "deflate"
            assert dataset.dtypes == ("float32",)
            assert dataset.descriptions == ("probability",)
            assert dataset.units == ("1",)
            assert dataset.tags()["MODEL"] == "m"
            assert math.isnan(dataset.nodata)
            assert dataset.crs.to_epsg() == 4326
            assert_allclose(dataset.transform[:6], grid.transform[:6])
            assert dataset.xy(0, 0) == pytest.approx((-67.9995, -22.0005))
            assert_array_equal(dataset.read(1), array.astype(np.float32))

    def test_local_projection_survives(self, tmp_path):
        grid = Grid.around(179.99, -18.0, (8, 9), pixel_size=200.0)
        write_cog(tmp_path / "a.tif", np.zeros(grid.shape), grid, description="d", unit="m")
        with rasterio.open(tmp_path / "a.tif") as dataset:
            again = Grid(dataset.shape, dataset.transform, CRS.from_wkt(dataset.crs.to_wkt()))
        corners = ([0, 0, 7, 7], [0, 8, 0, 8])
        assert_allclose(
            again.longitude_latitude(*corners), grid.longitude_latitude(*corners), atol=1e-9
        )

    def test_masks_keep_their_type(self, tmp_path):
        mask = np.arange(1200, dtype=np.uint8).reshape(30, 40) % 2
        write_cog(tmp_path / "a.tif", mask, GRID, description="mask", unit="1", nodata=255)
        with rasterio.open(tmp_path / "a.tif") as dataset:
            assert dataset.nodata == 255
            assert_array_equal(dataset.read(1), mask)

    def test_bands_have_names_and_units_of_their_own(self, tmp_path):
        array = np.random.default_rng(3).random((2, *GRID.shape))
        path = tmp_path / "a.tif"
        write_cog(path, array, GRID, description=("rate", "width"), unit=("mm/yr", "km"))
        with rasterio.open(path) as dataset:
            assert dataset.descriptions == ("rate", "width")
            assert dataset.units == ("mm/yr", "km")
            assert_array_equal(dataset.read(), array.astype(np.float32))
        with pytest.raises(ValueError, match="2 bands have 1 descriptions and 2 units: give each"):
            write_cog(path, array, GRID, description="rate", unit=("mm/yr", "km"))

    def test_refuses_another_shape_and_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "a.tif"
        path.write_text("old")
        with pytest.raises(ValueError, match=r"array shape \(40, 30\) differs from the grid shape"):
            write_cog(path, np.zeros((40, 30)), GRID, description="d", unit="m")
        assert path.read_text() == "old"


class TestWriteMap:
    def test_millimetres_and_tags(self, tmp_path):
        velocity_map = example_map()
        write_map(tmp_path / "map.tif", velocity_map)
        assert names(tmp_path) == ["map.tif"]
        with rasterio.open(tmp_path / "map.tif") as dataset:
            tags = dataset.tags()
            values = dataset.read(1)
            assert dataset.units == ("mm/yr",)
            assert_allclose(dataset.transform[:6], GRID.transform[:6])
        assert tags["BRADYSEISM_QUANTITY"] == "velocity"
        assert tags["BRADYSEISM_UNIT"] == "mm/yr"
        assert tags["BRADYSEISM_POSITIVE"] == "toward"
        assert float(tags["BRADYSEISM_YEARS"]) == 5.25
        assert_allclose(values, 1000 * velocity_map.velocity, rtol=1e-6)
        assert math.isnan(values[3, 5])
        assert values[4, 6] == 0.0

    def test_look_goes_to_companions(self, tmp_path):
        varying = np.repeat(LOOK[:, np.newaxis], 30 * 40, axis=1).reshape(3, 30, 40)
        varying[:, 2, 3] = np.nan
        for name, look in (("constant", LOOK), ("varying", varying)):
            write_map(tmp_path / f"{name}.tif", example_map(look))
            for letter, component in zip("ENU", look, strict=True):
                with rasterio.open(tmp_path / f"{name}.{letter}.tif") as dataset:
                    expected = np.broadcast_to(component, (30, 40)).astype(np.float32)
                    assert_array_equal(dataset.read(1), expected)
                    assert_allclose(dataset.transform[:6], GRID.transform[:6])
        assert len(names(tmp_path)) == 8

    @pytest.mark.parametrize("look", [None, LOOK])
    def test_the_reader_understands_it_without_options(self, tmp_path, look):
        grid = Grid.around(179.99, -18.0, (40, 50), pixel_size=200.0)
        velocity_map = example_map(look, grid)
        write_map(tmp_path / "map.tif", velocity_map)
        again = open_map(tmp_path / "map.tif")
        assert again.grid.is_same(grid)
        assert again.years == 5.25
        # Once to mm and back in float32.
        assert_allclose(again.velocity, velocity_map.velocity, rtol=3e-7)
        if look is None:
            assert again.look is None
        else:
            assert_allclose(again.look.reshape(3, -1)[:, 0], LOOK, atol=1e-6)

    def test_companions_of_another_map_are_refused(self, tmp_path):
        path = tmp_path / "map.tif"
        write_map(path, example_map(LOOK))
        before = {file: (tmp_path / file).read_bytes() for file in names(tmp_path)}
        with pytest.raises(ValueError, match=r"companions map.E.tif, .* remove them or choose"):
            write_map(path, example_map())
        assert {file: (tmp_path / file).read_bytes() for file in names(tmp_path)} == before

    def test_failure_leaves_all_old_files(self, tmp_path, monkeypatch):
        path = tmp_path / "map.tif"
        write_map(path, example_map(LOOK))
        before = {file: (tmp_path / file).read_bytes() for file in names(tmp_path)}
        write = Path.write_bytes

        def full(self, content):
            if len(list(tmp_path.glob(".*"))) == 3:
                raise OSError(28, os.strerror(28))
            return write(self, content)

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            write_map(path, example_map(-LOOK))
        assert {file: (tmp_path / file).read_bytes() for file in names(tmp_path)} == before

    def test_refuses_another_suffix(self, tmp_path):
        with pytest.raises(ValueError, match=r"'map\.png' does not end in \.tif"):
            write_map(tmp_path / "map.png", example_map())


def area(ring):
    x, y = (np.array(ring) - ring[0]).T
    return np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2


class TestGeometry:
    def test_point_is_brought_into_range(self):
        assert point(190.0, -5.0) == {"type": "Point", "coordinates": [-170.0, -5.0]}
        assert point(-68.123456789, 0.0)["coordinates"][0] == -68.1234568

    def test_ring_is_closed_and_anticlockwise(self):
        clockwise = [(0.0, 0.0), (0.0, 2.0), (1.0, 2.0), (1.0, 0.0)]
        for ring in (clockwise, clockwise[::-1], [*clockwise, clockwise[0]]):
            geometry = polygon(ring)
            assert geometry["type"] == "Polygon"
            (outer,) = geometry["coordinates"]
            assert outer[0] == outer[-1]
            assert len(outer) == 5
            assert area(outer) == pytest.approx(2.0)

    @pytest.mark.parametrize(
        "longitudes",
        [(179.0, 182.0, 182.0, 179.0), (-181.0, -178.0, -178.0, -181.0), (179, -178, -178, 179)],
    )
    def test_ring_is_cut_at_the_dateline(self, longitudes):
        geometry = polygon(list(zip(longitudes, (-1.0, -1.0, 1.0, 1.0), strict=True)))
        assert geometry["type"] == "MultiPolygon"
        ((west,), (east,)) = geometry["coordinates"]
        assert area(west) == pytest.approx(2.0)
        assert area(east) == pytest.approx(4.0)
        assert {x for x, _ in west} == {179.0, 180.0}
        assert {x for x, _ in east} == {-180.0, -178.0}

    def test_slanted_side_is_cut_where_it_crosses(self):
        geometry = polygon([(179.0, 0.0), (181.0, 1.0), (179.0, 1.0)])
        ((west,), (east,)) = geometry["coordinates"]
        assert [180.0, 0.5] in west
        assert [-180.0, 0.5] in east
        assert area(west) + area(east) == pytest.approx(1.0)

    def test_ring_that_touches_the_dateline_stays_whole(self):
        assert polygon([(179.0, 0.0), (180.0, 0.0), (180.0, 1.0)])["type"] == "Polygon"
        whole = polygon([(180.0, 0.0), (181.0, 0.0), (180.0, 1.0)])
        assert whole["type"] == "Polygon"
        assert min(x for x, _ in whole["coordinates"][0]) == -180.0

    def test_footprint_of_a_map_over_the_dateline(self):
        grid = Grid((50, 100), Affine(0.01, 0, 179.5, 0, -0.01, 10.0), CRS.from_epsg(4326))
        geometry = polygon(grid.footprint())
        assert geometry["type"] == "MultiPolygon"
        assert [area(part) for (part,) in geometry["coordinates"]] == pytest.approx([0.25, 0.25])

    def test_refusals(self):
        with pytest.raises(
            ValueError, match=r"latitude 120\) is not on the Earth.*longitude first"
        ):
            point(10.0, 120.0)
        with pytest.raises(ValueError, match="longitude nan"):
            polygon([(0.0, 0.0), (math.nan, 1.0), (1.0, 1.0)])
        with pytest.raises(ValueError, match="ring of 2 corners is not a polygon"):
            polygon([(0.0, 0.0), (1.0, 1.0), (0.0, 0.0)])
        with pytest.raises(ValueError, match="goes around a pole"):
            polygon([(longitude, 80.0) for longitude in range(-180, 180, 30)])


class TestJson:
    def test_feature_collection(self, tmp_path):
        path = tmp_path / "a.geojson"
        attributes = {"id": "one", "rate": np.float32(1.5), "radius": math.nan, "name": "Láscar"}
        write_geojson(path, [(point(-67.7, -23.4), attributes)], {"model": "m"})
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["type"] == "FeatureCollection"
        assert content["properties"] == {"model": "m"}
        (feature,) = content["features"]
        assert feature["type"] == "Feature"
        assert feature["id"] == "one"
        assert feature["geometry"] == {"type": "Point", "coordinates": [-67.7, -23.4]}
        assert feature["properties"]["rate"] == 1.5
        assert feature["properties"]["radius"] is None
        assert feature["properties"]["name"] == "Láscar"

    def test_values_that_json_knows(self, tmp_path):
        content = {"a": np.array([[1.0, np.nan]]), "b": (np.int64(2), True, None), "c": {"d": "e"}}
        write_json(tmp_path / "a.json", content)
        assert json.loads((tmp_path / "a.json").read_text()) == {
            "a": [[1.0, None]],
            "b": [2, True, None],
            "c": {"d": "e"},
        }

    def test_refusals_name_the_value_and_keep_the_old_file(self, tmp_path):
        path = tmp_path / "a.json"
        path.write_text("old")
        with pytest.raises(ValueError, match=r"content\.maps\[1\]\.rate is inf, which JSON cannot"):
            write_json(path, {"maps": [{}, {"rate": math.inf}]})
        with pytest.raises(ValueError, match=r"content\.path is a PosixPath"):
            write_json(path, {"path": path})
        assert path.read_text() == "old"


class TestCsv:
    def test_round_trip(self, tmp_path):
        path = tmp_path / "a.csv"
        rows = [
            [355100, 'Láscar, "the" volcano', np.float64(0.25), True, None],
            [1, "b", math.nan, False, -1.5],
        ]
        write_csv(path, ["number", "name", "probability", "flag", "rate"], rows)
        with path.open(encoding="utf-8", newline="") as file:
            found = list(csv.reader(file))
        assert found == [
            ["number", "name", "probability", "flag", "rate"],
            ["355100", 'Láscar, "the" volcano', "0.25", "true", ""],
            ["1", "b", "", "false", "-1.5"],
        ]

    @pytest.mark.parametrize(
        "text",
        [
            '=HYPERLINK("http://a","b")',
            "+1+cmd|' /C calc'!A0",
            "-1+2",
            "@SUM(A1)",
            " =1+1",
            "\t=1+1",
            "\rtext",
            "-inf",
            "\uff1d1+1",
        ],
    )
    def test_formulas_become_text(self, tmp_path, text):
        write_csv(tmp_path / "a.csv", ["=name"], [[text]])
        with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file)) == [["'=name"], ["'" + text.replace("\r", "\n")]]

    @pytest.mark.parametrize(
        "number", [-1.5, "-1.5", "+3", "-2e-05", ".5", np.float32(-0.5), "-67.1 -22.3 6; -68 -25 6"]
    )
    def test_numbers_stay(self, tmp_path, number):
        write_csv(tmp_path / "a.csv", ["a"], [[number]])
        assert (tmp_path / "a.csv").read_text() == f"a\n{number}\n"

    @pytest.mark.parametrize("text", ["-1+cmd", "-1 2;=1", "+3 -", "- 1"])
    def test_what_only_begins_as_a_number_is_text(self, tmp_path, text):
        write_csv(tmp_path / "a.csv", ["a"], [[text]])
        assert (tmp_path / "a.csv").read_text() == f"a\n'{text}\n"

    def test_refuses_a_short_row(self, tmp_path):
        with pytest.raises(ValueError, match="row 2 has 1 cells for 2 columns"):
            write_csv(tmp_path / "a.csv", ["a", "b"], [[1, 2], [1]])
        assert names(tmp_path) == []


class TestStagedFolder:
    def write(self, folder, *names, leftovers=("*/probability.tif",), signature=""):
        with staged_folder(folder, leftovers=leftovers, signature=signature) as staging:
            for name in names:
                (staging / name).parent.mkdir(exist_ok=True)
                (staging / name).write_text("new")

    def test_leftovers_of_an_earlier_run_go_and_nothing_else(self, tmp_path):
        self.write(tmp_path, "report.html", "a/probability.tif", "b/probability.tif")
        (tmp_path / "b" / "mine.txt").write_text("precious")
        (tmp_path / "mine.txt").write_text("precious")
        self.write(tmp_path, "report.html", "probability.tif")
        kept = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
        assert kept == {"report.html", "probability.tif", "mine.txt", "b", "b/mine.txt"}

    def test_a_folder_inside_that_another_run_has_signed_stays_whole(self, tmp_path):
        self.write(tmp_path / "a", "report.html", "probability.tif")
        self.write(tmp_path, "b/probability.tif", signature="report.html")
        self.write(tmp_path, "report.html", signature="report.html")
        assert names(tmp_path / "a") == ["probability.tif", "report.html"]
        assert not (tmp_path / "b").exists()

    def test_nothing_written_leaves_everything_as_it_was(self, tmp_path):
        self.write(tmp_path, "a/probability.tif")
        self.write(tmp_path)
        self.write(tmp_path / "new" / "deeper")
        assert names(tmp_path) == ["a"]
        assert names(tmp_path / "a") == ["probability.tif"]

    def test_failure_leaves_the_earlier_run_whole(self, tmp_path):
        self.write(tmp_path, "a/probability.tif")
        with (
            pytest.raises(RuntimeError, match="halfway"),
            staged_folder(tmp_path, leftovers=("*/probability.tif",)),
        ):
            raise RuntimeError("halfway")
        assert (tmp_path / "a" / "probability.tif").is_file()
        assert names(tmp_path) == ["a"]
