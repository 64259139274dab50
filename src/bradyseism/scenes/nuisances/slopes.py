"""Ground that moves downhill: creeping slopes, landslides and dumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bradyseism.physics.terrain import downslope_sensitivity, power_law_field, steepness
from bradyseism.scenes.nuisances.effect import Effect, moving, unit_peak
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery


@dataclass(frozen=True)
class SlopeCreep:
    """Slopes that creep downhill: patches with sharp edges on ground steeper than `steepest`.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr).
    steepest : float
        Least slope (degrees), or the steepest third of the scene where nothing is as steep.
    share : LogUniform
        Share (0-1) of the steep ground that moves.
    """

    amplitude: LogUniform = LogUniform(2e-3, 8e-2)
    steepest: float = 12.0
    share: LogUniform = LogUniform(0.02, 0.9)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Downslope motion seen along the look, patchy."""
        steep = steepness(scenery.elevation, scenery.pixel_size)
        steep_enough = steep > min(self.steepest, float(np.quantile(steep, 0.67)))
        patches = power_law_field(
            scenery.shape, rng.uniform(2.2, 3.6), rng, outer_scale=float(rng.uniform(6, 40))
        )
        active = patches > np.quantile(patches, 1 - self.share.draw(rng))
        rate = np.clip(steep / 35.0, 0.2, 1.0) * np.exp(0.3 * patches)
        seen = downslope_sensitivity(scenery.elevation, scenery.pixel_size, scenery.look)
        return moving(
            self.amplitude.draw(rng) * unit_peak(np.where(steep_enough & active, rate * seen, 0.0))
        )


@dataclass(frozen=True)
class LocalMotion:
    """Single landslides, dumps and dams: a few small compact spots.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr).
    """

    amplitude: LogUniform = LogUniform(3e-3, 2e-1)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """One to twelve spots of one to three pixels."""
        spots = np.zeros(scenery.shape)
        for _ in range(int(rng.integers(1, 13))):
            row, column = rng.integers(0, scenery.shape[0]), rng.integers(0, scenery.shape[1])
            spots[row : row + rng.integers(1, 4), column : column + rng.integers(1, 4)] = (
                rng.normal()
            )
        return moving(self.amplitude.draw(rng) * unit_peak(spots))
