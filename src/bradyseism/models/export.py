"""A model as one ONNX file that runs, and explains itself, without torch.

Outputs are `logit`, `features` and `place` (see `network.Output`). The metadata of the file hold
the card (`card`, JSON) and the head (`head`, JSON: base64 of the .npy of its weights), from which
Grad-CAM follows in closed form.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.models.network import Classifier

OPSET = 17


def export_onnx(
    path: str | PathLike[str], model: Classifier, card: dict[str, Any], *, size: int = 64
) -> None:
    """Write a model as a single ONNX file.

    Parameters
    ----------
    path : path
        File to write, by custom `*.onnx`.
    model : Classifier
        The model; it is not changed. It is exported in inference mode.
    card : dict
        The model card: anything that JSON can hold.
    size : int
        Side (pixels) of the images that it will see. The number of images is free.
    """
    traced = copy.deepcopy(model).cpu().eval().to(memory_format=torch.contiguous_format)
    axes = {name: {0: "images"} for name in ("image", "logit", "features", "place")}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that needs no further package announces its own retirement.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            traced,
            (torch.zeros(2, model.channels, size, size),),
            buffer,  # type: ignore[arg-type]  # the older exporter takes a stream
            input_names=["image"],
            output_names=["logit", "features", "place"],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_model_from_string(buffer.getvalue())
    metadata = {
        "network": model.name,
        "channels": str(model.channels),
        "size": str(size),
        "card": json.dumps(card),
        "head": json.dumps({name: _text(a) for name, a in model.head_weights().items()}),
    }
    onnx.helper.set_model_props(graph, metadata)
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(graph.SerializeToString())


def _text(array: NDArray[np.float32]) -> str:
    """Array -> base64 of its .npy form, readable without pickle."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
