"""The priors of sources: what each one draws of depth, width, volume rate and peak rate.

python docs/gallery/priors.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bradyseism import CataloguePrior, FootprintPrior, PaperPrior, look_vector, project
from bradyseism.review.drawing import INK, new_figure, styled
from bradyseism.scenes.catalogue import volume
from bradyseism.scenes.priors import View

COUNT = 1500
EXTENT, YEARS, SPREAD = 102.4e3, 5.0, 2e-3
PRIORS = {
    "paper": (PaperPrior(), "#4c78a8"),
    "catalogue": (CataloguePrior(), "#d1495b"),
    "footprint": (FootprintPrior(), "#9a9fa6"),
}
LOOKS = (look_vector(-12.5, 38.0), look_vector(-167.5, 38.0))


def drawn(prior: object, seed: int) -> dict[str, np.ndarray]:
    """Depth (km), width (km), volume rate (m3/yr) and peak rate (mm/yr) of many sources."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(COUNT):
        view = View(EXTENT, LOOKS[number % 2], YEARS, SPREAD)
        source = prior.draw(view, rng)
        axis = source.depth * np.linspace(-3.0, 3.0, 61)
        east, north = np.meshgrid(axis, axis)
        los = project(source.displacement(east, north), view.look)
        extreme = float(los.flat[np.abs(los).argmax()])
        peak = prior.peak(extreme, view, rng)
        area = np.mean(los / extreme > 0.5) * (6.0 * source.depth) ** 2
        width = 2e-3 * np.sqrt(area / np.pi)
        rate = abs(volume(source) * peak / extreme)
        rows.append((source.depth / 1e3, width, rate, 1e3 * peak))
    return dict(zip(("depth", "width", "rate", "peak"), np.array(rows).T, strict=True))


def share(panel: Axes, values: np.ndarray, bins: np.ndarray, colour: str, label: str) -> None:
    """Outline of a histogram, as a share of all sources in each bin."""
    weights = np.full(values.size, 100.0 / values.size)
    panel.hist(values, bins, weights=weights, histtype="stepfilled", color=colour, alpha=0.18)
    panel.hist(values, bins, weights=weights, histtype="step", color=colour, lw=1.6, label=label)


@styled
def draw(folder: Path) -> None:
    """Draw four histograms, and depth against width."""
    figure = new_figure(11.0, 6.6)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(2, 3)
    axes = {
        "depth": (np.geomspace(0.3, 60, 40), "depth of the centre, km"),
        "width": (np.geomspace(0.3, 120, 40), "width at half of the peak, km"),
        "rate": (np.geomspace(1e2, 1e10, 40), "volume or potency rate, m³/yr"),
    }
    for seed, (name, (prior, colour)) in enumerate(PRIORS.items()):
        values = drawn(prior, seed)
        for panel, (quantity, (bins, label)) in zip(panels.flat, axes.items(), strict=False):
            share(panel, values[quantity], bins, colour, name)
            panel.set(xscale="log", xlabel=label, ylabel="sources, %")
        share(panels[1, 0], np.abs(values["peak"]), np.geomspace(0.3, 3e3, 40), colour, name)
        style = {"s": 5, "color": colour, "alpha": 0.35, "lw": 0, "label": name}
        panels[1, 1].scatter(values["width"], np.abs(values["peak"]), **style)
        panels[1, 2].scatter(values["depth"], values["rate"], **style)
    panels[1, 0].set(xscale="log", xlabel="peak line-of-sight rate, mm/yr", ylabel="sources, %")
    panels[1, 1].set(xlabel="width at half of the peak, km", ylabel="peak rate, mm/yr")
    panels[1, 2].set(xlabel="depth of the centre, km", ylabel="volume or potency rate, m³/yr")
    for panel in panels[1, 1:]:
        panel.set(xscale="log", yscale="log")
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
    panels[0, 0].legend(frameon=False)
    figure.suptitle(
        "Priors of sources, in a map of 102 km over 5 years whose other signals have a spread of "
        "2 mm/yr", fontsize=11, color=INK,
    )  # fmt: skip
    figure.savefig(folder / "priors.png")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
