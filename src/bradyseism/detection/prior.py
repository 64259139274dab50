"""How many maps hold deformation before anything is seen: from volcanoes to maps.

What is known is counted by volcano: of the 198 that satellites observed systematically over 18
years 54 deformed (Biggs et al. 2014); since 1900 it was 221 of some 1,400 by all kinds of
measurement (Biggs and Pritchard 2017). A probability of this program is that of the strongest place
of a map, and most maps of volcanoes hold several. `map_prior` goes from one to the other over the
frames around the volcanoes of a catalogue.

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

from bradyseism.maps.volcanoes import Catalogue

__all__ = ["DEFORMING_VOLCANOES", "MAP_PRIOR", "PRIOR_FACTS", "map_prior"]

DEFORMING_VOLCANOES = 54 / 198
"""Share of volcanoes that deformed within 18 years (Biggs et al. 2014)."""

MAP_PRIOR = 0.5
"""Share of maps that the shipped model expects to deform; see `PRIOR_FACTS`."""

PRIOR_FACTS = MappingProxyType(
    {
        "per_volcano": round(DEFORMING_VOLCANOES, 4),
        "per_volcano_source": (
            "54 of 198 volcanoes observed systematically over 18 years deformed (Biggs et al. "
            "2014, doi:10.1038/ncomms4471); since 1900 it is 221 of some 1,400, 0.16 (Biggs and "
            "Pritchard 2017, doi:10.2113/gselements.13.1.17)"
        ),
        "per_map": MAP_PRIOR,
        "per_map_source": (
            "the 102.4 km frames around the 1,326 Holocene volcanoes of the Global Volcanism "
            "Program (5.1.0) hold 3.5 volcanoes in the mean, and 0.58 of them one that deforms; "
            "of 51.2 km frames 0.42 do; 0.5 lies between: a choice, not a measurement"
        ),
        "per_map_caveat": (
            "a map of a few years sees fewer deforming volcanoes than 18 years do, and a map far "
            "from volcanoes hardly any: state another with --prior"
        ),
    }
)
"""What the card says of the prior: by volcano, by map, and how one becomes the other."""

_GEOD = Geod(ellps="WGS84")


def map_prior(
    catalogue: Catalogue, side: float, *, deforming: float = DEFORMING_VOLCANOES
) -> NDArray[np.float64]:
    """Chance that the frame around each volcano holds one that deforms.

    Parameters
    ----------
    catalogue : Catalogue
        Volcanoes; each has a frame around it.
    side : float
        Of the frames (m).
    deforming : float
        Share (0-1) of volcanoes that deform, each on its own.

    Returns
    -------
    array of shape (volcanoes,)
        ``1 - (1 - deforming)^n``, with n volcanoes in a frame.
    """
    longitude = np.array([volcano.longitude for volcano in catalogue.volcanoes])
    latitude = np.array([volcano.latitude for volcano in catalogue.volcanoes])
    held = np.empty(longitude.size)
    for index, (east, north) in enumerate(zip(longitude, latitude, strict=True)):
        azimuth, _, distance = _GEOD.inv(
            np.full_like(longitude, east), np.full_like(latitude, north), longitude, latitude
        )
        offset = distance * np.stack([np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))])
        held[index] = (np.abs(offset) <= side / 2.0).all(axis=0).sum()
    return np.asarray(1.0 - (1.0 - deforming) ** held)
