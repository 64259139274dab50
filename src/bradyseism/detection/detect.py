"""The main job: a velocity map in, ranked detections with evidence out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bradyseism.detection.attribution import grad_cam
from bradyseism.detection.detectable import detectable_map
from bradyseism.detection.events import FLAG, Candidate, after_second_look, find_candidates
from bradyseism.detection.false_alarm import FalseAlarm
from bradyseism.detection.footprint import measure
from bradyseism.detection.nature import Elevation, what_it_is
from bradyseism.detection.reasons import Reason
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import Level, Scan, covered, scan
from bradyseism.detection.source_fit import SourceEstimate
from bradyseism.maps.near import distance, on_grid, pixel_at, pixels_near
from bradyseism.maps.resampling import resample
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.volcanoes import Catalogue, Volcano

Status = Literal["flagged", "quiet", "not observable"]

# A catalogued volcano belongs to a detection within this distance (m), or within its radius.
ASSOCIATION = 10e3
# A signal of a larger radius than this share of a window's side is measured in a wider window.
WIDEST_RADIUS = 1 / 6
# Around a volcano, the strongest evidence within this distance (m) counts as its own.
AROUND_VOLCANO = 3e3


@dataclass(frozen=True, eq=False)
class Window:
    """The window in which a detection is seen best.

    Parameters
    ----------
    pixel_size : float
        Pixel size (m).
    size : int
        Pixels along one side.
    easting, northing : float
        Centre (m) in the local projection of the scan.
    footprint : tuple of (longitude, latitude)
        Closed ring of its corners.
    """

    pixel_size: float
    size: int
    easting: float
    northing: float
    footprint: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Detection:
    """A place that shows volcanic deformation, for review by an expert.

    Parameters
    ----------
    identifier : str
        Map name and rank.
    longitude, latitude : float
        Centre (degrees, WGS84): of the Mogi source, or where the windows see it if there is none or
        it lies off the map or nearer to where they see another detection.
    probability : float
        Calibrated at the prior of the detector, 0.5-1.
    rate : float
        Peak LOS rate (m/yr) against the ground around, positive toward the satellite.
    radius : float
        Radius (m) of a circle as large as the area over half of the peak.
    footprint : tuple of (longitude, latitude)
        Closed ring around that area.
    window : Window
        Where it is seen best.
    evidence : array, shape (cells, cells)
        Grad-CAM over the window, in units of the logit, row 0 north.
    volcano : Volcano or None
        Nearest catalogued volcano within `ASSOCIATION` or the radius.
    volcano_distance : float or None
        Distance (m) to the nearest catalogued volcano, associated or not.
    source : SourceEstimate or None
        What would make it; None where too little data is left around.
    reasons : tuple of Reason
        What explains it better than a source, the best first. It changes no probability.
    false_alarm : FalseAlarm or None
        Chance that noise alone makes one as strong; a screening fills it in.
    """

    identifier: str
    longitude: float
    latitude: float
    probability: float
    rate: float
    radius: float
    footprint: tuple[tuple[float, float], ...]
    window: Window
    evidence: NDArray[np.float64]
    volcano: Volcano | None = None
    volcano_distance: float | None = None
    source: SourceEstimate | None = None
    reasons: tuple[Reason, ...] = ()
    false_alarm: FalseAlarm | None = None


@dataclass(frozen=True)
class VolcanoStatus:
    """What a map says of one catalogued volcano.

    Parameters
    ----------
    volcano : Volcano
    probability : float
        Of its detection, or the strongest evidence around it; NaN if not observable.
    status : {"flagged", "quiet", "not observable"}
    """

    volcano: Volcano
    probability: float
    status: Status


@dataclass(frozen=True, eq=False)
class DetectionResult:
    """All that a map says.

    Parameters
    ----------
    map : VelocityMap
        The map as it was read.
    detections : tuple of Detection
        Most probable first.
    probability : array of float32, shape (rows, columns)
        Evidence on the map's own grid, 0-1; NaN where not observable.
    windows : structured array of `scan.WINDOW_FIELDS`
        Every window that was classified.
    volcanoes : tuple of VolcanoStatus
        Every catalogued volcano inside the map, most probable first.
    detectable : array of float32, shape (rows, columns), or None
        Smallest peak LOS rate (m/yr, either sign) that would have been found, on the map's own
        grid; NaN where not observable. None if the model's card does not say.
    detectable_width : array of float32, shape (rows, columns), or None
        Full width (m) at half maximum of the source of that rate; NaN and None alike.
    """

    map: VelocityMap
    detections: tuple[Detection, ...]
    probability: NDArray[np.float32]
    windows: NDArray[np.void]
    volcanoes: tuple[VolcanoStatus, ...]
    detectable: NDArray[np.float32] | None = None
    detectable_width: NDArray[np.float32] | None = None

    @property
    def score(self) -> float:
        """Largest evidence anywhere in the map (0-1), for ranking maps; 0 if not observable."""
        best = max((detection.probability for detection in self.detections), default=0.0)
        return float(np.fmax.reduce(self.probability, axis=None, initial=best))


def detect(
    velocity_map: VelocityMap,
    detector: Detector,
    catalogue: Catalogue | None = None,
    *,
    elevation: Elevation | None = None,
) -> DetectionResult:
    """Find volcanic deformation in a velocity map.

    Parameters
    ----------
    velocity_map : VelocityMap
        Any grid, unit m/yr, positive toward the satellite.
    detector : Detector
        See `Detector.load`.
    catalogue : Catalogue, optional
        Volcanoes to associate detections with and to report on.
    elevation : callable, optional
        Gives the heights (m) on a grid, or None; for what relief explains of a detection.

    Returns
    -------
    DetectionResult
        Without detections where nothing is found or nothing is observable.
    """
    scanned = scan(velocity_map, detector)
    with ThreadPoolExecutor(1) as beside:
        detectable = beside.submit(detectable_map, velocity_map, scanned, detector)
        candidates = find_candidates(scanned, detector)
        flagged = [candidate for candidate in candidates if candidate.probability > FLAG]
        described = (
            _describe(candidate, scanned, detector, velocity_map=velocity_map)
            for candidate in flagged
        )
        explained: list[Detection] = []
        for one in described:
            found = _explained(one, velocity_map, elevation)
            if not any(same_source(found, better) for better in explained):
                explained.append(found)
        placed = [at_its_source(found, explained, velocity_map.grid) for found in explained]
        detections = tuple(
            replace(_associated(found, catalogue), identifier=f"{velocity_map.name}-{rank}")
            for rank, found in enumerate(placed, start=1)
        )
        evidence = _evidence(scanned, candidates, detector.encoding.size)
        own, finest = velocity_map.grid, scanned.levels[0].grid
        (probability,) = resample(
            [evidence],
            own.shape,
            lambda row, column: finest.row_column(*own.longitude_latitude(row, column)),
        )
        volcanoes = _status(velocity_map, detections, probability, catalogue)
        rate, width = detectable.result() or (None, None)
    return DetectionResult(
        velocity_map, detections, probability, scanned.windows, volcanoes, rate, width
    )


def _describe(
    candidate: Candidate, scanned: Scan, detector: Detector, *, velocity_map: VelocityMap
) -> Detection:
    level, size = scanned.levels[candidate.level], detector.encoding.size
    row, column = pixel_at(level.grid, candidate.easting, candidate.northing)
    top, left = round(row) - size // 2, round(column) - size // 2
    crop = level.crop(top, left, size)
    features = detector.predict(crop[None], with_features=True).features
    per_year = 1.0 if detector.encoding.quantity == "velocity" else velocity_map.years
    rate, radius, footprint = _measure(candidate, scanned, size)
    longitude, latitude = (float(v) for v in level.grid.longitude_latitude(row, column))
    corners = np.array([(0, 0), (size, 0), (size, size), (0, size), (0, 0)]) - 0.5 + (top, left)
    easting, northing = (
        float(v) for v in level.position(top + (size - 1) / 2, left + (size - 1) / 2)
    )
    return Detection(
        velocity_map.name,
        longitude,
        latitude,
        candidate.probability,
        rate / per_year,
        radius,
        footprint,
        Window(level.pixel_size, size, easting, northing, _ring(level.grid, corners)),
        grad_cam(features, detector.head)[0] if features is not None else np.zeros((1, 1)),
    )


def _explained(
    found: Detection, velocity_map: VelocityMap, elevation: Elevation | None
) -> Detection:
    place = found.longitude, found.latitude
    source, reasons = what_it_is(velocity_map, place, found.radius, elevation)
    return replace(found, source=source, reasons=reasons)


def same_source(one: Detection, other: Detection) -> bool:
    """Whether two detections, where windows see them, have one Mogi source.

    Their sources lie within half its radius of each other, and they are seen within its diameter.
    """
    if not (one.source and other.source):
        return False
    fits = one.source.mogi, other.source.mogi
    radius = min(fit.radius for fit in fits)
    return distance(*fits) < radius / 2 and distance(one, other) < 2 * radius


def at_its_source(found: Detection, others: Sequence[Detection], grid: Grid) -> Detection:
    """Move a detection to its Mogi source, unless that is off the map or nearer to another.

    The source lies nearer to the truth than what the windows point to, most of all where the signal
    is wide.
    """
    if not found.source:
        return found
    fit = found.source.mogi
    own = distance(found, fit)
    taken = any(distance(one, fit) < own for one in others)
    if taken or not on_grid(grid, fit.longitude, fit.latitude):
        return found
    return replace(found, longitude=fit.longitude, latitude=fit.latitude)


def _associated(found: Detection, catalogue: Catalogue | None) -> Detection:
    if not catalogue:
        return found
    volcano, away = catalogue.nearest(found.longitude, found.latitude)
    near = away is not None and away <= max(ASSOCIATION, found.radius)
    return replace(found, volcano=volcano if near else None, volcano_distance=away)


def _measure(
    candidate: Candidate, scanned: Scan, size: int
) -> tuple[float, float, tuple[tuple[float, float], ...]]:
    """Rate (unit of the levels), radius (m) and footprint, where the window leaves ground around.

    A signal that fills the window in which it was found is measured in one twice as wide.
    """
    for level in scanned.levels[candidate.level :]:
        row, column = pixel_at(level.grid, candidate.easting, candidate.northing)
        corner = round(row) - size // 2, round(column) - size // 2
        measured = measure(level.crop(*corner, size))
        if measured.radius <= WIDEST_RADIUS * size:
            break
    outline = measured.outline + np.array(corner)
    return measured.rate, measured.radius * level.pixel_size, _ring(level.grid, outline)


def _ring(grid: Grid, corners: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    longitude, latitude = grid.longitude_latitude(corners[:, 0], corners[:, 1])
    return tuple(zip(longitude.tolist(), latitude.tolist(), strict=True))


def _evidence(scanned: Scan, candidates: list[Candidate], size: int) -> NDArray[np.float32]:
    """Strongest evidence at each pixel of the finest level; NaN where no window looks.

    Each window spreads the probability of its place, after the second look, by where it would put
    a source.
    """
    probability = expit(after_second_look(scanned, candidates))
    finest = scanned.levels[0]
    evidence = np.full(finest.grid.shape, np.nan, dtype=np.float32)
    for level in scanned.levels:
        of_level = scanned.windows["pixel_size"] == level.pixel_size
        painted = _paint(
            level, scanned.windows[of_level], scanned.place[of_level], probability[of_level], size
        )
        factor = round(level.pixel_size / finest.pixel_size)
        painted[~covered(level, size)] = np.nan
        wide = painted.repeat(factor, axis=0).repeat(factor, axis=1)
        np.fmax(evidence, wide[: evidence.shape[0], : evidence.shape[1]], out=evidence)
    return evidence


def _paint(
    level: Level,
    windows: NDArray[np.void],
    place: NDArray[np.float32],
    probability: NDArray[np.float64],
    size: int,
) -> NDArray[np.float32]:
    rows, columns = level.grid.shape
    canvas = np.full((rows + 2 * size, columns + 2 * size), np.nan, dtype=np.float32)
    cells = place.shape[1]
    centres = (np.arange(size) + 0.5) * cells / size - 0.5
    spread = np.maximum(1 - np.abs(centres[:, None] - np.arange(cells)[None]), 0)
    spread /= spread.sum(axis=1, keepdims=True)
    for window, cell_probability, value in zip(windows, place, probability, strict=True):
        patch = spread @ (cell_probability / cell_probability.max()) @ spread.T
        top, left = int(window["row"]) + size, int(window["column"]) + size
        target = canvas[top : top + size, left : left + size]
        np.fmax(target, (value * patch).astype(np.float32), out=target)
    return canvas[size : size + rows, size : size + columns]


def _status(
    velocity_map: VelocityMap,
    detections: tuple[Detection, ...],
    probability: NDArray[np.float32],
    catalogue: Catalogue | None,
) -> tuple[VolcanoStatus, ...]:
    flagged: dict[Volcano, float] = {}
    for detection in detections:
        if detection.volcano:
            best = max(detection.probability, flagged.get(detection.volcano, 0.0))
            flagged[detection.volcano] = best
    statuses = []
    for volcano in catalogue.inside(velocity_map.grid) if catalogue else ():
        if volcano in flagged:
            statuses.append(VolcanoStatus(volcano, flagged[volcano], "flagged"))
            continue
        evidence = evidence_around(
            velocity_map.grid, probability, volcano.longitude, volcano.latitude
        )
        status: Status = "not observable" if np.isnan(evidence) else "quiet"
        # What lies under the flag of somebody else's detection is not this volcano's own.
        statuses.append(VolcanoStatus(volcano, min(evidence, FLAG), status))
    return tuple(sorted(statuses, key=lambda s: (np.isnan(s.probability), -s.probability)))


def evidence_around(
    grid: Grid, probability: NDArray[np.float32], longitude: float, latitude: float
) -> float:
    """Strongest evidence within `AROUND_VOLCANO` of a place, one pixel at least.

    NaN if there is none, or the place lies outside the grid.
    """
    if not on_grid(grid, longitude, latitude):
        return float("nan")
    around = pixels_near(grid, longitude, latitude, max(AROUND_VOLCANO, *grid.pixel_sides))
    return float(np.fmax.reduce(probability[around]))
