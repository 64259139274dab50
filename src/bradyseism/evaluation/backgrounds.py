"""On what ground the yardstick is laid: turbulence, all nuisances, real maps."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bradyseism.evaluation.clairvoyant import TurbulenceTest, YardstickSettings
from bradyseism.evaluation.heavy_tail import heavy_tailed_bound
from bradyseism.evaluation.hidden_sources import Answer, MapWindows, Windows, hide
from bradyseism.evaluation.injection_plan import InjectionSettings, cut_frames
from bradyseism.maps.frames import ground_blocks
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.scenes.priors import LogUniform
from bradyseism.scenes.synthesis import SceneSettings, random_scene, robust_spread

__all__ = ["NOISY", "Background", "nuisance_backgrounds", "real_backgrounds", "turbulence"]

NOISY = 1.3e-3
"""Robust spread (m/yr) from which real maps count as noisy: between the two simulated ones."""

# Seeds of the scenes lie far from those of training, calibration and reliability.
_UNSEEN = 1_950_000_000

Pool = ThreadPoolExecutor


@dataclass(frozen=True, eq=False)
class Background:
    """One kind of ground.

    Attributes
    ----------
    label : str
        What stands in the table.
    rates : array (rates,)
        Peak rates (m/yr), rising.
    windows : int
        Windows without a source.
    open : callable
        Makes all windows; called once, when a method has to judge them.
    bound : callable
        What the bound finds.
    bound_of : str
        Label of the background whose bound it is; its own if empty.
    digest : str
        Names the content where the settings and the seed do not.
    places : dict of arrays of int (sources,)
        For each width (m), on which independent ground each source lies; all apart if empty.
    parts : dict of dict of arrays of bool (sources,)
        Under further labels, for each width (m), which of the sources belong to a part.
    """

    label: str
    rates: NDArray[np.float64]
    windows: int
    open: Callable[[Pool], Windows]
    bound: Callable[[Pool], Answer]
    bound_of: str = ""
    digest: str = ""
    places: Mapping[float, NDArray[np.int64]] = field(default_factory=dict)
    parts: Mapping[str, Mapping[float, NDArray[np.bool_]]] = field(default_factory=dict)


def turbulence(settings: YardstickSettings, seed: int) -> Iterator[Background]:
    """Turbulence alone, of each length and deviation; the bound is the matched filter."""
    for length, deviation in itertools.product(settings.lengths, settings.deviations):
        test = TurbulenceTest(settings, length, deviation, seed)
        yield Background(
            f"{1e3 * deviation:g} mm/yr, {length / 1e3:g} km",
            test.rates,
            settings.windows,
            partial(_itself, test),
            partial(_matched_filter, test),
        )


def nuisance_backgrounds(settings: YardstickSettings, seed: int) -> Iterator[Background]:
    """The same turbulence with all else that scenes hold: nuisances, pixel noise and gaps.

    Scenes are quiet ones of `scenes.synthesis` with its own chances of every nuisance, of pixels
    of the yardstick's size; sources lie where there is data, in scenes that set no threshold.

    The bound is that of the turbulence alone. It is the matched filter that knows the shape of the
    source and the covariance of the turbulence, and besides is told every nuisance and the noise
    of each pixel, so that it takes them away, and what lies under the gaps. So no method can do
    better, and how near one may come to it is not known.
    """
    for length, deviation in itertools.product(settings.lengths, settings.deviations):
        test = TurbulenceTest(settings, length, deviation, seed)
        noise = f"{1e3 * deviation:g} mm/yr, {length / 1e3:g} km"
        yield Background(
            f"{noise}, nuisances",
            test.rates,
            settings.windows,
            partial(_scenes, settings, length, deviation, seed),
            partial(_matched_filter, test),
            bound_of=noise,
        )


def real_backgrounds(
    maps: Sequence[VelocityMap], settings: YardstickSettings, seed: int
) -> Iterator[Background]:
    """Windows of real maps on testing ground: quiet maps and noisy ones, and each map as a part.

    Windows are those of `cut_frames`, 51.2 km wide and overlapping by half. The same windows set
    the threshold and take the sources. Maps whose median window has a robust spread under `NOISY`
    are quiet. The bound is `heavy_tailed_bound`. Windows of one block of ground as wide as a
    window count as one place, whichever map they are of.

    Raises
    ------
    ValueError
        Where the maps hold no window.
    """
    cutting = InjectionSettings(prior=settings.prior)
    frames = cut_frames(maps, cutting)
    names = np.array([frame.name.rsplit(":", 2)[0] for frame in frames])
    spreads = np.array([robust_spread(f.velocity[f.valid].astype(np.float64)) for f in frames])
    level = {name: float(np.median(spreads[names == name])) for name in dict.fromkeys(names)}
    for word, noisy in (("quiet", False), ("noisy", True)):
        of_kind = [name for name, spread in level.items() if (spread >= NOISY) == noisy]
        chosen = np.flatnonzero(np.isin(names, of_kind))
        if not chosen.size:
            continue
        own = [frames[index] for index in chosen]
        rates = np.array(settings.real_rates)
        rng = np.random.default_rng([seed, noisy])
        plan = hide(own, settings.widths, settings.sources, settings.prior, rng)
        windows = MapWindows(own, own, plan, rates)
        hosts = {width: np.array([one.frame for one in of]) for width, of in plan.items()}
        blocks = ground_blocks(own, cutting.side)
        content = hashlib.sha256(b"".join(frame.velocity.tobytes() for frame in own))
        yield Background(
            f"{word} real maps, {1e3 * np.median(spreads[chosen]):.1f} mm/yr",
            rates,
            len(own),
            partial(_itself, windows),
            partial(heavy_tailed_bound, windows, settings.false_windows),
            digest=content.hexdigest(),
            places={width: blocks[of] for width, of in hosts.items()},
            parts={
                f"{name}, {1e3 * level[name]:.1f} mm/yr": {
                    width: names[chosen][of] == name for width, of in hosts.items()
                }
                for name in of_kind
                if len(of_kind) > 1
            },
        )


def _scenes(
    settings: YardstickSettings, length: float, deviation: float, seed: int, pool: Pool
) -> MapWindows:
    side = settings.pixels * settings.pixel_size
    scenes = SceneSettings(
        shape=(settings.pixels, settings.pixels),
        pixel_sizes=(settings.pixel_size,),
        volcanic=0.0,
        noise=LogUniform(deviation, deviation),
        noise_length=LogUniform(length / side, length / side),
    )
    # Some scenes have no data in their middle and can take no source.
    count = settings.windows + 2 * settings.sources
    maps = list(pool.map(lambda i: random_scene(_UNSEEN + seed, i, scenes).map, range(count)))
    cutting = InjectionSettings(side=side, finest_pixel=settings.pixel_size / 2, missing=0.8)
    hosts = cut_frames(maps[settings.windows :], cutting)[: settings.sources]
    rng = np.random.default_rng([seed, round(length), 2])
    plan = hide(hosts, settings.widths, settings.sources, settings.prior, rng)
    return MapWindows(maps[: settings.windows], hosts, plan, deviation * np.array(settings.ratios))


def _itself(windows: Windows, _pool: Pool) -> Windows:
    return windows


def _matched_filter(test: TurbulenceTest, _pool: Pool) -> Answer:
    return test.bound()
