"""Measure a detector: evaluate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bradyseism.cli.options import Json, Model, Prior
from bradyseism.cli.terminal import BAD_INPUT, print_json, progress_bar

if TYPE_CHECKING:
    from bradyseism.evaluation.injection import InjectionResult
    from bradyseism.evaluation.patch_scorecard import PatchScorecard
    from bradyseism.evaluation.reliability import ReliabilityResult
    from bradyseism.evaluation.yardstick import YardstickResult


def evaluate(
    *,
    field: Annotated[
        Path | None, typer.Option(help="Truth table of real maps: one line and the totals.")
    ] = None,
    injection: Annotated[
        Path | None,
        typer.Option(help="Folder of volcano-free maps (or its truth table) to hide sources in."),
    ] = None,
    patches: Annotated[
        Path | None,
        typer.Option(help="Truth table of frames: the measures of the paper, patch by patch."),
    ] = None,
    yardstick: Annotated[
        bool,
        typer.Option("--yardstick", help="Slowest sources found, beside the bound."),
    ] = False,
    background: Annotated[
        list[str] | None,
        typer.Option(
            help="Ground of --yardstick: turbulence, nuisances, or a folder of volcano-free maps "
            "(or its truth table); may be repeated. [default: turbulence]"
        ),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="Another detector (ONNX) for the table of --yardstick; may be repeated."),
    ] = None,
    reference: Annotated[
        bool,
        typer.Option(
            "--reference",
            help="Of --yardstick one cell alone: point sources 4 km deep in turbulence of "
            "0.5 mm/yr and 5 km.",
        ),
    ] = False,
    sources: Annotated[
        int, typer.Option(min=1, help="Sources of each width of --yardstick on each background.")
    ] = 96,
    calibration: Annotated[
        bool,
        typer.Option("--calibration", help="Are probabilities right on unseen backgrounds?"),
    ] = False,
    windows: Annotated[
        int | None,
        typer.Option(
            help="Backgrounds of --calibration, each with and without a source [default: 4000]; "
            "simulated windows of --yardstick without a source [default: 2000]."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the reliability figure (PNG and SVG), or for the answers of "
            "--yardstick, which goes on from them when run again.",
        ),
    ] = None,
    plan: Annotated[
        Path, typer.Option(help="Where the table of hidden sources is written first.")
    ] = Path("injection_plan.csv"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of hidden sources and turbulence.")] = 0,
    model: Model = None,
    prior: Prior = None,
    as_json: Json = False,
) -> None:
    """Measure a detector on real maps with known truth, or on sources hidden in quiet ground.

    `--yardstick` tells the rate at which 90 % of the sources are found with 1 % false windows,
    beside the bound that no detector passes; in full it takes hours, with `--windows 100 --sources
    8` less than a tenth. `--calibration` tells how far stated probabilities are from observed
    shares, in 15 bins.

    Example: `bradyseism evaluate --field truth.csv`
    """
    from bradyseism.detection.runtime import Detector
    from bradyseism.evaluation.clairvoyant import REFERENCE, YardstickSettings
    from bradyseism.evaluation.patch_scorecard import patch_scorecard
    from bradyseism.evaluation.reliability import BACKGROUNDS, measure_reliability
    from bradyseism.evaluation.scorecard import (
        FieldScorecard,
        field_scorecard,
        injection_scorecard,
    )
    from bradyseism.evaluation.truth import volcano_free_maps
    from bradyseism.evaluation.yardstick_scorecard import yardstick_scorecard
    from bradyseism.review.reliability import write_reliability

    detector = Detector.load(model, prior=prior)
    if sum(map(bool, (field, injection, patches, yardstick, calibration))) != 1:
        raise ValueError(
            f"--field {field}, --injection {injection}, --patches {patches}, --yardstick "
            f"{yardstick}, --calibration {calibration}: give one of them"
        )
    of_yardstick = {"--background": background, "--beside": beside, "--reference": reference}
    idle: dict[str, object] = {} if yardstick else {k: v for k, v in of_yardstick.items() if v}
    if output and not (yardstick or calibration):
        idle["--output"] = output
    if idle:
        raise ValueError(
            f"{', '.join(f'{name} {value}' for name, value in idle.items())}: only --yardstick "
            "(and --calibration for --output) takes it; leave it out"
        )
    result: FieldScorecard | InjectionResult | PatchScorecard | YardstickResult | ReliabilityResult
    with progress_bar(quiet=as_json) as progress:
        if field:
            result = field_scorecard(field, detector, progress=progress)
        elif injection:
            maps = volcano_free_maps(injection)
            result = injection_scorecard(maps, detector, plan, seed=seed, progress=progress)
        elif patches:
            result = patch_scorecard(patches, detector, seed=seed, progress=progress)
        elif yardstick:
            others = {path.with_suffix("").as_posix(): Detector.load(path) for path in beside or ()}
            if reference and background:
                raise ValueError(
                    f"--reference with --background {' '.join(background)}: the reference cell "
                    "has a background of its own; give one of them"
                )
            cells = REFERENCE if reference else YardstickSettings()
            size = replace(
                cells,
                windows=2000 if windows is None else windows,
                sources=sources,
                shapes=min(sources, cells.shapes),
            )
            result = yardstick_scorecard(
                detector,
                beside=others,
                grounds=background or ["turbulence"],
                settings=size,
                folder=output,
                seed=seed,
                progress=progress,
            )
        else:
            result = measure_reliability(
                detector,
                backgrounds=BACKGROUNDS if windows is None else windows,
                seed=seed,
                progress=progress,
            )
            if output:
                output.mkdir(parents=True, exist_ok=True)
                write_reliability(output, result)
    if as_json:
        print_json(result.as_json())
    else:
        typer.echo(result.as_markdown())
    if isinstance(result, FieldScorecard) and all(one.refused for one in result.maps):
        raise typer.Exit(BAD_INPUT)
