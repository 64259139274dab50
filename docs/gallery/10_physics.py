"""A tilted sill seen from two orbits: line-of-sight displacement, and the same in fringes.

python docs/gallery/10_physics.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bradyseism.physics import CDM, look_vector, project, wrap

HEADINGS = {"ascending": -12.0, "descending": -168.0}


def draw(folder: Path) -> None:
    """Draw displacement (mm) above fringes, one column an orbit."""
    axis = np.linspace(-15e3, 15e3, 201)
    easting, northing = np.meshgrid(axis, -axis)  # row 0 is north
    sill = CDM.sill(0.0, 0.0, 5e3, length=4e3, width=3e3, opening=0.5, strike=30.0, dip=25.0)
    moved = sill.displacement(easting, northing)
    figure = Figure(figsize=(8, 7), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for column, (orbit, heading) in enumerate(HEADINGS.items()):
        los = project(moved, look_vector(heading, incidence=39.0))
        for panel, values, colours, limit in (
            (panels[0, column], 1e3 * los, "RdBu_r", 1e3 * float(np.abs(los).max())),
            (panels[1, column], wrap(los), "twilight", np.pi),
        ):
            image = panel.imshow(
                values, cmap=colours, vmin=-limit, vmax=limit, extent=(-15, 15, -15, 15)
            )
            figure.colorbar(
                image, ax=panel, label="mm toward the satellite" if panel in panels[0] else "rad"
            )
        panels[0, column].set_title(orbit)
    figure.supxlabel("easting and northing, km")
    figure.savefig(folder / "10_physics.png", dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
