"""Prior distributions of looks and sources, each with its unit.

A prior of sources has two methods: `draw` gives a source at the origin, `peak` the line-of-sight
rate that its strongest pixel shall have. Three records do: `FootprintPrior` here, of which the
windows of the shipped detector are made, `PaperPrior` here, the volcanoes of Beker et al. (2022),
and `scenes.catalogue.CataloguePrior`, sources of published depths and rates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.half_space import BuriedSource
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import CDM, Mogi, PointCDM

Shape = Literal["mogi", "point", "sill", "dyke", "pipe", "cdm"]
SHAPES: tuple[Shape, ...] = ("mogi", "point", "sill", "dyke", "pipe", "cdm")

# Full width at half maximum of the vertical displacement of a Mogi source, in depths:
# 2 sqrt(2**(2/3) - 1).
MOGI_WIDTH_OVER_DEPTH = 2.0 * math.sqrt(2.0 ** (2.0 / 3.0) - 1.0)
FASTEST_SOURCE = 10.0  # m/yr; a map of more is refused as one of the wrong unit


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

    kind: ClassVar[str] = "broad"
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
class Geometry:
    """A line of sight.

    Parameters
    ----------
    direction : {"ascending", "descending"}
        Whose noise belongs to it.
    heading, incidence : float
        In degrees: clockwise from north, from the vertical at the ground.
    """

    direction: Literal["ascending", "descending"]
    heading: float
    incidence: float

    @property
    def look(self) -> NDArray[np.float64]:
        """Unit vector (east, north, up) from the ground to the satellite."""
        return look_vector(self.heading, self.incidence)


GEOMETRIES = (
    *(Geometry("ascending", -12.5, incidence) for incidence in (34.0, 43.0)),
    *(Geometry("descending", -167.5, incidence) for incidence in (32.0, 35.0, 38.0, 41.0, 44.0)),
)
"""Two ascending and five descending; the paper gives the numbers, not the angles."""


@dataclass(frozen=True)
class PaperLooks:
    """The seven lines of sight of the paper, drawn equally often.

    Parameters
    ----------
    geometries : tuple of Geometry
        Lines of sight; how many of each track is printed, their angles are ours.
    """

    kind: ClassVar[str] = "paper"
    geometries: tuple[Geometry, ...] = GEOMETRIES

    def __post_init__(self) -> None:
        if not self.geometries:
            raise ValueError("geometries are empty: give at least one line of sight")

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """One look vector (east, north, up), unit length, ground to satellite, shape (3,)."""
        return self.geometries[int(rng.integers(len(self.geometries)))].look


@dataclass(frozen=True, eq=False)
class View:
    """What a scene tells the prior of its source.

    Parameters
    ----------
    extent : float
        Longer side of the scene (m).
    look : array, shape (3,)
        East, north, up unit vector from the ground to the satellite.
    years : float
        Time span of the map.
    spread : float
        Robust spread (m/yr) of all that is not the source.
    """

    extent: float
    look: NDArray[np.float64]
    years: float
    spread: float


class Patch(Protocol):
    """A square patch of pixels."""

    @property
    def size(self) -> int:
        """Pixels along one side."""
        ...

    @property
    def pixel_size(self) -> float:
        """Side of a pixel (m)."""
        ...


@dataclass(frozen=True)
class BodyPrior:
    """Shapes, proportions and directions of bodies that have a wanted footprint.

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
        check_shapes(self.shapes, self.weights, SHAPES)

    def draw(self, width: float, rng: np.random.Generator) -> BuriedSource:
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


def check_shapes(
    shapes: tuple[str, ...], weights: tuple[float, ...], known: tuple[str, ...]
) -> None:
    """Raise ValueError unless every shape is known and has a weight, not all of them zero."""
    if (
        set(shapes) - set(known)
        or len(shapes) != len(weights)
        or not (sum(weights) > 0 <= min(weights))
    ):
        raise ValueError(
            f"shapes {shapes} with weights {weights}: name shapes out of {known} "
            "and give each one weight, not negative, not all zero"
        )


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


@dataclass(frozen=True)
class FootprintPrior:
    """Sources by what a map shows of them: the width of their signal, and its height over noise.

    Parameters
    ----------
    bodies : BodyPrior
        Shapes.
    width : LogUniform
        Width of the source's signal over the side of the scene.
    signal_to_noise : LogUniform
        Peak LOS rate of the source over the robust spread of everything else in the scene; either
        sign.
    """

    kind: ClassVar[str] = "footprint"
    bodies: BodyPrior = BodyPrior()
    width: LogUniform = LogUniform(0.04, 0.75)
    signal_to_noise: LogUniform = LogUniform(0.7, 300.0)

    def draw(self, view: View, rng: np.random.Generator) -> BuriedSource:
        """One inflating source at the origin."""
        return self.bodies.draw(self.width.draw(rng) * view.extent, rng)

    def peak(self, extreme: float, view: View, rng: np.random.Generator) -> float:
        """Signed LOS rate (m/yr) of the strongest pixel; `extreme` (m/yr) is as drawn."""
        size = min(self.signal_to_noise.draw(rng) * view.spread, FASTEST_SOURCE)
        return size * float(rng.choice([-1.0, 1.0]))


PAPER_BODIES = BodyPrior(shapes=("sill", "dyke", "pipe", "cdm"), weights=(0.25, 0.25, 0.25, 0.25))
"""The paper names the first three, "and other shapes"; how often each is our choice."""


@dataclass(frozen=True)
class PaperPrior:
    """The simulated volcanoes of Beker et al. (2022), scaled to a drawn peak.

    Printed are the kinds of bodies and the three bounds of the peak, "scale"; ours are the reading
    of the scale as the peak cumulative LOS displacement, its uniform law, either sign, and the
    widths.

    Parameters
    ----------
    bodies : BodyPrior
        Sill, dyke, pipe and other compound dislocation models, equally often.
    width : LogUniform
        Full width at half maximum (m) of the signal of a point source at the depth drawn.
    least_ascending, least_descending, largest : float
        Bounds (m) of the peak cumulative LOS displacement, uniform in between, either sign. An
        ascending look points west; its noise asks for a larger least peak.

    References
    ----------
    Beker, T., Ansari, H., Montazeri, S., Song, Q. and Zhu, X. X. (2022). Fine-tuning CNNs for
    decreased sensitivity to non-volcanic deformation velocity signals. Section 2.2.
    """

    kind: ClassVar[str] = "paper"
    bodies: BodyPrior = PAPER_BODIES
    width: LogUniform = LogUniform(2_000.0, 15_000.0)
    least_ascending: float = 0.015
    least_descending: float = 0.006
    largest: float = 0.10

    def __post_init__(self) -> None:
        for name in ("least_ascending", "least_descending"):
            least = getattr(self, name)
            if not 0 < least <= self.largest:
                raise ValueError(
                    f"{name} {least:g} m breaks 0 < {name} <= largest ({self.largest:g} m)"
                )

    def draw(self, view: View, rng: np.random.Generator) -> BuriedSource:
        """One inflating source at the origin."""
        return self.bodies.draw(self.width.draw(rng), rng)

    def peak(self, extreme: float, view: View, rng: np.random.Generator) -> float:
        """Signed LOS rate (m/yr) of the strongest pixel."""
        return self._peak(view.look, rng) / view.years

    def _peak(self, look: NDArray[np.float64], rng: np.random.Generator) -> float:
        """Signed peak cumulative LOS displacement (m)."""
        least = self.least_ascending if look[0] < 0 else self.least_descending
        return float(rng.uniform(least, self.largest) * rng.choice([-1.0, 1.0]))

    def displacement(
        self, look: NDArray[np.float64], patch: Patch, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw the cumulative LOS displacement (m), (size, size), of a volcano in the centre.

        Parameters
        ----------
        look : array, shape (3,)
            Unit vector (east, north, up) from the ground to the satellite.
        patch : Patch
            Size and pixel size, as an encoding has them.
        rng : numpy.random.Generator
            Source of randomness.
        """
        peak = self._peak(look, rng)
        source = self.bodies.draw(self.width.draw(rng), rng)
        axis = (np.arange(patch.size) - (patch.size - 1) / 2) * patch.pixel_size
        easting, northing = np.meshgrid(axis, -axis)
        los = project(source.displacement(easting, northing), look)
        # Linear elasticity: a source that opens more moves every pixel more by the same factor.
        extreme = los.flat[np.argmax(np.abs(los))]
        return np.asarray(los * (peak / extreme))
