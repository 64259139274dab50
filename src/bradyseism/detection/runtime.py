"""Runs a trained detector: ONNX model, its card and its head; no torch.

A model file carries everything it needs in its metadata: `card` (encoding, calibration, data,
seeds, metrics) and `head` (weights of the two dense layers, from which Grad-CAM follows).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bradyseism.detection.attribution import Head, grad_cam
from bradyseism.detection.calibration import Calibration
from bradyseism.samples.encoding import Encoding, encoding_from

BATCH = 32


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says of n windows.

    Parameters
    ----------
    logit : array of float32, shape (n,)
    place : array of float32, shape (n, cells, cells)
        Probability over cells that the source lies there, given that there is one (sum 1).
    features : array of float32, shape (n, k, cells, cells), or None
        Last feature map, if asked for.
    """

    logit: NDArray[np.float32]
    place: NDArray[np.float32]
    features: NDArray[np.float32] | None


class Detector:
    """A trained detector, ready to run.

    Attributes
    ----------
    card : mapping
        The model card.
    encoding : Encoding
        How windows become network input.
    calibration : Calibration
        How logits become probabilities, and the prior that they state.
    head : Head
        Weights of the two dense layers.
    sha256 : str
        Of the model file.
    """

    def __init__(self, content: bytes, *, prior: float | None = None) -> None:
        options = onnxruntime.SessionOptions()
        # Batches go side by side, encoding included, rather than the layers of one.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            content, sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._threads = min(_processors(), 8)
        self._pool = ThreadPoolExecutor(self._threads), os.getpid()
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.card: Mapping[str, Any] = json.loads(metadata.get("card", "{}"))
        if "encoding" not in self.card or "head" not in metadata:
            raise ValueError(
                "the model has no card or no head in its metadata: "
                "export it with `bradyseism train` or `bradyseism finetune`"
            )
        self.encoding: Encoding = encoding_from(self.card["encoding"])
        self.head = Head.from_json(metadata["head"])
        calibration = Calibration(**self.card.get("calibration", {}))
        self.calibration = calibration if prior is None else replace(calibration, prior=prior)
        self.sha256 = hashlib.sha256(content).hexdigest()

    @classmethod
    def load(cls, path: str | Path | None = None, *, prior: float | None = None) -> Detector:
        """Read a model file.

        Parameters
        ----------
        path : path, optional
            ONNX file; default the detector that the package ships.
        prior : float, optional
            Share of maps expected to hold deformation (0-1); default that of the card.

        Raises
        ------
        ValueError
            If the file is no such model.
        OSError
            If it cannot be read.
        """
        content = model_content(path)
        try:
            return cls(content, prior=prior)
        except (RuntimeError, onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf) as error:
            raise ValueError(
                f"model {path or 'shipped with the package'} is not a readable ONNX file: give one "
                "that `bradyseism train`, `adapt` or `finetune` wrote"
            ) from error

    @property
    def name(self) -> str:
        """Name of the model, as its card states it."""
        return str(self.card.get("name", "unnamed"))

    def predict(
        self, windows: NDArray[np.floating[Any]], *, with_features: bool = False
    ) -> Prediction:
        """Run the network on windows.

        Parameters
        ----------
        windows : array, shape (n, size, size)
            LOS velocity (m/yr) or cumulative displacement (m), as `encoding.quantity` says;
            NaN where missing.
        with_features : bool
            Return the last feature map too.
        """
        # A model whose place head was never trained says by its Grad-CAM where it looks.
        placed = bool(self.card.get("place", True))
        wanted = with_features or not placed
        names = ["logit", "place", "features"] if wanted else ["logit", "place"]
        size = max(1, min(BATCH, -(-len(windows) // self._threads)))

        def run(start: int) -> list[NDArray[np.float32]]:
            """Logit, place and, if wanted, features of one batch."""
            images = self.encoding.encode(windows[start : start + size])
            outputs: list[NDArray[np.float32]] = self._session.run(names, {"image": images})
            return outputs

        starts = range(0, max(len(windows), 1), size)
        if self._pool[1] != os.getpid():  # threads do not survive a fork
            self._pool = ThreadPoolExecutor(self._threads), os.getpid()
        parts = list((self._pool[0].map if len(starts) > 1 else map)(run, starts))
        logit, place, *rest = (np.concatenate(column) for column in zip(*parts, strict=True))
        if placed:
            weight = np.exp(place - place.max(axis=(1, 2), keepdims=True, initial=-np.inf))
        else:
            weight = grad_cam(rest[0], self.head) + 1e-6
        place = (weight / weight.sum(axis=(1, 2), keepdims=True)).astype(np.float32)
        return Prediction(logit, place, rest[0] if with_features else None)


def model_content(path: str | Path | None = None) -> bytes:
    """Bytes of a model file; default the detector that the package ships."""
    source = files("bradyseism.models") / "shipped.onnx" if path is None else Path(path)
    return source.read_bytes()


def _processors() -> int:
    """Processors that this process may run on, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
