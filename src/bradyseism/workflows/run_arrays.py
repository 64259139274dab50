"""Maps, backgrounds and other arrays of a run, as ``.npz`` files that are whole or not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.maps.writers.atomic import atomic_path
from bradyseism.samples.labelled import LabelledMap
from bradyseism.samples.real import Background


def save_maps(path: Path, maps: Sequence[LabelledMap]) -> None:
    """Write labelled maps, whole or not at all."""
    arrays: dict[str, NDArray[Any]] = {}
    for number, each in enumerate(maps):
        for name in ("displacement", "peaks", "uncertain"):
            arrays[f"{name}_{number}"] = getattr(each, name)
    for name in ("name", "place", "counted", "rate", "years", "longitude", "latitude"):
        arrays[name] = np.array([getattr(each, name) for each in maps])
    save_arrays(path, arrays)


def load_maps(path: Path) -> list[LabelledMap]:
    """Read what `save_maps` wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return [
        LabelledMap(
            name=str(arrays["name"][k]),
            place=str(arrays["place"][k]),
            displacement=arrays[f"displacement_{k}"],
            peaks=arrays[f"peaks_{k}"],
            uncertain=arrays[f"uncertain_{k}"],
            counted=bool(arrays["counted"][k]),
            rate=float(arrays["rate"][k]),
            years=float(arrays["years"][k]),
            longitude=float(arrays["longitude"][k]),
            latitude=float(arrays["latitude"][k]),
        )
        for k in range(len(arrays["name"]))
    ]


def save_backgrounds(path: Path, backgrounds: Sequence[Background]) -> None:
    """Write backgrounds, whole or not at all."""
    unknown = np.full(3, np.nan)
    save_arrays(
        path,
        {
            "displacement": np.stack([b.displacement for b in backgrounds]),
            "look": np.stack([unknown if b.look is None else b.look for b in backgrounds]),
            "origin": np.array([b.origin for b in backgrounds]),
            "longitude": np.array([b.longitude for b in backgrounds]),
            "latitude": np.array([b.latitude for b in backgrounds]),
        },
    )


def load_backgrounds(path: Path) -> list[Background]:
    """Read what `save_backgrounds` wrote."""
    with np.load(path, allow_pickle=False) as file:
        a = {name: file[name] for name in file.files}
    return [
        Background(
            a["displacement"][k],
            None if np.isnan(a["look"][k]).any() else a["look"][k],
            str(a["origin"][k]),
            float(a["longitude"][k]),
            float(a["latitude"][k]),
        )
        for k in range(len(a["origin"]))
    ]


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as ``.npz``, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(arrays))
