"""Whether the maps that a run was begun with are still the same files."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bradyseism.evaluation.truth import read_truth
from bradyseism.maps.readers.files import hash_files
from bradyseism.maps.writers.tables import write_json
from bradyseism.workflows.run_folder import RunFolder, read_run

Hashes = dict[str, dict[str, str]]
RECORD = "inputs_sha256"
"""Key of ``run.json``."""


def input_hashes(inputs: Mapping[str, Path]) -> Hashes:
    """SHA-256 of every file that the inputs are made of.

    Parameters
    ----------
    inputs : mapping of str to Path
        By name: a folder, of which all files count but hidden ones; or a truth table, which counts
        with the maps that it names and that no input before it holds.

    Returns
    -------
    dict of str to dict of str to str
        By name of the input and by path, as seen from where the folder or the table lies.

    Raises
    ------
    OSError
        If a folder or file cannot be read.
    ValueError
        If a table is no truth table.
    """
    known: set[Path] = set()
    hashes: Hashes = {}
    for name, source in inputs.items():
        files = [path for path in _files(source) if path.resolve() not in known]
        known.update(path.resolve() for path in files)
        start = source.parent
        hashes[name] = {os.path.relpath(p, start): hash_files((str(p),)) for p in files}
    return hashes


def keep_hashes(run: RunFolder, hashes: Hashes, *, read: bool) -> None:
    """Note the hashes in ``run.json``; once the inputs were read, they must stay the same.

    A run that was begun before hashes were noted goes on without them.

    Parameters
    ----------
    run : RunFolder
    hashes : dict
        Of `input_hashes`, now.
    read : bool
        Whether the run has read its inputs already.

    Raises
    ------
    ValueError
        If a file was changed, added or removed since, naming it.
    """
    record: dict[str, Any] = read_run(run.path)
    if not read:
        write_json(run / "run.json", {**record, RECORD: hashes})
        return
    for name, before in record.get(RECORD, {}).items():
        now = hashes.get(name, {})
        for path in sorted(before.keys() | now.keys()):
            if before.get(path) != now.get(path):
                word = "added" if path not in before else "removed"
                word = "changed" if path in before and path in now else word
                raise ValueError(
                    f"{path} of the {name} was {word} since the run in {run.path} read it: "
                    "bring it back as it was, or name a new folder"
                )


def _files(source: Path) -> list[Path]:
    if source.is_dir():
        return _below(source)
    found = [source]
    for row in read_truth(source):
        if row.path.is_dir():
            found += _below(row.path)
        elif row.path.exists():
            # With the companions that hold the line of sight.
            found += sorted(row.path.parent.glob(f"{glob.escape(row.path.stem)}.*"))
    return list(dict.fromkeys(found))


def _below(folder: Path) -> list[Path]:
    inside = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p for p in inside if not p.name.startswith("."))
