"""Detections of several maps as places: linked, weighed together, and explained by one source.

References
----------
Wright, T. J., Parsons, B. E. and Lu, Z. (2004), Geophys. Res. Lett. 31, L01607 (motion in three
dimensions from several lines of sight, and why north is hardly seen).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bradyseism.detection.detect import Detection, DetectionResult, evidence_around
from bradyseism.detection.events import FLAG
from bradyseism.detection.source_fit import SourceEstimate, estimate_source, look_around
from bradyseism.detection.surroundings import Blocks
from bradyseism.maps.frames import mean_look
from bradyseism.maps.near import distance
from bradyseism.physics.variogram_fit import Estimate

LINKED = 5e3
"""Detections of two maps are one place within this distance (m), or within the larger radius."""

SAME_LOOK = 10.0
"""Maps whose looks differ by less (degrees) share their noise: together they count as one.

So does a map without a look, with the most probable of the others.
"""

MISSED = 0.05
"""Chance that a map that sees a deforming place shows nothing: bounds what silence counts."""

LEAST_PARALLAX = 0.3
"""East parts of two looks must differ by this much for vertical and east motion to be told."""

_CERTAIN = 1e-6
_BELL = math.sqrt(2.0 * math.log(2.0))  # radius at half height over the deviation of a bell
_WIDTHS = 1.959964

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sighting:
    """What one map says of a place.

    Parameters
    ----------
    result : DetectionResult
        Of the map.
    detection : Detection or None
        Its detection there; None where it sees the place and flags nothing.
    probability : float
        Of the detection, or the strongest evidence near the place, `FLAG` at most.
    """

    result: DetectionResult
    detection: Detection | None
    probability: float


@dataclass(frozen=True, eq=False)
class Motion:
    """Motion of the middle of a place against the ground around, north-south motion left out.

    Parameters
    ----------
    east, up : Estimate
        m/yr.
    """

    east: Estimate
    up: Estimate


@dataclass(frozen=True, eq=False)
class Place:
    """A place that at least two maps see and at least one flags.

    Parameters
    ----------
    longitude, latitude : float
        Mean of the detections (degrees, WGS84).
    sightings : tuple of Sighting
        One of each map that sees the place, the most probable first.
    looks : int
        Number of different lines of sight among them.
    probability : float
        Of all maps together, 0-1: see `combined_probability`.
    motion : Motion or None
        Where lines of sight differ enough.
    source : SourceEstimate or None
        One source for the first map of each look; None with fewer than two of them.
    """

    longitude: float
    latitude: float
    sightings: tuple[Sighting, ...]
    looks: int
    probability: float
    motion: Motion | None
    source: SourceEstimate | None

    @property
    def detections(self) -> tuple[Detection, ...]:
        """Those of the maps that flag the place."""
        return tuple(one.detection for one in self.sightings if one.detection is not None)


def find_places(results: Sequence[DetectionResult], prior: float) -> tuple[Place, ...]:
    """Link the detections of several maps.

    The most probable detection takes the nearest one of each other map that lies within `LINKED`
    or the larger of both radii, then the most probable of the rest.

    Parameters
    ----------
    results : sequence of DetectionResult
        One of each map.
    prior : float
        That the probabilities state (0-1, exclusive).

    Returns
    -------
    tuple of Place
        Most probable first; none for what a single map sees.
    """
    left = [sorted(result.detections, key=lambda found: -found.probability) for result in results]
    places = []
    while any(left):
        lead = max((found[0] for found in left if found), key=lambda one: one.probability)
        linked = [_nearest(lead, found) for found in left]
        for found, one in zip(left, linked, strict=True):
            if one is not None:
                found.remove(one)
        place = _place(results, linked, prior)
        if place is not None:
            places.append(place)
    return tuple(sorted(places, key=lambda place: -place.probability))


def combined_probability(probabilities: Sequence[Sequence[float]], prior: float) -> float:
    """Probability from several lines of sight.

    Parameters
    ----------
    probabilities : sequence of sequence of float
        For each line of sight those of its maps (0-1), at the prior.
    prior : float
        Counted once.

    Returns
    -------
    float
        Lines of sight count as independent evidence: their log-odds against the prior add. Maps
        of one line of sight are averaged. Silence counts no more than `MISSED` allows.

    Examples
    --------
    >>> round(combined_probability([[0.6], [0.6]], prior=0.05), 3)
    0.977
    >>> round(combined_probability([[0.6], [0.001]], prior=0.05), 3)
    0.07
    """
    start = float(special.logit(prior))
    total = start
    for group in probabilities:
        held = np.clip(np.asarray(group, dtype=np.float64), _CERTAIN, 1.0 - _CERTAIN)
        total += float(np.maximum(special.logit(held) - start, math.log(MISSED)).mean())
    return float(special.expit(total))


def _nearest(lead: Detection, found: Sequence[Detection]) -> Detection | None:
    if any(one is lead for one in found):
        return lead
    near = [
        (away, one)
        for one in found
        if (away := distance(lead, one)) <= max(LINKED, lead.radius, one.radius)
    ]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def _place(
    results: Sequence[DetectionResult], linked: Sequence[Detection | None], prior: float
) -> Place | None:
    known = [found for found in linked if found is not None]
    first = known[0].longitude
    east = [(found.longitude - first + 180.0) % 360.0 - 180.0 for found in known]
    longitude = (first + float(np.mean(east)) + 180.0) % 360.0 - 180.0
    latitude = float(np.mean([found.latitude for found in known]))
    sightings = []
    for result, found in zip(results, linked, strict=True):
        if found is not None:
            sightings.append(Sighting(result, found, found.probability))
            continue
        evidence = evidence_around(result.map.grid, result.probability, longitude, latitude)
        if not math.isnan(evidence):
            sightings.append(Sighting(result, None, min(evidence, FLAG)))
    if len(sightings) < 2:
        return None
    sightings.sort(key=lambda one: -one.probability)
    groups = _by_look(sightings)
    radius = float(np.median([found.radius for found in known]))
    # Maps of one look share their noise: the most probable stands for all of them.
    blocks = _ground([group[0] for group in groups if group], (longitude, latitude), radius)
    return Place(
        longitude,
        latitude,
        tuple(sightings),
        len(groups),
        combined_probability([[one.probability for one in group] for group in groups], prior),
        ground_motion(blocks, radius),
        estimate_source(blocks) if len(blocks) > 1 else None,
    )


def _by_look(sightings: Sequence[Sighting]) -> list[list[Sighting]]:
    """Sightings of one line of sight together, the most probable first.

    Where a look is not known it may be any of them: it joins the first, and claims nothing new.
    """
    groups: list[tuple[Array, list[Sighting]]] = []
    unknown = []
    for one in sightings:
        look = mean_look(one.result.map.look)
        if look is None:
            unknown.append(one)
            continue
        for other, members in groups:
            if look @ other > math.cos(math.radians(SAME_LOOK)):
                members.append(one)
                break
        else:
            groups.append((look, [one]))
    first, *rest = [members for _, members in groups] or [[]]
    return [first + unknown, *rest]


def _ground(
    sightings: Sequence[Sighting], place: tuple[float, float], radius: float
) -> list[Blocks]:
    """Blocks about the place of the maps whose look is known."""
    found = [
        look_around(one.result.map, place, radius)
        for one in sightings
        if one.result.map.look is not None
    ]
    return [blocks for blocks in found if blocks is not None and blocks.cut.look_known]


def ground_motion(maps: Sequence[Blocks], radius: float) -> Motion | None:
    """East and vertical motion of the middle of a place, north-south motion taken as none.

    In each map a bell of the radius is fitted to the white block means, a plane beside it; its
    heights are solved for both parts.

    Parameters
    ----------
    maps : sequence of Blocks
        About one place.
    radius : float
        Of the signal at half of its height (m).

    Returns
    -------
    Motion or None
        None where no two looks differ by `LEAST_PARALLAX` in their east part.
    """
    east = [blocks.look[0] for blocks in maps]
    if len(maps) < 2 or max(east) - min(east) < LEAST_PARALLAX:
        return None
    heights, deviations = np.array([_height(blocks, radius) for blocks in maps]).T
    design = np.array([[blocks.look[0], blocks.look[2]] for blocks in maps])
    weighted = design / deviations[:, None]
    covariance = np.linalg.inv(weighted.T @ weighted)
    rates = covariance @ (weighted.T @ (heights / deviations))
    widths = _WIDTHS * np.sqrt(np.diag(covariance))
    parts = [
        Estimate(name, float(rate), float(rate - width), float(rate + width))
        for name, rate, width in zip(("east", "up"), rates, widths, strict=True)
    ]
    return Motion(*parts)


def _height(blocks: Blocks, radius: float) -> tuple[float, float]:
    """LOS rate (m/yr) of a bell at the place, and its standard deviation."""
    squared = blocks.easting**2 + blocks.northing**2
    bell = np.exp(-squared / (2 * (radius / _BELL) ** 2)).mean(axis=0)
    seen, target = blocks.whitened(bell), blocks.whitened(blocks.velocity)
    square = float(seen @ seen)
    height = float(seen @ target) / square
    noise = float(np.sum((target - height * seen) ** 2)) / max(target.size - 4, 1)
    return height, math.sqrt(max(noise, 1.0) / square)
