"""Divides the ground of maps into parts, so that what is tested shares none with the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS = 6_371e3

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Cut:
    """A plane through the Earth that halves ground: ``points . axis`` against `threshold` (m)."""

    axis: Array
    threshold: float

    def beyond(self, points: Array) -> Array:
        """Metres on the farther side, negative on the nearer, for points (n, 3)."""
        return np.asarray(points @ self.axis - self.threshold)


@dataclass(frozen=True, eq=False)
class Ground:
    """Ground halved again and again, each time across its longer side.

    Parts are numbered so that those that differ in the last binary digit were one before the last
    cut: the quarters of 16 blocks are ``block // 4``.

    Parameters
    ----------
    cuts : tuple of tuples
        The cuts of each round: 1, 2, 4, ...
    """

    cuts: tuple[tuple[_Cut, ...], ...]

    @classmethod
    def of(cls, longitude: Array, latitude: Array, weight: Array, *, rounds: int) -> Ground:
        """Halve ground by its points.

        Parameters
        ----------
        longitude, latitude : arrays, shape (n,)
            Points (degrees) spread over the ground, at least 2 for each of the parts.
        weight : array, shape (n,)
            Area that each stands for, positive.
        rounds : int
            There will be ``2 ** rounds`` parts of one area.

        Raises
        ------
        ValueError
            If there are too few points.
        """
        if len(weight) < 2 ** (rounds + 1):
            raise ValueError(
                f"{len(weight)} pixels with data cannot be divided into {2**rounds} parts: give "
                "larger maps"
            )
        points = _positions(longitude, latitude)
        parts = [np.arange(len(weight))]
        cuts = []
        for _ in range(rounds):
            made = tuple(_halved(points[part], weight[part]) for part in parts)
            sides = [cut.beyond(points[part]) > 0 for cut, part in zip(made, parts, strict=True)]
            parts = [
                part[side == half]
                for part, side in zip(parts, sides, strict=True)
                for half in (False, True)
            ]
            cuts.append(made)
        return cls(tuple(cuts))

    def part(
        self, longitude: Array, latitude: Array, *, rounds: int, margin: float = 0.0
    ) -> NDArray[np.int64]:
        """Part in which each place lies; -1 within `margin` (m) of a cut.

        Parameters
        ----------
        longitude, latitude : arrays of one shape
            In degrees.
        rounds : int
            How many of the rounds of cuts count.
        margin : float
            Half width (m) of the strip along each cut that belongs to no part.
        """
        points = _positions(longitude, latitude)
        part = np.zeros(len(points), dtype=np.int64)
        border = np.zeros(len(points), dtype=bool)
        for cuts in self.cuts[:rounds]:
            axes, thresholds = (
                np.stack([cut.axis for cut in cuts]),
                np.array([cut.threshold for cut in cuts]),
            )
            beyond = np.einsum("ni,ni->n", points, axes[part]) - thresholds[part]
            border |= np.abs(beyond) < margin
            part = 2 * part + (beyond > 0)
        part[border] = -1
        return part.reshape(np.shape(longitude))


def _positions(longitude: Array, latitude: Array) -> Array:
    """Metres from the centre of the Earth, (n, 3): no dateline, no pole."""
    east, north = np.radians(np.ravel(longitude)), np.radians(np.ravel(latitude))
    unit = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], 1)
    return np.asarray(EARTH_RADIUS * unit)


def _halved(points: Array, weight: Array) -> _Cut:
    """Cut across the longest direction with half of the weight on either side."""
    centre = np.average(points, axis=0, weights=weight)
    _, _, axes = np.linalg.svd((points - centre) * np.sqrt(weight)[:, None], full_matrices=False)
    # The sign of a singular vector is free: fix it, so that parts have the same numbers everywhere.
    axis = axes[0] * np.sign(axes[0][np.argmax(np.abs(axes[0]))])
    along = points @ axis
    order = np.argsort(along, kind="stable")
    mass = np.cumsum(weight[order])
    middle = int(np.searchsorted(mass, mass[-1] / 2))
    after = min(middle + 1, len(order) - 1)
    return _Cut(axis, float(along[order[middle]] + along[order[after]]) / 2)
