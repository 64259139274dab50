"""Takes models out of a run of the paper's experiment, as files that every command reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file

from bradyseism.detection.calibration import Calibration
from bradyseism.models.checkpoint import load
from bradyseism.samples.encoding import encoding_from
from bradyseism.workflows.publishing import model_card, publish
from bradyseism.workflows.run_folder import MODELS, SYNTHETIC, read_run

KEPT = ("data", "place", "settings", "history", "limits", "command", "commit")
"""What the card of a fine-tuned model says as that of its synthetic model does."""


def publish_models(run: Path, names: Sequence[str]) -> list[Path]:
    """Write models of a finished run into its `models/`: ONNX, safetensors and card.

    Parameters
    ----------
    run : Path
        Folder of the run.
    names : sequence of str
        "synthetic", or set and approach, such as "FT4 last".

    Returns
    -------
    list of Path
        ONNX files, one for each name and wrapping cycle; of several seeds the first.

    Raises
    ------
    ValueError
        If a name is unknown, or the run holds no such model.
    """
    settings = read_run(run)["settings"]
    known = [SYNTHETIC, *(" ".join(model) for model in MODELS)]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"model {unknown[0]!r} is unknown: choose of {', '.join(known)}")
    return [
        _publish(run, cycle, settings["network"], name, settings["seeds"][0])
        for cycle in settings["cycles"]
        for name in names
    ]


def _publish(run: Path, cycle: str, network: str, name: str, seed: int) -> Path:
    weights = run / f"pretrain/{cycle}/{network}/model.safetensors"
    head = run / f"finetune/{cycle}/{name.replace(' ', '/')}/seed-{seed}/head.safetensors"
    missing = [p for p in (weights, *([head] if name != SYNTHETIC else [])) if not p.exists()]
    if missing:
        raise ValueError(f"{run} holds no {missing[0].relative_to(run)}: let the run end first")
    model, card = load(weights)
    facts = {key: card[key] for key in KEPT if key in card}
    if name != SYNTHETIC:
        model.head.load_state_dict(load_file(head))
        facts["head"] = f"{name}, seed {seed}, of the same run"
    stem = f"{name.replace(' ', '-')}-{cycle}"
    encoding = encoding_from(card["encoding"])
    stated = model_card(f"paper-{network}-{stem}", encoding, Calibration(), facts)
    (run / "models").mkdir(exist_ok=True)
    return publish(run / "models", stem, model.eval(), stated)
