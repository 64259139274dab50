"""The yardstick laid to trained detectors: which grounds, who stands beside, and what is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from os import PathLike
from pathlib import Path

import numpy as np

from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.backgrounds import (
    Background,
    nuisance_backgrounds,
    real_backgrounds,
    turbulence,
)
from bradyseism.evaluation.clairvoyant import YardstickSettings
from bradyseism.evaluation.hidden_sources import Answer
from bradyseism.evaluation.injection import Method, evidence_method
from bradyseism.evaluation.truth import volcano_free_maps
from bradyseism.evaluation.window_boxcar import WINDOW_BOXCAR, baseline_methods
from bradyseism.evaluation.yardstick import Progress, YardstickResult, run_yardstick
from bradyseism.maps.writers.atomic import atomic_path

__all__ = ["yardstick_scorecard"]

_OWN = "bradyseism"


def yardstick_scorecard(
    detector: Detector,
    *,
    beside: Mapping[str, Detector] | None = None,
    grounds: Sequence[str] = ("turbulence",),
    settings: YardstickSettings | None = None,
    folder: str | PathLike[str] | None = None,
    seed: int = 0,
    workers: int = 2,
    progress: Progress | None = None,
) -> YardstickResult:
    """Compare detectors, and methods without learning, with the bound.

    Parameters
    ----------
    detector
        Named ``bradyseism`` in the result; the baselines have the names of
        `baseline_methods`.
    beside
        More detectors by name, such as one of the paper's recipe.
    grounds
        ``"turbulence"``, ``"nuisances"``, or the path of a folder of volcano-free maps or of a
        truth table (see `truth.volcano_free_maps`).
    settings
        What is simulated or hidden; the defaults if None.
    folder
        Each answer of a method on a background is kept here, in a file of its own, and read again
        by a run with the same models, settings and seed; nothing is kept if None.
    seed
        Fixes every window and source.
    workers
        Number of threads; the result does not depend on it.
    progress
        Told steps done, steps in all, and a word.

    Raises
    ------
    ValueError
        Where a name is given twice, or a ground holds no window.
    OSError
        Where the maps or the folder cannot be used.
    """
    settings = settings or YardstickSettings()
    detectors = {_OWN: detector, **(beside or {})}
    baselines = baseline_methods(detector.encoding)
    taken = sorted({_OWN, *baselines} & set(beside or {}))
    if taken:
        raise ValueError(f"a detector beside is called {taken[0]!r}, which is taken: rename it")
    methods: dict[str, Method] = {name: evidence_method(one) for name, one in detectors.items()}
    methods |= baselines
    backgrounds: list[Background] = []
    for ground in dict.fromkeys(grounds):
        if ground == "turbulence":
            backgrounds.extend(turbulence(settings, seed))
        elif ground == "nuisances":
            backgrounds.extend(nuisance_backgrounds(settings, seed))
        else:
            backgrounds.extend(real_backgrounds(volcano_free_maps(ground), settings, seed))
    models = {name: f"{one.sha256} {one.calibration.prior}" for name, one in detectors.items()}
    models[WINDOW_BOXCAR] = f"{WINDOW_BOXCAR} {detector.encoding!r}"
    stamp = f"{version('bradyseism')} {settings!r} {seed}"
    return run_yardstick(
        methods,
        settings,
        backgrounds=backgrounds,
        seed=seed,
        workers=workers,
        remember=_kept(Path(folder), stamp, models) if folder is not None else None,
        progress=progress,
    )


def _kept(
    folder: Path, stamp: str, models: Mapping[str, str]
) -> Callable[[tuple[str, ...], Callable[[], Answer]], Answer]:
    folder.mkdir(parents=True, exist_ok=True)

    def remember(key: tuple[str, ...], compute: Callable[[], Answer]) -> Answer:
        """Answer from its file or, if there is none, computed and written."""
        # A detector is known by its content, so that a renamed file is not judged again.
        whole = json.dumps([stamp, *key[:-1], models.get(key[-1], key[-1])])
        path = folder / f"{hashlib.sha256(whole.encode()).hexdigest()[:20]}.json"
        if path.is_file():
            kept = json.loads(path.read_text(encoding="utf-8"))
            found = {float(width): np.array(v, dtype=bool) for width, v in kept["found"].items()}
            return Answer(found, kept["flagged"])
        answer = compute()
        kept = {
            "background": key[0],
            "method": key[-1],
            "flagged": answer.flagged,
            "found": {width: found.astype(int).tolist() for width, found in answer.found.items()},
        }
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(kept), encoding="utf-8")
        return answer

    return remember
