"""What detectors find that none of them was trained on, side by side, to choose what is shipped.

    python benchmarks/detectors.py [MODEL.onnx ...] [--pairs 1500] [--seed 778] [--json]
    python benchmarks/detectors.py [MODEL.onnx ...] --background MAPS [--pairs 960] [--seed 778]

The first is for simulated windows. Every background is seen without and with its source, whose
width is log-uniform from 4 to 75 % of the window and whose peak is log-uniform from 1 to 300 times
the spread of all else. Prints for each model (default: the shipped one) the area under the ROC
curve and the share of sources found at the threshold that 1 % of the windows without a source pass,
in all and by peak and width of the area over half of the peak. The second hides sources in frames
of real volcano-free maps (a folder or a truth table), of which the tuning ground alone is taken,
and prints the share of each rate found where at most 5 % of the untouched frames are flagged.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.injection import InjectionResult, evidence_method, run_injection
from bradyseism.evaluation.injection_plan import InjectionSettings, cut_frames, draw_plan
from bradyseism.evaluation.scores import roc_auc
from bradyseism.evaluation.truth import volcano_free_maps
from bradyseism.maps.writers.tables import plain
from bradyseism.scenes.priors import FootprintPrior, LogUniform
from bradyseism.scenes.synthesis import SceneSettings, robust_spread, twin_scenes

SOURCES = FootprintPrior(width=LogUniform(0.04, 0.75), signal_to_noise=LogUniform(1.0, 300.0))
FALSE_SHARE = 0.01
PEAKS = (1.0, 2.0, 4.0, 8.0, 16.0, 50.0, 300.0)
WIDTHS = (0.0, 0.06, 0.12, 0.25, 0.5, 1.0)


class Windows(NamedTuple):
    """Windows with what is hidden in them: peak over spread and width over side of the source."""

    velocity: NDArray[np.float32]
    volcanic: NDArray[np.bool_]
    peak: NDArray[np.float64]
    width: NDArray[np.float64]


def simulate(pairs: int, seed: int) -> Windows:
    """Simulate windows in pairs on the same background."""
    rows = []
    for index in range(pairs):
        twins = twin_scenes(seed, index, SceneSettings(sources=SOURCES))
        quiet = twins[0].map
        spread = robust_spread(quiet.velocity[quiet.valid].astype(np.float64))
        for scene in twins:
            truth = scene.truth
            half = np.abs(truth.deformation) >= 0.5 * abs(truth.peak)
            width = float(np.sqrt(half.mean())) if truth.volcanic else 0.0
            rows.append(
                (scene.map.velocity, truth.volcanic, abs(truth.peak) / max(spread, 1e-9), width)
            )
    velocity, volcanic, peak, width = zip(*rows, strict=True)
    return Windows(np.stack(velocity), np.array(volcanic), np.array(peak), np.array(width))


def hide(models: list[str | None], source: Path, count: int, seed: int) -> InjectionResult:
    """Sources hidden in frames of real tuning ground, judged by every model."""
    settings = InjectionSettings(count=count, part="tuning")
    frames = cut_frames(volcano_free_maps(source), settings)
    plan = draw_plan(frames, settings, np.random.default_rng(seed))
    methods = {name_of(path): evidence_method(Detector.load(path)) for path in models}
    return run_injection(frames, plan, methods, settings)


def name_of(path: str | None) -> str:
    """What a model is called in the tables."""
    return path or "the shipped detector"


def judge(detector: Detector, windows: Windows) -> dict[str, float]:
    """Area under the curve and shares found (0-1); NaN where a cell holds no source."""
    logit = detector.predict(windows.velocity).logit
    found = logit > np.quantile(logit[~windows.volcanic], 1 - FALSE_SHARE)
    figures = {
        "auc": roc_auc(windows.volcanic, logit),
        "found": float(found[windows.volcanic].mean()),
    }
    for low, high in itertools.pairwise(PEAKS):
        loud = windows.volcanic & (windows.peak >= low) & (windows.peak < high)
        for narrow, wide in itertools.pairwise(WIDTHS):
            cell = loud & (windows.width >= narrow) & (windows.width < wide)
            name = f"peak {low:g}-{high:g}, width {100 * narrow:g}-{100 * wide:g} %"
            figures[name] = float(found[cell].mean()) if cell.any() else float("nan")
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="ONNX files; default the shipped detector")
    parser.add_argument("--pairs", type=int, default=1500, help="backgrounds, or sources")
    parser.add_argument("--background", type=Path, help="volcano-free maps or their truth table")
    parser.add_argument("--seed", type=int, default=778, help="none that a training used")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    models = arguments.models or [None]
    if arguments.background:
        result = hide(models, arguments.background, arguments.pairs, arguments.seed)
        print(json.dumps(result.as_json()) if arguments.json else result.as_markdown())
        return
    windows = simulate(arguments.pairs, arguments.seed)
    judged = {name_of(path): judge(Detector.load(path), windows) for path in models}
    if arguments.json:
        print(json.dumps(plain(judged)))
        return
    for number, name in enumerate(judged, start=1):
        print(f"({number}) {name}")
    for row in next(iter(judged.values())):
        print(f"{row:36}", *(f"{figures[row]:8.3f}" for figures in judged.values()))


if __name__ == "__main__":
    main()
