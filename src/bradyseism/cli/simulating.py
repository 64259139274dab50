"""Make maps whose truth is known: simulate demo, scenes and analogue."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bradyseism.cli.options import Config, Output, Quiet
from bradyseism.cli.terminal import progress_bar, stderr, stdout


class NoiseLevel(StrEnum):
    """How the published noise amplitude is read."""

    peak = "peak"
    sill = "sill"


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


def simulate_scenes(
    *,
    output: Output,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the series.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="Scenes 0 to count - 1 of the series.")] = 1,
    dem: Annotated[
        Path | None,
        typer.Option(help="Relief to lie on: SRTM tiles (.hgt) or a raster, a file or a folder."),
    ] = None,
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
    with stderr.status("simulating"), staged_folder(output, leftovers=("scene-*.tif",)) as folder:
        written = write_scenes(folder, seed=seed, count=count, settings=settings, dem=dem)
    maps = "1 map" if len(written) == 1 else f"{len(written)} maps"
    stdout.print(f"Wrote {maps} and {output / 'truth.csv'}.", soft_wrap=True)


def simulate_analogue(
    *,
    output: Output,
    noise_level: Annotated[
        NoiseLevel,
        typer.Option(help="Published noise amplitude: peak of a field or root of its sill."),
    ] = NoiseLevel.peak,
    background: Annotated[
        bool, typer.Option(help="Write the 836 volcano-free patches for fine-tuning, too.")
    ] = True,
    processes: Annotated[int, typer.Option(min=1, help="How many work side by side.")] = 2,
    quiet: Quiet = False,
) -> None:
    """Write the analogue frames: 31 simulated maps that stand in for the paper's test set.

    The set has a version; `manifest.json` says whether what was written is the frozen one.

    Example: `bradyseism simulate analogue -o analogue`
    """
    from bradyseism.maps.writers.staging import staged_folder
    from bradyseism.scenes.analogue_background import BACKGROUNDS
    from bradyseism.workflows.analogue import write_analogue

    with progress_bar(quiet=quiet) as progress, staged_folder(output) as folder:
        manifest = write_analogue(
            folder,
            noise_level=noise_level.value,
            backgrounds=range(BACKGROUNDS) if background else (),
            processes=processes,
            progress=progress,
        )
    if quiet:
        return
    stdout.print(
        f"Wrote {manifest['frames']} frames with {manifest['positive_patches']} positive patches "
        f"and {manifest['background_patches']} background patches; truth in "
        f"{output / 'truth.csv'}.",
        soft_wrap=True,
    )
    frozen = "as frozen" if manifest["is_frozen_version"] else "not the frozen content"
    stdout.print(f"Version {manifest['version']}, {frozen}; SHA-256 {manifest['sha256']}")
