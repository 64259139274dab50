"""Sources in turbulence of known covariance, and the matched filter that knows it.

References
----------
Turin, G. L. (1960), IRE Trans. Inf. Theory 6, 311-329 (matched filter in coloured noise).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from scipy import fft

from bradyseism.evaluation.hidden_sources import Answer
from bradyseism.evaluation.injection import threshold_at
from bradyseism.evaluation.injection_plan import (
    NOMINAL_LOOK,
    line_of_sight_width,
    sized_source,
)
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import project
from bradyseism.physics.sources import Mogi
from bradyseism.scenes.priors import BodyPrior

_CRS = pyproj.CRS.from_proj4("+proj=aeqd +lat_0=0 +lon_0=0 +datum=WGS84 +units=m")
# Eigenvalues below this share of the largest are raised to it, in the noise and in its whitening.
_FLOOR = 1e-7


@dataclass(frozen=True)
class YardstickSettings:
    """What is simulated.

    Attributes
    ----------
    lengths, deviations
        Covariance lengths (m) and standard deviations (m/yr) of the turbulence: all combinations.
    widths
        Full widths at half maximum (m) of the line-of-sight signal.
    ratios
        Peak rates over the standard deviation of the turbulence, rising.
    real_rates
        Peak rates (m/yr) on real maps, rising.
    windows
        Simulated windows without a source, which set the threshold of each method; of real maps,
        all there are.
    sources
        Sources of each width, of either sign; `shapes` different ones.
    shapes
        Shapes and depths of each width; the bound has a threshold for each.
    pixels, pixel_size
        Side of a window in pixels, and pixel size (m).
    false_windows, found
        Share of empty windows that may be flagged, and of sources that must be found.
    prior
        Shapes of the sources.

    Raises
    ------
    ValueError
        Where a number is outside its range.
    """

    lengths: tuple[float, ...] = (2e3, 5e3, 15e3)
    deviations: tuple[float, ...] = (0.5e-3, 3.5e-3)
    widths: tuple[float, ...] = (2e3, 5e3, 10e3, 20e3)
    ratios: tuple[float, ...] = tuple(2.0 ** (k / 2) for k in range(17))
    real_rates: tuple[float, ...] = tuple(
        1e-3 * rate for rate in (1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 70, 100, 140, 200)
    )
    windows: int = 2000
    sources: int = 96
    shapes: int = 12
    pixels: int = 128
    pixel_size: float = 400.0
    false_windows: float = 0.01
    found: float = 0.9
    prior: BodyPrior = field(default_factory=BodyPrior)

    def __post_init__(self) -> None:
        for name in ("lengths", "deviations", "widths", "ratios", "real_rates"):
            values = getattr(self, name)
            if not values or min(values) <= 0:
                raise ValueError(f"{name} {values} are not all positive: give at least one")
        for name in ("ratios", "real_rates"):
            values = getattr(self, name)
            if list(values) != sorted(set(values)):
                raise ValueError(f"{name} {values} do not rise: give each once, smallest first")
        for name in ("false_windows", "found"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name):g} is outside 0-1: give a share")
        if self.windows * self.false_windows < 1:
            raise ValueError(
                f"windows {self.windows} are too few to flag {self.false_windows:.2%} of them: "
                f"give {int(np.ceil(1 / self.false_windows))} or more"
            )
        if not 1 <= self.shapes <= self.sources:
            raise ValueError(
                f"shapes {self.shapes} is outside 1 to sources {self.sources}: give fewer shapes"
            )


REFERENCE = YardstickSettings(
    lengths=(5e3,),
    deviations=(0.5e-3,),
    widths=(line_of_sight_width(Mogi(0.0, 0.0, 4e3, 1e6), NOMINAL_LOOK)[0],),
    ratios=tuple(2.0 ** (k / 4) for k in range(4, 17)),
    shapes=1,
    prior=BodyPrior(shapes=("mogi",), weights=(1.0,)),
)
"""One cell: point sources of Mogi 4 km deep in turbulence of 0.5 mm/yr and 5 km."""


class TurbulenceTest:
    """Windows and sources in one kind of noise, on a torus twice as wide as a window.

    On the torus the covariance is known exactly, so that whitening is; the filter may look beyond
    the window, which makes the bound a little lower than any method could reach. Implements
    `hidden_sources.Windows`.
    """

    def __init__(
        self, settings: YardstickSettings, length: float, deviation: float, seed: int
    ) -> None:
        self.settings, self.length, self.deviation, self.seed = settings, length, deviation, seed
        side = 2 * settings.pixels
        steps = np.minimum(np.arange(side), side - np.arange(side)) * settings.pixel_size
        covariance = ExponentialModel(deviation**2, length).covariance(
            np.hypot(steps[:, None], steps)
        )
        power = fft.rfft2(covariance).real
        self.power = np.maximum(power, _FLOOR * power.max())
        self.axis = np.fft.fftfreq(side, 1.0 / side) * settings.pixel_size
        self.rates = deviation * np.array(settings.ratios)
        self.empties = settings.windows
        self.sources = dict.fromkeys(settings.widths, settings.sources)
        self._shapes: dict[float, list[NDArray[np.float64]]] = {}

    def noise(self, index: int) -> NDArray[np.complex128]:
        """Spectrum of the turbulence of one window on its torus."""
        rng = np.random.default_rng([self.seed, round(self.length), index])
        side = 2 * self.settings.pixels
        white = fft.rfft2(rng.standard_normal((side, side)))
        return np.asarray(white * np.sqrt(self.power))

    def templates(self, width: float) -> Iterator[NDArray[np.float64]]:
        """Line-of-sight motion of each shape, of peak 1 in cell (0, 0) of the torus."""
        easting, northing = np.meshgrid(self.axis, -self.axis)
        for shape in range(self.settings.shapes):
            source = sized_source(width, NOMINAL_LOOK, self.settings.prior, self.seed + shape)
            los = project(source.displacement(easting, northing), NOMINAL_LOOK)
            yield los / los[0, 0]

    def place(self, source: int) -> tuple[tuple[int, int], float]:
        """Row and column of a source in the central half of its window, and its sign."""
        pixels = self.settings.pixels
        rng = np.random.default_rng([self.seed, source, 1])
        row, column = (int(n) for n in rng.integers(pixels // 4, pixels - pixels // 4, 2))
        return (row, column), float(rng.choice([-1.0, 1.0]))

    def empty(self, index: int) -> VelocityMap:
        """Window without a source."""
        return self._window(self.noise(index))

    def loud(self, width: float, source: int) -> Iterator[VelocityMap]:
        """Window with a source of a width (m), once at each rate, the smallest first."""
        if width not in self._shapes:
            self._shapes[width] = list(self.templates(width))
        place, sign = self.place(source)
        template = self._shapes[width][source % self.settings.shapes]
        signal = sign * np.roll(template, place, (0, 1))
        noise = self.noise(self.settings.windows + source)
        for rate in self.rates:
            yield self._window(noise, rate * signal)

    def bound(self) -> Answer:
        """What the matched filter finds, told all but the place and sign of each source."""
        settings, pixels = self.settings, self.settings.pixels
        spectra = {
            width: [fft.rfft2(template) for template in self.templates(width)]
            for width in settings.widths
        }
        responses = {
            width: [self._response(spectrum, spectrum) for spectrum in of_width]
            for width, of_width in spectra.items()
        }
        highest = {width: np.empty((settings.windows, settings.shapes)) for width in spectra}
        for index in range(settings.windows):
            noise = self.noise(index)
            for width, of_width in spectra.items():
                for shape, spectrum in enumerate(of_width):
                    norm = np.sqrt(responses[width][shape][0, 0])
                    seen = self._response(spectrum, noise)[:pixels, :pixels]
                    highest[width][index, shape] = np.abs(seen).max() / norm
        cells, flagged = {}, 0
        for width, of_width in spectra.items():
            limits = [threshold_at(column, settings.false_windows) for column in highest[width].T]
            flagged = max(flagged, int(np.sum(highest[width] > limits, axis=0).max()))
            found = np.empty((settings.sources, len(self.rates)), dtype=bool)
            for source in range(settings.sources):
                shape = source % settings.shapes
                (row, column), sign = self.place(source)
                auto = responses[width][shape]
                signal = np.roll(auto, (row, column), (0, 1))[:pixels, :pixels] * sign
                clutter = self._response(of_width[shape], self.noise(settings.windows + source))
                limit = limits[shape] * np.sqrt(auto[0, 0])
                for at, rate in enumerate(self.rates):
                    seen = np.abs(clutter[:pixels, :pixels] + rate * signal).max()
                    found[source, at] = seen > limit
            cells[width] = found
        return Answer(cells, flagged)

    def _response(
        self, template: NDArray[np.complex128], data: NDArray[np.complex128]
    ) -> NDArray[np.float64]:
        side = 2 * self.settings.pixels
        return np.asarray(fft.irfft2(np.conj(template) * data / self.power, (side, side)))

    def _window(
        self, noise: NDArray[np.complex128], signal: NDArray[np.float64] | float = 0.0
    ) -> VelocityMap:
        settings, side = self.settings, 2 * self.settings.pixels
        velocity = (fft.irfft2(noise, (side, side)) + signal)[: settings.pixels, : settings.pixels]
        half = settings.pixels * settings.pixel_size / 2
        transform = Affine(settings.pixel_size, 0, -half, 0, -settings.pixel_size, half)
        grid = Grid(velocity.shape, transform, _CRS)
        return VelocityMap(
            velocity.astype(np.float32), grid, 5.0, NOMINAL_LOOK.astype(np.float32), "window"
        )
