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

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch
from numpy.typing import NDArray

from bradyseism.evaluation.truth import read_truth
from bradyseism.maps.writers.atomic import atomic_path, write_bytes
from bradyseism.maps.writers.tables import as_read_back
from bradyseism.models.network import COMPARED
from bradyseism.samples.labelled import LabelledMap, MapPatches
from bradyseism.samples.stored import discard
from bradyseism.samples.synthetic import SampleSet, Selection, beside_samples
from bradyseism.workflows.analogue import write_analogue
from bradyseism.workflows.reproduce_data import (
    Inputs,
    background_maps,
    backgrounds_of,
    field_maps,
    frame_maps,
    injection_maps,
    read_frames,
    refuse_overlap,
)
from bradyseism.workflows.reproduce_learning import (
    Study,
    constituent_sets,
    finetune_all,
    heads,
    keep_features,
    pretrained,
)
from bradyseism.workflows.reproduce_settings import ReproduceSettings
from bradyseism.workflows.run_arrays import (
    load_backgrounds,
    load_maps,
    save_backgrounds,
    save_maps,
)
from bradyseism.workflows.run_folder import PREDICTION_COLUMNS, RunFolder, open_run
from bradyseism.workflows.run_inputs import input_hashes, keep_hashes

Progress = Callable[[str], None]
Rows = dict[str, NDArray[Any]]

TESTS = ("frames", "injection", "field")


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
        Maps to test on and to fine-tune with; without frames and background the analogue set is
        simulated into the folder and taken.
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
        defaults={"settings": {"channels": 1}},  # of runs that were begun before there was a choice
    )
    keep_hashes(run, hashes, read=_prepared(run))
    if inputs.frames is None and inputs.background is None:
        inputs = _analogue(run, settings, inputs, tell)
    tell("reading maps")
    _prepare(run, settings, inputs, kind)
    networks = COMPARED if kind == "networks" else (settings.network,)
    studies = [Study(run, settings, cycle) for cycle in settings.cycles]
    for study in studies:
        for network in networks:
            tell(f"training {network}, cycle {study.cycle}")
            model = pretrained(study, network, provenance)
            tests = _test_sets(study)
            tell(f"features of {network}, cycle {study.cycle}")
            keep_features(study, network, model, _samples_of(study, tests))
            if kind == "paper":
                backgrounds = load_backgrounds(run / "data/backgrounds.npz")
                keep_features(study, network, model, constituent_sets(study, backgrounds))
                tell(f"fine-tuning, cycle {study.cycle}")
                finetune_all(study, network, backgrounds)
            tell(f"predictions of {network}, cycle {study.cycle}")
            _predict(study, network, tests, tuned=kind == "paper")
        # 43 GB of the paper's numbers; the next cycle needs the room.
        discard(study.stored_path)
    return run


def _analogue(
    run: RunFolder, settings: ReproduceSettings, inputs: Inputs, tell: Progress
) -> Inputs:
    """Simulate the analogue frames and their background into the run folder, once."""
    folder = run / "analogue"
    if not (folder / "manifest.json").exists():
        with run.stage("analogue frames"):
            write_analogue(
                folder,
                noise_level=settings.noise_level,
                frames=settings.frames,
                backgrounds=settings.background_maps,
                progress=lambda done, count, _: tell(f"simulating maps, {done} of {count}"),
            )
    return replace(
        inputs,
        frames=folder / "frames",
        truth=folder / "truth.csv",
        background=folder / "background",
    )


def _prepared(run: RunFolder) -> bool:
    """Whether all maps have been read: this file is the last of them."""
    return (run / "data/inputs.json").exists()


def _prepare(run: RunFolder, settings: ReproduceSettings, inputs: Inputs, kind: str) -> None:
    """Read all maps, once; refuse what does not belong together before anything is trained."""
    if _prepared(run):
        return
    encoding = settings.encoding(settings.cycles[0])
    (run / "data").mkdir(exist_ok=True)
    with run.stage("data"):
        frames = []
        if (inputs.frames is None) != (inputs.truth is None):
            raise ValueError(
                f"frames {inputs.frames} and truth {inputs.truth}: give both, or neither"
            )
        if inputs.frames and inputs.truth:
            frames = read_frames(inputs.frames, inputs.truth)
            save_maps(run / "data/frames.npz", frame_maps(frames, encoding))
        if kind == "paper":
            if inputs.background is None:
                raise ValueError(
                    f"frames {inputs.frames} without background: give a folder of volcano-free "
                    "maps from around them, too"
                )
            maps = background_maps(inputs.background)
            refuse_overlap(maps, frames, read_truth(inputs.truth) if inputs.truth else ())
            chosen = backgrounds_of(maps, encoding, settings.backgrounds, settings.seed)
            save_backgrounds(run / "data/backgrounds.npz", chosen)
        if inputs.injection:
            made, plan = injection_maps(
                inputs.injection, encoding, settings.injections, settings.seed
            )
            write_bytes(run / "data/injection_plan.csv", plan.encode())
            save_maps(run / "data/injection.npz", made)
        if inputs.field:
            save_maps(run / "data/field.npz", field_maps(inputs.field, encoding))
        described = {name: str(path) for name, path in inputs.given.items()}
        write_bytes(run / "data/inputs.json", json.dumps(described, indent=2).encode())


def _test_sets(study: Study) -> dict[str, list[LabelledMap]]:
    """Test maps by the name of their set, plain and low-passed."""
    sets = {}
    for name in TESTS:
        path = study.run / f"data/{name}.npz"
        if path.exists():
            maps = load_maps(path)
            sets[name] = maps
            pixel_size = study.settings.pixel_size
            sets[f"{name}-low_pass"] = [each.filtered(pixel_size) for each in maps]
    return sets


def _synthetic_test(study: Study) -> Selection:
    whole = study.synthetic(seed_offset=1)
    count = study.settings.synthetic_test
    chosen = beside_samples(study.settings.seed, 6).permutation(len(whole))[:count]
    return Selection(whole, np.sort(chosen))


def _samples_of(
    study: Study, tests: Mapping[str, Sequence[LabelledMap]]
) -> dict[str, Sequence[SampleSet]]:
    sets: dict[str, Sequence[SampleSet]] = {"synthetic": [_synthetic_test(study)]}
    for name, maps in tests.items():
        sets[name] = [_patches(study, each) for each in maps]
    return sets


def _patches(study: Study, one: LabelledMap) -> MapPatches:
    return MapPatches(one, study.settings.encoding(study.cycle), study.settings.positive_rule)


def _predict(
    study: Study, network: str, tests: Mapping[str, Sequence[LabelledMap]], *, tuned: bool
) -> None:
    """Apply every head to the features of every test set; one table a set."""
    for name in ("synthetic", *TESTS):
        path = study.run / f"predictions/{study.cycle}/{network}/{name}.parquet"
        if path.exists() or (name != "synthetic" and name not in tests):
            continue
        with study.run.stage(f"predictions {study.cycle} {network} {name}"):
            tables = []
            for file in (name, f"{name}-low_pass"):
                if name == "synthetic" and file != name:
                    continue
                rows = (
                    _synthetic_rows(study)
                    if name == "synthetic"
                    else _rows([_patches(study, each) for each in tests[file]])
                )
                rows["low_pass"] = np.full(len(rows["label"]), file != name)
                with np.load(study.features_path(network, file), allow_pickle=False) as stored:
                    features = torch.from_numpy(stored["features"].astype(np.float32))
                for model, seed, head in heads(study, network, tuned=tuned):
                    tables.append(_predicted(rows, features, model, seed, head))
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as temporary:
                pyarrow.parquet.write_table(pa.concat_tables(tables), temporary)


def _predicted(
    rows: Rows, features: torch.Tensor, model: str, seed: int, head: torch.nn.Module
) -> pa.Table:
    with torch.inference_mode():
        logit = head.eval()(features).double()
    count = len(logit)
    columns = {
        **rows,
        "model": np.full(count, model),
        "seed": np.full(count, seed),
        "logit": logit.numpy(),
        "probability": torch.sigmoid(logit).numpy(),
    }
    return pa.table({name: columns[name] for name in PREDICTION_COLUMNS})


def _rows(maps: Sequence[MapPatches]) -> Rows:
    """What is known of each patch, map by map."""
    counts = [len(each) for each in maps]
    corners = np.concatenate([each.corners for each in maps])
    return {
        "frame": np.repeat([each.map.name for each in maps], counts),
        "place": np.repeat([each.map.place for each in maps], counts),
        "patch": np.concatenate([np.arange(count) for count in counts]),
        "row": corners[:, 0],
        "column": corners[:, 1],
        "label": np.concatenate([each.labels for each in maps]),
        "rate": np.repeat([each.map.rate for each in maps], counts),
        "missing": np.concatenate([each.missing for each in maps]),
    }


def _synthetic_rows(study: Study) -> Rows:
    chosen = _synthetic_test(study)
    whole = study.synthetic(seed_offset=1)
    count = len(chosen)
    names = [f"{whole.geometry(int(k)).direction} {k}" for k in chosen.indices]
    zeros = np.zeros(count, dtype=np.int64)
    labels = np.array([whole.label(int(k)) for k in chosen.indices])
    return {
        "frame": np.array(names),
        "place": np.array(names),
        "patch": zeros,
        "row": zeros,
        "column": zeros,
        "label": labels,
        "rate": np.where(labels == 1, np.nan, 0.0),
        "missing": np.zeros(count),
    }
