"""Sources against published reference implementations and quadrature."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import CDM, Mogi, PointCDM


def cdm_of(p):
    return CDM(
        p["x0"],
        p["y0"],
        p["depth"],
        semi_axes=(p["ax"], p["ay"], p["az"]),
        opening=p["opening"],
        rotations=(p["omega_x"], p["omega_y"], p["omega_z"]),
        poisson=p["nu"],
    )


def points_of(case):
    return np.array(case["x"], dtype=float), np.array(case["y"], dtype=float)


def expected_of(case):
    return np.array([case["expected"][name] for name in ("ue", "un", "uv")])


def test_cdm(cdm_case):
    # Near-degenerate tilts carry no tolerance, as closed forms fail there; ours has to hold it too.
    tolerance = cdm_case["suggested_tolerance_abs"] or 1e-9 * cdm_case["peak_abs"]
    moved = cdm_of(cdm_case["params"]).displacement(*points_of(cdm_case))
    assert_allclose(moved, expected_of(cdm_case), rtol=0, atol=tolerance)


def test_cdm_potency(cdm_case):
    # To a rounding of the products.
    assert_allclose(cdm_of(cdm_case["params"]).potency, cdm_case["potency"], rtol=1e-14)


def test_cdm_far_away_relative_to_its_own_size(cdm_case):
    # At 100 depths the field is 1e-7 of the peak; the published code keeps 1e-7 of it.
    far = np.array(cdm_case["kind"]) == "far_100_depths"
    moved = cdm_of(cdm_case["params"]).displacement(*points_of(cdm_case))[:, far]
    expected = expected_of(cdm_case)[:, far]
    assert_allclose(moved, expected, rtol=0, atol=1e-7 * np.abs(expected).max(initial=0.0))


def test_breach(breach_case):
    if breach_case["breach"]:
        with pytest.raises(ValueError, match=r"above the surface"):
            cdm_of(breach_case["params"])
        return
    moved = cdm_of(breach_case["params"]).displacement(*breach_case["point"])
    # Two zero axes leave no rectangle: the author's code answers NaN, its port and ours zero.
    expected = np.nan_to_num(np.array(breach_case["u"], dtype=float))
    assert_allclose(moved, expected, rtol=0, atol=1e-12)


def test_mogi(mogi_case):
    p = mogi_case["params"]
    source = Mogi(p["x0"], p["y0"], p["depth"], p["dv"], poisson=p["nu"])
    moved = source.displacement(*points_of(mogi_case))
    tolerance = mogi_case["suggested_tolerance_abs"]
    assert_allclose(moved, expected_of(mogi_case), rtol=0, atol=tolerance)


def test_point_cdm(pcdm_case):
    p = pcdm_case["params"]
    source = PointCDM(
        p["x0"],
        p["y0"],
        p["depth"],
        potencies=(p["dvx"], p["dvy"], p["dvz"]),
        rotations=(p["omega_x"], p["omega_y"], p["omega_z"]),
        poisson=p["nu"],
    )
    moved = source.displacement(*points_of(pcdm_case))
    tolerance = pcdm_case["suggested_tolerance_abs"]
    assert_allclose(moved, expected_of(pcdm_case), rtol=0, atol=tolerance)
    assert_allclose(source.potency, pcdm_case["total_potency"], rtol=1e-14)


def test_flat_sources_are_okada_rectangles(okada_case):
    p = okada_case["params"]
    if p["slip"] != 0:
        pytest.skip("a source that slips is no opening source")
    place = (p["x0"], p["y0"], p["depth"])
    shape = {"length": p["length"], "opening": p["opening"], "poisson": p["nu"]}
    shape |= {"strike": p["strike"], "dip": p["dip"]}
    tolerance = okada_case["suggested_tolerance_abs"]
    for source in (
        CDM.sill(*place, width=p["width"], **shape),
        CDM.dyke(*place, height=p["width"], **shape),
    ):
        moved = source.displacement(*points_of(okada_case))
        assert_allclose(moved, expected_of(okada_case), rtol=0, atol=tolerance)


def test_axes_of_flat_cdms(okada_identity):
    p = okada_identity["okada"]
    named = CDM.sill(
        p["x0"],
        p["y0"],
        p["depth"],
        length=p["length"],
        width=p["width"],
        opening=p["opening"],
        strike=p["strike"],
        dip=p["dip"],
        poisson=p["nu"],
    )
    easting, northing = np.meshgrid(np.linspace(-2e4, 2e4, 31), np.linspace(-2e4, 2e4, 29))
    expected = named.displacement(easting, northing)
    moved = cdm_of(okada_identity["cdm"]).displacement(easting, northing)
    assert_allclose(moved, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_no_spikes_on_grids(spike_case):
    """Pixels that fall on the projection of an edge agree with pixels a millimetre beside it."""
    source = cdm_of(spike_case["params"])
    axis = (np.arange(256) - 128) * 200.0
    easting, northing = np.meshgrid(axis, axis)
    moved = source.displacement(easting, northing)
    beside = source.displacement(easting + 1e-3, northing + 0.7e-3)
    # A millimetre over a depth of kilometres changes the field by 1e-6 of its peak.
    assert_allclose(moved, beside, rtol=0, atol=3e-6 * np.abs(moved).max())


def test_converges_to_the_point_source(golden):
    rows = golden("limits")["cdm_to_pcdm_far_field"]["rows"]
    easting, northing = np.meshgrid(np.linspace(-2e4, 2e4, 41), np.linspace(-2e4, 2e4, 41))
    misfits = []
    for row in rows:
        finite = cdm_of(row["cdm"])
        point = PointCDM(
            finite.easting,
            finite.northing,
            finite.depth,
            potencies=finite.potencies,
            rotations=finite.rotations,
        ).displacement(easting, northing)
        misfit = np.abs(finite.displacement(easting, northing) - point).max()
        misfits.append(misfit / np.abs(point).max())
    # Half the size, a quarter of the misfit.
    assert_allclose(np.divide(misfits[:-1], misfits[1:]), 4.0, rtol=0.03)
    # The table's points were others; the size of the misfit is the same.
    assert_allclose(misfits, [row["max_diff_over_peak"] for row in rows], rtol=0.5)


def test_line_of_sight(los_case):
    look = look_vector(los_case["heading_deg"], los_case["incidence_deg"])
    assert_allclose(look, [los_case[name] for name in "ENU"], rtol=0, atol=1e-14)


def test_projected_cdm(golden):
    sources = {case["id"]: case for case in golden("cdm")["cases"]}
    for row in golden("los")["projected_cdm"]:
        case = sources[row["cdm_case"]]
        moved = cdm_of(case["params"]).displacement(*points_of(case))
        seen = project(moved, look_vector(row["heading_deg"], row["incidence_deg"]))
        assert_allclose(seen, row["d_los"], rtol=0, atol=1e-9 * case["peak_abs"])
