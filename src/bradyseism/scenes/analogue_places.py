"""Where the analogue frames lie, which satellite sees them, and what deforms under them.

A cordillera that is nowhere: the coordinates only keep the frames apart. Sources follow the
rates and sizes published for the Central Andes; where a depth or shape is not published it is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bradyseism.physics.sources import CDM, Mogi, Source


@dataclass(frozen=True)
class Deformation:
    """What moves under a place.

    Parameters
    ----------
    like : str
        The published centre that it resembles.
    rate : float
        Peak LOS rate (m/yr) on the first track of the place, positive toward the satellite.
    source : Source
        At any strength, at its easting and northing (m) from the centre of the frame.
    """

    like: str
    rate: float
    source: Source


@dataclass(frozen=True)
class Place:
    """A frame's centre.

    Parameters
    ----------
    index : int
        From 0.
    longitude, latitude : float
        Degrees.
    tracks : tuple of int
        Which of `TRACKS` see it, one frame each.
    neighbours : int
        Volcanoes beside the one in the centre.
    slopes : {"strong", "weak"}
        How fast its slopes creep.
    salt_flats : int
        How many salt flats move.
    deformation : Deformation or None
        None for a quiet place.
    """

    index: int
    longitude: float
    latitude: float
    tracks: tuple[int, ...]
    neighbours: int
    slopes: Literal["strong", "weak"]
    salt_flats: int
    deformation: Deformation | None = None

    @property
    def name(self) -> str:
        """Short name, for files."""
        return f"place_{self.index:02d}"


DEFORMATIONS = {
    # Over 70 km wide and some 20 km deep, in the middle crust.
    1: Deformation("Uturuncu", 0.010, Mogi(1.5e3, -2e3, 21e3, volume_change=1e6)),
    # A lens tens of km long beside the edifice; no catalogued volcano stands above its centre.
    4: Deformation(
        "Lazufre", 0.005, CDM.sill(7e3, 5e3, 11e3, length=30e3, width=18e3, opening=1.0, strike=25)
    ),
    7: Deformation(
        "Cerro Blanco", -0.010, CDM.sill(-1e3, 1e3, 8e3, length=6e3, width=6e3, opening=1.0)
    ),
    10: Deformation("Cerro Overo", -0.0045, Mogi(11e3, -13e3, 5.5e3, volume_change=1e6)),
    13: Deformation("Socompa", 0.0175, Mogi(0.8e3, 0.6e3, 6.5e3, volume_change=1e6)),
    17: Deformation(
        "Cerro El Condor",
        0.012,
        CDM(-14e3, 12e3, 9e3, semi_axes=(3e3, 2e3, 4e3), opening=1.0, rotations=(12.0, 0.0, 30.0)),
    ),
    21: Deformation(
        "no edifice", -0.007, CDM.sill(18e3, 15e3, 6e3, length=9e3, width=5e3, opening=1.0, dip=12)
    ),
}
"""Seven of the 24 places; three are seen twice, which makes ten frames with deformation."""

_NEIGHBOURS = (1, 2, 0, 1, 1, 0, 2, 1, 0, 1, 3, 0, 1, 1, 0, 2, 1, 0, 1, 1, 0, 2, 1, 0)
_SALT_FLATS = (0, 1, 0, 2, 1, 0, 0, 0, 1, 2, 0, 1, 0, 1, 0, 0, 2, 0, 1, 0, 3, 1, 0, 0)
_STRONG_SLOPES = frozenset((0, 2, 5, 7, 12, 14, 17, 19))
_TWICE = frozenset((1, 4, 10, 6, 12, 15, 22))
_ASCENDING_ONLY = frozenset((8, 13))
_NORTH, _WEST = -18.6, -69.6  # degrees, the first place
_ROWS_APART, _COLUMNS_APART = 1.15, 1.4  # degrees, over 120 km


def _place(index: int) -> Place:
    ascending, descending = index % 2, 2 + index % 5
    if index in _TWICE:
        tracks: tuple[int, ...] = (descending, ascending)
    else:
        tracks = (ascending,) if index in _ASCENDING_ONLY else (descending,)
    return Place(
        index,
        round(_WEST + index % 3 * _COLUMNS_APART, 4),
        round(_NORTH - index // 3 * _ROWS_APART, 4),
        tracks,
        _NEIGHBOURS[index],
        "strong" if index in _STRONG_SLOPES else "weak",
        _SALT_FLATS[index],
        DEFORMATIONS.get(index),
    )


PLACES = tuple(_place(index) for index in range(24))
"""24 places, no two frames of which overlap: 31 frames, 46 volcanoes, ten with deformation."""
