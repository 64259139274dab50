"""Random scenes as a map-style dataset of torch: any loader, any number of workers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from bradyseism.scenes.synthesis import SceneSettings, random_scene


class SceneDataset(Dataset[dict[str, Tensor]]):
    """Scenes of one seed with their truth, simulated when they are asked for.

    Nothing is stored: scene `index` is always the same bits, in any process and order. An item is a
    dict of tensors, which the default collation stacks:

    - `velocity` float32 (rows, columns): LOS velocity in m/yr, positive toward the satellite, NaN
      missing;
    - `deformation` float32 (rows, columns): that of the sources alone, everywhere;
    - `nuisance` bool (rows, columns): where a nuisance is present;
    - `volcanic` float32 (): 1 with a source, else 0;
    - `centre` float32 (2,): row and column of the source, NaN without one;
    - `look` float32 (3,): east, north, up, from the ground to the satellite;
    - `elevation` float32 (rows, columns): relief in m;
    - `pixel_size` float32 (): in m.

    Parameters
    ----------
    seed : int
        Seed of the series, not negative.
    count : int
        Number of scenes, at least 1.
    settings : SceneSettings, optional
        What the scenes may hold; default the windows of the shipped detector's training.

    Raises
    ------
    ValueError
        If the seed is negative or the count below 1.

    Examples
    --------
    >>> scenes = SceneDataset(seed=7, count=1000)
    >>> scenes[0]["velocity"].shape, len(scenes)
    (torch.Size([64, 64]), 1000)
    """

    def __init__(self, seed: int, count: int, settings: SceneSettings | None = None) -> None:
        if seed < 0 or count < 1:
            raise ValueError(f"seed {seed} and count {count}: give a seed from 0, a count from 1")
        self._seed = seed
        self._count = count
        self._settings = settings or SceneSettings()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < self._count:
            raise IndexError(f"index {index} is outside 0 to {self._count - 1}")
        scene = random_scene(self._seed, index, self._settings)
        truth, ground = scene.truth, scene.scenery
        numbers = {
            "velocity": scene.map.velocity,
            "deformation": truth.deformation,
            "volcanic": float(truth.volcanic),
            "centre": (truth.row, truth.column),
            "look": ground.look,
            "elevation": ground.elevation,
            "pixel_size": ground.pixel_size,
        }
        item = {name: torch.from_numpy(np.array(v, np.float32)) for name, v in numbers.items()}
        return item | {"nuisance": torch.from_numpy(truth.nuisance_mask.copy())}
