"""How small a source can be and still be found: every method beside the bound that none can pass.

Hardly anything can beat the matched filter of a source's true shape, whitened with the true
covariance of the noise, scanned over all places and both signs. Only the place is unknown to it.
All methods see the same windows of simulated turbulence, 51.2 km wide, with the same sources; each
is thresholded on its own maximum in windows without a source. ``d90`` is the peak line-of-sight
rate at which 90 % of the sources are found while at most 1 % of those windows are flagged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.evaluation.clairvoyant import TurbulenceTest, YardstickSettings
from bradyseism.evaluation.injection import Method
from bradyseism.evaluation.scores import Interval

__all__ = ["BOUND", "Cell", "YardstickResult", "run_yardstick"]

Progress = Callable[[int, int, str], None]
BOUND = "bound"
_RESAMPLINGS = 1000


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
            test = TurbulenceTest(settings, length, deviation, seed)
            answers = {BOUND: test.bound()}
            answers |= {name: test.judge(method, pool) for name, method in methods.items()}
            cells.extend(
                Cell(name, length, deviation, width, test.rates, found[width], settings.found)
                for width in settings.widths
                for name, found in answers.items()
            )
    if progress:
        progress(len(noises), len(noises), "done")
    return YardstickResult(tuple(cells), settings, seed)
