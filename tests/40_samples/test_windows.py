"""Windows of the shipped detector: by index, in files, with the place of the source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bradyseism.samples.windows import Samples, WindowSet, generate, place_cell
from bradyseism.scenes.synthesis import SceneSettings, twin_scenes


def test_a_chunk_is_the_same_alone_and_among_others() -> None:
    windows = WindowSet(3, 12)
    whole, part = windows.chunk(0, 12), windows.chunk(5, 7)
    assert_array_equal(whole.images[5:7], part.images)
    assert_array_equal(whole.labels[5:7], part.labels)


def test_labels_and_places_follow_the_truth() -> None:
    samples = WindowSet(3, 30).chunk(0, 30)
    truths = [scene.truth for index in range(15) for scene in twin_scenes(3, index)]
    assert not samples.labels[::2].any()
    for index, truth in enumerate(truths):
        assert samples.labels[index] == truth.volcanic
        expected = place_cell(truth.row, truth.column, 64) if truth.volcanic else -1
        assert samples.places[index] == expected


@pytest.mark.parametrize(
    ("row", "column", "cell"), [(0, 0, 0), (7.4, 0, 0), (7.6, 0, 8), (0, 8, 1), (63, 63, 63)]
)
def test_cells_are_row_major_with_borders_between_pixels(row, column, cell: int) -> None:
    assert place_cell(row, column, 64) == cell


def test_generation_goes_on_where_it_stopped(tmp_path: Path) -> None:
    windows = WindowSet(9, 10)
    seen: list[tuple[int, int]] = []
    first = generate(
        windows,
        tmp_path,
        processes=1,
        chunk=4,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (3, 3)
    kept = sorted(tmp_path.iterdir())
    kept[1].unlink()
    untouched = kept[0].stat().st_mtime_ns
    again = generate(windows, tmp_path, processes=1, chunk=4)
    assert_array_equal(first.images, again.images)
    assert kept[0].stat().st_mtime_ns == untouched


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"scenes of \(32, 32\) px do not fit"):
        WindowSet(0, 1, scenes=SceneSettings(shape=(32, 32)))
    with pytest.raises(ValueError, match="2 images, 1 labels"):
        Samples(np.zeros((2, 3, 8, 8)), np.zeros(1, np.float32), np.zeros(2, np.int64))
