"""Writes a trained model the way every command reads it: ONNX, safetensors, and its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from bradyseism.detection.calibration import Calibration
from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.maps.writers.tables import as_read_back
from bradyseism.models.checkpoint import save
from bradyseism.models.export import export_onnx
from bradyseism.models.network import Classifier
from bradyseism.samples.encoding import Encoding, encoding_card
from bradyseism.workflows.card_page import card_markdown


def model_card(
    name: str,
    encoding: Encoding,
    calibration: Calibration,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Card of a model: what `Detector` needs to run it, and what a reader needs to trust it.

    Parameters
    ----------
    name : str
        Of the model.
    encoding : Encoding
        How a window becomes network input.
    calibration : Calibration
        How a logit becomes a probability, with the prior that it states.
    facts : mapping
        Data, settings, metrics, limits, command, commit.
    """
    card = {
        "name": name,
        "purpose": "flags windows of long-term LOS velocity maps for review by an expert",
        "encoding": encoding_card(encoding),
        "calibration": {
            "scale": calibration.scale,
            "offset": calibration.offset,
            "prior": calibration.prior,
        },
        "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        **facts,
    }
    return as_read_back(card)


def publish(folder: Path, stem: str, model: Classifier, card: dict[str, Any]) -> Path:
    """Write ``<stem>.safetensors``, the card as ``.json`` and ``.md``, and, last, ``<stem>.onnx``.

    Returns
    -------
    Path
        Of the ONNX file, which `bradyseism detect --model` takes.
    """
    path = folder / f"{stem}.onnx"
    save(path.with_suffix(".safetensors"), model, card)
    texts = {".json": json.dumps(card, indent=2) + "\n", ".md": card_markdown(card)}
    for suffix, text in texts.items():
        with atomic_path(path.with_suffix(suffix)) as temporary:
            temporary.write_text(text, encoding="utf-8")
    export_onnx(path, model, card, size=int(card["encoding"]["size"]))
    return path
