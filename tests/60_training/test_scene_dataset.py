"""Scenes for torch: the same bits by index, whatever loads them."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch.utils.data import DataLoader

from bradyseism.scenes.synthesis import SceneSettings, random_scene
from bradyseism.training.scene_dataset import SceneDataset

SETTINGS = SceneSettings(shape=(24, 32), pixel_sizes=(400.0,))
SCENES = SceneDataset(7, 12, SETTINGS)


def test_items_are_the_scenes_of_the_seed():
    for index in range(6):
        scene, item = random_scene(7, index, SETTINGS), SCENES[index]
        assert_array_equal(item["velocity"].numpy(), scene.map.velocity)
        assert_array_equal(item["deformation"], scene.truth.deformation.astype(np.float32))
        assert_array_equal(item["nuisance"], scene.truth.nuisance_mask)
        assert_array_equal(item["look"], scene.map.look)
        assert bool(item["volcanic"]) == scene.truth.volcanic
        place = np.array([scene.truth.row, scene.truth.column], dtype=np.float32)
        assert_array_equal(item["centre"], place)
        assert float(item["pixel_size"]) == 400.0
        assert item["elevation"].shape == (24, 32)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_loader_gives_the_same_bits_in_batches(workers):
    context = "spawn" if workers else None
    loader = DataLoader(SCENES, batch_size=4, num_workers=workers, multiprocessing_context=context)
    batches = list(loader)
    assert [len(batch["volcanic"]) for batch in batches] == [4, 4, 4]
    loaded = torch.cat([batch["velocity"] for batch in batches])
    alone = torch.stack([SCENES[index]["velocity"] for index in range(12)])
    assert_array_equal(loaded, alone)


def test_it_ends_where_it_ends():
    assert len(SCENES) == 12
    assert len(list(SceneDataset(1, 3, SETTINGS))) == 3
    with pytest.raises(IndexError, match="index 12 is outside 0 to 11"):
        SCENES[12]
    with pytest.raises(ValueError, match="seed -1 and count 3: give a seed from 0"):
        SceneDataset(-1, 3)
