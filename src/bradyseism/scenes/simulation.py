"""One map as you order it: your sources, look, grid, noise, nuisances and gaps, with its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import CovarianceModel
from bradyseism.physics.half_space import BuriedSource, Source
from bradyseism.physics.line_of_sight import project
from bradyseism.physics.population import ModelPopulation
from bradyseism.physics.relief import synthetic_relief
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.nuisances import Nuisance
from bradyseism.scenes.scenery import Scenery
from bradyseism.scenes.synthesis import Scene, Truth

TRUE_SCALE = 0.01
"""How far the pixels of a grid may be from square and of their nominal size on the ground."""


def simulate(
    source: Source | None = None,
    *,
    on: Grid | VelocityMap | None = None,
    look: ArrayLike | None = None,
    years: float | None = None,
    elevation: ArrayLike | None = None,
    noise: CovarianceModel | ModelPopulation | None = None,
    nuisances: Sequence[Nuisance] = (),
    gaps: Gaps | NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> Scene:
    """Simulate one velocity map of given sources, and know its truth.

    Parameters
    ----------
    source : Source, optional
        Any record, or a sum of them, in metres east and north of the centre of the grid (`offset`
        gives them of a longitude and latitude). Its displacement is that of one year: an opening
        of 0.1 m is 0.1 m/yr. None: a map without volcanic deformation.
    on : Grid or VelocityMap, optional
        Pixels of the map; metric and true to scale. A map lends its pixels, and its look, time span
        and gaps besides, but not its velocity. Default: 256 x 256 pixels of 200 m around 0 E, 0 N.
    look : (3,) or (3, rows, columns) array, optional
        East, north, up unit vector from the ground to the satellite, as `look_vector` gives it.
        Needed, unless a map brings it.
    years : float, optional
        Time span of the map; that of the map, or 5.
    elevation : (rows, columns) array, optional
        Height (m) of the ground on every pixel, above the level that depths count from: the source
        is seen through it (Williams and Wadge 1998) and nuisances follow it. None: the source sees
        a flat surface, and nuisances a synthetic relief that follows from the seed.
    noise : CovarianceModel or ModelPopulation, optional
        Turbulent residual and pixel noise: variances in (m/yr)2, lengths in m, for example what
        `fit` makes of a real map. None: no noise.
    nuisances : sequence of Nuisance
        What else moves or hides the ground, one draw of each; what the ground cannot hold (slopes
        on a plain) is not in the truth.
    gaps : Gaps or (rows, columns) array of bool, optional
        Prior of missing pixels, or True where there is data. None: complete, or as the map.
    seed : int
        Noise, each nuisance, synthetic relief and gaps follow from it, each on its own: another
        noise leaves the gaps where they are.

    Returns
    -------
    Scene
        `Scene.map` is the `VelocityMap` in m/yr, positive toward the satellite, as a satellite
        shows it; `Scene.truth` what is hidden in it.

    Raises
    ------
    ValueError
        If the look is missing or not of unit length, a shape differs from that of the grid, the
        elevation does not cover the grid, the grid is not metric, or the seed is negative.

    Examples
    --------
    >>> from bradyseism import ExponentialModel, Mogi, look_vector, simulate
    >>> chamber = Mogi(0.0, 0.0, 4e3, volume_change=1e6)
    >>> noise = ExponentialModel(sill=1e-6, length=5e3)
    >>> scene = simulate(chamber, look=look_vector(-168.0, 39.0), noise=noise, seed=1)
    >>> scene.map.velocity.shape, round(1e3 * scene.truth.peak, 1)
    ((256, 256), 12.7)
    >>> bool(abs(scene.map.velocity - scene.truth.deformation).max() < 6e-3)
    True
    """
    if seed < 0:
        raise ValueError(f"seed {seed} is negative: give 0 or more")
    grid, shown_look = _frame(on, look)
    noise_rng, relief_rng, gap_rng, *nuisance_rngs = np.random.default_rng(seed).spawn(
        3 + len(nuisances)
    )
    ground = _elevation(elevation, grid, relief_rng, needed=bool(nuisances))
    scenery = Scenery(ground, float(grid.transform.a), _mean_look(shown_look))
    height = None if elevation is None else scenery.elevation
    truth = _truth(source, scenery, shown_look, height)
    velocity = truth.deformation
    if noise is not None:
        velocity = velocity + turbulent_field(noise, grid.shape, scenery.pixel_size, noise_rng)
    valid = _valid(gaps, on, grid, gap_rng)
    masks = dict[str, NDArray[np.bool_]]()
    for nuisance, rng in zip(nuisances, nuisance_rngs, strict=True):
        effect = nuisance.effect(scenery, rng)
        velocity, valid = velocity + effect.velocity, valid & ~effect.lost
        if effect.present.any():
            name = type(nuisance).__name__
            masks[name] = masks.get(name, False) | effect.present
    truth = replace(truth, nuisance_masks=masks)
    span = years if years is not None else on.years if isinstance(on, VelocityMap) else 5.0
    shown = VelocityMap(
        np.where(valid, velocity, np.nan).astype(np.float32),
        grid,
        years=span,
        look=shown_look.astype(np.float32),
        name="simulated",
        provenance=Provenance("", "", f"simulated, seed {seed}"),
    )
    return Scene(shown, truth, scenery)


def offset(grid: Grid, longitude: float, latitude: float) -> tuple[float, float]:
    """Easting and northing (m) of a place from the centre of a metric grid, as sources count them.

    Examples
    --------
    >>> grid = Grid.around(-67.18, -22.27, (512, 512), pixel_size=200.0)
    >>> [round(metres) for metres in offset(grid, -67.18, -22.17)]
    [0, 11073]
    """
    row, column = grid.row_column(longitude, latitude)
    rows, columns = grid.shape
    return (
        float(column - (columns - 1) / 2) * float(grid.transform.a),
        float(row - (rows - 1) / 2) * float(grid.transform.e),
    )


def _frame(
    on: Grid | VelocityMap | None, look: ArrayLike | None
) -> tuple[Grid, NDArray[np.float64]]:
    """Pixels and look of the map."""
    lent = on.look if isinstance(on, VelocityMap) else None
    grid = on.grid if isinstance(on, VelocityMap) else on
    if grid is None:
        grid = Grid.around(0.0, 0.0, (256, 256), pixel_size=200.0)
    width, height = float(grid.transform.a), -float(grid.transform.e)
    true_to_scale = (
        grid.crs.is_projected
        and abs(height / width - 1.0) < TRUE_SCALE
        and abs(grid.pixel_size / width - 1.0) < TRUE_SCALE
    )
    if not true_to_scale:
        raise ValueError(
            f"grid in {grid.crs.name!r} has pixels of {width:g} x {height:g}, "
            f"{grid.pixel_size:g} m on the ground: simulate on grid.local({grid.pixel_size:.0f}), "
            "metric and true to scale, and bring the map back with resampled(grid)"
        )
    given = look if look is not None else lent
    if given is None:
        raise ValueError("look is missing: pass look=look_vector(heading, incidence)")
    seen = np.asarray(given, dtype=np.float64)
    if seen.shape not in ((3,), (3, *grid.shape)):
        raise ValueError(f"look has shape {seen.shape}: give (3,) or (3, *{grid.shape})")
    return grid, seen


def _mean_look(look: NDArray[np.float64]) -> NDArray[np.float64]:
    """Look of the scene as a whole, for nuisances; (3,)."""
    if look.ndim == 1:
        return look
    mean = np.nanmean(look.reshape(3, -1), axis=1)
    return np.asarray(mean / np.linalg.norm(mean))


def _elevation(
    elevation: ArrayLike | None, grid: Grid, rng: np.random.Generator, *, needed: bool
) -> NDArray[np.float64]:
    if elevation is None:
        pixel_size = float(grid.transform.a)
        return synthetic_relief(grid.shape, pixel_size, rng) if needed else np.zeros(grid.shape)
    height = np.asarray(elevation, dtype=np.float64)
    if height.shape != grid.shape:
        raise ValueError(
            f"elevation has shape {height.shape} and the grid {grid.shape}: give the height of "
            "every pixel"
        )
    return height


def _truth(
    source: Source | None,
    scenery: Scenery,
    look: NDArray[np.float64],
    height: NDArray[np.float64] | None,
) -> Truth:
    if source is None:
        return Truth(False, None, np.nan, np.nan, 0.0, np.zeros(scenery.shape), {})
    easting, northing = scenery.axes()
    los = project(source.displacement(easting, northing, height), look)
    place = np.unravel_index(np.nanargmax(np.abs(los)), los.shape)
    row, column = float(place[0]), float(place[1])
    if isinstance(source, BuriedSource):
        rows, columns = scenery.shape
        row = (rows - 1) / 2 - source.northing / scenery.pixel_size
        column = (columns - 1) / 2 + source.easting / scenery.pixel_size
    return Truth(True, source, row, column, float(los[place]), los, {})


def _valid(
    gaps: Gaps | NDArray[np.bool_] | None,
    on: Grid | VelocityMap | None,
    grid: Grid,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    valid = on.valid if isinstance(on, VelocityMap) else np.ones(grid.shape, dtype=bool)
    if gaps is None:
        return valid
    drawn = gaps.draw(grid.shape, rng) if isinstance(gaps, Gaps) else np.asarray(gaps)
    if drawn.shape != grid.shape or drawn.dtype != np.bool_:
        raise ValueError(
            f"gaps of shape {drawn.shape} and type {drawn.dtype} are no mask of the grid "
            f"{grid.shape}: give True where there is data"
        )
    return np.asarray(valid & drawn)
