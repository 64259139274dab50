"""Prior distributions of sources, looks and noise, each with its unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.line_of_sight import look_vector
from bradyseism.physics.sources import CDM, Mogi, PointCDM, Source

Shape = Literal["mogi", "point", "sill", "dyke", "pipe", "cdm"]
SHAPES: tuple[Shape, ...] = ("mogi", "point", "sill", "dyke", "pipe", "cdm")

# Full width at half maximum of the vertical displacement of a Mogi source, in depths:
# 2 sqrt(2**(2/3) - 1).
MOGI_WIDTH_OVER_DEPTH = 2.0 * math.sqrt(2.0 ** (2.0 / 3.0) - 1.0)


@dataclass(frozen=True)
class LogUniform:
    """Log-uniform distribution between two positive bounds.

    Parameters
    ----------
    low, high : float
        Bounds, 0 < low <= high, in the unit of the quantity.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high < math.inf:
            raise ValueError(
                f"log-uniform bounds {self.low:g} to {self.high:g} break 0 < low <= high"
            )

    def draw(self, rng: np.random.Generator) -> float:
        """One value, in the unit of the bounds."""
        return float(np.exp(rng.uniform(math.log(self.low), math.log(self.high))))


@dataclass(frozen=True)
class LookPrior:
    """Right-looking polar-orbit geometries.

    Parameters
    ----------
    incidence : (float, float)
        Bounds of the incidence angle (degrees), uniform.
    heading_spread : float
        Half width (degrees) around the headings -12 (ascending) and -168 (descending).
    vertical : float
        Share (0-1) of maps of vertical motion, such as decomposed products.
    """

    incidence: tuple[float, float] = (20.0, 48.0)
    heading_spread: float = 8.0
    vertical: float = 0.08

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """One look vector (east, north, up), unit length, ground to satellite, shape (3,)."""
        if rng.random() < self.vertical:
            return np.array([0.0, 0.0, 1.0])
        heading = rng.choice([-12.0, -168.0]) + rng.uniform(-1, 1) * self.heading_spread
        return look_vector(float(heading), float(rng.uniform(*self.incidence)))


@dataclass(frozen=True)
class SourcePrior:
    """Broad prior of volcanic sources of a wanted footprint.

    Parameters
    ----------
    shapes : tuple of str
        Names out of `SHAPES`, drawn with `weights`.
    weights : tuple of float
        Relative frequency of each shape.
    aspect : LogUniform
        Longest over shortest semi-axis of extended bodies.
    relative_size : LogUniform
        Largest semi-axis over depth of extended bodies.
    poisson : (float, float)
        Bounds of Poisson's ratio.
    """

    shapes: tuple[Shape, ...] = SHAPES
    weights: tuple[float, ...] = (0.25, 0.3, 0.15, 0.1, 0.05, 0.15)
    aspect: LogUniform = LogUniform(1.0, 6.0)
    relative_size: LogUniform = LogUniform(0.1, 0.8)
    poisson: tuple[float, float] = (0.22, 0.30)

    def __post_init__(self) -> None:
        unknown = set(self.shapes) - set(SHAPES)
        if unknown or len(self.shapes) != len(self.weights) or not sum(self.weights) > 0:
            raise ValueError(
                f"shapes {self.shapes} with weights {self.weights}: name shapes out of {SHAPES} "
                "and give each one weight, not all zero"
            )

    def draw(self, width: float, rng: np.random.Generator) -> Source:
        """One inflating source at the origin.

        Parameters
        ----------
        width : float
            Full width at half maximum (m) of the vertical displacement of a Mogi source at
            the depth that is drawn; other shapes at that depth are of similar width.
        rng : numpy.random.Generator
            Source of randomness.
        """
        depth = width / MOGI_WIDTH_OVER_DEPTH
        weights = np.asarray(self.weights) / sum(self.weights)
        shape = self.shapes[int(rng.choice(len(self.shapes), p=weights))]
        poisson = float(rng.uniform(*self.poisson))
        if shape == "mogi":
            return Mogi(0.0, 0.0, depth, volume_change=1e6, poisson=poisson)
        if shape == "point":
            return self._point(depth, poisson, rng)
        return self._body(shape, depth, poisson, rng)

    def _point(self, depth: float, poisson: float, rng: np.random.Generator) -> PointCDM:
        share = rng.dirichlet((0.7, 0.7, 0.7))
        return PointCDM(
            0.0,
            0.0,
            depth,
            potencies=_triple(1e6 * share),
            rotations=_triple(rng.uniform(-90, 90, 3)),
            poisson=poisson,
        )

    def _body(self, shape: Shape, depth: float, poisson: float, rng: np.random.Generator) -> CDM:
        longest = self.relative_size.draw(rng) * depth
        shortest = longest / self.aspect.draw(rng)
        azimuth, tilt = float(rng.uniform(0, 180)), float(rng.uniform(0, 25))
        axes = {
            "sill": (longest, shortest, 0.0),
            "dyke": (0.0, longest, shortest),
            "pipe": (shortest, shortest, longest),
        }.get(shape) or _triple(rng.uniform(shortest, longest, 3))
        # The farthest vertex of any rectangle lies within sqrt(2) semi-axes of the centre.
        scale = min(1.0, 0.65 * depth / max(axes))
        return CDM(
            0.0,
            0.0,
            depth,
            semi_axes=_triple(scale * np.array(axes)),
            opening=1.0,
            rotations=(tilt, float(rng.uniform(-25, 25)), azimuth),
            poisson=poisson,
        )


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
