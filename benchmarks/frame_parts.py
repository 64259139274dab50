"""What in the analogue frames decides how a trained run of the paper's experiment does on them.

    python benchmarks/frame_parts.py RUN [--json]

RUN is a folder of `bradyseism reproduce`. Its synthetic model and FT1 [last] judge all 31 frames as
they are frozen, and again with one part taken out, doubled or quadrupled: what moves on the ground
(slopes, rock glaciers, salt flats), what the air leaves (stratified residual, ramp), or the
turbulence and pixel noise; with the noise read as a sill; and wrapped half and twice as often, by
scaling everything. The sources keep their rates, but for the last two. No model is trained and the
frozen frames stay as they are. Prints the area under the ROC curve with its 95 % interval by place,
and the false and true positive rates at a probability of one half.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import ConcatDataset

from bradyseism.evaluation.patch_scores import PatchScores, statistics_of
from bradyseism.evaluation.resampling import place_weights
from bradyseism.evaluation.truth import read_truth
from bradyseism.maps.writers.tables import plain
from bradyseism.physics.atmosphere import NoiseReading
from bradyseism.samples.labelled import MapPatches
from bradyseism.scenes.analogue import AS_FROZEN, FRAMES, Factors, analogue_frame
from bradyseism.training.data import IndexedDataset
from bradyseism.training.stages import pooled_features
from bradyseism.workflows.reproduce_data import frame_maps
from bradyseism.workflows.reproduce_learning import FEATURE_BATCH, Study, heads, pretrained
from bradyseism.workflows.reproduce_settings import SIZES
from bradyseism.workflows.run_folder import RunFolder

MODELS = ("synthetic", "FT1 last")
MEASURES = ("auc", "false_positive_rate", "true_positive_rate")
RESAMPLINGS = 1000


@dataclass(frozen=True)
class Variant:
    """Frames that differ from the frozen ones; `scale` multiplies source and all."""

    factors: Factors = AS_FROZEN
    noise_level: NoiseReading = "peak"
    scale: float = 1.0


VARIANTS = {
    "as frozen": Variant(),
    **{
        f"{part} x {factor:g}": Variant(replace(AS_FROZEN, **{part: factor}))
        for part in (each.name for each in fields(Factors))
        for factor in (0.0, 2.0, 4.0)
    },
    "noise read as a sill": Variant(noise_level="sill"),
    "everything x 0.5": Variant(scale=0.5),
    "everything x 2": Variant(scale=2.0),
}


def scores_of(study: Study, variant: Variant) -> dict[str, dict[str, dict[str, float]]]:
    """Measures of `MODELS` on the frames, each with its interval by place."""
    encoding, settings = study.settings.encoding(study.cycle), study.settings
    rows = read_truth(study.run / "analogue/truth.csv")
    maps = [analogue_frame(n, variant.noise_level, variant.factors).map for n in range(len(FRAMES))]
    frames = [
        MapPatches(
            replace(one, displacement=np.float32(variant.scale) * one.displacement),
            encoding,
            settings.positive_rule,
        )
        for one in frame_maps(list(zip(rows, maps, strict=True)), encoding)
    ]
    model = pretrained(study, settings.network, {}).to(memory_format=torch.channels_last)
    samples = ConcatDataset([IndexedDataset(one) for one in frames])
    features = torch.from_numpy(pooled_features(model, samples, FEATURE_BATCH).images)
    counts = [len(one) for one in frames]
    label = np.concatenate([one.labels for one in frames])
    name, place, rate = (
        np.repeat([getattr(one.map, field) for one in frames], counts)
        for field in ("name", "place", "rate")
    )
    logits: dict[str, list[np.ndarray]] = {}
    with torch.inference_mode():
        for kind, _, head in heads(study, settings.network, tuned=True):
            if kind in MODELS:
                logits.setdefault(kind, []).append(head(features).double().numpy())
    weights = place_weights(label, place, np.random.default_rng(0), RESAMPLINGS)
    made = {}
    for kind, seeds in logits.items():
        scores = PatchScores(label, name, place, rate, np.stack(seeds), tuple(range(len(seeds))))
        told = statistics_of(scores, weights)
        made[kind] = {measure: asdict(told.interval(measure)) for measure in MEASURES}
    return made


def study_of(folder: Path) -> Study:
    """Open a finished run of the analogue frames."""
    card = json.loads((folder / "run.json").read_text())["settings"]
    same = ("network", "size", "pixel_size", "positive_rule", "channels")
    known = {name: card[name] for name in same if name in card}
    seeds = tuple(card["seeds"])
    settings = replace(SIZES["cpu"], **known, seeds=seeds, cycles=tuple(card["cycles"]))
    return Study(RunFolder(folder), settings, settings.cycles[0])


def main() -> None:
    """Judge every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of `bradyseism reproduce`")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    study = study_of(asked.run)
    table = {name: scores_of(study, variant) for name, variant in VARIANTS.items()}
    if asked.json:
        print(json.dumps(plain(table)))
        return
    print("| frames | model | AUC | FPR | TPR |\n|---|---|---|---|---|")
    for name, models in table.items():
        for kind, measures in models.items():
            cells = [
                f"{100 * one['estimate']:.1f} ({100 * one['low']:.1f} to {100 * one['high']:.1f})"
                for one in measures.values()
            ]
            print(f"| {name} | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
