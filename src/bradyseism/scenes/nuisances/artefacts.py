"""What the radar, the air and the processing add to a map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bradyseism.physics.terrain import blob, power_law_field
from bradyseism.scenes.nuisances.effect import Effect, moving, unit_peak
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery


@dataclass(frozen=True)
class StratifiedResidual:
    """Residual stratified delay: proportional to relief, with a coefficient that varies.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr); ours.
    """

    amplitude: LogUniform = LogUniform(5e-4, 2e-2)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Elevation times a smooth coefficient."""
        height = scenery.elevation - scenery.elevation.mean()
        coefficient = 1.0 + rng.uniform(0, 1.5) * power_law_field(scenery.shape, 4.0, rng)
        return moving(
            self.amplitude.draw(rng) * unit_peak(rng.choice([-1.0, 1.0]) * height * coefficient)
        )


@dataclass(frozen=True)
class Ramp:
    """Long-wavelength trend: orbit, plate motion, tide; a plane with some curvature.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr) from the centre of the scene; ours.
    """

    amplitude: LogUniform = LogUniform(5e-4, 4e-2)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """A random plane and a weaker quadratic."""
        easting, northing = (2 * axis / scenery.extent for axis in scenery.axes())
        tilt, bend = rng.standard_normal(2), 0.4 * rng.uniform() * rng.standard_normal(3)
        plane = tilt[0] * easting + tilt[1] * northing
        curved = bend[0] * easting**2 + bend[1] * northing**2 + bend[2] * easting * northing
        return moving(self.amplitude.draw(rng) * unit_peak(plane + curved))


@dataclass(frozen=True)
class UnwrappingJump:
    """A region unwrapped to the wrong cycle: one constant offset with sharp edges.

    Parameters
    ----------
    amplitude : LogUniform
        Offset (m/yr). One fringe of Sentinel-1 is 2.77 cm: the default is one within half a year
        to fourteen years.
    share : LogUniform
        Share (0-1) of the scene that jumps; ours.
    """

    amplitude: LogUniform = LogUniform(2e-3, 5e-2)
    share: LogUniform = LogUniform(0.005, 0.5)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """One constant over an irregular region."""
        region = blob(scenery.shape, self.share.draw(rng), rng, roughness=rng.uniform(2.2, 4.0))
        return moving(rng.choice([-1.0, 1.0]) * self.amplitude.draw(rng) * region)


@dataclass(frozen=True)
class PatchyTurbulence:
    """Turbulent residual that is stronger in one part of the scene, as over one ridge or track.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr): centimetres of delay an acquisition, averaged over years; ours.
    length : LogUniform
        e-folding length of the covariance over the side of the scene; ours.
    """

    amplitude: LogUniform = LogUniform(1e-3, 2e-2)
    length: LogUniform = LogUniform(0.02, 0.3)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Field of exponential covariance under a smooth envelope."""
        length = self.length.draw(rng) * scenery.extent / scenery.pixel_size
        # The spectrum of exp(-r / L) is (k^2 + 1 / (2 pi L)^2)^(-3/2).
        field = power_law_field(scenery.shape, 3.0, rng, outer_scale=2 * np.pi * length)
        envelope = np.exp(rng.uniform(0.5, 1.5) * power_law_field(scenery.shape, 4.0, rng))
        return moving(self.amplitude.draw(rng) * unit_peak(field * envelope))
