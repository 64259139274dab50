"""Which source goes where, at what rate: drawn from one seed before any detector sees a map."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pyproj import Proj

from bradyseism.evaluation.split import ANATOLIAN_SPLIT, Part
from bradyseism.maps.frames import mean_look, part_of
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import CDM, Mogi, PointCDM
from bradyseism.scenes.priors import BodyPrior

__all__ = [
    "NOMINAL_LOOK",
    "Injection",
    "InjectionSettings",
    "cut_frames",
    "draw_plan",
    "injected",
    "look_of",
    "plan_csv",
    "plan_digest",
    "sized_source",
    "unit_signal",
]

PlacedSource = CDM | Mogi | PointCDM

# Where a map does not say how it was looked at: Sentinel-1 descending, middle of the swath.
NOMINAL_LOOK = look_vector(-168.0, 39.0)


@dataclass(frozen=True)
class InjectionSettings:
    """What is injected, where, and when it counts as found.

    Attributes
    ----------
    count
        Number of injections; rates, widths and signs are cycled through, so that every combination
        occurs equally often (528 = 11 of each by default).
    rates
        Peak line-of-sight rates, m/yr, positive; both signs are injected.
    widths
        Full widths at half maximum of the line-of-sight signal (m): the diameter of a circle of the
        area in which the signal exceeds half its peak.
    side
        Side of the square frames cut from the maps (m); 51.2 km is the patch of Beker et al.
        (2022). Frames overlap by half.
    finest_pixel
        Maps of finer pixels are averaged to this size (m); coarser ones keep their own pixels, as a
        detector meets them.
    missing
        Largest share of missing pixels in a frame, 0-1.
    part
        Side of the Anatolian split that the frames' centres lie on.
    false_frames
        Share of the volcano-free frames that a method may flag; sets its threshold.
    place_tolerance
        A source counts as located where the best place lies within this distance (m) or half the
        source's width, whichever is longer.
    prior
        Shapes of the sources.

    Raises
    ------
    ValueError
        Where a number is outside its range.
    """

    count: int = 528
    rates: tuple[float, ...] = (0.002, 0.005, 0.010, 0.020, 0.040, 0.080)
    widths: tuple[float, ...] = (2e3, 5e3, 10e3, 20e3)
    side: float = 51_200.0
    finest_pixel: float = 200.0
    missing: float = 0.5
    part: Part = "testing"
    false_frames: float = 0.05
    place_tolerance: float = 5_000.0
    prior: BodyPrior = field(default_factory=BodyPrior)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count {self.count} is below 1: give the number of injections")
        for name in ("rates", "widths"):
            values = getattr(self, name)
            if not values or min(values) <= 0:
                raise ValueError(f"{name} {values} are not all positive: give m/yr or m, unsigned")
        for name in ("side", "finest_pixel", "place_tolerance"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} {getattr(self, name):g} m is not positive: give metres")
        for name in ("missing", "false_frames"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name):g} is outside 0-1: give a share")


@dataclass(frozen=True, eq=False)
class Injection:
    """One source to be added to one frame.

    Attributes
    ----------
    frame
        Index of the frame.
    longitude, latitude
        Place of the strongest line-of-sight motion (degrees), a valid pixel of the frame.
    rate
        Line-of-sight rate there, m/yr, signed: positive toward the satellite.
    width
        Full width at half maximum (m).
    look
        Unit vector (east, north, up), ground to satellite.
    source
        Shape, depth and size, placed so that its strongest line-of-sight motion is at the origin.
        Its displacement has the right shape; `rate` says how large.
    """

    frame: int
    longitude: float
    latitude: float
    rate: float
    width: float
    look: tuple[float, float, float]
    source: PlacedSource


def cut_frames(maps: Sequence[VelocityMap], settings: InjectionSettings) -> list[VelocityMap]:
    """Cut half-overlapping frames from volcano-free maps.

    A map smaller than a frame is one frame. Frames keep the pixels of their map, unless those are
    finer than `settings.finest_pixel`, and are named after the map, first row and first column.

    Parameters
    ----------
    maps
        Real or simulated maps without volcanic deformation.
    settings
        Side, largest missing share, and part of the split.

    Returns
    -------
    list of VelocityMap
        Only frames that hold data in their central half, where sources go.

    Raises
    ------
    ValueError
        Where no frame fits.
    """
    frames = [
        frame
        for whole in maps
        for frame in _map_frames(_not_finer(whole, settings.finest_pixel), settings)
    ]
    if not frames:
        names = ", ".join(whole.name for whole in maps) or "no map"
        raise ValueError(
            f"{names} holds no {settings.side / 1e3:g} km frame with at most "
            f"{settings.missing:.0%} missing and its centre on the {settings.part} ground: "
            "give other maps or raise the missing share"
        )
    return frames


def draw_plan(
    frames: Sequence[VelocityMap], settings: InjectionSettings, rng: np.random.Generator
) -> tuple[Injection, ...]:
    """Draw all injections: frame, place, shape and depth; rate, width and sign are cycled through.

    Parameters
    ----------
    frames
        As `cut_frames` gives them.
    settings
        Number, rates, widths and shapes.
    rng
        The only source of randomness: the same state gives the same plan.
    """
    cells = list(itertools.product(settings.rates, settings.widths, (1.0, -1.0)))
    plan = []
    for index in range(settings.count):
        rate, width, sign = cells[index % len(cells)]
        chosen = int(rng.integers(len(frames)))
        frame = frames[chosen]
        row, column = rng.choice(np.argwhere(_central(frame.valid)))
        longitude, latitude = frame.grid.longitude_latitude(row, column)
        look = look_of(frame)
        source = sized_source(width, look, settings.prior, int(rng.integers(2**32)))
        plan.append(
            Injection(
                chosen,
                float(longitude),
                float(latitude),
                sign * rate,
                width,
                (float(look[0]), float(look[1]), float(look[2])),
                source,
            )
        )
    return tuple(plan)


def unit_signal(frame: VelocityMap, injection: Injection) -> NDArray[np.float64]:
    """Line-of-sight motion of an injection on the pixels of a frame, of 1 at its place."""
    rows, columns = np.indices(frame.grid.shape)
    longitude, latitude = frame.grid.longitude_latitude(rows, columns)
    local = Proj(proj="aeqd", lon_0=injection.longitude, lat_0=injection.latitude, datum="WGS84")
    easting, northing = (np.asarray(axis) for axis in local(longitude, latitude))
    look = np.array(injection.look)
    peak = project(injection.source.displacement(np.zeros(1), np.zeros(1)), look)[0]
    los = project(injection.source.displacement(easting, northing), look)
    return np.asarray(los / peak)


def injected(frame: VelocityMap, injection: Injection) -> VelocityMap:
    """Add the source of an injection to its frame; missing pixels stay missing."""
    return frame.with_velocity(frame.velocity + injection.rate * unit_signal(frame, injection))


def plan_csv(plan: Sequence[Injection], frames: Sequence[VelocityMap]) -> str:
    """Text of the plan as a table, one line an injection (degrees, mm/yr, km)."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    heading = "injection frame longitude latitude rate_mm_per_year width_km depth_km look source"
    table.writerow(heading.split())
    for index, one in enumerate(plan):
        table.writerow(
            [
                index,
                frames[one.frame].name,
                f"{one.longitude:.5f}",
                f"{one.latitude:.5f}",
                f"{1e3 * one.rate:g}",
                f"{one.width / 1e3:g}",
                f"{one.source.depth / 1e3:.4f}",
                " ".join(f"{part:.5f}" for part in one.look),
                repr(one.source),
            ]
        )
    return text.getvalue()


def plan_digest(text: str) -> str:
    """SHA-256 (hexadecimal) of the text of a plan, by which a table of results names it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _not_finer(whole: VelocityMap, finest_pixel: float) -> VelocityMap:
    if whole.grid.pixel_size >= finest_pixel:
        return whole
    return whole.resampled(whole.grid.local(finest_pixel))


def _map_frames(whole: VelocityMap, settings: InjectionSettings) -> list[VelocityMap]:
    extents = zip(whole.grid.shape, whole.grid.pixel_sides, strict=True)
    row_starts, column_starts = (_starts(length, settings.side / side) for length, side in extents)
    frames = [
        replace(part_of(whole, rows, columns), name=f"{whole.name}:{rows.start}:{columns.start}")
        for rows, columns in itertools.product(row_starts, column_starts)
    ]
    return [frame for frame in frames if _is_usable(frame, settings)]


def _starts(length: int, wanted: float) -> list[slice]:
    size = min(length, max(2, round(wanted)))
    return [slice(start, start + size) for start in range(0, length - size + 1, max(1, size // 2))]


def _is_usable(frame: VelocityMap, settings: InjectionSettings) -> bool:
    valid = frame.valid
    return bool(
        valid.mean() >= 1 - settings.missing
        and _central(valid).any()
        and ANATOLIAN_SPLIT.selects(*frame.grid.centre, settings.part)
    )


def _central(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Valid pixels of the central half of a frame: there the frame holds most of any source."""
    rows, columns = (slice(length // 4, length - length // 4) for length in valid.shape)
    central = np.zeros_like(valid)
    central[rows, columns] = valid[rows, columns]
    return central


def look_of(frame: VelocityMap) -> NDArray[np.float64]:
    """Mean unit vector (east, north, up) to the satellite; `NOMINAL_LOOK` if none is known."""
    known = mean_look(frame.look)
    return NOMINAL_LOOK if known is None else known


def sized_source(
    width: float, look: NDArray[np.float64], prior: BodyPrior, seed: int
) -> PlacedSource:
    """Source of a shape fixed by `seed` whose line-of-sight signal has the width wanted.

    An elastic half-space has no length of its own: a body twice as deep and twice as large moves
    the ground over twice the width in the same pattern, so one trial at any depth gives the right
    depth.
    """
    trial = cast(PlacedSource, prior.draw(width, np.random.default_rng(seed)))
    seen, easting, northing = line_of_sight_width(trial, look)
    factor = width / seen
    sized = cast(PlacedSource, prior.draw(width * factor, np.random.default_rng(seed)))
    return replace(sized, easting=-factor * easting, northing=-factor * northing)


def line_of_sight_width(
    source: PlacedSource, look: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Full width at half maximum (m) of a source's line-of-sight signal, and where its peak lies.

    Returns
    -------
    width, easting, northing : float
        Diameter of a circle of the area in which the signal exceeds half its peak; east and north
        (m) of the peak, on a lattice of an eighth of the depth.
    """
    step = 0.125 * source.depth
    axis = step * np.arange(-40, 41)
    easting, northing = np.meshgrid(axis, axis)
    los = project(source.displacement(easting, northing), look)
    peak = np.unravel_index(np.argmax(np.abs(los)), los.shape)
    area = step**2 * np.sum(los / los[peak] > 0.5)
    return float(2 * np.sqrt(area / np.pi)), float(easting[peak]), float(northing[peak])
