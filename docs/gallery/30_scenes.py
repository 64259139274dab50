"""Eight scenes of one seed, each with its truth.

python docs/gallery/30_scenes.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bradyseism import SceneSettings, random_scene

SETTINGS = SceneSettings(shape=(128, 128), pixel_sizes=(400.0,))


def draw(folder: Path, seed: int = 7) -> None:
    """Draw the scenes, a cross on the source where there is one."""
    figure = Figure(figsize=(12, 7.4), layout="constrained")
    for index, panel in enumerate(figure.subplots(2, 4).flat):
        scene = random_scene(seed, index, SETTINGS)
        velocity, truth = 1e3 * scene.map.velocity, scene.truth
        middle, limit = np.nanmedian(velocity), np.nanpercentile(np.abs(velocity), 98)
        panel.imshow(velocity, cmap="RdBu_r", vmin=middle - limit, vmax=middle + limit)
        name = type(truth.source).__name__ if truth.volcanic else "no source"
        rate = f", {1e3 * truth.peak:+.1f} mm/yr" if truth.volcanic else ""
        panel.set_title(f"{index}: {name}{rate}", fontsize=10)
        panel.set_xlabel(", ".join(sorted(set(truth.nuisances))) or "no nuisance", fontsize=7)
        panel.set(xticks=[], yticks=[])
        if truth.volcanic:
            panel.plot(truth.column, truth.row, "kx")
    figure.savefig(folder / "30_scenes.png", dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
