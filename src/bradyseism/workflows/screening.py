"""The main job: velocity maps in; detections, volcanoes and probability out."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.detect import Detection, DetectionResult, detect
from bradyseism.detection.nature import Elevation
from bradyseism.detection.places import Place, find_places
from bradyseism.detection.runtime import Detector
from bradyseism.maps.readers import ReadOptions, open_map
from bradyseism.maps.readers.dem import UncoveredError, read_dem
from bradyseism.maps.readers.dem_tiles import find_tiles
from bradyseism.maps.velocity_map import Grid
from bradyseism.maps.volcanoes import Catalogue
from bradyseism.maps.writers.geotiff import write_cog
from bradyseism.maps.writers.tables import point, polygon, write_csv, write_geojson
from bradyseism.workflows.certainty import detectable_in_words, false_alarm_facts, with_false_alarms
from bradyseism.workflows.properties import place_properties, reason_properties, source_properties

logger = logging.getLogger(__name__)

UNASSOCIATED = "unassociated"
VOLCANO_COLUMNS = (
    "map", "number", "name", "longitude", "latitude", "probability", "status",
)  # fmt: skip

Progress = Callable[[int, int, str], None]
"""Called with the steps done, the steps in all and a word on the present one."""


@dataclass(frozen=True)
class Refusal:
    """A map that could not be screened.

    Parameters
    ----------
    path : str
        File or folder as given.
    reason : str
        One line: what does not hold, and what to do about it.
    """

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Screening:
    """What was found in a set of maps.

    Parameters
    ----------
    results : tuple of DetectionResult
        One per map that could be screened, in the order given.
    refusals : tuple of Refusal
        The other maps.
    detector : Detector
        What looked at them.
    places : tuple of Place
        What several maps see, most probable first.
    notes : tuple of (name, words)
        What could not be done for a map.
    """

    results: tuple[DetectionResult, ...]
    refusals: tuple[Refusal, ...]
    detector: Detector
    places: tuple[Place, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def ranked(self) -> list[tuple[DetectionResult, Detection]]:
        """All detections with their result, the most probable first."""
        pairs = [(result, found) for result in self.results for found in result.detections]
        return sorted(pairs, key=lambda pair: -pair[1].probability)

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """Name of the map and what is odd about it or could not be done, for each."""
        odd = [
            (result.map.name, words)
            for result in self.results
            if result.map.provenance
            for words in result.map.provenance.warnings
        ]
        return [*odd, *self.notes]


def screen(
    paths: Sequence[str | Path],
    detector: Detector,
    *,
    options: ReadOptions | Sequence[ReadOptions] | None = None,
    catalogue: Catalogue | None = None,
    dem: str | Path | None = None,
    progress: Progress | None = None,
) -> Screening:
    """Open maps and look for volcanic deformation in each.

    Parameters
    ----------
    paths : sequence of path
        Velocity maps: files or result folders.
    detector : Detector
        What looks at them.
    options : ReadOptions or sequence of ReadOptions, optional
        What the files do not say; one holds for all of them, else one for each.
    catalogue : Catalogue, optional
        Volcanoes to associate detections with.
    dem : path, optional
        Elevation model (SRTM tiles or any raster) that covers the maps, for what relief explains.
    progress : callable, optional
        Told which map is being looked at.

    Returns
    -------
    Screening
        A map that is refused does not end the run of the others.

    Raises
    ------
    ValueError, OSError
        If there is only one map and it is refused, or the elevation model cannot be read.
    """
    if options is None or isinstance(options, ReadOptions):
        options = [options or ReadOptions()] * len(paths)
    uncovered: list[str] = []
    elevation = _elevation(dem, uncovered) if dem is not None else None
    results: list[DetectionResult] = []
    refusals: list[Refusal] = []
    notes: list[tuple[str, str]] = []
    for done, (path, said) in enumerate(zip(paths, options, strict=True)):
        if progress:
            progress(done, len(paths), Path(path).name)
        try:
            velocity_map = open_map(path, said)
            taken = {result.map.name for result in results}
            velocity_map = replace(velocity_map, name=_free_name(velocity_map.name, taken))
            found = detect(velocity_map, detector, catalogue, elevation=elevation)
            results.append(with_false_alarms(found, detector))
            notes += [(velocity_map.name, words) for words in uncovered]
            uncovered.clear()
        except (ValueError, OSError) as error:
            if len(paths) == 1:
                raise
            logger.info("refused %s: %s", path, error)
            refusals.append(Refusal(str(path), " ".join(str(error).split())))
    if progress:
        progress(len(paths), len(paths), "done")
    places = find_places(results, detector.calibration.prior)
    return Screening(tuple(results), tuple(refusals), detector, places, tuple(notes))


def write_screening(screening: Screening, folder: str | PathLike[str]) -> None:
    """Write `detections.geojson`, `volcanoes.csv`, and probability and detectable rate of each map.

    Of several maps `places.geojson` besides.

    Parameters
    ----------
    screening : Screening
        What was found.
    folder : path
        An existing folder. The probability of a single map is `probability.tif`; that of several
        is `<map>/probability.tif`, with the two lists over all maps beside these folders.
        `detectable_rate.tif` (mm/yr, and the width in km) lies beside it where the model's card
        knows rates.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    folder = Path(folder)
    features = [
        (polygon(found.footprint), properties(result, found, screening.detector))
        for result, found in screening.ranked
    ]
    about = {
        "program": f"bradyseism {version('bradyseism')}",
        "prior": screening.detector.calibration.prior,
        "warnings": [f"{name}: {words}" for name, words in screening.warnings],
    }
    write_geojson(folder / "detections.geojson", features, about)
    if len(screening.results) > 1:
        seen = [
            (point(place.longitude, place.latitude), place_properties(place, number))
            for number, place in enumerate(screening.places, start=1)
        ]
        write_geojson(folder / "places.geojson", seen, about)
    rows = volcano_rows(screening)
    write_csv(folder / "volcanoes.csv", VOLCANO_COLUMNS, [list(row.values()) for row in rows])
    for name, result in zip(_folder_names(screening.results), screening.results, strict=True):
        target = folder if len(screening.results) == 1 else folder / name
        target.mkdir(exist_ok=True)
        write_cog(
            target / "probability.tif",
            result.probability,
            result.map.grid,
            description="probability of volcanic deformation",
            unit="1",
        )
        if result.detectable is not None and result.detectable_width is not None:
            write_cog(
                target / "detectable_rate.tif",
                np.stack([1e3 * result.detectable, 1e-3 * result.detectable_width]),
                result.map.grid,
                description=("smallest LOS rate that would have been found", "width"),
                unit=("mm/yr", "km"),
            )


def properties(result: DetectionResult, found: Detection, detector: Detector) -> dict[str, Any]:
    """What is said of one detection, in the units that people read: mm/yr and km.

    Parameters
    ----------
    result : DetectionResult
        The map and all that was found in it.
    found : Detection
        One of its detections.
    detector : Detector
        What found it.

    Returns
    -------
    dict
        Rates are line-of-sight, positive toward the satellite; what is not known is None.
    """
    provenance = result.map.provenance
    distance = found.volcano_distance
    return {
        "id": found.identifier,
        "map": result.map.name,
        "longitude": round(found.longitude, 5),
        "latitude": round(found.latitude, 5),
        "probability": round(found.probability, 4),
        "prior": detector.calibration.prior,
        **false_alarm_facts(found.false_alarm),
        "rate_mm_per_year": round(1e3 * found.rate, 2),
        "rate_positive": "toward the satellite",
        "radius_km": round(found.radius / 1e3, 2),
        "volcano": found.volcano.name if found.volcano else UNASSOCIATED,
        "volcano_number": found.volcano.number if found.volcano else None,
        "volcano_distance_km": None if distance is None else round(distance / 1e3, 2),
        **source_properties(found.source),
        **reason_properties(found.reasons),
        "map_path": provenance.path if provenance else None,
        "map_sha256": provenance.sha256 if provenance else None,
        "model": detector.name,
        "model_sha256": detector.sha256,
    }


def volcano_rows(screening: Screening) -> list[dict[str, Any]]:
    """Keys and values of `VOLCANO_COLUMNS` for every catalogued volcano inside each map."""
    rows = []
    for result in screening.results:
        for status in result.volcanoes:
            volcano = status.volcano
            values = (
                result.map.name, volcano.number, volcano.name, volcano.longitude,
                volcano.latitude, round(status.probability, 4), status.status,
            )  # fmt: skip
            rows.append(dict(zip(VOLCANO_COLUMNS, values, strict=True)))
    return rows


def as_json(screening: Screening) -> dict[str, Any]:
    """All that was found, for machines: maps, detections, volcanoes and refused maps."""
    return {
        "prior": screening.detector.calibration.prior,
        "maps": [result.map.name for result in screening.results],
        "detections": [properties(*pair, screening.detector) for pair in screening.ranked],
        "places": [place_properties(one, n) for n, one in enumerate(screening.places, start=1)],
        "volcanoes": volcano_rows(screening),
        "detectable": [
            {"map": result.map.name, "words": detectable_in_words(result)}
            for result in screening.results
        ],
        "warnings": [{"map": name, "warning": words} for name, words in screening.warnings],
        "refused": [{"map": one.path, "reason": one.reason} for one in screening.refusals],
    }


def _elevation(dem: str | Path, said: list[str]) -> Elevation:
    """Heights of a model for any grid; None, and a word more is said, where it leaves out much."""
    find_tiles(dem)  # what cannot be read is said before any map is

    def heights(grid: Grid, where: NDArray[np.bool_]) -> NDArray[np.floating] | None:
        """Elevation (m) on a grid; None where it is not covered."""
        try:
            return read_dem(dem, grid, where=where).elevation
        except UncoveredError as error:
            longitude, latitude = grid.centre
            said.append(f"relief explains nothing at {longitude:.3f}, {latitude:.3f}: {error}")
            return None

    return heights


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name, followed by a number if another map bears it."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _folder_names(results: Sequence[DetectionResult]) -> list[str]:
    """Names of the maps as folders, told apart by a number where two are the same anywhere."""
    names: dict[str, str] = {}
    for result in results:
        base = re.sub(r"[^\w.-]", "_", result.map.name).strip(".") or "map"
        name, number = base, 2
        while name.casefold() in names:
            name, number = f"{base}-{number}", number + 1
        names[name.casefold()] = name
    return list(names.values())
