"""What a person reads in the terminal after a job: tables and one sentence on what to do next."""

from __future__ import annotations

import math
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bradyseism.detection.detect import Detection
from bradyseism.evaluation.comparison import FALSE_SHARE, SURE, Comparison
from bradyseism.maps.readers import Inspection
from bradyseism.review.words import chance
from bradyseism.workflows.certainty import detectable_in_words
from bradyseism.workflows.explanation import Explanation
from bradyseism.workflows.properties import place_properties
from bradyseism.workflows.screening import UNASSOCIATED, Screening, properties
from bradyseism.workflows.variogram import NoiseReport, parameters

MOST_ROWS = 20
MOST_MAPS = 3


def understood(inspection: Inspection) -> dict[str, Any]:
    """What the two tables and the notes say, for machines."""
    return {
        "understood": [
            {"what": what, "value": value, "from": origin}
            for what, value, origin in inspection.facts
        ],
        "missing": [{"what": what, "option": option} for what, option in inspection.missing],
        "notes": inspection.notes,
        "warnings": inspection.warnings,
    }


def facts_table(inspection: Inspection) -> Table:
    """What was understood of a map file, and from where it is known."""
    table = Table(
        "what",
        "value",
        "known from",
        title="understood",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for name, value, origin in inspection.facts:
        table.add_row(Text(name), Text(value), Text(origin))
    return table


def missing_table(inspection: Inspection) -> Table:
    """What the file does not say, and the option that supplies it."""
    table = Table(
        "missing",
        "supply it with",
        title="missing",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for what, option in inspection.missing:
        table.add_row(Text(what), Text(option))
    return table


def detections_table(screening: Screening) -> Table:
    """All detections as a table, the most probable first, `MOST_ROWS` at most."""
    several = len(screening.results) > 1
    table = Table(title="detections", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    if several:
        table.add_column("map", overflow="fold")
    table.add_column("longitude, latitude", no_wrap=True)
    table.add_column("volcano", overflow="fold", min_width=len(UNASSOCIATED))
    for heading in ("km away", "probability", "mm/yr"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result, found in screening.ranked[:MOST_ROWS]:
        facts = properties(result, found, screening.detector)
        distance = facts["volcano_distance_km"]
        cells = [
            f"{facts['longitude']:.3f}, {facts['latitude']:.3f}",
            str(facts["volcano"]),
            "-" if distance is None else f"{distance:.1f}",
            chance(facts["probability"]),
            f"{facts['rate_mm_per_year']:+.1f}",
        ]
        table.add_row(*(Text(cell) for cell in ([str(facts["map"])] if several else []) + cells))
    return table


def places_table(screening: Screening) -> Table:
    """What several maps see, the most probable first."""
    table = Table(title="places", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("longitude, latitude", "maps", "up mm/yr", "depth km", "probability"):
        table.add_column(heading, overflow="fold")
    for number, place in enumerate(screening.places[:MOST_ROWS], start=1):
        facts = place_properties(place, number)
        up, depth = facts["up_mm_per_year"], facts["source_depth_km"]
        cells = [
            f"{facts['longitude']:.3f}, {facts['latitude']:.3f}",
            f"{len(place.detections)} of {len(place.sightings)} flag it",
            "-" if up is None else f"{up:+.1f}",
            "-" if depth is None else f"{depth:.1f}",
            chance(facts["probability"]),
        ]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def opinions_table(explanation: Explanation) -> Table:
    """Return what each window size says of a place, the most suspicious one marked."""
    longitude, latitude = explanation.place
    title = f"windows around {longitude:.3f}, {latitude:.3f}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("window km", "probability", "points to", "km from the place"):
        table.add_column(heading, justify="right")
    for index, opinion in enumerate(explanation.opinions):
        there = f"{opinion.points_to[0]:.3f}, {opinion.points_to[1]:.3f}"
        table.add_row(
            f"{opinion.width / 1e3:.1f}",
            f"{opinion.probability:.3f}",
            there,
            f"{opinion.distance / 1e3:.1f}",
            style="bold" if index == explanation.best else None,
        )
    return table


def bins_table(report: NoiseReport) -> Table:
    """Return the empirical variogram, bin by bin."""
    title = f"{report.name}: {report.pixels} valid pixels ({100 * report.share:.0f} % of the map)"
    table = Table(title=title, title_justify="left")
    for heading in ("distance km", "semivariance (mm/yr)^2", "its root mm/yr", "pairs"):
        table.add_column(heading, justify="right")
    found = report.variogram
    for lag, gamma, pairs in zip(found.lag, found.semivariance, found.pairs, strict=True):
        cells = (lag / 1e3, gamma * 1e6, gamma**0.5 * 1e3)
        table.add_row(*(f"{cell:.4g}" for cell in cells), f"{pairs:.3g}")
    return table


def models_table(report: NoiseReport) -> Table:
    """Return the fitted models with intervals of 95 %, the best first and bold."""
    table = Table("model", "parameter", title="models", title_justify="left")
    for heading in ("value", "95 % interval", "misfit", "criterion"):
        table.add_column(heading, justify="right")
    for rank, found in enumerate(report.fits):
        style = "bold" if rank == 0 else None
        for row, (name, value, low, high) in enumerate(parameters(found)):
            first = row == 0
            table.add_row(
                found.kind if first else "",
                name,
                f"{value:.3g}",
                "not determined" if math.isnan(low) else f"{low:.3g} to {high:.3g}",
                f"{100 * found.misfit:.1f} %" if first else "",
                f"{found.criterion:.1f}" if first else "",
                style=style,
            )
    return table


def _otherwise(found: Detection) -> str:
    """Say what explains a detection better than a source, if anything."""
    if not found.reasons:
        return ""
    codes = " or ".join(reason.code for reason in found.reasons)
    return f" Something else may explain it: {codes} (see the report)."


def advice(screening: Screening) -> str:
    """Say in one or two sentences what was found and what to do about it."""
    looked = f"{len(screening.results)} map{'s' if len(screening.results) != 1 else ''}"
    ranked = screening.ranked
    hidden = sum(
        status.status == "not observable"
        for result in screening.results
        for status in result.volcanoes
    )
    unseen = (
        f" {hidden} volcano{'es' if hidden != 1 else ''} inside could not be observed: see "
        "volcanoes.csv."
        if hidden
        else ""
    )
    blind = sum(not len(result.windows) for result in screening.results)
    if not screening.results:
        return "No map could be read: see what is left out."
    if blind == len(screening.results):
        return (
            f"Nothing could be judged in {looked}: the map is too narrow, too few pixels hold "
            "data, or they hardly vary. Look at it with `bradyseism inspect`; where gaps are "
            "scattered, average it to coarser pixels (gdalwarp -r average -tr)."
        )
    if blind:
        looked += f" ({blind} of them could not be judged at all)"
    if not ranked:
        seen = " ".join(
            filter(None, (detectable_in_words(result) for result in screening.results[:MOST_MAPS]))
        )
        return (
            f"Nothing found in {looked}: no window looks like volcanic deformation. That does not "
            f"exclude motion below the noise. {seen}{unseen}".rstrip()
        )
    result, best = ranked[0]
    facts = properties(result, best, screening.detector)
    place = (
        f"{facts['longitude']:.3f}, {facts['latitude']:.3f}"
        if facts["volcano"] == UNASSOCIATED
        else f"{facts['volcano']} ({facts['longitude']:.3f}, {facts['latitude']:.3f})"
    )
    sense = "toward" if best.rate > 0 else "away from"
    rate = abs(facts["rate_mm_per_year"])
    warned = result.map.provenance and result.map.provenance.warnings
    odd = " Mind the warning about this map." if warned else ""
    count = f"{len(ranked)} detection{'s' if len(ranked) != 1 else ''} in {looked}"
    return (
        f"{count}. Look first at {place}: the ground moves {rate:.{0 if rate >= 10 else 1}f} "
        f"mm/yr {sense} the satellite relative to the ground around.{_otherwise(best)}{odd} Open "
        "report.html and check it against the picture: a detection is a place to look at, not a "
        f"diagnosis.{unseen}"
    )


def comparison_table(comparison: Comparison) -> Table:
    """Scores of two detectors on held-out ground, and what differs with its interval."""
    title = (
        f"held-out ground: {comparison.windows} background windows, {comparison.sources} with a "
        f"simulated source, {comparison.blocks} blocks"
    )
    table = Table(
        "", "before", "after", "change (95 % by block)",
        title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    rows = (
        ("log-loss at the prior", "log_loss", "{:.4f}", 1.0),
        ("AUC", "auc", "{:.4f}", 1.0),
        ("background flagged, %", "background_flagged", "{:.2f}", 100.0),
        ("sources flagged, %", "sources_flagged", "{:.1f}", 100.0),
        (f"sources found at {FALSE_SHARE:.0%} false, %", "sources_found", "{:.1f}", 100.0),
        (f"peak / spread found in {SURE:.0%}", "signal_to_noise_found", "{:.1f}", 1.0),
        (f"rate found in {SURE:.0%}, mm/yr", "rate_found", "{:.1f}", 1e3),
        ("calibration error, balanced", "calibration_error", "{:.3f}", 1.0),
    )
    for label, name, form, unit in rows:
        values = [
            form.format(unit * getattr(scores, name))
            for scores in (comparison.before, comparison.after)
        ]
        table.add_row(Text(label), *map(Text, values), Text(_change(comparison, name, form, unit)))
    return table


def _change(comparison: Comparison, name: str, form: str, unit: float) -> str:
    """Return the change of a score with its interval; empty where none was made."""
    if name not in comparison.change:
        return ""
    change = comparison.change[name]
    signed = form.replace(":", ":+")
    estimate, low, high = (
        signed.format(unit * value) for value in (change.estimate, change.low, change.high)
    )
    return f"{estimate} ({low} to {high})"
