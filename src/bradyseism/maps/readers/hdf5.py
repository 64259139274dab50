"""HDF5 opened with suspicion: no links out of the file, no data that unpack without measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.readers.files import refuse_inflation

__all__ = ["SIGNATURE", "attributes", "dataset", "opened", "rows_of"]

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_LARGEST_CHUNK: Final = 2**30


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    h5py.File
        Without external links anywhere in it.

    Raises
    ------
    OSError
        If the file is truncated or damaged.
    ValueError
        If it links to other files.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise OSError(
            f"{path} cannot be read as HDF5 ({' '.join(str(error).split())}): the file is damaged "
            "or incomplete, copy it again"
        ) from error
    with file:
        _refuse_links(path, file)
        yield file


def _refuse_links(path: Path, group: h5py.Group) -> None:
    """Refuse external and soft links below a group; hard links are followed once."""
    waiting, seen = [group], {group.id.__hash__()}
    while waiting:
        current = waiting.pop()
        for name in current:
            link = current.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                target = getattr(link, "filename", "another place in the file")
                raise ValueError(
                    f"{path}: {name!r} is a link to {target}, not data: links are not followed; "
                    "copy the data into one file (h5repack, or h5py's copy with expand_external)"
                )
            child = current[name]
            if isinstance(child, h5py.Group) and hash(child.id) not in seen:
                seen.add(hash(child.id))
                waiting.append(child)


def attributes(file: h5py.File) -> dict[str, str]:
    """Return the attributes of the root as text.

    Parameters
    ----------
    file : h5py.File
        An open file.

    Returns
    -------
    dict
        Attribute name to text; bytes are decoded, an array of one value is that value.
    """
    return {name: _text(_only(value)) for name, value in file.attrs.items()}


def _only(value: object) -> object:
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def words(path: Path, file: h5py.File, name: str) -> list[str]:
    """Return a data set of one axis as text.

    Raises
    ------
    ValueError
        If it is missing, has another shape, or lies in other files.
    """
    data = file.get(name)
    if not isinstance(data, h5py.Dataset) or data.ndim != 1 or data.is_virtual or data.external:
        raise ValueError(f"{path} has no list {name!r} of its own: write the file again")
    return [_text(word) for word in data[()]]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def dataset(path: Path, file: h5py.File, name: str, *, dimensions: int) -> h5py.Dataset:
    """Return a numeric data set that is safe to read.

    Parameters
    ----------
    path : Path
        The file, for messages.
    file : h5py.File
        Open.
    name : str
        Name of the data set.
    dimensions : int
        How many it must have.

    Returns
    -------
    h5py.Dataset
        Real numbers stored in this file.

    Raises
    ------
    ValueError
        If it is missing, is not numeric, has another shape, lies in other files, or unpacks to
        far more than it holds.
    """
    data = file.get(name)
    if not isinstance(data, h5py.Dataset):
        held = [each for each in file if isinstance(file[each], h5py.Dataset)]
        raise ValueError(
            f"{path} has no data set {name!r} (it has {', '.join(held[:8]) or 'none'}): give the "
            "velocity file"
        )
    if data.ndim != dimensions or data.dtype.kind not in "fiub" or data.size == 0:
        raise ValueError(
            f"{path}: {name} has shape {data.shape} of {data.dtype}, not {dimensions} dimensions "
            "of real numbers: give the velocity file"
        )
    if data.external is not None or data.is_virtual:
        raise ValueError(
            f"{path}: the numbers of {name} lie in other files: copy the data into one file"
        )
    refuse_inflation(f"{path}: {name}", data.nbytes, data.id.get_storage_size())
    chunk = 0 if data.chunks is None else int(np.prod(data.chunks)) * data.dtype.itemsize
    if chunk > _LARGEST_CHUNK:
        raise ValueError(
            f"{path}: {name} is stored in chunks of {chunk / 2**30:.3g} GiB, more than 1 GiB: "
            "repack it in smaller ones (h5repack -l CHUNK=512x512)"
        )
    return data


def rows_of(path: Path, data: h5py.Dataset) -> Callable[[int, int], NDArray[np.float32]]:
    """Return a function that reads rows of a two-dimensional data set.

    Parameters
    ----------
    path : Path
        The file, for messages.
    data : h5py.Dataset
        Rows x columns.

    Returns
    -------
    callable
        ``(first, last)`` to float32 rows; it raises OSError where the file breaks off.
    """

    def rows(first: int, last: int) -> NDArray[np.float32]:
        """Rows of the file."""
        try:
            return np.asarray(data[first:last], dtype=np.float32)
        except OSError as error:
            raise OSError(
                f"{path} breaks off in rows {first}-{last - 1} ({' '.join(str(error).split())}): "
                "the file is damaged or incomplete, copy it again"
            ) from error

    return rows
