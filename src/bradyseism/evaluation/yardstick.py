"""How small a source can be and still be found: every method beside the bound.

Hardly anything can beat the matched filter of a source's true shape, whitened with the true
covariance of the noise, scanned over all places and both signs. Only the place is unknown to it.
That is the bound in simulated turbulence and under nuisances; on real maps, whose noise has no
known law, it is `heavy_tail.heavy_tailed_bound`. All methods see the same windows, 51.2 km wide,
with the same sources; each is thresholded on its own maximum in windows without a source. ``d90``
is the peak line-of-sight rate at which 90 % of the sources are found while at most 1 % of those
windows are flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.evaluation.backgrounds import Background, turbulence
from bradyseism.evaluation.clairvoyant import YardstickSettings
from bradyseism.evaluation.crossings import lasting_level
from bradyseism.evaluation.hidden_sources import Answer, judge
from bradyseism.evaluation.injection import Method
from bradyseism.evaluation.resampling import place_weights
from bradyseism.evaluation.scores import Interval, exact_interval

__all__ = ["BOUND", "Cell", "YardstickResult", "run_yardstick"]

Progress = Callable[[int, int, str], None]
Remember = Callable[[tuple[str, ...], Callable[[], Answer]], Answer]
BOUND = "bound"
_RESAMPLINGS = 1000
# Rates (m/yr) whose counts stand in the table for people; all are in the one for machines.
_SHOWN = (5e-3, 10e-3, 20e-3, 50e-3)


@dataclass(frozen=True, eq=False)
class Cell:
    """What a method finds of the sources of one width on one background.

    Attributes
    ----------
    method : str
        Name; `BOUND` for the bound.
    background : str
        Its label.
    width : float
        Width of the sources (m).
    rates : array (rates,)
        Peak rates (m/yr), rising.
    found : array of bool (sources, rates)
        Which sources are found at which rate.
    wanted : float
        Share that must be found.
    places : array of int (sources,), optional
        Independent ground on which each source lies; all apart if None.
    windows, flagged : int
        Windows without a source, and how many of them are flagged at the threshold.
    """

    method: str
    background: str
    width: float
    rates: NDArray[np.float64]
    found: NDArray[np.bool_]
    wanted: float
    places: NDArray[np.int64] | None = None
    windows: int = 1
    flagged: int = 0

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share found at each rate, 0-1."""
        return np.asarray(self.found.mean(axis=0), dtype=np.float64)

    @property
    def counts(self) -> tuple[tuple[int, Interval], ...]:
        """Number found at each rate, and its share with the exact 95 % interval.

        The interval takes sources for independent; that of `d90` knows which share a place.
        """
        numbers = [int(number) for number in self.found.sum(axis=0)]
        return tuple((number, exact_interval(number, len(self.found))) for number in numbers)

    @property
    def largest_fall(self) -> float:
        """By how much the share found at some rate falls short of that at a smaller one, 0-1."""
        shares = self.shares
        return float(np.max(np.maximum.accumulate(shares) - shares))

    @property
    def rate(self) -> float:
        """Rate (m/yr) at which the wanted share is found: the estimate of `d90`, without resamples.

        Infinite where no rate tried is enough, the lowest one where all are.
        """
        return self._reached(self.shares)

    @property
    def at_most(self) -> bool:
        """Whether the lowest rate tried is enough, so that `rate` may be lower still."""
        return bool(self.rate <= self.rates[0])

    def d90(self) -> Interval:
        """Rate (m/yr) at which the wanted share is found, with a 95 % interval over the places.

        Infinite where no rate tried is enough; linear in the logarithm of the rate between.
        """
        count = len(self.found)
        places = np.arange(count) if self.places is None else self.places
        rng = np.random.default_rng(0)
        times = place_weights(np.ones(count), places, rng, _RESAMPLINGS)
        drawn = times @ self.found / times.sum(axis=1, keepdims=True)
        spread = [self._reached(shares) for shares in drawn]
        low, high = np.quantile(spread, [0.025, 0.975], method="nearest")
        return Interval(self.rate, float(low), float(high))

    def _reached(self, shares: NDArray[np.float64]) -> float:
        return lasting_level(self.rates, shares, self.wanted, shares < self.wanted - 1e-9)


@dataclass(frozen=True, eq=False)
class YardstickResult:
    """All cells of one run.

    Attributes
    ----------
    cells : tuple of Cell
        By background, then width, then method, the bound first.
    settings : YardstickSettings
        What was simulated or hidden.
    seed : int
        Of everything.
    """

    cells: tuple[Cell, ...]
    settings: YardstickSettings
    seed: int

    def cell(self, method: str, background: str, width: float) -> Cell:
        """One cell.

        Raises
        ------
        KeyError
            If there is none.
        """
        for one in self.cells:
            if (one.method, one.background, one.width) == (method, background, width):
                return one
        raise KeyError(f"no cell of {method} on {background} at {width:g} m")

    def as_json(self) -> dict[str, Any]:
        """Everything for machines: rates in mm/yr, lengths in km; infinite is None."""
        return {
            "seed": self.seed,
            "false_windows": self.settings.false_windows,
            "found": self.settings.found,
            "cells": [self._cell_json(one) for one in self.cells],
        }

    def as_markdown(self) -> str:
        """Tables of d90 (mm/yr) and its ratio to the bound, and of counts at some rates."""
        widths = self.settings.widths
        head = " | ".join(f"{width / 1e3:.3g} km" for width in widths)
        lines = [
            f"| background | method | false windows | {head} |",
            "|---|---|---" + "|---" * len(widths) + "|",
        ]
        for background, method in self._rows():
            of_row = [self.cell(method, background, width) for width in widths]
            false = f"{of_row[0].flagged}/{of_row[0].windows}"
            cells = " | ".join(self._cell_text(one) for one in of_row)
            lines.append(f"| {background} | {method} | {false} | {cells} |")
        return "\n".join([*lines, "", *self._counts()]) + "\n"

    def _rows(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((one.background, one.method) for one in self.cells))

    def _counts(self) -> list[str]:
        """Table of the sources found at the rates shown, where they were tried."""
        lines = [
            f"| background | method | width | {' | '.join(f'{1e3 * r:g} mm/yr' for r in _SHOWN)} |",
            "|---|---|---" + "|---" * len(_SHOWN) + "|",
        ]
        tried = [one for one in self.cells if np.isin(_SHOWN, one.rates).all()]
        for one in sorted(tried, key=lambda one: self._rows().index((one.background, one.method))):
            shown = [one.counts[int(np.flatnonzero(one.rates == rate)[0])] for rate in _SHOWN]
            cells = " | ".join(
                f"{number}/{len(one.found)} ({100 * share.low:.0f}-{100 * share.high:.0f} %)"
                for number, share in shown
            )
            lines.append(
                f"| {one.background} | {one.method} | {one.width / 1e3:.3g} km | {cells} |"
            )
        return lines if tried else []

    def _ratio(self, one: Cell) -> float:
        bound = self.cell(BOUND, one.background, one.width).rate
        return one.rate / bound if np.isfinite(bound) else float("nan")

    def _cell_text(self, one: Cell) -> str:
        d90 = one.d90()
        if not np.isfinite(d90.estimate):
            return f"over {1e3 * one.rates[-1]:.3g}"
        high = f"{1e3 * d90.high:.3g}" if np.isfinite(d90.high) else "more"
        if one.at_most:
            return f"{1e3 * d90.estimate:.3g} or less"
        text = f"{1e3 * d90.estimate:.3g} ({1e3 * d90.low:.3g}-{high})"
        ratio, bound = self._ratio(one), self.cell(BOUND, one.background, one.width)
        if one.method == BOUND or np.isnan(ratio):
            return text
        return f"{text}, {'at least ' if bound.at_most else ''}{ratio:.2f}x"

    def _cell_json(self, one: Cell) -> dict[str, Any]:
        d90 = one.d90()
        values = {"d90": d90.estimate, "d90_low": d90.low, "d90_high": d90.high}
        ratio = self._ratio(one)
        return {
            "method": one.method,
            "background": one.background,
            "width_km": one.width / 1e3,
            "windows": one.windows,
            "windows_flagged": one.flagged,
            **{
                f"{name}_mm_per_year": 1e3 * value if np.isfinite(value) else None
                for name, value in values.items()
            },
            "d90_at_most": one.at_most,
            "over_bound": ratio if np.isfinite(ratio) else None,
            "sources": len(one.found),
            "rates_mm_per_year": (1e3 * one.rates).tolist(),
            "counts": [number for number, _ in one.counts],
            "shares": one.shares.tolist(),
            "shares_low": [share.low for _, share in one.counts],
            "shares_high": [share.high for _, share in one.counts],
            "largest_fall": one.largest_fall,
        }


def run_yardstick(
    methods: Mapping[str, Method],
    settings: YardstickSettings | None = None,
    *,
    backgrounds: Iterable[Background] | None = None,
    seed: int = 0,
    workers: int = 2,
    remember: Remember | None = None,
    progress: Progress | None = None,
) -> YardstickResult:
    """Measure d90 of every method and of the bound on every background.

    Parameters
    ----------
    methods
        By name; each judges a map, see `injection.Method`. Called from several threads.
    settings
        What is simulated; the defaults if None.
    backgrounds
        See `backgrounds`; turbulence alone if None.
    seed
        Fixes every window and source.
    workers
        Number of threads; the result does not depend on it.
    remember
        Gives the answer to (label, digest, method), by calling the function if it is not known.
    progress
        Told steps done, steps in all, and a word.
    """
    settings = settings or YardstickSettings()
    grounds = list(turbulence(settings, seed) if backgrounds is None else backgrounds)
    names = [BOUND, *methods]
    if len(set(names)) < len(names):
        raise ValueError(f"a method is called {BOUND!r}, as the bound is: give it another name")
    recall = remember or _within({})
    cells: list[Cell] = []
    with ThreadPoolExecutor(workers) as pool:
        for done, ground in enumerate(grounds):
            if progress:
                progress(done, len(grounds), ground.label)
            cells.extend(
                _cells(ground, _answers(ground, methods, settings, recall, pool), settings)
            )
    if progress:
        progress(len(grounds), len(grounds), "done")
    return YardstickResult(tuple(cells), settings, seed)


def _within(known: dict[tuple[str, ...], Answer]) -> Remember:
    def remember(key: tuple[str, ...], compute: Callable[[], Answer]) -> Answer:
        """Answer that is known or computed now."""
        if key not in known:
            known[key] = compute()
        return known[key]

    return remember


def _answers(
    ground: Background,
    methods: Mapping[str, Method],
    settings: YardstickSettings,
    remember: Remember,
    pool: ThreadPoolExecutor,
) -> dict[str, Answer]:
    bound = (ground.bound_of or ground.label, ground.digest, BOUND)
    answers = {BOUND: remember(bound, lambda: ground.bound(pool))}
    windows = cache(lambda: ground.open(pool))
    for name, method in methods.items():
        answers[name] = remember(
            (ground.label, ground.digest, name),
            partial(lambda one: judge(windows(), one, settings.false_windows, pool), method),
        )
    return answers


def _cells(
    ground: Background, answers: Mapping[str, Answer], settings: YardstickSettings
) -> Iterator[Cell]:
    everything = {width: np.ones(settings.sources, dtype=bool) for width in settings.widths}
    for label, part in {ground.label: everything, **ground.parts}.items():
        if not all(chosen.any() for chosen in part.values()):
            continue
        for width, (name, answer) in product(settings.widths, answers.items()):
            places = ground.places.get(width)
            yield Cell(
                name,
                label,
                width,
                ground.rates,
                answer.found[width][part[width]],
                settings.found,
                None if places is None else places[part[width]],
                ground.windows,
                answer.flagged,
            )
