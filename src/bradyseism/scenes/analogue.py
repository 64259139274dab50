"""Analogue frames: simulated maps in place of the paper's test set, which is private.

31 frames of 24 places and the volcano-free background around them, with what the training set of
the paper lacks: slopes that creep, salt flats, stratified residual over the ridges. Every number
comes from spawn keys of `SEED`, which no training set uses. A frame is the same bits in any
process and order; `fingerprint` says whether it is the frozen one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.frames import FRAME_SHAPE, PATCH_SIZE, PIXEL_SIZE, patch_corners
from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap
from bradyseism.physics.atmosphere import (
    NOISE_LEVELS,
    NoiseReading,
    scale_noise,
    turbulent_field,
)
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import project
from bradyseism.physics.quantiles import quantile
from bradyseism.physics.relief import add_cone, synthetic_relief
from bradyseism.physics.terrain import power_law_field, steepness
from bradyseism.scenes.analogue_frozen import SEED, VERSION
from bradyseism.scenes.analogue_places import PLACES, Place
from bradyseism.scenes.nuisances.artefacts import Ramp, StratifiedResidual
from bradyseism.scenes.nuisances.effect import Effect, Nuisance
from bradyseism.scenes.nuisances.plains import SaltFlat
from bradyseism.scenes.nuisances.slopes import RockGlacier, SlopeCreep
from bradyseism.scenes.priors import GEOMETRIES, Geometry, LogUniform
from bradyseism.scenes.scenery import Scenery

PositiveRule = Literal["peak", "half"]
YEARS = 5.0
LEAST_VALID = 0.95  # of a frame
PLATEAU = 3700.0  # m, on which the relief stands
BLOCK, QUANTUM = 16, 5e-4  # pixels and m/yr of a fingerprint
VOLCANOES_APART = 12e3  # m

FRAMES = tuple((place.index, track) for place in PLACES for track in place.tracks)
"""Place and track of each of the 31 frames."""

# Parts of the seed's name space.
_GROUND, _MOTION, _AIR, BACKGROUND = range(4)


@dataclass(frozen=True, eq=False)
class Ground:
    """Relief with its volcanoes.

    Parameters
    ----------
    elevation : array, shape (rows, columns)
        Metres.
    summits : tuple of (row, column)
        Of the volcanoes, the one in the centre first; fractional pixels.
    """

    elevation: NDArray[np.float64]
    summits: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Factors:
    """How much of each part a map holds, for experiments; the frozen version has 1 of each.

    Parameters
    ----------
    ground : float
        What moves on the ground and is no volcano: slopes, rock glaciers, salt flats.
    air : float
        Stratified residual and ramp.
    residual : float
        Turbulence and pixel noise.
    """

    ground: float = 1.0
    air: float = 1.0
    residual: float = 1.0

    def __post_init__(self) -> None:
        if min(self.ground, self.air, self.residual) < 0:
            raise ValueError(f"factors {self} are not all at least 0: give 0 to leave a part out")


AS_FROZEN = Factors()


@dataclass(frozen=True, eq=False)
class AnalogueFrame:
    """One frame and its truth.

    Parameters
    ----------
    map : VelocityMap
        512 x 512 pixels of 200 m, m/yr.
    place : Place
        Where it lies.
    track : Geometry
        From where it is seen.
    ground : Ground
        Relief and volcanoes.
    deformation : array, shape (512, 512)
        LOS velocity (m/yr) of the source alone; 0 everywhere without one.
    """

    map: VelocityMap
    place: Place
    track: Geometry
    ground: Ground
    deformation: NDArray[np.float64]

    @property
    def peak(self) -> tuple[int, int] | None:
        """Row and column of the largest LOS rate of the source; None for a quiet frame."""
        if self.place.deformation is None:
            return None
        row, column = np.unravel_index(np.abs(self.deformation).argmax(), self.deformation.shape)
        return int(row), int(column)

    @property
    def rate(self) -> float:
        """LOS rate (m/yr) of the source at its peak, 0 for a quiet frame."""
        return float(self.deformation[self.peak]) if self.peak else 0.0

    def positive_patches(self, rule: PositiveRule = "peak") -> NDArray[np.bool_]:
        """Which of the 25 patches, in the order of `patch_corners`, count as deforming.

        Parameters
        ----------
        rule : {"peak", "half"}
            ``"peak"``: those that hold the pixel of the peak. ``"half"``: those that hold any
            pixel over half of the peak.
        """
        if rule not in ("peak", "half"):
            raise ValueError(f"positive rule {rule!r} is unknown: give 'peak' or 'half'")
        share = np.abs(self.deformation) / max(abs(self.rate), np.finfo(float).tiny)
        marked = share >= (1.0 if rule == "peak" else 0.5)
        return np.array(
            [
                marked[row : row + PATCH_SIZE, column : column + PATCH_SIZE].any()
                for row, column in patch_corners(FRAME_SHAPE)
            ]
        )


def analogue_frame(
    number: int, noise_level: NoiseReading = "peak", factors: Factors = AS_FROZEN
) -> AnalogueFrame:
    """Frame `number` of the 31.

    Parameters
    ----------
    number : int
        0 to 30, an index of `FRAMES`.
    noise_level : {"peak", "sill"}
        How the published amplitude of the turbulent residual is read, see
        `physics.atmosphere.scale_noise`; version 1 is frozen with ``"peak"``.
    factors : Factors
        By which the rates of its parts are multiplied; the source keeps its own.

    Raises
    ------
    ValueError
        If there is no such frame.
    """
    if not 0 <= number < len(FRAMES):
        raise ValueError(f"frame {number} is outside 0 to {len(FRAMES) - 1}")
    index, track_number = FRAMES[number]
    place, track = PLACES[index], GEOMETRIES[track_number]
    ground = draw_ground(index)
    scenery = Scenery(ground.elevation, PIXEL_SIZE, track.look)
    effects = _frame_effects(scenery, place, number, factors)
    air = analogue_rng(_AIR, number, 0)
    velocity = sum_of(effects, scenery)
    velocity += factors.residual * residual(scenery, track, noise_level, air)
    deformation = _deformation(place, scenery)
    missing = gaps(scenery, effects, LogUniform(0.004, 0.045).draw(air), air)
    velocity = np.where(missing, np.nan, velocity + deformation)
    grid = Grid.around(place.longitude, place.latitude, FRAME_SHAPE, pixel_size=PIXEL_SIZE)
    name = f"{place.name}_{track.direction}_{track.incidence:g}"
    return AnalogueFrame(as_map(velocity, grid, track, name), place, track, ground, deformation)


def draw_ground(index: int) -> Ground:
    """Relief of place `index`, the same on all its tracks: ranges, plains, cones of all ages."""
    rng = analogue_rng(_GROUND, index, 0)
    relief = synthetic_relief(
        FRAME_SHAPE,
        PIXEL_SIZE,
        rng,
        height=LogUniform(180.0, 300.0).draw(rng),
        plains=float(rng.uniform(0.0, 0.2)),
    )
    summits = _summits(PLACES[index].neighbours, rng)
    for row, column in summits:
        height = LogUniform(500.0, 1700.0).draw(rng)
        relief = add_cone(
            relief,
            PIXEL_SIZE,
            (row, column),
            height=height,
            radius=height * rng.uniform(4.5, 7.0),
            crater=rng.uniform(200.0, 900.0),
            age=rng.uniform(0.0, 1.0),
            rng=rng,
        )
    return Ground(PLATEAU + relief, summits)


def fingerprint(velocity_map: VelocityMap) -> str:
    """SHA-256 of a map's content that holds on another processor.

    Hashed are the means of blocks of 16 x 16 pixels, rounded to 0.5 mm/yr, with the shape.
    Processors differ in the last digits of a sum; such a digit moves a mean by less than a
    millionth of that step, while another seed or setting changes hundreds of blocks.
    """
    rows, columns = (n // BLOCK for n in velocity_map.grid.shape)
    cut = velocity_map.velocity[: rows * BLOCK, : columns * BLOCK].astype(np.float64)
    blocks = cut.reshape(rows, BLOCK, columns, BLOCK)
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    means = np.where(known, blocks, 0.0).sum(axis=(1, 3)) / np.maximum(count, 1)
    steps = np.where(2 * count >= BLOCK**2, np.rint(means / QUANTUM), np.iinfo(np.int32).min)
    return hashlib.sha256(
        repr((rows, columns)).encode() + steps.astype("<i4").tobytes()
    ).hexdigest()


def analogue_rng(part: int, index: int, draw: int) -> np.random.Generator:
    """Generator of one draw; spawn keys keep it apart from every seed of a training set."""
    key = (VERSION, part, index, draw)
    return np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=key))


def nuisances_of(
    strong: bool,
    salt_flats: int,
    subtlety: float = 1.0,
    salt: LogUniform = LogUniform(0.01, 0.08),
) -> tuple[list[Nuisance], list[Nuisance]]:
    """What moves on the ground, and what the air and the orbit leave.

    Parameters
    ----------
    strong : bool
        Whether slopes creep as fast as the volcanoes of the paper move (0.4-1.8 cm/yr).
    salt_flats : int
        How many salt flats move.
    subtlety : float
        Factor of all rates; below 1 for the background around the frames.
    salt : LogUniform
        Share (0-1) of the map that a salt flat covers.
    """

    def rates(low: float, high: float) -> LogUniform:
        """Bounds (mm/yr) in m/yr."""
        return LogUniform(subtlety * low, subtlety * high)

    patchy, broad = (
        (rates(10e-3, 30e-3), rates(8e-3, 25e-3))
        if strong
        else (rates(4e-3, 12e-3), rates(2e-3, 8e-3))
    )
    ground: list[Nuisance] = [
        SlopeCreep(patchy, share=LogUniform(0.02, 0.2)),
        SlopeCreep(broad, steepest=5.0, share=LogUniform(0.3, 0.9)),
        RockGlacier(rates(1e-2, 3e-1), count=LogUniform(2.0, 15.0)),
        *[SaltFlat(rates(4e-3, 20e-3), salt)] * salt_flats,
    ]
    air: list[Nuisance] = [
        StratifiedResidual(rates(1e-3, 4e-3)),
        Ramp(rates(3e-4, 1.5e-3)),
    ]
    return ground, air


def effects_of(
    ground: list[Nuisance],
    air: list[Nuisance],
    keys: list[tuple[int, int, int]],
    scenery: Scenery,
    factors: Factors,
) -> list[Effect]:
    """Effects of what moves on the ground, then of the air, each with the draws of its key."""
    shares = [factors.ground] * len(ground) + [factors.air] * len(air)
    effects = [
        nuisance.effect(scenery, analogue_rng(*key))
        for nuisance, key in zip(ground + air, keys, strict=True)
    ]
    return [
        replace(effect, velocity=share * effect.velocity)
        for effect, share in zip(effects, shares, strict=True)
    ]


def sum_of(effects: list[Effect], scenery: Scenery) -> NDArray[np.float64]:
    """LOS velocity (m/yr) of all effects together."""
    total = np.zeros(scenery.shape)
    for effect in effects:
        total += effect.velocity
    return total


def residual(
    scenery: Scenery, track: Geometry, noise_level: NoiseReading, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Turbulent residual of the published amplitude and pixel noise, in m/yr."""
    length = LogUniform(2e3, 15e3).draw(rng)
    model = ExponentialModel(1.0, length)
    turbulence = turbulent_field(model, scenery.shape, scenery.pixel_size, rng)
    amplitude = NOISE_LEVELS[track.direction].draw(rng)
    # Slopes and poor coherence make pixels noisier.
    spread = np.exp(0.4 * power_law_field(scenery.shape, 3.0, rng))
    spread *= 1.0 + steepness(scenery.elevation, scenery.pixel_size) / 20.0
    speckle = LogUniform(5e-5, 1.5e-4).draw(rng) * spread * rng.standard_normal(scenery.shape)
    return np.asarray(scale_noise(turbulence, amplitude, noise_level) / YEARS + speckle)


def gaps(
    scenery: Scenery, effects: list[Effect], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """`share` of the pixels: what effects lost first, then frayed areas and snow on the heights."""
    height = scenery.elevation - scenery.elevation.mean()
    score = power_law_field(scenery.shape, 2.4, rng) + 0.7 * height / max(height.std(), 1.0)
    for effect in effects:
        score[effect.lost] += 10.0
    return np.asarray(score > quantile(score, 1.0 - share))


def as_map(velocity: NDArray[np.float64], grid: Grid, track: Geometry, name: str) -> VelocityMap:
    """Velocity as a map that knows its look."""
    return VelocityMap(
        velocity.astype(np.float32),
        grid,
        years=YEARS,
        look=track.look.astype(np.float32),
        name=name,
        provenance=Provenance("", "", f"simulated, analogue version {VERSION}, seed {SEED}"),
    )


def _frame_effects(scenery: Scenery, place: Place, number: int, factors: Factors) -> list[Effect]:
    """What moves on the ground, the same for all tracks of a place, and what the air leaves."""
    ground, air = nuisances_of(place.slopes == "strong", place.salt_flats)
    # Slopes move alike under both tracks of a place; the air does not.
    keys = [(_MOTION, place.index, draw) for draw in range(len(ground))]
    keys += [(_AIR, number, draw) for draw in range(1, len(air) + 1)]
    return effects_of(ground, air, keys, scenery, factors)


def _deformation(place: Place, scenery: Scenery) -> NDArray[np.float64]:
    """LOS velocity (m/yr) of the source: its rate holds on the first track of the place."""
    if place.deformation is None:
        return np.zeros(scenery.shape)
    motion = place.deformation.source.displacement(*scenery.axes())
    first = project(motion, GEOMETRIES[place.tracks[0]].look)
    extreme = first.flat[np.abs(first).argmax()]
    return np.asarray(project(motion, scenery.look) * (place.deformation.rate / extreme))


def _summits(neighbours: int, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """Fractional pixels of the central volcano and of others apart from each other."""
    middle = (FRAME_SHAPE[0] - 1) / 2
    found = [(middle, middle)]
    while len(found) <= neighbours:
        row, column = (float(x) for x in rng.uniform(0.1, 0.9, 2) * FRAME_SHAPE)
        apart = min(np.hypot(row - r, column - c) for r, c in found) * PIXEL_SIZE
        if apart >= VOLCANOES_APART:
            found.append((row, column))
    return tuple(found)
