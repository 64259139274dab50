"""The command line: each command loads its floor when it is called, so that --help is quick.

Results go to stdout, progress and messages to stderr. Bad input (`ValueError`, `OSError`) is one
message and exit code 2.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.logging import RichHandler

from bradyseism.options import CatalogueFile, Config, Json, Model, Output, Quiet, reads_maps
from bradyseism.terminal import (
    BAD_INPUT,
    Commands,
    complain,
    progress_bar,
    provenance,
    stderr,
    stdout,
)

if TYPE_CHECKING:
    from bradyseism.evaluation.injection import InjectionResult
    from bradyseism.evaluation.scorecard import FieldScorecard
    from bradyseism.workflows.screening import Screening

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
simulate_app = typer.Typer(no_args_is_help=True, help="Simulate maps whose truth is known.")
train_app = typer.Typer(no_args_is_help=True, help="Train a detector (needs the extra `train`).")
app.add_typer(simulate_app, name="simulate")
app.add_typer(train_app, name="train")


@app.callback()
def root(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
) -> None:
    """Find slow volcanic deformation in long-term InSAR velocity maps.

    Begin with `bradyseism inspect MAP`, then `bradyseism detect MAP -o OUT`.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=stderr, show_path=False)],
    )


@app.command()
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
    from bradyseism.maps.readers import ReadOptions, inspect_map
    from bradyseism.summary import facts_table, missing_table, understood

    inspection = inspect_map(path, ReadOptions(**stated))
    if as_json:
        _print_json({"map": str(path), **understood(inspection)})
        return
    stdout.print(facts_table(inspection))
    for note in inspection.notes:
        stdout.print(f"Note: {note}", markup=False, highlight=False)
    if inspection.missing:
        stdout.print(missing_table(inspection))
    else:
        stdout.print("Nothing is missing: the map can be screened as it is.")


@app.command()
@reads_maps
def detect(
    maps: Annotated[list[Path], typer.Argument(metavar="MAP...", help="Files or result folders.")],
    *,
    output: Output,
    stated: dict[str, Any],
    catalogue: CatalogueFile = None,
    model: Model = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look for volcanic deformation in velocity maps and write what was found to a folder.

    Writes `detections.geojson`, `volcanoes.csv`, `probability.tif` and `report.html`.

    Example: `bradyseism detect vel.tif --catalogue volcanoes.csv -o result`
    """
    from bradyseism.detection.runtime import Detector
    from bradyseism.maps.readers import ReadOptions
    from bradyseism.maps.volcanoes import read_catalogue
    from bradyseism.maps.writers.staging import staged_folder
    from bradyseism.review.report import write_report
    from bradyseism.workflows.screening import screen, write_screening

    detector = Detector.load(model)
    volcanoes = read_catalogue(catalogue) if catalogue else None
    with progress_bar(quiet=quiet or as_json) as progress:
        screening = screen(
            maps, detector, options=ReadOptions(**stated), catalogue=volcanoes, progress=progress
        )
        if screening.results:
            with staged_folder(output) as folder:
                write_screening(screening, folder)
                write_report(
                    folder / "report.html",
                    screening.results,
                    model=detector.name,
                    model_sha256=detector.sha256,
                    prior=detector.calibration.prior,
                )
    _show_screening(screening, output, as_json=as_json, quiet=quiet)


def _show_screening(screening: Screening, output: Path, *, as_json: bool, quiet: bool) -> None:
    from bradyseism.summary import advice, detections_table
    from bradyseism.workflows.screening import as_json as as_plain

    if as_json:
        _print_json({"output": str(output), **as_plain(screening)})
    elif not quiet:
        stdout.print(
            *([detections_table(screening)] if screening.ranked else []), advice(screening)
        )
        stdout.print(f"Report: {output / 'report.html'}", soft_wrap=True)
    for refusal in screening.refusals:
        complain(f"{refusal.path} was left out: {refusal.reason}")
    if screening.refusals:
        raise typer.Exit(BAD_INPUT)


@app.command()
@reads_maps
def explain(
    path: Annotated[Path, typer.Argument(metavar="MAP", help="File or result folder.")],
    *,
    at: Annotated[
        str | None, typer.Option(help="longitude,latitude. [default: the most suspicious place]")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Picture of the evidence (PNG).")
    ] = None,
    stated: dict[str, Any],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Say what each window size makes of a place, and draw which ground decided (Grad-CAM).

    Example: `bradyseism explain vel.tif --at 14.14,40.83 -o evidence.png`
    """
    from bradyseism.detection.runtime import Detector
    from bradyseism.maps.readers import ReadOptions, open_map
    from bradyseism.review.evidence import write_evidence
    from bradyseism.summary import opinions_table
    from bradyseism.workflows import explanation as reasons

    place = reasons.parse_place(at) if at else None
    velocity_map = open_map(path, ReadOptions(**stated))
    explanation = reasons.explain(velocity_map, Detector.load(model), place)
    if output:
        write_evidence(output, velocity_map, explanation)
    if as_json:
        opinions = [asdict(opinion) for opinion in explanation.opinions]
        _print_json({"map": str(path), "place": explanation.place, "windows": opinions})
    else:
        stdout.print(opinions_table(explanation))


@app.command()
def evaluate(
    *,
    field: Annotated[
        Path | None, typer.Option(help="Truth table of real maps: one line and the totals.")
    ] = None,
    injection: Annotated[
        Path | None,
        typer.Option(help="Folder of volcano-free maps (or its truth table) to hide sources in."),
    ] = None,
    plan: Annotated[
        Path, typer.Option(help="Where the table of hidden sources is written first.")
    ] = Path("injection_plan.csv"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the hidden sources.")] = 0,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Measure a detector on real maps with known truth, or on sources hidden in quiet maps.

    Example: `bradyseism evaluate --field truth.csv`
    """
    from bradyseism.detection.runtime import Detector
    from bradyseism.evaluation.scorecard import field_scorecard, injection_scorecard
    from bradyseism.evaluation.truth import volcano_free_maps

    detector = Detector.load(model)
    result: FieldScorecard | InjectionResult
    with progress_bar(quiet=as_json) as progress:
        if field and not injection:
            result = field_scorecard(field, detector, progress=progress)
        elif injection and not field:
            maps = volcano_free_maps(injection)
            result = injection_scorecard(maps, detector, plan, seed=seed, progress=progress)
        else:
            raise ValueError(f"--field {field} and --injection {injection}: give one of the two")
    if as_json:
        _print_json(result.as_json())
    else:
        print(result.as_markdown())


@simulate_app.command("demo")
def simulate_demo(
    *, output: Output, seed: Annotated[int, typer.Option(min=0, help="Seed of the noise.")] = 1
) -> None:
    """Write a mountain region with two hidden volcanoes, a creeping slope and a salt flat.

    Example: `bradyseism simulate demo -o demo`
    """
    from bradyseism.maps.writers.staging import staged_folder
    from bradyseism.workflows.simulation import write_demo

    with stderr.status("simulating"), staged_folder(output) as folder:
        written = write_demo(folder, seed=seed)
    stdout.print(f"Wrote {output / written.name} with its catalogue and truth.", soft_wrap=True)


@simulate_app.command("scenes")
def simulate_scenes(
    *,
    output: Output,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the series.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="Scenes 0 to count - 1 of the series.")] = 1,
    config: Config = None,
) -> None:
    """Write scenes of a seeded series as maps, with the truth table that `evaluate` reads.

    Example: `bradyseism simulate scenes --seed 7 --count 20 -o scenes`
    """
    from bradyseism.config import read_settings
    from bradyseism.maps.writers.staging import staged_folder
    from bradyseism.scenes.synthesis import SceneSettings
    from bradyseism.workflows.simulation import write_scenes

    default = SceneSettings(shape=(512, 512), pixel_sizes=(200.0,))
    settings = read_settings(config, "simulate", default)
    with stderr.status("simulating"), staged_folder(output) as folder:
        written = write_scenes(folder, seed=seed, count=count, settings=settings)
    stdout.print(f"Wrote {len(written)} maps and {output / 'truth.csv'}.", soft_wrap=True)


@train_app.command("shipped")
def train_shipped(*, output: Output, config: Config = None, quiet: Quiet = False) -> None:
    """Train the detector that the package ships, from nothing but seeds; goes on where it stopped.

    Example: `bradyseism train shipped -o runs/shipped`
    """
    from bradyseism.config import read_settings
    from bradyseism.workflows import shipped

    settings = read_settings(config, "train", shipped.ShippedSettings())
    output.mkdir(parents=True, exist_ok=True)
    with progress_bar(quiet=quiet) as progress:
        card = shipped.train_shipped(
            output,
            settings,
            provenance=provenance(),
            progress=lambda name, done, total: progress(done, total, name),
        )
    _print_json({"model": str(output / "shipped.onnx"), **card["metrics_simulated"]})


@train_app.command("paper")
def train_paper(*, output: Output, config: Config = None) -> None:
    """Train on the synthetic set of Beker et al. (2022) alone; goes on where it stopped.

    Example: `bradyseism train paper -o runs/paper --config paper.toml`
    """
    from bradyseism.config import read_settings
    from bradyseism.workflows import paper

    settings = read_settings(config, "train", paper.PaperSettings())
    output.mkdir(parents=True, exist_ok=True)
    paper.train_paper(output, settings, provenance=provenance())
    stdout.print(f"Wrote {output / 'model.safetensors'} and model.onnx.", soft_wrap=True)


@app.command()
@reads_maps
def finetune(
    maps: Annotated[list[Path], typer.Argument(metavar="MAP...", help="Volcano-free maps.")],
    *,
    weights: Annotated[Path, typer.Option(help="Safetensors that `train paper` wrote.")],
    output: Output,
    stated: dict[str, Any],
    config: Config = None,
) -> None:
    """Fine-tune a model on volcano-free maps of your region, with simulated volcanoes added (FT1).

    Example: `bradyseism finetune quiet/*.tif --weights runs/paper/model.safetensors -o runs/mine`
    """
    from bradyseism.config import read_settings
    from bradyseism.maps.readers import ReadOptions
    from bradyseism.workflows import paper

    settings = read_settings(config, "finetune", paper.FinetuneSettings())
    output.mkdir(parents=True, exist_ok=True)
    paper.finetune_paper(
        output, weights, maps, ReadOptions(**stated), settings, provenance=provenance()
    )
    stdout.print(f"Wrote {output / 'model.safetensors'} and model.onnx.", soft_wrap=True)


def _print_json(content: dict[str, Any]) -> None:
    from bradyseism.maps.writers.tables import plain

    print(json.dumps(plain(content), indent=1))


def main() -> None:
    """Run the command line."""
    app(prog_name="bradyseism")
