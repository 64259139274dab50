"""One self-contained page: what was flagged, where, how sure, and why.

The page holds its style and its pictures, asks nothing of a network, and prints.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from bradyseism.detection.detect import Detection, DetectionResult
from bradyseism.detection.events import FLAG
from bradyseism.detection.places import Place
from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.physics.line_of_sight import wrap
from bradyseism.review import figures, overview
from bradyseism.review.drawing import velocity_range
from bradyseism.review.sources import modelled, place_facts, source_facts
from bradyseism.review.views import (
    FRINGE,
    Crop,
    crop_around,
    radial_profile,
    thinned,
    wrapping_cycle,
)
from bradyseism.review.words import (
    STATES,
    chance,
    count,
    motion_in_words,
    position,
    signed,
    summary,
)
from bradyseism.workflows.certainty import detectable_in_words

_COLOURS = 256  # a palette weighs a quarter of full colour, and no eye tells the difference
_WINDOW_SHARE, _RADII = 0.55, 2.5  # a picture reaches beyond the window, and as many radii


@dataclass(frozen=True)
class Picture:
    """A picture of the page: data URI, size in pixels, and the words for who cannot see it."""

    uri: str
    width: int
    height: int
    words: str
    caption: str


def write_report(
    path: str | Path,
    results: Sequence[DetectionResult],
    *,
    model: str,
    model_sha256: str = "",
    prior: float | None = None,
    catalogued: bool = True,
    places: Sequence[Place] = (),
) -> None:
    """Write the page for one or more maps.

    Parameters
    ----------
    path : path
        Of the HTML file; replaced in one step when the page is whole.
    results : sequence of DetectionResult
        One for each map, shown in this order.
    model : str
        Name of the detector.
    model_sha256 : str, optional
        Hash of its file.
    prior : float, optional
        Share of maps that the calibration expects to hold deformation, 0 to 1.
    catalogued : bool
        Whether a catalogue of volcanoes was given at all.
    places : sequence of Place
        What several maps see.

    Raises
    ------
    ValueError
        If there is no result.
    OSError
        If the file cannot be written.
    """
    if not results:
        raise ValueError("results holds no map: run the detector on at least one")
    environment = Environment(
        loader=PackageLoader("bradyseism.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=signed, chance=chance)
    environment.globals.update(position=position)
    page = environment.get_template("report.html").render(
        summary=summary(results, places),
        maps=[_map_section(result) for result in results],
        model=model,
        model_sha256=model_sha256,
        threshold=FLAG,
        prior=prior,
        fringe=FRINGE,
        catalogued=catalogued,
        places=[(place, place_facts(place)) for place in places],
    )
    with atomic_path(Path(path)) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _picture(figure: Figure, words: str, caption: str) -> Picture:
    """Render with a palette, which is what keeps a page of ten detections light."""
    raw, packed = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is boxes in the picture, and whole in the tables.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(raw, format="raw", dpi="figure")
    size = figure.canvas.get_width_height()
    image = Image.frombytes("RGBA", size, raw.getvalue()).convert("RGB")
    image = image.quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(packed, format="png", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(packed.getvalue()).decode("ascii")
    return Picture(uri, image.width, image.height, words, caption)


def _map_section(result: DetectionResult) -> dict[str, object]:
    """All that the template shows of one map."""
    valid = result.map.valid
    return {
        "map": result.map,
        "summary": summary([result]),
        "detectable": detectable_in_words(result),
        "pixel_size": result.map.grid.pixel_size,
        "missing": 1.0 - float(valid.mean()),
        "judged": float(np.isfinite(result.probability)[valid].mean()) if valid.any() else 0.0,
        "pictures": _overview_pictures(result),
        "wide": overview.is_wide(result.map.grid),
        "detections": [
            _detection_section(result, detection, number)
            for number, detection in enumerate(result.detections, start=1)
        ],
        "volcanoes": sorted(result.volcanoes, key=lambda status: STATES.index(status.status)),
    }


def _overview_pictures(result: DetectionResult) -> list[Picture]:
    velocity, grid = thinned(result.map.velocity, result.map.grid)
    probability, _ = thinned(result.probability, result.map.grid)
    marks = (grid, result.detections, result.volcanoes)
    words = (
        f"{count(len(result.detections), 'numbered detection')} and "
        f"{count(len(result.volcanoes), 'volcano', 'volcanoes')}"
    )
    name = result.map.name
    return [
        _picture(
            overview.velocity_overview(velocity, *marks),
            f"Velocity map of {name} in mm/yr, positive toward the satellite, with {words}.",
            "LOS velocity. Red moves toward the satellite, blue away from it; grey is missing.",
        ),
        _picture(
            overview.probability_overview(probability, *marks),
            f"Probability of volcanic deformation over {name}, 0 to 1, with {words}.",
            "Probability of volcanic deformation. Grey could not be judged.",
        ),
    ]


def _detection_section(
    result: DetectionResult, detection: Detection, number: int
) -> dict[str, object]:
    """All that the template shows of one detection."""
    window = detection.window
    crop = crop_around(
        result.map,
        result.probability,
        (detection.longitude, detection.latitude),
        half_width=max(_WINDOW_SHARE * window.pixel_size * window.size, _RADII * detection.radius),
        evidence=detection.evidence,
        window=window.footprint,
    )
    cycle = wrapping_cycle(detection.rate * result.map.years)
    return {
        "number": number,
        "detection": detection,
        "motion": motion_in_words(detection.rate, crop.look),
        "surroundings": crop.surroundings,
        "pictures": [
            *_motion_pictures(detection, crop, result.map.years, cycle),
            *_evidence_pictures(detection, crop),
        ],
        "source": source_facts(detection.source) if detection.source else [],
        "source_pictures": _source_pictures(detection, crop),
    }


def _motion_pictures(detection: Detection, crop: Crop, years: float, cycle: float) -> list[Picture]:
    rate, ground = f"{signed(detection.rate * 1e3)} mm/yr", _ground(detection, crop)
    fringe = f"{cycle * 1e3:.1f} mm"
    why = "half the wavelength" if cycle == FRINGE else "shorter than usual, so that it shows"
    profile = radial_profile(crop.velocity, crop.pixel_size)
    return [
        _picture(
            figures.velocity_panel(crop, detection),
            f"Velocity map in mm/yr, {ground}; {rate} at the peak.",
            "Velocity relative to the surroundings. Dashed: the area above half of the peak.",
        ),
        _picture(
            figures.wrapped_panel(crop, wrap(crop.velocity * years, cycle), cycle=cycle),
            f"Displacement over {years:.1f} years in fringes of {fringe}, {ground}.",
            f"Wrapped displacement over {years:.1f} years: one fringe is {fringe} ({why}).",
        ),
        _picture(
            figures.profile_panel(profile, radius=detection.radius),
            f"Mean velocity in rings against distance from the centre; {rate} at the peak.",
            "Mean over rings about the centre; the band holds the middle 68 % of the pixels.",
        ),
    ]


def _evidence_pictures(detection: Detection, crop: Crop) -> list[Picture]:
    ground = _ground(detection, crop)
    return [
        _picture(
            figures.probability_panel(crop, detection),
            f"Probability of deformation, {ground}; "
            f"{chance(detection.probability)} for the detection.",
            "Probability of volcanic deformation. Grey could not be judged.",
        ),
        _picture(
            figures.evidence_panel(crop, detection.window.footprint),
            f"Grad-CAM over the grey velocity map, {ground}.",
            "Grad-CAM: where the network found it. The box is the window it judged.",
        ),
    ]


def _source_pictures(detection: Detection, crop: Crop) -> list[Picture]:
    """Model and rest, in the colours of the data."""
    if detection.source is None:
        return []
    fit, reach = detection.source.best, velocity_range(crop.velocity)
    model, rest = modelled(crop, fit)
    ground = _ground(detection, crop)
    return [
        _picture(
            figures.velocity_panel(model, detection, reach=reach),
            f"Velocity of the fitted {fit.model} source in mm/yr, {ground}.",
            f"What the fitted {fit.model} source would show, in the colours of the velocity above.",
        ),
        _picture(
            figures.velocity_panel(rest, detection, reach=reach),
            f"Velocity less that of the fitted {fit.model} source in mm/yr, {ground}.",
            "What it leaves over. A ring or a step left at the place speaks against the source.",
        ),
    ]


def _ground(detection: Detection, crop: Crop) -> str:
    side = f"{2 * crop.half_width / 1e3:.0f} km"
    return f"{side} around {position(detection.longitude, detection.latitude)}"
