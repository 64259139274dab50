"""What the network looks at (Grad-CAM), and where it puts the samples of all sets (t-SNE)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.ndimage import zoom

from bradyseism.review.drawing import (
    CYCLE_COLOURS,
    EVIDENCE_COLOURS,
    INK,
    RELIEF_COLOURS,
    colours_over,
    draw_map,
    new_figure,
    styled,
)
from bradyseism.review.model_words import SET_WORDS
from bradyseism.workflows.paper_latent import LatentPlane

_SET_COLOURS = {
    "synthetic": "#5b6570",
    "background": "#0072b2",
    "filtered": "#56b4e9",
    "hybrid": "#e69f00",
    "hybrid_filtered": "#f5d76e",
    "volcano": "#cc79a7",
    "noise": "#b0a030",
    "frames": "#d55e00",
    "injection": "#009e73",
    "field": "#1b1f24",
}


@styled
def attribution_figure(explained: Mapping[str, NDArray[Any]], title: str) -> Figure:
    """Wrapped phase and Grad-CAM of true positives (left) and false positives (right).

    Parameters
    ----------
    explained : mapping of str to array
        Arrays of a file of `workflows.paper_attribution.attribute`.
    title : str
        Which model on which test set.
    """
    groups = [np.flatnonzero(explained["label"] == label) for label in (1, 0)]
    side, gap, left, top, foot = 1.12, 0.07, 0.34, 0.74, 0.55
    total = sum(len(group) for group in groups)
    width, height = left + total * (side + gap) + 0.26, top + 2 * (side + gap) + foot
    figure = new_figure(max(width, 4.2), height)
    width = figure.get_figwidth()
    phase = colours_over(CYCLE_COLOURS, -np.pi, np.pi)
    column = 0
    for group, words in zip(groups, ("true positives", "false positives"), strict=True):
        start = left + column * (side + gap) + (0.18 if words.startswith("false") else 0.0)
        figure.text(start / width, 1 - 0.37 / height, words, fontsize=9, fontweight="bold")
        for number, index in enumerate(group):
            corner = start + number * (side + gap)
            for row in (0, 1):
                bottom = height - top - (row + 1) * (side + gap) + gap
                box = (corner / width, bottom / height, side / width, side / height)
                axes = figure.add_axes(box)
                if row == 0:
                    draw_map(axes, explained["image"][index], phase)
                    chance = 1 / (1 + np.exp(-float(explained["logit"][index])))
                    name = f"{explained['frame'][index]}\n$p$ = {chance:.2f}"
                    axes.set_title(name, fontsize=6, pad=2, linespacing=1.1)
                else:
                    _overlay(axes, explained["image"][index], explained["evidence"][index])
                axes.set(xticks=[], yticks=[])
        column += len(group)
    for row, words in enumerate(("wrapped phase", "Grad-CAM")):
        middle = (height - top - (row + 0.5) * (side + gap)) / height
        figure.text(0.17 / width, middle, words, rotation=90, ha="center", va="center", fontsize=8)
    figure.text(left / width, 1 - 0.17 / height, title, fontsize=9)
    _evidence_bar(figure)
    return figure


@styled
def latent_figure(plane: LatentPlane, title: str) -> Figure:
    """Samples of all sets on the plane of t-SNE: filled with deformation, open without.

    Parameters
    ----------
    plane : LatentPlane
        Distances between far groups mean nothing.
    title : str
        Of which network.
    """
    figure = new_figure(6.4, 4.6)
    axes = figure.add_axes((0.02, 0.03, 0.70, 0.89))
    handles = []
    for name, colour in _SET_COLOURS.items():
        for label in (0, 1):
            chosen = (plane.name == name) & ((plane.label == 1) == bool(label))
            faces: dict[str, Any] = {"facecolors": colour, "linewidths": 0.0} if label else {
                "facecolors": "none", "edgecolors": colour, "linewidths": 0.6}  # fmt: skip
            across, along = plane.place[chosen].T
            axes.scatter(across, along, s=11, alpha=0.75, **faces)
        if (plane.name == name).any():
            words = SET_WORDS[name]
            handles.append(Line2D([], [], linestyle="", marker="o", ms=5, mfc=colour,
                                  mec=colour, label=words))  # fmt: skip
    for face, words in ((INK, "with deformation"), ("none", "without")):
        handles.append(Line2D([], [], linestyle="", marker="o", ms=5, mfc=face, mec=INK,
                              label=words))  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, loc="left", fontsize=9)
    figure.legend(handles=handles, loc="center left", bbox_to_anchor=(0.725, 0.5), frameon=False,
                  fontsize=8)  # fmt: skip
    return figure


def _overlay(axes: Axes, image: NDArray[Any], evidence: NDArray[Any]) -> None:
    grey = colours_over(RELIEF_COLOURS, -1.5 * np.pi, 1.5 * np.pi)
    draw_map(axes, image, grey)
    largest = float(evidence.max())
    scaled = evidence / largest if largest > 0 else evidence
    factor = image.shape[0] / evidence.shape[0]
    strength = np.clip(zoom(scaled, factor, order=1, grid_mode=True, mode="nearest"), 0.0, 1.0)
    picture = colours_over(EVIDENCE_COLOURS, 0.0, 1.0).to_rgba(strength)
    picture[..., 3] = 0.85 * np.sqrt(strength)  # weak evidence lets the phase show through
    rows, columns = image.shape
    axes.imshow(picture, extent=(-0.5, columns - 0.5, rows - 0.5, -0.5), interpolation="bilinear")


def _evidence_bar(figure: Figure) -> None:
    width, height = figure.get_size_inches()
    colours = colours_over(EVIDENCE_COLOURS, 0.0, 1.0)
    place = figure.add_axes((0.34 / width, 0.33 / height, 1.8 / width, 0.09 / height))
    bar = figure.colorbar(colours, cax=place, orientation="horizontal", ticks=[0.0, 1.0])
    bar.ax.tick_params(length=2, labelsize=7.5)
    words = "weight in the decision (1 = largest of the patch)"
    place.text(1.05, 0.5, words, transform=place.transAxes, va="center", fontsize=7.5)
