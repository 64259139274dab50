"""Adapts a detector to a user's own region: from volcano-free maps to a calibrated model; no torch.

Each background window is taken as it is and with a simulated source added. The ground is divided
into quarters; each is held out once while the head is tuned and calibrated on the other three, and
what the four heads say of their held-out quarters is compared with what the base detector says
there. The model that is written is tuned on all four, with the same settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.attribution import Head
from bradyseism.detection.calibration import Calibration, fit_calibration
from bradyseism.detection.head_tuning import Examples, head_inputs, head_logits, tune
from bradyseism.detection.model_file import with_head
from bradyseism.detection.runtime import Detector
from bradyseism.evaluation.certainty import CertaintySettings, certainty_tables
from bradyseism.evaluation.comparison import Comparison, Judged, compare
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.maps.writers.atomic import write_bytes
from bradyseism.maps.writers.tables import as_read_back
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.scenes.synthesis import SceneSettings
from bradyseism.workflows.adapt_windows import (
    QUARTERS,
    SYMMETRIES,
    Windows,
    background_windows,
    hybrid_windows,
)
from bradyseism.workflows.card_page import card_markdown

Progress = Callable[[int, int, str], None]

# What a card says of the training of the base detector, which does not hold for the adapted one.
OF_THE_BASE = (
    "data", "settings", "epochs", "validation_loss", "history", "metrics_simulated", "hardware",
    "torch", "reliability", "false_alarm", "detectable", "certainty_settings",
)  # fmt: skip
ADAPTED = "-adapted"
LIMITS = (
    "adapted to the maps listed: elsewhere the model it comes from is the better choice",
    "what windows of all sizes together say of a place is weighed as by the model it comes from",
)
# Single windows are compared as if this share of them held a source: of a map most are quiet.
MOVING_WINDOWS = 0.05
# Windows of a scan in each quarter, and in all, without which nothing can be held out.
LEAST_IN_QUARTER, LEAST_WINDOWS = 4, 30
# Where a scan has fewer windows than this, they are laid more densely.
FEW_WINDOWS = 300


@dataclass(frozen=True)
class AdaptSettings:
    """Everything but the maps and the base detector that decides an adapted model.

    Parameters
    ----------
    windows : int
        Background windows at most.
    pairs : int
        Pairs of windows without and with a source that are aimed at: where there are fewer
        windows, their turns and mirrors are taken, too.
    stiffness : float
        How strongly the head is held to that of the base detector, see `head_tuning.tune`.
    steps : int
        Most steps of the tuning.
    seed : int
        Of windows, sources and intervals, not negative.
    scenes : SceneSettings
        What the sources are.
    certainty : CertaintySettings
        What is simulated for the chance of false alarms and the detectable rate.
    """

    windows: int = 1500
    pairs: int = 2000
    stiffness: float = 1e-3
    steps: int = 60
    seed: int = 0
    scenes: SceneSettings = field(default_factory=SceneSettings)
    certainty: CertaintySettings = field(
        default_factory=lambda: CertaintySettings(maps=60, sources=16)
    )

    def __post_init__(self) -> None:
        if self.windows < LEAST_WINDOWS or self.pairs < LEAST_WINDOWS:
            raise ValueError(
                f"windows {self.windows} and pairs {self.pairs}: give at least {LEAST_WINDOWS}"
            )
        if not self.stiffness >= 0 or self.steps < 1:
            raise ValueError(
                f"stiffness {self.stiffness:g} and steps {self.steps}: give 0 or more, and at "
                "least 1"
            )
        if self.seed < 0:
            raise ValueError(f"seed {self.seed} is negative: give 0 or more")


@dataclass(frozen=True, eq=False)
class Adaptation:
    """An adapted detector beside the one it comes from.

    Parameters
    ----------
    base : Detector
    content : bytes
        Of the adapted model's file.
    comparison : Comparison
        On held-out ground: before is the base detector, after the adapted one.
    card : mapping
        Of the adapted model.
    """

    base: Detector
    content: bytes
    comparison: Comparison
    card: Mapping[str, Any]


def adapt(
    maps: Sequence[VelocityMap],
    model: bytes,
    settings: AdaptSettings | None = None,
    *,
    facts: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Adaptation:
    """Tune, calibrate and judge the head of a detector on volcano-free maps.

    Parameters
    ----------
    maps : sequence of VelocityMap
        Without volcanic deformation.
    model : bytes
        Content of the file of the base detector.
    settings : AdaptSettings, optional
    facts : mapping, optional
        What the card shall state beside: command, commit.
    progress : callable, optional
        Told steps done, steps in all, and a word.

    Raises
    ------
    ValueError
        If the base detector is of another kind, or the maps hold too few observable windows.
    """
    settings = settings or AdaptSettings()
    base = Detector(model)
    steps = _Steps(progress, 4 + QUARTERS)
    steps.next("windows")
    windows, counts = _windows(maps, base, settings)
    steps.next("features")
    examples = _examples(base, windows)
    heads = []
    for quarter in range(QUARTERS):
        steps.next(f"tuning without quarter {quarter + 1}")
        heads.append(_tuned(base.head, examples[windows.table["quarter"] != quarter], settings))
    logits = _held_out(heads, examples, windows)
    comparison = _compared(base, logits, examples, windows, settings)
    if comparison.harm:
        # A model that will be refused needs to know no more of itself.
        steps.total -= 1
    steps.next("tuning on everything")
    head = _tuned(base.head, examples, settings)
    calibration = fit_calibration(logits, examples.labels, prior=base.calibration.prior)
    stated = _card(base, calibration, maps, counts, comparison)
    stated |= {"settings": asdict(settings), **(facts or {})}
    card = as_read_back(stated)
    content = with_head(model, base.head, head, card)
    _check(content, head, windows.values[:8])
    if not comparison.harm:
        steps.next("noise, alone and with sources")
        card |= as_read_back(certainty_tables(Detector(content), settings.certainty))
        content = with_head(model, base.head, head, card)
    steps.next("done")
    return Adaptation(base, content, comparison, card)


def write_adapted(path: Path, adaptation: Adaptation) -> None:
    """Write the card as a page, ``.md``, and, last, the model itself.

    Raises
    ------
    ValueError
        If the adapted model is not better than its base.
    OSError
        If a file cannot be written.
    """
    if adaptation.comparison.harm:
        raise ValueError(
            "the adapted model is not better than the one it comes from: "
            + "; ".join(adaptation.comparison.harm)
        )
    write_bytes(path.with_suffix(".md"), card_markdown(adaptation.card).encode())
    write_bytes(path, adaptation.content)


def check_target(path: Path) -> None:
    """Refuse a path under which no adapted model can or should be written.

    Raises
    ------
    ValueError
        If its suffix is another than ``.onnx``, its folder is missing, or a file is there already.
    """
    if path.suffix != ".onnx":
        raise ValueError(f"output {str(path)!r} does not end in .onnx: name the model's file")
    if not path.parent.is_dir():
        raise ValueError(f"output {str(path)!r}: the folder {path.parent} is missing: create it")
    taken = [each for s in (".onnx", ".md") if (each := path.with_suffix(s)).exists()]
    if taken:
        raise ValueError(
            f"{taken[0]} is there already, and a model is never overwritten: give another name"
        )


class _Steps:
    """Counts the steps of a job for whoever wants to know; `total` may change on the way."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.total, self._progress, self._done = total, progress, 0

    def next(self, text: str) -> None:
        """Tell the next step."""
        if self._progress:
            self._progress(self._done, self.total, text)
        self._done += 1


def _windows(
    maps: Sequence[VelocityMap], base: Detector, settings: AdaptSettings
) -> tuple[Windows, NDArray[np.int64]]:
    """Hybrid set, and how many background windows each map gave."""
    if not isinstance(base.encoding, NormalisedWindow):
        raise ValueError(
            f"model {base.name!r} sees wrapped patches: adapt tunes detectors like the shipped "
            "one; use `bradyseism finetune` for those of the paper's kind"
        )
    background = _background(maps, base.encoding, settings, steps=2)
    quarters = np.bincount(background.table["quarter"], minlength=QUARTERS)
    if len(background) < LEAST_WINDOWS or quarters.min() < LEAST_IN_QUARTER:
        raise ValueError(
            f"the maps hold {len(background)} observable windows, {quarters.min()} in the emptiest "
            f"quarter of their ground: at least {LEAST_WINDOWS} and {LEAST_IN_QUARTER} are needed; "
            "give more or larger maps"
        )
    for steps in (4, 8):
        if len(background) < min(FEW_WINDOWS, settings.windows):
            background = _background(maps, base.encoding, settings, steps=steps)
    copies = int(np.clip(settings.pairs // len(background), 1, SYMMETRIES))
    windows = hybrid_windows(
        background, settings.scenes, copies=copies, rng=_rng(settings, "sources")
    )
    return windows, np.bincount(background.table["map"], minlength=len(maps))


def _background(
    maps: Sequence[VelocityMap], encoding: NormalisedWindow, settings: AdaptSettings, *, steps: int
) -> Windows:
    rng = _rng(settings, "windows")
    return background_windows(maps, encoding, most=settings.windows, rng=rng, steps=steps)


def _rng(settings: AdaptSettings, purpose: str) -> np.random.Generator:
    """Randomness of one purpose, the same however much the others have drawn."""
    purposes = ("windows", "sources", "intervals")
    return np.random.default_rng([settings.seed, purposes.index(purpose)])


def _examples(base: Detector, windows: Windows) -> Examples:
    volcanic = windows.table["volcanic"].astype(np.float32)
    return Examples(head_inputs(base, windows.values), volcanic)


def _tuned(head: Head, examples: Examples, settings: AdaptSettings) -> Head:
    return tune(head, examples, stiffness=settings.stiffness, steps=settings.steps)


def _held_out(heads: Sequence[Head], examples: Examples, windows: Windows) -> NDArray[np.float64]:
    """Logit of each window by the head that was tuned without its quarter."""
    logits = np.zeros(len(examples))
    for quarter, head in enumerate(heads):
        held = windows.table["quarter"] == quarter
        logits[held] = head_logits(head, examples.inputs[held])
    return logits


def _compared(
    base: Detector,
    head_says: NDArray[np.float64],
    examples: Examples,
    windows: Windows,
    settings: AdaptSettings,
) -> Comparison:
    """Base and adapted detector on the windows as they lie, those of the latter held out.

    Of the heads that is; the two numbers of the calibration of a quarter are fitted to what heads
    that were tuned with it say of the other three.
    """
    table = windows.table
    after = np.zeros(len(examples))
    for quarter in range(QUARTERS):
        held = table["quarter"] == quarter
        others = fit_calibration(head_says[~held], examples.labels[~held], prior=MOVING_WINDOWS)
        after[held] = others.log_odds(head_says[held])
    stated = replace(base.calibration, prior=MOVING_WINDOWS)
    before = stated.log_odds(head_logits(base.head, examples.inputs))
    straight = table["straight"]
    judged = Judged(
        volcanic=table["volcanic"][straight],
        before=before[straight],
        after=after[straight],
        blocks=table["block"][straight].astype(np.int64),
        signal_to_noise=table["signal_to_noise"][straight],
        peaks=table["peak"][straight],
        prior=MOVING_WINDOWS,
    )
    return compare(judged, _rng(settings, "intervals"))


def _card(
    base: Detector,
    calibration: Calibration,
    maps: Sequence[VelocityMap],
    counts: NDArray[np.int64],
    comparison: Comparison,
) -> dict[str, Any]:
    """Card of the base, but for what no longer holds, and what was done to it."""
    kept = {key: value for key, value in base.card.items() if key not in OF_THE_BASE}
    return {
        **kept,
        "name": f"{base.name.removesuffix(ADAPTED)}{ADAPTED}",
        "calibration": asdict(calibration),
        "date": datetime.now(UTC).date().isoformat(),
        "data": "windows of the maps below, each as it is and with a simulated source added",
        "base": {"name": base.name, "sha256": base.sha256},
        "maps": [
            {"name": each.name, **_origin(each), "windows": int(count)}
            for each, count in zip(maps, counts, strict=True)
        ],
        "held_out": {
            "rule": "four quarters of the ground, each held out once; intervals by block",
            **asdict(comparison),
        },
        "limits": list(dict.fromkeys([*base.card.get("limits", []), *LIMITS])),
    }


def _origin(velocity_map: VelocityMap) -> dict[str, str]:
    origin = velocity_map.provenance
    return {"path": origin.path, "sha256": origin.sha256} if origin else {}


def _check(content: bytes, head: Head, windows: NDArray[np.float32]) -> None:
    """Make sure that the file says what the head says."""
    detector = Detector(content)
    stored = head_logits(head, head_inputs(detector, windows))
    if not np.allclose(detector.predict(windows).logit, stored, rtol=1e-3, atol=1e-3):
        raise ValueError(
            "the network behind the head computes something else than its metadata say: export "
            "the base model again"
        )
