"""A fitted source and its reasons as people read them, and on the pixels of a cut."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bradyseism.detection.places import Place
from bradyseism.detection.source_fit import SourceEstimate, SourceFit
from bradyseism.detection.surroundings import VERTICAL
from bradyseism.physics.line_of_sight import project
from bradyseism.physics.sources import CDM
from bradyseism.physics.variogram_fit import Estimate
from bradyseism.review.views import Crop
from bradyseism.review.words import chance, position, signed


def modelled(crop: Crop, fit: SourceFit) -> tuple[Crop, Crop]:
    """Return the cut with the source's rate in place of the map's, and with what it leaves over.

    Parameters
    ----------
    crop : Crop
        Any that lies around the source.
    fit : SourceFit
        The source.

    Returns
    -------
    model, rest : Crop
        m/yr, NaN where the map is; the median of the rest is zero.
    """
    row, column = crop.grid.row_column(fit.longitude, fit.latitude)
    rows, columns = np.indices(crop.grid.shape)
    easting = (columns - column) * crop.pixel_size + fit.source.easting
    northing = (row - rows) * crop.pixel_size + fit.source.northing
    look = np.array(VERTICAL) if crop.look is None else crop.look
    seen = project(fit.source.displacement(easting, northing), look)
    valid = np.isfinite(crop.velocity)
    left = crop.velocity - seen
    middle = float(np.median(left[valid])) if valid.any() else 0.0
    return replace(crop, velocity=np.where(valid, seen, np.nan)), replace(
        crop, velocity=left - middle
    )


def source_facts(source: SourceEstimate) -> list[tuple[str, str]]:
    """Name and value of what the best source says, in km, mm/yr and m3/yr, for a table.

    Where it is a CDM its form is said, too, and what a Mogi source in its place would be.
    """
    fit = source.best
    strength = "Volume change" if fit.model == "Mogi" else "Potency"
    sense = "inflation" if fit.inflates else "deflation"
    facts = [
        ("Source", f"{fit.model}, {sense}"),
        ("Centre", position(fit.longitude, fit.latitude)),
        ("Depth", _spread(fit.depth, 1e-3, "km")),
        (strength, _spread(fit.strength, 1e-6, "million m3/yr", sign=True)),
        ("Peak of the model", _spread(fit.peak_rate, 1e3, "mm/yr", sign=True)),
        (
            "Misfit",
            f"{fit.chi_square:.1f} times the noise, {100 * fit.explained:.0f} % of the variance "
            "explained",
        ),
    ]
    if isinstance(fit.source, CDM):
        axes = " x ".join(f"{axis / 1e3:.2g}" for axis in fit.source.semi_axes)
        turns = ", ".join(f"{turn:.0f}" for turn in fit.source.rotations)
        other = source.mogi
        facts += [
            ("Semi-axes", f"{axes} km, turned {turns} degrees about east, north and up"),
            (
                "As a Mogi source",
                f"depth {_spread(other.depth, 1e-3, 'km')}, volume change "
                f"{_spread(other.strength, 1e-6, 'million m3/yr', sign=True)}, misfit "
                f"{other.chi_square:.1f} times the noise",
            ),
        ]
    if not fit.look_known:
        facts.append(("Look", "not known: vertical motion assumed"))
    return facts


def place_facts(place: Place) -> dict[str, str]:
    """What the table of places shows of one."""
    motion = place.motion
    fit = place.source.best if place.source else None
    return {
        "position": position(place.longitude, place.latitude),
        "maps": ", ".join(
            f"{one.result.map.name} {'flags it' if one.detection else 'is quiet'} "
            f"({chance(one.probability)})"
            for one in place.sightings
        ),
        "up": _spread(motion.up, 1e3, "mm/yr", sign=True) if motion else "",
        "east": _spread(motion.east, 1e3, "mm/yr", sign=True) if motion else "",
        "depth": _spread(fit.depth, 1e-3, "km") if fit else "",
    }


def _spread(one: Estimate, factor: float, unit: str, *, sign: bool = False) -> str:
    value, low, high = (factor * end for end in (one.value, one.low, one.high))
    digits = 2 if abs(value) < 1.0 else 1
    text = [signed(v, digits) if sign else f"{v:.{digits}f}" for v in (value, low, high)]
    if math.isnan(low):
        return f"{text[0]} {unit}"
    return f"{text[0]} {unit} ({text[1]} to {text[2]})"
