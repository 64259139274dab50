"""Another head and card in the file of an exported model; the network before it stays as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from bradyseism.detection.attribution import Head


def with_head(content: bytes, old: Head, new: Head, card: Mapping[str, Any]) -> bytes:
    """Content of a model file with another head and card.

    Parameters
    ----------
    content : bytes
        Of an ONNX file that `Detector` reads.
    old : Head
        Head of that file.
    new : Head
        Head of the same shape.
    card : mapping
        The model card: anything that JSON can hold.

    Raises
    ------
    ValueError
        If the heads differ in shape, the file does not hold each array of the old one
        once, or it is no ONNX file.
    """
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise ValueError(
            f"the model ({len(content)} bytes) is no whole ONNX file: copy it again"
        ) from error
    theirs = new.arrays()
    for name, array in old.arrays().items():
        if array.shape != theirs[name].shape:
            raise ValueError(
                f"{name} of the new head has shape {theirs[name].shape}: expected {array.shape}"
            )
        _exchange(model, name, array, theirs[name])
    entries = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, entries | {"card": json.dumps(card), "head": new.to_json()})
    return bytes(model.SerializeToString())


def _exchange(
    model: onnx.ModelProto, name: str, old: NDArray[np.float32], new: NDArray[np.float32]
) -> None:
    """Exchange the one initialiser that holds an array, as it is or transposed."""
    found = 0
    for tensor in model.graph.initializer:
        held = onnx.numpy_helper.to_array(tensor)
        for before, after in ((old, new), (old.T, new.T)):
            if held.dtype == old.dtype and np.array_equal(held.ravel(), before.ravel()):
                after = np.ascontiguousarray(after).reshape(held.shape)
                tensor.CopyFrom(onnx.numpy_helper.from_array(after, tensor.name))
                found += 1
                break
    if found != 1:
        raise ValueError(
            f"the model holds {name} of its head {found} times, not once: export it again with "
            "`bradyseism train` or `bradyseism finetune`"
        )
