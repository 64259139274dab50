"""The options that several commands share, each with its help, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
