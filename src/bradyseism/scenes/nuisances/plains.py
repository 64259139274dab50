"""Flat ground that rises or sinks: salt flats, aquifers, mines.

Each needs a plain: a connected piece of ground that the relief shows as flat. Where there is none
nothing happens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bradyseism.physics.dislocation import compiled
from bradyseism.physics.line_of_sight import project
from bradyseism.physics.quantiles import quantile
from bradyseism.physics.subsidence import MinedPanel, leaky_drawdown
from bradyseism.physics.terrain import blob, flat_ground, power_law_field
from bradyseism.scenes.nuisances.effect import Effect, fast, losing, moving, unit_peak
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.scenery import Scenery
from bradyseism.scenes.shares import check_share

Mask = NDArray[np.bool_]

FLATTEST = 1.5
"""Slope (degrees) below which ground counts as a plain, once smoothed over 150 m."""

SMOOTHED = 150.0
LEAST_PLAIN = 12  # pixels
CONE_NODES = 2000  # of the table of one well


def plain(scenery: Scenery, rng: np.random.Generator) -> Mask | None:
    """One connected piece of flat ground, drawn by its area; None where there is none."""
    width = SMOOTHED / scenery.pixel_size
    relief = scenery.elevation
    # Elevation models are noisy: at 30 m their noise alone is steeper than a plain.
    if width > 0.75:
        relief = ndimage.gaussian_filter(relief, width, mode="nearest")
    pieces, count = ndimage.label(flat_ground(relief, scenery.pixel_size, steepest=FLATTEST))
    areas = np.bincount(pieces.ravel(), minlength=count + 1).astype(np.float64)
    areas[0] = 0.0
    areas[areas < LEAST_PLAIN] = 0.0
    if not areas.any():
        return None
    return np.asarray(pieces == rng.choice(count + 1, p=areas / areas.sum()))


def pixel_of(mask: Mask, rng: np.random.Generator) -> tuple[int, int]:
    """A random pixel (row, column) of a mask that is not empty."""
    chosen = np.flatnonzero(mask)
    row, column = divmod(int(chosen[rng.integers(len(chosen))]), mask.shape[1])
    return row, column


def nowhere(scenery: Scenery) -> Effect:
    """Effect of a nuisance that the scenery cannot hold."""
    return losing(np.zeros(scenery.shape, dtype=bool))


@dataclass(frozen=True)
class SaltFlat:
    """A salt flat: it swells and shrinks with its brine or sinks, with a sharp shore.

    Smooth or mottled, on a plain only. A wet one has a core, or all of it, that is lost.

    Parameters
    ----------
    amplitude : LogUniform
        Fastest vertical rate (m/yr): what a seasonal cycle of some centimetres leaves in some
        years, or brine pumping; ours.
    share : LogUniform
        Share (0-1) of the scene that it covers; ours.
    seasonal : float
        Share (0-1) of salt flats that leave a residual of either sign; the others sink.
    wet : float
        Share (0-1) of salt flats with water.
    """

    amplitude: LogUniform = LogUniform(1e-3, 8e-2)
    share: LogUniform = LogUniform(0.005, 0.25)
    seasonal: float = 0.6
    wet: float = 0.35

    def __post_init__(self) -> None:
        check_share(self.share, "low", "high")
        check_share(self, "seasonal", "wet")

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Vertical motion within an irregular outline on a plain."""
        ground = plain(scenery, rng)
        if ground is None:
            return nowhere(scenery)
        outline = blob(
            scenery.shape,
            self.share.draw(rng),
            rng,
            roughness=rng.uniform(2.6, 4.0),
            centre=pixel_of(ground, rng),
        )
        mottled = power_law_field(scenery.shape, rng.uniform(1.5, 3.5), rng)
        sign = float(rng.choice([-1.0, 1.0])) if rng.random() < self.seasonal else -1.0
        body = sign * np.maximum(1.0 + rng.uniform(0.1, 0.6) * mottled, 0.0)
        flat = outline & ground
        rate = self.amplitude.draw(rng) * unit_peak(np.where(flat, body, 0.0))
        lost = np.zeros(scenery.shape, dtype=bool)
        if rng.random() < self.wet:
            # Water stands where the surface is low: in one phase of the same mottling.
            lost = flat & (mottled < quantile(mottled, rng.uniform(0.2, 1.0)))
        return moving(scenery.look[2] * np.where(lost, 0.0, rate), lost)


@dataclass(frozen=True)
class AquiferSubsidence:
    """A plain that sinks around pumped wells: a broad bowl that ends where the sediment ends.

    Compaction follows the drawdown of wells in a leaky aquifer (Hantush and Jacob 1955) and the
    thickness of the sediment, which is 0 at the foot of the hills.

    Parameters
    ----------
    amplitude : LogUniform
        Fastest vertical rate (m/yr): from a few mm/yr up to the 0.3 m/yr of the fastest basins
        (Galloway and Burbey 2011 review the mechanism); bounds ours.
    leakage : LogUniform
        Leakage length (m) of the aquifer, at most half the scene; ours.
    wells : LogUniform
        Number of well fields; ours.
    rebound : float
        Share (0-1) of aquifers that are filled up again and rise; ours.
    """

    amplitude: LogUniform = LogUniform(2e-3, 3e-1)
    leakage: LogUniform = LogUniform(500.0, 15e3)
    wells: LogUniform = LogUniform(1.0, 8.0)
    rebound: float = 0.15

    def __post_init__(self) -> None:
        check_share(self, "rebound")

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Compaction of the sediment of one plain."""
        ground = plain(scenery, rng)
        if ground is None:
            return nowhere(scenery)
        leakage = min(self.leakage.draw(rng), scenery.extent / 2)
        drawdown = np.zeros(scenery.shape)
        for _ in range(round(self.wells.draw(rng))):
            well = pixel_of(ground, rng)
            radius = max(0.2 * leakage, scenery.pixel_size)
            # From a table: Bessel functions are slow.
            corner = [max(n, size - 1 - n) for n, size in zip(well, scenery.shape, strict=True)]
            farthest = scenery.pixel_size * math.hypot(*corner)
            table = leaky_drawdown(np.linspace(0.0, farthest, CONE_NODES), leakage, radius)
            table *= rng.uniform(0.3, 1.0)
            _add_cone(drawdown, well, table, scenery.pixel_size / farthest)
        wedge = 2 * int(rng.uniform(0.1, 0.5) * leakage / scenery.pixel_size) + 3
        # Half at a straight shore of the plain, all of it half a width further in.
        inside = ndimage.uniform_filter(ground.astype(np.float32), wedge, mode="nearest")
        thickness = np.where(ground, np.clip(2 * inside - 1, 0.05, 1.0), 0.0)
        sign = 1.0 if rng.random() < self.rebound else -1.0
        return moving(
            sign * scenery.look[2] * self.amplitude.draw(rng) * unit_peak(drawdown * thickness)
        )


@dataclass(frozen=True)
class MineSubsidence:
    """A mining district: steep-sided troughs over panels side by side, worked one after another.

    Each panel moves the ground as `MinedPanel` says (Knothe 1957). Where it is faster than the
    radar can follow it is lost.

    Parameters
    ----------
    amplitude : LogUniform
        Subsidence rate (m/yr) of a panel wide beside its depth. A worked seam of some metres sinks
        the surface by about as much within a year or two, old workings by mm/yr; bounds ours.
    depth : LogUniform
        Depth (m) of the seam; ours.
    length : LogUniform
        Length (m) of a panel, its width a quarter to all of it, both at least two pixels: where
        pixels are coarse it stands for several. Ours.
    panels : LogUniform
        Number of panels; ours.
    """

    amplitude: LogUniform = LogUniform(5e-3, 1.0)
    depth: LogUniform = LogUniform(100.0, 1000.0)
    length: LogUniform = LogUniform(300.0, 3000.0)
    panels: LogUniform = LogUniform(1.0, 8.0)

    def effect(self, scenery: Scenery, rng: np.random.Generator) -> Effect:
        """Panels in one row under a plain."""
        ground = plain(scenery, rng)
        if ground is None:
            return nowhere(scenery)
        least, rate = 2 * scenery.pixel_size, self.amplitude.draw(rng)
        length = max(self.length.draw(rng), least)
        width = max(length * float(rng.uniform(0.25, 1.0)), least)
        depth, azimuth = self.depth.draw(rng), float(rng.uniform(0, 180))
        easting, northing = scenery.axes()
        row, column = pixel_of(ground, rng)
        ahead = np.array([np.cos(np.radians(azimuth)), -np.sin(np.radians(azimuth))])
        velocity = np.zeros(scenery.shape)
        for number in range(round(self.panels.draw(rng))):
            east, north = number * 1.2 * width * ahead
            panel = MinedPanel(
                float(easting[row, column] + east),
                float(northing[row, column] + north),
                depth,
                length,
                width,
                azimuth=azimuth,
                subsidence=rate * float(rng.uniform(0.2, 1.0)),
                tan_beta=float(rng.uniform(1.5, 2.5)),
            )
            _add(velocity, panel, scenery)
        return fast(velocity)


@compiled
def _add_cone(
    drawdown: NDArray[np.float64], well: tuple[int, int], table: NDArray[np.float64], step: float
) -> None:
    """Add what a table tells of distances from 0 to 1; pixels are `step` apart."""
    last = table.size - 1
    for row in range(drawdown.shape[0]):
        for column in range(drawdown.shape[1]):
            place = last * step * math.sqrt((row - well[0]) ** 2 + (column - well[1]) ** 2)
            node = min(int(place), last - 1)
            rise = table[node + 1] - table[node]
            drawdown[row, column] += table[node] + (place - node) * rise


def _add(velocity: NDArray[np.float64], panel: MinedPanel, scenery: Scenery) -> None:
    """Add what is seen of a panel where it moves the ground by over a millionth."""
    reach = (panel.length + panel.width) / 2 + 2.5 * panel.influence
    rows, columns = scenery.shape
    centre = (
        (rows - 1) / 2 - panel.northing / scenery.pixel_size,
        (columns - 1) / 2 + panel.easting / scenery.pixel_size,
    )
    window = tuple(
        slice(max(0, int(middle - half)), max(0, min(size, int(middle + half) + 2)))
        for middle, size, half in zip(
            centre, scenery.shape, [reach / scenery.pixel_size] * 2, strict=True
        )
    )
    easting, northing = (axis[window] for axis in scenery.axes())
    if easting.size:
        velocity[window] += project(panel.displacement(easting, northing), scenery.look)
