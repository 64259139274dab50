"""Tables about a whole run: how it was made, what it was tested on, and which claims hold where."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bradyseism.evaluation.claims import Finding, Verdict
from bradyseism.review.model_words import CYCLE_WORDS, percent
from bradyseism.review.tables import Table, finding_cells
from bradyseism.workflows.paper_results import Run, SetResult
from bradyseism.workflows.run_arrays import load_maps


def training_table(run: Run) -> Table:
    """One line a trained network: what it was trained on, how long, and how well it learnt."""
    headings = ("network", "patches", "synthetic samples", "wrapping cycle",
                "seeds of the fine-tunings", "learning rate", "checks", "best validation loss",
                "its accuracy, %", "training, min")  # fmt: skip
    settings = run.settings
    patches = f"{settings.get('size', '')} px at {settings.get('pixel_size', 0):g} m"
    seeds = str(len(settings.get("seeds", ())))
    rates = settings.get("rates", ())
    minutes = {stage["stage"]: float(stage["seconds"] or 0) / 60 for stage in run.stages}
    rows = []
    for log in sorted(run.folder.glob("pretrain/*/*/log.csv")):
        cycle, network = log.parts[-3:-1]
        checks = _numbers(log)
        best = min(checks, key=lambda row: row["loss"])
        taken = minutes.get(f"pretrain {cycle} {network}", float("nan"))
        rows.append(
            (network, patches, f"{settings.get('samples', 0):,}", CYCLE_WORDS[cycle],
             seeds if run.card.get("kind") == "paper" else "none", _rate(log.parent, rates),
             str(len(checks)), f"{best['loss']:.4f}", percent(best["accuracy"], 2),
             "\N{EN DASH}" if np.isnan(taken) else f"{taken:.1f}")
        )  # fmt: skip
    caption = "Training on the synthetic set. The last accuracy is that of the best check."
    return Table(caption, headings, tuple(rows))


def tests_table(run: Run, results: Sequence[SetResult]) -> Table:
    """One line a test set: how many maps, places and patches, and how much is missing."""
    headings = ("test set", "maps", "places", "maps with deformation", "patches with deformation",
                "patches without", "missing pixels, %", "most in one map, %")  # fmt: skip
    rows = []
    for test in dict.fromkeys(result.test for result in results):
        first = next(result for result in results if result.test == test)
        scores = next(iter(first.scores.values()))
        volcanic = np.unique(scores.frame[scores.label == 1]).size
        positive = int((scores.label == 1).sum())
        rows.append(
            (run.test_words[test], f"{np.unique(scores.frame).size:,}",
             f"{np.unique(scores.place).size:,}", f"{volcanic:,}", f"{positive:,}",
             f"{scores.label.size - positive:,}", *_missing(run.folder / f"data/{test}.npz"))
        )  # fmt: skip
    caption = "Test sets: counted patches, and pixels missing before the maps are cut."
    return Table(caption, headings, tuple(rows))


def claims_overview(verdicts: Mapping[str, Sequence[Verdict]]) -> Table:
    """One line a number of a claim: its bound, the paper's, and what each test set says.

    Parameters
    ----------
    verdicts : mapping of str to sequence of Verdict
        By test set in words, the same claims of each.
    """
    headings = ("claim of the paper", "number", "bound", "paper", *verdicts)
    rows = []
    for judged in zip(*verdicts.values(), strict=True):
        first = judged[0]
        rows.append((first.claim.words, "", "", "", *(verdict.word for verdict in judged)))
        for number, finding in enumerate(first.findings):
            words, bound, paper, _, _ = finding_cells(finding)
            here = (_here(verdict.findings[number]) for verdict in judged)
            rows.append(("", words, bound, paper, *here))
    caption = (
        "Claims of the paper on every test set, each with its numbers: mean over seeds (95 % "
        "interval), and seeds that agree. Percent, or percent points."
    )
    return Table(caption, headings, tuple(rows))


def _here(finding: Finding) -> str:
    *_, measured, seeds = finding_cells(finding)
    return f"{measured}; {seeds}" if finding.seeds else measured


def _numbers(log: Path) -> list[dict[str, float]]:
    with log.open(newline="", encoding="utf-8") as file:
        return [{name: float(v) for name, v in row.items()} for row in csv.DictReader(file)]


def _rate(folder: Path, rates: Sequence[float]) -> str:
    """Learning rate that was taken, and how it was found."""
    table = folder / "rates.csv"
    if not table.is_file():
        return f"{rates[0]:g}, not tried against others" if len(rates) == 1 else "\N{EN DASH}"
    with table.open(newline="", encoding="utf-8") as file:
        found = {row["learning_rate"]: row["validation_loss"] for row in csv.DictReader(file)}
    known = {rate: float(loss) for rate, loss in found.items() if loss}
    return f"{float(min(known, key=lambda rate: known[rate])):g}, lowest loss of {len(found)}"


def _missing(maps: Path) -> tuple[str, str]:
    """Mean and largest share of missing pixels of the maps, in percent."""
    if not maps.is_file():
        return percent(float("nan")), percent(float("nan"))
    shares = [float(np.isnan(one.displacement).mean()) for one in load_maps(maps)]
    return percent(float(np.mean(shares))), percent(max(shares))
