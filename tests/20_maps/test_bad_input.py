"""What is no velocity map is refused with one message: name, value, rule, remedy."""

import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS

from bradyseism.maps.readers import ReadOptions, inspect_map, open_map

SAID = ReadOptions(unit="mm/yr", positive="toward", years=4.0)
ATTRIBUTES = {
    "FILE_TYPE": "velocity", "UNIT": "m/year", "X_FIRST": "10", "Y_FIRST": "40", "X_STEP": "0.001",
    "Y_STEP": "-0.001", "X_UNIT": "degrees", "START_DATE": "20150101", "END_DATE": "20190101",
}  # fmt: skip


TRANSFORM = Affine(0.01, 0.0, 14.0, 0.0, -0.01, 41.0)


def tif(path, array, transform=TRANSFORM, crs="EPSG:4326", **more):
    array = np.asarray(array)
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=array.shape[0], width=array.shape[1],
        dtype=array.dtype, transform=transform, crs=crs, **more,
    ) as target:  # fmt: skip
        target.write(array, 1)
    return path


def hdf5(path, data=None, **attributes):
    with h5py.File(path, "w") as file:
        if data is not None:
            file["velocity"] = data
        for name, value in {**ATTRIBUTES, **attributes}.items():
            file.attrs[name] = value
    return path


@pytest.fixture
def ramp():
    return np.arange(12, dtype=np.float32).reshape(3, 4) + 1


def refused(path, message, options=SAID, kind=ValueError):
    """Both ways in refuse, with one line."""
    for way in (open_map, inspect_map):
        with pytest.raises(kind, match=message) as caught:
            way(path, options)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0", b"hello, world", b'{"a": 1}'])
def test_not_a_raster(tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    refused(tmp_path / "a.tif", "no map that can be read.*give a GeoTIFF")


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"hello, world\nagain", r"begins with 'hello, world'\)"),
        (b"\x89PNG\r\n\x1a\n", "89 50 4e 47"),
    ],
)
def test_beginning_is_shown_as_people_read_it(tmp_path, content, shown):
    (tmp_path / "a.tif").write_bytes(content)
    refused(tmp_path / "a.tif", f"{shown}.*--columns")


def test_columns_of_no_table(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0" + bytes(100))
    options = replace(SAID, columns="velocity=3")
    refused(tmp_path / "a.tif", "columns 'velocity=3' .* read as geotiff: leave out", options)


def test_text_without_numbers_in_columns(tmp_path):
    (tmp_path / "a.txt").write_text("chapter 1\nof a book\n")
    refused(tmp_path / "a.txt", "neither a raster nor a table")


def test_empty_file(tmp_path):
    (tmp_path / "a.tif").touch()
    refused(tmp_path / "a.tif", "is empty")


def test_path_that_does_not_exist(tmp_path):
    refused(tmp_path / "nowhere.tif", "does not exist", kind=FileNotFoundError)


@pytest.mark.parametrize(
    "path",
    [
        "/vsicurl/http://example.org/a.tif", "/vsizip/a.zip/a.tif", "http://example.org/a.tif",
        "https://example.org/a.tif", "s3://bucket/a.tif", "zip+file:///a.zip!a.tif", "zip:a.zip",
    ],
)  # fmt: skip
def test_addresses_are_not_files(path):
    refused(path, "is an address")


def test_device_is_not_a_file():
    refused("/dev/null", "not a regular file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_without_read_permission(tmp_path, ramp):
    path = tif(tmp_path / "a.tif", ramp)
    path.chmod(0)
    refused(path, "may not be read.*chmod", kind=PermissionError)


def test_permission_message_whoever_runs_it(tmp_path, ramp, monkeypatch):
    path = tif(tmp_path / "a.tif", ramp)

    def denied(self, *arguments, **keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    refused(path, "may not be read.*chmod", kind=PermissionError)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("unit", "inch/yr", "unit 'inch/yr' is not known.*mm/yr"),
        ("unit", "rad", "unit 'rad' is not known"),
        ("positive", "up", "positive 'up' is not known.*toward, away"),
        ("quantity", "strain", "quantity 'strain' is not known"),
        ("reader", "grib", "reader 'grib' is not known"),
        ("years", 0.0, "years 0 is outside"),
        ("years", float("nan"), "years nan is outside"),
        ("crs", "EPSG:1", "crs 'EPSG:1' is not a coordinate reference system"),
        ("crs", "EPSG:4978", "neither geographic nor projected"),
        ("look", "sideways", "look 'sideways' is not understood"),
        ("look", "0.5,0.5,0.5", "has length 0.866"),
        ("look", "0.6,0,-0.8", "up > 0"),
    ],
)
def test_options_that_are_no_options(option, value, message):
    with pytest.raises(ValueError, match=message):
        ReadOptions(**{option: value})


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("unit", r"does not say its unit .*--unit"),
        ("positive", r"does not say its sign .*--positive"),
        ("crs", r"does not say its CRS .*--crs"),
        ("years", r"does not say its time span .*--years"),
    ],
)
def test_each_missing_fact_names_its_option(tmp_path, ramp, left_out, message):
    path = tif(tmp_path / "a.tif", ramp, crs=None)
    said = {"unit": "mm/yr", "positive": "toward", "crs": "EPSG:4326", "years": 4.0}
    del said[left_out]
    with pytest.raises(ValueError, match=message):
        open_map(path, ReadOptions(**said))
    assert len(inspect_map(path, ReadOptions(**said)).missing) == 1


def test_unit_against_quantity(tmp_path, ramp):
    path = tif(tmp_path / "a.tif", ramp)
    options = ReadOptions(quantity="velocity", unit="mm", positive="toward", years=4.0)
    refused(path, "unit mm .*pass --quantity displacement", options)


def test_millimetres_taken_for_metres(tmp_path, ramp):
    path = tif(tmp_path / "a.tif", 10.0 * ramp)
    with pytest.raises(ValueError, match=r"more than 20.*--unit mm/yr"):
        open_map(path, ReadOptions(unit="m/yr", positive="toward", years=4.0))


def test_metres_are_no_degrees(tmp_path, ramp):
    corner = Affine(25.0, 0.0, 500_000.0, 0.0, -25.0, 4_500_000.0)
    path = tif(tmp_path / "a.tif", ramp, corner, crs=None)
    said = {"unit": "mm/yr", "positive": "toward", "years": 4.0}
    refused(path, "are no degrees.*--crs", ReadOptions(**said, crs="EPSG:4326"))
    degrees = tif(tmp_path / "b.tif", ramp, crs=None)
    refused(degrees, "look like degrees.*--crs", ReadOptions(**said, crs="EPSG:32633"))


def test_all_missing(tmp_path, ramp):
    path = tif(tmp_path / "a.tif", np.full_like(ramp, np.nan))
    with pytest.raises(ValueError, match=r"holds 0 valid pixels of 12.*mask inverted"):
        open_map(path, SAID)
    assert ("value range", "no valid pixel", "the data") in inspect_map(path).facts


def test_single_pixel(tmp_path):
    path = tif(tmp_path / "a.tif", np.ones((1, 1), np.float32))
    with pytest.raises(ValueError, match="map of 1 x 1 pixels"):
        open_map(path, SAID)


def test_no_georeferencing(tmp_path, ramp):
    path = tmp_path / "a.tif"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        tif(path, ramp, Affine.identity(), crs=None)
    refused(path, "no georeferencing")


def test_complex_interferogram(tmp_path, ramp):
    refused(tif(tmp_path / "a.tif", ramp.astype(np.complex64)), "numbers of type complex64")


def test_coloured_picture(tmp_path):
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=3, width=3, dtype="uint8", photometric="RGB",
        crs="EPSG:4326", transform=Affine(0.01, 0.0, 14.0, 0.0, -0.01, 41.0),
    ) as target:  # fmt: skip
        target.write(np.ones((3, 3, 3), np.uint8))
    refused(path, "coloured picture")


@pytest.mark.parametrize(
    "name",
    [
        "20200101_20200113.geo.unw.tif",
        "S1AA_20150430T172012_20150524T172013_VVP024_INT80_G_weF_0DBA_unw_phase.tif",
        "S1AA_20150430T172012_20150524T172013_VVP024_INT80_G_weF_0DBA_los_disp.tif",
        "geo.unw.tif",
    ],
)
def test_interferogram_by_its_name(tmp_path, ramp, name):
    refused(tif(tmp_path / name, ramp), "single interferogram by its name")


@pytest.mark.parametrize("unit", ["rad", "radian", "Radians"])
def test_interferogram_in_radians(tmp_path, ramp, unit):
    path = tif(tmp_path / "a.tif", ramp)
    with rasterio.open(path, "r+") as target:
        target.units = (unit,)
    refused(path, "a phase: a single interferogram is no velocity map")


def test_virtual_raster_named_tif(tmp_path, ramp):
    source = tif(tmp_path / "source.tif", ramp)
    path = tmp_path / "a.tif"
    path.write_text(
        '<VRTDataset rasterXSize="4" rasterYSize="3"><VRTRasterBand dataType="Float32" band="1">'
        f"<SimpleSource><SourceFilename>{source}</SourceFilename></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    refused(path, "virtual raster")
    forced = ReadOptions(reader="geotiff", unit="mm/yr", positive="toward", years=4.0)
    refused(path, "cannot be read as a GeoTIFF", forced, OSError)


def test_truncated_geotiff(tmp_path):
    array = np.random.default_rng(1).normal(size=(200, 300)).astype(np.float32)
    path = tif(tmp_path / "a.tif", array, compress="deflate")
    os.truncate(path, path.stat().st_size // 2)
    refused(path, "damaged", kind=OSError)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_truncated_hdf5(tmp_path, share):
    array = np.random.default_rng(1).normal(size=(200, 300)).astype(np.float32)
    path = hdf5(tmp_path / "velocity.h5", array)
    os.truncate(path, int(share * path.stat().st_size))
    refused(path, "cannot be read as HDF5.*copy it again", kind=OSError)


def test_hdf5_of_another_producer(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["velocity"] = np.ones((3, 4))
    refused(tmp_path / "a.h5", "without the attribute FILE_TYPE")


@pytest.mark.parametrize(
    "name", ["velocityERA5.h5", "geo_velocityERA5.h5", "velocityGACOS.h5", "velocity_ERA5.h5"]
)
def test_tropospheric_velocity(tmp_path, ramp, name):
    refused(hdf5(tmp_path / name, ramp), "tropospheric delay")


def test_tropospheric_velocity_under_another_name(tmp_path, ramp):
    path = hdf5(tmp_path / "velocity.h5", ramp, FILE_PATH="/data/mintpy/inputs/ERA5.h5")
    refused(path, "tropospheric delay")


def test_corrected_series_is_not_tropospheric(tmp_path, ramp):
    source = "/data/mintpy/timeseries_ERA5_ramp_demErr.h5"
    path = hdf5(tmp_path / "velocity.h5", ramp, FILE_PATH=source)
    assert open_map(path).valid.all()


@pytest.mark.parametrize("kind", ["temporalCoherence", "ifgramStack", "mask", "geometry"])
def test_mintpy_files_without_motion(tmp_path, ramp, kind):
    refused(hdf5(tmp_path / "a.h5", ramp, FILE_TYPE=kind), f"FILE_TYPE '{kind}'")


@pytest.mark.parametrize("unit", ["radian", "radian/year"])
def test_mintpy_in_radians(tmp_path, ramp, unit):
    refused(hdf5(tmp_path / "velocity.h5", ramp, UNIT=unit), "a phase: give the velocity")


@pytest.mark.parametrize("link", [h5py.ExternalLink("other.h5", "/velocity"), h5py.SoftLink("/a")])
def test_links_are_not_followed(tmp_path, ramp, link):
    hdf5(tmp_path / "other.h5", ramp)
    path = hdf5(tmp_path / "velocity.h5", ramp)
    with h5py.File(path, "a") as file:
        file.create_group("deeper")["elsewhere"] = link
    refused(path, "links are not followed")


def test_external_storage_is_not_followed(tmp_path, ramp):
    (tmp_path / "raw.bin").write_bytes(ramp.tobytes())
    path = hdf5(tmp_path / "velocity.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("velocity", (3, 4), "f4", external=[(str(tmp_path / "raw.bin"), 0, 48)])
    refused(path, "lie in other files")


def test_virtual_dataset_is_not_followed(tmp_path, ramp):
    hdf5(tmp_path / "other.h5", ramp)
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "velocity", (3, 4))
    path = hdf5(tmp_path / "velocity.h5")
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("velocity", layout)
    refused(path, "lie in other files")


def test_hdf5_that_unpacks_without_measure(tmp_path):
    path = hdf5(tmp_path / "velocity.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset(
            "velocity", (40_000, 40_000), "f4", chunks=(1000, 1000), compression="gzip"
        )
    assert path.stat().st_size < 1_000_000
    refused(path, "unpacks from .* to 6.1e.03 MiB")


def test_hdf5_in_one_huge_chunk(tmp_path, monkeypatch):
    path = hdf5(tmp_path / "velocity.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("velocity", (20_000, 20_000), "f4", chunks=(20_000, 20_000))
    monkeypatch.setattr("bradyseism.maps.readers.files._LARGEST_RATIO", np.inf)
    refused(path, "chunks of 1.49 GiB")


def test_geotiff_that_unpacks_without_measure(tmp_path):
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=40_000, width=40_000, dtype="float32",
        tiled=True, sparse_ok=True, crs=CRS.from_epsg(4326).to_wkt(),
        transform=Affine(0.001, 0.0, 14.0, 0.0, -0.001, 41.0),
    ):  # fmt: skip
        pass
    assert path.stat().st_size < 1_000_000
    refused(path, "unpacks from .* a measured map does not")
