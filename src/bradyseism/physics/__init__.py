"""Floor 1: how sources move the ground, what a satellite sees of it, and what disturbs the view.

Arrays in, arrays out; SI units and years inside, degrees at the public edge. Names are loaded when
first used, so that a look vector does not cost the import of a compiler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bradyseism.physics.atmosphere import (
        gradient_field,
        stratified_delay,
        turbulent_field,
        turbulent_fields,
    )
    from bradyseism.physics.covariance import (
        CovarianceModel,
        ExponentialModel,
        MaternModel,
        PowerLaw,
        SphericalModel,
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
    from bradyseism.physics.population import FittedModels, LogNormalModels
    from bradyseism.physics.sources import CDM, Mogi, PointCDM, Source, Sources
    from bradyseism.physics.sphere import McTigue
    from bradyseism.physics.spheroid import Yang
    from bradyseism.physics.variogram import Variogram, empirical_variogram, without_plane
    from bradyseism.physics.variogram_fit import Fit, fit, fit_models

__all__ = [
    "CDM",
    "SENTINEL1_WAVELENGTH",
    "CovarianceModel",
    "ExponentialModel",
    "Fit",
    "FittedModels",
    "LogNormalModels",
    "MaternModel",
    "McTigue",
    "Mogi",
    "Okada",
    "PennyCrack",
    "Pipe",
    "PointCDM",
    "PointEllipsoid",
    "PowerLaw",
    "Source",
    "Sources",
    "SphericalModel",
    "Variogram",
    "Yang",
    "empirical_variogram",
    "fit",
    "fit_models",
    "gradient_field",
    "look_vector",
    "project",
    "stratified_delay",
    "turbulent_field",
    "turbulent_fields",
    "without_plane",
    "wrap",
]

_HOMES = {
    "atmosphere": ("gradient_field", "stratified_delay", "turbulent_field", "turbulent_fields"),
    "covariance": (
        "CovarianceModel",
        "ExponentialModel",
        "MaternModel",
        "PowerLaw",
        "SphericalModel",
    ),
    "ellipsoid": ("PointEllipsoid",),
    "line_of_sight": ("SENTINEL1_WAVELENGTH", "look_vector", "project", "wrap"),
    "okada": ("Okada",),
    "penny": ("PennyCrack",),
    "pipe": ("Pipe",),
    "population": ("FittedModels", "LogNormalModels"),
    "sources": ("CDM", "Mogi", "PointCDM", "Source", "Sources"),
    "sphere": ("McTigue",),
    "spheroid": ("Yang",),
    "variogram": ("Variogram", "empirical_variogram", "without_plane"),
    "variogram_fit": ("Fit", "fit", "fit_models"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (any public name)
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
