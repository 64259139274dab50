"""Ground on either side of a fault."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bradyseism.scenes.nuisances.effect import Effect, moving, unit_peak
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery


@dataclass(frozen=True)
class FaultStep:
    """Strain across a fault: an arctangent that is locked to some depth, or a creeping step.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr) of either side.
    locking : LogUniform
        Locking depth (m); Savage and Burford (1973).
    creeping : float
        Share (0-1) of faults that creep at the surface.
    """

    amplitude: LogUniform = LogUniform(1e-3, 2e-2)
    locking: LogUniform = LogUniform(500.0, 20e3)
    creeping: float = 0.35

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """A straight fault of random strike through the scene."""
        easting, northing = scenery.axes()
        strike = rng.uniform(0, np.pi)
        offset = rng.uniform(-0.4, 0.4) * scenery.extent
        across = easting * np.cos(strike) - northing * np.sin(strike) - offset
        locking = self.locking.draw(rng)
        step = np.arctan(across / locking) / (np.pi / 2)
        if rng.random() < self.creeping:
            step = np.sign(across) * np.exp(-np.abs(across) / (3 * locking)) + 0.5 * step
        return moving(self.amplitude.draw(rng) * unit_peak(rng.choice([-1.0, 1.0]) * step))
