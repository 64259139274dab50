"""One page: analogue frames beside real maps, each to its own scale.

python docs/gallery/35_analogue.py FOLDER [FIELD]
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.colors import LightSource
from matplotlib.figure import Figure

from bradyseism.evaluation.truth import read_truth
from bradyseism.scenes.analogue import analogue_frame
from bradyseism.scenes.analogue_background import analogue_background

SHOWN = (1, 5, 10, 14, 23, 0, 3, 4, 12, 17, 25, 30)
BACKGROUND = (7, 21, 40)
RELIEF = (0, 4, 23)
ACROSS = 102.4e3  # m


def panel(axes, velocity, title, place=None) -> None:
    """Draw a map in mm/yr around its median; the scale is in the title."""
    shown = 1e3 * (velocity - np.nanmedian(velocity))
    limit = float(np.nanquantile(np.abs(shown), 0.99))
    axes.set_facecolor("0.75")
    axes.imshow(shown, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set_title(f"{title}, +-{limit:.1f}", fontsize=8)
    axes.set(xticks=[], yticks=[])
    if place is not None:
        axes.plot(place[1], place[0], "k+", markersize=9)


def real_maps(field: Path) -> list[tuple[str, np.ndarray]]:
    """Fullest square of at most 102.4 km of each real map that is larger than 10 km."""
    found = []
    for row in read_truth(field / "truth.csv"):
        try:
            opened = row.open()
        except ValueError:
            continue
        local = opened.resampled(opened.grid.local(max(100.0, opened.grid.pixel_size)))
        side = min(round(ACROSS / local.grid.pixel_size), *local.grid.shape)
        step = max(1, side // 8)
        corners = [
            (r, c)
            for r in range(0, local.grid.shape[0] - side + 1, step)
            for c in range(0, local.grid.shape[1] - side + 1, step)
        ]
        cuts = [local.velocity[r : r + side, c : c + side] for r, c in corners]
        best = max(cuts, key=lambda cut: np.isfinite(cut).sum())
        extent = side * local.grid.pixel_size / 1e3
        found.append((f"{row.map}, {extent:.0f} km", best.astype(float)))
    return found


def draw(folder: Path, field: Path) -> None:
    """Analogue frames, their relief, background, and the real maps below."""
    figure = Figure(figsize=(15, 12.5), layout="constrained")
    panels = figure.subplots(5, 6).flat
    light = LightSource(315, 45)
    for number, axes in zip(SHOWN, panels, strict=False):
        frame = analogue_frame(number)
        rate = f" {1e3 * frame.rate:+.1f}" if frame.peak else ""
        panel(axes, frame.map.velocity, frame.map.name + rate, frame.peak)
    for number, axes in zip(BACKGROUND, panels, strict=False):
        made = analogue_background(number)
        panel(axes, made.map.velocity[:512, :512], made.map.name)
    for number, axes in zip(RELIEF, panels, strict=False):
        ground = analogue_frame(number).ground
        axes.imshow(light.hillshade(ground.elevation, vert_exag=2, dx=200, dy=200), cmap="gray")
        axes.set_title(f"relief of frame {number}", fontsize=8)
        axes.set(xticks=[], yticks=[])
    for (name, velocity), axes in zip(real_maps(field), panels, strict=False):
        panel(axes, velocity, name)
    for axes in panels:
        axes.axis("off")
    figure.suptitle("Analogue frames (above) and real maps (below), LOS velocity in mm/yr")
    figure.savefig(folder / "35_analogue.png", dpi=110)


if __name__ == "__main__":
    beside = Path(__file__).resolve().parents[3] / "shared" / "field"
    draw(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else beside)
