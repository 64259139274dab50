"""The sentences and numbers of the page, as people read them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bradyseism.detection.detect import DetectionResult, Status
from bradyseism.detection.places import Place
from bradyseism.maps.volcanoes import Volcano

STATES: tuple[Status, ...] = ("flagged", "quiet", "not observable")
_WINDS = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
_LEAST_SHARE = 0.1  # of the look vector: a smaller component is not worth a word


def summary(results: Sequence[DetectionResult], places: Sequence[Place] = ()) -> str:
    """One sentence for a tired person.

    Parameters
    ----------
    results : sequence of DetectionResult
        One for each map.
    places : sequence of Place
        That several of them see: what they flag there counts once.

    Returns
    -------
    str
        Such as "2 places flagged, 14 volcanoes quiet, 3 not observable."
    """
    flagged = sum(len(result.detections) for result in results)
    flagged -= sum(len(place.detections) - 1 for place in places)
    # A volcano that any map flags is flagged, and one that any map sees is observed.
    best: dict[Volcano, Status] = {}
    for status in (status for result in results for status in result.volcanoes):
        known = best.get(status.volcano, status.status)
        best[status.volcano] = min(known, status.status, key=STATES.index)
    states = Counter(best.values())
    if not any(np.isfinite(result.probability).any() for result in results):
        return (
            "Nothing could be judged: the map is too narrow, too few pixels hold data, or they "
            "hardly vary."
        )
    parts = [count(flagged, "place") + " flagged" if flagged else "Nothing flagged"]
    if states["quiet"]:
        parts.append(count(states["quiet"], "volcano", "volcanoes") + " quiet")
    if states["not observable"]:
        unseen = states["not observable"]
        several = count(unseen, "volcano", "volcanoes")
        parts.append((str(unseen) if states["quiet"] else several) + " not observable")
    if not states:
        parts.append("no catalogued volcano inside")
    return ", ".join(parts) + "."


def motion_in_words(rate: float, look: NDArray[np.float64] | None) -> str:
    """Say what a line-of-sight rate can mean on the ground.

    Parameters
    ----------
    rate : float
        m/yr, positive toward the satellite.
    look : ndarray, shape (3,), or None
        Unit vector (east, north, up) from the ground to the satellite, if known.

    Returns
    -------
    str
        One line of sight cannot tell vertical from horizontal motion: both are named.

    Examples
    --------
    >>> motion_in_words(-0.01, None)
    'away from the satellite: subsidence, or horizontal motion away from it'
    """
    toward = rate > 0
    start = "toward the satellite" if toward else "away from the satellite"
    vertical = "uplift" if toward else "subsidence"
    if look is None:
        side = "toward it" if toward else "away from it"
        return f"{start}: {vertical}, or horizontal motion {side}"
    east, north, up = look if toward else -look
    meanings = []
    if abs(up) > _LEAST_SHARE:
        meanings.append(vertical)
    if math.hypot(east, north) > _LEAST_SHARE:
        wind = round(math.degrees(math.atan2(east, north)) / 45.0) % len(_WINDS)
        meanings.append(f"motion to the {_WINDS[wind]}")
    return f"{start}: " + ", or ".join(meanings)


def chance(probability: float) -> str:
    """Probability to two digits; one that would round to certainty says so instead.

    Examples
    --------
    >>> chance(0.874), chance(0.998)
    ('0.87', 'over 0.99')
    """
    return "over 0.99" if probability >= 0.995 else f"{probability:.2f}"


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign, a true minus, and no sign at zero."""
    text = f"{value:+.{digits}f}"
    if float(text) == 0.0:
        text = text[1:]
    return text.replace("-", "\N{MINUS SIGN}")


def position(longitude: float, latitude: float) -> str:
    """Longitude and latitude in degrees and hemispheres, such as "14.140° E, 40.826° N"."""
    turned = (longitude + 180.0) % 360.0 - 180.0
    east = f"{abs(turned):.3f}\N{DEGREE SIGN} {'E' if turned >= 0 else 'W'}"
    return f"{east}, {abs(latitude):.3f}\N{DEGREE SIGN} {'N' if latitude >= 0 else 'S'}"


def count(number: int, noun: str, several: str = "") -> str:
    """Write a number with its noun; `several` is the plural where an s is not enough."""
    return f"{number} {noun if number == 1 else several or noun + 's'}"
