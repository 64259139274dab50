"""Look at maps: inspect, detect, explain."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bradyseism.cli.options import CatalogueFile, Json, Model, Output, Prior, Quiet, reads_maps
from bradyseism.cli.terminal import BAD_INPUT, complain, print_json, progress_bar, stdout

if TYPE_CHECKING:
    from bradyseism.workflows.screening import Screening

# Of an earlier run with other maps, or with a model that knew more.
LEFTOVERS = (
    "probability.tif",
    "*/probability.tif",
    "*/detectable_rate.tif",
    "detectable_rate.tif",
    "places.geojson",
)


@reads_maps
def inspect(
    path: Annotated[Path, typer.Argument(metavar="MAP", help="File or result folder.")],
    *,
    stated: dict[str, Any],
    as_json: Json = False,
) -> None:
    """Say what is understood of a map, and which option supplies what is missing.

    Example: `bradyseism inspect vel.tif --unit mm/yr`
    """
    from bradyseism.cli.summary import facts_table, missing_table, understood
    from bradyseism.maps.readers import ReadOptions, inspect_map

    inspection = inspect_map(path, ReadOptions(**stated))
    if as_json:
        print_json({"map": str(path), **understood(inspection)})
        return
    stdout.print(facts_table(inspection))
    for note in inspection.notes:
        stdout.print(f"Note: {note}", markup=False, highlight=False)
    for warning in inspection.warnings:
        stdout.print(f"Warning: {warning}", markup=False, highlight=False)
    if inspection.missing:
        stdout.print(missing_table(inspection))
    else:
        stdout.print("Nothing is missing: the map can be screened as it is.")


@reads_maps
def detect(
    maps: Annotated[
        list[Path] | None,
        typer.Argument(metavar="MAP...", help="Files or result folders.", show_default=False),
    ] = None,
    *,
    output: Output,
    stated: dict[str, Any],
    table: Annotated[
        Path | None,
        typer.Option(
            help="CSV of maps, one a line: path, and what each does not say (unit, positive, crs, "
            "look, span_years). For maps of different looks."
        ),
    ] = None,
    catalogue: CatalogueFile = None,
    model: Model = None,
    dem: Annotated[
        Path | None,
        typer.Option(
            help="Elevation model (tiles or raster): tells slopes and relief from sources."
        ),
    ] = None,
    prior: Prior = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look for volcanic deformation in velocity maps and write what was found to a folder.

    Writes `detections.geojson`, `volcanoes.csv`, `probability.tif`, `detectable_rate.tif` (where
    the model's card knows rates) and `report.html`; of several maps `places.geojson` too.

    Example: `bradyseism detect vel.tif --catalogue volcanoes.csv -o result`
    """
    from bradyseism.detection.runtime import Detector
    from bradyseism.maps.readers import ReadOptions, maps_of_table
    from bradyseism.maps.volcanoes import read_catalogue
    from bradyseism.maps.writers.staging import staged_folder
    from bradyseism.review.report import write_report
    from bradyseism.workflows.screening import screen, write_screening

    named = [(path, ReadOptions(**stated)) for path in maps or []]
    named += maps_of_table(table, ReadOptions(**stated)) if table else []
    if not named:
        raise ValueError("no map: give MAP..., or --table with a CSV that names them")
    paths, options = zip(*named, strict=True)
    detector = Detector.load(model, prior=prior)
    volcanoes = read_catalogue(catalogue) if catalogue else None
    # The folder first: hours of work are not lost to one that cannot be written.
    with (
        staged_folder(output, leftovers=LEFTOVERS, signature="detections.geojson") as folder,
        progress_bar(quiet=quiet or as_json) as progress,
    ):
        screening = screen(
            paths,
            detector,
            options=options,
            catalogue=volcanoes,
            dem=dem,
            progress=progress,
        )
        if screening.results:
            write_screening(screening, folder)
            write_report(
                folder / "report.html",
                screening.results,
                model=detector.name,
                model_sha256=detector.sha256,
                prior=detector.calibration.prior,
                catalogued=volcanoes is not None,
                places=screening.places,
            )
    _show_screening(screening, output, as_json=as_json, quiet=quiet)


def _show_screening(screening: Screening, output: Path, *, as_json: bool, quiet: bool) -> None:
    from bradyseism.cli.summary import advice, detections_table, places_table
    from bradyseism.workflows.screening import as_json as as_plain

    if as_json:
        print_json({"output": str(output), **as_plain(screening)})
    elif not quiet:
        stdout.print(
            *([detections_table(screening)] if screening.ranked else []),
            *([places_table(screening)] if screening.places else []),
            advice(screening),
        )
        if screening.results:
            stdout.print(f"Report: {output / 'report.html'}", soft_wrap=True)
    for name, warning in screening.warnings:
        complain(f"warning: {name}: {warning}")
    for refusal in screening.refusals:
        named = "" if refusal.path in refusal.reason else f"{refusal.path}: "
        complain(f"left out: {named}{refusal.reason}")
    if screening.refusals:
        raise typer.Exit(BAD_INPUT)


@reads_maps
def explain(
    path: Annotated[Path, typer.Argument(metavar="MAP", help="File or result folder.")],
    *,
    at: Annotated[
        str | None, typer.Option(help="longitude,latitude. [default: the most suspicious place]")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Picture of the evidence (a .png file).")
    ] = None,
    stated: dict[str, Any],
    model: Model = None,
    prior: Prior = None,
    as_json: Json = False,
) -> None:
    """Say what each window size makes of a place, and draw which ground decided (Grad-CAM).

    Example: `bradyseism explain vel.tif --at 14.14,40.83 -o evidence.png`
    """
    from bradyseism.cli.summary import opinions_table
    from bradyseism.detection.runtime import Detector
    from bradyseism.maps.readers import ReadOptions, open_map
    from bradyseism.review.evidence import write_evidence
    from bradyseism.workflows import explanation as reasons

    place = reasons.parse_place(at) if at else None
    velocity_map = open_map(path, ReadOptions(**stated))
    explanation = reasons.explain(velocity_map, Detector.load(model, prior=prior), place)
    if output:
        write_evidence(output, velocity_map, explanation)
    if as_json:
        opinions = [asdict(opinion) for opinion in explanation.opinions]
        facts = {"place": explanation.place, "probability": explanation.probability}
        print_json({"map": str(path), **facts, "windows": opinions})
    else:
        stdout.print(opinions_table(explanation))
        stdout.print(f"All sizes together, looked at again: {explanation.probability:.3f}.")
        if output:
            stdout.print(f"Wrote {output}.", soft_wrap=True)
