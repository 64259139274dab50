"""Pictures of one detection: they take arrays and records, give a Figure, and only draw.

Units on the pictures: mm/yr and mm along the line of sight, positive toward the satellite, km on
the ground. Missing pixels are grey. Colours can be told apart with any colour vision.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bradyseism.detection.detect import Detection
from bradyseism.detection.events import FLAG
from bradyseism.review.drawing import (
    CYCLE_COLOURS,
    EVIDENCE_COLOURS,
    HALO,
    INK,
    MARK,
    PROBABILITY_COLOURS,
    RELIEF_COLOURS,
    VELOCITY_COLOURS,
    colour_bar,
    colours_over,
    draw_map,
    new_figure,
    styled,
    velocity_range,
)
from bradyseism.review.views import Crop, Profile

_PANEL = (3.4, 3.8)  # inches
_FRAME = (0.165, 0.282, 0.78, 0.698)  # of the axes inside the panel: the same square in all


@styled
def velocity_panel(crop: Crop, detection: Detection, *, reach: float | None = None) -> Figure:
    """Velocity about a detection relative to its surroundings; footprint dashed.

    `reach` (m/yr) is the end of the colour bar; 99 % of the pixels stay within it by default.
    """
    end = (velocity_range(crop.velocity) if reach is None else reach) * 1e3
    figure, axes = _panel_axes(crop)
    colours = colours_over(VELOCITY_COLOURS, -end, end)
    draw_map(axes, crop.velocity * 1e3, colours, extent=_extent(crop))
    _outline(axes, crop, detection.footprint)
    colour_bar(figure, axes, colours, "relative LOS velocity (mm/yr, + toward)", extend="both")
    return figure


@styled
def wrapped_panel(crop: Crop, phase: NDArray[np.floating], *, cycle: float) -> Figure:
    """Cumulative displacement as fringes.

    Parameters
    ----------
    crop : Crop
        Gives the ground.
    phase : ndarray, shape (n, n)
        Wrapped displacement, -pi to pi, NaN missing.
    cycle : float
        Displacement of one colour cycle in metres.
    """
    half = cycle * 1e3 / 2
    figure, axes = _panel_axes(crop)
    colours = colours_over(CYCLE_COLOURS, -half, half)
    draw_map(axes, phase / np.pi * half, colours, extent=_extent(crop))
    label = f"one fringe = {2 * half:.1f} mm of LOS (mm, + toward)"
    colour_bar(figure, axes, colours, label, ticks=[-half, 0.0, half], digits=1)
    return figure


@styled
def probability_panel(crop: Crop, detection: Detection) -> Figure:
    """Probability about a detection, with the threshold as a line."""
    figure, axes = _panel_axes(crop)
    colours = colours_over(PROBABILITY_COLOURS, 0.0, 1.0)
    draw_map(axes, crop.probability, colours, extent=_extent(crop))
    known = crop.probability[np.isfinite(crop.probability)]
    if known.size and known.min() < FLAG < known.max():
        axis = _pixel_axis(crop)
        axes.contour(axis, -axis, crop.probability, levels=[FLAG], colors=[MARK], linewidths=0.9)
    _outline(axes, crop, detection.footprint)
    label = f"probability (line: threshold {FLAG:g})"
    colour_bar(figure, axes, colours, label)
    return figure


@styled
def evidence_panel(crop: Crop, window: Sequence[tuple[float, float]]) -> Figure:
    """Grad-CAM in warm colours over the grey velocity map; the explained window outlined."""
    figure, axes = _panel_axes(crop)
    end = velocity_range(crop.velocity)
    grey = colours_over(RELIEF_COLOURS, -1.6 * end, 1.6 * end)
    draw_map(axes, crop.velocity, grey, extent=_extent(crop))
    colours = colours_over(EVIDENCE_COLOURS, 0.0, 1.0)
    strength = np.nan_to_num(np.clip(crop.evidence, 0.0, 1.0))
    picture = colours.to_rgba(strength)
    picture[..., 3] = 0.85 * np.sqrt(strength)  # weak evidence lets the map show through
    axes.imshow(picture, extent=_extent(crop), interpolation="nearest")
    ring = crop.offsets(window) / 1e3
    axes.fill(ring[:, 0], ring[:, 1], fill=False, edgecolor=MARK, linewidth=0.9)
    colour_bar(figure, axes, colours, "Grad-CAM: weight in the decision (1 = largest)")
    return figure


@styled
def profile_panel(profile: Profile, *, radius: float) -> Figure:
    """LOS velocity relative to the surroundings against distance from the centre of a detection.

    Parameters
    ----------
    profile : Profile
        In m/yr.
    radius : float
        Radius of the detection in metres.
    """
    figure = new_figure(*_PANEL)
    axes = figure.add_axes(_FRAME)
    distance = profile.distance / 1e3
    axes.axhline(0.0, color="#8a939d", linewidth=0.8)
    axes.fill_between(
        distance, profile.low * 1e3, profile.high * 1e3, color="#8aa7c4", alpha=0.45, linewidth=0
    )
    axes.plot(distance, profile.mean * 1e3, color=INK, linewidth=1.6, marker="o", markersize=3)
    axes.axvline(radius / 1e3, color="#a0522d", linewidth=1.0, linestyle=(0, (5, 3)))
    axes.annotate(
        " radius",
        (radius / 1e3, 0.985),
        xycoords=("data", "axes fraction"),
        va="top",
        color="#a0522d",
    )
    axes.set_xlim(0.0, distance[-1] + distance[0])
    axes.set_xlabel("distance from the centre (km)")
    axes.set_ylabel("relative LOS velocity (mm/yr, + toward)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure


def _panel_axes(crop: Crop) -> tuple[Figure, Axes]:
    """Square panel in km from the detection."""
    figure = new_figure(*_PANEL)
    axes = figure.add_axes(_FRAME)
    axes.set_aspect("equal")
    axes.set_xlabel("km east", labelpad=1)
    axes.set_ylabel("km north", labelpad=1)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    half = crop.half_width / 1e3
    axes.set(xlim=(-half, half), ylim=(-half, half), autoscale_on=False)
    return figure, axes


def _extent(crop: Crop) -> tuple[float, float, float, float]:
    half = crop.half_width / 1e3
    return (-half, half, -half, half)


def _pixel_axis(crop: Crop) -> NDArray[np.float64]:
    side = crop.grid.shape[0]
    return np.asarray((np.arange(side) - (side - 1) / 2) * crop.pixel_size / 1e3)


def _outline(axes: Axes, crop: Crop, ring: Sequence[tuple[float, float]]) -> None:
    points = crop.offsets(ring) / 1e3
    (line,) = axes.fill(points[:, 0], points[:, 1], fill=False, edgecolor=MARK, linewidth=1.0)
    line.set_linestyle((0, (4, 2)))
    line.set_path_effects(HALO)
    axes.plot(0.0, 0.0, marker="+", markersize=9, color=MARK, path_effects=HALO)
