"""Figures 5 and 6 of the paper, ROC curves, and sensitivity against rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from bradyseism.evaluation.patch_scores import FLAG_LOGIT, PatchScores
from bradyseism.evaluation.published import PUBLISHED
from bradyseism.evaluation.roc import RocCurves
from bradyseism.evaluation.sensitivity import Sensitivity
from bradyseism.review.drawing import new_figure, styled
from bradyseism.review.model_words import MODEL_COLOURS, model_word

_OTHER_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#5b6570")
_TICKS = np.linspace(0.0, 1.0, 6)


@styled
def roc_figure(models: Sequence[str], scores: Mapping[str, PatchScores], title: str) -> Figure:
    """ROC curves of some models, with the point of probability 0.5 on each.

    The seed of median area is drawn strong and marked, the other seeds thin. Open diamonds are
    what the paper prints for the point of 0.5, on its own test set.

    Parameters
    ----------
    models : sequence of str
        In the order of the legend; those without scores are left out.
    scores : mapping of str to PatchScores
        Answers on one test set that holds both classes.
    title : str
        What was tested.
    """
    figure = new_figure(5.2, 6.15)
    axes = figure.add_axes((0.115, 0.2, 0.86, 0.727))
    axes.plot([0, 1], [0, 1], color="#b6bcc4", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    present = [model for model in models if model in scores]
    handles = [_roc_line(axes, scores[m], m, _colour(m, k)) for k, m in enumerate(present)]
    printed = [model for model in present if model in PUBLISHED]
    for model in printed:
        counts = PUBLISHED[model].counts
        place = counts.false_positive_rate, counts.true_positive_rate
        edge = _colour(model, 0)
        axes.plot(*place, "D", mfc="white", mec=edge, mew=1.3, ms=6.5, clip_on=False, zorder=5)
    handles.append(_mark("o", "#3a444f", "probability 0.5, here"))
    if printed:
        handles.append(_mark("D", "white", "probability 0.5, in the paper"))
    figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=2,
                  frameon=False, fontsize=7.2, handlelength=1.3, columnspacing=0.9)  # fmt: skip
    axes.set(xlim=(-0.012, 1.012), ylim=(-0.012, 1.012), xticks=_TICKS, yticks=_TICKS)
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    axes.set_title(fill(title, 66), loc="left", fontsize=8.5)
    _tidy(axes)
    return figure


@styled
def sensitivity_figure(found: Mapping[str, Sensitivity], title: str) -> Figure:
    """Share of the sources found, and their mean probability, against peak rate in mm/yr.

    Bars are exact binomial 95 % intervals; dotted lines the share of patches without deformation
    that are flagged, which a share found has to exceed to mean anything.

    Parameters
    ----------
    found : mapping of str to Sensitivity
        By model.
    title : str
        What was tested.
    """
    figure = new_figure(7.4, 3.6)
    boxes = ((0.075, 0.14, 0.40, 0.74), (0.575, 0.14, 0.40, 0.74))
    share, chance = (figure.add_axes(box) for box in boxes)
    for number, (model, one) in enumerate(found.items()):
        colour = _colour(model, number)
        # Bars of several models side by side, or they hide each other.
        aside = 1.0 + 0.03 * (number - (len(found) - 1) / 2)
        rate = np.array([1e3 * row.rate for row in one.classes])
        middle, low, high = np.array(
            [[row.found.estimate, row.found.low, row.found.high] for row in one.classes]
        ).T
        reach = np.maximum([middle - low, high - middle], 0.0)
        style: dict[str, Any] = {"color": colour, "marker": "o", "markersize": 4, "linewidth": 1.3}
        share.errorbar(aside * rate, middle, yerr=reach, capsize=2, elinewidth=0.8, **style)
        share.axhline(one.unmoved.estimate, color=colour, linewidth=0.9, linestyle=":")
        mean = [row.probability for row in one.classes]
        chance.plot(rate, mean, label=model_word(model), **style)
    chance.axhline(0.5, color="#b6bcc4", linewidth=0.8, linestyle=(0, (4, 3)))
    share.set_ylabel("share of sources found")
    chance.set_ylabel("mean probability")
    rates = np.array([1e3 * row.rate for one in found.values() for row in one.classes])
    for axes in (share, chance):
        _rate_axis(axes, rates)
    chance.legend(frameon=False, fontsize=8, loc="best")
    share.set_title(title, loc="left", fontsize=9)
    return figure


def _roc_line(axes: Axes, scores: PatchScores, model: str, colour: str) -> Line2D:
    curves = [RocCurves.of(scores.label, logit) for logit in scores.logit]
    areas = np.array([curve.area()[0] for curve in curves])
    middle = int(np.argsort(areas)[len(areas) // 2])
    for number, curve in enumerate(curves):
        strong = number == middle
        style: dict[str, Any] = (
            {"linewidth": 1.8, "zorder": 3} if strong else {"linewidth": 0.6, "alpha": 0.5}
        )
        axes.plot(curve.false_positive_rate[0], curve.true_positive_rate[0], color=colour, **style)
    true, false, missed, quiet = (float(x[0]) for x in curves[middle].counts_over(FLAG_LOGIT))
    place = false / (false + quiet), true / (true + missed)
    axes.plot(*place, "o", mfc=colour, mec="white", mew=0.9, ms=7.5, clip_on=False, zorder=6)
    words = f"{model_word(model)}, AUC {100 * areas.mean():.1f} %"
    if model in PUBLISHED:
        words += f" (paper {100 * PUBLISHED[model].auc:.1f} %)"
    return Line2D([], [], color=colour, linewidth=1.8, label=words)


def _mark(marker: str, face: str, label: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=marker, mfc=face, mec="#3a444f", ms=6, label=label)


def _colour(model: str, number: int) -> str:
    return MODEL_COLOURS.get(model, _OTHER_COLOURS[number % len(_OTHER_COLOURS)])


def _rate_axis(axes: Axes, rates: np.ndarray) -> None:
    axes.set_xscale("log")
    low, high = max(rates.min(), 0.1), max(rates.max(), 0.2)
    axes.set_xlim(low / 1.25, high * 1.25)
    round_rates = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500])
    inside = (round_rates >= low / 1.25) & (round_rates <= high * 1.25)
    axes.xaxis.set_major_locator(FixedLocator(list(round_rates[inside])))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel("peak LOS rate (mm/yr, either sign)")
    axes.set(ylim=(-0.03, 1.03), yticks=_TICKS)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e9ecef", linewidth=0.7)
    axes.set_axisbelow(True)
