"""Weights on disk: safetensors (no pickle) with the model card as JSON metadata."""

from __future__ import annotations

import json
from os import PathLike
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialized

from bradyseism.maps.writers.atomic import write_bytes
from bradyseism.models.network import Classifier, build


def save(path: str | PathLike[str], model: Classifier, card: dict[str, Any]) -> None:
    """Write the weights of a model with its card.

    Parameters
    ----------
    path : path
        File to write, by custom `*.safetensors`.
    model : Classifier
        The model; it is not changed.
    card : dict
        The model card: anything that JSON can hold.

    Raises
    ------
    OSError
        If the file cannot be written; an older one stays.
    """
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    metadata = {"network": model.name, "channels": str(model.channels), "card": json.dumps(card)}
    # Not by safetensors' own writer, whose error on a full disk is no OSError.
    write_bytes(path, serialized(weights, metadata))


def load(path: str | PathLike[str]) -> tuple[Classifier, dict[str, Any]]:
    """Read a model and its card.

    Parameters
    ----------
    path : path
        A file that `save` wrote.

    Returns
    -------
    model : Classifier
        In inference mode.
    card : dict
        The model card.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ValueError
        If the file is not a safetensors file of this project, or does not fit its network.
    """
    with open(path, "rb"):
        pass  # An error of the system names the path, one of safetensors does not.
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"weights {str(path)!r} are not a whole safetensors file ({error}): "
            "copy the file again or train anew"
        ) from error
    missing = {"network", "channels", "card"} - metadata.keys()
    if missing:
        raise ValueError(
            f"weights {str(path)!r} lack the metadata {', '.join(sorted(missing))}: "
            "only files written by `bradyseism train` and `finetune` can be loaded"
        )
    with torch.device("meta"):  # without random weights, which would be thrown away
        model = build(metadata["network"], int(metadata["channels"]))
    model = model.to_empty(device="cpu")
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"weights {str(path)!r} do not fit network {model.name!r} with "
            f"{model.channels} channels: they come from another version; train anew"
        ) from error
    return model.eval(), json.loads(metadata["card"])
