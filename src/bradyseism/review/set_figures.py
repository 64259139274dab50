"""Figures 1 to 3 of the paper: where the maps lie, samples of the sets, what they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bradyseism.maps.frames import METRES_PER_DEGREE
from bradyseism.maps.volcanoes import Volcano
from bradyseism.review.drawing import (
    CYCLE_COLOURS,
    HALO,
    INK,
    MARK,
    VELOCITY_COLOURS,
    colours_over,
    draw_map,
    new_figure,
    styled,
    velocity_range,
)
from bradyseism.review.model_words import SET_WORDS
from bradyseism.review.overview import degrees
from bradyseism.samples.labelled import LabelledMap
from bradyseism.workflows.paper_exhibits import Composition, Exhibit

_WITH, _WITHOUT = "#c2410c", "#3a6ea5"  # borders of samples with and without deformation
_PANEL_WORDS = {"compact": "compact, as over salt flats", "rough": "rough, as on slopes"}


@styled
def region_figure(
    maps: Sequence[LabelledMap],
    patterns: Mapping[str, Sequence[Exhibit]],
    pixel_size: float,
    volcanoes: Sequence[Volcano] = (),
) -> Figure:
    """Frames of the test set on a map, and signals among them that are no volcano.

    Parameters
    ----------
    maps : sequence of LabelledMap
        Test frames; those with deformation are drawn in another colour.
    patterns : mapping of str to sequence of Exhibit
        Of `confusing_patterns`: displacement in metres.
    pixel_size : float
        Metres.
    volcanoes : sequence of Volcano
        Of the catalogue.
    """
    figure = new_figure(7.4, 4.7)
    axes = figure.add_axes((0.085, 0.135, 0.40, 0.84))
    axes.set_anchor("N")
    _draw_frames(axes, maps, pixel_size)
    for one in volcanoes:
        axes.plot(one.longitude, one.latitude, "^", ms=4, mfc=MARK, mec="white", mew=0.4, zorder=3)
    _frame_legend(axes, volcanoes=bool(volcanoes))
    shown = [(kind, exhibit) for kind, parts in patterns.items() for exhibit in parts[:2]]
    end = 1e3 * max((velocity_range(exhibit.image) for _, exhibit in shown), default=1e-3)
    colours = colours_over(VELOCITY_COLOURS, -end, end)
    for kind, exhibit in shown:
        row = list(patterns).index(kind)
        column = [e for k, e in shown if k == kind].index(exhibit)
        panel = figure.add_axes((0.555 + 0.212 * column, 0.565 - 0.375 * row, 0.20, 0.315))
        draw_map(panel, exhibit.image * 1e3, colours)
        panel.set(xticks=[], yticks=[])
        panel.set_title(exhibit.name, fontsize=7, pad=2)
        if column == 0:
            panel.set_ylabel(_PANEL_WORDS[kind], fontsize=8)
    if shown:
        figure.text(0.555, 0.945, "volcano-free frames: what could be mistaken", fontsize=9)
        bar = figure.add_axes((0.555, 0.115, 0.412, 0.022))
        figure.colorbar(colours, cax=bar, orientation="horizontal", extend="both")
        bar.set_xlabel("cumulative LOS displacement (mm, + toward)", labelpad=2)
    return figure


@styled
def samples_figure(sets: Mapping[str, Sequence[Exhibit]], cycle: float) -> Figure:
    """Samples of each set, a row a set: with deformation on the left, without on the right.

    Parameters
    ----------
    sets : mapping of str to sequence of Exhibit
        Wrapped phase in radians, those with deformation first.
    cycle : float
        Displacement (m) of one wrapping cycle.
    """
    present = {name: parts for name, parts in sets.items() if parts}
    each = max(sum(e.label == k for e in parts) for parts in present.values() for k in (0, 1))
    side, gap, left, top, foot = 1.06, 0.07, 0.42, 0.32, 0.55
    width = left + 2 * each * (side + gap) + 0.22
    height = top + len(present) * (side + gap) + foot
    figure = new_figure(width, height)
    colours = colours_over(CYCLE_COLOURS, -np.pi, np.pi)
    for row, (name, parts) in enumerate(present.items()):
        bottom = height - top - (row + 1) * (side + gap) + gap
        figure.text(0.16 / width, (bottom + side / 2) / height, SET_WORDS[name], rotation=90,
                    ha="center", va="center", fontsize=8.5)  # fmt: skip
        for label in (1, 0):
            for number, one in enumerate([e for e in parts if e.label == label]):
                start = left + (number + (0 if label else each)) * (side + gap)
                start += 0.0 if label else 0.14
                box = (start / width, bottom / height, side / width, side / height)
                _thumbnail(figure.add_axes(box), one, colours.cmap)
    for label, words in ((1, "with deformation"), (0, "without deformation")):
        middle = left + (0.5 if label else 1.5) * each * (side + gap) + (0.0 if label else 0.14)
        figure.text(middle / width, 1 - 0.2 / height, words, ha="center", fontsize=9,
                    color=_WITH if label else _WITHOUT)  # fmt: skip
    _cycle_bar(figure, cycle)
    return figure


@styled
def composition_figure(composition: Composition, cycle: float) -> Figure:
    """What the four fine-tuning sets are made of: a row a set, a column a constituent.

    Parameters
    ----------
    composition : Composition
        Counts and one sample of each constituent.
    cycle : float
        Displacement (m) of one wrapping cycle.
    """
    side, gap, left, top, foot = 0.98, 0.10, 0.86, 0.40, 0.55
    names, sets = list(composition.examples), composition.counts
    step = side + 0.17
    width, height = left + len(names) * (side + gap) + 0.1, top + len(sets) * step + foot
    figure = new_figure(width, height)
    colours = colours_over(CYCLE_COLOURS, -np.pi, np.pi)
    for column, name in enumerate(names):
        example = composition.examples[name]
        middle = (left + column * (side + gap) + side / 2) / width
        words = SET_WORDS[name]
        if name == "hybrid_filtered" and composition.filtered == "sum":
            words = f"{SET_WORDS['hybrid']}, low-pass"
        words = words.replace(" + ", "\n+ ").replace(", ", ",\n")
        figure.text(middle, 1 - 0.22 / height, words, ha="center", va="center", fontsize=7.5,
                    color=_WITH if example.label else _WITHOUT)  # fmt: skip
        for row, counts in enumerate(sets.values()):
            bottom = height - top - row * step - side
            box = np.array([left + column * (side + gap), bottom, side, side])
            axes = figure.add_axes(tuple(box / [width, height, width, height]))
            if name in counts:
                _thumbnail(axes, example, colours.cmap)
                axes.set_xlabel(f"{counts[name]:,}", fontsize=7.5, labelpad=1.5)
            else:
                axes.set(xticks=[], yticks=[], facecolor="#f4f5f7")
                axes.spines[:].set_visible(False)
    for row, (name, counts) in enumerate(sets.items()):
        middle = (height - top - row * step - side / 2) / height
        figure.text(0.12 / width, middle, f"{name}\n{sum(counts.values()):,} samples",
                    va="center", fontsize=8.5, linespacing=1.5)  # fmt: skip
    _cycle_bar(figure, cycle)
    return figure


def _draw_frames(axes: Axes, maps: Sequence[LabelledMap], pixel_size: float) -> None:
    longitude = np.array([one.longitude for one in maps])
    latitude = np.array([one.latitude for one in maps])
    stretch = 1.0 / np.cos(np.radians(latitude.mean()))
    for one in maps:
        rows, columns = one.displacement.shape
        tall = rows * pixel_size / METRES_PER_DEGREE
        wide = columns * pixel_size / METRES_PER_DEGREE * stretch
        deforming = bool(len(one.peaks))
        edge = _WITH if deforming else _WITHOUT
        corner = one.longitude - wide / 2, one.latitude - tall / 2
        axes.add_patch(Rectangle(corner, wide, tall, fill=True, facecolor=edge, alpha=0.05))
        axes.add_patch(Rectangle(corner, wide, tall, fill=False, edgecolor=edge, linewidth=0.9))
        for row, column in np.asarray(one.peaks).reshape(-1, 2):
            east = corner[0] + (column + 0.5) / columns * wide
            north = corner[1] + (1 - (row + 0.5) / rows) * tall
            axes.plot(east, north, "o", ms=4.5, mfc=_WITH, mec="white", mew=0.7, zorder=4)
    axes.plot(longitude, latitude, "+", ms=8, mec=INK, mew=0.6, zorder=3)
    reach = 0.75 * max(one.displacement.shape[0] for one in maps) * pixel_size / METRES_PER_DEGREE
    axes.set_ylim(latitude.min() - reach, latitude.max() + reach)
    axes.set_xlim(longitude.min() - reach * stretch, longitude.max() + reach * stretch)
    axes.set_aspect(stretch)
    for axis, signs in ((axes.xaxis, "EW"), (axes.yaxis, "NS")):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(_degree_formatter(signs))
    axes.grid(color="#e9ecef", linewidth=0.7)
    axes.set_axisbelow(True)


def _degree_formatter(signs: str) -> FuncFormatter:
    return FuncFormatter(lambda value, _: degrees(value, signs))


def _frame_legend(axes: Axes, *, volcanoes: bool) -> None:
    entries = [
        axes.plot([], [], "s", ms=8, mfc="none", mec=_WITH, label="frame with deformation")[0],
        axes.plot([], [], "s", ms=8, mfc="none", mec=_WITHOUT, label="frame without")[0],
        axes.plot([], [], "o", ms=5, mfc=_WITH, mec="white", label="peak of deformation")[0],
        axes.plot([], [], "+", ms=5, mec=INK, label="centre of the frame")[0],
    ]
    if volcanoes:
        entries += axes.plot([], [], "^", ms=4, mfc=MARK, mec="white", label="volcano")
    # Below the labels of the axis, however flat the map is.
    axes.legend(handles=entries, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3,
                frameon=False, fontsize=7, columnspacing=1.0, handletextpad=0.4,
                borderaxespad=2.8)  # fmt: skip


def _thumbnail(axes: Axes, exhibit: Exhibit, colours: Colormap) -> None:
    axes.imshow(exhibit.image, cmap=colours, vmin=-np.pi, vmax=np.pi, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(edgecolor=_WITH if exhibit.label else _WITHOUT, linewidth=1.4)


def _cycle_bar(figure: Figure, cycle: float) -> None:
    width, height = figure.get_size_inches()
    half = cycle * 1e3 / 2
    colours = colours_over(CYCLE_COLOURS, -half, half)
    place = figure.add_axes((0.5 - 1.2 / width, 0.34 / height, 2.4 / width, 0.09 / height))
    bar = figure.colorbar(colours, cax=place, orientation="horizontal", ticks=[-half, 0.0, half])
    bar.ax.set_xticklabels([f"{-half:.1f}".replace("-", "\N{MINUS SIGN}"), "0", f"{half:.1f}"])
    bar.ax.tick_params(length=2, labelsize=7.5, color=INK)
    place.text(1.05, 0.5, "mm of LOS, wrapped", transform=place.transAxes, va="center",
               fontsize=7.5, path_effects=HALO)  # fmt: skip
