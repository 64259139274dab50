"""Seeded scenes: sources, look, relief, noise, nuisances and gaps make a map with its truth.

Scene `index` of seed `seed` is always the same bits on one machine, in any process and order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray

from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import project
from bradyseism.physics.sources import Source
from bradyseism.physics.terrain import power_law_field, synthetic_relief
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.nuisances import NUISANCES, Nuisance, Scenery
from bradyseism.scenes.priors import LogUniform, LookPrior, SourcePrior

MAD_TO_DEVIATION = 1.4826
FASTEST_SOURCE = 10.0  # m/yr; a map of more is refused as one of the wrong unit


@dataclass(frozen=True)
class SceneSettings:
    """What a scene may hold.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    pixel_sizes : tuple of float
        Pixel sizes (m), one drawn per scene.
    volcanic : float
        Share (0-1) of scenes with a source.
    width : LogUniform
        Width of the source's signal over the side of the scene.
    signal_to_noise : LogUniform
        Peak LOS rate of the source over the robust spread of everything else in the scene.
    noise : LogUniform
        Standard deviation of the turbulent residual (m/yr).
    noise_length : LogUniform
        Covariance length of the turbulent residual over the side of the scene.
    speckle : LogUniform
        Standard deviation of pixel noise over that of the turbulent residual.
    nuisance_rate : float
        Mean number of nuisances in a scene (Poisson).
    nuisances : tuple of Nuisance
        Drawn from with equal chance.
    companion : float
        Share (0-1) of volcanic scenes in which a second, weaker source moves beside the first.
    patchy_speckle : float
        Share (0-1) of scenes whose pixel noise varies from place to place, as coherence does.
    looks : LookPrior
        Geometry of the satellite.
    sources : SourcePrior
        Bodies that deform.
    gaps : Gaps
        Missing data and true pixels.
    margin : float
        Sources keep this share of the side away from the edge.
    least_visible : float
        Share (0-1) of the area over half of a source's peak that must hold data; a source that
        shows less is left out, and the scene counts as quiet.
    """

    shape: tuple[int, int] = (64, 64)
    pixel_sizes: tuple[float, ...] = (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
    volcanic: float = 0.5
    width: LogUniform = LogUniform(0.07, 0.75)
    signal_to_noise: LogUniform = LogUniform(0.7, 300.0)
    noise: LogUniform = LogUniform(3e-4, 8e-3)
    noise_length: LogUniform = LogUniform(0.02, 0.6)
    speckle: LogUniform = LogUniform(0.02, 1.5)
    nuisance_rate: float = 1.8
    nuisances: tuple[Nuisance, ...] = tuple(NUISANCES.values())
    looks: LookPrior = LookPrior()
    sources: SourcePrior = SourcePrior()
    gaps: Gaps = Gaps()
    companion: float = 0.12
    patchy_speckle: float = 0.4
    margin: float = 0.06
    least_visible: float = 0.25

    def __post_init__(self) -> None:
        if min(self.shape) < 4:
            raise ValueError(f"shape {self.shape} is under 4 x 4 px: nothing fits in it")
        if not all(size > 0 for size in self.pixel_sizes) or not self.pixel_sizes:
            raise ValueError(f"pixel sizes {self.pixel_sizes} m are not all positive")
        if not 0 <= self.volcanic <= 1:
            raise ValueError(f"volcanic {self.volcanic:g} is outside 0-1: give a share of scenes")


@dataclass(frozen=True, eq=False)
class Truth:
    """What is hidden in a scene.

    Parameters
    ----------
    volcanic : bool
        Whether there is a source.
    source : Source or None
        The source at unit rate; multiply its displacement by `rate_factor` (1/yr).
    row, column : float
        Pixel of the source's centre (NaN without one).
    peak : float
        Signed peak LOS rate of the source (m/yr).
    deformation : array, shape (rows, columns)
        LOS velocity (m/yr) of the source alone.
    nuisances : tuple of str
        Class names of the nuisances present.
    nuisance_mask : array of bool, shape (rows, columns)
        True where any nuisance exceeds a tenth of its peak.
    """

    volcanic: bool
    source: Source | None
    row: float
    column: float
    peak: float
    deformation: NDArray[np.float64]
    nuisances: tuple[str, ...]
    nuisance_mask: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Scene:
    """A simulated map and its truth."""

    map: VelocityMap
    truth: Truth
    scenery: Scenery = field(repr=False)


def simulate(seed: int, index: int, settings: SceneSettings | None = None) -> Scene:
    """Scene `index` of seed `seed`.

    Parameters
    ----------
    seed, index : int
        Non-negative; together they fix every bit of the scene.
    settings : SceneSettings, optional
        What the scene may hold; default the windows of the shipped detector's training.

    Returns
    -------
    Scene
        `Scene.map` in m/yr, positive toward the satellite, on a metric grid.

    Raises
    ------
    ValueError
        If seed or index is negative.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"seed {seed} and index {index} must both be 0 or more")
    settings = settings or SceneSettings()
    rng = np.random.default_rng([seed, index])
    scenery = draw_scenery(settings, rng)
    background, names, mask = draw_background(scenery, settings, rng)
    volcanic = bool(rng.random() < settings.volcanic)
    valid = settings.gaps.draw(settings.shape, rng)
    truth = Truth(False, None, np.nan, np.nan, 0.0, np.zeros(settings.shape), names, mask)
    if volcanic:
        spread = robust_spread(background[valid])
        hidden = _add_source(scenery, settings, truth, spread, rng)
        strong = np.abs(hidden.deformation) >= 0.5 * abs(hidden.peak)
        if valid[strong].mean() >= settings.least_visible:
            truth = hidden
            if rng.random() < settings.companion:
                weaker = _add_source(scenery, settings, truth, 1.0, rng)
                share = rng.uniform(0.1, 0.9) * abs(truth.peak / weaker.peak)
                background = background + share * weaker.deformation
    velocity = np.where(valid, background + truth.deformation, np.nan)
    velocity = settings.gaps.pixelate(velocity, rng)
    return Scene(_as_map(velocity, scenery, f"scene-{seed}-{index}"), truth, scenery)


def draw_scenery(settings: SceneSettings, rng: np.random.Generator) -> Scenery:
    """Relief, pixel size and look of a scene."""
    pixel_size = float(rng.choice(settings.pixel_sizes))
    height = LogUniform(80.0, 1200.0).draw(rng)
    relief = synthetic_relief(
        settings.shape, pixel_size, rng, height=height, plains=float(rng.uniform(0, 0.7))
    )
    return Scenery(relief, pixel_size, settings.looks.draw(rng))


def draw_background(
    scenery: Scenery, settings: SceneSettings, rng: np.random.Generator
) -> tuple[NDArray[np.float64], tuple[str, ...], NDArray[np.bool_]]:
    """Everything but the source: velocity (m/yr), names of the nuisances, and their mask."""
    noise = settings.noise.draw(rng)
    length = settings.noise_length.draw(rng) * scenery.extent
    background = turbulent_field(
        ExponentialModel(noise**2, length), scenery.shape, scenery.pixel_size, rng
    )
    speckle = np.full(scenery.shape, noise * settings.speckle.draw(rng))
    if rng.random() < settings.patchy_speckle:
        speckle *= np.exp(rng.uniform(0.3, 1.2) * power_law_field(scenery.shape, 3.0, rng))
    background = background + speckle * rng.standard_normal(scenery.shape)
    mask = np.zeros(scenery.shape, dtype=bool)
    names = []
    for _ in range(int(rng.poisson(settings.nuisance_rate))):
        nuisance = settings.nuisances[int(rng.integers(len(settings.nuisances)))]
        pattern = nuisance.pattern(scenery, rng)
        background = background + nuisance.amplitude.draw(rng) * pattern
        mask |= np.abs(pattern) > 0.1
        names.append(type(nuisance).__name__)
    return background, tuple(names), mask


def robust_spread(values: NDArray[np.float64]) -> float:
    """Standard deviation estimated from the median absolute deviation (unit of `values`)."""
    centre = np.median(values)
    return float(MAD_TO_DEVIATION * np.median(np.abs(values - centre)))


def _add_source(
    scenery: Scenery,
    settings: SceneSettings,
    truth: Truth,
    spread: float,
    rng: np.random.Generator,
) -> Truth:
    """Truth with one source of either sign placed inside the margin."""
    rows, columns = scenery.shape
    row, column = rng.uniform(settings.margin, 1 - settings.margin, 2) * (rows, columns) - 0.5
    source = settings.sources.draw(settings.width.draw(rng) * scenery.extent, rng)
    easting, northing = scenery.axes()
    east_offset = (column - (columns - 1) / 2) * scenery.pixel_size
    north_offset = ((rows - 1) / 2 - row) * scenery.pixel_size
    source = replace(source, easting=east_offset, northing=north_offset)  # type: ignore[type-var]
    los = project(source.displacement(easting, northing), scenery.look)
    size = min(settings.signal_to_noise.draw(rng) * spread, FASTEST_SOURCE)
    peak = size * float(rng.choice([-1.0, 1.0]))
    extreme = float(los.flat[np.abs(los).argmax()])
    deformation = los * (peak / extreme)
    return replace(
        truth,
        volcanic=True,
        source=source,
        row=float(row),
        column=float(column),
        peak=peak,
        deformation=deformation,
    )


def _as_map(velocity: NDArray[np.float64], scenery: Scenery, name: str) -> VelocityMap:
    """Velocity on a local metric grid around (0 E, 0 N)."""
    rows, columns = scenery.shape
    size = scenery.pixel_size
    transform = Affine(size, 0.0, -columns * size / 2, 0.0, -size, rows * size / 2)
    grid = Grid(scenery.shape, transform, LOCAL_CRS)
    provenance = Provenance(path="", sha256="", reader="simulated")
    return VelocityMap(
        velocity.astype(np.float32),
        grid,
        years=5.0,
        look=scenery.look.astype(np.float32),
        name=name,
        provenance=provenance,
    )


LOCAL_CRS = pyproj.CRS.from_proj4("+proj=aeqd +lat_0=0 +lon_0=0 +datum=WGS84 +units=m")
