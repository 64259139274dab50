"""What the networks see: one window in the shipped encoding, one patch in the paper's.

python docs/gallery/40_samples.py FOLDER
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from bradyseism import random_scene
from bradyseism.samples.encoding import NormalisedWindow
from bradyseism.samples.synthetic import PaperSet


def draw(folder: Path) -> None:
    """Draw the three channels of scene 7:0 and sample 0 of the paper's set before and after."""
    velocity = random_scene(7, 0).map.velocity
    channels = NormalisedWindow().encode(velocity[None])[0]
    paper = PaperSet(seed=0)
    pictures = {
        "velocity, mm/yr": 1e3 * velocity,
        "over its spread": channels[0],
        "over short-lag noise": channels[1],
        "where there is data": channels[2],
        "paper: displacement, cm": 100 * paper.displacement(0),
        "paper: wrapped, rad": paper[0]["image"][0],
    }
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    for panel, (title, values) in zip(figure.subplots(2, 3).flat, pictures.items(), strict=True):
        image = panel.imshow(values, cmap="twilight" if "wrapped" in title else "viridis")
        panel.set(title=title, xticks=[], yticks=[])
        figure.colorbar(image, ax=panel)
    figure.savefig(folder / "40_samples.png", dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
