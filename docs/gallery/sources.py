"""All sources on one sheet, as a descending orbit sees a year of them.

python docs/gallery/sources.py FOLDER
"""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from plates import GRID, ORBITS, draw_velocity, look_arrow

from bradyseism import look_vector, simulate
from bradyseism.review.drawing import HALO, INK, new_figure, styled

SCRIPTS = sorted(path.stem for path in Path(__file__).parent.glob("source_*.py"))


@styled
def draw(folder: Path) -> None:
    """Draw one panel a source, each on its own symmetrical scale."""
    columns = 5
    rows = -(-len(SCRIPTS) // columns)
    figure = new_figure(2.3 * columns, 2.62 * rows)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True).ravel()
    flown = ORBITS["descending"]
    for panel, script in zip(panels, SCRIPTS, strict=False):
        module = import_module(script)
        scene = simulate(module.SOURCE, on=GRID, look=look_vector(*flown))
        velocity = 1e3 * scene.map.velocity
        draw_velocity(panel, velocity, 150.0, float(np.abs(velocity).max()))
        name, _, about = module.TITLE.partition(": ")
        panel.set_title(f"{name}\n{about}", fontsize=8.5, linespacing=1.15)
        panel.text(
            0.04, 0.04, f"{1e3 * scene.truth.peak:+.0f} mm/yr", transform=panel.transAxes,
            fontsize=8, color=INK, path_effects=HALO,
        )  # fmt: skip
    for panel in panels[len(SCRIPTS) :]:
        panel.set_visible(False)
    look_arrow(panels[0], *flown)
    figure.supxlabel("east and north, km; each panel from minus to plus its peak", fontsize=8.5)
    figure.savefig(folder / "sources.png")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
