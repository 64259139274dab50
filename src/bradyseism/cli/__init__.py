"""The command line: each command loads its floor when it is called, so that --help is quick.

Results go to stdout, progress and messages to stderr. Bad input (`ValueError`, `OSError`) is one
message and exit code 2.
"""

from __future__ import annotations

import logging
import warnings
from importlib.metadata import version
from typing import Annotated

import typer
from rich.logging import RichHandler

from bradyseism.cli import measuring, noise, screening, simulating, training
from bradyseism.cli.terminal import Commands, stderr, stdout

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


def _show_version(wanted: bool) -> None:
    if wanted:
        stdout.print(f"bradyseism {version('bradyseism')}", highlight=False)
        raise typer.Exit


@app.callback()
def root(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Find slow volcanic deformation in long-term InSAR velocity maps.

    Begin with `bradyseism inspect MAP`, then `bradyseism detect MAP -o OUT`.
    """
    # Of arrays in memory; rasterio hides it in a way that threads undo.
    warnings.filterwarnings("ignore", message="Dataset has no geotransform")
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=stderr, show_path=False)],
    )


for command in (screening.inspect, screening.detect, screening.explain, measuring.evaluate):
    app.command()(command)
app.command()(noise.variogram)
simulate_app.command("demo")(simulating.simulate_demo)
simulate_app.command("scenes")(simulating.simulate_scenes)
simulate_app.command("analogue")(simulating.simulate_analogue)
train_app.command("shipped")(training.train_shipped)
train_app.command("card")(training.train_card)
train_app.command("paper")(training.train_paper)
app.command()(training.adapt)
app.command()(training.finetune)
app.command()(training.reproduce)


def main() -> None:
    """Run the command line."""
    app(prog_name="bradyseism")
