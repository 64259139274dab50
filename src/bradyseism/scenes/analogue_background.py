"""Volcano-free background around the analogue frames, for fine-tuning: 836 patches.

60 maps of 4 x 4 patches. What the paper searched out by eye is left out here by the truth: patches
with a salt flat in the middle or too many gaps are missing from the maps, and what is over the
number of patches is, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.frames import PATCH_SIZE, PIXEL_SIZE
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import NoiseReading
from bradyseism.physics.relief import synthetic_relief
from bradyseism.scenes.analogue import (
    AS_FROZEN,
    BACKGROUND,
    PLATEAU,
    Factors,
    analogue_rng,
    as_map,
    effects_of,
    gaps,
    nuisances_of,
    residual,
    sum_of,
)
from bradyseism.scenes.nuisances.effect import Effect
from bradyseism.scenes.nuisances.plains import SaltFlat
from bradyseism.scenes.priors import GEOMETRIES, Geometry, LogUniform
from bradyseism.scenes.scenery import Scenery

BACKGROUNDS = 60
ACROSS = 4  # patches along each side of a map
MOST_MISSING = 0.3  # of a patch
SUBTLETY = 0.6  # rates beside those of the frames
MOST_SALT = 0.1  # of the middle quarter of a patch
_SHAPE = (ACROSS * PATCH_SIZE, ACROSS * PATCH_SIZE)
_DRAWS, _ATTEMPTS = 100, 20
_FOURTEEN = 56  # maps with 14 patches; the others have 13: 836 in all


@dataclass(frozen=True, eq=False)
class AnalogueBackground:
    """One map of volcano-free background.

    Parameters
    ----------
    map : VelocityMap
        1024 x 1024 pixels of 200 m, m/yr; patches that do not count are missing.
    track : Geometry
        From where it is seen.
    elevation : array, shape (1024, 1024)
        Metres.
    salt : array of bool, shape (1024, 1024)
        Where salt flats move.
    kept : array of bool, shape (4, 4)
        Which patches count.
    """

    map: VelocityMap
    track: Geometry
    elevation: NDArray[np.float64]
    salt: NDArray[np.bool_]
    kept: NDArray[np.bool_]


def analogue_background(
    number: int, noise_level: NoiseReading = "peak", factors: Factors = AS_FROZEN
) -> AnalogueBackground:
    """Background map `number` of the 60, each with 13 or 14 patches.

    Parameters
    ----------
    number : int
        0 to 59.
    noise_level, factors
        As for `analogue_frame`.

    Raises
    ------
    ValueError
        If there is no such map.
    RuntimeError
        If salt flats and gaps leave too few patches: the constants of this module disagree.
    """
    if not 0 <= number < BACKGROUNDS:
        raise ValueError(f"background {number} is outside 0 to {BACKGROUNDS - 1}")
    # As many of each kind of track as in the training set.
    track = GEOMETRIES[number % len(GEOMETRIES)]
    wanted = 14 if number < _FOURTEEN else 13
    for attempt in range(_ATTEMPTS):
        rng = analogue_rng(BACKGROUND, number, _DRAWS * attempt)
        scenery = Scenery(_relief(rng), PIXEL_SIZE, track.look)
        effects, salt = _effects(scenery, number, _DRAWS * attempt, factors, rng)
        missing = gaps(scenery, effects, LogUniform(0.005, 0.12).draw(rng), rng)
        kept = _kept(salt, missing, wanted)
        if kept is not None:
            break
    else:
        raise RuntimeError(f"background {number}: no {wanted} patches usable in {_ATTEMPTS} draws")
    velocity = sum_of(effects, scenery)
    velocity += factors.residual * residual(scenery, track, noise_level, rng)
    missing |= ~kept.repeat(PATCH_SIZE, axis=0).repeat(PATCH_SIZE, axis=1)
    name = f"background_{number:02d}_{track.direction}_{track.incidence:g}"
    velocity_map = as_map(np.where(missing, np.nan, velocity), background_grid(number), track, name)
    return AnalogueBackground(velocity_map, track, scenery.elevation, salt, kept)


def _relief(rng: np.random.Generator) -> NDArray[np.float64]:
    height, plains = LogUniform(130.0, 230.0).draw(rng), float(rng.uniform(0.0, 0.22))
    return PLATEAU + synthetic_relief(_SHAPE, PIXEL_SIZE, rng, height=height, plains=plains)


def _effects(
    scenery: Scenery, number: int, first: int, factors: Factors, rng: np.random.Generator
) -> tuple[list[Effect], NDArray[np.bool_]]:
    """Everything that moves, and where salt flats do."""
    strong, flats = rng.random() < 0.3, int(rng.integers(0, 4))
    moving, air = nuisances_of(strong, flats, SUBTLETY, salt=LogUniform(0.002, 0.015))
    keys = [(BACKGROUND, number, first + draw) for draw in range(1, len(moving + air) + 1)]
    effects = effects_of(moving, air, keys, scenery, factors)
    salt = np.zeros(_SHAPE, dtype=bool)
    for nuisance, effect in zip(moving + air, effects, strict=True):
        if isinstance(nuisance, SaltFlat):
            salt |= effect.present
    return effects, salt


def _kept(
    salt: NDArray[np.bool_], missing: NDArray[np.bool_], wanted: int
) -> NDArray[np.bool_] | None:
    """The `wanted` fullest patches without a salt flat in the middle; None if there are fewer."""
    quarter = PATCH_SIZE // 4
    blocks = (ACROSS, PATCH_SIZE, ACROSS, PATCH_SIZE)
    middle = salt.reshape(blocks)[:, quarter:-quarter, :, quarter:-quarter].mean(axis=(1, 3))
    gone = missing.reshape(blocks).mean(axis=(1, 3))
    usable = (middle <= MOST_SALT) & (gone < MOST_MISSING)
    if usable.sum() < wanted:
        return None
    order = np.argsort(np.where(usable, gone, np.inf), axis=None, kind="stable")
    kept = np.zeros(usable.size, dtype=bool)
    kept[order[:wanted]] = True
    return kept.reshape(usable.shape)


def background_grid(number: int) -> Grid:
    """Grid of background map `number`: three columns north and south of the frames."""
    row, column = divmod(number, 3)
    latitude = -16.0 + 1.95 * row if row < 8 else -29.5 - 1.95 * (row - 8)
    longitude = -72.0 + 3.0 * column
    return Grid.around(longitude, round(latitude, 4), _SHAPE, pixel_size=PIXEL_SIZE)
