"""How the program speaks: results to stdout, progress and messages to stderr, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from typer.core import TyperGroup

BAD_INPUT = 2
INTERRUPTED = 130
# Modules of the extra `train`, which the plain install leaves out.
TRAIN_MODULES = (
    *("torch", "torchvision", "timm", "lightning", "onnx", "safetensors"),
    *("pyarrow", "sklearn", "tensorboardX"),
)

REMEDIES: dict[type[OSError], str] = {
    FileNotFoundError: "check the spelling of the path",
    IsADirectoryError: "name a file, not a folder",
    NotADirectoryError: "a part of this path is a file; name another folder",
    PermissionError: "check who may read and write it",
}

# Paths and names are the user's: nothing in brackets is markup.
stdout = Console(markup=False, emoji=False)
stderr = Console(stderr=True, markup=False, emoji=False)


class Commands(TyperGroup):
    """All commands; what is wrong with the input becomes one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  (typer keeps the type to itself)
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            complain(_one_line(error))
            raise typer.Exit(BAD_INPUT) from error
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in TRAIN_MODULES:
                raise
            complain(
                f"the plain install has no {error.name}, which this command needs: "
                "pip install 'bradyseism[train]', or in a clone pip install '.[train]'"
            )
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as error:
            complain("interrupted")
            raise typer.Exit(INTERRUPTED) from error


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Show progress on stderr, gone when the work is done; give what reports it."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=stderr, transient=True, disable=quiet
    ) as bar:
        task = bar.add_task("starting", total=None)

        def report(done: int, total: int, text: str) -> None:
            """Move the bar."""
            bar.update(task, completed=done, total=total, description=text)

        yield report


def complain(message: str) -> None:
    """Say on stderr what is wrong."""
    typer.echo(f"bradyseism: {message}", err=True)


def print_json(content: dict[str, Any]) -> None:
    """Print a result for machines; what is not finite becomes null."""
    from bradyseism.maps.writers.tables import plain

    typer.echo(json.dumps(plain(content), indent=1))


def provenance() -> dict[str, str | None]:
    """Return the command as typed, and the commit of the source tree that runs it, if it is one."""
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
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = None
    return {"command": " ".join(["bradyseism", *sys.argv[1:]]), "commit": commit}


def _one_line(error: ValueError | OSError) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        remedy = REMEDIES.get(type(error), "look at the path and try again")
        return f"{error.filename}: {error.strerror}: {remedy}"
    return " ".join(str(error).split())
