"""The run folder of the paper's experiment: where everything lies, and what may go on in it.

Layout, version 1. ``CYCLE`` is ``half`` (lambda/2, one fringe) or ``whole`` (lambda); ``NETWORK`` a
key of `models.network.NETWORKS`; ``SET`` and ``APPROACH`` as in `MODELS`; ``S`` a seed. Every file
appears whole or not at all; a file that is there is finished and never made again.

``run.json``
    ``version``, ``kind`` (``paper`` or ``networks``), ``settings``, ``inputs`` (paths as given),
    ``environment``, ``command``, ``commit``, ``started``. Written first. ``inputs_sha256`` (may
    be missing): of every file of the inputs, by input and path.
``stages.csv``
    One line a finished stage: ``stage, seconds, finished``.
``analogue/``
    What `simulate analogue` writes, where no frames were given.
``data/frames.npz``, ``data/injection.npz``, ``data/field.npz``
    Test maps at the pixel size of the run, read by `run_arrays.load_maps`: displacement (m), peaks,
    place, rate and so on of `samples.labelled.LabelledMap`. Of the injection each map is one patch,
    first the untouched ones.
``data/backgrounds.npz``
    Read by `run_arrays.load_backgrounds`.
``data/injection_plan.csv``
    Sources, places and rates, written before any training.
``data/synthetic-CYCLE.npy``
    The images of the synthetic set, float16, mapped into memory; only with ``settings.store``, and
    only until all networks are trained on them.
``pretrain/CYCLE/NETWORK/``
    ``rates.csv`` (learning_rate, validation_loss; the lowest is taken), ``rate-R/log.csv`` (the
    trials), ``log.csv``, ``tensorboard/``, ``last.ckpt`` (the one with the optimiser),
    ``best.ckpt`` (while training), ``model.safetensors`` (read by `models.checkpoint.load`; its
    card holds settings and history).
``features/CYCLE/NETWORK/NAME.npz``
    ``features`` float16 (n, k), pooled, and ``label`` int8, of all samples of a set in order.
    NAME: ``background``, ``filtered``, ``hybrid-S``, ``hybrid_filtered-S``, ``volcano-S``,
    ``noise-S`` (constituents of the fine-tuning sets, see `samples.finetuning`), and of the tests
    ``synthetic``, ``frames``, ``frames-low_pass``, ``injection``, ``injection-low_pass``,
    ``field``, ``field-low_pass``: map by map, patch by patch, as in the predictions.
``finetune/CYCLE/SET/APPROACH/seed-S/``
    ``step-1/log.csv`` and so on; ``head.safetensors``: weights of the tuned head.
``predictions/CYCLE/NETWORK/TEST.parquet``
    TEST is ``synthetic``, ``frames``, ``injection`` or ``field``: one row for each patch, model,
    seed and filter, with `PREDICTION_COLUMNS`. Computed from the float16 features.
``attribution/CYCLE/MODEL.npz``
    Grad-CAM of true and false positives on the frames, see `paper_attribution.attribute`.
``latent/CYCLE/NETWORK.npz``
    Features of all sets on the plane of t-SNE, see `paper_latent.latent_plane`.
``models/MODEL-CYCLE.onnx``, ``.safetensors``, ``.json``, ``.md``
    Only what `reproduce_models.publish_models` was asked for.
``tables/``, ``figures/``, ``report.md``
    Drawn from the above alone.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bradyseism.maps.writers.tables import as_read_back, write_csv, write_json
from bradyseism.physics.line_of_sight import SENTINEL1_WAVELENGTH

logger = logging.getLogger(__name__)

VERSION = 1

CYCLES = {"half": SENTINEL1_WAVELENGTH / 2, "whole": SENTINEL1_WAVELENGTH}
"""LOS displacement (m) of one wrapping cycle, by name: the paper's words allow both."""

MODELS = (
    ("FT1", "last"),
    ("FT1", "-1last"),
    ("FT1", "last2"),
    ("FT1", "-1&last1"),
    ("FT2", "last"),
    ("FT3", "last"),
    ("FT4", "last"),
)
"""Fine-tuning set and approach of the paper's seven models."""

SYNTHETIC = "synthetic"
"""Name of the model without fine-tuning; the others are called ``SET APPROACH``."""

PREDICTION_COLUMNS = {
    "model": "str: `SYNTHETIC`, or set and approach as in ``FT1 last``",
    "seed": "int: of the fine-tuning; of the training for the synthetic model",
    "low_pass": "bool: whether the test map went through the 20 px median filter",
    "frame": "str: name of the map",
    "place": "str: what the bootstrap draws",
    "patch": "int: number within the map, row by row",
    "row": "int: upper left pixel of the patch in the map",
    "column": "int: likewise",
    "label": "int: 1 with deformation, 0 without, -1 not counted",
    "rate": "float: peak LOS rate (m/yr) of the source in the map; NaN unknown, 0 without",
    "missing": "float: share of missing pixels, 0-1",
    "logit": "float: log-odds of deformation",
    "probability": "float: 0-1; flagged over 0.5",
}
"""Columns of the predictions, with what they hold."""

_PACKAGES = ("bradyseism", "numpy", "scipy", "torchvision", "timm", "lightning")
_STAGE_COLUMNS = ("stage", "seconds", "finished")


@dataclass(frozen=True)
class RunFolder:
    """A run that has been opened.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and note it as finished; nothing is noted if it does not end."""
        started = time.monotonic()
        logger.info("%s: begins", name)
        yield
        table = self.path / "stages.csv"
        rows: list[list[object]] = []
        if table.exists():
            with table.open(newline="", encoding="utf-8") as file:
                rows = [list(row) for row in list(csv.reader(file))[1:]]
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        rows.append([name, f"{time.monotonic() - started:.1f}", finished])
        write_csv(table, _STAGE_COLUMNS, rows)
        logger.info("%s: done in %.0f s", name, time.monotonic() - started)


def open_run(
    path: str | os.PathLike[str],
    description: Mapping[str, Any],
    provenance: Mapping[str, Any],
    *,
    resume: bool,
    defaults: Mapping[str, Any] | None = None,
) -> RunFolder:
    """Begin a run in a folder, or go on with the one that is there.

    Parameters
    ----------
    path : path
        The folder; made if it is not there.
    description : mapping
        ``kind``, ``settings`` and ``inputs``, which must be the same on resuming.
    provenance : mapping
        Command and commit.
    resume : bool
        Whether a run that is there may go on.
    defaults : mapping, optional
        What holds where the record of an older run is silent, in the form of `description`.

    Raises
    ------
    ValueError
        If the folder holds a run and `resume` is not set; holds a run of another version, or with
        other settings or inputs; or is no run and not empty.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "run.json"
    if record.exists():
        if not resume:
            raise ValueError(f"{folder} holds a run already: pass --resume, or name a new folder")
        _refuse_other(folder, _over(defaults or {}, read_run(folder)), description)
    elif any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty and holds no run.json: name a new folder")
    else:
        facts = {
            "version": VERSION,
            **description,
            "environment": environment(),
            **provenance,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json(record, as_read_back(facts))
    return RunFolder(folder)


def read_run(folder: Path) -> dict[str, Any]:
    """Read ``run.json``.

    Raises
    ------
    ValueError
        If there is no run, or it is of another version.
    """
    record = folder / "run.json"
    try:
        found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{folder} holds no run.json: give the folder of a run") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{record} is no JSON ({error}): the run cannot be read") from error
    if found.get("version") != VERSION:
        raise ValueError(
            f"{folder} is a run of version {found.get('version')}, this program knows version "
            f"{VERSION}: use the program that wrote it, or begin in a new folder"
        )
    return found


def environment() -> dict[str, Any]:
    """What a run was made with: versions, processor, devices."""
    import torch  # late, so that a run can be read without it

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "gpu": device,
        **{name: version(name) for name in _PACKAGES},
        "torch": torch.__version__,
    }


def _refuse_other(folder: Path, found: Mapping[str, Any], description: Mapping[str, Any]) -> None:
    wanted = as_read_back(description)
    for name, before, now in _differences(found, wanted):
        raise ValueError(
            f"{name} {now!r} differs from {before!r} of the run in {folder}: "
            "go on with its settings, or name a new folder"
        )


def _over(defaults: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was found, filled up with defaults, in tables inside, too."""
    filled = dict(defaults)
    for name, value in found.items():
        inside = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(inside, Mapping):
            value = _over(inside, value)
        filled[name] = value
    return filled


def _differences(
    found: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, value of the run and value now, of what is not the same."""
    for name, now in wanted.items():
        before = found.get(name)
        if isinstance(now, Mapping) and isinstance(before, Mapping):
            yield from _differences(before, now, f"{prefix}{name}.")
        elif now != before:
            yield f"{prefix}{name}", before, now
