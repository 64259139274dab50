"""A folder of results that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path


@contextmanager
def staged_folder(
    folder: str | PathLike[str], *, leftovers: Sequence[str] = (), signature: str = ""
) -> Iterator[Path]:
    """Give a new, empty folder whose files move into `folder` once all are written.

    Files of the same name are replaced, others stay but for `leftovers` of an earlier run. The
    staging folder lies inside `folder`, so that the moves are renames on one disk. If the body
    raises or writes nothing, nothing of it remains, and a `folder` that was not there before is not
    there afterwards.

    Parameters
    ----------
    folder : path
        Where the results go; made with its parents if it is not there.
    leftovers : sequence of str
        Glob patterns within `folder` of results whose number differs from run to run: those that
        were not written this time are removed at the end.
    signature : str
        File by which a folder inside is known as that of another run, whose files stay.

    Yields
    ------
    Path
        Folder to write into.

    Raises
    ------
    ValueError
        If `folder` is a file.
    OSError
        If it cannot be made or written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"output {str(folder)!r} is a file: name a folder for the results")
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    try:
        yield staging
        made = sorted(path for path in staging.rglob("*") if path.is_file())
        targets = [folder / source.relative_to(staging) for source in made]
        for target in targets:
            if target.is_dir():
                raise ValueError(f"{target} is a folder: remove it, or name another output folder")
        for source, target in zip(made, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        if made:
            shutil.rmtree(staging)
            for pattern in leftovers:
                _remove_leftovers(folder, pattern, set(targets), signature)
        else:
            _remove(staging, missing)
    except BaseException as error:
        _remove(staging, missing)
        if isinstance(error, OSError):
            # Nobody knows the staging folder: speak of the one that was named.
            raise OSError(str(error).replace(str(staging), str(folder))) from error
        raise


def _remove_leftovers(folder: Path, pattern: str, written: set[Path], signature: str) -> None:
    for path in folder.glob(pattern):
        if signature and path.parent != folder and (path.parent / signature).exists():
            continue
        if path not in written and path.is_file():
            path.unlink()
            if path.parent != folder and not any(path.parent.iterdir()):
                path.parent.rmdir()


def _remove(staging: Path, made: list[Path]) -> None:
    shutil.rmtree(staging, ignore_errors=True)
    for parent in made:
        if any(parent.iterdir()):
            return
        parent.rmdir()
