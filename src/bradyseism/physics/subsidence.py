"""How ground sinks over a mined panel and over a pumped aquifer.

References
----------
Knothe, S. (1957), Observations of surface movements under influence of mining and their theoretical
interpretation, Proc. European Congress on Ground Movement, Leeds, 210-218.
Hantush, M. S. and Jacob, C. E. (1955), Non-steady radial flow in an infinite leaky aquifer, Trans.
Am. Geophys. Union 36, 95-100.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


@dataclass(frozen=True)
class MinedPanel:
    """A rectangular panel of a flat seam, mined out: steep sides, a flat bottom if it is wide.

    Each mined element lowers the surface by a Gaussian of radius r = depth / tan_beta (Knothe
    1957). Ground moves toward the trough by its slope times r / sqrt(2 pi), as Budryk proposed.

    Parameters
    ----------
    easting, northing : float
        Centre (m).
    depth : float
        Depth of the seam (m), positive.
    length, width : float
        Full length along `azimuth` and full width (m), positive.
    azimuth : float
        Direction of the length (degrees clockwise from north).
    subsidence : float
        Subsidence (m, or m/yr) over the middle of a panel that is wide beside r.
    tan_beta : float
        Tangent of the angle of main influence, positive; about 2.

    Raises
    ------
    ValueError
        If a number is not finite, or a length or `tan_beta` not positive.
    """

    easting: float
    northing: float
    depth: float
    length: float
    width: float
    azimuth: float = 0.0
    subsidence: float = 1.0
    tan_beta: float = 2.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not math.isfinite(value):
                raise ValueError(f"{name} {value:g} of a mined panel is not finite")
            if name in ("depth", "length", "width", "tan_beta") and value <= 0.0:
                raise ValueError(f"{name} {value:g} of a mined panel is not positive")

    @property
    def influence(self) -> float:
        """Radius r (m) of main influence: how far beyond its edge the panel is felt."""
        return self.depth / self.tan_beta

    @property
    def volume(self) -> float:
        """Volume of the trough (m3, or m3/yr), that of the panel."""
        return self.subsidence * self.length * self.width

    def displacement(self, easting: ArrayLike, northing: ArrayLike) -> NDArray[np.float64]:
        """East, north and up (m, or m/yr) at points of the surface (m), shape (3, ...)."""
        east = np.asarray(easting, dtype=np.float64) - self.easting
        north = np.asarray(northing, dtype=np.float64) - self.northing
        sine, cosine = math.sin(math.radians(self.azimuth)), math.cos(math.radians(self.azimuth))
        along, along_slope = self._influence(east * sine + north * cosine, self.length / 2)
        aside, aside_slope = self._influence(east * cosine - north * sine, self.width / 2)
        # Where the trough deepens, the ground moves that way.
        reach = self.subsidence * self.influence / math.sqrt(2 * math.pi)
        toward, across = reach * along_slope * aside, reach * along * aside_slope
        return np.stack(
            [
                toward * sine + across * cosine,
                toward * cosine - across * sine,
                -self.subsidence * along * aside,
            ]
        )

    def _influence(
        self, distance: NDArray[np.float64], half: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Share of the influence over a strip of half-width `half`, and its slope (1/m)."""
        scale = math.sqrt(math.pi) / self.influence
        near, far = scale * (distance + half), scale * (distance - half)
        share = 0.5 * (special.erf(near) - special.erf(far))
        return share, (np.exp(-(near**2)) - np.exp(-(far**2))) / self.influence


def leaky_drawdown(distance: ArrayLike, leakage: float, radius: float) -> NDArray[np.float64]:
    """Steady drawdown around a well in a leaky aquifer, relative to that at the well.

    ``K0(distance / leakage) / K0(radius / leakage)``, a cone that ends some leakage lengths away:
    what pumping at a steady rate tends to (Hantush and Jacob 1955). Where compaction follows the
    drawdown it is the shape of the bowl.

    Parameters
    ----------
    distance
        From the well (m).
    leakage
        Leakage length (m), the root of transmissivity times the resistance of the confining layer.
    radius
        Radius (m) of the well or well field, inside which the drawdown is level.

    Returns
    -------
    ndarray of float64
        1 at the well, falling to 0; shape of `distance`.

    Raises
    ------
    ValueError
        If a length is not positive.
    """
    if not (0.0 < leakage < math.inf and 0.0 < radius < math.inf):
        raise ValueError(
            f"leakage {leakage:g} m and radius {radius:g} m are not both positive: give metres"
        )
    ratio = np.maximum(np.asarray(distance, dtype=np.float64), radius) / leakage
    return np.asarray(special.k0(ratio) / special.k0(radius / leakage))
