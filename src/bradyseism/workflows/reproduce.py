"""Beker et al. (2022) from nothing to predictions: data, training, features, fine-tuning.

Stage by stage into a run folder (`run_folder` says what lies where); a run that was stopped goes on
with the stage, and within training the step, at which it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from bradyseism.evaluation.truth import read_truth
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.maps.writers.atomic import write_bytes
from bradyseism.maps.writers.tables import as_read_back
from bradyseism.models.network import COMPARED
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.real import Background
from bradyseism.samples.stored import discard
from bradyseism.scenes.analogue import AS_FROZEN
from bradyseism.workflows.analogue import write_analogue
from bradyseism.workflows.reproduce_data import (
    Inputs,
    field_maps,
    frame_maps,
    injection_frames,
    injection_maps,
    read_field,
    read_frames,
)
from bradyseism.workflows.reproduce_ground import (
    background_maps,
    background_patches,
    backgrounds_of,
    refuse_overlap,
    refuse_volcanoes,
)
from bradyseism.workflows.reproduce_learning import (
    Study,
    constituent_sets,
    finetune_all,
    keep_features,
    pretrained,
)
from bradyseism.workflows.reproduce_predictions import maps_to_test, predict, samples_of
from bradyseism.workflows.reproduce_settings import ReproduceSettings
from bradyseism.workflows.run_arrays import (
    load_backgrounds,
    save_backgrounds,
    save_maps,
)
from bradyseism.workflows.run_folder import RunFolder, open_run
from bradyseism.workflows.run_inputs import input_hashes, keep_hashes

Progress = Callable[[str], None]


def reproduce(
    folder: Path,
    settings: ReproduceSettings,
    inputs: Inputs,
    provenance: Mapping[str, Any],
    *,
    kind: Literal["paper", "networks"] = "paper",
    resume: bool = False,
    progress: Progress | None = None,
) -> RunFolder:
    """Run the experiment up to predictions and features on disk.

    Parameters
    ----------
    folder : Path
        The run folder.
    settings : ReproduceSettings
        Everything that decides the numbers.
    inputs : Inputs
        Maps to test on and to fine-tune with; without frames the analogue set is simulated into
        the folder and taken, its background only where none is given.
    provenance : mapping
        Command and commit.
    kind : {"paper", "networks"}
        The seven models of the paper, or the comparison of six architectures, without fine-tuning.
    resume : bool
        Go on with the run in the folder.
    progress : callable, optional
        Told what is being done.

    Raises
    ------
    ValueError
        If the inputs are refused or changed since, or the folder holds another run.
    """
    if inputs.truth is not None and inputs.frames is None:
        raise ValueError(f"truth {inputs.truth} without frames: give the folder of the frames, too")
    tell = progress or (lambda _: None)
    description = {
        "kind": kind,
        "settings": as_read_back(asdict(settings)),
        "inputs": {name: str(path) for name, path in inputs.given.items()},
    }
    tell("looking at inputs")
    hashes = input_hashes(inputs.given)
    run = open_run(
        folder,
        description,
        provenance,
        resume=resume,
        # Of runs that were begun before there was a choice.
        defaults={"settings": {"channels": 1, "factors": asdict(AS_FROZEN)}},
    )
    keep_hashes(run, hashes, read=_prepared(run))
    if inputs.frames is None and not _prepared(run):
        inputs = _analogue(run, settings, inputs, tell)
    tell("reading maps")
    _prepare(run, settings, inputs, kind)
    networks = COMPARED if kind == "networks" else (settings.network,)
    studies = [Study(run, settings, cycle) for cycle in settings.cycles]
    for study in studies:
        for network in networks:
            tell(f"training {network}, cycle {study.cycle}")
            model = pretrained(study, network, provenance)
            tests = maps_to_test(study)
            tell(f"features of {network}, cycle {study.cycle}")
            keep_features(study, network, model, samples_of(study, tests))
            if kind == "paper":
                backgrounds = load_backgrounds(run / "data/backgrounds.npz")
                keep_features(study, network, model, constituent_sets(study, backgrounds))
                tell(f"fine-tuning, cycle {study.cycle}")
                finetune_all(study, network, backgrounds)
            tell(f"predictions of {network}, cycle {study.cycle}")
            predict(study, network, tests, tuned=kind == "paper")
        # 43 GB of the paper's numbers; the next cycle needs the room.
        discard(study.stored_path)
    return run


def _analogue(
    run: RunFolder, settings: ReproduceSettings, inputs: Inputs, tell: Progress
) -> Inputs:
    """Simulate the analogue frames, and background if none is given, into the run folder, once."""
    folder = run / "analogue"
    if not (folder / "manifest.json").exists():
        with run.stage("analogue frames"):
            write_analogue(
                folder,
                noise_level=settings.noise_level,
                factors=settings.factors,
                frames=settings.frames,
                backgrounds=() if inputs.background else settings.background_maps,
                progress=lambda done, count, _: tell(f"simulating maps, {done} of {count}"),
            )
    return replace(
        inputs,
        frames=folder / "frames",
        truth=folder / "truth.csv",
        background=inputs.background or folder / "background",
    )


def _prepared(run: RunFolder) -> bool:
    """Whether all maps have been read: this file is the last of them."""
    return (run / "data/inputs.json").exists()


def _prepare(run: RunFolder, settings: ReproduceSettings, inputs: Inputs, kind: str) -> None:
    """Read all maps, once; refuse what does not belong together before anything is trained."""
    if _prepared(run):
        return
    if (inputs.frames is None) != (inputs.truth is None):
        raise ValueError(f"frames {inputs.frames} and truth {inputs.truth}: give both, or neither")
    encoding = settings.encoding(settings.cycles[0])
    (run / "data").mkdir(exist_ok=True)
    with run.stage("data"):
        frames = read_frames(inputs.frames, inputs.truth) if inputs.frames and inputs.truth else []
        hosts = injection_frames(inputs.injection, encoding) if inputs.injection else []
        field = read_field(inputs.field) if inputs.field else []
        if kind == "paper":
            tests = [("test frame", one) for _, one in frames]
            tests += [("injection frame", one) for one in hosts]
            tests += [("field map", one) for _, one in field]
            save_backgrounds(
                run / "data/backgrounds.npz", _backgrounds(settings, inputs, encoding, tests)
            )
        if frames:
            save_maps(run / "data/frames.npz", frame_maps(frames, encoding))
        if hosts:
            made, plan = injection_maps(hosts, encoding, settings.injections, settings.seed)
            write_bytes(run / "data/injection_plan.csv", plan.encode())
            save_maps(run / "data/injection.npz", made)
        if field:
            save_maps(run / "data/field.npz", field_maps(field, encoding))
        described = {name: str(path) for name, path in inputs.given.items()}
        write_bytes(run / "data/inputs.json", json.dumps(described, indent=2).encode())


def _backgrounds(
    settings: ReproduceSettings,
    inputs: Inputs,
    encoding: WrappedPatch,
    tests: Sequence[tuple[str, VelocityMap]],
) -> list[Background]:
    if inputs.background is None:
        raise ValueError(
            f"frames {inputs.frames} without background: give a folder of volcano-free "
            "maps from around them, too"
        )
    maps = background_maps(inputs.background)
    refuse_volcanoes(maps, read_truth(inputs.truth) if inputs.truth else ())
    patches = background_patches(maps, encoding)
    refuse_overlap(patches, tests)
    return backgrounds_of(patches, encoding, settings.backgrounds, settings.seed)
