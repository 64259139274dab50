"""Ground on either side of a fault."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bradyseism.physics.faults import fault_parallel_velocity
from bradyseism.scenes.nuisances.effect import Effect, moving
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery
from bradyseism.scenes.shares import check_share


@dataclass(frozen=True)
class FaultStep:
    """Strain across a straight strike-slip fault: locked to some depth, or creeping above it too.

    Motion is horizontal and along strike: a fault that runs across the look is hardly seen, and a
    map of vertical motion shows nothing of it. Faults that dip or move down their dip are not among
    them; one such is an `Okada` with `dip_slip`.

    Parameters
    ----------
    amplitude : LogUniform
        Slip rate (m/yr) of either sense. Mapped faults slip by some mm/yr to some cm/yr, as the San
        Andreas fault of Savage and Burford (1973) does; bounds ours.
    locking : LogUniform
        Locking depth (m); ours.
    creeping : float
        Share (0-1) of faults that creep at the surface, at U(0.3, 1) of the slip rate down to
        U(0.05, 0.8) of the locking depth; ours.
    """

    amplitude: LogUniform = LogUniform(2e-3, 5e-2)
    locking: LogUniform = LogUniform(500.0, 20e3)
    creeping: float = 0.35

    def __post_init__(self) -> None:
        check_share(self, "creeping")

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """A fault of random strike through the scene, seen along the look."""
        easting, northing = scenery.axes()
        strike = rng.uniform(0, np.pi)
        offset = rng.uniform(-0.4, 0.4) * scenery.extent
        across = easting * np.cos(strike) - northing * np.sin(strike) - offset
        slip = float(rng.choice([-1.0, 1.0])) * self.amplitude.draw(rng)
        locking = self.locking.draw(rng)
        creeps = rng.random() < self.creeping
        along = fault_parallel_velocity(
            across,
            slip,
            locking,
            creep_rate=slip * float(rng.uniform(0.3, 1.0)) if creeps else 0.0,
            creep_depth=locking * float(rng.uniform(0.05, 0.8)) if creeps else 0.0,
        )
        seen = np.sin(strike) * scenery.look[0] + np.cos(strike) * scenery.look[1]
        return moving(along * seen)
