"""The picture of `bradyseism evaluate --calibration`: what was stated against what was so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bradyseism.evaluation.reliability import Reliability, ReliabilityResult
from bradyseism.review.drawing import INK, new_figure, styled
from bradyseism.review.saving import save_figure

_COLOUR = "#0072b2"


def write_reliability(folder: Path, result: ReliabilityResult) -> tuple[Path, Path]:
    """Write ``reliability.png`` and ``reliability.svg`` to a folder.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    return save_figure(reliability_figure(result), folder / "reliability")


@styled
def reliability_figure(result: ReliabilityResult) -> Figure:
    """Observed share against stated probability in bins of equal mass, one panel each.

    Of whole maps, if they were judged, and of single windows; bars are exact 95 % intervals. Where
    the prior is not one half the panel is logarithmic: most probabilities are small.
    """
    rows = -(-len(result.judged) // 2)
    height = 4.3 * rows
    figure = new_figure(8.2, height)
    for index, (kind, one) in enumerate(result.judged):
        row, column = divmod(index, 2)
        bottom = (4.3 * (rows - 1 - row) + 0.56) / height
        axes = figure.add_axes((0.075 + 0.5 * column, bottom, 0.4, 3.1 / height))
        _panel(axes, one, f"a source in {100 * one.prior:.3g} % of the {kind}s")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        if one.prior != result.balanced.prior:
            least = max(min(part.stated for part in one.bins) / 2, 1e-5)
            axes.set(xscale="log", yscale="log", xlim=(least, 1.3), ylim=(least, 1.3))
        if column == 0:
            axes.set_ylabel("observed share with a source")
    return figure


def _panel(axes: Axes, one: Reliability, words: str) -> None:
    axes.plot([1e-6, 1.0], [1e-6, 1.0], color="#b6bcc4", linewidth=0.9, linestyle=(0, (4, 3)))
    stated = np.array([part.stated for part in one.bins])
    shares = np.array(
        [[part.observed.estimate, part.observed.low, part.observed.high] for part in one.bins]
    )
    reach = np.abs(shares[:, 1:] - shares[:, :1]).T
    axes.errorbar(
        stated, shares[:, 0], yerr=reach, color=_COLOUR, marker="o", markersize=4.5,
        linewidth=1.2, elinewidth=0.9, capsize=2,
    )  # fmt: skip
    error, brier = one.error, one.brier
    axes.set_title(
        f"{words}\nECE {error.estimate:.3f} ({error.low:.3f} to {error.high:.3f}), "
        f"Brier {brier.estimate:.3f}, {one.places} backgrounds",
        loc="left", fontsize=8.5, color=INK,
    )  # fmt: skip
    axes.set_xlabel("stated probability")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e9ecef", linewidth=0.7)
    axes.set_axisbelow(True)
