"""What a nuisance does to a map, and what every nuisance offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.line_of_sight import SENTINEL1_WAVELENGTH
from bradyseism.scenes.scenery import Scenery

PRESENT = 0.1
"""Share of its peak above which a nuisance counts as present."""

FASTEST_COHERENT = SENTINEL1_WAVELENGTH / 4 / (12 / 365.25)
"""LOS rate (m/yr) of half a fringe in 12 days: ground beside still ground is lost above it."""


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


def fast(velocity: NDArray[np.floating]) -> Effect:
    """Effect of a local motion (m/yr) that costs data where it is faster than radar can follow."""
    return moving(velocity, np.abs(velocity) > FASTEST_COHERENT)


def losing(lost: NDArray[np.bool_]) -> Effect:
    """Effect that costs data and moves nothing."""
    return Effect(np.zeros(lost.shape), lost, lost)


def unit_peak(pattern: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pattern with a largest absolute value of 1, or all zero as it was."""
    peak = float(np.abs(pattern).max(initial=0.0))
    return pattern / peak if peak > 0 else pattern
