"""A detector against maps whose truth is known, and against sources hidden in volcano-free maps."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from bradyseism.detection.detect import Detection, DetectionResult, detect
from bradyseism.detection.events import FLAG
from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.injection import (
    InjectionResult,
    Method,
    detector_method,
    run_injection,
)
from bradyseism.evaluation.injection_plan import (
    InjectionSettings,
    cut_frames,
    draw_plan,
    plan_csv,
    plan_digest,
)
from bradyseism.evaluation.scores import exact_interval
from bradyseism.evaluation.split import ANATOLIAN_SPLIT
from bradyseism.evaluation.truth import Place, read_truth
from bradyseism.evaluation.window_boxcar import baseline_methods
from bradyseism.maps.near import distance
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.maps.writers.atomic import write_bytes

__all__ = [
    "FieldScorecard",
    "MapScore",
    "field_scorecard",
    "injection_scorecard",
    "score_map",
]

logger = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class MapScore:
    """What a detector made of one map.

    Attributes
    ----------
    map
        Name in the truth table.
    volcanic
        Whether it holds volcanic deformation; None where that is ambiguous (shown, not counted).
    found
        Whether a flagged detection lies within the radius of a centre that must be found.
    flagged
        Whether there is any detection of probability over 0.5.
    probability
        Strongest evidence anywhere in the map, 0-1; None where nothing could be judged.
    distance_km
        From the most probable detection that finds a centre, or else the most probable of all, to
        the nearest centre that must be found; None without either.
    refused
        Why the map was not read, or None.
    false_detections
        Flagged detections on testing ground, away from every centre known to be real.
    windows, flagged_windows
        Windows centred on testing ground, and how many of them are of probability over 0.5.
    """

    map: str
    volcanic: bool | None
    found: bool = False
    flagged: bool = False
    probability: float | None = None
    distance_km: float | None = None
    refused: str | None = None
    false_detections: int = 0
    windows: int = 0
    flagged_windows: int = 0

    def as_json(self) -> dict[str, Any]:
        """The seven facts of the published form; `windows` and the rest are in the totals."""
        names = ("map", "volcanic", "found", "flagged", "probability", "distance_km", "refused")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class FieldScorecard:
    """What a detector made of a table of maps with known truth.

    Attributes
    ----------
    maps
        One score a row of the table, in its order.
    """

    maps: tuple[MapScore, ...]

    @property
    def totals(self) -> dict[str, Any]:
        """Counts over the maps that were read; ambiguous ones are not counted.

        Windows are those of volcano-free maps on testing ground, with the exact 95 % interval of
        the share flagged (None without any window), too narrow as windows overlap.
        """
        read = [score for score in self.maps if score.refused is None]
        volcanic = [score for score in read if score.volcanic is True]
        free = [score for score in read if score.volcanic is False]
        windows = sum(score.windows for score in free)
        flagged = sum(score.flagged_windows for score in free)
        share = exact_interval(flagged, windows) if windows else None
        return {
            "volcanic": len(volcanic),
            "volcanic_flagged": sum(score.flagged for score in volcanic),
            "volcanic_found": sum(score.found for score in volcanic),
            "volcano_free": len(free),
            "volcano_free_flagged": sum(score.flagged for score in free),
            "ambiguous": sum(score.volcanic is None for score in read),
            "refused": len(self.maps) - len(read),
            "false_detections": sum(score.false_detections for score in [*volcanic, *free]),
            "windows": windows,
            "windows_flagged": flagged,
            "windows_flagged_share": share and share.estimate,
            "windows_flagged_low": share and share.low,
            "windows_flagged_high": share and share.high,
        }

    def as_json(self) -> dict[str, Any]:
        """``{"maps": [...], "totals": {...}}`` of numbers, texts, booleans and None."""
        return {"maps": [score.as_json() for score in self.maps], "totals": self.totals}

    def as_markdown(self) -> str:
        """One line a map, then the totals in words."""
        lines = [
            "| map | truth | flagged | found | highest probability | distance, km "
            "| false detections | windows flagged |",
            "|---|---|---|---|---|---|---|---|",
            *(_markdown_row(score) for score in self.maps),
            "",
        ]
        totals = self.totals
        lines.append(
            f"Found {totals['volcanic_found']} of {totals['volcanic']} volcanic maps; flagged "
            f"{totals['volcano_free_flagged']} of {totals['volcano_free']} volcano-free maps; "
            f"{totals['ambiguous']} ambiguous, {totals['refused']} refused."
        )
        if totals["windows"]:
            lines.append(
                f"Volcano-free testing ground: {totals['windows_flagged']} of {totals['windows']} "
                f"windows flagged, {100 * totals['windows_flagged_share']:.1f} % (exact 95 % "
                f"interval {100 * totals['windows_flagged_low']:.1f} to "
                f"{100 * totals['windows_flagged_high']:.1f} %, too narrow as windows overlap)."
            )
        return "\n".join(lines) + "\n"


def score_map(
    name: str,
    volcanic: bool | None,
    result: DetectionResult,
    must: Sequence[Place],
    may: Sequence[Place],
) -> MapScore:
    """Compare the detections of one map with its truth.

    Parameters
    ----------
    name, volcanic
        As in `MapScore`.
    result
        What the detector found.
    must
        Centres of which one has to be found; without any, whatever a volcanic map shows counts.
    may
        Real signals besides, which need not be found and are not false.

    Raises
    ------
    ValueError
        If the centres to be found lie nowhere near the map.
    """
    grid = result.map.grid
    middle = Place(*grid.centre, 0.0)
    reach = 2.0 * math.hypot(*np.multiply(grid.shape, grid.pixel_sides))
    if must and all(distance(place, middle) > reach for place in must):
        raise ValueError(
            f"must {must[0].longitude:g} {must[0].latitude:g} lies far off the map, which is about "
            f"{middle.longitude:.2f} {middle.latitude:.2f}: write longitude latitude radius_km"
        )
    flagged = [one for one in result.detections if one.probability > FLAG]
    known = [*must, *may]
    anywhere = volcanic is True and not must
    false = [
        one
        for one in flagged
        if not (anywhere or _is_near(one, known))
        and ANATOLIAN_SPLIT.selects(one.longitude, one.latitude, "testing")
    ]
    windows = result.windows
    testing = windows[ANATOLIAN_SPLIT.selects(windows["longitude"], windows["latitude"], "testing")]
    # The detection that finds a centre counts, though a real neighbour may be more probable.
    finding = [one for one in flagged if _is_near(one, must)] or list(result.detections)
    distances = [distance(place, best) for best in finding[:1] for place in must]
    return MapScore(
        map=name,
        volcanic=volcanic,
        found=any(anywhere or _is_near(one, must) for one in flagged),
        flagged=bool(flagged),
        probability=result.score if len(windows) else None,
        distance_km=min(distances) / 1e3 if distances else None,
        false_detections=len(false),
        windows=len(testing),
        flagged_windows=int(np.sum(testing["probability"] > FLAG)),
    )


def field_scorecard(
    truth_csv: str | PathLike[str], detector: Detector, *, progress: Progress | None = None
) -> FieldScorecard:
    """Run a detector over a table of maps with known truth.

    Parameters
    ----------
    truth_csv
        See `truth.read_truth`.
    detector
        Looks at every map that can be read.
    progress
        Told maps done, maps in all, and the name of the present one.

    Returns
    -------
    FieldScorecard
        A map that is refused is listed with the reason and does not end the run.

    Raises
    ------
    ValueError
        Where the table itself is wrong.
    OSError
        Where the table cannot be read.
    """
    rows = read_truth(truth_csv)
    scores = []
    for done, row in enumerate(rows):
        if progress:
            progress(done, len(rows), row.map)
        try:
            result = detect(row.open(), detector)
            scores.append(score_map(row.map, row.volcanic, result, row.must, row.may))
        except (ValueError, OSError) as error:
            logger.info("refused %s: %s", row.map, error)
            reason = " ".join(str(error).split())
            scores.append(MapScore(row.map, row.volcanic, refused=reason))
    if progress:
        progress(len(rows), len(rows), "done")
    return FieldScorecard(tuple(scores))


def injection_scorecard(
    maps: Sequence[VelocityMap],
    detector: Detector,
    plan_path: str | PathLike[str],
    *,
    settings: InjectionSettings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> InjectionResult:
    """Compare a detector with methods without learning on sources hidden in volcano-free maps.

    Parameters
    ----------
    maps
        Without volcanic deformation, for example from `volcano_free_maps`.
    detector
        Named ``bradyseism`` in the result; the others have the names of `baseline_methods`.
    plan_path
        Table of all sources, written before any method sees a frame.
    settings
        What is injected; the defaults if None.
    seed
        Fixes places, shapes, depths and order: the same seed and maps give the same plan.
    progress
        Told steps done, steps in all, and a word.

    Raises
    ------
    ValueError
        Where the maps hold no frame.
    OSError
        Where the plan cannot be written.
    """
    settings = settings or InjectionSettings()
    frames = cut_frames(maps, settings)
    plan = draw_plan(frames, settings, np.random.default_rng(seed))
    table = plan_csv(plan, frames)
    write_bytes(plan_path, table.encode())
    return run_injection(
        frames, plan, _methods(detector), settings, digest=plan_digest(table), progress=progress
    )


def _methods(detector: Detector) -> dict[str, Method]:
    methods: dict[str, Method] = {"bradyseism": detector_method(detector)}
    return methods | baseline_methods(detector.encoding)


def _is_near(detection: Detection, places: Sequence[Place]) -> bool:
    return any(distance(place, detection) <= place.radius for place in places)


def _markdown_row(score: MapScore) -> str:
    truth = {True: "volcanic", False: "none", None: "ambiguous"}[score.volcanic]
    if score.refused is not None:
        return f"| {score.map} | {truth} | refused: {score.refused} | | | | | |"
    cells = [
        score.map,
        truth,
        "yes" if score.flagged else "no",
        ("yes" if score.found else "no") if score.volcanic else "",
        "" if score.probability is None else f"{score.probability:.3f}",
        "" if score.distance_km is None else f"{score.distance_km:.1f}",
        str(score.false_detections),
        f"{score.flagged_windows}/{score.windows}",
    ]
    return f"| {' | '.join(cells)} |"
