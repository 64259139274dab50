"""Finds slow volcanic deformation in long-term InSAR velocity maps.

The public names are loaded when first used: the import itself costs nothing.

Examples
--------
>>> import bradyseism
>>> source = bradyseism.Mogi(easting=0.0, northing=0.0, depth=4e3, volume_change=1e6)
>>> source.volume_change
1000000.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bradyseism.detection.detect import Detection, DetectionResult, detect
    from bradyseism.detection.runtime import Detector
    from bradyseism.maps.labelled import from_xarray, to_xarray
    from bradyseism.maps.readers import ReadOptions, inspect_map, open_map
    from bradyseism.maps.velocity_map import Grid, VelocityMap
    from bradyseism.maps.volcanoes import Catalogue, Volcano, read_catalogue
    from bradyseism.maps.writers.map_files import write_map
    from bradyseism.physics.covariance import ExponentialModel
    from bradyseism.physics.ellipsoid import PointEllipsoid
    from bradyseism.physics.line_of_sight import look_vector, project, wrap
    from bradyseism.physics.okada import Okada
    from bradyseism.physics.penny import PennyCrack
    from bradyseism.physics.pipe import Pipe
    from bradyseism.physics.sources import CDM, Mogi, PointCDM, Sources
    from bradyseism.physics.sphere import McTigue
    from bradyseism.physics.spheroid import Yang
    from bradyseism.scenes.catalogue import CataloguePrior
    from bradyseism.scenes.priors import FootprintPrior, PaperPrior
    from bradyseism.scenes.simulation import offset, simulate
    from bradyseism.scenes.synthesis import Scene, SceneSettings, random_scene
    from bradyseism.training.scene_dataset import SceneDataset

__all__ = [
    "CDM",
    "Catalogue",
    "CataloguePrior",
    "Detection",
    "DetectionResult",
    "Detector",
    "ExponentialModel",
    "FootprintPrior",
    "Grid",
    "McTigue",
    "Mogi",
    "Okada",
    "PaperPrior",
    "PennyCrack",
    "Pipe",
    "PointCDM",
    "PointEllipsoid",
    "ReadOptions",
    "Scene",
    "SceneDataset",
    "SceneSettings",
    "Sources",
    "VelocityMap",
    "Volcano",
    "Yang",
    "detect",
    "from_xarray",
    "inspect_map",
    "look_vector",
    "offset",
    "open_map",
    "project",
    "random_scene",
    "read_catalogue",
    "simulate",
    "to_xarray",
    "wrap",
    "write_map",
]

# One line per module, in the order of the floors.
_HOMES = {
    "physics.line_of_sight": ("look_vector", "project", "wrap"),
    "physics.covariance": ("ExponentialModel",),
    "physics.sources": ("CDM", "Mogi", "PointCDM", "Sources"),
    "physics.sphere": ("McTigue",),
    "physics.spheroid": ("Yang",),
    "physics.penny": ("PennyCrack",),
    "physics.ellipsoid": ("PointEllipsoid",),
    "physics.pipe": ("Pipe",),
    "physics.okada": ("Okada",),
    "maps.velocity_map": ("Grid", "VelocityMap"),
    "maps.labelled": ("from_xarray", "to_xarray"),
    "maps.readers": ("ReadOptions", "inspect_map", "open_map"),
    "maps.volcanoes": ("Catalogue", "Volcano", "read_catalogue"),
    "maps.writers.map_files": ("write_map",),
    "scenes.priors": ("FootprintPrior", "PaperPrior"),
    "scenes.catalogue": ("CataloguePrior",),
    "scenes.synthesis": ("Scene", "SceneSettings", "random_scene"),
    "scenes.simulation": ("offset", "simulate"),
    "training.scene_dataset": ("SceneDataset",),
    "detection.runtime": ("Detector",),
    "detection.detect": ("Detection", "DetectionResult", "detect"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (any public name)
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
