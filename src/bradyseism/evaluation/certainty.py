"""What a detector makes of noise alone, and from what rate on it finds sources: for its card."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from bradyseism.detection.detectable import window_noise
from bradyseism.detection.events import look_again, verdict
from bradyseism.detection.false_alarm import strongest
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import Level, pyramid, window_starts
from bradyseism.evaluation.crossings import lasting_level
from bradyseism.evaluation.injection_plan import NOMINAL_LOOK, sized_source
from bradyseism.maps.velocity_map import Grid, Provenance, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import project
from bradyseism.samples.encoding import Encoding
from bradyseism.scenes.priors import BodyPrior
from bradyseism.scenes.synthesis import LOCAL_CRS

__all__ = ["CertaintySettings", "certainty_tables", "detection_curve", "noise_tails"]

Progress = Callable[[int, int], None]
# Quantiles whose last is set by three maps or more are stated.
_FEWEST_BEYOND = 3
# Simulated maps: side over that of a window, and unit of the rates (m/yr). Their pixels are the
# detector's smallest, so that no level is finer than they are.
_MAP_SIDE, _UNIT = 4, 1e-3
_LOWEST = -20.0


@dataclass(frozen=True)
class CertaintySettings:
    """What is simulated for the card.

    Parameters
    ----------
    lengths : tuple of float
        Correlation lengths (pixels) of the noise.
    nuggets : tuple of float
        Shares of its variance that are uncorrelated.
    valid : tuple of float
        Shares of pixels with data, in the noise alone.
    maps : int
        Maps of noise, four windows wide, for each combination of the three.
    widths : tuple of float
        Widths of sources over the side of a window.
    ratios : tuple of float
        Peak rates over the spread of the noise, rising.
    sources : int
        Sources for each length, nugget and width.
    found : float
        Share of the sources that must be found.
    shifts : tuple of float
        Thresholds on the log-odds, rising, for other priors.
    seed : int
        Of everything.
    prior : BodyPrior
        Shapes of the sources.
    """

    lengths: tuple[float, ...] = (1.5, 6.0, 24.0)
    nuggets: tuple[float, ...] = (0.0, 0.5)
    valid: tuple[float, ...] = (0.5, 1.0)
    maps: int = 200
    widths: tuple[float, ...] = (0.1, 0.2, 0.4)
    ratios: tuple[float, ...] = tuple(2.0 ** (k / 2) for k in range(-2, 11))
    sources: int = 40
    found: float = 0.9
    shifts: tuple[float, ...] = (-2.0, 0.0, 2.0, 4.0)
    seed: int = 1_800_000_000
    prior: BodyPrior = field(default_factory=BodyPrior)

    def __post_init__(self) -> None:
        if min(self.maps, self.sources) < 10:
            raise ValueError(
                f"maps {self.maps} or sources {self.sources} are under 10: no share of so few can "
                "be stated"
            )
        for name in ("lengths", "nuggets", "valid", "widths", "ratios", "shifts"):
            values = getattr(self, name)
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"{name} {values} do not rise: give each once, smallest first")


def certainty_tables(
    detector: Detector,
    settings: CertaintySettings,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """How sure a detector is of noise and of sources, for its card.

    Parameters
    ----------
    detector : Detector
        Trained and calibrated.
    settings : CertaintySettings
    progress : callable, optional
        Called with the name of a part, and the steps done and in all.

    Returns
    -------
    dict
        `false_alarm`, of `noise_tails`; `detectable`, of `detection_curve`; `certainty_settings`.
    """

    def part(name: str) -> Progress:
        """Progress of one part."""
        return lambda done, total: progress(name, done, total) if progress else None

    return {
        "false_alarm": noise_tails(detector, settings, part("noise alone")),
        "detectable": detection_curve(detector, settings, part("sources in noise")),
        "certainty_settings": asdict(settings),
    }


def noise_tails(
    detector: Detector, settings: CertaintySettings, progress: Progress | None = None
) -> dict[str, Any]:
    """How sure of its strongest place a map of pure noise is: for `false_alarm.TailTable`.

    Parameters
    ----------
    detector : Detector
        With a calibration; its prior does not matter.
    settings : CertaintySettings
    progress : callable, optional
        Told steps done and in all.

    Returns
    -------
    dict
        For the card: axes, shares of maps, the log-odds (prior one half) that they exceed, and
        the number of windows of the finest level of such a map.

    Raises
    ------
    ValueError
        If maps of so little data are asked for that the detector looks at none.
    """
    least = detector.encoding.least_valid
    if settings.valid[0] < least:
        raise ValueError(
            f"valid {settings.valid[0]:g} is under {least:g}, the share of data without which "
            f"{detector.name!r} looks at no window: give larger shares"
        )
    possible = (0.5, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
    shares = [share for share in possible if share * settings.maps >= _FEWEST_BEYOND]
    prior = detector.calibration.prior
    cells = list(itertools.product(settings.lengths, settings.nuggets, settings.valid))
    table = []
    for done, cell in enumerate(cells, start=1):
        log_odds = [
            strongest(_noise_map(cell, detector.encoding, rng), detector)
            for rng in np.random.default_rng([settings.seed, 0, done]).spawn(settings.maps)
        ]
        quantiles = np.quantile(log_odds, 1.0 - np.array(shares), method="higher")
        table.append(np.maximum(quantiles - math.log(prior / (1.0 - prior)), _LOWEST))
        if progress:
            progress(done, len(cells))
    axes = {name: list(getattr(settings, name)) for name in ("lengths", "nuggets", "valid")}
    shape = [len(axis) for axis in axes.values()]
    values = np.round(np.array(table), 4).reshape(*shape, len(shares)).tolist()
    size = detector.encoding.size
    windows = window_starts(_MAP_SIDE * size, size, size // 2).size ** 2
    return {"maps": settings.maps, "windows": windows, **axes, "shares": shares, "log_odds": values}


def detection_curve(
    detector: Detector, settings: CertaintySettings, progress: Progress | None = None
) -> dict[str, Any]:
    """Peak over spread from which sources are found: the table of `detectable.DetectionCurve`.

    It is found where the second look at its place, at every level of a map, is sure enough.

    Parameters
    ----------
    detector : Detector
        At its prior.
    settings : CertaintySettings
    progress : callable, optional
        Told steps done and in all.

    Returns
    -------
    dict
        For the card. A ratio beyond the largest tried is that times the step from the first to the
        second.
    """
    noises = list(itertools.product(settings.lengths, settings.nuggets))
    ratios = np.empty((len(noises), len(settings.widths), len(settings.shifts)))
    correlation = np.empty((len(noises), settings.sources * len(settings.widths), 2))
    for first, (length, nugget) in enumerate(noises):
        for second, width in enumerate(settings.widths):
            needed = np.empty((settings.sources, len(settings.shifts)))
            for index in range(settings.sources):
                rng = np.random.default_rng([settings.seed, 1, first, second, index])
                needed[index], alike = _needed(detector, settings, (length, nugget, width), rng)
                correlation[first, second * settings.sources + index] = alike
            ratios[first, second] = np.quantile(needed, settings.found, axis=0, method="higher")
            if progress:
                progress(
                    first * len(settings.widths) + second + 1, len(noises) * len(settings.widths)
                )
    return {
        "found": settings.found,
        "prior": detector.calibration.prior,
        "sources": settings.sources,
        "widths": list(settings.widths),
        "shifts": list(settings.shifts),
        "correlation": np.round(np.median(np.log(correlation), axis=1), 4).tolist(),
        "ratios": np.round(ratios, 4).tolist(),
    }


def _noise_map(
    cell: tuple[float, float, float], encoding: Encoding, rng: np.random.Generator
) -> VelocityMap:
    """Pure noise of one length, nugget and valid share; gaps are an eighth of a window wide."""
    length, nugget, valid = cell
    size = encoding.size
    side = _MAP_SIDE * size
    model = ExponentialModel(_UNIT**2 * (1.0 - nugget), length, _UNIT**2 * nugget)
    values = turbulent_field(model, (side, side), 1.0, rng).astype(np.float32)
    if valid < 1.0:
        cover = turbulent_field(ExponentialModel(1.0, size / 8.0), (side, side), 1.0, rng)
        values[cover > np.quantile(cover, valid)] = np.nan
    return _map_of(values, encoding)


def _map_of(values: NDArray[np.float32], encoding: Encoding) -> VelocityMap:
    side, pixel = values.shape[0], encoding.pixel_sizes[0]
    grid = Grid(values.shape, Affine(pixel, 0, 0, 0, -pixel, side * pixel), LOCAL_CRS)
    return VelocityMap(values, grid, years=1.0, provenance=Provenance("", "", "simulated"))


def _needed(
    detector: Detector,
    settings: CertaintySettings,
    case: tuple[float, float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratio from which one source is found at each threshold, and how its noise is correlated.

    Length and width are those of the level above the finest, as most scans have a finer one.
    """
    length, nugget, width = case
    size, pixel = detector.encoding.size, detector.encoding.pixel_sizes[0]
    side = _MAP_SIDE * size
    model = ExponentialModel(1.0 - nugget, 2.0 * length, 4.0 * nugget)
    noise = turbulent_field(model, (side, side), 1.0, rng)
    row, column = (side - 1) / 2 + rng.uniform(-size / 2, size / 2, 2)
    body = sized_source(
        width * 2.0 * size * pixel, NOMINAL_LOOK, settings.prior, int(rng.integers(2**32))
    )
    east = (np.arange(side) - column) * pixel
    north = (row - np.arange(side)) * pixel
    easting, northing = np.meshgrid(east, north)
    los = project(body.displacement(easting, northing), NOMINAL_LOOK)
    peak = project(body.displacement(np.zeros(1), np.zeros(1)), NOMINAL_LOOK)[0]
    coarse = noise.reshape(side // 2, 2, side // 2, 2).mean(axis=(1, 3))
    inner = slice(size // 2, size // 2 + size)
    spread, correlation = window_noise(coarse[inner, inner][None])
    shape = rng.choice([-1.0, 1.0]) * los / peak * float(spread[0])
    maps = [
        _map_of((_UNIT * values).astype(np.float32), detector.encoding) for values in (noise, shape)
    ]
    levels = list(zip(*(pyramid(one, detector.encoding) for one in maps), strict=True))
    finest = levels[0][0]
    there = finest.grid.row_column(*maps[0].grid.longitude_latitude(row, column))
    place = [float(axis) for axis in finest.position(*there)]
    log_odds = [
        verdict(
            look_again(
                tuple(
                    Level(one.values + np.float32(ratio) * source.values, one.grid)
                    for one, source in levels
                ),
                detector,
                *place,
            ),
            detector,
        )
        for ratio in settings.ratios
    ]
    return _crossings(np.array(log_odds), settings), correlation[0]


def _crossings(log_odds: NDArray[np.float64], settings: CertaintySettings) -> NDArray[np.float64]:
    """Ratio from which the log-odds stay over each threshold, between the ratios tried."""
    ratios = np.array(settings.ratios)
    step = ratios[1] / ratios[0] if ratios.size > 1 else np.sqrt(2.0)
    found = [lasting_level(ratios, log_odds, at, log_odds <= at) for at in settings.shifts]
    return np.asarray(np.minimum(found, ratios[-1] * step))
