"""Random scenes: sources, look, relief, noise, nuisances and gaps make a map with its truth.

Scene `index` of seed `seed` is always the same bits on one machine, in any process and order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray

from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.quantiles import MAD_TO_DEVIATION, quantile
from bradyseism.physics.relief import synthetic_relief
from bradyseism.physics.sources import Source
from bradyseism.physics.terrain import power_law_field
from bradyseism.scenes.catalogue import CataloguePrior
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.nuisances import NUISANCES, Nuisance
from bradyseism.scenes.priors import (
    FootprintPrior,
    LogUniform,
    LookPrior,
    PaperLooks,
    PaperPrior,
    View,
)
from bradyseism.scenes.sampling import seen_smoothly
from bradyseism.scenes.scenery import Scenery
from bradyseism.scenes.shares import check_share

if TYPE_CHECKING:
    from bradyseism.maps.readers.dem import Relief

LENGTHS = 16  # covariance lengths that scenes have between the bounds of their prior


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
        Share (0-1) of volcanic scenes in which a second, weaker source moves, too.
    patchy_speckle : float
        Share (0-1) of scenes whose pixel noise varies from place to place, as coherence does.
    looks : LookPrior or PaperLooks
        Geometry of the satellite.
    sources : FootprintPrior, PaperPrior or CataloguePrior
        What deforms, and how fast.
    years : float
        Time span of the map.
    gaps : Gaps
        Missing data and true pixels.
    margin : float
        Sources keep this share (0-0.5) of the side away from the edge; 0.5 is the centre.
    least_visible : float
        Share (0-1) of the area over half of a source's peak that must hold data; a source that
        shows less is left out, and the scene counts as quiet.
    """

    shape: tuple[int, int] = (64, 64)
    pixel_sizes: tuple[float, ...] = (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
    volcanic: float = 0.5
    noise: LogUniform = LogUniform(3e-4, 8e-3)
    noise_length: LogUniform = LogUniform(0.02, 0.6)
    speckle: LogUniform = LogUniform(0.02, 1.5)
    nuisance_rate: float = 1.8
    nuisances: tuple[Nuisance, ...] = tuple(NUISANCES.values())
    looks: LookPrior | PaperLooks = LookPrior()
    sources: FootprintPrior | PaperPrior | CataloguePrior = FootprintPrior()
    years: float = 5.0
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
        check_share(self, "volcanic", "companion", "patchy_speckle", "least_visible")
        if not 0.0 <= self.margin <= 0.5:
            raise ValueError(f"margin {self.margin:g} is outside 0-0.5: give a share of the side")
        if not 0.0 <= self.nuisance_rate < 100.0 or not self.nuisances:
            raise ValueError(
                f"nuisance_rate {self.nuisance_rate:g} of {len(self.nuisances)} kinds: give a mean "
                "number from 0 to 100, and at least one kind to draw from"
            )
        if not (np.isfinite(self.years) and self.years > 0):
            raise ValueError(f"time span {self.years:g} years is not positive")


@dataclass(frozen=True, eq=False)
class Truth:
    """What is hidden in a scene.

    Parameters
    ----------
    volcanic : bool
        Whether there is a source.
    source : Source or None
        What deforms, in metres east and north of the centre of the map; its displacement (m) is
        that of a mean year. Several sources are a sum.
    row, column : float
        Pixel of the centre of the (strongest) source, NaN without one.
    peak : float
        Signed peak LOS rate of that source (m/yr).
    deformation : array, shape (rows, columns)
        LOS velocity (m/yr) of all sources, without anything else.
    nuisance_masks : mapping of str to array of bool, shape (rows, columns)
        Class name of each nuisance in the scene -> where it is present: where it exceeds a tenth
        of its peak, or costs data.
    """

    volcanic: bool
    source: Source | None
    row: float
    column: float
    peak: float
    deformation: NDArray[np.float64]
    nuisance_masks: Mapping[str, NDArray[np.bool_]]

    @property
    def nuisances(self) -> tuple[str, ...]:
        """Class names of the nuisances in the scene, in the order drawn, each once."""
        return tuple(self.nuisance_masks)

    @property
    def nuisance_mask(self) -> NDArray[np.bool_]:
        """True where any nuisance is present, shape (rows, columns)."""
        mask = np.zeros(self.deformation.shape, dtype=bool)
        for present in self.nuisance_masks.values():
            mask |= present
        return mask


@dataclass(frozen=True, eq=False)
class Background:
    """Everything in a scene but the source; arrays of shape (rows, columns).

    Parameters
    ----------
    velocity : array of float64
        LOS velocity (m/yr), positive toward the satellite.
    lost : array of bool
        True where a nuisance costs data.
    nuisance_masks : mapping of str to array of bool
        As in `Truth`.
    """

    velocity: NDArray[np.float64]
    lost: NDArray[np.bool_]
    nuisance_masks: Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Scene:
    """A simulated map and its truth.

    Parameters
    ----------
    map : VelocityMap
        What a satellite would show; nothing in it tells that it is simulated but its provenance.
    truth : Truth
        What is hidden in it, on the same pixels.
    scenery : Scenery
        The ground it shows.
    """

    map: VelocityMap
    truth: Truth
    scenery: Scenery = field(repr=False)


def random_scene(
    seed: int,
    index: int,
    settings: SceneSettings | None = None,
    *,
    ground: Relief | None = None,
) -> Scene:
    """Scene `index` of seed `seed`.

    Parameters
    ----------
    seed, index : int
        Non-negative; together they fix every bit of the scene.
    settings : SceneSettings, optional
        What the scene may hold; default the windows of the shipped detector's training.
    ground : Relief, optional
        Real relief and its metric grid, on which the scene then lies, in place of synthetic relief
        around 0 E, 0 N. Its shape overrides that of the settings.

    Returns
    -------
    Scene
        `Scene.map` in m/yr, positive toward the satellite, on a metric grid.

    Raises
    ------
    ValueError
        If seed or index is negative.
    """
    stage = _set_stage(seed, index, settings or SceneSettings(), ground)
    return stage.scene(volcanic=stage.volcanic)


def twin_scenes(
    seed: int, index: int, settings: SceneSettings | None = None
) -> tuple[Scene, Scene]:
    """Scene `index` of seed `seed` without its source and with it, all else the same.

    Parameters
    ----------
    seed, index, settings
        As for `random_scene`, which gives one of the two.

    Returns
    -------
    quiet, volcanic : Scene
        The second is quiet, too, where gaps would hide its source.

    Raises
    ------
    ValueError
        If seed or index is negative.
    """
    stage = _set_stage(seed, index, settings or SceneSettings(), None)
    return stage.scene(volcanic=False), stage.scene(volcanic=True)


@dataclass(frozen=True, eq=False)
class _Stage:
    """All of a scene but its source, and the seeds of what follows."""

    scenery: Scenery
    settings: SceneSettings
    background: Background
    valid: NDArray[np.bool_]
    volcanic: bool
    seeds: tuple[int, int]
    empty: VelocityMap

    def scene(self, *, volcanic: bool) -> Scene:
        """What a map shows, with the source or without."""
        settings, background = self.settings, self.background
        sources, pixels = (np.random.default_rng(seed) for seed in self.seeds)
        quiet = np.zeros(settings.shape)
        truth = Truth(False, None, np.nan, np.nan, 0.0, quiet, background.nuisance_masks)
        if volcanic:
            spread = robust_spread(background.velocity[self.valid])
            truth = with_sources(
                truth, self.scenery, settings, self.valid, spread=spread, rng=sources
            )
        velocity = np.where(self.valid, background.velocity + truth.deformation, np.nan)
        velocity = settings.gaps.pixelate(velocity, pixels)
        shown = replace(self.empty, velocity=velocity.astype(np.float32))
        return Scene(shown, truth, self.scenery)


def _set_stage(seed: int, index: int, settings: SceneSettings, ground: Relief | None) -> _Stage:
    if seed < 0 or index < 0:
        raise ValueError(f"seed {seed} and index {index} must both be 0 or more")
    rng = np.random.default_rng([seed, index])
    if ground is None:
        scenery = draw_scenery(settings, rng)
        grid = _local_grid(scenery)
    else:
        settings = replace(settings, shape=ground.grid.shape)
        height = ground.elevation.astype(np.float64)
        scenery = Scenery(height, ground.grid.pixel_size, settings.looks.draw(rng))
        grid = ground.grid
    background = draw_background(scenery, settings, rng)
    volcanic = bool(rng.random() < settings.volcanic)
    valid = settings.gaps.draw(settings.shape, rng)
    both = valid & ~background.lost
    valid = both if both.mean() >= settings.gaps.least_valid else ~background.lost
    first, second = (int(word) for word in rng.integers(2**63, size=2))
    empty = VelocityMap(
        np.zeros(settings.shape, dtype=np.float32),
        grid,
        years=settings.years,
        look=scenery.look.astype(np.float32),
        name=f"scene-{seed}-{index}",
        provenance=Provenance(path="", sha256="", reader="simulated"),
    )
    return _Stage(scenery, settings, background, valid, volcanic, (first, second), empty)


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
) -> Background:
    """Everything but the source: turbulence, pixel noise and nuisances.

    A nuisance that the scenery cannot hold, or that would leave less than
    `settings.gaps.least_valid` of the scene, is left out.
    """
    noise = settings.noise.draw(rng)
    length = _step(settings.noise_length, rng) * max(scenery.shape)
    background = noise * turbulent_field(ExponentialModel(1.0, length), scenery.shape, 1.0, rng)
    speckle = np.full(scenery.shape, noise * settings.speckle.draw(rng))
    if rng.random() < settings.patchy_speckle:
        speckle *= np.exp(rng.uniform(0.3, 1.2) * power_law_field(scenery.shape, 3.0, rng))
    background = background + speckle * rng.standard_normal(scenery.shape, dtype=np.float32)
    lost = np.zeros(scenery.shape, dtype=bool)
    masks: dict[str, NDArray[np.bool_]] = {}
    for _ in range(int(rng.poisson(settings.nuisance_rate))):
        nuisance = settings.nuisances[int(rng.integers(len(settings.nuisances)))]
        effect = nuisance.effect(scenery, rng)
        enough = 1.0 - (lost | effect.lost).mean() >= settings.gaps.least_valid
        if not (enough and effect.present.any()):
            continue
        background = background + effect.velocity
        lost = lost | effect.lost
        name = type(nuisance).__name__
        masks[name] = masks.get(name, False) | effect.present
    return Background(background, lost, masks)


def _step(lengths: LogUniform, rng: np.random.Generator) -> float:
    """One of `LENGTHS` values, evenly spread in the logarithm: scenes of one share their torus."""
    share = (int(rng.integers(LENGTHS)) + 0.5) / LENGTHS
    return float(lengths.low * (lengths.high / lengths.low) ** share)


def robust_spread(values: NDArray[np.float64]) -> float:
    """Standard deviation estimated from the median absolute deviation (unit of `values`)."""
    centre = quantile(values, 0.5)
    return MAD_TO_DEVIATION * quantile(np.abs(values - centre), 0.5)


def with_sources(
    quiet: Truth,
    scenery: Scenery,
    settings: SceneSettings,
    valid: NDArray[np.bool_],
    *,
    spread: float,
    rng: np.random.Generator,
) -> Truth:
    """Truth with a source, and sometimes a companion; still quiet where gaps hide the source.

    Parameters
    ----------
    quiet : Truth
        Without a source.
    scenery : Scenery
        Where it shall lie.
    settings : SceneSettings
        What the sources are, and how far from the border.
    valid : array of bool, shape (rows, columns)
        True where there is data.
    spread : float
        Robust spread (m/yr) of all that is not the source.
    rng : numpy.random.Generator
        Source of randomness.
    """
    truth = _add_source(scenery, settings, quiet, spread, rng)
    strong = np.abs(truth.deformation) >= 0.5 * abs(truth.peak)
    if valid[strong].mean() < settings.least_visible:
        return quiet
    if rng.random() >= settings.companion:
        return truth
    weaker = _add_source(scenery, settings, quiet, spread, rng)
    share = rng.uniform(0.1, 0.9) * abs(truth.peak / weaker.peak)
    if truth.source is None or weaker.source is None:
        return truth
    return replace(
        truth,
        source=truth.source + weaker.source * share,
        deformation=truth.deformation + weaker.deformation * share,
    )


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
    view = View(scenery.extent, scenery.look, settings.years, spread)
    source = settings.sources.draw(view, rng)
    east_offset = (column - (columns - 1) / 2) * scenery.pixel_size
    north_offset = ((rows - 1) / 2 - row) * scenery.pixel_size
    source = replace(source, easting=east_offset, northing=north_offset)
    los = seen_smoothly(source, scenery)
    extreme = float(los.flat[np.abs(los).argmax()])
    peak = settings.sources.peak(extreme, view, rng)
    return replace(
        truth,
        volcanic=True,
        source=source * (peak / extreme),
        row=float(row),
        column=float(column),
        peak=peak,
        deformation=los * (peak / extreme),
    )


def _local_grid(scenery: Scenery) -> Grid:
    """Metric grid around (0 E, 0 N)."""
    rows, columns = scenery.shape
    size = scenery.pixel_size
    transform = Affine(size, 0.0, -columns * size / 2, 0.0, -size, rows * size / 2)
    return Grid(scenery.shape, transform, LOCAL_CRS)


LOCAL_CRS = pyproj.CRS.from_proj4("+proj=aeqd +lat_0=0 +lon_0=0 +datum=WGS84 +units=m")
