"""How the pictures of sources and nuisances look: one scale, one frame, one arrow for all."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LightSource, ListedColormap
from matplotlib.figure import Figure

from bradyseism import Grid, look_vector, simulate
from bradyseism.physics.relief import add_cone, synthetic_relief
from bradyseism.physics.sources import Source
from bradyseism.review.drawing import (
    HALO,
    INK,
    RELIEF_COLOURS,
    VELOCITY_COLOURS,
    colours_over,
    draw_map,
    new_figure,
    styled,
)
from bradyseism.scenes.nuisances import Effect, Nuisance
from bradyseism.scenes.scenery import Scenery

GRID = Grid.around(0.0, 0.0, (201, 201), pixel_size=150.0)
ORBITS = {"ascending": (-12.0, 39.0), "descending": (-168.0, 39.0)}  # heading, incidence
COMPONENTS = {"east": "#4c78a8", "north": "#72b7b2", "up": "#d1495b"}
FLOWN = (-168.0, 39.0)
SIZE, PIXEL_SIZE = 256, 100.0
DRAWS, SEED = 6, 5
PRESENT_COLOUR, LOST_COLOUR = "#e8a33d", "#24303c"


def square(panel: Axes, pixels: int, pixel_size: float) -> tuple[float, float, float, float]:
    """Frame a map panel in km from its centre; returns its extent."""
    half = pixels * pixel_size / 2e3
    panel.set(aspect="equal", xlim=(-half, half), ylim=(-half, half))
    panel.tick_params(length=2)
    return -half, half, -half, half


def look_arrow(panel: Axes, heading: float, incidence: float) -> None:
    """Flight direction, and the way the radar looks, in the upper right corner."""
    flight = np.array([np.sin(np.radians(heading)), np.cos(np.radians(heading))])
    right = np.array([flight[1], -flight[0]])
    start = np.array([0.87, 0.86]) - 0.07 * flight
    style = {"xycoords": "axes fraction", "textcoords": "axes fraction"}
    for end, width in ((start + 0.14 * flight, 1.3), (start + 0.07 * flight + 0.07 * right, 1.0)):
        begin = start if width > 1.1 else start + 0.07 * flight
        arrow = {"arrowstyle": "-|>", "color": INK, "lw": width, "shrinkA": 0, "shrinkB": 0}
        arrow["path_effects"] = HALO
        panel.annotate("", end, begin, arrowprops=arrow, **style)
    panel.text(
        0.87, 0.72, f"{incidence:.0f}°", ha="center", va="top", fontsize=7.5, color=INK,
        transform=panel.transAxes, path_effects=HALO,
    )  # fmt: skip


def velocity_bar(figure: Figure, panels: object, limit: float) -> None:
    """Colour bar beside panels that share a symmetrical scale of mm/yr."""
    colours = colours_over(VELOCITY_COLOURS, -limit, limit)
    bar = figure.colorbar(colours, ax=panels, fraction=0.025, pad=0.015, aspect=26)
    bar.set_label("mm/yr toward the satellite")
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(length=2)


def draw_velocity(panel: Axes, velocity: np.ndarray, pixel_size: float, limit: float) -> None:
    """Map of mm/yr, grey where missing."""
    extent = square(panel, len(velocity), pixel_size)
    draw_map(panel, velocity, colours_over(VELOCITY_COLOURS, -limit, limit), extent=extent)


@styled
def source_plate(path: Path, title: str, source: Source) -> None:
    """Save line-of-sight rates from two orbits, and the three components from west to east."""
    figure = new_figure(11.0, 3.7)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(1, 3, width_ratios=(1, 1, 1.15))
    seen = {
        orbit: 1e3 * simulate(source, on=GRID, look=look_vector(*flown)).map.velocity
        for orbit, flown in ORBITS.items()
    }
    limit = max(float(np.abs(velocity).max()) for velocity in seen.values())
    for panel, (orbit, velocity) in zip(panels, seen.items(), strict=False):
        draw_velocity(panel, velocity, 150.0, limit)
        look_arrow(panel, *ORBITS[orbit])
        panel.set_title(orbit, fontsize=9.5)
        panel.axhline(0.0, color=INK, lw=0.5, ls=(0, (4, 4)))
        panel.set_xlabel("east, km")
    panels[0].set_ylabel("north, km")
    velocity_bar(figure, panels[:2], limit)
    across = np.linspace(-15e3, 15e3, 301)
    moved = 1e3 * source.displacement(across, np.zeros_like(across))
    for values, (name, colour) in zip(moved, COMPONENTS.items(), strict=True):
        panels[2].plot(across / 1e3, values, color=colour, lw=1.7, label=name)
    panels[2].axhline(0.0, color=INK, lw=0.5)
    panels[2].set(xlim=(-15, 15), xlabel="east, km", ylabel="mm/yr")
    panels[2].set_title("along the dashed line", fontsize=9.5)
    panels[2].legend(frameon=False, loc="best", fontsize=8.5)
    panels[2].spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11.5, color=INK)
    figure.savefig(path)


def shaded(elevation: np.ndarray, pixel_size: float) -> np.ndarray:
    """Hill shade of relief, 0 to 1, lit from the north-west."""
    return LightSource(315, 40).hillshade(elevation, vert_exag=2.0, dx=pixel_size, dy=pixel_size)


def scenery(seed: int = 12) -> Scenery:
    """Mountains, a plain and a volcano; the same ground below every nuisance."""
    rng = np.random.default_rng(seed)
    relief = synthetic_relief((SIZE, SIZE), PIXEL_SIZE, rng, height=700.0, plains=0.35)
    relief = add_cone(relief, PIXEL_SIZE, (150.0, 165.0), height=1300.0, radius=6e3)
    return Scenery(relief, PIXEL_SIZE, look_vector(*FLOWN))


def draw_relief(panel: Axes, ground: Scenery) -> None:
    """Hill shade in grey."""
    extent = square(panel, SIZE, PIXEL_SIZE)
    shade = shaded(ground.elevation, PIXEL_SIZE)
    panel.imshow(shade, cmap=RELIEF_COLOURS, extent=extent, vmin=-0.4, vmax=1.0)


def cover(panel: Axes, where: np.ndarray, colour: str) -> None:
    """Paint the pixels of a mask."""
    extent = square(panel, SIZE, PIXEL_SIZE)
    painted = np.ma.masked_where(~where, np.ones(where.shape))
    panel.imshow(painted, cmap=ListedColormap([colour]), alpha=0.8, extent=extent)


def shown(effect: Effect) -> np.ndarray:
    """Rate in mm/yr, NaN where the effect costs data."""
    return np.where(effect.lost, np.nan, 1e3 * effect.velocity)


def peak(velocity: np.ndarray) -> float:
    """Largest rate, or 1 mm/yr where nothing moves."""
    return float(np.nanmax(np.abs(velocity))) or 1.0


def most_present(nuisance: Nuisance, ground: Scenery) -> Effect:
    """Of some draws of a nuisance, the one that covers most."""
    draws = [nuisance.effect(ground, np.random.default_rng([SEED, n])) for n in range(DRAWS)]
    return max(draws, key=lambda effect: effect.present.mean())


@styled
def nuisance_plate(path: Path, title: str, nuisance: Nuisance) -> None:
    """Save the ground, the rate, and the truth mask."""
    ground = scenery()
    effect = most_present(nuisance, ground)
    figure = new_figure(11.0, 4.1)
    figure.set_layout_engine("constrained")
    relief, rate, mask = figure.subplots(1, 3, sharex=True, sharey=True)
    velocity = shown(effect)
    limit = peak(velocity)
    draw_relief(relief, ground)
    draw_velocity(rate, velocity, PIXEL_SIZE, limit)
    look_arrow(rate, *FLOWN)
    draw_relief(mask, ground)
    cover(mask, effect.present & ~effect.lost, PRESENT_COLOUR)
    cover(mask, effect.lost, LOST_COLOUR)
    for panel, name in ((relief, "ground"), (rate, "seen"), (mask, "truth mask")):
        panel.set_title(name, fontsize=9.5)
        panel.set_xlabel("east, km")
    relief.set_ylabel("north, km")
    mask.text(
        0.04, 0.04, f"present {effect.present.mean():.0%}, data lost {effect.lost.mean():.0%}",
        transform=mask.transAxes, fontsize=8, color=INK, path_effects=HALO,
    )  # fmt: skip
    velocity_bar(figure, rate, limit)
    figure.suptitle(title, fontsize=11.5, color=INK)
    figure.savefig(path)
