"""The command line: each command loads its floor when it is called, so that --help is quick.

Results go to stdout, progress and messages to stderr. Bad input (`ValueError`, `OSError`) is one
message and exit code 2.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from typer.core import TyperGroup

if TYPE_CHECKING:
    from bradyseism.evaluation.injection import InjectionResult
    from bradyseism.evaluation.scorecard import FieldScorecard
    from bradyseism.workflows.screening import Screening

BAD_INPUT = 2
INTERRUPTED = 130
# Modules of the extra `train`, which the plain install leaves out.
TRAIN_MODULES = ("torch", "torchvision", "timm", "lightning", "onnx", "safetensors")

stdout = Console()
stderr = Console(stderr=True)


class Commands(TyperGroup):
    """All commands; what is wrong with the input becomes one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  (typer keeps the type to itself)
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            _complain(_one_line(error))
            raise typer.Exit(BAD_INPUT) from error
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in TRAIN_MODULES:
                raise
            _complain(
                f"{error.name} is not installed, and training needs it: "
                "pip install 'bradyseism[train]'"
            )
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as error:
            _complain("interrupted")
            raise typer.Exit(INTERRUPTED) from error


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

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines, and no progress.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no summary.")]
Config = Annotated[Path | None, typer.Option(help="TOML file with the settings of this command.")]
Model = Annotated[
    Path | None, typer.Option(help="Detector as ONNX file. [default: the one shipped]")
]
CatalogueFile = Annotated[
    Path | None,
    typer.Option(help="Volcanoes: CSV of number, name, latitude, longitude, elevation_m."),
]
Reader = Annotated[str | None, typer.Option(help="geotiff, licsbas, mintpy or points.")]
Quantity = Annotated[str | None, typer.Option(help="velocity or displacement.")]
Unit = Annotated[str | None, typer.Option(help="m/yr, cm/yr, mm/yr; of displacement m, cm, mm.")]
Positive = Annotated[
    str | None, typer.Option(help="Sign: positive is motion toward or away (from the satellite).")
]
Crs = Annotated[str | None, typer.Option(help="Coordinate reference system, such as EPSG:4326.")]
Look = Annotated[
    str | None, typer.Option(help="ascending, descending or the vector east,north,up.")
]
Years = Annotated[float | None, typer.Option(help="Time span of the map in years.")]
Columns = Annotated[
    str | None,
    typer.Option(help="Columns of a table: longitude=1,latitude=2,velocity=5 (or their names)."),
]


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
def inspect(
    path: Annotated[Path, typer.Argument(metavar="MAP", help="File or result folder.")],
    *,
    reader: Reader = None,
    quantity: Quantity = None,
    unit: Unit = None,
    positive: Positive = None,
    crs: Crs = None,
    look: Look = None,
    years: Years = None,
    columns: Columns = None,
    as_json: Json = False,
) -> None:
    """Say what is understood of a map, and which option supplies what is missing.

    Example: `bradyseism inspect vel.tif --unit mm/yr`
    """
    from bradyseism.maps.readers import ReadOptions, inspect_map
    from bradyseism.summary import facts_table, missing_table

    options = ReadOptions(reader, quantity, unit, positive, crs, look, years, columns)
    inspection = inspect_map(path, options)
    if as_json:
        facts = [
            dict(zip(("what", "value", "from"), fact, strict=True)) for fact in inspection.facts
        ]
        missing = [dict(zip(("what", "option"), gap, strict=True)) for gap in inspection.missing]
        _print_json({"map": str(path), "understood": facts, "missing": missing})
        return
    stdout.print(facts_table(inspection))
    if inspection.missing:
        stdout.print(missing_table(inspection))
    else:
        stdout.print("Nothing is missing: the map can be screened as it is.")


@app.command()
def detect(
    maps: Annotated[list[Path], typer.Argument(metavar="MAP...", help="Files or result folders.")],
    *,
    output: Output,
    reader: Reader = None,
    quantity: Quantity = None,
    unit: Unit = None,
    positive: Positive = None,
    crs: Crs = None,
    look: Look = None,
    years: Years = None,
    columns: Columns = None,
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

    options = ReadOptions(reader, quantity, unit, positive, crs, look, years, columns)
    detector = Detector.load(model)
    volcanoes = read_catalogue(catalogue) if catalogue else None
    with _progress(quiet=quiet or as_json) as progress:
        screening = screen(maps, detector, options=options, catalogue=volcanoes, progress=progress)
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
    from bradyseism.workflows.screening import properties, volcano_rows

    if as_json:
        detections = [properties(*pair, screening.detector) for pair in screening.ranked]
        refused = [{"map": item.path, "reason": item.reason} for item in screening.refusals]
        _print_json(
            {
                "output": str(output),
                "maps": [result.map.name for result in screening.results],
                "detections": detections,
                "volcanoes": volcano_rows(screening),
                "refused": refused,
            }
        )
    elif not quiet:
        if screening.ranked:
            stdout.print(detections_table(screening))
        stdout.print(advice(screening))
        stdout.print(f"Report: {output / 'report.html'}", soft_wrap=True)
    for refusal in screening.refusals:
        _complain(f"{refusal.path} was left out: {refusal.reason}")
    if screening.refusals:
        raise typer.Exit(BAD_INPUT)


@app.command()
def explain(
    path: Annotated[Path, typer.Argument(metavar="MAP", help="File or result folder.")],
    *,
    at: Annotated[
        str | None, typer.Option(help="longitude,latitude. [default: the most suspicious place]")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Picture of the evidence (PNG).")
    ] = None,
    reader: Reader = None,
    quantity: Quantity = None,
    unit: Unit = None,
    positive: Positive = None,
    crs: Crs = None,
    look: Look = None,
    years: Years = None,
    columns: Columns = None,
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
    from bradyseism.workflows.explanation import explain as explain_place

    options = ReadOptions(reader, quantity, unit, positive, crs, look, years, columns)
    velocity_map = open_map(path, options)
    explanation = explain_place(velocity_map, Detector.load(model), _place(at))
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

    if (field is None) == (injection is None):
        raise ValueError(f"--field {field} and --injection {injection}: give one of the two")
    detector = Detector.load(model)
    result: FieldScorecard | InjectionResult
    with _progress(quiet=as_json) as progress:
        if field:
            result = field_scorecard(field, detector, progress=progress)
        else:
            maps = volcano_free_maps(cast(Path, injection))
            result = injection_scorecard(maps, detector, plan, seed=seed, progress=progress)
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

    frame = SceneSettings(shape=(512, 512), pixel_sizes=(200.0,))
    settings = read_settings(config, "simulate", frame)
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
    provenance = {"command": " ".join(["bradyseism", *sys.argv[1:]]), "commit": _commit()}
    output.mkdir(parents=True, exist_ok=True)
    with _progress(quiet=quiet) as progress:
        card = shipped.train_shipped(
            output,
            settings,
            provenance=provenance,
            progress=lambda name, done, total: progress(done, total, name),
        )
    _print_json(card["metrics_simulated"])


def _commit() -> str | None:
    """Commit of the source tree that runs, or None where it is none."""
    git = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
    ]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _place(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"--at {text!r} is not longitude,latitude in degrees") from error
    return longitude, latitude


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Progress on stderr, gone when the work is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=stderr, transient=True, disable=quiet
    ) as bar:
        task = bar.add_task("starting", total=None)

        def report(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text)

        yield report


def _print_json(content: dict[str, Any]) -> None:
    from bradyseism.maps.writers.tables import plain

    print(json.dumps(plain(content), indent=1))


def _complain(message: str) -> None:
    print(f"bradyseism: {message}", file=sys.stderr)


def _one_line(error: ValueError | OSError) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def main() -> None:
    """Run the command line."""
    app(prog_name="bradyseism")
