"""Train and adapt detectors: train shipped, train paper, adapt, finetune, reproduce."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bradyseism.cli.options import (
    CatalogueFile,
    Config,
    Json,
    Model,
    Output,
    Quiet,
    reads_maps,
)
from bradyseism.cli.terminal import (
    complain,
    print_json,
    progress_bar,
    provenance,
    stderr,
    stdout,
)

if TYPE_CHECKING:
    from bradyseism.evaluation.comparison import Comparison


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
    print_json({"model": str(output / "shipped.onnx"), **card["metrics_simulated"]})


def train_card(
    weights: Annotated[Path, typer.Argument(help="Safetensors of a model, its ONNX beside it.")],
    *,
    windows: Annotated[
        int | None,
        typer.Option(
            help="Simulated backgrounds that the probabilities are judged by [default: 4000]; "
            "a tenth as many whole maps."
        ),
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(help="Prior that the card shall state [default: the one it states]."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Measure a trained model again and write its card.

    What its window sizes say together, reliability, false alarms, rates found.

    Example: `bradyseism train card runs/shipped/shipped.safetensors`
    """
    from bradyseism.workflows.card import CardSettings, measure_again

    with progress_bar(quiet=quiet) as progress:
        path = measure_again(
            weights,
            CardSettings() if windows is None else CardSettings(backgrounds=windows),
            prior=prior,
            progress=lambda name, done, total: progress(done, total, name),
        )
    stdout.print(f"Wrote {path} with its card.", soft_wrap=True)


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
    paper.finetune_paper(
        output, weights, maps, ReadOptions(**stated), settings, provenance=provenance()
    )
    stdout.print(f"Wrote {output / 'model.safetensors'} and model.onnx.", soft_wrap=True)


@reads_maps
def adapt(
    more: Annotated[list[Path] | None, typer.Argument(metavar="MAP", hidden=True)] = None,
    *,
    background: Annotated[
        list[Path], typer.Option(metavar="MAP...", help="Volcano-free maps: files or folders.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Model to write, a file NAME.onnx.")
    ],
    stated: dict[str, Any],
    catalogue: CatalogueFile = None,
    looked_at: Annotated[
        bool, typer.Option("--looked-at", help="What is flagged in the maps is not volcanic.")
    ] = False,
    model: Model = None,
    seed: Annotated[int | None, typer.Option(help="Of windows and sources. [default: 0]")] = None,
    config: Config = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Adapt the detector to your own region: minutes, no torch; refuses to make it worse.

    Writes the model, which `detect --model` takes, and its card, if on held-out ground it is
    better than the one it comes from; else says so, writes nothing and ends with exit code 2.

    Example: `bradyseism adapt --background quiet/*.tif --catalogue volcanoes.csv -o mine.onnx`
    """
    from dataclasses import replace

    from bradyseism.config import read_settings
    from bradyseism.detection.runtime import Detector, model_content
    from bradyseism.maps.readers import ReadOptions
    from bradyseism.maps.volcanoes import read_catalogue
    from bradyseism.workflows import adapt as adapting
    from bradyseism.workflows.adapt_maps import read_background

    adapting.check_target(output)
    settings = read_settings(config, "adapt", adapting.AdaptSettings())
    settings = settings if seed is None else replace(settings, seed=seed)
    with progress_bar(quiet=quiet or as_json) as progress:
        found = read_background(
            [*background, *(more or [])],
            ReadOptions(**stated),
            Detector.load(model),
            catalogue=read_catalogue(catalogue) if catalogue else None,
            looked_at=looked_at,
            progress=progress,
        )
        adaptation = adapting.adapt(
            found.maps, model_content(model), settings, facts=provenance(), progress=progress
        )
    if as_json or not quiet:
        _show_comparison(adaptation.comparison, output, found.notes, as_json=as_json)
    adapting.write_adapted(output, adaptation)
    if not (as_json or quiet):
        stdout.print(f"Wrote {output}. Use it with detect --model {output}.", soft_wrap=True)


def _show_comparison(
    comparison: Comparison, output: Path, notes: tuple[str, ...], *, as_json: bool
) -> None:
    from dataclasses import asdict

    from bradyseism.cli.summary import comparison_table

    if as_json:
        model = None if comparison.harm else str(output)
        print_json({"model": model, "harm": comparison.harm, "notes": notes, **asdict(comparison)})
        return
    stdout.print(comparison_table(comparison))
    for note in notes:
        complain(f"note: {note}")


def reproduce(
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the run.")
    ] = None,
    drawn_from: Annotated[
        Path | None,
        typer.Option("--from", help="Folder of a run: redraw its tables and figures, no training."),
    ] = None,
    publish: Annotated[
        list[str] | None,
        typer.Option(
            help='Of --from: write a model of the run as a detector ("synthetic", "FT4 last"); may '
            "be repeated."
        ),
    ] = None,
    size: Annotated[str, typer.Option(help="smoke (minutes), cpu (two hours) or full.")] = "cpu",
    frames: Annotated[
        Path | None, typer.Option(help="Folder of test frames, 512 x 512 pixels of 200 m.")
    ] = None,
    background: Annotated[
        Path | None, typer.Option(help="Volcano-free maps for fine-tuning: folder or truth table.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Truth table of the frames.")] = None,
    injection: Annotated[
        Path | None, typer.Option(help="Volcano-free real maps to hide sources in.")
    ] = None,
    field: Annotated[Path | None, typer.Option(help="Truth table of real maps.")] = None,
    networks: Annotated[
        bool, typer.Option("--networks", help="Compare six architectures instead.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder.")
    ] = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Repeat the experiment of Beker et al. (2022), to its tables and figures; any stop is resumed.

    Without frames of your own the analogue frames are simulated and taken.

    Example: `bradyseism reproduce --size cpu -o runs/paper`
    """
    from bradyseism.config import read_settings
    from bradyseism.workflows import reproduce as experiment
    from bradyseism.workflows.paper_attribution import attribute
    from bradyseism.workflows.reproduce_data import Inputs
    from bradyseism.workflows.reproduce_settings import SIZES

    if publish and not drawn_from:
        raise ValueError(f"--publish {publish[0]!r} without --from: name the folder of a run")
    if drawn_from and not output:
        if publish:
            _publish(drawn_from, publish)
        else:
            _draw_run(drawn_from, quiet=quiet)
        return
    if drawn_from or not output:
        raise ValueError("give -o with the folder of the run, or --from RUN to draw one again")
    if size not in SIZES:
        raise ValueError(f"size {size!r} is unknown: choose one of {', '.join(SIZES)}")
    settings = read_settings(config, "reproduce", SIZES[size])
    inputs = Inputs(frames, truth, background, injection, field)
    try:
        with stderr.status("starting") as status:
            status.stop() if quiet else status.start()
            experiment.reproduce(
                output,
                settings,
                inputs,
                provenance(),
                kind="networks" if networks else "paper",
                resume=resume,
                progress=status.update,
            )
            status.update("Grad-CAM")
            attribute(output)
    except (KeyboardInterrupt, OSError):
        if (output / "run.json").exists():
            complain(f"what is done stands in {output}; the same command with --resume goes on")
        raise
    except RuntimeError as error:
        if not (isinstance(error, BrokenExecutor) or "DataLoader worker" in str(error)):
            raise
        raise ValueError(
            f"a worker process died, perhaps for want of memory ({error}): what is done stands in "
            f"{output}; free memory, and the same command with --resume goes on"
        ) from error
    _draw_run(output, quiet=quiet)


def _publish(run: Path, names: list[str]) -> None:
    from bradyseism.workflows.reproduce_models import publish_models

    for path in publish_models(run, names):
        stdout.print(f"Wrote {path}. Use it with --model or evaluate --beside.", soft_wrap=True)


def _draw_run(run: Path, *, quiet: bool) -> None:
    from bradyseism.review.reproduction import draw

    with progress_bar(quiet=quiet) as progress:
        drawn = draw(run, progress=progress)
    for what, reason in drawn.skipped:
        stdout.print(f"Left out: {what}: {reason}", markup=False, highlight=False, soft_wrap=True)
    stdout.print(f"Wrote {drawn.report} and {len(drawn.files)} tables and figures.", soft_wrap=True)
