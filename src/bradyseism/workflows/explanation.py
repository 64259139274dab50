"""Why a place was flagged or not: what each window around it says, and which ground said it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod
from scipy.special import expit

from bradyseism.detection.attribution import grad_cam
from bradyseism.detection.detect import Window
from bradyseism.detection.events import look_again, verdict
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import Level, Scan, scan
from bradyseism.maps.velocity_map import VelocityMap

_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Opinion:
    """What the most suspicious window of one size that holds the place says.

    Attributes
    ----------
    pixel_size, width : float
        Pixel size and side of the window (m).
    probability : float
        Of volcanic deformation somewhere in the window, 0-1, by this window alone.
    points_to : (float, float)
        Longitude and latitude where it would place a source.
    distance : float
        From the place to there (m).
    """

    pixel_size: float
    width: float
    probability: float
    points_to: tuple[float, float]
    distance: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a place was flagged or not.

    Attributes
    ----------
    place : (float, float)
        Longitude and latitude.
    probability : float
        Of volcanic deformation there, 0-1, from a second look by windows of all sizes together.
    opinions : tuple of Opinion
        One for each window size that sees the place, narrow to wide.
    best : int
        Index of the most suspicious one.
    evidence : array of float64, shape (cells, cells)
        Grad-CAM of its window in units of the logit, row 0 north.
    window : Window
        That window.
    """

    place: tuple[float, float]
    probability: float
    opinions: tuple[Opinion, ...]
    best: int
    evidence: NDArray[np.float64]
    window: Window


def explain(
    velocity_map: VelocityMap, detector: Detector, place: tuple[float, float] | None = None
) -> Explanation:
    """Ask every window size about one place of a map.

    Parameters
    ----------
    velocity_map : VelocityMap
        The map.
    detector : Detector
        What looks at it.
    place : (longitude, latitude), optional
        Degrees; default where the most suspicious window of the map points.

    Raises
    ------
    ValueError
        If nothing of the map, or no window around the place, can be observed.
    """
    scanned = scan(velocity_map, detector)
    windows = scanned.windows
    if not windows.size:
        raise ValueError(
            f"map {velocity_map.name!r} has {len(windows)} observable windows: too few of its "
            "pixels are valid, or they hardly vary"
        )
    if place is None:
        place = _points_to(scanned.levels[0], windows[np.argmax(windows["probability"])])
    chosen = _windows_around(scanned, place, detector.encoding.size)
    if not chosen:
        raise ValueError(
            f"place {place[0]:g},{place[1]:g} lies in no observable window of map "
            f"{velocity_map.name!r}, {_reach(velocity_map)}: give longitude,latitude, in this "
            "order, inside its valid part"
        )
    best = int(np.argmax([window["logit"] for _, window in chosen]))
    level, window = chosen[best]
    size = detector.encoding.size
    crop = level.crop(int(window["row"]), int(window["column"]), size)
    features = detector.predict(crop[None], with_features=True).features
    if features is None:
        raise ValueError(f"model {detector.name!r} gives no feature map: export it again")
    finest = scanned.levels[0]
    there = finest.position(*finest.grid.row_column(*place))
    seen = look_again(scanned.levels, detector, *(float(axis) for axis in there))
    return Explanation(
        place=place,
        probability=float(expit(verdict(seen, detector))),
        opinions=tuple(_opinion(level, window, place, detector) for level, window in chosen),
        best=best,
        evidence=grad_cam(features, detector.head)[0],
        window=_window(level, window, size),
    )


def parse_place(text: str) -> tuple[float, float]:
    """Longitude and latitude from a text such as `14.14,40.83`.

    Raises
    ------
    ValueError
        If it is not two numbers.
    """
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"place {text!r} is not longitude,latitude in degrees") from error
    return longitude, latitude


def _reach(velocity_map: VelocityMap) -> str:
    """Say which longitudes and latitudes hold data."""
    longitude, latitude = velocity_map.grid.longitude_latitude(*np.nonzero(velocity_map.valid))
    east, north = (f"{axis.min():.2f} to {axis.max():.2f}" for axis in (longitude, latitude))
    return f"which holds data from {east} east and {north} north"


def _windows_around(
    scanned: Scan, place: tuple[float, float], size: int
) -> list[tuple[Level, np.void]]:
    """For each level, the most suspicious of its windows that hold the place."""
    chosen = []
    for level in scanned.levels:
        row, column = level.grid.row_column(*place)
        windows = scanned.windows[scanned.windows["pixel_size"] == level.pixel_size]
        holds = np.abs(windows["row"] + (size - 1) / 2 - row) <= size / 2
        holds &= np.abs(windows["column"] + (size - 1) / 2 - column) <= size / 2
        if holds.any():
            inside = windows[holds]
            chosen.append((level, inside[np.argmax(inside["logit"])]))
    return chosen


def _opinion(
    level: Level, window: np.void, place: tuple[float, float], detector: Detector
) -> Opinion:
    there = _points_to(level, window)
    _, _, distance = _GEOD.inv(*place, *there)
    return Opinion(
        pixel_size=level.pixel_size,
        width=level.pixel_size * detector.encoding.size,
        probability=float(detector.calibration.probability(window["logit"])),
        points_to=there,
        distance=float(distance),
    )


def _points_to(level: Level, window: np.void) -> tuple[float, float]:
    transform = level.grid.transform
    column = (window["place_easting"] - transform.c) / transform.a - 0.5
    row = (window["place_northing"] - transform.f) / transform.e - 0.5
    longitude, latitude = level.grid.longitude_latitude(row, column)
    return float(longitude), float(latitude)


def _window(level: Level, window: np.void, size: int) -> Window:
    row = int(window["row"]) - 0.5 + size * np.array([0, 0, 1, 1, 0])
    column = int(window["column"]) - 0.5 + size * np.array([0, 1, 1, 0, 0])
    longitude, latitude = level.grid.longitude_latitude(row, column)
    ring = tuple(zip(longitude.tolist(), latitude.tolist(), strict=True))
    centre = float(window["easting"]), float(window["northing"])
    return Window(level.pixel_size, size, *centre, footprint=ring)
