"""The demonstration map, what is hidden in it, and what the shipped detector finds.

python docs/gallery/70_detection.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bradyseism import Detector, detect
from bradyseism.scenes.demo import demo


def draw(folder: Path) -> None:
    """Draw velocity and probability; crosses are the truth, rings the detections."""
    made = demo(seed=1)
    result = detect(made.map, Detector.load(), made.catalogue)
    grid = made.map.grid
    figure = Figure(figsize=(11, 5), layout="constrained")
    velocity, probability = figure.subplots(1, 2)
    image = velocity.imshow(1e3 * made.map.velocity, cmap="RdBu_r", vmin=-12, vmax=12)
    figure.colorbar(image, ax=velocity, label="mm/yr, positive toward the satellite")
    image = probability.imshow(result.probability, cmap="magma", vmin=0, vmax=1)
    figure.colorbar(image, ax=probability, label="probability")
    for panel in (velocity, probability):
        for longitude, latitude, _ in made.deforming:
            row, column = grid.row_column(longitude, latitude)
            panel.plot(column, row, "gx", markersize=9)
        for found in result.detections:
            row, column = grid.row_column(*np.transpose(found.footprint))
            panel.plot(column, row, "c-", linewidth=1)
        panel.set(xticks=[], yticks=[])
    figure.savefig(folder / "70_detection.png", dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
