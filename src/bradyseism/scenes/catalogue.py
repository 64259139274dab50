"""Sources as published catalogues know them: depth, volume rate, shape, lifetime.

Printed, in the abstracts of the works below, are: source depths of 8-18, 12-25, 5-13 and 5-10 km
below sea level at four centres of the Central Andes (Pritchard and Simons 2004), where the ground
lies some 4 km higher, and of 1-6 km at volcanoes of Colombia, Ecuador and Peru (Morales Rivera et
al. 2016); in the Central Andes rates of 4 to 35 mm/yr, one episode of under five months and one
from 1992 to 2011 (Henderson and Pritchard 2013); deforming areas of about 10 to over 1000 km2, and
that episodes under a month or over five years are under-represented (Ebmeier et al. 2018). Biggs
and Pritchard (2017) review rates and durations of over 220 volcanoes.

Ours are: the log-uniform laws between such ends, the volume rates (2e4 m3/yr make 4.8 mm/yr above a
Mogi source at 1 km, 1e8 m3/yr 38 mm/yr above one at 25 km), the fastest rate, how often each shape
is, its proportions, and either sign alike. A Mogi source 1 to 25 km deep lifts 2 to 1,150 km2 by
over half of its peak.

References
----------
Biggs, J. and Pritchard, M. E. (2017). Global volcano monitoring: what does it mean when volcanoes
deform? Elements 13, 17-22, doi:10.2113/gselements.13.1.17.

Ebmeier, S. K. et al. (2018). Synthesis of global satellite observations of magmatic and volcanic
deformation: implications for volcano monitoring & the lateral extent of magmatic domains. J. Appl.
Volcanol. 7, 2, doi:10.1186/s13617-018-0071-3.

Henderson, S. T. and Pritchard, M. E. (2013). Decadal volcanic deformation in the Central Andes
Volcanic Zone revealed by InSAR time series. Geochem. Geophys. Geosyst. 14, 1358-1374,
doi:10.1002/ggge.20074.

Morales Rivera, A. M., Amelung, F. and Mothes, P. (2016). Volcano deformation survey over the
Northern and Central Andes with ALOS InSAR time series. Geochem. Geophys. Geosyst. 17, 2869-2883,
doi:10.1002/2016GC006393.

Pritchard, M. E. and Simons, M. (2004). An InSAR-based survey of volcanic deformation in the central
Andes. Geochem. Geophys. Geosyst. 5, Q02002, doi:10.1029/2003GC000610.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from bradyseism.physics.ellipsoid import PointEllipsoid
from bradyseism.physics.half_space import BuriedSource
from bradyseism.physics.okada import Okada
from bradyseism.physics.penny import PennyCrack
from bradyseism.physics.pipe import Pipe
from bradyseism.physics.sources import CDM, Mogi
from bradyseism.physics.sphere import McTigue
from bradyseism.physics.spheroid import Yang
from bradyseism.scenes.priors import FASTEST_SOURCE, LogUniform, View, check_shapes

CatalogueShape = Literal[
    "mogi", "sphere", "spheroid", "ellipsoid", "penny", "sill", "dyke", "closed pipe", "open pipe",
    "cdm",
]  # fmt: skip
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Proportions:
    """Lengths and directions that a shape is made of, as drawn.

    Parameters
    ----------
    depth : float
        Depth of the centre (m).
    long, short : float
        Half-lengths (m); the body stays below the surface however it is turned.
    azimuth, tilt : float
        Degrees: clockwise from north; from the usual attitude of the shape.
    poisson : float
        Poisson's ratio.
    """

    depth: float
    long: float
    short: float
    azimuth: float
    tilt: float
    poisson: float


def _cavity(drawn: Proportions, **shape: float) -> Numbers:
    return {"pressure_ratio": 1e-3, "poisson": drawn.poisson, **shape}


def _sphere(p: Proportions) -> BuriedSource:
    return McTigue(0.0, 0.0, p.depth, **_cavity(p, radius=p.short))


def _spheroid(p: Proportions) -> BuriedSource:
    attitude = {"plunge": 90.0 - p.tilt, "trend": p.azimuth}
    return Yang(0.0, 0.0, p.depth, **_cavity(p, semi_major=p.long, semi_minor=p.short, **attitude))


def _ellipsoid(p: Proportions) -> BuriedSource:
    axes = (p.long, math.sqrt(p.long * p.short), p.short)
    turned = (p.tilt, 0.0, p.azimuth)
    return PointEllipsoid(
        0.0, 0.0, p.depth, semi_axes=axes, rotations=turned, pressure_ratio=1e-3, poisson=p.poisson
    )


def _pipe(p: Proportions, *, opened: bool) -> BuriedSource:
    return Pipe(
        0.0, 0.0, p.depth, opened=opened, **_cavity(p, length=2 * p.long, radius=0.1 * p.short)
    )


def _rectangle(p: Proportions, dip: float) -> BuriedSource:
    sides = {"length": 2 * p.long, "width": 2 * p.short, "poisson": p.poisson}
    return Okada(0.0, 0.0, p.depth, strike=p.azimuth, dip=dip, opening=1.0, **sides)


def _compound(p: Proportions) -> BuriedSource:
    axes = (p.long, math.sqrt(p.long * p.short), p.short)
    turned = (p.tilt, 0.0, p.azimuth)
    return CDM(0.0, 0.0, p.depth, semi_axes=axes, rotations=turned, opening=1.0, poisson=p.poisson)


_MAKERS: dict[CatalogueShape, Callable[[Proportions], BuriedSource]] = {
    "mogi": lambda p: Mogi(0.0, 0.0, p.depth, 1e6, poisson=p.poisson),
    "sphere": _sphere,
    "spheroid": _spheroid,
    "ellipsoid": _ellipsoid,
    "penny": lambda p: PennyCrack(0.0, 0.0, p.depth, **_cavity(p, radius=p.long)),
    "sill": lambda p: _rectangle(p, p.tilt),
    "dyke": lambda p: _rectangle(p, 90.0 - p.tilt),
    "closed pipe": lambda p: _pipe(p, opened=False),
    "open pipe": lambda p: _pipe(p, opened=True),
    "cdm": _compound,
}


@dataclass(frozen=True)
class CataloguePrior:
    """Sources of published depths and volume rates, in every shape that is known here.

    Depths and sizes are in metres whatever the scene: it fits maps of 50 km and more, such as those
    of `bradyseism simulate scenes`.

    Parameters
    ----------
    depth : LogUniform
        Depth of the centre (m).
    volume_rate : LogUniform
        Change of the cavity's volume (m3/yr) while the source is active, of its potency where the
        record has no cavity.
    lifetime : LogUniform
        Duration (yr) of the episode, whose start is uniform over all those that meet the time span
        of the map. The map shows the mean over its span, the source's rate times the share of the
        span in which it is active.
    slowest, fastest : float
        Depth, volume rate and lifetime are drawn again while the mean uplift above a Mogi source of
        that depth (m/yr) is beyond these; no catalogue could hold the slower ones.
    inflating : float
        Share (0-1) of sources that inflate.
    shapes : tuple of str
        Names of shapes, drawn with `weights`. Pipes are vertical.
    weights : tuple of float
        Relative frequency of each shape.
    relative_size : LogUniform
        Largest half-length over depth of extended bodies, at most 0.6.
    aspect : LogUniform
        Longest over shortest half-length of extended bodies.
    steepest_tilt : float
        Sills, dykes, spheroids and bodies lean by up to this (degrees), uniform.
    poisson : (float, float)
        Bounds of Poisson's ratio, uniform.

    Raises
    ------
    ValueError
        If a bound breaks these rules.
    """

    kind: ClassVar[str] = "catalogue"
    depth: LogUniform = LogUniform(1e3, 25e3)
    volume_rate: LogUniform = LogUniform(2e4, 1e8)
    lifetime: LogUniform = LogUniform(1 / 12, 20.0)
    slowest: float = 2e-3
    fastest: float = 1.0
    inflating: float = 0.5
    shapes: tuple[CatalogueShape, ...] = tuple(_MAKERS)
    weights: tuple[float, ...] = (0.16, 0.1, 0.12, 0.08, 0.12, 0.14, 0.1, 0.04, 0.04, 0.1)
    relative_size: LogUniform = LogUniform(0.05, 0.5)
    aspect: LogUniform = LogUniform(1.0, 6.0)
    steepest_tilt: float = 25.0
    poisson: tuple[float, float] = (0.22, 0.30)

    def __post_init__(self) -> None:
        check_shapes(self.shapes, self.weights, tuple(_MAKERS))
        if not 0 < self.slowest < self.fastest <= FASTEST_SOURCE:
            raise ValueError(
                f"slowest {self.slowest:g} and fastest {self.fastest:g} m/yr break 0 < slowest < "
                f"fastest <= {FASTEST_SOURCE:g}"
            )
        if not 0 <= self.inflating <= 1:
            raise ValueError(f"inflating {self.inflating:g} is outside 0-1: give a share")
        if not 0 <= self.steepest_tilt <= 45:
            raise ValueError(f"steepest_tilt {self.steepest_tilt:g} deg is outside 0 to 45")
        if self.relative_size.high > 0.6:
            raise ValueError(
                f"relative_size reaches {self.relative_size.high:g}, more than 0.6: such a body "
                "could reach the surface"
            )
        most = _mogi_uplift(self.volume_rate.high, self.depth.low)
        least = _mogi_uplift(self.volume_rate.low, self.depth.high)
        if most < self.slowest or least > self.fastest:
            raise ValueError(
                f"no source lifts the ground by {self.slowest:g} to {self.fastest:g} m/yr: depths "
                f"and volume rates give {least:g} to {most:g}"
            )

    def draw(self, view: View, rng: np.random.Generator) -> BuriedSource:
        """One source at the origin, whose displacement (m) is that of a mean year of the map."""
        depth, rate = self._depth_and_rate(view.years, rng)
        weights = np.asarray(self.weights) / sum(self.weights)
        shape = self.shapes[int(rng.choice(len(self.shapes), p=weights))]
        long = self.relative_size.draw(rng) * depth
        body = Proportions(
            depth,
            long,
            long / self.aspect.draw(rng),
            azimuth=float(rng.uniform(0.0, 180.0)),
            tilt=float(rng.uniform(0.0, self.steepest_tilt)),
            poisson=float(rng.uniform(*self.poisson)),
        )
        source = _MAKERS[shape](body)
        sign = 1.0 if rng.random() < self.inflating else -1.0
        return source * (sign * rate / volume(source))

    def peak(self, extreme: float, view: View, rng: np.random.Generator) -> float:
        """Signed LOS rate (m/yr) of the strongest pixel: that of the source as it was drawn."""
        return float(np.clip(extreme, -FASTEST_SOURCE, FASTEST_SOURCE))

    def _depth_and_rate(self, years: float, rng: np.random.Generator) -> tuple[float, float]:
        """Depth (m) and mean volume rate (m3/yr) over the span of a map."""
        while True:
            depth, lifetime = self.depth.draw(rng), self.lifetime.draw(rng)
            start = rng.uniform(-lifetime, years)
            active = min(years, start + lifetime) - max(0.0, start)
            rate = self.volume_rate.draw(rng) * active / years
            if self.slowest <= _mogi_uplift(rate, depth) <= self.fastest:
                return depth, rate


def volume(source: BuriedSource) -> float:
    """Change of the cavity's volume (m3), of the potency where the record has no cavity."""
    return float(getattr(source, "volume_change", source.potency))


def _mogi_uplift(volume_rate: float, depth: float) -> float:
    """Uplift (m/yr) above a Mogi source at Poisson's ratio 1/4."""
    return 0.75 / math.pi * volume_rate / depth**2
