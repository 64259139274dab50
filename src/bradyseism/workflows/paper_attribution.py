"""Which ground decided: Grad-CAM of true and false positives of a run (needs torch)."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file

from bradyseism.detection.attribution import Head, grad_cam
from bradyseism.models.checkpoint import load
from bradyseism.models.network import Classifier
from bradyseism.samples.encoding import WrappedPatch, encoding_from
from bradyseism.samples.labelled import LabelledMap
from bradyseism.workflows.paper_results import Run, SetResult, open_results, read_results
from bradyseism.workflows.run_arrays import load_maps, save_arrays

SHOWN = ("synthetic", "FT1 last", "FT1 last2", "FT4 last")
"""Models whose decisions are explained."""

EACH = 4
"""True positives, and false ones, of each model."""


@dataclass(frozen=True)
class _Patch:
    """One patch that is explained."""

    map: LabelledMap
    row: int
    column: int
    label: int


def attribute(folder: str | PathLike[str]) -> tuple[Path, ...]:
    """Explain the most probable true and false positives on the frames; a stage of the run.

    Writes ``attribution/CYCLE/MODEL.npz`` (a hyphen for the space) for each of `SHOWN` that the
    run holds: ``image`` float32 (n, size, size), the wrapped phase; ``evidence`` float64
    (n, h, w); ``logit``; ``label``; ``frame``; ``model``. No two patches of a kind are of one
    frame. Files that are there stay.

    Parameters
    ----------
    folder : path
        Run folder with predictions on its frames.

    Returns
    -------
    tuple of Path
        The files, also those made before.

    Raises
    ------
    ValueError
        If the run is of another version, or weights do not fit.
    OSError
        If the folder cannot be read or written.
    """
    run = open_results(folder)
    source = run.folder / "data" / "frames.npz"
    if not source.is_file():
        return ()
    if run.card.get("kind") == "networks":
        return ()
    maps = {one.name: one for one in load_maps(source)}
    written = []
    for result in read_results(run):
        if result.test == "frames" and not result.low_pass:
            written += [
                path
                for model in SHOWN
                if (path := _explained(run, result, model, maps)) is not None
            ]
    return tuple(written)


def _explained(
    run: Run, result: SetResult, model: str, maps: dict[str, LabelledMap]
) -> Path | None:
    path = run.folder / "attribution" / result.cycle / f"{model.replace(' ', '-')}.npz"
    if path.is_file():
        return path
    network, card = _network(run, result, model)
    encoding = encoding_from(card["encoding"]) if card else None
    if network is None or not isinstance(encoding, WrappedPatch) or model not in result.scores:
        return None
    chosen = _chosen(run, result, model, maps)
    if not chosen:
        return None
    size = encoding.size
    patches = [
        one.map.displacement[one.row : one.row + size, one.column : one.column + size]
        for one in chosen
    ]
    images = encoding.encode(np.stack(patches))
    with torch.inference_mode():
        output = network(torch.from_numpy(images))
    head = Head(**network.head_weights())  # type: ignore[arg-type]  # it converts
    evidence = grad_cam(output.features.numpy(), head)
    arrays = {
        "image": images[:, 0],
        "evidence": evidence,
        "logit": output.logit.numpy(),
        "label": np.array([one.label for one in chosen]),
        "frame": np.array([one.map.name for one in chosen]),
        "model": np.array(model),
    }
    save_arrays(path, arrays)
    return path


def _network(
    run: Run, result: SetResult, model: str
) -> tuple[Classifier | None, dict[str, Any] | None]:
    """Pretrained network with the head of the first seed of a model."""
    found = sorted((run.folder / "pretrain" / result.cycle).glob("*/model.safetensors"))
    if not found:
        return None, None
    network, card = load(found[0])
    if model != "synthetic":
        name, approach = model.split(" ")
        tuned = run.folder / "finetune" / result.cycle / name / approach
        head = [tuned / f"seed-{result.scores[model].seeds[0]}" / "head.safetensors"]
        if not head[0].is_file():
            return None, None
        weights = {name: torch.from_numpy(array) for name, array in load_file(head[0]).items()}
        network.head.load_state_dict(weights)
    return network.eval(), card


def _chosen(run: Run, result: SetResult, model: str, maps: dict[str, LabelledMap]) -> list[_Patch]:
    """Most probable flagged patches of the first seed, true ones first, one a frame and kind."""
    from pyarrow import parquet  # of the extra `train`

    (path,) = (run.folder / "predictions" / result.cycle).glob(f"*/{result.test}.parquet")
    columns = ["model", "low_pass", "seed", "frame", "row", "column", "label", "logit"]
    rows: list[dict[str, Any]] = parquet.read_table(path, columns=columns).to_pylist()
    mine = [r for r in rows if r["model"] == model and not r["low_pass"] and r["logit"] > 0]
    first = result.scores[model].seeds[0]
    mine = sorted((r for r in mine if r["seed"] == first), key=lambda r: -r["logit"])
    chosen = []
    for label in (1, 0):
        seen: dict[str, _Patch] = {}
        for r in mine:
            if r["label"] == label and r["frame"] in maps and r["frame"] not in seen:
                seen[r["frame"]] = _Patch(maps[r["frame"]], r["row"], r["column"], label)
        chosen += list(seen.values())[:EACH]
    return chosen
