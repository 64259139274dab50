"""The analogue set as files: tables, hashes, and the doors that it goes through."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import rasterio
from numpy.testing import assert_allclose

from bradyseism.evaluation.truth import Place, read_truth, volcano_free_maps
from bradyseism.maps.near import distance
from bradyseism.maps.readers import open_map
from bradyseism.maps.volcanoes import read_catalogue
from bradyseism.samples.real import read_backgrounds
from bradyseism.scenes.analogue import analogue_frame, fingerprint
from bradyseism.scenes.analogue_background import BACKGROUNDS
from bradyseism.scenes.analogue_frozen import FINGERPRINTS, SHA256
from bradyseism.workflows.analogue import write_analogue


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Three frames (two of one place, one quiet) and one background map, written here."""
    folder = tmp_path_factory.mktemp("analogue")
    reports = []
    manifest = write_analogue(
        folder,
        frames=(1, 2, 3),
        backgrounds=(59,),
        processes=1,
        progress=lambda *said: reports.append(said),
    )
    assert [done for done, _, _ in reports] == [1, 2, 3, 4]
    return folder, manifest


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_maps_open_without_options_and_agree_with_the_truth(small) -> None:
    folder, _ = small
    rows, lines = read_truth(folder / "truth.csv"), table(folder / "truth.csv")
    assert [row.volcanic for row in rows] == [True, True, False]
    for row, line, number in zip(rows, lines, (1, 2, 3), strict=True):
        opened, made = row.open(), analogue_frame(number)
        assert_allclose(opened.velocity, made.map.velocity, rtol=1e-6, atol=1e-9)
        look = np.array([np.nanmean(part) for part in opened.look])
        assert_allclose(look, made.track.look, atol=1e-6)
        assert opened.years == 5.0
        assert float(line["rate_mm_yr"]) == pytest.approx(1e3 * made.rate, abs=1e-3)
        assert int(line["positive_patches"]) == made.positive_patches().sum()
        assert line["track"] == made.track.direction
    peak = int(lines[0]["peak_row"]), int(lines[0]["peak_column"])
    longitude, latitude = open_map(rows[0].path).grid.longitude_latitude(*peak)
    assert distance(rows[0].must[0], Place(float(longitude), float(latitude), 0.0)) < 5.0
    assert lines[2]["peak_row"] == ""


def test_relief_is_written_once_for_each_place_in_whole_metres(small) -> None:
    folder, _ = small
    dems = sorted(path.name for path in (folder / "dem").iterdir())
    assert dems == ["background_59.tif", "place_01.tif", "place_02.tif"]
    with rasterio.open(folder / "dem" / "place_01.tif") as dem:
        assert np.abs(dem.read(1) - analogue_frame(2).ground.elevation).max() <= 0.5


def test_background_is_volcano_free_and_gives_its_patches(small) -> None:
    folder, manifest = small
    assert len(volcano_free_maps(folder / "background")) == 1
    (row,) = table(folder / "background" / "truth.csv")
    patches = read_backgrounds([folder / "background" / row["path"]])
    assert len(patches) == int(row["patches"]) == manifest["background_patches"] == 13


def test_catalogue_names_the_volcano_in_the_centre_of_each_place(small) -> None:
    folder, _ = small
    catalogue = read_catalogue(folder / "volcanoes.csv")
    frame = analogue_frame(3)
    _, distance = catalogue.nearest(frame.place.longitude, frame.place.latitude)
    assert distance < 200.0
    assert len(catalogue.volcanoes) == sum(1 + analogue_frame(n).place.neighbours for n in (1, 3))


def test_manifest_says_what_was_made(small) -> None:
    folder, manifest = small
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert manifest["is_frozen_version"]
    assert manifest["sha256"] != SHA256
    assert manifest["frozen_sha256"] == SHA256
    for name, value in manifest["fingerprints"].items():
        assert FINGERPRINTS[name] == value
    name = analogue_frame(1).map.name
    # The file holds what was hashed.
    assert fingerprint(open_map(folder / "frames" / f"{name}.tif")) == FINGERPRINTS[name]


@pytest.mark.slow
def test_the_other_reading_of_the_noise_is_not_the_frozen_version(tmp_path) -> None:
    manifest = write_analogue(
        tmp_path, noise_level="sill", frames=(8,), backgrounds=(), processes=1
    )
    assert not manifest["is_frozen_version"]
    assert manifest["noise_level"] == "sill"
    assert not (tmp_path / "background").exists()


def test_processes_must_be_positive(tmp_path) -> None:
    with pytest.raises(ValueError, match="processes 0 is below 1"):
        write_analogue(tmp_path, processes=0)


@pytest.mark.slow
def test_the_whole_set_is_the_frozen_one_and_has_its_numbers(tmp_path) -> None:
    manifest = write_analogue(tmp_path, processes=2)
    assert manifest["is_frozen_version"]
    assert manifest["sha256"] == SHA256
    assert manifest["background_patches"] == 836
    maps = [
        tmp_path / "background" / row["path"] for row in table(tmp_path / "background/truth.csv")
    ]
    assert len(maps) == BACKGROUNDS
    assert len(read_backgrounds(maps)) == 836
    assert len(read_catalogue(tmp_path / "volcanoes.csv").volcanoes) == 46
    assert sum(row.volcanic is True for row in read_truth(tmp_path / "truth.csv")) == 10
