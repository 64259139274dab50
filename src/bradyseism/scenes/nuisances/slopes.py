"""Ground that moves downhill: creeping slopes, rock glaciers, landslides and dumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.flow import flow_lobe
from bradyseism.physics.quantiles import quantile
from bradyseism.physics.terrain import power_law_field
from bradyseism.scenes.nuisances.effect import (
    Effect,
    fast,
    losing,
    moving,
    unit_peak,
)
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery
from bradyseism.scenes.shares import check_share


@dataclass(frozen=True)
class SlopeCreep:
    """Slopes that creep downhill: patches with sharp edges on steep ground that the radar sees.

    Parameters
    ----------
    amplitude : LogUniform
        Fastest rate (m/yr) down the slope. The default spans the extremely slow (below 16 mm/yr)
        and the slower part of the very slow (16 mm/yr to 1.6 m/yr) class of landslides of Cruden
        and Varnes (1996); how much of it is seen follows from the slope and the look.
    steepest : float
        Least slope (degrees, 0-90), or the steepest third of the scene where nothing is as steep.
    share : LogUniform
        Share (0-1) of the steep ground that moves; ours.
    """

    amplitude: LogUniform = LogUniform(2e-3, 1e-1)
    steepest: float = 12.0
    share: LogUniform = LogUniform(0.02, 0.9)

    def __post_init__(self) -> None:
        if not 0.0 < self.steepest < 90.0:
            raise ValueError(f"steepest {self.steepest:g} deg of SlopeCreep is outside 0-90")
        check_share(self.share, "low", "high")

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Downslope motion seen along the look, patchy."""
        steep = scenery.steepness
        threshold = min(self.steepest, quantile(steep, 0.67))
        patches = power_law_field(
            scenery.shape, rng.uniform(2.2, 3.6), rng, outer_scale=float(rng.uniform(6, 40))
        )
        active = patches > quantile(patches, 1 - self.share.draw(rng))
        active &= (steep > threshold) & ~scenery.hidden
        pace = np.clip(steep / 35.0, 0.2, 1.0) * np.exp(0.3 * patches)
        downhill = self.amplitude.draw(rng) * unit_peak(np.where(active, pace, 0.0))
        return moving(downhill * scenery.downslope)


@dataclass(frozen=True)
class RockGlacier:
    """Rock glaciers and earth flows: lobes that follow the steepest descent, with sharp edges.

    Where a lobe is faster than the radar can follow it is lost.

    Parameters
    ----------
    amplitude : LogUniform
        Rate (m/yr) down the slope in the middle of a lobe. The default spans the classes by which
        InSAR inventories sort rock glaciers (below 1 cm/yr to over 1 m/yr; Bertone et al. 2022).
    length : LogUniform
        Length (m) along the flow; ours.
    aspect : LogUniform
        Length over width; lobes are 1, tongues more. Ours.
    count : LogUniform
        Number of lobes; ours.
    steepest : float
        Least slope (degrees, 0-90) where a lobe starts.
    """

    amplitude: LogUniform = LogUniform(1e-2, 1.0)
    length: LogUniform = LogUniform(300.0, 3000.0)
    aspect: LogUniform = LogUniform(1.0, 5.0)
    count: LogUniform = LogUniform(1.0, 12.0)
    steepest: float = 8.0

    def __post_init__(self) -> None:
        if not 0.0 < self.steepest < 90.0:
            raise ValueError(f"steepest {self.steepest:g} deg of RockGlacier is outside 0-90")

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Lobes that start on the steeper ground of the upper half of the relief."""
        high = scenery.elevation > quantile(scenery.elevation, 0.5)
        starts = np.argwhere((scenery.steepness > self.steepest) & high)
        if not len(starts):
            return losing(np.zeros(scenery.shape, dtype=bool))
        downhill = np.zeros(scenery.shape)
        rate = self.amplitude.draw(rng)
        for _ in range(round(self.count.draw(rng))):
            row, column = starts[rng.integers(len(starts))]
            # A pixel shows what is as large as itself.
            length = max(self.length.draw(rng), 2 * scenery.pixel_size)
            width = max(length / self.aspect.draw(rng), scenery.pixel_size)
            lobe = flow_lobe(
                scenery.elevation,
                scenery.pixel_size,
                (int(row), int(column)),
                length=length,
                width=width,
            )
            np.maximum(downhill, rate * rng.uniform(0.3, 1.0) * lobe, out=downhill)
        return fast(np.where(scenery.hidden, 0.0, downhill) * scenery.downslope)


@dataclass(frozen=True)
class LocalMotion:
    """Single landslides, dumps and dams: a few small compact spots.

    Parameters
    ----------
    amplitude : LogUniform
        Fastest LOS rate (m/yr); ours.
    """

    amplitude: LogUniform = LogUniform(3e-3, 2e-1)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """One to twelve spots of one to three pixels."""
        spots: NDArray[np.float64] = np.zeros(scenery.shape)
        for _ in range(int(rng.integers(1, 13))):
            row, column = rng.integers(0, scenery.shape[0]), rng.integers(0, scenery.shape[1])
            height, width = rng.integers(1, 4, 2)
            spots[row : row + height, column : column + width] = rng.normal()
        return moving(self.amplitude.draw(rng) * unit_peak(spots))
