"""Okada's rectangle: reference values, opening, slip, limits, identities, refusals."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bradyseism.physics.okada import Okada
from bradyseism.physics.sources import CDM, Sources

GRID = np.meshgrid(np.linspace(-15e3, 15e3, 25), np.linspace(-15e3, 15e3, 24))
MOTIONS = ("opening", "strike_slip", "dip_slip")


def fault(**changes):
    values = {"length": 4e3, "width": 3e3, "strike": 30.0, "dip": 50.0}
    return Okada(0.0, 0.0, 4e3, **(values | changes))


def close(moved, expected, share=1e-12):
    assert_allclose(moved, expected, rtol=0, atol=share * np.abs(expected).max())


def test_okada(okada_case, agrees):
    p = okada_case["params"]
    rake = math.radians(p["rake"])
    source = Okada(
        p["x0"],
        p["y0"],
        p["depth"],
        length=p["length"],
        width=p["width"],
        strike=p["strike"],
        dip=p["dip"],
        opening=p["opening"],
        strike_slip=p["slip"] * math.cos(rake),
        dip_slip=p["slip"] * math.sin(rake),
        poisson=p["nu"],
    )
    agrees(source, okada_case)


def test_table_2_of_the_paper(okada_table):
    """Origin below the end of the lower edge, x along strike, y to its left (the up-dip side)."""
    row = okada_table
    # Case 1 is a point of unit potency at the origin: here a small square that moves much.
    finite = "length" in row
    length, width = (row["length"], row["width"]) if finite else (1e-3, 1e-3)
    # A dip of -90 goes down from the origin, and its positive side is the left one.
    turned, dip = row["dip"] < 0, math.radians(row["dip"])
    name = {"strike": "strike_slip", "dip": "dip_slip", "tensile": "opening"}[row["component"]]
    motion = (-1.0 if turned and name != "opening" else 1.0) / (1.0 if finite else 1e-6)
    along, up_dip = (length / 2, width / 2) if finite else (0.0, 0.0)
    source = Okada(
        -up_dip * math.cos(dip),
        along,
        row["depth"] - up_dip * math.sin(dip),
        length=length,
        width=width,
        strike=180.0 if turned else 0.0,
        dip=abs(row["dip"]),
        poisson=row["nu"],
        **{name: motion},
    )
    east, north, up = source.displacement(-float(row["y"]), float(row["x"]))
    exact = [row["dc3d_full_precision"][axis] for axis in ("ux", "uy", "uz")]
    # The square is a point to (1e-3 / 4)^2; its motion of 1e6 m costs six digits.
    assert_allclose([north, -east, up], exact, rtol=0, atol=1e-14 if finite else 1e-9)
    if row["published_4_digits"]:
        published = [row["published_4_digits"][axis] for axis in ("ux", "uy", "uz")]
        assert_allclose([north, -east, up], published, rtol=6e-4, atol=1e-9)


@pytest.mark.parametrize("dip", [0.0, 1e-4, 30.0, 84.0, 85.0, 89.999, 90.0])
def test_opening_is_the_flat_cdm(dip):
    shape = {"length": 4e3, "strike": 130.0, "dip": dip, "opening": 0.7, "poisson": 0.3}
    expected = CDM.sill(200.0, -300.0, 4e3, width=3e3, **shape).displacement(*GRID)
    close(Okada(200.0, -300.0, 4e3, width=3e3, **shape).displacement(*GRID), expected)


@pytest.mark.parametrize("motion", MOTIONS)
class TestEveryMotion:
    def test_linear_and_odd(self, motion):
        once = fault(**{motion: 1.0}).displacement(*GRID)
        close(fault(**{motion: -2.5}).displacement(*GRID), -2.5 * once, share=1e-14)

    def test_adds_to_the_others(self, motion):
        values = {"opening": 0.4, "strike_slip": -1.0, "dip_slip": 0.7}
        rest = dict(values)
        single = {motion: rest.pop(motion)}
        parts = fault(**single) + fault(**rest)
        close(fault(**values).displacement(*GRID), parts.displacement(*GRID), share=1e-13)

    def test_a_rectangle_is_its_quarters(self, motion):
        whole = Okada(0, 0, 4e3, length=4e3, width=3e3, strike=90, dip=40, **{motion: 1.0})
        down = math.radians(40.0)
        quarters = Sources(
            tuple(
                Okada(
                    along * 1e3,
                    -across * 750.0 * math.cos(down),
                    4e3 + across * 750.0 * math.sin(down),
                    length=2e3,
                    width=1.5e3,
                    strike=90.0,
                    dip=40.0,
                    **{motion: 1.0},
                )
                for along in (-1, 1)
                for across in (-1, 1)
            )
        )
        close(whole.displacement(*GRID), quarters.displacement(*GRID))

    def test_turning_the_strike_turns_the_field(self, motion):
        easting, northing = GRID
        angle = math.radians(37.0)
        cosine, sine = math.cos(angle), math.sin(angle)
        fixed = fault(strike=10.0, **{motion: 1.0}).displacement(
            cosine * easting - sine * northing, sine * easting + cosine * northing
        )
        expected = np.stack(
            [cosine * fixed[0] + sine * fixed[1], cosine * fixed[1] - sine * fixed[0], fixed[2]]
        )
        close(fault(strike=47.0, **{motion: 1.0}).displacement(easting, northing), expected)

    def test_no_step_where_the_branches_meet(self, motion):
        """The dip edges pass from the closed form to the expansion for upright ones."""
        limit = math.degrees(math.acos(0.1))
        fields = [
            fault(dip=limit + step, **{motion: 1.0}).displacement(*GRID) for step in (-1e-9, 1e-9)
        ]
        close(fields[0], fields[1], share=1e-9)

    def test_no_spike_on_the_projection_of_an_edge(self, motion):
        axis = (np.arange(64) - 32) * 250.0
        easting, northing = np.meshgrid(axis, axis)
        source = fault(strike=45.0, dip=0.0, **{motion: 1.0})
        beside = source.displacement(easting + 1e-3, northing + 0.7e-3)
        close(source.displacement(easting, northing), beside, share=3e-6)

    def test_two_sides_of_a_vertical_fault_are_one_fault(self, motion):
        """Half a turn of strike exchanges the sides; only dip slip has then the other sense."""
        sign = -1.0 if motion == "dip_slip" else 1.0
        one = fault(dip=90.0, **{motion: 1.0}).displacement(*GRID)
        other = fault(dip=90.0, strike=210.0, **{motion: sign}).displacement(*GRID)
        close(other, one)


class TestSense:
    def test_the_far_side_of_a_left_lateral_fault_moves_left(self):
        south_north = fault(strike=0.0, dip=90.0, strike_slip=1.0)
        # Seen from the west, the eastern side goes to the left: north.
        west, east = south_north.displacement([-2e3, 2e3], [0.0, 0.0])[1]
        assert east > 0 > west
        assert_allclose(east, -west, rtol=1e-12)

    def test_a_thrust_lifts_its_upper_side_over_the_lower(self):
        down = math.radians(30.0)
        thrust = Okada(
            1e3 * math.cos(down), 0, 1e3 * math.sin(down), length=2e4, width=2e3, strike=0, dip=30,
            dip_slip=1.0,
        )  # fmt: skip
        west, east = thrust.displacement([-1e-3, 1e-3], [0.0, 0.0]).T
        # It dips to the east, so the eastern side is the upper one: up and to the west.
        assert_allclose(east - west, [-math.cos(down), 0.0, math.sin(down)], rtol=0, atol=1e-5)

    def test_a_fault_at_the_surface_slips_by_its_slip(self):
        cut = Okada(0, 0, 1e3, length=2e4, width=2e3, strike=0, dip=90, strike_slip=1.0)
        west, east = cut.displacement([-1e-3, 1e-3], [0.0, 0.0])[1]
        assert_allclose(east - west, 1.0, rtol=1e-5)

    def test_a_long_fault_is_a_screw_dislocation(self):
        """Two-dimensional strike slip: (atan(x / top) - atan(x / bottom)) / pi."""
        x = np.linspace(-2e4, 2e4, 41)
        long = Okada(0, 0, 6e3, length=4e6, width=8e3, strike=0, dip=90, strike_slip=1.0)
        expected = (np.arctan(x / 2e3) - np.arctan(x / 1e4)) / np.pi
        # A fault 200 times longer than the profile lacks the square of that.
        assert_allclose(long.displacement(x, np.zeros(41))[1], expected, rtol=0, atol=1e-4)

    def test_potencies(self):
        source = fault(opening=0.5, strike_slip=3.0, dip_slip=-4.0)
        assert source.potency == pytest.approx(6e6)
        assert source.slip_potency == pytest.approx(6e7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 0.0}, r"^length 0 m is not positive"),
        ({"width": -3.0}, r"^width -3 m is not positive"),
        ({"dip": 120.0}, r"^dip 120 deg is outside 0 to 90.*turn the strike by 180"),
        (
            {"width": 9e3, "dip": 90.0},
            r"above the surface: its upper edge is at 500 m with .* 4000 m",
        ),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        fault(**change)
