"""How many windows hold deformation before anything is seen: from volcanoes to windows.

What is known is counted by volcano: of the 198 that satellites observed systematically over 18
years 54 deformed (Biggs et al. 2014); since 1900 it was 221 of some 1,400 by all kinds of
measurement (Biggs and Pritchard 2017). A probability of this program is that of a window, and most
windows hold no volcano. `window_prior` goes from one to the other over the frames around the
volcanoes of a catalogue.

References
----------
Biggs, J. et al. (2014), Nat. Commun. 5, 3471, doi:10.1038/ncomms4471.
Biggs, J. and Pritchard, M. E. (2017), Elements 13, 17-22, doi:10.2113/gselements.13.1.17.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from bradyseism.detection.scan import window_starts
from bradyseism.maps.volcanoes import Catalogue
from bradyseism.samples.encoding import Encoding

__all__ = ["DEFORMING_VOLCANOES", "PRIOR_FACTS", "WINDOW_PRIOR", "window_prior"]

DEFORMING_VOLCANOES = 54 / 198
"""Share of volcanoes that deformed within 18 years (Biggs et al. 2014)."""

WINDOW_PRIOR = 0.05
"""Share of windows that the shipped model expects to deform; see `PRIOR_FACTS`."""

PRIOR_FACTS = MappingProxyType(
    {
        "per_volcano": round(DEFORMING_VOLCANOES, 4),
        "per_volcano_source": (
            "54 of 198 volcanoes observed systematically over 18 years deformed (Biggs et al. "
            "2014, doi:10.1038/ncomms4471); since 1900 it is 221 of some 1,400, 0.16 (Biggs and "
            "Pritchard 2017, doi:10.2113/gselements.13.1.17)"
        ),
        "per_window": WINDOW_PRIOR,
        "per_window_source": (
            "in the 102.4 km frames around the 1,326 Holocene volcanoes of the Global Volcanism "
            "Program (5.1.0) 10 % of the 284 scanned windows hold a volcano, and 0.034 hold one "
            "that deforms (10 to 90 % of the frames: 0.012 to 0.062; by width of the window, 12.8 "
            "to 102.4 km: 0.016, 0.064, 0.26, 0.58); 0.05 is that rounded up, as not every "
            "deforming place is catalogued: a choice, not a measurement"
        ),
        "per_window_caveat": (
            "a map of a few years sees fewer deforming volcanoes than 18 years do, and a window "
            "that holds a volcano need not show its deformation: both make it too high; state "
            "another with --prior"
        ),
    }
)
"""What the card says of the prior: by volcano, by window, and how one becomes the other."""

_SIDE, _PIXEL = 102_400.0, 200.0
_GEOD = Geod(ellps="WGS84")


def window_prior(
    catalogue: Catalogue, encoding: Encoding, *, deforming: float = DEFORMING_VOLCANOES
) -> NDArray[np.float64]:
    """Expected share of windows that hold a deforming volcano, in the frame around each volcano.

    Parameters
    ----------
    catalogue : Catalogue
        Volcanoes; each has a frame 102.4 km wide around it, of 200 m pixels.
    encoding : Encoding
        Size of a window and pixel sizes of the pyramid, of which those from 200 m to 1600 m suit
        such a frame.
    deforming : float
        Share (0-1) of volcanoes that deform, each on its own.

    Returns
    -------
    array of shape (volcanoes,)
        Mean over the scanned windows of ``1 - (1 - deforming)^n``, with n volcanoes in a window.
    """
    corners, sides = _windows(encoding)
    longitude = np.array([volcano.longitude for volcano in catalogue.volcanoes])
    latitude = np.array([volcano.latitude for volcano in catalogue.volcanoes])
    shares = np.empty(longitude.size)
    for index, (east, north) in enumerate(zip(longitude, latitude, strict=True)):
        azimuth, _, distance = _GEOD.inv(
            np.full_like(longitude, east), np.full_like(latitude, north), longitude, latitude
        )
        near = distance < _SIDE
        angle = np.radians(azimuth[near])
        place = np.stack([-np.cos(angle), np.sin(angle)], axis=1) * distance[near, None]
        offset = place[None] - corners[:, None]
        inside = ((offset >= 0) & (offset < sides[:, None, None])).all(axis=2)
        shares[index] = (1.0 - (1.0 - deforming) ** inside.sum(axis=1)).mean()
    return shares


def _windows(encoding: Encoding) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """North-west corners (m south, m east of the centre) and sides (m) of a frame's windows."""
    corners, sides = [], []
    for size in encoding.pixel_sizes:
        if not _PIXEL <= size <= 2.0 * _SIDE / encoding.size:
            continue
        starts = (
            window_starts(round(_SIDE / size), encoding.size, encoding.size // 2) * size - _SIDE / 2
        )
        grid = np.stack(np.meshgrid(starts, starts, indexing="ij"), axis=-1).reshape(-1, 2)
        corners.append(grid)
        sides.append(np.full(len(grid), size * encoding.size))
    return np.concatenate(corners), np.concatenate(sides)
