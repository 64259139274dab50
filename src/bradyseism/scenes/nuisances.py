"""What is mistaken for a volcano: records with a prior, each drawing one pattern on a scenery.

A pattern is LOS velocity of unit peak, shape (rows, columns), positive toward the satellite;
`amplitude` is the prior of its peak (m/yr). Where a pattern exceeds a tenth of its peak it counts
as present (the truth mask of a scene).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.terrain import (
    blob,
    downslope_sensitivity,
    flat_ground,
    power_law_field,
    steepness,
)
from bradyseism.scenes.priors import LogUniform

Pattern = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scenery:
    """The ground that a map shows.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Elevation (m), north-up.
    pixel_size : float
        Pixel size (m).
    look : array, shape (3,)
        East, north, up unit vector from the ground to the satellite.
    """

    elevation: NDArray[np.float64]
    pixel_size: float
    look: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.elevation.shape
        return rows, columns

    def axes(self) -> tuple[Pattern, Pattern]:
        """Easting and northing (m) of each pixel from the centre, each (rows, columns)."""
        rows, columns = np.indices(self.shape, dtype=np.float64)
        easting = (columns - (self.shape[1] - 1) / 2) * self.pixel_size
        northing = ((self.shape[0] - 1) / 2 - rows) * self.pixel_size
        return easting, northing

    @property
    def extent(self) -> float:
        """Longer side (m)."""
        return max(self.shape) * self.pixel_size


class Nuisance(Protocol):
    """Anything that moves, or seems to move, and is no volcano."""

    @property
    def amplitude(self) -> LogUniform:
        """Prior of the peak (m/yr)."""
        ...

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """One pattern of unit peak (or all zero where the scenery cannot hold it)."""
        ...


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

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """Downslope motion seen along the look, patchy."""
        steep = steepness(scenery.elevation, scenery.pixel_size)
        steep_enough = steep > min(self.steepest, float(np.quantile(steep, 0.67)))
        patches = power_law_field(
            scenery.shape, rng.uniform(2.2, 3.6), rng, outer_scale=float(rng.uniform(6, 40))
        )
        moving = patches > np.quantile(patches, 1 - self.share.draw(rng))
        rate = np.clip(steep / 35.0, 0.2, 1.0) * np.exp(0.3 * patches)
        seen = downslope_sensitivity(scenery.elevation, scenery.pixel_size, scenery.look)
        return _unit_peak(np.where(steep_enough & moving, rate * seen, 0.0))


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

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """Vertical motion within an irregular outline."""
        flat = blob(scenery.shape, self.share.draw(rng), rng, roughness=rng.uniform(2.6, 4.0))
        mottled = power_law_field(scenery.shape, rng.uniform(1.5, 3.5), rng)
        body = rng.choice([-1.0, 1.0]) + rng.uniform(0.2, 1.5) * mottled
        return _unit_peak(scenery.look[2] * np.where(flat, body, 0.0))


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

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """Downward motion of irregular patches, deepest on flat ground."""
        flat = flat_ground(scenery.elevation, scenery.pixel_size, steepest=3.0)
        basin = blob(scenery.shape, self.share.draw(rng), rng, roughness=rng.uniform(2.4, 3.4))
        where = (basin & flat) if (basin & flat).mean() > 0.3 * basin.mean() else basin
        uneven = np.exp(0.8 * power_law_field(scenery.shape, 2.8, rng))
        softness = rng.uniform(0.5, 2.5)
        bowl = ndimage.gaussian_filter(where * uneven, softness)
        return -_unit_peak(scenery.look[2] * bowl)


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

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """A straight fault of random strike through the scene."""
        easting, northing = scenery.axes()
        strike = rng.uniform(0, np.pi)
        offset = rng.uniform(-0.4, 0.4) * scenery.extent
        across = easting * np.cos(strike) - northing * np.sin(strike) - offset
        locking = self.locking.draw(rng)
        step = np.arctan(across / locking) / (np.pi / 2)
        if rng.random() < self.creeping:
            step = np.sign(across) * np.exp(-np.abs(across) / (3 * locking)) + 0.5 * step
        return _unit_peak(rng.choice([-1.0, 1.0]) * step)


@dataclass(frozen=True)
class StratifiedResidual:
    """Residual stratified delay: proportional to relief, with a coefficient that varies.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr).
    """

    amplitude: LogUniform = LogUniform(5e-4, 2e-2)

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """Elevation times a smooth coefficient."""
        height = scenery.elevation - scenery.elevation.mean()
        coefficient = 1.0 + rng.uniform(0, 1.5) * power_law_field(scenery.shape, 4.0, rng)
        return _unit_peak(rng.choice([-1.0, 1.0]) * height * coefficient)


@dataclass(frozen=True)
class Ramp:
    """Long-wavelength trend: orbit, plate motion, tide; a plane with some curvature.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr) from the centre of the scene.
    """

    amplitude: LogUniform = LogUniform(5e-4, 4e-2)

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """A random plane and a weaker quadratic."""
        easting, northing = (2 * axis / scenery.extent for axis in scenery.axes())
        tilt, bend = rng.standard_normal(2), 0.4 * rng.uniform() * rng.standard_normal(3)
        plane = tilt[0] * easting + tilt[1] * northing
        curved = bend[0] * easting**2 + bend[1] * northing**2 + bend[2] * easting * northing
        return _unit_peak(plane + curved)


@dataclass(frozen=True)
class UnwrappingJump:
    """A region unwrapped to the wrong cycle: one constant offset with sharp edges.

    Parameters
    ----------
    amplitude : LogUniform
        Offset (m/yr).
    share : LogUniform
        Share (0-1) of the scene that jumps.
    """

    amplitude: LogUniform = LogUniform(2e-3, 5e-2)
    share: LogUniform = LogUniform(0.005, 0.5)

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """One constant over an irregular region."""
        region = blob(scenery.shape, self.share.draw(rng), rng, roughness=rng.uniform(2.2, 4.0))
        return np.asarray(rng.choice([-1.0, 1.0]) * region)


@dataclass(frozen=True)
class LocalMotion:
    """Single landslides, dumps and dams: a few small compact spots.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr).
    """

    amplitude: LogUniform = LogUniform(3e-3, 2e-1)

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """One to twelve spots of one to three pixels."""
        spots = np.zeros(scenery.shape)
        for _ in range(int(rng.integers(1, 13))):
            row, column = rng.integers(0, scenery.shape[0]), rng.integers(0, scenery.shape[1])
            spots[row : row + rng.integers(1, 4), column : column + rng.integers(1, 4)] = (
                rng.normal()
            )
        return _unit_peak(spots)


@dataclass(frozen=True)
class PatchyTurbulence:
    """Turbulent residual that is stronger in one part of the scene, as over one ridge or track.

    Parameters
    ----------
    amplitude : LogUniform
        Peak LOS rate (m/yr).
    length : LogUniform
        Covariance length over the side of the scene.
    """

    amplitude: LogUniform = LogUniform(1e-3, 2e-2)
    length: LogUniform = LogUniform(0.02, 0.3)

    def pattern(self, scenery: Scenery, rng: np.random.Generator) -> Pattern:
        """Exponential-covariance field under a smooth envelope."""
        length = self.length.draw(rng) * scenery.extent
        field = turbulent_field(
            ExponentialModel(1.0, length), scenery.shape, scenery.pixel_size, rng
        )
        envelope = np.exp(rng.uniform(0.5, 1.5) * power_law_field(scenery.shape, 4.0, rng))
        return _unit_peak(field * envelope)


NUISANCES: dict[str, Nuisance] = {
    "slope creep": SlopeCreep(),
    "salt flat": SaltFlat(),
    "subsidence": Subsidence(),
    "fault step": FaultStep(),
    "stratified residual": StratifiedResidual(),
    "ramp": Ramp(),
    "unwrapping jump": UnwrappingJump(),
    "local motion": LocalMotion(),
    "patchy turbulence": PatchyTurbulence(),
}


def _unit_peak(pattern: Pattern) -> Pattern:
    peak = float(np.abs(pattern).max(initial=0.0))
    return pattern / peak if peak > 0 else pattern
