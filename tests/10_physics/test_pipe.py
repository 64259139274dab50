"""Open and closed pipes: reference values, their line of point sources, limits, refusals."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.pipe import Pipe
from bradyseism.physics.sources import CDM, PointCDM, Sources

GRID = np.meshgrid(np.linspace(-9e3, 9e3, 21), np.linspace(-8e3, 9e3, 20))


def pipe(**changes):
    values = {"length": 2e3, "radius": 50.0, "pressure_ratio": 1e-3}
    return Pipe(0.0, 0.0, 3e3, **(values | changes))


@pytest.mark.parametrize(
    ("opened", "expected"),
    [(True, "expected_open_pipe"), (False, "expected_closed_pipe_nu025")],
    ids=["open", "closed"],
)
def test_pipe(pipe_case, agrees, opened, expected):
    if pipe_case[expected] is None:
        pytest.skip("the reference has the closed pipe at Poisson's ratio 0.25 only")
    p = pipe_case["params"]
    source = Pipe(
        p["x0"],
        p["y0"],
        (p["top_depth"] + p["bottom_depth"]) / 2,
        length=p["bottom_depth"] - p["top_depth"],
        radius=p["radius"],
        pressure_ratio=p["p_over_mu"],
        opened=opened,
        poisson=p["nu"],
    )
    agrees(source, pipe_case, expected)


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("poisson", [0.0, 0.3, 0.5])
def test_is_a_line_of_points(opened, poisson):
    source = pipe(opened=opened, poisson=poisson)
    across, along = source.densities
    # Gauss's rule converges far beyond the tolerance: the line is short beside its depth.
    nodes, weights = np.polynomial.legendre.leggauss(24)
    line = Sources(
        tuple(
            PointCDM(
                0.0,
                0.0,
                3e3 + 1e3 * node,
                potencies=(1e3 * w * across, 1e3 * w * across, 1e3 * w * along),
                poisson=poisson,
            )
            for node, w in zip(nodes, weights, strict=True)
        )
    )
    expected = line.displacement(*GRID)
    atol = 1e-13 * np.abs(expected).max()
    assert_allclose(source.displacement(*GRID), expected, rtol=0, atol=atol)


def test_a_long_thin_cdm_is_nearly_an_open_pipe():
    thin = CDM.pipe(0.0, 0.0, 3e3, length=2e3, radius=2.0, opening=1.0)
    # Potency per metre across each axis: twice the half-width times the opening.
    radius = math.sqrt(4.0 / (math.pi * 1e-3))
    expected = pipe(radius=radius, opened=True).displacement(*GRID)
    # The CDM has a cap besides, radius / length of the whole, which the axis sees most.
    moved = thin.displacement(*GRID)
    assert_allclose(moved, expected, rtol=0, atol=2e-2 * np.abs(expected).max())


def test_the_axis_is_the_limit_of_points_beside_it():
    moved = pipe().displacement([0.0, 1e-6], [0.0, 0.0])
    assert_allclose(moved[:2, 0], 0.0, atol=0)
    assert_allclose(moved[2, 1], moved[2, 0], rtol=1e-12)
    assert_allclose(moved[0, 1], 0.0, rtol=0, atol=1e-12)


def test_an_open_pipe_leaves_a_dip_above_it():
    assert pipe(opened=True).displacement(0.0, 0.0)[2] < 0
    assert pipe(opened=False).displacement(0.0, 0.0)[2] > 0


def test_potency():
    strength = math.pi * 50.0**2 * 1e-3 * 2e3
    assert pipe(opened=True).potency == pytest.approx(2.0 * strength)
    assert pipe().potency == pytest.approx(1.6 * strength)
    assert pipe().top == 2e3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": -1.0}, r"^length -1 m is not positive"),
        ({"radius": 0.0}, r"^radius 0 m is not positive"),
        ({"length": 6e3}, r"^depth 3000 m is not below the reach of the source, 3000 m"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        pipe(**change)
