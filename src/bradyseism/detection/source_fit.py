"""What lies below a detection: a Mogi source or a compound dislocation, fitted to the map around.

Block means are whitened by the noise of the ground around (`surroundings`), strength and a plane
follow linearly (`separable`). The intervals of a Mogi source hold 95 % of its posterior, drawn by
importance sampling about the best fit: position even, depth and strength even in the logarithm,
the level of the noise scaled by the misfit where that exceeds one. Those of a CDM are linearised,
with weak priors on its proportions and directions, which one line of sight does not tell.

References
----------
Mogi, K. (1958), Bull. Earthq. Res. Inst. 36, 99-134.
Nikkhoo, M. et al. (2017), Geophys. J. Int. 208, 877-894 (CDM).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bradyseism.detection.families import UNIT, WIDTH_OF_DEPTH, CDMFamily, MogiFamily
from bradyseism.detection.separable import Solution, best_of, solve, white_data, white_shapes
from bradyseism.detection.surroundings import (
    PIXELS,
    Blocks,
    Cut,
    cut_around,
    noise_around,
    noise_cut,
    reduce_to_blocks,
)
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.physics.line_of_sight import project
from bradyseism.physics.sources import CDM, Mogi
from bradyseism.physics.variogram_fit import Estimate

Model = Literal["Mogi", "CDM"]
Array = NDArray[np.float64]

DECISIVE = 10.0
"""A CDM is told where Schwarz's criterion is lower by this much."""

_WIDTH_OF_RADIUS = 4.5  # half width of the first cut
_FEWEST_PIXELS = 10  # of the map, to either side
_HIDDEN = 2.5  # radii that the first look at the noise leaves out
_SAMPLES, _FREEDOM, _WIDER = 600, 4.0, 1.3
_STEP = 0.01  # of the scale of a parameter, for slopes
_CLEAR = 150.0  # gain of a Mogi source over the noise from which a CDM is tried


@dataclass(frozen=True, eq=False)
class SourceFit:
    """One kind of source fitted to the ground around a place.

    Parameters
    ----------
    model : {"Mogi", "CDM"}
        Kind of source.
    source : Mogi or CDM
        The best one, in metres east and north of the place asked about; its displacement (m) is
        that of a year.
    longitude, latitude : float
        Of its centre (degrees, WGS84).
    easting, northing : Estimate
        Of its centre from the place asked about (m).
    depth : Estimate
        Of its centre below the ground (m), which counts as level.
    strength : Estimate
        m3/yr, positive inflates: volume change of a Mogi source, potency of a CDM.
    peak_rate : Estimate
        LOS rate (m/yr) where it is largest, positive toward the satellite.
    radius : float
        Radius (m) of a circle as large as the modelled area over half of the peak.
    chi_square : float
        Misfit per degree of freedom in units of the noise: 1 where model and noise hold.
    explained : float
        Share (at most 1) of the variance of the block means, planes removed, that the model takes
        away.
    criterion : float
        Schwarz's; smaller is better.
    look_known : bool
        Whether a look was known; a vertical one was taken where it was not.
    """

    model: Model
    source: Mogi | CDM
    longitude: float
    latitude: float
    easting: Estimate
    northing: Estimate
    depth: Estimate
    strength: Estimate
    peak_rate: Estimate
    radius: float
    chi_square: float
    explained: float
    criterion: float
    look_known: bool

    @property
    def inflates(self) -> bool:
        """Whether the source grows."""
        return self.strength.value > 0


@dataclass(frozen=True, eq=False)
class SourceEstimate:
    """What the map around a place says of a source below it.

    Parameters
    ----------
    mogi : SourceFit
        Always fitted.
    cdm : SourceFit or None
        Only where the map tells it from a Mogi source: see `DECISIVE`.
    """

    mogi: SourceFit
    cdm: SourceFit | None

    @property
    def best(self) -> SourceFit:
        """The CDM where there is one."""
        return self.cdm or self.mogi


def look_around(
    velocity_map: VelocityMap, place: tuple[float, float], radius: float
) -> Blocks | None:
    """Reduce the ground around a place to white blocks, as wide as the source under it asks for.

    Parameters
    ----------
    velocity_map : VelocityMap
        The map.
    place : (longitude, latitude)
        Degrees.
    radius : float
        Radius (m) of the signal: of the area over half of its peak.

    Returns
    -------
    Blocks or None
        None where too little data, or no variation, is left around.
    """
    width = max(_WIDTH_OF_RADIUS * radius, _FEWEST_PIXELS * velocity_map.grid.pixel_size)
    wide = noise_cut(velocity_map, place, width)
    easting, northing = wide.axes()
    noise = noise_around(wide, np.hypot(easting, northing) < _HIDDEN * radius)
    if noise is None:
        noise = noise_around(wide)
    first = noise and reduce_to_blocks(
        cut_around(velocity_map, place, width, PIXELS), noise, wide.pixel_size
    )
    if not first:
        return None
    found = mogi_solution([first])
    source = mogi_record(found)
    seen = project(source.displacement(easting, northing), wide.look)
    noise = noise_around(replace(wide, velocity=wide.velocity - seen)) or first.noise
    width = float(np.clip(WIDTH_OF_DEPTH * source.depth, 0.6 * width, 1.6 * width))
    cut = cut_around(velocity_map, place, width, PIXELS)
    return reduce_to_blocks(cut, noise, wide.pixel_size)


def estimate_source(maps: Sequence[Blocks]) -> SourceEstimate:
    """Fit a Mogi source and, where the data tell it from one, a CDM.

    Parameters
    ----------
    maps : sequence of Blocks
        One map, or several of one place seen from different sides: one source for all.

    Returns
    -------
    SourceEstimate
    """
    found = mogi_solution(maps)
    mogi = _mogi_fit(found, maps)
    estimate = SourceEstimate(mogi, None)
    if found.gain < _CLEAR:
        return estimate
    family = CDMFamily(_width(maps))
    points = replace(family, point=True)
    rough = [solve(points, maps, one, tries=10) for one in _cdm_starts(found)]
    best = min(rough, key=lambda one: one.misfit)
    if best.criterion > mogi.criterion + DECISIVE:
        return estimate
    best = solve(family, maps, best.theta, tries=14)
    if best.criterion > mogi.criterion - DECISIVE:
        return estimate
    return replace(estimate, cdm=_cdm_fit(family, best, maps))


def mogi_solution(maps: Sequence[Blocks]) -> Solution:
    """Best Mogi source of one or several maps of a place."""
    family = MogiFamily(_width(maps))
    return solve(family, maps, best_of(family, family.trials(), maps))


def mogi_record(found: Solution) -> Mogi:
    """Record of a fitted Mogi source, in metres from the place."""
    easting, northing, depth = (float(value) for value in found.theta)
    return Mogi(easting, northing, math.exp(depth), UNIT * found.strength)


def _width(maps: Sequence[Blocks]) -> float:
    return max(blocks.half_width for blocks in maps)


def _cdm_starts(found: Solution) -> list[Array]:
    """A sill, two dykes and a pipe at the Mogi source; a sill lies shallower for its width."""
    flat, long, thin = math.log(0.05), math.log(0.45), math.log(0.1)
    forms = [(long, long, flat), (flat, long, long), (long, flat, long), (thin, thin, long)]
    return [np.concatenate([found.theta, form, np.zeros(3)]) for form in forms]


def _mogi_fit(found: Solution, maps: Sequence[Blocks]) -> SourceFit:
    theta, strength, weight = _posterior(MogiFamily(_width(maps)), found, maps)
    source = mogi_record(found)
    depth = np.exp(theta[:, 2])
    peak, radius = _appearance(source, maps[0])
    # Peak over strength goes by the inverse square of the depth.
    ratio = strength / found.strength * (source.depth / depth) ** 2
    return _record(
        "Mogi", source, found, maps,
        easting=_quantiles("easting", source.easting, theta[:, 0], weight),
        northing=_quantiles("northing", source.northing, theta[:, 1], weight),
        depth=_quantiles("depth", source.depth, depth, weight),
        strength=_quantiles("volume rate", source.volume_change, UNIT * strength, weight),
        peak_rate=_quantiles("peak rate", peak, peak * ratio, weight), radius=radius,
    )  # fmt: skip


def _posterior(
    family: MogiFamily, found: Solution, maps: Sequence[Blocks]
) -> tuple[Array, Array, Array]:
    """Parameters (m, 3), strengths (m,) and weights (m,) about the best fit."""
    rng = np.random.default_rng(0)
    noise = max(found.chi_square, 1.0)
    covariance = _WIDER * noise * found.covariance[:3, :3]
    near = _drawn(found.theta, covariance, rng)
    # Some of them anywhere, so that a second place or any depth is not overlooked.
    anywhere = family.low + (family.high - family.low) * rng.random((_SAMPLES // 4, 3))
    inside = ((near >= family.low) & (near <= family.high)).all(axis=1)
    theta = np.concatenate([near[inside], anywhere])
    everywhere = -np.log(family.high - family.low).sum() + math.log(0.2)
    density = np.logaddexp(_log_density(theta, found.theta, covariance) + math.log(0.8), everywhere)
    target, seen = white_data(maps), white_shapes(family, theta, maps)
    square = np.maximum(np.einsum("ij,ij->j", seen, seen), 1e-300)
    strength = target @ seen / square
    gain = strength**2 * square / (2 * noise)
    drawn = strength + rng.standard_normal(strength.size) * np.sqrt(noise / square)
    # Strength even in the logarithm beside a normal likelihood: its width counts as a share of it.
    share = np.sqrt(noise / square) / np.maximum(np.abs(strength), 1e-300)
    log_weight = gain + np.log(share) - density
    return theta, drawn, special.softmax(log_weight)


def _principal(covariance: Array) -> tuple[Array, Array]:
    """Deviations along the principal axes, and these, columns."""
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(values, 1e-12 * values.max())), vectors


def _drawn(middle: Array, covariance: Array, rng: np.random.Generator) -> Array:
    """Student variates, (m, k)."""
    deviations, axes = _principal(covariance)
    normal = rng.standard_normal((_SAMPLES, middle.size))
    scale = np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, (_SAMPLES, 1)))
    return np.asarray(middle + scale * normal @ (axes * deviations).T)


def _log_density(theta: Array, middle: Array, covariance: Array) -> Array:
    """Logarithm of the density of Student variates, (m,)."""
    deviations, axes = _principal(covariance)
    square = np.sum(((theta - middle) @ axes / deviations) ** 2, axis=1)
    half = (_FREEDOM + middle.size) / 2
    constant = special.gammaln(half) - special.gammaln(_FREEDOM / 2)
    constant -= middle.size / 2 * math.log(_FREEDOM * math.pi) + np.log(deviations).sum()
    return np.asarray(constant - half * np.log1p(square / _FREEDOM))


def _quantiles(name: str, value: float, drawn: Array, weight: Array) -> Estimate:
    order = np.argsort(drawn)
    reached = np.cumsum(weight[order])
    low, high = np.interp([0.025, 0.975], reached, drawn[order])
    return Estimate(name, float(value), float(low), float(high))


def _cdm_fit(family: CDMFamily, found: Solution, maps: Sequence[Blocks]) -> SourceFit:
    source = family.source(found.theta, UNIT * found.strength)
    peak, radius = _appearance(source, maps[0])
    deviation = np.sqrt(np.diag(found.covariance) * max(found.chi_square, 1.0))
    width = special.ndtri(0.975) * deviation
    factor = np.exp(np.minimum(width, 20.0))
    potency = source.potency
    return _record(
        "CDM", source, found, maps,
        easting=_about("easting", source.easting, width[0]),
        northing=_about("northing", source.northing, width[1]),
        depth=_within("depth", source.depth, factor[2]),
        strength=_within("potency rate", potency, factor[-1]),
        peak_rate=_about("peak rate", peak, _peak_width(family, found, maps[0])), radius=radius,
    )  # fmt: skip


def _peak_width(family: CDMFamily, found: Solution, blocks: Blocks) -> float:
    """Half width (m/yr) of the linearised interval of the LOS rate where it is largest."""
    look, axes = blocks.cut.look, blocks.cut.axes()
    los = project(family.source(found.theta).displacement(*axes), look)
    place = np.abs(los).argmax()
    point = axes[0].ravel()[[place]], axes[1].ravel()[[place]]
    steps = np.diag(_STEP * family.scale)
    ends = family.shapes(np.concatenate([found.theta + steps, found.theta - steps]), point, look)
    above, below = found.strength * ends[0].reshape(2, -1)
    slope = np.append((above - below) / (2 * np.diag(steps)), found.strength * los.flat[place])
    variance = slope @ found.covariance @ slope * max(found.chi_square, 1.0)
    return float(special.ndtri(0.975) * math.sqrt(variance))


def _about(name: str, value: float, width: float) -> Estimate:
    return Estimate(name, float(value), float(value - width), float(value + width))


def _within(name: str, value: float, factor: float) -> Estimate:
    low, high = sorted((value / factor, value * factor))
    return Estimate(name, float(value), float(low), float(high))


def _record(
    model: Model, source: Mogi | CDM, found: Solution, maps: Sequence[Blocks], **parts: object
) -> SourceFit:
    grid, size = maps[0].cut.grid, maps[0].cut.pixel_size
    half = (grid.shape[0] - 1) / 2
    longitude, latitude = grid.longitude_latitude(
        half - source.northing / size, half + source.easting / size
    )
    return SourceFit(
        model=model,
        source=source,
        longitude=float(longitude),
        latitude=float(latitude),
        chi_square=found.chi_square,
        explained=_explained(source, maps),
        criterion=found.criterion,
        look_known=all(blocks.cut.look_known for blocks in maps),
        **parts,  # type: ignore[arg-type]
    )


def _explained(source: Mogi | CDM, maps: Sequence[Blocks]) -> float:
    """Share of the variance about a plane that a source takes away, all maps together."""
    before = after = 0.0
    for blocks in maps:
        seen = project(source.displacement(blocks.easting, blocks.northing), blocks.look)
        middle = blocks.easting.mean(axis=0), blocks.northing.mean(axis=0)
        basis = np.linalg.qr(np.column_stack([np.ones(blocks.velocity.size), *middle]))[0]
        pair = np.stack([blocks.velocity, blocks.velocity - seen.mean(axis=0)], axis=1)
        pair -= basis @ (basis.T @ pair)
        first, second = (pair**2).sum(axis=0)
        before, after = before + float(first), after + float(second)
    return 1.0 - after / max(before, 1e-300)


def _appearance(source: Mogi | CDM, blocks: Blocks) -> tuple[float, float]:
    """Largest LOS rate (m/yr) and radius (m) of the area over half of it, on the cut's ground."""
    cut: Cut = blocks.cut
    los = project(source.displacement(*cut.axes()), cut.look)
    peak = float(los.flat[np.abs(los).argmax()])
    area = float((los * np.sign(peak) >= 0.5 * abs(peak)).sum()) * cut.pixel_size**2
    return peak, math.sqrt(area / math.pi)
