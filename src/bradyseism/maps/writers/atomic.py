"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Lend a temporary name in the folder of `path` and move the file there on success.

    The file is on disk (fsync) before it takes its name. If the body raises, the temporary file is
    removed and whatever stood under `path` stays as it was.

    Parameters
    ----------
    path : path
        Where the file shall stand; an older file there is replaced.

    Yields
    ------
    Path
        Name to write to, in the same folder and with the same suffix. It does not exist yet.

    Raises
    ------
    OSError
        If `path` is a folder, its own folder is missing or not writable, or the disk is full.
        Also stands for any OSError of the body.
    """
    target = Path(path)
    if target.is_dir():
        raise OSError(f"cannot write {target}: it is a folder, give the name of a file")
    if not target.parent.is_dir():
        raise OSError(f"cannot write {target}: the folder {target.parent} is missing, create it")
    temporary = target.parent / f".{secrets.token_hex(8)}{target.suffix}"
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(
            f"cannot write {target}: {error.strerror or error}: "
            "choose a folder that is writable and has free space"
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path` whole or not at all; raises OSError as `atomic_path` does."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
