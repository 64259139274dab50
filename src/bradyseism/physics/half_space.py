"""What all sources share: where they lie, the points they are seen from, and their sum.

A source lies in a homogeneous elastic half-space with a flat surface. Topography enters by the
varying-depth approximation of Williams and Wadge (1998): each point of the surface sees the source
at its depth below that very point, depth + elevation. It is the first-order part of the effect; the
slope of the ground is left out.

References
----------
Williams, C. A. and Wadge, G. (1998). The effects of topography on magma chamber deformation models:
application to Mt. Etna and radar interferometry. Geophys. Res. Lett. 25, 1549-1552,
doi:10.1029/98GL01136.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Triple = tuple[float, float, float]
Array = NDArray[np.float64]
Points = tuple[Array, Array, Array]
"""Easting, northing and elevation (m) of points, three flat arrays of one length."""


@runtime_checkable
class Source(Protocol):
    """Anything below the surface that moves it."""

    def displacement(
        self, easting: ArrayLike, northing: ArrayLike, elevation: ArrayLike | None = None
    ) -> Array:
        """Return (3, ...) east, north and up displacement (m) at surface points (m)."""
        ...

    @property
    def potency(self) -> float:
        """Total potency (m3)."""
        ...

    def __add__(self, other: Source) -> Sources:
        """Return the sum of two sources."""
        ...

    def __mul__(self, factor: float) -> Source:
        """Return the source with its displacement multiplied by a number."""
        ...


@dataclass(frozen=True)
class BuriedSource(ABC):
    """What every record of a source is: a place, rock, and numbers that are checked.

    Sources add with `+`; `*` and a number makes one stronger, or turns its sign.

    Parameters
    ----------
    easting, northing
        Position of the centre (m).
    depth
        Depth of the centre (m), positive down, not negative.
    poisson
        Poisson's ratio, 0 to 0.5.

    Raises
    ------
    ValueError
        If a number is not finite, the depth is negative, or Poisson's ratio out of range.
    """

    STRENGTHS: ClassVar[tuple[str, ...]]
    """Fields that the displacement is proportional to."""

    easting: float
    northing: float
    depth: float
    _: KW_ONLY
    poisson: float = 0.25

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if np.ndim(value):
                check_triple(name, value)
            else:
                check_finite(name, value)
        if self.depth < 0:
            raise ValueError(
                f"depth {self.depth:g} m is negative, which puts the source above the surface: "
                "depth is positive down"
            )
        if not 0.0 <= self.poisson <= 0.5:
            raise ValueError(
                f"poisson {self.poisson:g} is outside 0 to 0.5: 0.25 is usual for rock"
            )

    @property
    @abstractmethod
    def top(self) -> float:
        """Depth (m) of the shallowest point of the source."""

    @property
    @abstractmethod
    def potency(self) -> float:
        """Total potency (m3): opening times area, summed over the dislocations it stands for."""

    @property
    def _centre(self) -> Triple:
        """Centre (east, north, down) in m, as kernels take it."""
        return float(self.easting), float(self.northing), float(self.depth)

    @abstractmethod
    def _add_displacement(self, points: Points, total: Array) -> None:
        """Add the displacement (m) at n points to `total`, (3, n)."""

    def displacement(
        self, easting: ArrayLike, northing: ArrayLike, elevation: ArrayLike | None = None
    ) -> Array:
        """Return the surface displacement.

        Parameters
        ----------
        easting, northing
            Points (m), two arrays of one shape; NaN gives NaN.
        elevation
            Height (m) of the points above the level that depth counts from, of the same shape; NaN
            gives NaN. With it every point sees the source at depth + elevation (Williams and Wadge
            1998). Left out, the surface is flat.

        Returns
        -------
        ndarray of float64, (3, ...)
            East, north and up displacement (m).

        Raises
        ------
        ValueError
            If the shapes differ, or a point lies below the top of the source.
        """
        points, total = flat_points(easting, northing, elevation)
        lowest = float(np.fmin.reduce(points[2], initial=math.inf))
        if lowest < 0 and lowest + self.top <= 0:
            raise ValueError(
                f"elevation {lowest:g} m is not above the top of the source, at depth "
                f"{self.top:g} m: count elevation and depth from one level, or leave these points "
                "out (NaN)"
            )
        self._add_displacement(points, total)
        return total.reshape(3, *np.shape(easting))

    def __add__(self, other: Source) -> Sources:
        return Sources((self,)) + other

    def __mul__(self, factor: float) -> Self:
        stronger: dict[str, Any] = {n: _times(factor, getattr(self, n)) for n in self.STRENGTHS}
        return replace(self, **stronger)

    __rmul__ = __mul__


@dataclass(frozen=True)
class Sources:
    """Several sources at once; the half-space is linear, so their displacements add.

    Two sources added with `+` give this record; times a number, each of them is.

    Parameters
    ----------
    members
        The sources; without any the surface stays still.
    """

    members: tuple[Source, ...]

    def displacement(
        self, easting: ArrayLike, northing: ArrayLike, elevation: ArrayLike | None = None
    ) -> Array:
        """Return the sum (3, ...) in m of the members' displacements; zero without members."""
        points, total = flat_points(easting, northing, elevation)
        for member in self.members:
            total += member.displacement(*points)
        return total.reshape(3, *np.shape(easting))

    @property
    def potency(self) -> float:
        """Total potency (m3) of the members."""
        return sum(member.potency for member in self.members)

    def __add__(self, other: Source) -> Sources:
        if not isinstance(other, Source):
            return NotImplemented
        more = other.members if isinstance(other, Sources) else (other,)
        return Sources((*self.members, *more))

    def __mul__(self, factor: float) -> Sources:
        return Sources(tuple(member * factor for member in self.members))

    __rmul__ = __mul__


def _times(factor: float, strength: float | Triple) -> float | Triple:
    if isinstance(strength, tuple):
        x, y, z = (factor * one for one in strength)
        return x, y, z
    return factor * strength


def flat_points(
    easting: ArrayLike, northing: ArrayLike, elevation: ArrayLike | None = None
) -> tuple[Points, Array]:
    """Return points as flat float64 arrays, elevation zero if None, and zeros to add them up in.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    x, y = (np.ascontiguousarray(points, dtype=np.float64) for points in (easting, northing))
    if np.shape(easting) != np.shape(northing):
        raise ValueError(
            f"easting has shape {np.shape(easting)} and northing {np.shape(northing)}: give two "
            "arrays of one shape, for a grid those of numpy.meshgrid"
        )
    if elevation is None:
        z = np.zeros(x.size)
    elif np.shape(elevation) != np.shape(easting):
        raise ValueError(
            f"elevation has shape {np.shape(elevation)} and easting {np.shape(easting)}: give the "
            "height of every point"
        )
    else:
        z = np.ascontiguousarray(elevation, dtype=np.float64).ravel()
    return (x.ravel(), y.ravel(), z), np.zeros((3, x.size))


def rotated_axes(rotations: Triple) -> Iterator[Array]:
    """Yield the x, y and z axes of a turned source, unit vectors (east, north, down).

    `rotations` in degrees clockwise about the fixed east, north and up axes, in this order.
    """
    (cx, sx), (cy, sy), (cz, sz) = (
        (math.cos(angle), math.sin(angle)) for angle in map(math.radians, rotations)
    )
    about_east = np.array([[1.0, 0.0, 0.0], [0.0, cx, sx], [0.0, -sx, cx]])
    about_north = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
    about_up = np.array([[cz, sz, 0.0], [-sz, cz, 0.0], [0.0, 0.0, 1.0]])
    axes = (about_up @ about_north @ about_east).T * np.array([1.0, 1.0, -1.0])
    yield from axes


def check_finite(name: str, value: float) -> None:
    """Raise ValueError unless the value is a finite number."""
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value:g}: give a finite number")


def check_triple(name: str, values: Triple) -> None:
    """Raise ValueError unless there are three finite numbers, for x, y and z."""
    if len(values) != 3:
        raise ValueError(f"{name} has {len(values)} numbers, {values}: give three, for x, y and z")
    for axis, value in zip("xyz", values, strict=True):
        check_finite(f"{name} {axis}", value)


def check_length(name: str, value: float) -> None:
    """Raise ValueError unless the length is positive."""
    if value <= 0:
        raise ValueError(f"{name} {value:g} m is not positive: give a length")


def check_compressible(poisson: float) -> None:
    """Raise ValueError at Poisson's ratio 0.5, where a cavity's strength is 0 / 0."""
    if poisson == 0.5:
        raise ValueError(
            "poisson 0.5 leaves the strength of a pressurised cavity undefined: give a ratio below "
            "0.5, such as 0.499"
        )


def check_point_depth(depth: float) -> None:
    """Raise ValueError if a point source lies on the surface."""
    if depth == 0:
        raise ValueError("depth 0 m puts a point source on the surface: give a positive depth")


def check_cavity(depth: float, reach: float) -> None:
    """Raise ValueError unless a cavity that reaches up by `reach` (m) stays below the surface."""
    if depth <= reach:
        raise ValueError(
            f"depth {depth:g} m is not below the reach of the source, {reach:g} m above its "
            "centre: place it deeper or make it smaller"
        )
