"""How small a source can be and still be found: every method beside the bound that none can pass.

Hardly anything can beat the matched filter of a source's true shape, whitened with the true
covariance of the noise, scanned over all places and both signs. Only the place is unknown to it.
All methods see the same windows of simulated turbulence, 51.2 km wide, with the same sources; each
is thresholded on its own maximum in windows without a source. ``d90`` is the peak line-of-sight
rate at which 90 % of the sources are found while at most 1 % of those windows are flagged.

References
----------
Turin, G. L. (1960), IRE Trans. Inf. Theory 6, 311-329 (matched filter in coloured noise).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from scipy import fft

from bradyseism.evaluation.injection import Method, threshold_at
from bradyseism.evaluation.injection_plan import sized_source
from bradyseism.evaluation.scores import Interval
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.scenes.priors import SourcePrior

__all__ = ["BOUND", "Cell", "YardstickResult", "YardstickSettings", "run_yardstick"]

Progress = Callable[[int, int, str], None]
BOUND = "bound"
_LOOK = look_vector(-168.0, 39.0)
_CRS = pyproj.CRS.from_proj4("+proj=aeqd +lat_0=0 +lon_0=0 +datum=WGS84 +units=m")
# Eigenvalues below this share of the largest are raised to it, in the noise and in its whitening.
_FLOOR = 1e-7
_RESAMPLINGS = 1000


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
    windows
        Windows without a source, which set the threshold of each method.
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
    windows: int = 2000
    sources: int = 96
    shapes: int = 12
    pixels: int = 128
    pixel_size: float = 400.0
    false_windows: float = 0.01
    found: float = 0.9
    prior: SourcePrior = field(default_factory=SourcePrior)

    def __post_init__(self) -> None:
        for name in ("lengths", "deviations", "widths", "ratios"):
            values = getattr(self, name)
            if not values or min(values) <= 0:
                raise ValueError(f"{name} {values} are not all positive: give at least one")
        if list(self.ratios) != sorted(set(self.ratios)):
            raise ValueError(f"ratios {self.ratios} do not rise: give each once, smallest first")
        for name in ("false_windows", "found"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name):g} is outside 0-1: give a share")
        if self.windows * self.false_windows < 1:
            raise ValueError(
                f"windows {self.windows} are too few to flag {self.false_windows:.2%} of them: "
                f"give {int(np.ceil(1 / self.false_windows))} or more"
            )
        if not 1 <= self.shapes <= self.sources:
            raise ValueError(f"shapes {self.shapes} is outside 1 to sources {self.sources}")


@dataclass(frozen=True, eq=False)
class Cell:
    """What a method finds of the sources of one width in one kind of noise.

    Attributes
    ----------
    method : str
        Name; `BOUND` for the matched filter.
    length, deviation, width : float
        Covariance length (m) and standard deviation (m/yr) of the noise; width of the source (m).
    rates : array (rates,)
        Peak rates (m/yr), rising.
    found : array of bool (sources, rates)
        Which sources are found at which rate.
    wanted : float
        Share that must be found.
    """

    method: str
    length: float
    deviation: float
    width: float
    rates: NDArray[np.float64]
    found: NDArray[np.bool_]
    wanted: float

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share found at each rate, 0-1."""
        return np.asarray(self.found.mean(axis=0), dtype=np.float64)

    @property
    def largest_fall(self) -> float:
        """By how much the share found at some rate falls short of that at a smaller one, 0-1."""
        shares = self.shares
        return float(np.max(np.maximum.accumulate(shares) - shares))

    def d90(self) -> Interval:
        """Rate (m/yr) at which the wanted share is found, with a 95 % interval over the sources.

        Infinite where no rate tried is enough; linear in the logarithm of the rate between.
        """
        rng = np.random.default_rng(0)
        count = len(self.found)
        drawn = rng.integers(count, size=(_RESAMPLINGS, count))
        spread = [self._reached(self.found[rows].mean(axis=0)) for rows in drawn]
        low, high = np.quantile(spread, [0.025, 0.975], method="nearest")
        return Interval(self._reached(self.shares), float(low), float(high))

    def _reached(self, shares: NDArray[np.float64]) -> float:
        # From the highest rate down: where the share has come to stay.
        short = np.flatnonzero(shares < self.wanted)
        if not short.size:
            return float(self.rates[0])
        last = int(short[-1])
        if last + 1 == len(shares):
            return float("inf")
        part = (self.wanted - shares[last]) / (shares[last + 1] - shares[last])
        return float(self.rates[last] * (self.rates[last + 1] / self.rates[last]) ** part)


@dataclass(frozen=True, eq=False)
class YardstickResult:
    """All cells of one run.

    Attributes
    ----------
    cells : tuple of Cell
        By noise, then width, then method, the bound first.
    settings : YardstickSettings
        What was simulated.
    seed : int
        Of everything.
    """

    cells: tuple[Cell, ...]
    settings: YardstickSettings
    seed: int

    def cell(self, method: str, length: float, deviation: float, width: float) -> Cell:
        """One cell.

        Raises
        ------
        KeyError
            If there is none.
        """
        for one in self.cells:
            if (one.method, one.length, one.deviation, one.width) == (
                method, length, deviation, width,
            ):  # fmt: skip
                return one
        raise KeyError(f"no cell of {method} at {length:g} m, {deviation:g} m/yr, {width:g} m")

    def as_json(self) -> dict[str, Any]:
        """Everything for machines: rates in mm/yr, lengths in km; infinite is None."""
        return {
            "seed": self.seed,
            "windows": self.settings.windows,
            "sources": self.settings.sources,
            "cells": [self._cell_json(one) for one in self.cells],
        }

    def as_markdown(self) -> str:
        """Table of d90 (mm/yr) and its ratio to the bound, by noise, method and width."""
        widths = self.settings.widths
        head = " | ".join(f"{width / 1e3:g} km" for width in widths)
        lines = [f"| noise | method | {head} |", "|---|---" + "|---" * len(widths) + "|"]
        methods = list(dict.fromkeys(one.method for one in self.cells))
        noises = itertools.product(self.settings.lengths, self.settings.deviations)
        for (length, deviation), method in itertools.product(noises, methods):
            noise = f"{1e3 * deviation:g} mm/yr, {length / 1e3:g} km"
            cells = [self._cell_text(method, length, deviation, width) for width in widths]
            lines.append(f"| {noise} | {method} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def _ratio(self, one: Cell) -> float:
        bound = self.cell(BOUND, one.length, one.deviation, one.width)
        return one.d90().estimate / bound.d90().estimate

    def _cell_text(self, method: str, length: float, deviation: float, width: float) -> str:
        one = self.cell(method, length, deviation, width)
        d90 = one.d90()
        if not np.isfinite(d90.estimate):
            return f"over {1e3 * one.rates[-1]:.3g}"
        text = f"{1e3 * d90.estimate:.3g} ({1e3 * d90.low:.3g}-{1e3 * d90.high:.3g})"
        return text if method == BOUND else f"{text}, {self._ratio(one):.2f}x"

    def _cell_json(self, one: Cell) -> dict[str, Any]:
        d90 = one.d90()
        values = {"d90": d90.estimate, "d90_low": d90.low, "d90_high": d90.high}
        return {
            "method": one.method,
            "length_km": one.length / 1e3,
            "deviation_mm_per_year": 1e3 * one.deviation,
            "width_km": one.width / 1e3,
            **{
                f"{name}_mm_per_year": 1e3 * value if np.isfinite(value) else None
                for name, value in values.items()
            },
            "over_bound": self._ratio(one) if np.isfinite(d90.estimate) else None,
            "rates_mm_per_year": (1e3 * one.rates).tolist(),
            "shares": one.shares.tolist(),
            "largest_fall": one.largest_fall,
        }


def run_yardstick(
    methods: Mapping[str, Method],
    settings: YardstickSettings | None = None,
    *,
    seed: int = 0,
    workers: int = 2,
    progress: Progress | None = None,
) -> YardstickResult:
    """Measure d90 of every method and of the bound in simulated turbulence.

    Parameters
    ----------
    methods
        By name; each judges a map, see `injection.Method`. Called from several threads.
    settings
        What is simulated; the defaults if None.
    seed
        Fixes every window and source.
    workers
        Number of threads; the result does not depend on it.
    progress
        Told steps done, steps in all, and a word.
    """
    settings = settings or YardstickSettings()
    noises = list(itertools.product(settings.lengths, settings.deviations))
    cells: list[Cell] = []
    with ThreadPoolExecutor(workers) as pool:
        for done, (length, deviation) in enumerate(noises):
            if progress:
                progress(done, len(noises), f"{length / 1e3:g} km, {1e3 * deviation:g} mm/yr")
            test = _Test(settings, length, deviation, seed)
            cells.extend(test.bound())
            for name, method in methods.items():
                cells.extend(test.judge(name, method, pool))
    if progress:
        progress(len(noises), len(noises), "done")
    order = list(itertools.product(noises, settings.widths))
    cells.sort(key=lambda one: order.index(((one.length, one.deviation), one.width)))
    return YardstickResult(tuple(cells), settings, seed)


class _Test:
    """Windows and sources in one kind of noise, on a torus twice as wide as a window.

    On the torus the covariance is known exactly, so that whitening is; the filter may look beyond
    the window, which makes the bound a little lower than any method could reach.
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
            source = sized_source(width, _LOOK, self.settings.prior, self.seed + shape)
            los = project(source.displacement(easting, northing), _LOOK)
            yield los / los[0, 0]

    def place(self, source: int) -> tuple[tuple[int, int], float]:
        """Row and column of a source in the central half of its window, and its sign."""
        pixels = self.settings.pixels
        rng = np.random.default_rng([self.seed, source, 1])
        row, column = (int(n) for n in rng.integers(pixels // 4, pixels - pixels // 4, 2))
        return (row, column), float(rng.choice([-1.0, 1.0]))

    def bound(self) -> list[Cell]:
        """Cells of the matched filter."""
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
        cells = []
        for width, of_width in spectra.items():
            found = np.empty((settings.sources, len(self.rates)), dtype=bool)
            for source in range(settings.sources):
                shape = source % settings.shapes
                (row, column), sign = self.place(source)
                auto = responses[width][shape]
                norm = np.sqrt(auto[0, 0])
                signal = np.roll(auto, (row, column), (0, 1))[:pixels, :pixels] * sign
                clutter = self._response(of_width[shape], self.noise(settings.windows + source))
                limit = threshold_at(highest[width][:, shape], settings.false_windows) * norm
                for at, rate in enumerate(self.rates):
                    seen = np.abs(clutter[:pixels, :pixels] + rate * signal).max()
                    found[source, at] = seen > limit
            cells.append(self._cell(BOUND, width, found))
        return cells

    def judge(self, name: str, method: Method, pool: ThreadPoolExecutor) -> list[Cell]:
        """Cells of one method."""
        settings = self.settings
        quiet = pool.map(
            lambda index: method(self._window(self.noise(index))).score, range(settings.windows)
        )
        limit = threshold_at(np.array(list(quiet)), settings.false_windows)
        cells = []
        for width in settings.widths:
            templates = list(self.templates(width))

            def is_found(
                step: tuple[int, float], shapes: Sequence[NDArray[np.float64]] = templates
            ) -> bool:
                source, rate = step
                place, sign = self.place(source)
                signal = np.roll(shapes[source % settings.shapes], place, (0, 1)) * sign * rate
                noise = self.noise(settings.windows + source)
                return method(self._window(noise, signal)).score > limit

            steps = itertools.product(range(settings.sources), self.rates)
            found = np.array(list(pool.map(is_found, steps))).reshape(settings.sources, -1)
            cells.append(self._cell(name, width, found))
        return cells

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
            velocity.astype(np.float32), grid, 5.0, _LOOK.astype(np.float32), "window"
        )

    def _cell(self, method: str, width: float, found: NDArray[np.bool_]) -> Cell:
        return Cell(
            method, self.length, self.deviation, width, self.rates, found, self.settings.found
        )
