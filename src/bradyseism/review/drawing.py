"""What all pictures share: colours, type, the drawing of an array, the colour bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps, patheffects, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

DOTS_PER_INCH = 135
VELOCITY_COLOURS = "RdBu_r"
PROBABILITY_COLOURS = "BuPu"
CYCLE_COLOURS = "twilight"
EVIDENCE_COLOURS = "YlOrBr"
RELIEF_COLOURS = "Greys_r"
MISSING, INK, MARK = "#c8cbd0", "#24303c", "#111820"
styled = rc_context(
    {
        "font.family": "sans-serif",
        "font.size": 9.0,
        "axes.edgecolor": "#8a939d",
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.linewidth": 0.7,
        "axes.unicode_minus": True,
    }
)  # decorator of every function that draws
HALO: list[patheffects.AbstractPathEffect] = [
    patheffects.withStroke(linewidth=2.6, foreground="white")
]


def velocity_range(velocity: NDArray[np.floating]) -> float:
    """Symmetric end of a velocity colour bar that 99 % of the pixels stay within, in their unit."""
    known = np.abs(velocity[np.isfinite(velocity)])
    reach = float(np.percentile(known, 99)) if known.size else 0.0
    return reach if reach > 0.0 else 1e-3


def new_figure(width: float, height: float) -> Figure:
    """Figure of a size in inches that belongs to no window and no global state."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def colours_over(name: str, low: float, high: float) -> ScalarMappable:
    """Named colours over a range of values, with grey for missing ones."""
    chosen = colormaps[name].with_extremes(bad=MISSING)
    return ScalarMappable(Normalize(low, high), chosen)


def draw_map(
    axes: Axes,
    values: NDArray[np.floating],
    colours: ScalarMappable,
    *,
    extent: tuple[float, float, float, float] | None = None,
) -> None:
    """Show an array with its own pixels; NaN is grey."""
    low, high = colours.get_clim()
    axes.imshow(
        np.ma.masked_invalid(values),
        cmap=colours.cmap,
        vmin=low,
        vmax=high,
        extent=extent,
        interpolation="nearest",
        aspect=axes.get_aspect(),
    )


def colour_bar(
    figure: Figure,
    axes: Axes,
    colours: ScalarMappable,
    label: str,
    *,
    extend: str = "neither",
    ticks: Sequence[float] | None = None,
    digits: int | None = None,
) -> None:
    """Colour bar along the foot of the figure, as wide as the map."""
    box = axes.get_position()
    height = 0.13 / figure.get_figheight()
    place = figure.add_axes((box.x0, 0.42 / figure.get_figheight(), box.width, height))
    bar = figure.colorbar(
        colours, cax=place, orientation="horizontal", extend=extend, extendfrac=0.03, ticks=ticks
    )
    if digits is not None:
        bar.formatter = StrMethodFormatter(f"{{x:.{digits}f}}")
    bar.set_label(label, labelpad=2)
    bar.ax.tick_params(length=2)
    bar.outline.set_linewidth(0.5)
