"""The tables of the paper's experiment as Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bradyseism.evaluation.claims import Finding, Verdict
from bradyseism.evaluation.patch_scores import MEASURES, PatchScores, Statistics
from bradyseism.evaluation.published import PUBLISHED
from bradyseism.evaluation.scores import Interval
from bradyseism.evaluation.sensitivity import Sensitivity
from bradyseism.review.model_words import model_word, percent

_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "\N{EN DASH}": "--",
          "\N{PLUS-MINUS SIGN}": r"$\pm$", "~": r"\textasciitilde{}",
          "\N{GREEK SMALL LETTER LAMDA}": r"$\lambda$"}  # fmt: skip
_NARROW, _WIDE = 16, 34  # characters: a column of longer cells breaks its lines
_SHRUNK = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


@dataclass(frozen=True)
class Table:
    """Rows of texts under headings.

    Attributes
    ----------
    caption : str
        One or two sentences.
    headings : tuple of str
        One a column.
    rows : tuple of tuple of str
        Of as many cells each.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row) != len(self.headings)]
        if wrong:
            raise ValueError(
                f"row {wrong[0]} has {len(wrong[0])} cells for {len(self.headings)} headings"
            )

    def markdown(self) -> str:
        """Table of GitHub's Markdown, without the caption."""
        rows = [[_cell(text) for text in row] for row in (self.headings, *self.rows)]
        rule = ["---"] * len(self.headings)
        return "".join(f"| {' | '.join(row)} |\n" for row in (rows[0], rule, *rows[1:]))

    def csv(self) -> str:
        """Comma-separated values with one line of headings."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.headings, *self.rows])
        return text.getvalue()

    def latex(self) -> str:
        """Table environment of LaTeX with the rules of booktabs, no wider than a line."""
        lines = [" & ".join(map(_latex, row)) + r" \\" for row in (self.headings, *self.rows)]
        columns = [_column(k, cells) for k, cells in enumerate(zip(*self.rows, strict=True))]
        return "\n".join(
            [r"% needs \usepackage{array,booktabs,graphicx}", r"\begin{table}", r"\centering",
             rf"\caption{{{_latex(self.caption)}}}", r"\smallskip", _SHRUNK,
             rf"\begin{{tabular}}{{{''.join(columns)}}}",
             r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule", r"\end{tabular}}",
             r"\end{table}", ""]
        )  # fmt: skip


def rows_table(models: Sequence[str], statistics: Mapping[str, Statistics], caption: str) -> Table:
    """One of the two tables of the paper: under each model its seven columns, paper and here.

    A cell of ours is the mean over seeds, its 95 % interval over places and, of several seeds,
    their standard deviation. Models that were not run are left out of our rows.
    """
    headings = ("model", "", *MEASURES.values())
    rows = []
    for model in models:
        if model in PUBLISHED:
            row = PUBLISHED[model]
            values = [percent(row.measures[name]) for name in MEASURES if name != "volcanoes"]
            rows.append((model_word(model), "paper", *values, f"{row.found}/{row.volcanic}"))
        if model in statistics:
            cells = [_measured(statistics[model], name) for name in MEASURES]
            rows.append((model_word(model), "here", *cells))
    return Table(caption, headings, tuple(rows))


def counts_table(models: Sequence[str], scores: Mapping[str, PatchScores], caption: str) -> Table:
    """Integer counts of every model and seed, from which its rates follow; the paper's beside."""
    headings = ("model", "", "seed", "TP", "FP", "FN", "TN", "volcanoes")
    rows: list[tuple[str, ...]] = []
    for model in models:
        if model in PUBLISHED:
            printed = PUBLISHED[model]
            found = f"{printed.found}/{printed.volcanic}"
            rows.append((model_word(model), "paper", "", *_counts(printed.counts), found))
        if model in scores:
            one = scores[model]
            _, frames = one.volcanic_frames()
            for seed, counts, hits in zip(one.seeds, one.confusions(), frames, strict=True):
                found = f"{hits.sum()}/{hits.size}"
                rows.append((model_word(model), "here", str(seed), *_counts(counts), found))
    return Table(caption, headings, tuple(rows))


def limits_table(
    models: Sequence[str], statistics: Mapping[str, Statistics], caption: str
) -> Table:
    """TPR at fixed FPR and FPR at 90 % TPR, of which the paper prints none."""
    names = {
        "tpr_at_1": "TPR at 1 % FPR",
        "tpr_at_5": "TPR at 5 % FPR",
        "tpr_at_10": "TPR at 10 % FPR",
        "fpr_at_high": "FPR at 90 % TPR",
    }
    rows = tuple(
        (model_word(model), *(_measured(statistics[model], name) for name in names))
        for model in models
        if model in statistics
    )
    return Table(caption, ("model", *names.values()), rows)


def differences_table(differences: Mapping[tuple[str, str], Interval], caption: str) -> Table:
    """Differences in the area under the curve, paper and here, in percent points."""
    rows = tuple(
        (
            f"{model_word(first)} minus {model_word(second)}",
            percent(PUBLISHED[first].auc - PUBLISHED[second].auc),
            interval_words(interval),
        )
        for (first, second), interval in differences.items()
    )
    return Table(caption, ("AUC of", "paper", "here (95 % interval)"), rows)


def claims_table(verdicts: Sequence[Verdict], caption: str) -> Table:
    """One line a condition of a claim: what was measured, and what follows."""
    headings = ("claim of the paper", "verdict", "number", "bound", "paper",
                "here (95 % interval)", "seeds that agree")  # fmt: skip
    rows = []
    for verdict in verdicts:
        for number, finding in enumerate(verdict.findings):
            start = (verdict.claim.words, verdict.word) if number == 0 else ("", "")
            rows.append((*start, *finding_cells(finding)))
    return Table(caption, headings, tuple(rows))


def sensitivity_table(found: Mapping[str, Sensitivity], caption: str) -> Table:
    """Share found and mean probability for each model and class of rates."""
    headings = ("model", "rate, mm/yr", "sources", "found, % (95 % interval)", "mean probability")
    rows = []
    for model, one in found.items():
        rows.append((model_word(model), "none", "", interval_words(one.unmoved), ""))
        for row in one.classes:
            rows.append(
                (model_word(model), f"{1e3 * row.rate:.1f}", str(row.sources),
                 interval_words(row.found), f"{row.probability:.2f}")
            )  # fmt: skip
    return Table(caption, headings, tuple(rows))


def smallest_rates_table(found: Mapping[str, Sensitivity], caption: str) -> Table:
    """Smallest rates detected, by each of three definitions; mm/yr."""
    headings = ("model", "smallest source found", "half found from", "90 % found from")
    rows = tuple(
        (
            model_word(model),
            *(_rate(x) for x in (one.smallest_found, one.reached(0.5), one.reached(0.9))),
        )
        for model, one in found.items()
    )
    return Table(caption, headings, rows)


def interval_words(interval: Interval) -> str:
    """Write an interval of shares in percent.

    Examples
    --------
    >>> interval_words(Interval(0.5, 0.25, 0.755))
    '50.0 (25.0 to 75.5)'
    """
    if np.isnan(interval.low):
        return percent(interval.estimate)
    return f"{percent(interval.estimate)} ({percent(interval.low)} to {percent(interval.high)})"


def finding_cells(finding: Finding) -> tuple[str, str, str, str, str]:
    """Write what a number is, its bound, the paper's, ours, and how many seeds agree."""
    condition, measured = finding.condition, finding.measured
    seeds = f"{finding.seeds_met} of {finding.seeds}" if finding.seeds else "\N{EN DASH}"
    side = "under" if condition.under else "over"
    if condition.unit == "share":
        paper, here = percent(condition.paper), interval_words(measured)
        return condition.words, f"{side} {percent(condition.bound)}", paper, here, seeds
    rates = [_rate(x) for x in (measured.estimate, measured.low, measured.high)]
    unknown = np.isnan(measured.estimate)
    here = rates[0] if unknown else f"{rates[0]} ({rates[1]} to {rates[2]}) mm/yr"
    bound, paper = (f"{_rate(x)} mm/yr" for x in (condition.bound, condition.paper))
    return condition.words, f"{side} {bound}", paper, here, seeds


def _measured(statistics: Statistics, name: str) -> str:
    words = interval_words(statistics.interval(name))
    spread = statistics.spread(name)
    return words if np.isnan(spread) else f"{words} \N{PLUS-MINUS SIGN} {percent(spread)}"


def _counts(counts: object) -> tuple[str, str, str, str]:
    names = ("true_positive", "false_positive", "false_negative", "true_negative")
    first, second, third, fourth = (str(getattr(counts, name)) for name in names)
    return first, second, third, fourth


def _rate(rate: float) -> str:
    return "\N{EN DASH}" if np.isnan(rate) else f"{1e3 * rate:.1f}"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _column(number: int, cells: Sequence[str]) -> str:
    """Say how LaTeX sets a column: by its longest cell, broken into lines where that is long."""
    longest = max(map(len, cells), default=0)
    if longest <= (_NARROW if number else _WIDE):
        return "r" if number else "l"
    side, width = ("right", "5.2cm") if longest > _WIDE else ("left", "2.8cm")
    return rf">{{\ragged{side}\arraybackslash}}p{{{width}}}"


def _latex(text: str) -> str:
    escaped = re.sub("[" + "".join(_LATEX) + "]", lambda match: _LATEX[match.group()], text)
    escaped = re.sub(r"(?<![\w\[`])-(?=\d)", "$-$", escaped)
    escaped = re.sub(r"(\([^()]+ to [^()]+\))", r"\\mbox{\1}", escaped)
    return re.sub(r"`([^`]*)`", r"\\texttt{\1}", escaped)
