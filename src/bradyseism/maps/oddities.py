"""What is odd about a velocity map: said to people, never a reason to refuse it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["oddities"]

# Half a wavelength in metres: of C band (Sentinel-1), L band (ALOS-2, NISAR) and X band.
HALF_WAVELENGTHS = {"C": 0.0277, "L": 0.119, "X": 0.0155}
FAST, SLOW = 1.0, 1e-5  # m/yr
# Robust spread (m/yr) of a whole map. Long-term maps have 0.3 to 10 mm/yr, and one about Mexico
# City, which sinks fastest, less than this; read as metres, a quiet map of 0.3 mm/yr has more.
WIDE = 0.15
FASTEST_VELOCITY = 20.0  # m/yr; no ground keeps this up for years, but metres taken for mm reach it
MISSING, SAME = 0.9, 0.2  # shares of pixels
# Gaps of so many pixels are scattered if so many blocks of 4 x 4 hold some data all the same.
SCATTERED, MOST_BLOCKS = 0.7, 0.6
FEW_VALUES = 16
# A fill value: that of so many pixels, so many ranges of the others away from their middle.
LEAST_FILL, FILL_AWAY = 20, 5.0
# Steps between neighbours this many times their usual size stand out; a jump is a line of them.
STANDS_OUT = 6.0
LEAST_STEPS = 20
# A jump is so many times the steps beside it.
SHARP = 2.0
# They are whole half wavelengths if their median is that to this share, and half of them to that.
NEAR, ALIKE = 0.12, 0.5
_MOST_PIXELS = 500_000
_DEVIATION = 1.4826  # of a normal distribution over its median absolute deviation


def oddities(velocity: NDArray[np.floating], years: float) -> tuple[str, ...]:
    """Warnings about a map, each naming what is odd and what it may come from.

    Parameters
    ----------
    velocity : array, shape (rows, columns)
        LOS velocity (m/yr), NaN missing.
    years : float
        Time span.

    Returns
    -------
    tuple of str
        Empty where nothing is odd. Large maps are judged by a part of their rows and columns.
    """
    lacking = 1.0 - float(np.isfinite(velocity).mean())
    found = []
    if lacking > SCATTERED and _spread(velocity) > MOST_BLOCKS:
        found.append(
            f"{100 * lacking:.0f} % of the pixels are missing here and there, so that windows hold "
            "too few: average the map to coarser pixels (gdalwarp -r average -tr)"
        )
    elif lacking > MISSING:
        found.append(
            f"{100 * lacking:.0f} % of the map is missing: most places cannot be judged; is the "
            "mask too strict, or inverted?"
        )
    step = max(1, -(-velocity.size // _MOST_PIXELS))
    known = velocity[np.isfinite(velocity)][::step].astype(np.float64)
    if known.size:
        fill, told = _fill(known)
        known = known[known != fill]
        velocity = np.where(velocity == fill, np.nan, velocity)
        judged = (told, _values(known), _speed(known), _jumps(velocity, step, years))
        found += [word for word in judged if word]
    return tuple(found)


def _fill(known: NDArray[np.float64]) -> tuple[float, str]:
    """Value that stands for missing data by its look, and what to say of it; NaN if there is none.

    It is the smallest or the largest, many pixels have exactly it, and it is far from all others.
    """
    for value in (float(known.min()), float(known.max())):
        same = known == value
        others = known[~same]
        if same.sum() < LEAST_FILL or others.size < LEAST_FILL:
            continue
        low, middle, high = np.percentile(others, (0.5, 50, 99.5))
        if 0 < FILL_AWAY * (high - low) < abs(value - middle):
            return value, (
                f"{100 * same.mean():.2g} % of the pixels are exactly {1e3 * value:g} mm/yr: does "
                "this value stand for missing data? declare it (gdal_edit.py -a_nodata), or places "
                "near it are lost"
            )
    return float("nan"), ""


def _values(known: NDArray[np.float64]) -> str:
    """Say whether the pixels hold hardly any different values."""
    values = np.unique(known)
    # Other values repeat in quadtree maps.
    share = float(np.mean(known == 0.0))
    if values.size == 1:
        return f"every pixel is {1e3 * values[0]:g} mm/yr: a constant map holds nothing to find"
    if values.size <= FEW_VALUES and known.size > 4 * FEW_VALUES:
        return (
            f"the map holds only {values.size} different values: is it a classification or a test "
            "pattern, no velocity?"
        )
    if share > SAME:
        return (
            f"{100 * share:.0f} % of the pixels are exactly 0: does this value stand for "
            "missing data?"
        )
    return ""


def _speed(known: NDArray[np.float64]) -> str:
    """Say whether the rates are those of another unit."""
    middle, fast = (float(v) for v in np.percentile(np.abs(known - np.median(known)), (50, 98)))
    if fast > FAST or _DEVIATION * middle > WIDE:
        return (
            f"rates reach {fast:.3g} m/yr (2 % of the pixels are faster): is the unit mm/yr "
            "(--unit mm/yr)?"
        )
    if 0.0 < fast < SLOW:
        return (
            f"98 % of the pixels differ by less than {1e3 * fast:.2g} mm/yr: is the unit m/yr "
            "(--unit m/yr)?"
        )
    return ""


def _jumps(velocity: NDArray[np.floating], step: int, years: float) -> str:
    """Say whether neighbours differ by whole half wavelengths along a line."""
    pairs = (np.diff(velocity[::step], axis=1), np.diff(velocity[:, ::step].T, axis=1))
    steps = np.concatenate([np.abs(pair[np.isfinite(pair)]) for pair in pairs]) * years
    if not steps.size:
        return ""
    sharp = [years * _sharp(np.abs(pair)) for pair in pairs]
    least = STANDS_OUT * float(np.median(steps))
    large = sum(int((one > least).sum()) for one in sharp)
    for band, half in HALF_WAVELENGTHS.items():
        where = [one > max(least, 0.5 * half) for one in sharp]
        jumps = np.concatenate([one[there] for one, there in zip(sharp, where, strict=True)])
        # What is left out must be less than what is a jump: outliers have all sizes ...
        if jumps.size < max(LEAST_STEPS, large / 2):
            continue
        # ... and lie anywhere, not on lines.
        if sum(_continued(there, step) for there in where) < jumps.size / 2:
            continue
        cycles = float(np.median(jumps)) / half
        low, high = np.percentile(jumps, (25, 75)) / half
        if abs(cycles - round(cycles)) <= NEAR and high - low <= ALIKE and round(cycles) >= 1:
            return (
                f"neighbouring pixels jump by {1e3 * cycles * half:.0f} mm over the span in "
                f"{jumps.size * step} places, {round(cycles)} x half the wavelength of {band} "
                "band: an unwrapping error, unless a fault runs there"
            )
    return ""


def _spread(velocity: NDArray[np.floating]) -> float:
    """Share of blocks of 4 x 4 pixels that hold data."""
    rows, columns = (4 * (length // 4) for length in velocity.shape)
    blocks = np.isfinite(velocity[:rows, :columns]).reshape(rows // 4, 4, columns // 4, 4)
    return float(blocks.any(axis=(1, 3)).mean()) if blocks.size else 0.0


def _sharp(steps: NDArray[np.floating]) -> NDArray[np.floating]:
    """Steps along a row that are well over the one before and the one after; 0 on smooth flanks."""
    around = np.pad(np.nan_to_num(steps), ((0, 0), (1, 1)))
    beside = np.maximum(around[:, :-2], around[:, 2:])
    return np.asarray(np.where(steps > SHARP * beside, steps, 0.0))


def _continued(jumps: NDArray[np.bool_], step: int) -> int:
    """How many jumps go on in the next row, `step` pixels away, at most as far aside."""
    near = ndimage.maximum_filter1d(jumps, 2 * step + 1, axis=1)
    return int((jumps[1:] & near[:-1]).sum())


def too_fast(fastest: float) -> str:
    """What is wrong with a largest velocity (m/yr; NaN without any), or nothing."""
    if not fastest > FASTEST_VELOCITY:
        return ""
    return (
        f"velocity reaches {fastest:g} m/yr, more than {FASTEST_VELOCITY:g}: "
        "were mm taken for m (pass --unit mm/yr), or a no-data value for data (mark it)?"
    )
