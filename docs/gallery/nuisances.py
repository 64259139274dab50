"""What is mistaken for a volcano: a picture of each nuisance, and all of them on one sheet.

python docs/gallery/nuisances.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from plates import draw_velocity, look_arrow, shaded, square, velocity_bar

from bradyseism import look_vector
from bradyseism.physics.relief import add_cone, synthetic_relief
from bradyseism.review.drawing import (
    HALO,
    INK,
    RELIEF_COLOURS,
    VELOCITY_COLOURS,
    colours_over,
    new_figure,
    styled,
)
from bradyseism.scenes.nuisances import NUISANCES, Effect
from bradyseism.scenes.scenery import Scenery

FLOWN = (-168.0, 39.0)
SIZE, PIXEL_SIZE = 256, 100.0
COLUMNS, DRAWS = 4, 6
PRESENT_COLOUR, LOST_COLOUR = "#e8a33d", "#24303c"


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


@styled
def plate(path: Path, name: str, ground: Scenery, effect: Effect) -> None:
    """Save the ground, the rate, and the truth mask."""
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
    for panel, title in ((relief, "ground"), (rate, "seen"), (mask, "truth mask")):
        panel.set_title(title, fontsize=9.5)
        panel.set_xlabel("east, km")
    relief.set_ylabel("north, km")
    mask.text(
        0.04, 0.04, f"present {effect.present.mean():.0%}, data lost {effect.lost.mean():.0%}",
        transform=mask.transAxes, fontsize=8, color=INK, path_effects=HALO,
    )  # fmt: skip
    velocity_bar(figure, rate, limit)
    figure.suptitle(name.capitalize(), fontsize=11.5, color=INK)
    figure.savefig(path)


def draw_present(panel: Axes, rate: np.ndarray, limit: float) -> None:
    """Rate in mm/yr over the ground, on a symmetrical scale."""
    colours = colours_over(VELOCITY_COLOURS, -limit, limit)
    extent = square(panel, SIZE, PIXEL_SIZE)
    panel.imshow(
        np.ma.masked_invalid(rate), cmap=colormaps[VELOCITY_COLOURS], norm=colours.norm,
        extent=extent, interpolation="nearest", alpha=0.85,
    )  # fmt: skip


@styled
def sheet(path: Path, ground: Scenery, effects: dict[str, Effect]) -> None:
    """Save all nuisances on the same ground, each on its own symmetrical scale."""
    rows = -(-(len(effects) + 1) // COLUMNS)
    figure = new_figure(2.7 * COLUMNS, 2.85 * rows)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True).ravel()
    draw_relief(panels[0], ground)
    panels[0].set_title("the ground", fontsize=9)
    look_arrow(panels[0], *FLOWN)
    for panel, (name, effect) in zip(panels[1:], effects.items(), strict=False):
        limit = peak(shown(effect))
        draw_relief(panel, ground)
        there = np.where(effect.present & ~effect.lost, 1e3 * effect.velocity, np.nan)
        draw_present(panel, there, limit)
        cover(panel, effect.lost, LOST_COLOUR)
        panel.set_title(name, fontsize=9)
        rate = f"{limit:.0f}" if limit >= 10 else f"{limit:.1f}"
        panel.text(
            0.04, 0.04, f"\N{PLUS-MINUS SIGN}{rate} mm/yr" if effect.velocity.any() else "",
            transform=panel.transAxes, fontsize=8, color=INK, path_effects=HALO,
        )  # fmt: skip
    for panel in panels[len(effects) + 1 :]:
        panel.set_axis_off()
    figure.supxlabel("east, km; red moves toward the satellite, black has no data", fontsize=9)
    figure.supylabel("north, km", fontsize=9)
    figure.savefig(path, dpi=90)


def draw(folder: Path, seed: int = 5) -> None:
    """Draw, of six draws of every nuisance of the registry, the one that covers most."""
    ground = scenery()
    effects = {}
    for number, (name, nuisance) in enumerate(NUISANCES.items()):
        draws = [
            nuisance.effect(ground, np.random.default_rng([seed, number, draw]))
            for draw in range(DRAWS)
        ]
        effects[name] = max(draws, key=lambda effect: effect.present.mean())
        path = folder / f"nuisance_{name.replace(' ', '_')}.png"
        plate(path, name, ground, effects[name])
    sheet(folder / "nuisances.png", ground, effects)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
