"""Test maps with known truth, cut into labelled patches as the paper cut its frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.frames import patch_corners, patches_holding
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.low_pass import low_passed
from bradyseism.samples.synthetic import NO_PLACE, Sample

PositiveRule = Literal["peak", "middle"]
NOT_COUNTED = -1


@dataclass(frozen=True, eq=False)
class LabelledMap:
    """A map and where it deforms.

    Parameters
    ----------
    name, place : str
        Of the map, and of the ground that it shares with others (what a bootstrap draws).
    displacement : array of float32, shape (rows, columns)
        Cumulative LOS displacement (m, positive toward the satellite), NaN missing.
    peaks : array, shape (m, 2)
        Row and column of the peaks of volcanic deformation; empty where there is none.
    uncertain : array, shape (m, 2)
        The same for real signals that need not be found and are not false.
    counted : bool
        Whether the truth is known; no patch of the map counts where it is not.
    rate : float
        Peak LOS rate (m/yr); NaN where unknown, 0 without deformation.
    years : float
        Time span.
    longitude, latitude : float
        Of the centre, in degrees.
    """

    name: str
    place: str
    displacement: NDArray[np.float32]
    peaks: NDArray[np.float64]
    uncertain: NDArray[np.float64]
    counted: bool
    rate: float
    years: float
    longitude: float
    latitude: float

    def filtered(self, pixel_size: float) -> LabelledMap:
        """Return the same map through the low-pass filter of the paper."""
        return replace(self, displacement=low_passed(self.displacement, pixel_size))


@dataclass(frozen=True, eq=False)
class MapPatches:
    """Overlapping patches of a map, with their labels; a map that is smaller is padded.

    Parameters
    ----------
    map : LabelledMap
    encoding : WrappedPatch
        Size of a patch, and how displacement becomes network input.
    rule : {"peak", "middle"}
        A patch is positive if it contains the pixel of a peak, so that partial deformations are
        positive; or only if the peak lies in its middle half.
    """

    map: LabelledMap
    encoding: WrappedPatch
    rule: PositiveRule = "peak"

    def __post_init__(self) -> None:
        if self.rule not in ("peak", "middle"):
            raise ValueError(f"positive_rule {self.rule!r} is unknown: give peak or middle")
        size = self.encoding.size
        short = [max(0, size - length) for length in self.map.displacement.shape]
        if any(short):
            padded = np.pad(self.map.displacement, [(0, n) for n in short], constant_values=np.nan)
            object.__setattr__(self, "map", replace(self.map, displacement=padded))

    @property
    def corners(self) -> NDArray[np.intp]:
        """Upper left pixel (row, column) of every patch, (n, 2): a step is a quarter of a patch."""
        rows, columns = self.map.displacement.shape
        size = self.encoding.size
        return patch_corners((rows, columns), size, size // 4)

    @property
    def labels(self) -> NDArray[np.intp]:
        """1 with deformation, 0 without, -1 not counted; shape (n,)."""
        labels = np.where(
            self._contains(self.map.peaks), 1, np.where(self._contains(self.map.uncertain), -1, 0)
        )
        return labels if self.map.counted else np.full(len(labels), NOT_COUNTED)

    @property
    def missing(self) -> NDArray[np.float64]:
        """Share (0-1) of missing pixels; shape (n,)."""
        return np.array([np.isnan(self.patch(k)).mean() for k in range(len(self))])

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, index: int) -> Sample:
        image = self.encoding.encode(self.patch(index)[None])[0]
        # A loader takes 0 or 1; who needs the third answer asks `labels`.
        return {"image": image, "label": int(self.labels[index] == 1), "place": NO_PLACE}

    def patch(self, index: int) -> NDArray[np.float32]:
        """Displacement (m) of one patch, (size, size)."""
        row, column = self.corners[index]
        size = self.encoding.size
        return self.map.displacement[row : row + size, column : column + size]

    def _contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        size = self.encoding.size
        margin = size // 4 if self.rule == "middle" else 0
        return patches_holding(points, self.corners, size, margin)
