"""The picture of `bradyseism variogram`: semivariances, fitted models and the band of the best."""

from __future__ import annotations

from os import PathLike

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.physics.variogram import Variogram
from bradyseism.physics.variogram_fit import bin_deviation
from bradyseism.review.drawing import INK, new_figure, styled
from bradyseism.workflows.variogram import NoiseReport

DOTS_PER_INCH = 160
_SQUARE_MM = 1e6
_LINES = (("#1f5f99", "-"), ("#a0522d", "--"), ("#5b8c3a", "-."), ("#7a4f9a", ":"))
_CURVE = 300


def write_noise(path: str | PathLike[str], report: NoiseReport) -> None:
    """Draw the variogram of a map and write it as PNG.

    Parameters
    ----------
    path : path
        Picture to write, whole or not at all.
    report : NoiseReport
        What to draw.

    Raises
    ------
    OSError
        If the picture cannot be written.
    """
    figure = noise_panel(report)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH, format="png")


@styled
def noise_panel(report: NoiseReport) -> Figure:
    """Semivariance (mm/yr)^2 against distance (km) with the fitted models.

    The band holds 95 % of the variograms of single maps that follow the best model.
    """
    figure = new_figure(6.4, 4.2)
    axes = figure.add_axes((0.125, 0.13, 0.845, 0.765))
    variogram, best = report.variogram, report.fits[0]
    lag = np.geomspace(0.5 * variogram.lag[0], 1.02 * variogram.lag[-1], _CURVE)
    low, high = _band(variogram, best.model.semivariogram(variogram.lag), report)
    axes.fill_between(
        variogram.lag / 1e3, low, high, color="#8aa7c4", alpha=0.35, linewidth=0,
        label=f"95 % of maps that follow the {best.kind} model",
    )  # fmt: skip
    for found, (colour, dashes) in zip(report.fits, _LINES, strict=False):
        axes.plot(
            lag / 1e3, found.model.semivariogram(lag) * _SQUARE_MM, color=colour,
            linestyle=dashes, linewidth=2.0 if found is best else 1.2,
            label=f"{found.kind}: misfit {100 * found.misfit:.1f} %",
        )  # fmt: skip
    axes.plot(
        variogram.lag / 1e3, variogram.semivariance * _SQUARE_MM, marker="o", markersize=4,
        linestyle="none", color=INK, label=f"map ({report.estimator})",
    )  # fmt: skip
    top = 1.15 * float(max(variogram.semivariance.max() * _SQUARE_MM, np.percentile(high, 75)))
    axes.set(xlim=(0.0, 1.03 * variogram.lag[-1] / 1e3), ylim=(0.0, top))
    axes.set_xlabel("distance (km)")
    axes.set_ylabel("semivariance of LOS velocity ((mm/yr)²)")
    title = f"{report.name}: {report.pixels} pixels" + (", plane removed" * report.detrended)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8, loc="best")
    return figure


def _band(
    variogram: Variogram, expected: NDArray[np.float64], report: NoiseReport
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the band in (mm/yr)^2: semivariances are positive and skewed, hence log-normal."""
    deviation = bin_deviation(variogram, report.fits[0].model)
    factor = np.exp(1.96 * deviation / np.maximum(expected, 1e-300))
    return expected / factor * _SQUARE_MM, expected * factor * _SQUARE_MM
