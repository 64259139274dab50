"""Train and adapt detectors: train shipped, train paper, finetune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bradyseism.cli.options import Config, Output, Quiet, reads_maps
from bradyseism.cli.terminal import print_json, progress_bar, provenance, stdout


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
    output.mkdir(parents=True, exist_ok=True)
    paper.finetune_paper(
        output, weights, maps, ReadOptions(**stated), settings, provenance=provenance()
    )
    stdout.print(f"Wrote {output / 'model.safetensors'} and model.onnx.", soft_wrap=True)
