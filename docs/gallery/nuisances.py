"""All nuisances on the same ground, on one sheet: what is mistaken for a volcano.

python docs/gallery/nuisances.py FOLDER
"""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from plates import (
    FLOWN,
    LOST_COLOUR,
    PIXEL_SIZE,
    SIZE,
    cover,
    draw_relief,
    look_arrow,
    most_present,
    peak,
    scenery,
    shown,
    square,
)

from bradyseism.review.drawing import (
    HALO,
    INK,
    VELOCITY_COLOURS,
    colours_over,
    new_figure,
    styled,
)
from bradyseism.scenes.nuisances import NUISANCES

SCRIPTS = [f"nuisance_{name.replace(' ', '_')}" for name in NUISANCES]
COLUMNS = 4


def draw_present(panel: Axes, rate: np.ndarray, limit: float) -> None:
    """Rate in mm/yr over the ground, on a symmetrical scale."""
    colours = colours_over(VELOCITY_COLOURS, -limit, limit)
    extent = square(panel, SIZE, PIXEL_SIZE)
    panel.imshow(
        np.ma.masked_invalid(rate), cmap=colormaps[VELOCITY_COLOURS], norm=colours.norm,
        extent=extent, interpolation="nearest", alpha=0.85,
    )  # fmt: skip


@styled
def draw(folder: Path) -> None:
    """Draw one panel a nuisance, each on its own symmetrical scale."""
    ground = scenery()
    effects = {}
    for script in SCRIPTS:
        module = import_module(script)
        effects[module.TITLE.partition(":")[0].lower()] = most_present(module.NUISANCE, ground)
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
    figure.savefig(folder / "nuisances.png", dpi=90)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
