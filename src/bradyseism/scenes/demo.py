"""A mountain region with two hidden volcanoes, a creeping slope and a salt flat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray

from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap
from bradyseism.maps.volcanoes import Catalogue, Volcano
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.relief import add_cone, synthetic_relief
from bradyseism.physics.sources import CDM, Mogi, Source
from bradyseism.physics.terrain import power_law_field
from bradyseism.scenes.nuisances import Nuisance
from bradyseism.scenes.nuisances.artefacts import StratifiedResidual
from bradyseism.scenes.nuisances.faults import FaultStep
from bradyseism.scenes.nuisances.plains import SaltFlat
from bradyseism.scenes.nuisances.slopes import SlopeCreep
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery

SHAPE = (512, 512)
PIXEL_SIZE = 200.0
# UTM zone 19 south, on the high plateau between the paper's test volcanoes.
CORNER = (540_000.0, 7_400_000.0)
CRS = pyproj.CRS.from_epsg(32719)
YEARS = 5.0


@dataclass(frozen=True)
class HiddenVolcano:
    """One volcano of the demonstration: place in km from the map's centre, and its peak rate.

    Parameters
    ----------
    name : str
        Invented.
    number : int
        Invented, in no published catalogue's range.
    easting, northing : float
        Position (m) from the centre of the map.
    peak : float
        Peak LOS rate (m/yr), positive toward the satellite; 0 for a quiet one.
    source : Source or None
        Source at unit strength, at that position.
    """

    name: str
    number: int
    easting: float
    northing: float
    peak: float = 0.0
    source: Source | None = None


VOLCANOES = (
    HiddenVolcano(
        "Cerro Lento",
        900001,
        -22e3,
        18e3,
        0.012,
        CDM.sill(-22e3, 18e3, 6e3, length=5e3, width=4e3, opening=1.0),
    ),
    HiddenVolcano(
        "Volcan Hundido", 900002, 24e3, -14e3, -0.009, Mogi(24e3, -14e3, 3.5e3, volume_change=-1e6)
    ),
    HiddenVolcano("Cerro Quieto", 900003, 8e3, 30e3),
    HiddenVolcano("Apacheta Fria", 900004, -30e3, -27e3),
    HiddenVolcano("Nevado Mudo", 900005, 36e3, 20e3),
)


@dataclass(frozen=True, eq=False)
class Demo:
    """The demonstration map, what is hidden in it, and its catalogue of volcanoes."""

    map: VelocityMap
    deforming: tuple[tuple[float, float, float], ...]
    catalogue: Catalogue


def demo(seed: int = 1) -> Demo:
    """Simulate the demonstration.

    Parameters
    ----------
    seed : int
        Relief, noise and nuisances follow from it; the volcanoes stay where they are.

    Returns
    -------
    Demo
        Map of 102.4 km at 200 m, descending Sentinel-1; `deforming` lists longitude, latitude
        (degrees) and peak LOS rate (m/yr) of the two volcanoes that move.
    """
    rng = np.random.default_rng(seed)
    look = look_vector(-167.5, 38.0)
    relief = synthetic_relief(SHAPE, PIXEL_SIZE, rng, height=300.0, plains=0.3)
    for volcano in VOLCANOES:
        relief = add_cone(relief, PIXEL_SIZE, _pixel(volcano), height=1500.0, radius=9e3)
    scenery = Scenery(relief, PIXEL_SIZE, look)
    velocity = _background(scenery, rng)
    easting, northing = scenery.axes()
    for volcano in VOLCANOES:
        if volcano.source is not None:
            los = project(volcano.source.displacement(easting, northing), look)
            velocity = velocity + los * (volcano.peak / los.flat[np.abs(los).argmax()])
    gaps = power_law_field(SHAPE, 2.4, rng)
    velocity[gaps > np.quantile(gaps, 0.96)] = np.nan
    grid = Grid(SHAPE, Affine(PIXEL_SIZE, 0, CORNER[0], 0, -PIXEL_SIZE, CORNER[1]), CRS)
    velocity_map = VelocityMap(
        velocity.astype(np.float32),
        grid,
        years=YEARS,
        look=look.astype(np.float32),
        name="demo",
        provenance=Provenance("", "", f"simulated, seed {seed}"),
    )
    return Demo(velocity_map, _deforming(grid), _catalogue(grid, relief))


def _background(scenery: Scenery, rng: np.random.Generator) -> NDArray[np.float64]:
    """Turbulence, pixel noise, and one of each nuisance, in m/yr."""
    noise = turbulent_field(ExponentialModel(1.0e-3**2, 6e3), SHAPE, PIXEL_SIZE, rng)
    noise = noise + 0.5e-3 * rng.standard_normal(SHAPE)
    nuisances: tuple[Nuisance, ...] = (
        SlopeCreep(_fixed(12e-3), steepest=15.0, share=_fixed(0.03)),
        SaltFlat(_fixed(10e-3), share=_fixed(0.012)),
        StratifiedResidual(_fixed(2.5e-3)),
        FaultStep(_fixed(8e-3), locking=_fixed(15e3), creeping=0.0),
    )
    for nuisance in nuisances:
        noise = noise + nuisance.effect(scenery, rng).velocity
    return np.asarray(noise)


def _fixed(value: float) -> LogUniform:
    """The prior of a value that is known."""
    return LogUniform(value, value)


def _pixel(volcano: HiddenVolcano) -> tuple[float, float]:
    return (
        (SHAPE[0] - 1) / 2 - volcano.northing / PIXEL_SIZE,
        (SHAPE[1] - 1) / 2 + volcano.easting / PIXEL_SIZE,
    )


def _place(grid: Grid, volcano: HiddenVolcano) -> tuple[float, float]:
    longitude, latitude = grid.longitude_latitude(*_pixel(volcano))
    return float(longitude), float(latitude)


def _deforming(grid: Grid) -> tuple[tuple[float, float, float], ...]:
    return tuple((*_place(grid, v), v.peak) for v in VOLCANOES if v.source is not None)


def _catalogue(grid: Grid, relief: NDArray[np.float64]) -> Catalogue:
    return Catalogue(
        tuple(
            Volcano(
                volcano.number,
                volcano.name,
                *_place(grid, volcano),
                round(float(relief[tuple(round(x) for x in _pixel(volcano))])),
            )
            for volcano in VOLCANOES
        )
    )
