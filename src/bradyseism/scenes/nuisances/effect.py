"""What a nuisance does to a map, and what every nuisance offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bradyseism.scenes.scenery import Scenery

PRESENT = 0.1
"""Share of its peak above which a nuisance counts as present."""


@dataclass(frozen=True, eq=False)
class Effect:
    """What one nuisance does to a map; all of shape (rows, columns).

    Parameters
    ----------
    velocity : array of float64
        LOS velocity (m/yr), positive toward the satellite, finite.
    present : array of bool
        Truth mask: True where the nuisance moves the map, or costs it data.
    lost : array of bool
        True where the map has no data because of it.

    Raises
    ------
    ValueError
        If the shapes differ or a velocity is not finite.
    """

    velocity: NDArray[np.float64]
    present: NDArray[np.bool_]
    lost: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not self.velocity.shape == self.present.shape == self.lost.shape:
            raise ValueError(
                f"shapes of velocity {self.velocity.shape}, present {self.present.shape} and lost "
                f"{self.lost.shape} differ: give three arrays of one scene"
            )
        if not np.isfinite(self.velocity).all():
            raise ValueError("velocity is not finite everywhere: mark lost pixels in `lost`")


class Nuisance(Protocol):
    """Anything that moves, or seems to move, or hides the ground, and is no volcano."""

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """One draw of it; zero and nowhere present where the scenery cannot hold it."""
        ...


def moving(velocity: NDArray[np.floating], lost: NDArray[np.bool_] | None = None) -> Effect:
    """Effect of a velocity (m/yr): present above a tenth of its peak, and where data are lost."""
    rate = np.abs(velocity)
    lost = np.zeros(velocity.shape, dtype=bool) if lost is None else lost
    present = (rate > PRESENT * float(rate.max(initial=0.0))) | lost
    return Effect(np.asarray(velocity, dtype=np.float64), present, lost)


def unit_peak(pattern: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pattern with a largest absolute value of 1, or all zero as it was."""
    peak = float(np.abs(pattern).max(initial=0.0))
    return pattern / peak if peak > 0 else pattern
