"""Measure the noise of a map: variogram."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bradyseism.cli.options import Json, reads_maps
from bradyseism.cli.terminal import print_json, stdout

POOR = 0.1
"""Relative misfit from which a person is told that no model follows the map."""


@reads_maps
def variogram(
    path: Annotated[Path, typer.Argument(metavar="MAP", help="File or result folder.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Picture of the variogram (PNG).")
    ] = None,
    classical: Annotated[
        bool,
        typer.Option("--classical", help="Mean of all squared differences, not their median."),
    ] = False,
    detrend: Annotated[bool, typer.Option("--detrend", help="Remove a plane first.")] = False,
    longest: Annotated[
        float | None,
        typer.Option(min=0.001, help="Longest distance in km. [default: half the shorter side]"),
    ] = None,
    stated: dict[str, Any],
    as_json: Json = False,
) -> None:
    """Say how the values of a map differ with distance, and which noise model fits that best.

    Example: `bradyseism variogram vel.tif -o variogram.png`
    """
    from bradyseism.cli.summary import bins_table, models_table
    from bradyseism.maps.readers import ReadOptions, open_map
    from bradyseism.review.noise import write_noise
    from bradyseism.workflows.variogram import as_json as as_plain
    from bradyseism.workflows.variogram import measure_noise

    report = measure_noise(
        open_map(path, ReadOptions(**stated)),
        estimator="classical" if classical else "resistant",
        detrend=detrend,
        longest_lag=None if longest is None else 1e3 * longest,
    )
    if output:
        write_noise(output, report)
    if as_json:
        print_json(as_plain(report))
        return
    stdout.print(bins_table(report))
    stdout.print(models_table(report))
    stdout.print(
        f"The {report.fits[0].kind} model fits best: it has the smallest criterion (Akaike), which "
        "weighs the misfit by what one map can tell and charges for each parameter."
    )
    if report.fits[0].misfit > POOR:
        stdout.print(
            f"Yet it misses the map by {100 * report.fits[0].misfit:.0f} %: a ramp or deformation "
            "is no stationary noise. Try --detrend, or a shorter --longest."
        )
