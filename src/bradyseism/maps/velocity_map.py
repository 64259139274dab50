"""The one currency between floors: a line-of-sight velocity map on a georeferenced grid."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Geod, Transformer

from bradyseism.maps.oddities import too_fast
from bradyseism.maps.resampling import resample

LOOK_TOLERANCE = 1e-2
_EDGE_POINTS = 65  # along each side of a footprint: follows the curve of a 10 degree side to 10 m
_GEOGRAPHIC = CRS.from_user_input("OGC:CRS84")
_GEOD = Geod(ellps="WGS84")


@lru_cache(maxsize=64)
def _transformer(source: CRS, target: CRS) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _wrapped(longitude: NDArray[np.float64], centre: float) -> NDArray[np.float64]:
    """Longitudes within half a turn of `centre`; those that are there stay bit by bit."""
    turns = np.floor((longitude - centre + 180.0) / 360.0)
    return longitude - 360.0 * np.where(np.isfinite(turns), turns, 0.0)


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular north-up grid of pixels in a coordinate reference system.

    Parameters
    ----------
    shape : (rows, columns)
        Number of pixels, at least 1 each. Row 0 is the northernmost.
    transform : Affine
        From (column, row) of a pixel **corner** to coordinates of `crs`; ``transform.a > 0``,
        ``transform.e < 0``, no rotation. ``(transform.c, transform.f)`` is the outer corner of
        pixel (0, 0).
    crs : pyproj.CRS
        Geographic or projected. Longitudes may run on beyond 180 where a grid crosses the dateline.

    Raises
    ------
    ValueError
        If the shape is empty, the transform is not finite, is rotated or has flipped rows or
        columns, the CRS is neither geographic nor projected, or degrees run beyond the Earth.
    """

    shape: tuple[int, int]
    transform: Affine
    crs: CRS

    def __post_init__(self) -> None:
        shape = tuple(int(length) for length in self.shape)
        if len(shape) != 2 or min(shape) < 1:
            raise ValueError(
                f"grid shape {self.shape} is not (rows, columns) of at least 1 pixel each"
            )
        object.__setattr__(self, "shape", shape)
        t = self.transform
        if not all(math.isfinite(value) for value in t[:6]):
            raise ValueError(
                f"grid transform {tuple(t[:6])} is not finite: give the file a geotransform"
            )
        if t.b != 0.0 or t.d != 0.0:
            raise ValueError(
                f"grid transform {tuple(t[:6])} is rotated: bring the map north-up first, "
                "for example with gdalwarp"
            )
        if t.a <= 0.0 or t.e >= 0.0:
            raise ValueError(
                f"grid pixel width {t.a:g} and row step {t.e:g} do not run east and south: "
                "row 0 must be the northernmost, flip the array and its transform together"
            )
        self._check_crs()

    def _check_crs(self) -> None:
        if not isinstance(self.crs, CRS):
            raise ValueError(
                f"grid crs {self.crs!r} is not a pyproj.CRS: "
                "convert it with pyproj.CRS.from_user_input"
            )
        if not (self.crs.is_geographic or self.crs.is_projected):
            raise ValueError(
                f"grid crs {self.crs.name!r} is neither geographic nor projected: "
                "pass --crs, for example EPSG:4326"
            )
        if self.crs.is_geographic:
            t, (rows, columns) = self.transform, self.shape
            south, north = t.f + t.e * rows, t.f
            # Half a pixel beyond the pole is common in grids that put nodes on it.
            if south < -90.0 + t.e or north > 90.0 - t.e or t.a * columns > 360.0 + 2 * t.a:
                raise ValueError(
                    f"grid of {rows} x {columns} pixels from latitude {north:g} to {south:g} does "
                    f"not fit the Earth in degrees of {self.crs.name!r}: is the CRS another? "
                    "pass --crs"
                )

    @classmethod
    def around(
        cls, longitude: float, latitude: float, shape: tuple[int, int], *, pixel_size: float
    ) -> Grid:
        """Metric grid centred on a point, azimuthal equidistant about it (WGS84).

        Parameters
        ----------
        longitude, latitude : float
            Centre of the grid in degrees; on a pixel corner where the number of pixels is even.
        shape : (rows, columns)
            Number of pixels.
        pixel_size : float
            In metres, positive.

        Raises
        ------
        ValueError
            If the point is not on the Earth, the shape is empty or the pixel size not positive.
        """
        _check_pixel_size(pixel_size)
        crs = _local_crs(longitude, latitude)
        left, top = -shape[1] / 2 * pixel_size, shape[0] / 2 * pixel_size
        return cls(shape, Affine(pixel_size, 0.0, left, 0.0, -pixel_size, top), crs)

    @property
    def pixel_size(self) -> float:
        """Pixel size on the ground in metres at the centre: geometric mean of `pixel_sides`."""
        return math.sqrt(math.prod(self.pixel_sides))

    @property
    def pixel_sides(self) -> tuple[float, float]:
        """Height and width of a pixel in metres at the centre of the grid.

        On the WGS84 ellipsoid, whatever the CRS.
        """
        places = (np.array(self.shape)[:, None] - 1) / 2 + [[0, 0, -0.5, 0.5], [-0.5, 0.5, 0, 0]]
        longitude, latitude = self.longitude_latitude(*places)
        _, _, sides = _GEOD.inv(longitude[::2], latitude[::2], longitude[1::2], latitude[1::2])
        return float(sides[1]), float(sides[0])

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude in [-180, 180) and latitude of the centre, WGS84 degrees."""
        longitude, latitude = self.longitude_latitude(*((n - 1) / 2 for n in self.shape))
        return float(longitude), float(latitude)

    def eastings_northings(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates of the pixel centres in the unit of the CRS.

        Returns
        -------
        easting : (columns,) array
            Rising; longitude in a geographic CRS.
        northing : (rows,) array
            Falling; latitude in a geographic CRS.
        """
        column, row = (np.arange(length, dtype=np.float64) for length in self.shape[::-1])
        easting = float(self.transform.c) + float(self.transform.a) * (column + 0.5)
        northing = float(self.transform.f) + float(self.transform.e) * (row + 0.5)
        return easting, northing

    def longitude_latitude(
        self, row: ArrayLike, column: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitude in [-180, 180) and latitude, WGS84 degrees, of fractional pixels.

        Parameters
        ----------
        row, column : array_like
            Whole numbers are pixel centres; -0.5 is the outer border of the first pixel.
            Broadcast together.

        Returns
        -------
        longitude, latitude : arrays of the broadcast shape
            Infinite where the CRS is not defined.
        """
        rows, columns = np.broadcast_arrays(np.asarray(row, float), np.asarray(column, float))
        easting = self.transform.c + self.transform.a * (columns + 0.5)
        northing = self.transform.f + self.transform.e * (rows + 0.5)
        points = _transformer(self.crs, _GEOGRAPHIC).transform(easting, northing)
        longitude, latitude = (np.asarray(value, dtype=np.float64) for value in points)
        return _wrapped(longitude, 0.0), latitude

    def row_column(
        self, longitude: ArrayLike, latitude: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional row and column of points on the Earth.

        Parameters
        ----------
        longitude, latitude : array_like
            WGS84 degrees; longitudes count modulo 360. Broadcast together.

        Returns
        -------
        row, column : arrays of the broadcast shape
            Whole numbers are pixel centres. Beyond the shape for points outside the grid; infinite
            for points that the CRS cannot represent.
        """
        east, north = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
        projected = _transformer(_GEOGRAPHIC, self.crs).transform(east, north)
        easting, northing = (np.asarray(value, dtype=np.float64) for value in projected)
        if self.crs.is_geographic:
            easting = _wrapped(easting, self.transform.c + self.transform.a * self.shape[1] / 2)
        column = (easting - self.transform.c) / self.transform.a - 0.5
        row = (northing - self.transform.f) / self.transform.e - 0.5
        return row, column

    def local(self, pixel_size: float) -> Grid:
        """Metric grid over the same area.

        Azimuthal equidistant about the centre of this grid (WGS84). Pixel corners lie on whole
        multiples of `pixel_size` from that centre. Covers the footprint to a thousandth of a pixel.

        Parameters
        ----------
        pixel_size : float
            In metres, positive.

        Raises
        ------
        ValueError
            If the pixel size is not positive, or a part of the grid is not on the Earth.
        """
        _check_pixel_size(pixel_size)
        ring = np.array(self.footprint())
        crs = _local_crs(*self.centre)
        easting, northing = _transformer(_GEOGRAPHIC, crs).transform(ring[:, 0], ring[:, 1])
        # A border that is a multiple but for rounding must not add a row or column of empty pixels.
        left, bottom = (math.floor(min(side) / pixel_size + 1e-3) for side in (easting, northing))
        right, top = (math.ceil(max(side) / pixel_size - 1e-3) for side in (easting, northing))
        transform = Affine(pixel_size, 0.0, left * pixel_size, 0.0, -pixel_size, top * pixel_size)
        return Grid((max(top - bottom, 1), max(right - left, 1)), transform, crs)

    def footprint(self) -> list[tuple[float, float]]:
        """Closed anticlockwise ring of (longitude, latitude) along the outer border.

        64 steps a side. Longitudes are continuous: they start in [-180, 180) and run on beyond it
        where the ring crosses the dateline.

        Raises
        ------
        ValueError
            If a part of the border is not on the Earth.
        """
        rows, columns = self.shape
        down = np.linspace(-0.5, rows - 0.5, _EDGE_POINTS)
        along = np.linspace(-0.5, columns - 0.5, _EDGE_POINTS)
        row = np.concatenate(
            [down, np.full_like(along, rows - 0.5), down[::-1], np.full_like(along, -0.5)]
        )
        column = np.concatenate(
            [np.full_like(down, -0.5), along, np.full_like(down, columns - 0.5), along[::-1]]
        )
        # Each side ends where the next begins; of these corners only the one that closes stays.
        keep = np.ones(row.size, dtype=bool)
        keep[_EDGE_POINTS::_EDGE_POINTS] = False
        longitude, latitude = self.longitude_latitude(row[keep], column[keep])
        if not (np.isfinite(longitude).all() and np.isfinite(latitude).all()):
            raise ValueError(
                f"grid border at {self.transform.c:g}, {self.transform.f:g} is not on the Earth in "
                f"{self.crs.name!r}: is the CRS another? pass --crs"
            )
        longitude = np.unwrap(longitude, period=360.0)
        return list(zip(longitude.tolist(), latitude.tolist(), strict=True))

    def is_same(self, other: Grid) -> bool:
        """Whether both hold the same pixels: shape, CRS, and position to a millionth of a pixel."""
        if self is other:
            return True
        if self.shape != other.shape:
            return False
        tolerance = 1e-6 * min(self.transform.a, -self.transform.e)
        close = np.allclose(
            self.transform[:6], other.transform[:6], rtol=0.0, atol=tolerance / max(self.shape)
        )
        return bool(close and self.crs == other.crs)


def _check_pixel_size(pixel_size: float) -> None:
    if not (math.isfinite(pixel_size) and pixel_size > 0):
        raise ValueError(
            f"pixel size {pixel_size:g} m is not positive: give metres, for example 200"
        )


def _local_crs(longitude: float, latitude: float) -> CRS:
    """Azimuthal equidistant projection about a point, in metres on WGS84."""
    if not (math.isfinite(longitude) and abs(latitude) <= 90.0):
        raise ValueError(
            f"centre (longitude {longitude:g}, latitude {latitude:g}) is not on the Earth: "
            "give degrees, longitude first"
        )
    return CRS.from_dict(
        {"proj": "aeqd", "lon_0": longitude, "lat_0": latitude, "datum": "WGS84", "units": "m"}
    )


@dataclass(frozen=True, eq=False)
class Provenance:
    """Where a map comes from.

    Parameters
    ----------
    path : str
        The file or folder that was read.
    sha256 : str
        Hash of its bytes, hexadecimal.
    reader : str
        Name of the reader.
    notes : tuple of str
        What the reader had to decide or left out, for people.
    warnings : tuple of str
        What is odd about the map itself.
    """

    path: str
    sha256: str
    reader: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class VelocityMap:
    """Line-of-sight velocity on a grid.

    Parameters
    ----------
    velocity : (rows, columns) array of float
        Metres per year, positive toward the satellite (uplift). NaN is missing, zero is a value.
        Kept as a read-only float32 view.
    grid : Grid
        Same shape.
    years : float
        Time span of the map, positive.
    look : None, (3,) or (3, rows, columns) array, optional
        Unit vector (east, north, up) from the ground to the satellite; NaN is missing. None: not
        known.
    name : str
        For people and file names.
    provenance : Provenance, optional

    Raises
    ------
    ValueError
        If a shape, type or value breaks these rules, or a pixel is faster than 20 m/yr.
    """

    velocity: NDArray[np.float32]
    grid: Grid
    years: float
    look: NDArray[np.float32] | None = None
    name: str = "map"
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "velocity", _checked_velocity(np.asarray(self.velocity), self.grid)
        )
        if not (math.isfinite(self.years) and self.years > 0):
            raise ValueError(f"time span {self.years:g} years is not positive: pass --years")
        object.__setattr__(self, "years", float(self.years))
        if self.look is not None:
            object.__setattr__(self, "look", _checked_look(np.asarray(self.look), self.grid))

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(rows, columns): True where there is data."""
        return np.isfinite(self.velocity)

    @property
    def displacement(self) -> NDArray[np.float32]:
        """(rows, columns): displacement over the time span in metres, + toward, NaN missing."""
        return self.velocity * np.float32(self.years)

    def resampled(self, grid: Grid) -> VelocityMap:
        """Bring the map onto another grid, in any CRS.

        Data under a coarser pixel are averaged by area, missing pixels left out (NaN where less
        than a quarter is data); on a finer grid values are bilinear and the valid area stays as it
        is. A look map goes along and is brought back to unit length; a constant one stays. NaN
        outside this map.

        Positions are exact at every eighth pixel and linear in between, an error far below a
        hundredth of a pixel for grids of one region.
        """
        if self.grid.is_same(grid):
            return self
        look = self.look
        varies = look is not None and look.ndim == 3
        bands = [self.velocity, *look] if look is not None and varies else [self.velocity]
        velocity, *components = resample(
            bands,
            grid.shape,
            lambda row, column: self.grid.row_column(*grid.longitude_latitude(row, column)),
        )
        if varies:
            look = np.stack(components)
            look = look / np.sqrt(np.sum(look * look, axis=0))
        return replace(self, velocity=velocity, grid=grid, look=look)

    def with_velocity(self, velocity: NDArray[np.floating], name: str | None = None) -> VelocityMap:
        """Put other values (m/yr, same shape) in place, under another name if one is given."""
        return replace(self, velocity=velocity.astype(np.float32), name=name or self.name)


def _read_only(array: NDArray[np.floating]) -> NDArray[np.float32]:
    view = array.astype(np.float32, copy=False).view()
    view.flags.writeable = False
    return view


def _checked_velocity(velocity: NDArray[np.floating], grid: Grid) -> NDArray[np.float32]:
    if velocity.ndim != 2 or velocity.shape != grid.shape:
        raise ValueError(
            f"velocity shape {velocity.shape} differs from the grid shape {grid.shape}"
        )
    if not np.issubdtype(velocity.dtype, np.floating):
        raise ValueError(
            f"velocity type {velocity.dtype} is not a floating type: "
            "convert to m/yr with NaN for missing pixels"
        )
    velocity = _read_only(velocity)
    fastest = float(np.fmax.reduce(np.abs(velocity), axis=None))
    if math.isinf(fastest):
        raise ValueError("velocity holds infinite pixels: missing pixels must be NaN")
    if complaint := too_fast(fastest):
        raise ValueError(complaint)
    return velocity


def _checked_look(look: NDArray[np.floating], grid: Grid) -> NDArray[np.float32]:
    if look.shape not in ((3,), (3, *grid.shape)):
        raise ValueError(f"look shape {look.shape} is neither (3,) nor {(3, *grid.shape)}")
    look = _read_only(look)
    length = np.sqrt(np.sum(look * look, axis=0))
    deviation = float(np.fmax.reduce(np.abs(length - 1.0), axis=None))
    if deviation > LOOK_TOLERANCE or (look.ndim == 1 and math.isnan(deviation)):
        raise ValueError(
            f"look vector length differs from 1 by {deviation:g}, more than {LOOK_TOLERANCE:g}: "
            "give the unit vector from the ground to the satellite, --look east,north,up"
        )
    return look
