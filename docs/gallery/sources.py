"""All sources on one sheet, as a descending orbit sees a year of them.

python docs/gallery/sources.py FOLDER
"""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from plates import GRID, ORBITS, draw_velocity, look_arrow

from bradyseism import look_vector, simulate
from bradyseism.review.drawing import (
    HALO,
    INK,
    VELOCITY_COLOURS,
    colours_over,
    new_figure,
    styled,
)

ORDER = "mogi mctigue yang point_ellipsoid penny_crack cdm point_cdm sill dyke fault"
SCRIPTS = [f"source_{name}" for name in f"{ORDER} closed_pipe open_pipe sum".split()]
COLUMNS = 5


@styled
def draw(folder: Path) -> None:
    """Draw one panel a source, each on its own symmetrical scale."""
    rows = -(-len(SCRIPTS) // COLUMNS)
    figure = new_figure(2.3 * COLUMNS, 2.6 * rows)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True).ravel()
    flown = ORBITS["descending"]
    for panel, script in zip(panels, SCRIPTS, strict=False):
        module = import_module(script)
        scene = simulate(module.SOURCE, on=GRID, look=look_vector(*flown))
        velocity = 1e3 * scene.map.velocity
        draw_velocity(panel, velocity, 150.0, float(np.abs(velocity).max()))
        name, _, about = module.TITLE.partition(": ")
        panel.set_title(f"{name}\n{about}", fontsize=8.5, linespacing=1.15)
        peak = f"{1e3 * scene.truth.peak:+.0f} mm/yr".replace("-", "\N{MINUS SIGN}")
        panel.text(
            0.04, 0.04, peak, transform=panel.transAxes, fontsize=8, color=INK, path_effects=HALO
        )
    for panel in panels[len(SCRIPTS) :]:
        panel.set_axis_off()
    look_arrow(panels[0], *flown)
    legend = panels[len(SCRIPTS)].inset_axes((0.25, 0.45, 1.5, 0.06))
    legend.set_in_layout(False)
    colours = colours_over(VELOCITY_COLOURS, -1, 1)
    bar = figure.colorbar(colours, cax=legend, orientation="horizontal", ticks=[-1, 0, 1])
    bar.ax.set_xticklabels(["away", "0", "toward"])
    bar.set_label("line-of-sight rate, scaled to the peak of each panel")
    bar.outline.set_linewidth(0.5)
    figure.supxlabel("east, km", fontsize=9)
    figure.supylabel("north, km", fontsize=9)
    figure.savefig(folder / "sources.png")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
