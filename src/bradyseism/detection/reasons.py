"""What else explains a detection better than a source: hints for the expert who looks at it.

Every alternative is fitted to the same whitened block means as the source and compared by
Schwarz's criterion (1978), the level of the noise free. Nothing here changes a probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bradyseism.detection.alternatives import BowlFamily, FaultFamily, column_fit
from bradyseism.detection.separable import Family, Solution, best_of, solve
from bradyseism.detection.source_fit import SourceEstimate
from bradyseism.detection.surroundings import Blocks
from bradyseism.physics.line_of_sight import SENTINEL1_WAVELENGTH
from bradyseism.physics.terrain import downslope_sensitivity, steepness

Code = Literal[
    "slope", "plain subsidence", "fault step", "relief-correlated", "edge", "unwrapping", "ramp"
]
Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BETTER = 10.0
"""An alternative is named where Schwarz's criterion is lower than the source's by this much."""

CUT_OFF = 0.3
"""Share of missing ground within 1.5 radii from which a signal counts as cut by an edge."""

SHARP = 0.6
"""Share of its height by which a block has to drop within two pixels of its outline."""

_OUTLINE = 6  # parameters that an outline taken from the data counts for
_FLAT, _PLAIN = 2.0, 3.0  # degrees
_NEAR_FRINGE = 0.12
_PLAIN_WITHIN, _PLAIN_CONTRAST = 0.8, 0.15  # shares of flat ground in a block, and less around it


@dataclass(frozen=True)
class Reason:
    """One thing that explains a detection better than a source does.

    Parameters
    ----------
    code : str
        One of `Code`.
    sentence : str
        In plain words.
    gain : float
        By how much Schwarz's criterion is lower than that of the source: over 10 is decisive. Of
        an edge NaN, as nothing is fitted.
    """

    code: Code
    sentence: str
    gain: float


@dataclass(frozen=True, eq=False)
class _Found:
    """An alternative that was fitted: criterion and what to say if it is better."""

    code: Code
    criterion: float
    sentence: str


def explain_otherwise(
    blocks: Blocks,
    source: SourceEstimate,
    radius: float,
    *,
    years: float,
    elevation: NDArray[np.floating] | None = None,
) -> tuple[Reason, ...]:
    """What explains the ground around a place better than the source does.

    Parameters
    ----------
    blocks : Blocks
        The ground, reduced.
    source : SourceEstimate
        What was fitted to it.
    radius : float
        Of the signal (m).
    years : float
        Time span of the map.
    elevation : array, shape of the cut, optional
        Metres, finite. Without it `slope` and `relief-correlated` are never given.

    Returns
    -------
    tuple of Reason
        The best first, `edge` last; empty without evidence.
    """
    inside = _outlined(blocks, radius)
    found = [_fault(blocks), _ramp(blocks), _bowl(blocks, elevation)]
    if inside is not None:
        found.append(_jump(blocks, inside, years, elevation))
    if elevation is not None:
        relief = np.asarray(elevation, dtype=np.float64)
        found += [_relief(blocks, relief), _flat(blocks, relief, radius)]
        if blocks.cut.look_known:
            found.append(_slope(blocks, relief, radius, inside))
    own = source.best.criterion
    best: dict[Code, Reason] = {}
    for one in found:
        if one is None or not one.criterion < own - BETTER:
            continue
        gain = own - one.criterion
        if one.code not in best or gain > best[one.code].gain:
            best[one.code] = Reason(one.code, one.sentence, gain)
    ranked = sorted(best.values(), key=lambda reason: -reason.gain)
    return (*ranked, *_edge(blocks, radius))


def _searched(family: Family, trials: Array, blocks: Blocks) -> Solution:
    return solve(family, [blocks], best_of(family, trials, [blocks]), tries=12)


def _fault(blocks: Blocks) -> _Found:
    family = FaultFamily(blocks.half_width)
    found = _searched(family, family.trials(), blocks)
    strike = found.theta[0] % 180.0
    return _Found(
        "fault step",
        found.criterion,
        f"A step of {1e3 * abs(found.strength):.1f} mm/yr across a line striking "
        f"{strike:.0f} degrees explains the ground around better than a source.",
    )


def _ramp(blocks: Blocks) -> _Found:
    easting, northing = (axis / blocks.half_width for axis in blocks.cut.axes())
    value, _ = column_fit(blocks, [easting**2, northing**2, easting * northing])
    return _Found(
        "ramp",
        value,
        "A smooth bend of the whole surroundings explains them better than a source.",
    )


def _bowl(blocks: Blocks, elevation: NDArray[np.floating] | None) -> _Found | None:
    family = BowlFamily(blocks.half_width)
    found = _searched(family, family.trials(), blocks)
    if found.strength >= 0.0:
        return None
    east, north, radius = found.theta[0], found.theta[1], np.exp(found.theta[2])
    if elevation is not None:
        easting, northing = blocks.cut.axes()
        there = np.hypot(easting - east, northing - north) < radius
        slopes = steepness(np.asarray(elevation), blocks.cut.pixel_size)[there]
        if slopes.size and np.median(slopes) > _PLAIN:
            return None
    return _Found(
        "plain subsidence",
        found.criterion,
        f"A sinking bowl with a level floor and a rim, about {2e-3 * radius:.1f} km wide, "
        "explains the ground around better than a source at depth.",
    )


def _flat(blocks: Blocks, elevation: Array, radius: float) -> _Found | None:
    level = steepness(elevation, blocks.cut.pixel_size) < _FLAT
    weight = _bell(blocks, 1.5 * radius)
    if not 0.02 < float((level * weight).sum() / weight.sum()) < 0.98:
        return None
    value, rate = column_fit(blocks, [level * weight], hidden=2)
    sense = "sinks" if rate[0] < 0 else "rises"
    return _Found(
        "plain subsidence",
        value,
        f"The flat ground near the place {sense} and the slopes around it do not: that explains it "
        "better than a source.",
    )


def _relief(blocks: Blocks, elevation: Array) -> _Found | None:
    height = elevation - elevation.mean()
    if not np.ptp(height) > 0.0:
        return None
    easting, northing = (axis / blocks.half_width for axis in blocks.cut.axes())
    plain, rate = column_fit(blocks, [height])
    varying, _ = column_fit(blocks, [height, height * easting, height * northing])
    return _Found(
        "relief-correlated",
        min(plain, varying),
        f"The rate follows the elevation, {1e6 * rate[0]:+.1f} mm/yr per km: residual atmosphere "
        "explains it better than a source.",
    )


def _slope(blocks: Blocks, elevation: Array, radius: float, inside: Mask | None) -> _Found | None:
    size = blocks.cut.pixel_size
    steep = np.clip(steepness(elevation, size) / 35.0, 0.0, 1.0)
    downhill = downslope_sensitivity(elevation, size, blocks.look) * steep
    trials = [(downhill, 0), (downhill * _bell(blocks, 1.2 * radius), 1)]
    if inside is not None:
        trials.append((downhill * inside, _OUTLINE))
    fits = [column_fit(blocks, [field], hidden) for field, hidden in trials]
    going = [value for value, pace in fits if pace[0] > 0.0]
    if not going:
        return None
    return _Found(
        "slope",
        min(going),
        "Ground that creeps down its own slopes explains the map around better than a source.",
    )


def _jump(
    blocks: Blocks, inside: Mask, years: float, elevation: NDArray[np.floating] | None
) -> _Found | None:
    """A block with a level floor and sharp edges; on a plain among slopes it is the plain's own."""
    known = np.isfinite(blocks.cut.velocity)
    inner = inside & ~ndimage.binary_erosion(inside, iterations=2) & known
    outer = ndimage.binary_dilation(inside, iterations=2) & ~inside & known
    ground = ndimage.binary_dilation(inside, iterations=6) & ~inside & known
    if min(inner.sum(), outer.sum()) < 8:
        return None
    velocity = blocks.cut.velocity
    height = float(np.median(velocity[inside & known]) - np.median(velocity[ground]))
    drop = float(np.median(velocity[inner]) - np.median(velocity[outer]))
    if not (height != 0.0 and drop / height > SHARP):
        return None
    value, step = column_fit(blocks, [inside.astype(np.float64)], hidden=_OUTLINE)
    fringes = abs(float(step[0])) * years / (SENTINEL1_WAVELENGTH / 2)
    whole = round(fringes)
    close = whole >= 1 and abs(fringes - whole) < _NEAR_FRINGE * whole
    if not close and elevation is not None and _fills_a_plain(blocks, inside, elevation):
        return _Found(
            "plain subsidence",
            value,
            f"Flat ground with a sharp outline, {1e3 * float(step[0]):+.1f} mm/yr off the ground "
            "around, explains it better than a source: a salt flat or a pumped plain?",
        )
    fringe = f", {fringes:.2f} fringes of Sentinel-1 over the time span" if close else ""
    return _Found(
        "unwrapping",
        value,
        f"A block with sharp edges that stands {1e3 * float(step[0]):+.1f} mm/yr off the ground "
        f"around{fringe} explains it better than a source: an unwrapping error, or ground that "
        "moves within an outline?",
    )


def _fills_a_plain(blocks: Blocks, inside: Mask, elevation: NDArray[np.floating]) -> bool:
    """Whether a block is flat, and the ground around it less so."""
    level = steepness(np.asarray(elevation), blocks.cut.pixel_size) < _PLAIN
    around = ndimage.binary_dilation(inside, iterations=6) & ~inside
    within, beyond = float(level[inside].mean()), float(level[around].mean())
    return within > _PLAIN_WITHIN and within - beyond > _PLAIN_CONTRAST


def _edge(blocks: Blocks, radius: float) -> tuple[Reason, ...]:
    easting, northing = blocks.cut.axes()
    near = np.hypot(easting, northing) <= max(1.5 * radius, 2 * blocks.cut.pixel_size)
    missing = 1.0 - float(np.isfinite(blocks.cut.velocity)[near].mean())
    if missing < CUT_OFF:
        return ()
    return (
        Reason(
            "edge",
            f"{100 * missing:.0f} % of the ground within 1.5 radii holds no data: the edge of the "
            "map or of a gap cuts the signal, or makes it.",
            float("nan"),
        ),
    )


def _bell(blocks: Blocks, width: float) -> Array:
    easting, northing = blocks.cut.axes()
    return np.asarray(np.exp(-(easting**2 + northing**2) / (2 * width**2)))


def _outlined(blocks: Blocks, radius: float) -> Mask | None:
    """Connected ground near the place over half of its typical height, lightly smoothed."""
    smooth = _smoothed(blocks.cut.velocity)
    easting, northing = blocks.cut.axes()
    distance = np.hypot(easting, northing)
    near, ring = distance <= max(0.7 * radius, blocks.cut.pixel_size), distance > 2.0 * radius
    known = np.isfinite(smooth)
    if not (near & known).any() or not (ring & known).any():
        return None
    ground = float(np.median(smooth[ring & known]))
    height = float(np.median(smooth[near & known])) - ground
    labels, _ = ndimage.label(known & ((smooth - ground) * np.sign(height) > 0.5 * abs(height)))
    counts = np.bincount(labels[near], minlength=int(labels.max()) + 1)
    counts[0] = 0
    if not counts.any():
        return None
    return np.asarray(labels == int(counts.argmax()))


def _smoothed(velocity: Array) -> Array:
    valid = np.isfinite(velocity)
    weight: Array = ndimage.gaussian_filter(valid.astype(np.float64), 0.7)
    total: Array = ndimage.gaussian_filter(np.where(valid, velocity, 0.0), 0.7)
    return np.where(valid, total / np.maximum(weight, 1e-6), np.nan)
