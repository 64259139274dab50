"""Guards around files that readers open: where they lie, whether they open, what they hash to."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

__all__ = ["first_bytes", "hash_files", "local_path", "refuse_inflation"]

_REMOTE: Final = re.compile(r"^(/vsi\w+|[a-z][a-z0-9+.]{1,}:(/|\\\\)|(zip|tar|gzip|file)\W)", re.I)
_SUSPECT_BYTES: Final = 256 * 2**20
_LARGEST_RATIO: Final = 2000.0
_LARGEST_UNPACKED: Final = 2**37


def local_path(path: str | Path) -> Path:
    """Return a path on this machine.

    Parameters
    ----------
    path : str or Path
        As the user gave it.

    Returns
    -------
    Path
        Absolute, existing.

    Raises
    ------
    ValueError
        For an address or a virtual file system: maps are read from disk only.
    FileNotFoundError
        If nothing is there.
    """
    text = str(path)
    if _REMOTE.match(text):
        raise ValueError(
            f"{text} is an address, not a file on this machine: download or unpack the map first"
        )
    found = Path(path).absolute()
    if not found.exists():
        raise FileNotFoundError(f"{text} does not exist: check the spelling of the path")
    return found


def first_bytes(path: Path, count: int = 65536) -> bytes:
    """Return the beginning of a file.

    Parameters
    ----------
    path : Path
        A regular file.
    count : int
        Most bytes to return.

    Returns
    -------
    bytes
        Fewer than `count` for a short file.

    Raises
    ------
    ValueError
        If it is no regular file, or is empty.
    OSError
        If it cannot be read, with the way out.
    """
    if not path.is_file():
        raise ValueError(f"{path} is not a regular file: give a map file or a LiCSBAS folder")
    try:
        with path.open("rb") as stream:
            head = stream.read(count)
    except PermissionError as error:
        raise PermissionError(
            f"{path} may not be read by this user: grant read permission (chmod +r)"
        ) from error
    if not head:
        raise ValueError(f"{path} is empty (0 bytes): copy it again")
    return head


def hash_files(paths: tuple[str, ...]) -> str:
    """Return the SHA-256 over the bytes of files, one after another.

    Parameters
    ----------
    paths : tuple of str
        In the order read; one file gives that file's own hash.

    Returns
    -------
    str
        Hexadecimal.
    """
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def refuse_inflation(source: str, unpacked: int, packed: int) -> None:
    """Refuse data that unpack to far more than any measured map does.

    Parameters
    ----------
    source : str
        File and data set, for the message.
    unpacked, packed : int
        Bytes in memory and on disk.

    Raises
    ------
    ValueError
        Above 128 GiB unpacked, or above 256 MiB and 2000 times the packed size: noise in a float32
        map does not compress by more than a few times.
    """
    ratio = unpacked / max(1, packed)
    if unpacked > _LARGEST_UNPACKED or (unpacked > _SUSPECT_BYTES and ratio > _LARGEST_RATIO):
        raise ValueError(
            f"{source} unpacks from {packed / 2**20:.3g} MiB to {unpacked / 2**20:.3g} MiB "
            f"({ratio:.0f} times): a measured map does not, so it is not read; cut out the part "
            "you need"
        )
