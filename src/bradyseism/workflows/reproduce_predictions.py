"""What every model says of every patch of every test set, one table a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch
from numpy.typing import NDArray

from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.samples.labelled import LabelledMap, MapPatches
from bradyseism.samples.synthetic import SampleSet, Selection, beside_samples
from bradyseism.scenes.analogue import YEARS
from bradyseism.workflows.reproduce_learning import Study, heads
from bradyseism.workflows.run_arrays import load_maps, save_arrays
from bradyseism.workflows.run_folder import PREDICTION_COLUMNS

Rows = dict[str, NDArray[Any]]

TESTS = ("frames", "injection", "field")


def maps_to_test(study: Study) -> dict[str, list[LabelledMap]]:
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


def samples_of(
    study: Study, tests: Mapping[str, Sequence[LabelledMap]]
) -> dict[str, Sequence[SampleSet]]:
    """Samples of every test set by its name, the synthetic one first."""
    sets: dict[str, Sequence[SampleSet]] = {"synthetic": [_synthetic_test(study)]}
    for name, maps in tests.items():
        sets[name] = [_patches(study, each) for each in maps]
    return sets


def _patches(study: Study, one: LabelledMap) -> MapPatches:
    return MapPatches(one, study.settings.encoding(study.cycle), study.settings.positive_rule)


def predict(
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
        "rate": _synthetic_rates(study, chosen),
        "missing": np.zeros(count),
    }


def _synthetic_rates(study: Study, chosen: Selection) -> NDArray[np.float64]:
    """Peak LOS rates (m/yr), 0 without deformation: of displacement over the span of the frames.

    Every sample has to be made again for it, so they are kept for the other cycles and networks.
    """
    path = study.run / "data/synthetic_rates.npz"
    if not path.exists():
        whole = study.synthetic(seed_offset=1)
        save_arrays(path, {"rate": np.array([whole.peak(int(k)) for k in chosen.indices]) / YEARS})
    with np.load(path, allow_pickle=False) as stored:
        return np.asarray(stored["rate"], dtype=np.float64)
