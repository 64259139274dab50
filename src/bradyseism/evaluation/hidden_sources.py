"""Windows without a source and the same ground with sources of rising rate, and who finds them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bradyseism.evaluation.injection import Method, threshold_at
from bradyseism.evaluation.injection_plan import (
    Injection,
    InjectionSettings,
    draw_plan,
    unit_signal,
)
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.scenes.priors import BodyPrior

__all__ = ["Answer", "MapWindows", "Windows", "hide", "judge"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a method says of all windows of one background.

    Attributes
    ----------
    found : dict of arrays of bool (sources, rates)
        For each width (m), which sources it finds at which rate.
    flagged : int
        Windows without a source that it flags at its threshold; of the heavy-tailed bound, which
        has a threshold for each source and rate, the most.
    """

    found: Mapping[float, NDArray[np.bool_]]
    flagged: int


class Windows(Protocol):
    """One background: windows without a source, and windows with one of rising rate."""

    @property
    def empties(self) -> int:
        """Number of windows without a source."""
        ...

    @property
    def sources(self) -> Mapping[float, int]:
        """Number of sources of each width (m)."""
        ...

    def empty(self, index: int) -> VelocityMap:
        """Window without a source."""
        ...

    def loud(self, width: float, source: int) -> Iterator[VelocityMap]:
        """Window with a source of a width (m), once at each rate, the smallest first."""
        ...


@dataclass(frozen=True, eq=False)
class MapWindows:
    """Maps, and the sources that are added to some of them; implements `Windows`.

    Attributes
    ----------
    maps : sequence of VelocityMap
        Without a source; they set the thresholds.
    hosts : sequence of VelocityMap
        To which sources are added; the same as `maps` where there are few.
    plan : dict of sequences of Injection
        For each width (m), sources of rate 1 or -1, each with its index into `hosts`.
    rates : array (rates,)
        Peak rates (m/yr), rising.
    """

    maps: Sequence[VelocityMap]
    hosts: Sequence[VelocityMap]
    plan: Mapping[float, Sequence[Injection]]
    rates: NDArray[np.float64]

    @property
    def empties(self) -> int:
        """Number of windows without a source."""
        return len(self.maps)

    @property
    def sources(self) -> dict[float, int]:
        """Number of sources of each width (m)."""
        return {width: len(of_width) for width, of_width in self.plan.items()}

    def empty(self, index: int) -> VelocityMap:
        """Window without a source."""
        return self.maps[index]

    def loud(self, width: float, source: int) -> Iterator[VelocityMap]:
        """Window with a source of a width (m), once at each rate, the smallest first."""
        one = self.plan[width][source]
        host = self.hosts[one.frame]
        signal = one.rate * unit_signal(host, one)
        for rate in self.rates:
            yield host.with_velocity(host.velocity + rate * signal)


def hide(
    hosts: Sequence[VelocityMap],
    widths: Sequence[float],
    sources: int,
    prior: BodyPrior,
    rng: np.random.Generator,
) -> dict[float, tuple[Injection, ...]]:
    """Draw sources of rate 1 and -1 (m/yr) by turns, each host as often as any other.

    Parameters
    ----------
    hosts
        As `cut_frames` gives them; sources lie on valid pixels of their central halves.
    widths
        Widths (m) of the signals.
    sources
        Number of each width.
    prior
        Shapes of the sources.
    rng
        Fixes places, shapes and hosts.
    """
    plan = {}
    for width in widths:
        order = rng.permutation(len(hosts))
        drawn = []
        for source in range(sources):
            host = int(order[source % len(hosts)])
            # By turns, the other way round each time all hosts have had one.
            sign = 1.0 if (source + source // len(hosts)) % 2 == 0 else -1.0
            wanted = InjectionSettings(count=1, rates=(1.0,), widths=(width,), prior=prior)
            (one,) = draw_plan([hosts[host]], wanted, rng)
            drawn.append(replace(one, frame=host, rate=sign))
        plan[width] = tuple(drawn)
    return plan


def judge(
    windows: Windows, method: Method, false_windows: float, pool: ThreadPoolExecutor
) -> Answer:
    """Let a method judge every window of a background.

    Parameters
    ----------
    windows
        The background.
    method
        Called from the threads of `pool`.
    false_windows
        Share of the windows without a source that it may flag; sets its threshold.
    pool
        Threads; the answer does not depend on their number.
    """
    quiet = np.array(
        list(pool.map(lambda index: method(windows.empty(index)).score, range(windows.empties)))
    )
    limit = threshold_at(quiet, false_windows)

    def is_found(step: tuple[float, int]) -> list[bool]:
        """Whether the method finds a source at each rate."""
        return [method(window).score > limit for window in windows.loud(*step)]

    found = {}
    for width, count in windows.sources.items():
        steps = itertools.product([width], range(count))
        found[width] = np.array(list(pool.map(is_found, steps)))
    return Answer(found, int(np.sum(quiet > limit)))
