"""No source takes a number that is not finite, a negative size or depth, or reaches the air."""

from __future__ import annotations

import math

import pytest

from bradyseism import physics

PLACE = {"easting": 0.0, "northing": 0.0, "depth": 4e3}
RECORDS = {
    "Mogi": {"volume_change": 1e6},
    "PointCDM": {"potencies": (1e6, 1e6, 1e6), "rotations": (1.0, 2.0, 3.0)},
    "CDM": {"semi_axes": (1e2, 2e2, 3e2), "opening": 1.0, "rotations": (1.0, 2.0, 3.0)},
    "McTigue": {"radius": 500.0, "pressure_ratio": 0.01},
    "Yang": {
        **{"semi_major": 800.0, "semi_minor": 300.0, "plunge": 40.0, "trend": 10.0},
        "pressure_ratio": 0.01,
    },
    "PennyCrack": {"radius": 800.0, "pressure_ratio": 0.01},
    "PointEllipsoid": {
        "semi_axes": (1e2, 2e2, 3e2),
        "rotations": (1.0, 2.0, 3.0),
        "pressure_ratio": 0.01,
    },
    "Pipe": {"length": 2e3, "radius": 50.0, "pressure_ratio": 0.01},
    "Okada": {"length": 2e3, "width": 1e3, "strike": 0.0, "dip": 60.0, "opening": 1.0},
}
SIZES = ("depth", "radius", "length", "width", "semi_major", "semi_minor", "semi_axes")


def bad_values(field: str, value: float | tuple[float, ...]) -> list:
    """What a field must not take."""
    bad = [math.nan, math.inf] + [-1.0] * (field in SIZES)
    return [(wrong, *value[1:]) for wrong in bad] if isinstance(value, tuple) else bad


CASES = [
    (name, field, wrong)
    for name, given in RECORDS.items()
    for field, value in {**PLACE, **given, "poisson": 0.25}.items()
    for wrong in bad_values(field, value)
]


@pytest.mark.parametrize(("name", "field", "wrong"), CASES)
def test_a_number_out_of_range_is_refused_by_name(name: str, field: str, wrong: object) -> None:
    record = getattr(physics, name)
    record(**PLACE, **RECORDS[name])
    with pytest.raises(ValueError, match=field.split("_")[0]):
        record(**{**PLACE, **RECORDS[name], field: wrong})


@pytest.mark.parametrize("name", ["CDM", "McTigue", "Yang", "Pipe", "Okada"])
def test_a_source_that_reaches_the_air_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"surface|below the reach"):
        getattr(physics, name)(**{**PLACE, "depth": 50.0}, **RECORDS[name])
