"""What a detection measures: LOS rate against the ground around, extent and outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes
from scipy import ndimage

# Shares of half a window: where the peak may lie, and where the ground around begins.
PEAK_WITHIN = 0.35
AROUND_FROM = 0.7
SMOOTHING = 1.2


@dataclass(frozen=True, eq=False)
class Footprint:
    """Signal of one detection in its own window.

    Parameters
    ----------
    rate : float
        Peak LOS rate against the ground around (unit of the window), with its sign.
    radius : float
        Radius (pixels) of a circle as large as the area over half of the peak.
    outline : array, shape (n, 2)
        Closed ring of (row, column) pixel coordinates around that area (centres are integers).
    """

    rate: float
    radius: float
    outline: NDArray[np.float64]


def measure(window: NDArray[np.floating]) -> Footprint:
    """Measure the signal at the centre of a window.

    The plane of the outer ring of the window is removed, the rest smoothed lightly with gaps
    bridged, and the largest departure near the centre taken as the peak.

    Parameters
    ----------
    window : array, shape (size, size)
        LOS velocity; NaN where missing, with some valid pixels near the centre.
    """
    size = window.shape[0]
    rows, columns = np.indices(window.shape) - (size - 1) / 2
    distance = np.hypot(rows, columns) / (size / 2)
    residual = window - _plane_around(window, rows, columns, distance >= AROUND_FROM)
    valid = np.isfinite(residual)
    weight = ndimage.gaussian_filter(valid.astype(np.float64), SMOOTHING)
    smooth = ndimage.gaussian_filter(np.where(valid, residual, 0.0), SMOOTHING)
    smooth = np.where(weight > 0.05, smooth / np.maximum(weight, 0.05), 0.0)
    central = np.where(distance <= PEAK_WITHIN, np.abs(smooth), 0.0)
    peak_at = np.unravel_index(int(central.argmax()), central.shape)
    peak = float(smooth[peak_at])
    labels, _ = ndimage.label(smooth * np.sign(peak) >= 0.5 * abs(peak))
    area = labels == labels[peak_at] if peak else np.zeros(window.shape, dtype=bool)
    area[peak_at] = True
    return Footprint(peak, float(np.sqrt(area.sum() / np.pi)), _outline(area))


def _plane_around(
    window: NDArray[np.floating],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    around: NDArray[np.bool_],
) -> NDArray[np.float64]:
    use = around & np.isfinite(window)
    if use.sum() < 30:
        return np.full(window.shape, float(np.nanmedian(window)))
    basis = np.stack([np.ones(int(use.sum())), rows[use], columns[use]], axis=1)
    values = window[use].astype(np.float64)
    # One reweighting keeps a neighbour's signal in the ring from tilting the plane.
    plane = np.linalg.lstsq(basis, values, rcond=None)[0]
    departure = np.abs(values - basis @ plane)
    keep = departure <= np.quantile(departure, 0.8)
    plane = np.linalg.lstsq(basis[keep], values[keep], rcond=None)[0]
    return np.asarray(plane[0] + plane[1] * rows + plane[2] * columns)


def _outline(area: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Outer ring of a mask of one piece, in (row, column) of pixel centres."""
    # A transform of its own, as rasterio warns of the identity.
    half_up = Affine(1.0, 0.0, -0.5, 0.0, 1.0, -0.5)
    found = shapes(area.astype(np.uint8), mask=area, transform=half_up)
    rings = [np.array(polygon["coordinates"][0]) for polygon, _ in found]
    ring = max(rings, key=lambda corners: float(np.ptp(corners, axis=0).prod()))
    return ring[:, ::-1]
