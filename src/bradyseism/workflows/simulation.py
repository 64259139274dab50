"""Writes simulated scenes as ordinary map files with a truth table, as real maps would come."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from bradyseism.maps.readers.dem import Relief, draw_relief
from bradyseism.maps.velocity_map import VelocityMap
from bradyseism.maps.writers.map_files import write_map
from bradyseism.maps.writers.tables import write_csv
from bradyseism.scenes.demo import demo
from bradyseism.scenes.synthesis import SceneSettings, random_scene

# The columns of a truth table, which `bradyseism evaluate --field` reads.
TRUTH_COLUMNS = [
    *("map", "path", "reader", "quantity", "unit", "positive", "crs", "look", "span_years"),
    *("volcanic", "must", "may", "note"),
]
FOUND_WITHIN_KM = 6.0


def write_demo(folder: str | os.PathLike[str], *, seed: int = 1) -> Path:
    """Write the demonstration: `map.tif`, its look companions, `volcanoes.csv` and `truth.csv`.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    seed : int
        Seed of relief, noise and nuisances.

    Returns
    -------
    Path
        Of the map.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    made = demo(seed)
    write_csv(
        target / "volcanoes.csv",
        ["number", "name", "latitude", "longitude", "elevation_m"],
        [
            [v.number, v.name, round(v.latitude, 5), round(v.longitude, 5), v.elevation]
            for v in made.catalogue.volcanoes
        ],
    )
    places = [(longitude, latitude) for longitude, latitude, _ in made.deforming]
    rates = ", ".join(f"{1e3 * peak:+.0f} mm/yr" for _, _, peak in made.deforming)
    return _write(target, [("map", made.map, places, f"hidden sources: {rates}")])[0]


def write_scenes(
    folder: str | os.PathLike[str],
    *,
    seed: int,
    count: int = 1,
    settings: SceneSettings | None = None,
    dem: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Write scenes 0 to `count` - 1 of a seed as maps, with `truth.csv`.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    seed, count : int
        Which scenes.
    settings : SceneSettings, optional
        What they may hold; default 512 x 512 pixels of 200 m.
    dem : path, optional
        Elevation model (a raster or a folder of tiles): each scene lies on the relief of a random
        place that it covers, and has its coordinates.

    Returns
    -------
    list of Path
        The maps, in order.
    """
    if count < 1:
        raise ValueError(f"count {count} is below 1: ask for at least one scene")
    settings = settings or SceneSettings(shape=(512, 512), pixel_sizes=(200.0,))
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    entries = []
    for index in range(count):
        ground = _ground(dem, settings, seed, index)
        scene = random_scene(seed, index, settings, ground=ground)
        truth = scene.truth
        places, note = [], "nuisances: " + (", ".join(truth.nuisances) or "none")
        if truth.volcanic:
            longitude, latitude = scene.map.grid.longitude_latitude(truth.row, truth.column)
            places = [(float(longitude), float(latitude))]
            note = f"{type(truth.source).__name__} {1e3 * truth.peak:+.1f} mm/yr; {note}"
        entries.append((scene.map.name, scene.map, places, note))
    return _write(target, entries)


def _ground(
    dem: str | os.PathLike[str] | None, settings: SceneSettings, seed: int, index: int
) -> Relief | None:
    """Relief of one scene; its place follows from seed and index."""
    if dem is None:
        return None
    rng = np.random.default_rng([seed, index, 1])
    pixel_size = float(rng.choice(settings.pixel_sizes))
    return draw_relief(Path(dem), settings.shape, pixel_size, rng)


def _write(
    folder: Path, entries: list[tuple[str, VelocityMap, list[tuple[float, float]], str]]
) -> list[Path]:
    rows, paths = [], []
    for name, velocity_map, places, note in entries:
        path = folder / f"{name}.tif"
        write_map(path, velocity_map)
        must = "; ".join(f"{lon:.5f} {lat:.5f} {FOUND_WITHIN_KM:g}" for lon, lat in places)
        facts = [path.name, "geotiff", "velocity", "mm/yr", "toward", "", ""]
        rows.append([name, *facts, velocity_map.years, int(bool(places)), must, "", note])
        paths.append(path)
    write_csv(folder / "truth.csv", TRUTH_COLUMNS, rows)
    return paths
