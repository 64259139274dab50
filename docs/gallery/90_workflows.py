"""Why a place was flagged: what each window size says of a hidden volcano and of quiet ground.

python docs/gallery/90_workflows.py FOLDER
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from bradyseism import Detector
from bradyseism.scenes.demo import demo
from bradyseism.workflows.explanation import explain


def draw(folder: Path) -> None:
    """Draw probability against the width of the window, one line a volcano of the catalogue."""
    made, detector = demo(seed=1), Detector.load()
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    panel = figure.subplots()
    for volcano in made.catalogue.volcanoes:
        opinions = explain(made.map, detector, (volcano.longitude, volcano.latitude)).opinions
        panel.plot(
            [opinion.width / 1e3 for opinion in opinions],
            [opinion.probability for opinion in opinions],
            "o-",
            label=volcano.name,
        )
    panel.set(xlabel="width of the window, km", ylabel="probability", ylim=(-0.02, 1.02))
    panel.set_xscale("log", base=2)
    panel.legend()
    figure.savefig(folder / "90_workflows.png", dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
