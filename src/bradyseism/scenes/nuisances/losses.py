"""What costs a map its data: layover and shadow, vegetation, snow, water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bradyseism.physics.quantiles import quantile
from bradyseism.physics.terrain import blob, power_law_field
from bradyseism.scenes.nuisances.effect import Effect, losing
from bradyseism.scenes.nuisances.plains import nowhere, pixel_of, plain
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery
from bradyseism.scenes.shares import check_share


@dataclass(frozen=True)
class LayoverShadow:
    """Ground that a side-looking radar does not see, or mixes with other ground; nothing is drawn.

    `physics.visibility` says what it is (Kropatsch and Strobl 1990).
    """

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """All layover and shadow of the relief, lost."""
        return losing(scenery.hidden)


@dataclass(frozen=True)
class Vegetation:
    """Vegetation that decorrelates: frayed, denser on low ground.

    Parameters
    ----------
    share : LogUniform
        Share (0-1) of the scene; ours.
    """

    share: LogUniform = LogUniform(0.01, 0.5)

    def __post_init__(self) -> None:
        check_share(self.share, "low", "high")

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """A frayed part of the scene, lost."""
        frayed = power_law_field(scenery.shape, rng.uniform(1.5, 3.2), rng)
        cover = frayed - rng.uniform(0.0, 2.0) * _standardised(scenery.elevation)
        return losing(cover > quantile(cover, 1 - self.share.draw(rng)))


@dataclass(frozen=True)
class Snow:
    """Snow and ice on the highest ground, above a line that is not quite level.

    Parameters
    ----------
    share : LogUniform
        Share (0-1) of the scene; ours.
    """

    share: LogUniform = LogUniform(0.005, 0.3)

    def __post_init__(self) -> None:
        check_share(self.share, "low", "high")

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """The highest ground, lost; none where the relief is level."""
        if not np.ptp(scenery.elevation) > 0.0:
            return nowhere(scenery)
        uneven = power_law_field(scenery.shape, 2.5, rng)
        height = _standardised(scenery.elevation) + rng.uniform(0.05, 0.3) * uneven
        return losing(height > quantile(height, 1 - self.share.draw(rng)))


@dataclass(frozen=True)
class Water:
    """A lake on a plain: smooth, sharp shores, nothing in it.

    Parameters
    ----------
    share : LogUniform
        Share (0-1) of the scene; ours.
    """

    share: LogUniform = LogUniform(0.002, 0.15)

    def __post_init__(self) -> None:
        check_share(self.share, "low", "high")

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """One lake, lost; none where there is no plain."""
        ground = plain(scenery, rng)
        if ground is None:
            return nowhere(scenery)
        centre, share = pixel_of(ground, rng), self.share.draw(rng)
        return losing(ground & blob(scenery.shape, share, rng, roughness=4.0, centre=centre))


def _standardised(elevation: np.ndarray) -> np.ndarray:
    """Elevation of zero mean and unit standard deviation, or all zero where it is level."""
    spread = float(elevation.std())
    centred = elevation - elevation.mean()
    return np.asarray(centred / spread if spread > 0 else centred)
