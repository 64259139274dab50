"""Three ways to scan a map faster, and what each costs in detection (needs the extra `train`).

    python benchmarks/scanning.py [--scenes 200] [--seed 555] [--json]

Simulated scenes of 256 px, each without and with one source of 2.5 to 32 px, are judged window by
window of 64 px. A scene counts with its most suspicious window, whose place nobody is told.

half overlap
    Windows half a window apart, as the detector scans.
quarter overlap
    Three quarters of a window apart.
int8
    The same windows through the network in eight-bit integers (onnxruntime, one scale a channel).
tiles
    The network once over tiles of 128 px, each encoded as a whole, its features averaged over every
    window inside: no pixel is convolved twice but at the borders of tiles.

Prints the area under the ROC curve over scenes, the share of sources found where 5 % of the scenes
without one are flagged, and CPU seconds a scene, encoding included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.scores import roc_auc
from bradyseism.models.checkpoint import load
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.scenes.priors import FootprintPrior, LogUniform
from bradyseism.scenes.synthesis import SceneSettings, twin_scenes

SIDE, TILE, SIZE, CELLS = 256, 128, 64, 8
FALSE_SHARE = 0.05
SCENES = SceneSettings(
    shape=(SIDE, SIDE),
    sources=FootprintPrior(width=LogUniform(0.01, 0.125), signal_to_noise=LogUniform(1.0, 60.0)),
    margin=0.15,
)
NOTHING = -30.0

Pixels = NDArray[np.float32]
Judge = Callable[[Pixels], float]


@dataclass(frozen=True, eq=False)
class Sliding:
    """The most suspicious of windows that lie a step (pixels) apart."""

    encoding: NormalisedWindow
    step: int
    logit: Callable[[Pixels], NDArray[np.float32]]

    def __call__(self, scene: Pixels) -> float:
        """Highest log-odds (before calibration) of the observable windows of a scene."""
        starts = range(0, SIDE - SIZE + 1, self.step)
        windows = np.stack([scene[r : r + SIZE, c : c + SIZE] for r in starts for c in starts])
        windows = windows[self.encoding.observable(windows)]
        return float(self.logit(windows).max()) if len(windows) else NOTHING


def tiled(scene: Pixels, model: torch.nn.Module) -> float:
    """Highest log-odds of the windows of overlapping tiles, half a window apart."""
    corners = range(0, SIDE - TILE + 1, TILE - SIZE)
    tiles = np.stack([scene[r : r + TILE, c : c + TILE] for r in corners for c in corners])
    encoding = NormalisedWindow(size=TILE)
    tiles = tiles[encoding.observable(tiles)]
    if not len(tiles):
        return NOTHING
    with torch.inference_mode():
        features = model.features(torch.from_numpy(encoding.encode(tiles)))
        pooled = torch.nn.functional.avg_pool2d(features, CELLS, CELLS // 2)
        return float(model.head(pooled.movedim(1, -1).flatten(0, 2)).max())


def integers(content: Path, examples: Pixels, folder: Path) -> onnxruntime.InferenceSession:
    """Session of the network in eight-bit integers, scaled by encoded examples."""

    class Examples(quantization.CalibrationDataReader):
        """What the ranges of the layers are read from."""

        def __init__(self) -> None:
            self.left = [examples[start : start + 20] for start in range(0, len(examples), 20)]

        def get_next(self) -> dict[str, Pixels] | None:
            """Next batch, or None."""
            return {"image": self.left.pop()} if self.left else None

    quant_pre_process(str(content), str(folder / "prepared.onnx"))
    quantization.quantize_static(
        str(folder / "prepared.onnx"),
        str(folder / "int8.onnx"),
        Examples(),
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )
    options = onnxruntime.SessionOptions()
    # As the session of the detector has it.
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(
        str(folder / "int8.onnx"), options, providers=["CPUExecutionProvider"]
    )


def scenes(seed: int, index: int) -> tuple[Pixels, Pixels]:
    """Background without and with its source."""
    quiet, loud = twin_scenes(seed, index, SCENES)
    return quiet.map.velocity, loud.map.velocity


def measure(count: int, seed: int) -> dict[str, dict[str, float]]:
    """Figures of each way."""
    detector = Detector.load()
    encoding = detector.encoding
    content = Path(str(files("bradyseism.models"))) / "shipped.onnx"
    model, _ = load(content.with_suffix(".safetensors"))
    examples = np.stack([scenes(seed + 1, n)[n % 2][:SIZE, :SIZE] for n in range(200)])
    with tempfile.TemporaryDirectory() as folder:
        session = integers(content, encoding.encode(examples), Path(folder))

    def whole(windows: Pixels) -> NDArray[np.float32]:
        return detector.predict(windows).logit

    def eight_bit(windows: Pixels) -> NDArray[np.float32]:
        return np.asarray(session.run(["logit"], {"image": encoding.encode(windows)})[0])

    ways: dict[str, Judge] = {
        "half overlap": Sliding(encoding, SIZE // 2, whole),
        "quarter overlap": Sliding(encoding, 3 * SIZE // 4, whole),
        "int8": Sliding(encoding, SIZE // 2, eight_bit),
        "tiles": partial(tiled, model=model),
    }
    spent = dict.fromkeys(ways, 0.0)
    answers: dict[str, list[float]] = {name: [] for name in ways}
    labels = np.tile([False, True], count)
    for index in range(count):
        for scene in scenes(seed, index):
            for name, judge in ways.items():
                start = time.process_time()
                answers[name].append(judge(scene))
                spent[name] += time.process_time() - start
    figures = {}
    for name, values in answers.items():
        score = np.array(values)
        limit = np.quantile(score[~labels], 1 - FALSE_SHARE)
        figures[name] = {
            "auc": roc_auc(labels, score),
            "found": float((score[labels] > limit).mean()),
            "cpu_seconds": spent[name] / len(labels),
        }
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=200, help="backgrounds")
    parser.add_argument("--seed", type=int, default=555, help="none that a training used")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    figures = measure(arguments.scenes, arguments.seed)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, row in figures.items():
        cells = f"AUC {row['auc']:.3f}  found {row['found']:.3f}"
        print(f"{name:16} {cells}  CPU {1e3 * row['cpu_seconds']:.0f} ms a scene")


if __name__ == "__main__":
    main()
