"""Few points and splines see what all points see."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.half_space import BuriedSource
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import CDM, Mogi
from bradyseism.scenes.sampling import seen_smoothly
from bradyseism.scenes.scenery import Scenery

SCENERY = Scenery(np.zeros((96, 128)), 200.0, look_vector(-168.0, 39.0))
DEEP = Mogi(2e3, -3e3, 5e3, volume_change=1e6)
BODY = CDM(
    -1e3, 1e3, 8e3, semi_axes=(3e3, 1e3, 2e3), opening=1.0, rotations=(20.0, -10.0, 40.0)
)  # fmt: skip


@pytest.mark.parametrize("source", [DEEP, BODY], ids=lambda source: type(source).__name__)
def test_splines_are_right_to_a_ten_thousandth_of_the_peak(source: BuriedSource) -> None:
    exact = project(source.displacement(*SCENERY.axes()), SCENERY.look)
    assert_allclose(seen_smoothly(source, SCENERY), exact, atol=1e-4 * np.abs(exact).max())


def test_few_points_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    displacement = Mogi.displacement

    def count(self: Mogi, easting: np.ndarray, northing: np.ndarray) -> np.ndarray:
        asked.append(easting.size)
        return displacement(self, easting, northing)

    monkeypatch.setattr(Mogi, "displacement", count)
    seen_smoothly(DEEP, SCENERY)
    seen_smoothly(Mogi(0.0, 0.0, 500.0, volume_change=1e6), SCENERY)
    assert asked[0] < 0.2 * 96 * 128
    assert asked[1] == 96 * 128
