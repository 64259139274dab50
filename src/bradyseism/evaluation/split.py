"""Which ground may judge a detector and which may shape it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ANATOLIAN_SPLIT", "Part", "Split"]

Part = Literal["testing", "tuning"]


@dataclass(frozen=True)
class Split:
    """A region divided by longitude; ground outside the region is for testing.

    Ground between the two limits is left out of both parts, so that windows on either side share no
    pixel.

    Attributes
    ----------
    west, south, east, north
        Bounds of the region (degrees), ``west < tuning_limit <= testing_limit < east``.
    tuning_limit
        West of it (degrees): calibration, hard negatives, fine-tuning, choices of any kind.
    testing_limit
        East of it (degrees): testing only.

    Raises
    ------
    ValueError
        Where the bounds and limits do not rise from west to east and from south to north.
    """

    west: float
    south: float
    east: float
    north: float
    tuning_limit: float
    testing_limit: float

    def __post_init__(self) -> None:
        rising = self.west < self.tuning_limit <= self.testing_limit < self.east
        if not rising or not self.south < self.north:
            raise ValueError(
                f"split {self.west:g} to {self.east:g} E, {self.south:g} to {self.north:g} N with "
                f"limits {self.tuning_limit:g} and {self.testing_limit:g} does not rise: "
                "give west < tuning <= testing < east and south < north"
            )

    def selects(self, longitude: ArrayLike, latitude: ArrayLike, part: Part) -> NDArray[np.bool_]:
        """True where a place belongs to `part`.

        Parameters
        ----------
        longitude, latitude
            Degrees, of equal shape; for a window, its centre.
        part
            ``"testing"`` or ``"tuning"``.
        """
        east, north = np.asarray(longitude), np.asarray(latitude)
        inside = (east >= self.west) & (east <= self.east)
        inside &= (north >= self.south) & (north <= self.north)
        if part == "tuning":
            return np.asarray(inside & (east < self.tuning_limit))
        return np.asarray(~inside | (east > self.testing_limit))


ANATOLIAN_SPLIT = Split(
    west=31.0, south=39.5, east=36.0, north=42.7, tuning_limit=33.0, testing_limit=33.6
)
"""Rule for the two overlapping LiCSBAS frames 087A_04904 and 167D_04884 on the North Anatolian
fault, the real volcano-free ground of this project. It holds some 34 independent patches: the west
tunes, the east tests, and a strip of a patch's width (51.2 km, 0.6 degrees) is left out between
them. Fixed before any training."""
