"""Figure 4 of the paper: which layers of the network each approach tunes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from bradyseism.review.drawing import INK, new_figure, styled

_FROZEN, _FROZEN_EDGE = "#e6e9ed", "#a3acb6"
_TUNED, _TUNED_EDGE = "#fcd9b6", "#c2410c"
_IDLE = "white"
_UNITS = 100.0  # width of the figure in its own units


_ARROW: dict[str, Any] = {
    "arrowstyle": "-|>",
    "color": INK,
    "linewidth": 0.7,
    "shrinkA": 0,
    "shrinkB": 0,
    "mutation_scale": 5,
}


@dataclass(frozen=True)
class _Layer:
    """A box of the diagram: its words, width, and the name of the layer that can be tuned."""

    words: str
    width: float
    key: str = ""
    weights: bool = True


_LAYERS = (
    _Layer("input", 6.5, weights=False),
    _Layer("stem", 7.5),
    _Layer("Inception-\nResNet-A\n\N{MULTIPLICATION SIGN} 10", 10.5),
    _Layer("reduction", 8.5),
    _Layer("Inception-\nResNet-B\n\N{MULTIPLICATION SIGN} 20", 10.5),
    _Layer("reduction", 8.5),
    _Layer("Inception-\nResNet-C\n\N{MULTIPLICATION SIGN} 10", 10.5),
    _Layer("pool", 5.5, weights=False),
    _Layer("dense\n256", 7.0, key="hidden"),
    _Layer("ReLU,\ndropout*", 7.5, weights=False),
    _Layer("dense\n1", 7.0, key="last"),
)


@styled
def approaches_figure(approaches: dict[str, tuple[tuple[str, ...], ...]]) -> Figure:
    """Draw the network once for each approach, with the layers that learn in colour.

    Parameters
    ----------
    approaches : dict of str to tuple of tuple of str
        For each approach its steps, and for each step the layers that learn: "hidden", "last".
        Several steps are numbered.
    """
    row, top = 0.92, 0.0
    height = top + row * len(approaches) + 0.42
    figure = new_figure(7.4, height)
    for number, (name, steps) in enumerate(approaches.items()):
        bottom = (height - top - (number + 1) * row) / height
        axes = figure.add_axes((0.0, bottom, 1.0, row / height))
        axes.set(xlim=(0, _UNITS), ylim=(0, _UNITS * row / 7.4))
        axes.set_axis_off()
        _draw_row(axes, f"{'abcdefgh'[number]}) [{name}]", steps)
    axes = figure.add_axes((0.0, 0.0, 1.0, 0.42 / height))
    axes.set(xlim=(0, _UNITS), ylim=(0, _UNITS * 0.42 / 7.4))
    axes.set_axis_off()
    entries = ((_TUNED, _TUNED_EDGE, "tuned"), (_FROZEN, _FROZEN_EDGE, "frozen"),
               (_IDLE, _FROZEN_EDGE, "no weights"))  # fmt: skip
    for number, (face, edge, words) in enumerate(entries):
        _box(axes, (1.5 + 11 * number, 1.6, 3.0), 2.4, face=face, edge=edge)
        axes.text(5.3 + 11 * number, 2.8, words, va="center", fontsize=7.5)
    note = "* works in training only.   Numbers in circles: steps, one after the other."
    axes.text(37, 2.8, note, va="center", fontsize=7.5)
    return figure


def _draw_row(axes: Axes, title: str, steps: tuple[tuple[str, ...], ...]) -> None:
    high, foot = 6.6, 0.6
    axes.text(1.5, foot + high + 2.0, title, fontsize=8.5, va="center", fontweight="bold")
    gap = (_UNITS - 2 * 1.5 - 2.6 - sum(layer.width for layer in _LAYERS)) / len(_LAYERS)
    left = 1.5
    for layer in _LAYERS:
        turns = [number for number, step in enumerate(steps, start=1) if layer.key in step]
        face, edge = (_TUNED, _TUNED_EDGE) if turns else (_FROZEN, _FROZEN_EDGE)
        _box(axes, (left, foot, layer.width), high, face if layer.weights else _IDLE, edge)
        axes.text(left + layer.width / 2, foot + high / 2, layer.words, ha="center", va="center",
                  fontsize=6.8, linespacing=1.15)  # fmt: skip
        if len(steps) > 1 and turns:
            _steps(axes, left + layer.width / 2, foot + high + 1.7, turns)
        left += layer.width
        middle = foot + high / 2
        axes.annotate("", (left + gap, middle), (left, middle), arrowprops=_ARROW)
        left += gap
    axes.text(left + 0.5, foot + high / 2, "$p$", fontsize=9, va="center")


def _steps(axes: Axes, middle: float, height: float, turns: list[int]) -> None:
    for number, turn in enumerate(turns):
        place = middle + 2.7 * (number - (len(turns) - 1) / 2)
        style: dict[str, Any] = {
            "boxstyle": "circle,pad=0.18",
            "facecolor": _TUNED_EDGE,
            "edgecolor": "none",
        }
        axes.text(place, height, str(turn), ha="center", va="center", fontsize=6, color="white",
                  fontweight="bold", bbox=style)  # fmt: skip


def _box(
    axes: Axes, place: tuple[float, float, float], height: float, face: str, edge: str
) -> None:
    """Rounded box at (left, foot, width)."""
    left, foot, width = place
    axes.add_patch(
        FancyBboxPatch(
            (left + 0.3, foot + 0.3), width - 0.6, height - 0.6,
            boxstyle="round,pad=0.3,rounding_size=0.7", facecolor=face, edgecolor=edge,
            linewidth=0.9,
        )
    )  # fmt: skip
