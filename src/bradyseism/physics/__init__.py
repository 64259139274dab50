"""Floor 1: how sources move the ground, what a satellite sees of it, and what disturbs the view.

Arrays in, arrays out; SI units and years inside, degrees at the public edge. Names are loaded when
first used, so that a look vector does not cost the import of a compiler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bradyseism.physics.atmosphere import (
        ExponentialModel,
        Variogram,
        empirical_variogram,
        fit_exponential,
        turbulent_field,
        turbulent_fields,
    )
    from bradyseism.physics.ellipsoid import PointEllipsoid
    from bradyseism.physics.line_of_sight import (
        SENTINEL1_WAVELENGTH,
        look_vector,
        project,
        wrap,
    )
    from bradyseism.physics.okada import Okada
    from bradyseism.physics.penny import PennyCrack
    from bradyseism.physics.pipe import Pipe
    from bradyseism.physics.sources import CDM, Mogi, PointCDM, Source, Sources
    from bradyseism.physics.sphere import McTigue
    from bradyseism.physics.spheroid import Yang

__all__ = [
    "CDM",
    "SENTINEL1_WAVELENGTH",
    "ExponentialModel",
    "McTigue",
    "Mogi",
    "Okada",
    "PennyCrack",
    "Pipe",
    "PointCDM",
    "PointEllipsoid",
    "Source",
    "Sources",
    "Variogram",
    "Yang",
    "empirical_variogram",
    "fit_exponential",
    "look_vector",
    "project",
    "turbulent_field",
    "turbulent_fields",
    "wrap",
]

_HOMES = {
    "atmosphere": (
        "ExponentialModel",
        "Variogram",
        "empirical_variogram",
        "fit_exponential",
        "turbulent_field",
        "turbulent_fields",
    ),
    "ellipsoid": ("PointEllipsoid",),
    "line_of_sight": ("SENTINEL1_WAVELENGTH", "look_vector", "project", "wrap"),
    "okada": ("Okada",),
    "penny": ("PennyCrack",),
    "pipe": ("Pipe",),
    "sources": ("CDM", "Mogi", "PointCDM", "Source", "Sources"),
    "sphere": ("McTigue",),
    "spheroid": ("Yang",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (any public name)
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
