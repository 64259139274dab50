"""Writes the analogue frames and their background as map files, with truth, relief and hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from operator import call
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.maps.writers.geotiff import write_cog
from bradyseism.maps.writers.map_files import write_map
from bradyseism.maps.writers.tables import write_csv, write_json
from bradyseism.physics.atmosphere import NoiseReading
from bradyseism.samples.side_by_side import side_by_side
from bradyseism.scenes.analogue import (
    AS_FROZEN,
    FRAMES,
    AnalogueFrame,
    Factors,
    analogue_frame,
    fingerprint,
)
from bradyseism.scenes.analogue_background import BACKGROUNDS, analogue_background
from bradyseism.scenes.analogue_frozen import FINGERPRINTS, SEED, SHA256, VERSION
from bradyseism.workflows.simulation import FOUND_WITHIN_KM, TRUTH_COLUMNS

FRAME_COLUMNS = [
    *TRUTH_COLUMNS,
    *("place", "track", "heading", "incidence", "dem", "peak_row", "peak_column", "rate_mm_yr"),
    *("positive_patches", "like"),
]
BACKGROUND_COLUMNS = [*TRUTH_COLUMNS, "track", "heading", "incidence", "dem", "patches"]
VOLCANO_COLUMNS = ["number", "name", "latitude", "longitude", "elevation_m", "place"]
MOST_PROCESSES = 2
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class _Written:
    """What one map adds to the tables."""

    name: str
    print: str
    row: list[object]
    volcanoes: list[list[object]] = field(default_factory=list)


def combined_hash(prints: Mapping[str, str]) -> str:
    """SHA-256 of all fingerprints by name, in the order of the names."""
    lines = "".join(f"{name} {prints[name]}\n" for name in sorted(prints))
    return hashlib.sha256(lines.encode()).hexdigest()


def write_analogue(
    folder: str | os.PathLike[str],
    *,
    noise_level: NoiseReading = "peak",
    factors: Factors = AS_FROZEN,
    frames: Sequence[int] = range(len(FRAMES)),
    backgrounds: Sequence[int] = range(BACKGROUNDS),
    processes: int = MOST_PROCESSES,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write the analogue set.

    `frames/` and `background/` hold maps with their look companions, `dem/` the relief,
    `truth.csv` and `background/truth.csv` the tables that `bradyseism evaluate --field` and
    `finetune` read, `volcanoes.csv` the catalogue, `manifest.json` version, seed and hashes.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    noise_level : {"peak", "sill"}
        Reading of the published noise; the frozen version has ``"peak"``.
    factors : Factors
        By which the rates of the parts are multiplied; the frozen version has 1 of each.
    frames, backgrounds : sequence of int
        Which to write, all by default.
    processes : int
        How many work side by side; the files do not depend on it.
    progress : callable, optional
        Called with the number of maps done, of all maps, and a text.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    ValueError
        If the number of processes is not positive.
    """
    target = Path(folder)
    for part in ("frames", "dem", "background") if backgrounds else ("frames", "dem"):
        (target / part).mkdir(parents=True, exist_ok=True)
    jobs = [partial(_write_frame, target, number, noise_level, factors) for number in frames]
    jobs += [
        partial(_write_background, target, number, noise_level, factors) for number in backgrounds
    ]
    written = []
    for item in side_by_side(call, jobs, processes):
        written.append(item)
        if progress is not None:
            progress(len(written), len(jobs), "simulating")
    seen, around = written[: len(frames)], written[len(frames) :]
    write_csv(target / "truth.csv", FRAME_COLUMNS, [item.row for item in seen])
    volcanoes = [row for item in seen for row in item.volcanoes]
    write_csv(target / "volcanoes.csv", VOLCANO_COLUMNS, volcanoes)
    if around:
        rows = [item.row for item in around]
        write_csv(target / "background" / "truth.csv", BACKGROUND_COLUMNS, rows)
    manifest = {
        **_manifest(seen, around),
        "noise_level": noise_level,
        "factors": asdict(factors),
    }
    write_json(target / "manifest.json", manifest)
    return manifest


def _manifest(frames: list[_Written], backgrounds: list[_Written]) -> dict[str, Any]:
    prints = {item.name: item.print for item in frames + backgrounds}
    count = FRAME_COLUMNS.index("positive_patches")
    combined = combined_hash(prints)
    return {
        "what": "analogue frames: simulated stand-in for a private test set",
        "version": VERSION,
        "seed": SEED,
        "frames": len(frames),
        "backgrounds": len(backgrounds),
        "background_patches": sum(int(str(item.row[-1])) for item in backgrounds),
        "positive_patches": sum(int(str(item.row[count])) for item in frames),
        "sha256": combined,
        "frozen_sha256": SHA256,
        "is_frozen_version": prints.items() <= FINGERPRINTS.items(),
        "fingerprints": prints,
    }


def _write_frame(
    folder: Path, number: int, noise_level: NoiseReading, factors: Factors
) -> _Written:
    frame = analogue_frame(number, noise_level, factors)
    place, track = frame.place, frame.track
    dem = f"dem/{place.name}.tif"
    first = place.tracks[0] == FRAMES[number][1]
    if first:
        _write_dem(folder / dem, frame.ground.elevation, frame.map.grid)
    peak = frame.peak or ("", "")
    must = ""
    if frame.peak is not None:
        longitude, latitude = frame.map.grid.longitude_latitude(*frame.peak)
        must = f"{float(longitude):.5f} {float(latitude):.5f} {FOUND_WITHIN_KM:g}"
    positive = int(frame.positive_patches().sum()) if frame.peak else 0
    like = place.deformation.like if place.deformation else ""
    note = f"simulated; like {like}" if like else "simulated; no source"
    row = [
        *_truth(folder / "frames", frame.map, "frames/", must, note),
        *(place.name, track.direction, track.heading, track.incidence, dem, *peak),
        *(round(1e3 * frame.rate, 3), positive, like),
    ]
    volcanoes = _volcanoes(frame) if first else []
    return _Written(frame.map.name, fingerprint(frame.map), row, volcanoes)


def _write_background(
    folder: Path, number: int, noise_level: NoiseReading, factors: Factors
) -> _Written:
    made = analogue_background(number, noise_level, factors)
    heading, incidence = made.track.heading, made.track.incidence
    dem = f"dem/background_{number:02d}.tif"
    _write_dem(folder / dem, made.elevation, made.map.grid)
    row = [
        *_truth(folder / "background", made.map, "", "", "simulated; volcano-free background"),
        *(made.track.direction, heading, incidence, f"../{dem}", int(made.kept.sum())),
    ]
    return _Written(made.map.name, fingerprint(made.map), row)


def _truth(
    folder: Path, velocity_map: VelocityMap, prefix: str, must: str, note: str
) -> list[object]:
    """Write a map and give the cells of `TRUTH_COLUMNS`."""
    name = velocity_map.name
    write_map(folder / f"{name}.tif", velocity_map)
    facts = [f"{prefix}{name}.tif", "geotiff", "velocity", "mm/yr", "toward", "", ""]
    return [name, *facts, velocity_map.years, int(bool(must)), must, "", note]


def _write_dem(path: Path, elevation: NDArray[np.float64], grid: Grid) -> None:
    whole = np.rint(elevation).astype(np.int16)
    write_cog(path, whole, grid, description="elevation", unit="m", nodata=-32768)


def _volcanoes(frame: AnalogueFrame) -> list[list[object]]:
    """Rows of the catalogue, the volcano in the centre first; numbers of no published range."""
    rows: list[list[object]] = []
    for order, (row, column) in enumerate(frame.ground.summits):
        longitude, latitude = frame.map.grid.longitude_latitude(row, column)
        height = frame.ground.elevation[round(row), round(column)]
        number = 910_000 + 10 * frame.place.index + order
        name = f"Cerro {frame.place.index:02d}-{order}"
        position = (round(float(latitude), 5), round(float(longitude), 5))
        rows.append([number, name, *position, round(float(height)), frame.place.name])
    return rows
