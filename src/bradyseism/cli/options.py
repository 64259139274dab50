"""The options that several commands share, each with its help, once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines, and no progress.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no summary.")]
Config = Annotated[Path | None, typer.Option(help="TOML file with the settings of this command.")]
Model = Annotated[
    Path | None, typer.Option(help="Detector as ONNX file. [default: the one shipped]")
]
Prior = Annotated[
    float | None,
    typer.Option(help="Share of maps expected to deform, 0-1. [default: the model card's]"),
]
CatalogueFile = Annotated[
    Path | None,
    typer.Option(help="Volcanoes: CSV of number, name, latitude, longitude, elevation_m."),
]
# What a map does not say itself: the fields of `ReadOptions`, in their order.
MAP_OPTIONS: dict[str, Any] = {
    "reader": Annotated[str | None, typer.Option(help="geotiff, licsbas, mintpy or points.")],
    "quantity": Annotated[str | None, typer.Option(help="velocity or displacement.")],
    "unit": Annotated[
        str | None, typer.Option(help="m/yr, cm/yr, mm/yr; of displacement m, cm, mm.")
    ],
    "positive": Annotated[
        str | None, typer.Option(help="Plus is motion toward or away (from the satellite).")
    ],
    "crs": Annotated[str | None, typer.Option(help="Reference system, such as EPSG:4326.")],
    "look": Annotated[
        str | None, typer.Option(help="ascending, descending or the vector east,north,up.")
    ],
    "years": Annotated[float | None, typer.Option(help="Time span of the map in years.")],
    "columns": Annotated[
        str | None,
        typer.Option(help="Of a table: longitude=1,latitude=2,velocity=5 (or their names)."),
    ],
}


def reads_maps(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ReadOptions`, so that they are written once.

    Parameters
    ----------
    command : callable
        With a keyword `stated`: it gets what was said on the command line, by name.

    Returns
    -------
    callable
        With `MAP_OPTIONS` in the place of `stated`.
    """
    own = signature(command, eval_str=True)
    parameters: list[Parameter] = []
    for parameter in own.parameters.values():
        if parameter.name == "stated":
            parameters.extend(
                Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
                for name, kind in MAP_OPTIONS.items()
            )
        else:
            parameters.append(parameter)

    @wraps(command)
    def with_options(**values: Any) -> None:  # noqa: ANN401  (whatever typer parsed)
        """Gather what was stated."""
        stated = {name: values.pop(name) for name in MAP_OPTIONS}
        command(**values, stated=stated)

    # Where typer looks: some versions read the signature, others the annotations too.
    with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {item.name: item.annotation for item in parameters}
    return with_options
