"""Flat ground that rises or sinks: salt flats, aquifers, mines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bradyseism.physics.terrain import blob, flat_ground, power_law_field
from bradyseism.scenes.nuisances.effect import Effect, moving, unit_peak
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery


@dataclass(frozen=True)
class SaltFlat:
    """A salt flat that swells or sinks with its brine: smooth or mottled, with a sharp shore.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr).
    share : LogUniform
        Share (0-1) of the scene that it covers.
    """

    amplitude: LogUniform = LogUniform(1e-3, 8e-2)
    share: LogUniform = LogUniform(0.005, 0.25)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Vertical motion within an irregular outline."""
        flat = blob(scenery.shape, self.share.draw(rng), rng, roughness=rng.uniform(2.6, 4.0))
        mottled = power_law_field(scenery.shape, rng.uniform(1.5, 3.5), rng)
        body = rng.choice([-1.0, 1.0]) + rng.uniform(0.2, 1.5) * mottled
        return moving(
            self.amplitude.draw(rng) * unit_peak(scenery.look[2] * np.where(flat, body, 0.0))
        )


@dataclass(frozen=True)
class Subsidence:
    """Aquifer or mine subsidence: flat-bottomed, irregular, in plains.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr).
    share : LogUniform
        Share (0-1) of the scene that sinks.
    """

    amplitude: LogUniform = LogUniform(2e-3, 1.5e-1)
    share: LogUniform = LogUniform(0.003, 0.2)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Downward motion of irregular patches, deepest on flat ground."""
        flat = flat_ground(scenery.elevation, scenery.pixel_size, steepest=3.0)
        basin = blob(scenery.shape, self.share.draw(rng), rng, roughness=rng.uniform(2.4, 3.4))
        where = (basin & flat) if (basin & flat).mean() > 0.3 * basin.mean() else basin
        uneven = np.exp(0.8 * power_law_field(scenery.shape, 2.8, rng))
        softness = rng.uniform(0.5, 2.5)
        bowl = ndimage.gaussian_filter(where * uneven, softness)
        return moving(-self.amplitude.draw(rng) * unit_peak(scenery.look[2] * bowl))
