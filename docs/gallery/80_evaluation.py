"""Three detectors without learning on a weak source in turbulence: their score maps.

python docs/gallery/80_evaluation.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bradyseism.evaluation.baselines import BASELINES
from bradyseism.physics import ExponentialModel, Mogi, turbulent_field

SHAPE, PIXEL_SIZE, LOOK = (256, 256), 200.0, np.array([0.0, 0.0, 1.0])


def draw(folder: Path) -> None:
    """Draw the map (mm/yr) and each score over its own largest value; the source is central."""
    rng = np.random.default_rng(3)
    noise = turbulent_field(ExponentialModel(2e-3**2, 5e3), SHAPE, PIXEL_SIZE, rng)
    axis = (np.arange(256) - 127.5) * PIXEL_SIZE
    up = Mogi(0.0, 0.0, 4e3, volume_change=5e5).displacement(*np.meshgrid(axis, -axis))[2]
    velocity = noise + up
    velocity[rng.random(SHAPE) < 0.2] = np.nan
    pictures = {"velocity": velocity / np.nanmax(np.abs(velocity))}
    for name, score in BASELINES.items():
        values = score(velocity, PIXEL_SIZE, LOOK)
        pictures[name] = values / np.nanmax(values)
    figure = Figure(figsize=(13, 3.6), layout="constrained")
    for panel, (name, values) in zip(figure.subplots(1, 4), pictures.items(), strict=True):
        signed = name == "velocity"
        panel.imshow(values, cmap="RdBu_r" if signed else "magma", vmin=-1 if signed else 0, vmax=1)
        row, column = np.unravel_index(np.nanargmax(np.abs(values)), SHAPE)
        panel.plot(column, row, "c+", markersize=12)
        panel.set(title=name, xticks=[], yticks=[])
    figure.savefig(folder / "80_evaluation.png", dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
