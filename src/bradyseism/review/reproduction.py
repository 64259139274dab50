"""All tables and figures of the paper's experiment, and the report that holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

from bradyseism.evaluation.claims import CLAIMS, judge
from bradyseism.evaluation.patch_scores import Statistics, auc_difference
from bradyseism.evaluation.published import APPROACHES, SETS
from bradyseism.evaluation.sensitivity import Sensitivity, sensitivity
from bradyseism.maps.writers.atomic import write_bytes
from bradyseism.review import (
    curve_figures,
    run_figures,
    run_tables,
    tables,
)
from bradyseism.review.model_words import CYCLE_WORDS
from bradyseism.review.run_book import Book
from bradyseism.review.run_report import report_text
from bradyseism.workflows.paper_results import (
    Run,
    SetResult,
    open_results,
    read_results,
)

Progress = Callable[[int, int, str], None]
_PAIRS = (
    ("FT1 last", "synthetic"),
    ("FT1 last2", "synthetic"),
    ("FT4 last", "synthetic"),
    ("FT1 last2", "FT1 last"),
    ("FT2 last", "FT1 last"),
    ("FT4 last", "FT1 last"),
)
_CLAIMS, _RUN = "Claims", "Training and test sets"
_SENSITIVE = ("synthetic", "FT1 last", "FT1 last2", "FT4 last")


@dataclass(frozen=True)
class Drawn:
    """What was made of a run folder.

    Attributes
    ----------
    report : Path
        ``report.md``, which shows everything else.
    files : tuple of Path
        Tables and figures.
    skipped : tuple of (str, str)
        What could not be drawn, and why.
    """

    report: Path
    files: tuple[Path, ...]
    skipped: tuple[tuple[str, str], ...]


def draw(run_folder: str | PathLike[str], *, progress: Progress | None = None) -> Drawn:
    """Draw all tables and figures of a run again, without training, and write its report.

    Parameters
    ----------
    run_folder : path
        As `workflows.run_folder` lays it out. What it lacks is skipped with the reason.
    progress : callable, optional
        Told steps done, steps in all, and the name of the present one.

    Raises
    ------
    ValueError
        If the folder holds no run, one of another version, or a file that the layout does not know.
    OSError
        If a file cannot be written.
    """
    run = open_results(run_folder)
    book = Book(run)
    for name in ("tables", "figures"):
        (run.folder / name).mkdir(exist_ok=True)
    results = read_results(run)
    if not results:
        book.skip("tables, ROC curves, claims", "the run has no predictions yet")
    for heading in (_CLAIMS, _RUN):
        book.section(heading)  # these stand first, and are filled last
    steps: list[tuple[str, Callable[[], None]]] = [
        (f"{result.test}, {result.cycle}", partial(_draw_result, book, result))
        for result in results
    ]
    steps += [
        ("maps and samples", partial(run_figures.draw_sets, book)),
        ("approaches", partial(run_figures.draw_approaches, book)),
        ("Grad-CAM", partial(run_figures.draw_attribution, book)),
        ("latent features", partial(run_figures.draw_latent, book)),
        ("claims", lambda: _draw_overview(book, results)),
    ]
    for number, (name, step) in enumerate(steps):
        if progress:
            progress(number, len(steps), name)
        step()
    report = run.folder / "report.md"
    write_bytes(report, report_text(run, results, book.sections, book.skipped).encode())
    if progress:
        progress(len(steps), len(steps), "done")
    return Drawn(report, tuple(book.files), tuple(book.skipped))


def _draw_result(book: Book, result: SetResult) -> None:
    words = _words(book.run, result)
    heading = words[0].upper() + words[1:]
    if len(set(next(iter(result.scores.values())).label.tolist())) < 2:
        book.skip(f"tables of {words}", "its counted patches are all of one class")
        return
    statistics = result.statistics()
    stem, scores = result.stem, result.scores
    if book.run.card.get("kind") == "networks":
        names = tuple(sorted(scores))
        caption = f"Networks trained on the synthetic set: {words}. {_CELL}"
        book.add_table(heading, f"networks-{stem}", tables.rows_table(names, statistics, caption))
        figure = curve_figures.roc_figure(names, scores, heading)
        caption = f"ROC curves of the networks, {words}. Circles: probability 0.5."
        book.add_figure(heading, f"roc-networks-{stem}", figure, caption)
        return
    _add_claims(book, heading, result, statistics)
    _add_rows(book, heading, result, statistics)
    for number, models, what in ((5, APPROACHES, "approaches"), (6, SETS, "sets")):
        figure = curve_figures.roc_figure(models, scores, heading)
        caption = f"Figure {number}. ROC curves of the fine-tuning {what}, {words}. {_CURVES}"
        book.add_figure(heading, f"figure-{number}-roc-{what}-{stem}", figure, caption)
    _add_sensitivity(book, heading, result)


_CELL = (
    "Percent. Here: mean over seeds (95 % interval, places resampled, from three places of a kind "
    "on), \N{PLUS-MINUS SIGN} standard deviation over seeds where there are several."
)


_CURVES = (
    "Thick: seed of median area; thin: the others. Circles: probability 0.5; diamonds: the same "
    "in the paper, on its own frames."
)


def _add_claims(
    book: Book, heading: str, result: SetResult, statistics: dict[str, Statistics]
) -> None:
    verdicts = tuple(judge(claim, statistics) for claim in CLAIMS)
    caption = (
        f"Claims of the paper, {_words(book.run, result)}. A claim holds where every number "
        "lies on its side of the bound with its whole interval. Percent, or percent points."
    )
    book.add_table(heading, f"claims-{result.stem}", tables.claims_table(verdicts, caption))
    book.verdicts[heading] = verdicts


def _add_rows(
    book: Book, heading: str, result: SetResult, statistics: dict[str, Statistics]
) -> None:
    words, stem = _words(book.run, result), result.stem
    for number, models, what in ((1, APPROACHES, "approaches"), (2, SETS, "sets")):
        caption = f"Table {number}. Fine-tuning {what}, {words}. {_CELL}"
        table = tables.rows_table(models, statistics, caption)
        book.add_table(heading, f"table-{number}-{what}-{stem}", table)
    every = tuple(dict.fromkeys((*APPROACHES, *SETS)))
    caption = f"Counts at a probability of 0.5, {words}; every rate follows from them."
    table = tables.counts_table(every, result.scores, caption)
    book.add_table(heading, f"counts-{stem}", table)
    caption = f"Rates at other thresholds, {words}. {_CELL}"
    book.add_table(heading, f"limits-{stem}", tables.limits_table(every, statistics, caption))
    differences = {
        (first, second): auc_difference(statistics[first], statistics[second])
        for first, second in _PAIRS
        if {first, second} <= statistics.keys()
    }
    caption = f"Differences in area under the ROC curve, {words}, paired by place; percent points."
    table = tables.differences_table(differences, caption)
    book.add_table(heading, f"differences-{stem}", table)


def _add_sensitivity(book: Book, heading: str, result: SetResult) -> None:
    by = "patch" if result.test in ("injection", "synthetic") else "frame"
    found: dict[str, Sensitivity] = {}
    for model in _SENSITIVE:
        one = sensitivity(result.scores[model], by=by) if model in result.scores else None
        if one is not None:
            found[model] = one
    words = _words(book.run, result)
    if not found:
        book.skip(f"sensitivity, {words}", "no source has a known rate")
        return
    source = "frame, found if one of its positive patches is flagged" if by == "frame" else "patch"
    definition = f"A source is a {source} (probability over 0.5)."
    caption = f"Sensitivity, {words}. {definition} Rate none: patches without deformation."
    table = tables.sensitivity_table(found, caption)
    book.add_table(heading, f"sensitivity-{result.stem}", table)
    caption = (
        f"Smallest rates, mm/yr, {words}. {definition} Half, or 90 %, found from: the lowest class "
        "of rates from which on every class is found as often. The paper names 5 mm/yr."
    )
    table = tables.smallest_rates_table(found, caption)
    book.add_table(heading, f"smallest-rates-{result.stem}", table)
    figure = curve_figures.sensitivity_figure(found, heading)
    caption = f"Sensitivity, {words}. {definition} Dotted: share flagged without deformation."
    book.add_figure(heading, f"sensitivity-{result.stem}", figure, caption)


def _draw_overview(book: Book, results: Sequence[SetResult]) -> None:
    made = {
        "training": run_tables.training_table(book.run),
        "tests": run_tables.tests_table(book.run, results),
    }
    for name, table in made.items():
        if table.rows:
            book.add_table(_RUN, name, table)
    if book.verdicts:
        book.add_table(_CLAIMS, "claims", run_tables.claims_overview(book.verdicts))


def _words(run: Run, result: SetResult) -> str:
    low_pass = ", low-pass filtered" if result.low_pass else ""
    return f"{run.test_words[result.test]}, {CYCLE_WORDS[result.cycle]}{low_pass}"
