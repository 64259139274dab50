"""What a detector makes of noise alone, and from what rate on it finds sources: for its card."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from bradyseism.detection.detectable import window_noise
from bradyseism.detection.events import look_again
from bradyseism.detection.runtime import Detector
from bradyseism.detection.scan import Level
from bradyseism.evaluation.crossings import lasting_level
from bradyseism.evaluation.injection_plan import NOMINAL_LOOK, sized_source
from bradyseism.maps.velocity_map import Grid
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import project
from bradyseism.samples.encoding import Encoding
from bradyseism.scenes.priors import BodyPrior
from bradyseism.scenes.synthesis import LOCAL_CRS

__all__ = ["CertaintySettings", "certainty_tables", "detection_curve", "noise_tails"]

Progress = Callable[[int, int], None]
# Quantiles whose last is set by three windows or more are stated.
_FEWEST_BEYOND = 3
_PIXEL = 200.0


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
    windows : int
        Windows of noise for each combination of the three.
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
    windows: int = 2000
    widths: tuple[float, ...] = (0.1, 0.2, 0.4)
    ratios: tuple[float, ...] = tuple(2.0 ** (k / 2) for k in range(-2, 11))
    sources: int = 40
    found: float = 0.9
    shifts: tuple[float, ...] = (-2.0, 0.0, 2.0, 4.0)
    seed: int = 1_800_000_000
    prior: BodyPrior = field(default_factory=BodyPrior)

    def __post_init__(self) -> None:
        if min(self.windows, self.sources) < 10:
            raise ValueError(
                f"windows {self.windows} or sources {self.sources} are under 10: no share of so "
                "few can be stated"
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
    """How sure windows of pure noise are: the table of `false_alarm.TailTable`.

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
        For the card: axes, shares of windows and the log-odds (prior one half) that they exceed.

    Raises
    ------
    ValueError
        If windows of so little data are asked for that the detector looks at none.
    """
    least = detector.encoding.least_valid
    if settings.valid[0] < least:
        raise ValueError(
            f"valid {settings.valid[0]:g} is under {least:g}, the share of data without which "
            f"{detector.name!r} looks at no window: give larger shares"
        )
    possible = (0.5, 0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4)
    shares = [share for share in possible if share * settings.windows >= _FEWEST_BEYOND]
    balanced = replace(detector.calibration, prior=0.5)
    cells = list(itertools.product(settings.lengths, settings.nuggets, settings.valid))
    table = []
    for done, (length, nugget, valid) in enumerate(cells, start=1):
        rng = np.random.default_rng([settings.seed, 0, done])
        windows = _noise_windows((length, nugget, valid), detector.encoding, settings, rng)
        log_odds = balanced.log_odds(detector.predict(windows).logit)
        table.append(np.quantile(log_odds, 1.0 - np.array(shares)))
        if progress:
            progress(done, len(cells))
    axes = {name: list(getattr(settings, name)) for name in ("lengths", "nuggets", "valid")}
    shape = [len(axis) for axis in axes.values()]
    values = np.round(np.array(table), 4).reshape(*shape, len(shares)).tolist()
    return {"windows": settings.windows, **axes, "shares": shares, "log_odds": values}


def detection_curve(
    detector: Detector, settings: CertaintySettings, progress: Progress | None = None
) -> dict[str, Any]:
    """Peak over spread from which sources are found: the table of `detectable.DetectionCurve`.

    A source lies somewhere in the central half of a window, as it does in some window of every
    scan. It is found where both that window and the second look at its place are sure enough.

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


def _noise_windows(
    cell: tuple[float, float, float],
    encoding: Encoding,
    settings: CertaintySettings,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Windows of pure noise (n, size, size), with gaps as blotches an eighth of a window wide.

    Drawn until there are as many with enough data as the settings say.
    """
    length, nugget, valid = cell
    size = encoding.size
    model = ExponentialModel(1.0 - nugget, length, nugget)
    blotches = ExponentialModel(1.0, size / 8.0)
    side = 4 * size
    windows: list[NDArray[np.float32]] = []
    while sum(map(len, windows)) < settings.windows:
        values = turbulent_field(model, (side, side), 1.0, rng).astype(np.float32)
        if valid < 1.0:
            cover = turbulent_field(blotches, (side, side), 1.0, rng)
            values[cover > np.quantile(cover, valid)] = np.nan
        parts = values.reshape(4, size, 4, size).swapaxes(1, 2).reshape(-1, size, size)
        windows.append(parts[np.isfinite(parts).mean(axis=(1, 2)) >= encoding.least_valid])
    return np.concatenate(windows)[: settings.windows]


def _needed(
    detector: Detector,
    settings: CertaintySettings,
    case: tuple[float, float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratio from which one source is found at each threshold, and how its noise is correlated."""
    length, nugget, width = case
    size = detector.encoding.size
    side = 2 * size
    model = ExponentialModel(1.0 - nugget, length, nugget)
    noise = turbulent_field(model, (side, side), 1.0, rng)
    offset = rng.uniform(-size / 4, size / 4, 2)
    row, column = (side - 1) / 2 + offset
    source = sized_source(
        width * size * _PIXEL, NOMINAL_LOOK, settings.prior, int(rng.integers(2**32))
    )
    east = (np.arange(side) - column) * _PIXEL
    north = (row - np.arange(side)) * _PIXEL
    easting, northing = np.meshgrid(east, north)
    los = project(source.displacement(easting, northing), NOMINAL_LOOK)
    peak = project(source.displacement(np.zeros(1), np.zeros(1)), NOMINAL_LOOK)[0]
    start = size // 2
    inner = (slice(start, start + size),) * 2
    spread, correlation = window_noise(noise[inner][None])
    shape = rng.choice([-1.0, 1.0]) * los / peak * float(spread[0])
    maps = [(noise + ratio * shape).astype(np.float32) for ratio in settings.ratios]
    first = detector.predict(np.stack([one[inner] for one in maps])).logit
    log_odds = detector.calibration.log_odds(first)
    grid = Grid((side, side), Affine(_PIXEL, 0, 0, 0, -_PIXEL, side * _PIXEL), LOCAL_CRS)
    for index in np.flatnonzero(log_odds > settings.shifts[0]):
        level = Level(maps[index], grid)
        place = level.position(row, column)
        second = look_again(level, detector, float(place[0]), float(place[1]))[0]
        log_odds[index] = min(log_odds[index], second)
    return _crossings(log_odds, settings), correlation[0]


def _crossings(log_odds: NDArray[np.float64], settings: CertaintySettings) -> NDArray[np.float64]:
    """Ratio from which the log-odds stay over each threshold, between the ratios tried."""
    ratios = np.array(settings.ratios)
    step = ratios[1] / ratios[0] if ratios.size > 1 else np.sqrt(2.0)
    found = [lasting_level(ratios, log_odds, at, log_odds <= at) for at in settings.shifts]
    return np.asarray(np.minimum(found, ratios[-1] * step))
