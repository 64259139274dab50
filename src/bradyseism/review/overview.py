"""Pictures of a whole map: velocity and probability, with volcanoes and numbered detections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bradyseism.detection.detect import Detection, VolcanoStatus
from bradyseism.maps.velocity_map import Grid
from bradyseism.review.drawing import (
    HALO,
    MARK,
    MISSING,
    PROBABILITY_COLOURS,
    VELOCITY_COLOURS,
    colour_bar,
    colours_over,
    draw_map,
    new_figure,
    styled,
    velocity_range,
)

_VOLCANO_FACES = {"flagged": MARK, "quiet": "white", "not observable": MISSING}
_WIDE = 0.55  # height over width
_MOST_NAMES = 8  # of volcanoes on one map, beside those flagged


def is_wide(grid: Grid) -> bool:
    """Whether a map is so wide that its pictures take a whole line of the page each."""
    return _aspect(grid) < _WIDE


@styled
def velocity_overview(
    velocity: NDArray[np.floating],
    grid: Grid,
    detections: Sequence[Detection],
    volcanoes: Sequence[VolcanoStatus],
) -> Figure:
    """Whole velocity map with volcanoes and numbered detections.

    Parameters
    ----------
    velocity : ndarray, shape (rows, columns)
        m/yr, positive toward the satellite, NaN missing.
    grid : Grid
        Of the same shape.
    detections : sequence of Detection
        Numbered from 1 in this order.
    volcanoes : sequence of VolcanoStatus
        Triangles: dark where flagged, white where quiet, grey where not observable.
    """
    end = velocity_range(velocity) * 1e3
    figure, axes = _map_axes(grid)
    colours = colours_over(VELOCITY_COLOURS, -end, end)
    draw_map(axes, velocity * 1e3, colours)
    _decorate(axes, grid, detections, volcanoes)
    colour_bar(figure, axes, colours, "LOS velocity (mm/yr, + toward the satellite)", extend="both")
    return figure


@styled
def probability_overview(
    probability: NDArray[np.floating],
    grid: Grid,
    detections: Sequence[Detection],
    volcanoes: Sequence[VolcanoStatus],
) -> Figure:
    """Whole probability map (0 to 1, NaN where not observable), marked as the velocity map is."""
    figure, axes = _map_axes(grid)
    colours = colours_over(PROBABILITY_COLOURS, 0.0, 1.0)
    draw_map(axes, probability, colours)
    _decorate(axes, grid, detections, volcanoes)
    colour_bar(figure, axes, colours, "probability of volcanic deformation")
    return figure


def _aspect(grid: Grid) -> float:
    """Height of the map over its width, on the ground."""
    width, height = _ground_size(grid)
    return grid.shape[0] * height / (grid.shape[1] * width)


def _map_axes(grid: Grid) -> tuple[Figure, Axes]:
    """Axes in pixels, sized so that the whole map fills them."""
    aspect = _aspect(grid)
    map_width = 8.8 if is_wide(grid) else min(4.4, 5.3 / aspect)
    map_height = max(map_width * aspect, 0.4)
    left, foot, edge = 0.62, 0.95, 0.26
    total = (left + map_width + edge, foot + map_height + edge / 2)
    figure = new_figure(*total)
    axes = figure.add_axes(
        (left / total[0], foot / total[1], map_width / total[0], map_height / total[1])
    )
    axes.set_aspect("auto")
    _degree_ticks(axes, grid)
    return figure, axes


def _ground_size(grid: Grid) -> tuple[float, float]:
    """Width and height of a pixel in metres at the centre of the grid."""
    ratio = -grid.transform.e / grid.transform.a
    if grid.crs.is_geographic:
        ratio /= math.cos(math.radians(grid.centre[1]))
    return grid.pixel_size / math.sqrt(ratio), grid.pixel_size * math.sqrt(ratio)


def _degree_ticks(axes: Axes, grid: Grid) -> None:
    """Longitudes along the southern border, latitudes along the western one."""
    rows, columns = grid.shape
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), autoscale_on=False)
    along, down = np.linspace(-0.5, columns - 0.5, 33), np.linspace(-0.5, rows - 0.5, 33)
    longitude = np.unwrap(grid.longitude_latitude(rows - 0.5, along)[0], period=360.0)
    latitude = grid.longitude_latitude(down, -0.5)[1]
    for axis, values, position, signs in (
        (axes.xaxis, longitude, along, "EW"),
        (axes.yaxis, latitude[::-1], down[::-1], "NS"),
    ):
        ticks = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(values[0], values[-1])
        ticks = ticks[(ticks >= values[0]) & (ticks <= values[-1])]
        axis.set_ticks(
            np.interp(ticks, values, position), labels=[degrees(tick, signs) for tick in ticks]
        )


def degrees(value: float, signs: str) -> str:
    """Write degrees with their hemisphere; `signs` are "EW" or "NS"."""
    turned = (value + 180.0) % 360.0 - 180.0 if signs == "EW" else value
    return f"{abs(turned):.6g}\N{DEGREE SIGN}{signs[0] if turned >= 0 else signs[1]}"


def _decorate(
    axes: Axes,
    grid: Grid,
    detections: Sequence[Detection],
    volcanoes: Sequence[VolcanoStatus],
) -> None:
    """Scale bar, north, volcanoes and numbered detections."""
    _scale_bar(axes, grid)
    named = len(volcanoes) <= _MOST_NAMES
    for status in volcanoes:
        volcano = status.volcano
        row, column = grid.row_column(volcano.longitude, volcano.latitude)
        face = _VOLCANO_FACES[status.status]
        axes.plot(column, row, "^", markersize=7, mfc=face, mec=MARK, mew=0.9, path_effects=HALO)
        if named or status.status == "flagged":
            _label(axes, volcano.name, (float(column), float(row)), offset=(0, -11))
    for number, detection in enumerate(detections, start=1):
        ring = np.asarray(detection.footprint, dtype=np.float64)
        row, column = grid.row_column(ring[:, 0], ring[:, 1])
        (line,) = axes.fill(column, row, fill=False, edgecolor=MARK, linewidth=1.0)
        line.set_path_effects(HALO)
        corner = (float(column.max()), float(row.min()))
        axes.annotate(
            str(number),
            (min(corner[0], grid.shape[1] * 0.98), max(corner[1], grid.shape[0] * 0.02)),
            ha="center",
            va="center",
            color="white",
            fontweight="bold",
            fontsize=8.5,
            bbox={"boxstyle": "circle,pad=0.22", "facecolor": MARK, "edgecolor": "white"},
        )


def _label(
    axes: Axes, text: str, place: tuple[float, float], *, offset: tuple[float, float]
) -> None:
    axes.annotate(
        text,
        place,
        xytext=offset,
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=7.5,
        color=MARK,
        path_effects=HALO,
        parse_math=False,
        annotation_clip=True,
    )


def _scale_bar(axes: Axes, grid: Grid) -> None:
    """Bar of a round length (1, 2 or 5) in the lower left; north in the upper right."""
    width, _ = _ground_size(grid)
    longest = grid.shape[1] * width / 4
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(factor * power for factor in (1, 2, 5) if factor * power <= longest)
    share = length / (grid.shape[1] * width)
    start, foot = 0.04, 0.05
    style: dict[str, Any] = {"transform": axes.transAxes, "path_effects": HALO, "color": MARK}
    axes.plot([start, start + share], [foot, foot], linewidth=2.2, solid_capstyle="butt", **style)
    text = f"{length / 1e3:g} km" if length >= 1e3 else f"{length:g} m"
    axes.text(start + share / 2, foot + 0.015, text, ha="center", va="bottom", fontsize=8, **style)
    axes.annotate(
        "N",
        (0.955, 0.975),
        xytext=(0, -26),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        va="center",
        fontweight="bold",
        path_effects=HALO,
        color=MARK,
        arrowprops={"arrowstyle": "-|>", "color": MARK, "linewidth": 1.2},
    )
