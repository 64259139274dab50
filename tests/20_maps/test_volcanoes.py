"""The catalogue: both headings, the nearest volcano anywhere on Earth, refusals."""

import math

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS

from bradyseism.maps.velocity_map import Grid
from bradyseism.maps.volcanoes import Catalogue, Volcano, read_catalogue

OURS = "number,name,latitude,longitude,elevation_m\n"
GVP = '"Volcano Number","Volcano Name",Country,Latitude,Longitude,"Elevation (m)"\n'


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "volcanoes.csv"
    path.write_bytes(text.encode(encoding))
    return path


class TestRead:
    def test_our_headings(self, tmp_path):
        path = write(tmp_path, OURS + "355100,Láscar,-23.37,-67.73,5592\n\n1,Seamount,1,2,-40\n")
        first, second = read_catalogue(path).volcanoes
        assert first == Volcano(355100, "Láscar", -67.73, -23.37, 5592.0)
        assert second.elevation == -40.0

    @pytest.mark.parametrize("title", ["", '"Global Volcanism Program, 2024. List",,,,,\n'])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_spreadsheet_headings(self, tmp_path, title, mark):
        row = '355100,"Láscar, N",Chile,-23.37,-67.73,5592\n'
        path = write(tmp_path, mark + title + GVP + row)
        assert read_catalogue(path).volcanoes == (
            Volcano(355100, "Láscar, N", -67.73, -23.37, 5592.0),
        )

    @pytest.mark.parametrize("elevation", ["", "Unknown", "NaN"])
    def test_unknown_elevation_is_missing(self, tmp_path, elevation):
        path = write(tmp_path, OURS + f"1,a,0,0,{elevation}\n")
        assert math.isnan(read_catalogue(path).volcanoes[0].elevation)

    def test_a_real_catalogue(self, shared):
        catalogue = read_catalogue(shared / "field" / "region" / "volcanoes.csv")
        assert len(catalogue.volcanoes) > 1000
        volcano, distance = catalogue.nearest(14.139, 40.827)
        assert volcano.name == "Campi Flegrei"
        assert distance < 3000.0

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", r"volcanoes\.csv is empty: give headings"),
            (" \n,,\n", r"volcanoes\.csv is empty: give headings"),
            (OURS, "holds no volcano below its headings"),
            (
                "number,name,latitude,elevation_m\n1,a,2,3\n",
                r"lacks 1 of 5 columns \('longitude'\): .*'number,",
            ),
            (
                "number;name;latitude;longitude;elevation_m\n",
                r"lacks 5 of 5 columns \('number' or 'volcano number', 'name'.*separated by commas",
            ),
            (OURS + "1,a,95,0,0\n", r"line 2: latitude 95 of volcano 'a' is outside .*swapped"),
            (OURS + "1,a,0,0,0\n1,b,0,200,0\n", r"line 3: longitude 200 .*'b' .*subtract 360"),
            (OURS + "1,a,nan,0,0\n", r"line 2: latitude nan"),
            (OURS + "1, ,0,0,0\n", r"line 2: volcano 1 has an empty name"),
            (OURS + "one,a,0,0,0\n", r"line 2: number 'one' is not a number"),
            (OURS + "1,a,0,east,0\n", r"line 2: longitude 'east' is not a number"),
            (
                OURS + "1,a,0\n",
                r"line 2: 3 cells leave out the longitude: correct or remove that line",
            ),
        ],
    )
    def test_refusals(self, tmp_path, text, message):
        with pytest.raises(ValueError, match=message):
            read_catalogue(write(tmp_path, text))

    def test_other_encodings_and_files_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match=r"is not UTF-8 text \(byte 46\): save it as CSV"):
            read_catalogue(write(tmp_path, OURS + "1,Láscar,0,0,0\n", "latin-1"))
        with pytest.raises(ValueError, match=r"line 1: .*: save it as CSV"):
            read_catalogue(write(tmp_path, '"' + "a" * 200_000 + '"\n'))
        with pytest.raises(OSError, match=r"missing\.csv"):
            read_catalogue(tmp_path / "missing.csv")


class TestNearest:
    CATALOGUE = Catalogue(
        (
            Volcano(1, "west of the dateline", 179.9, -17.0),
            Volcano(2, "east of the dateline", -179.0, -17.0),
            Volcano(3, "Iceland", -17.0, 65.0),
            Volcano(4, "Iceland, north", -17.0, 66.0),
            Volcano(5, "Iceland, east", -15.5, 65.0),
        )
    )

    @pytest.mark.parametrize(
        ("longitude", "number"), [(-179.9, 1), (180.1, 1), (179.4, 1), (-179.2, 2), (180.8, 2)]
    )
    def test_across_the_dateline(self, longitude, number):
        volcano, distance = self.CATALOGUE.nearest(longitude, -17.0)
        assert volcano.number == number
        # One degree is 106 km at this latitude.
        assert distance < 0.51 * 106_600

    def test_along_the_sphere_and_not_in_degrees(self):
        # 1 degree north is 111 km, 1.5 degrees east at 65 N are 71 km.
        volcano, distance = Catalogue(self.CATALOGUE.volcanoes[3:]).nearest(-17.0, 65.0)
        assert volcano.number == 5
        # 1.5 degrees of the parallel: a cos(lat) / sqrt(1 - e^2 sin^2(lat)).
        parallel = 6378137.0 * math.cos(math.radians(65.0)) / math.sqrt(1 - 0.00669438 * 0.8214)
        assert distance == pytest.approx(math.radians(1.5) * parallel, rel=1e-4)

    def test_at_a_volcano(self):
        volcano, distance = self.CATALOGUE.nearest(-17.0, 65.0)
        assert (volcano.number, distance) == (3, 0.0)

    def test_refusals(self):
        with pytest.raises(ValueError, match=r"latitude -95\) is not on the Earth"):
            self.CATALOGUE.nearest(0.0, -95.0)
        with pytest.raises(ValueError, match="catalogue of 0 volcanoes is empty"):
            Catalogue(())


class TestInside:
    @pytest.mark.parametrize("west", [179.5, -180.5])
    def test_across_the_dateline(self, west):
        grid = Grid((100, 200), Affine(0.01, 0, west, 0, -0.01, -16.5), CRS.from_epsg(4326))
        inside = TestNearest.CATALOGUE.inside(grid)
        assert [volcano.number for volcano in inside] == [1, 2]

    def test_border_counts_by_pixel(self):
        grid = Grid((10, 10), Affine(0.1, 0, 10.0, 0, -0.1, 50.0), CRS.from_epsg(4326))
        positions = [
            (10.001, 49.999),
            (9.999, 49.5),
            (10.999, 49.001),
            (11.001, 49.5),
            (10.5, 50.1),
        ]
        catalogue = Catalogue(
            tuple(Volcano(n, "a", x, y) for n, (x, y) in enumerate(positions, start=1))
        )
        assert [volcano.number for volcano in catalogue.inside(grid)] == [1, 3]

    def test_projections_without_the_far_side(self):
        grid = Grid.around(-17.0, 65.0, (1500, 1500), pixel_size=200.0)
        numbers = [volcano.number for volcano in TestNearest.CATALOGUE.inside(grid)]
        assert numbers == [3, 4, 5]
        assert np.isfinite(grid.pixel_size)
