"""Sources: symmetry, limits, identities, edges, and what they refuse."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import bradyseism
from bradyseism.physics.dislocation import UPRIGHT
from bradyseism.physics.ellipsoid import PointEllipsoid
from bradyseism.physics.half_space import BuriedSource
from bradyseism.physics.okada import Okada
from bradyseism.physics.penny import PennyCrack
from bradyseism.physics.pipe import Pipe
from bradyseism.physics.sources import CDM, Mogi, PointCDM, Sources
from bradyseism.physics.sphere import McTigue
from bradyseism.physics.spheroid import Yang

GRID = np.meshgrid(np.linspace(-15e3, 15e3, 33), np.linspace(-15e3, 15e3, 31))
RECORDS = {
    "cdm": CDM(
        0.0, 0.0, 4e3, semi_axes=(900.0, 1300.0, 700.0), opening=1.0, rotations=(9, -20, 35)
    ),
    "point": PointCDM(0.0, 0.0, 4e3, potencies=(3e6, 1e6, 2e6), rotations=(9, -20, 35)),
    "mogi": Mogi(0.0, 0.0, 4e3, 1e6),
    "sphere": McTigue(0.0, 0.0, 4e3, radius=1500.0, pressure_ratio=1e-3),
    "okada": Okada(
        0.0, 0.0, 4e3, length=3e3, width=2e3, strike=20.0, dip=60.0, opening=1.0, dip_slip=0.2
    ),
    "pipe": Pipe(0.0, 0.0, 4e3, length=3e3, radius=100.0, pressure_ratio=1e-3),
    "ellipsoid": PointEllipsoid(
        0.0, 0.0, 4e3, semi_axes=(900.0, 1300.0, 700.0), pressure_ratio=1e-3, rotations=(9, -20, 35)
    ),
    "yang": Yang(
        0.0, 0.0, 4e3, semi_major=1500.0, semi_minor=700.0, pressure_ratio=1e-3, plunge=60.0
    ),
    "penny": PennyCrack(0.0, 0.0, 4e3, radius=3e3, pressure_ratio=1e-3),
}

RELIEF = 900.0 * np.exp(-(GRID[0] ** 2 + (GRID[1] - 2e3) ** 2) / 5e3**2) - 150.0


def upright(**changes):
    arguments = {"semi_axes": (900.0, 1300.0, 700.0), "opening": 1.0, "rotations": (0.0, 0.0, 0.0)}
    return CDM(0.0, 0.0, 4e3, **(arguments | changes))


def close(moved, expected, share=1e-12):
    assert_allclose(moved, expected, rtol=0, atol=share * np.abs(expected).max())


@pytest.fixture(params=RECORDS.values(), ids=RECORDS.keys())
def source(request):
    return request.param


def test_every_record_is_a_public_name_and_tested_here():
    kinds = BuriedSource.__subclasses__()
    assert {type(record) for record in RECORDS.values()} == set(kinds)
    assert all(getattr(bradyseism, kind.__name__) is kind for kind in (*kinds, Sources))
    assert {kind.__name__ for kind in kinds} <= set(bradyseism.__all__)


class TestSymmetry:
    def test_mirror_planes_of_an_upright_cdm(self):
        easting, northing = GRID
        east, north, up = upright().displacement(easting, northing)
        for flipped, signs in (
            ((-easting, northing), (-1, 1, 1)),
            ((easting, -northing), (1, -1, 1)),
        ):
            close(upright().displacement(*flipped), np.stack([east, north, up]) * _column(signs))

    def test_turning_the_source_turns_the_field(self):
        easting, northing = GRID
        angle = math.radians(37.0)
        cosine, sine = math.cos(angle), math.sin(angle)
        fixed = upright(rotations=(12.0, -25.0, 0.0)).displacement(
            cosine * easting - sine * northing, sine * easting + cosine * northing
        )
        # Clockwise by 37 degrees: east goes towards south.
        expected = np.stack(
            [cosine * fixed[0] + sine * fixed[1], cosine * fixed[1] - sine * fixed[0], fixed[2]]
        )
        close(upright(rotations=(12.0, -25.0, 37.0)).displacement(easting, northing), expected)

    @pytest.mark.parametrize(
        ("rotations", "order"),
        [
            ((90.0, 0.0, 0.0), (0, 2, 1)),
            ((0.0, 90.0, 0.0), (2, 1, 0)),
            ((0.0, 0.0, 90.0), (1, 0, 2)),
        ],
    )
    def test_a_quarter_turn_exchanges_two_axes(self, rotations, order):
        lengths = (900.0, 1300.0, 700.0)
        exchanged = upright(semi_axes=tuple(lengths[axis] for axis in order))
        close(upright(rotations=rotations).displacement(*GRID), exchanged.displacement(*GRID))

    def test_half_turns_change_nothing(self):
        turned = upright(rotations=(180.0, 360.0, -180.0))
        close(turned.displacement(*GRID), upright().displacement(*GRID))

    def test_mogi_is_the_same_all_around(self):
        angles = np.linspace(0.0, 2 * np.pi, 24)
        moved = RECORDS["mogi"].displacement(3e3 * np.cos(angles), 3e3 * np.sin(angles))
        outward = moved[0] * np.cos(angles) + moved[1] * np.sin(angles)
        assert_allclose(outward, outward[0], rtol=1e-13)
        assert_allclose(moved[2] / outward, 4e3 / 3e3, rtol=1e-13)

    def test_moving_the_source_moves_the_field(self, source):
        easting, northing = GRID
        moved = dataclasses.replace(source, easting=500.0, northing=-250.0)
        close(
            moved.displacement(easting + 500.0, northing - 250.0),
            source.displacement(easting, northing),
        )


def _column(signs):
    return np.array(signs, dtype=float).reshape(3, 1, 1)


class TestPhysics:
    def test_inflation_lifts_the_ground_and_pushes_it_away(self, source):
        east, _, up = source.displacement([-6e3, 0.0, 6e3], [0.0, 0.0, 0.0])
        assert up[1] > 0
        assert east[0] < 0 < east[2]

    def test_sources_add(self):
        both = Sources((RECORDS["cdm"], RECORDS["mogi"])).displacement(*GRID)
        expected = RECORDS["cdm"].displacement(*GRID) + RECORDS["mogi"].displacement(*GRID)
        close(both, expected, 1e-15)
        assert not Sources(()).displacement(*GRID).any()

    def test_a_cdm_is_its_three_rectangles(self):
        x, y, z = 900.0, 1300.0, 700.0
        flat = [(0.0, y, z), (x, 0.0, z), (x, y, 0.0)]
        turned = (14.0, -33.0, 70.0)
        parts = Sources(tuple(upright(semi_axes=axes, rotations=turned) for axes in flat))
        close(upright(rotations=turned).displacement(*GRID), parts.displacement(*GRID), share=1e-14)

    def test_a_rectangle_is_its_quarters(self):
        """Edges inside a larger rectangle cancel, with tilted edges as with level ones."""
        whole = CDM.sill(0.0, 0.0, 5e3, length=4e3, width=3e3, opening=1.0, strike=90.0, dip=40.0)
        down = math.radians(40.0)
        quarters = Sources(
            tuple(
                CDM.sill(
                    along * 1e3,
                    -across * 750.0 * math.cos(down),
                    5e3 + across * 750.0 * math.sin(down),
                    length=2e3,
                    width=1.5e3,
                    opening=1.0,
                    strike=90.0,
                    dip=40.0,
                )
                for along in (-1, 1)
                for across in (-1, 1)
            )
        )
        close(whole.displacement(*GRID), quarters.displacement(*GRID))

    @pytest.mark.parametrize("poisson", [0.0, 0.25, 0.3, 0.5])
    def test_equal_potencies_are_a_mogi_source(self, poisson):
        mogi = Mogi(300.0, -200.0, 3e3, 2e6, poisson=poisson)
        third = mogi.potency / 3
        point = PointCDM(
            300.0, -200.0, 3e3, potencies=(third,) * 3, rotations=(31, -52, 77), poisson=poisson
        )
        close(point.displacement(*GRID), mogi.displacement(*GRID), share=1e-13)

    def test_potency_of_mogi(self):
        assert Mogi(0.0, 0.0, 1e3, 1.0, poisson=0.25).potency == pytest.approx(1.8)

    def test_volume_of_uplift_is_potency_share(self):
        """Uplift of a horizontal crack integrates to its potency, at any Poisson's ratio."""
        sill = CDM.sill(0.0, 0.0, 1e3, length=600.0, width=400.0, opening=1.0, poisson=0.1)
        # Substitution r = d tan(t) takes the plane to a square, rule of Gauss in both.
        nodes, weights = np.polynomial.legendre.leggauss(400)
        angle = nodes * np.pi / 2
        axis, share = 1e3 * np.tan(angle), weights * np.pi / 2 * 1e3 / np.cos(angle) ** 2
        up = sill.displacement(*np.meshgrid(axis, axis))[2]
        assert_allclose(share @ up @ share, sill.potency, rtol=2e-3)

    def test_far_field_decays_with_a_power_of_distance(self, source):
        # Of both sides, so that the next order, odd in the distance, drops out.
        near, far, *opposite = source.displacement([4e5, 8e5, -4e5, -8e5], np.zeros(4))[0]
        # The push of a level crack falls off by two powers more.
        power = 4 if isinstance(source, PennyCrack) else 2
        assert_allclose((near - opposite[0]) / (far - opposite[1]), 2.0**power, rtol=2e-3)

    def test_poisson_matters_only_off_a_horizontal_sill(self):
        for dip, same in ((0.0, True), (30.0, False)):
            fields = [
                CDM.sill(
                    0.0, 0.0, 4e3, length=2e3, width=1e3, opening=1.0, dip=dip, poisson=ratio
                ).displacement(*GRID)
                for ratio in (0.1, 0.4)
            ]
            assert np.allclose(*fields, rtol=0, atol=1e-12) is same


class TestNearVerticalEdges:
    """The closed form and the expansion for upright edges are one function."""

    @pytest.mark.parametrize("axis", [0, 1])
    def test_no_step_where_the_branches_meet(self, axis):
        tilt = math.degrees(math.asin(UPRIGHT))
        fields = []
        for step in (-1e-9, 1e-9):
            rotations = [0.0, 0.0, 20.0]
            rotations[axis] = tilt + step
            fields.append(upright(rotations=tuple(rotations)).displacement(*GRID))
        # The field itself changes by about 1e-10 over this step of tilt.
        close(fields[0], fields[1], share=1e-9)

    @pytest.mark.parametrize("tilt", [10.0**power for power in range(-14, 0)])
    def test_small_tilts_change_little(self, tilt):
        straight = upright().displacement(*GRID)
        leaning = upright(rotations=(tilt, -tilt, 0.0)).displacement(*GRID)
        assert_allclose(leaning, straight, rtol=0, atol=0.1 * math.radians(tilt) + 1e-14)

    def test_tilt_enters_linearly(self):
        """At these tilts published closed forms fail by a tenth to ten times the peak."""
        straight = upright().displacement(*GRID)
        one, ten = (
            upright(rotations=(tilt, 0.0, 0.0)).displacement(*GRID) - straight
            for tilt in (1e-4, 1e-3)
        )
        close(10 * one, ten, share=1e-4)


class TestEdges:
    def test_a_line_and_a_point_hold_nothing(self):
        for axes in ((500.0, 0.0, 0.0), (0.0, 0.0, 800.0), (0.0, 0.0, 0.0)):
            assert not upright(semi_axes=axes).displacement(*GRID).any()
            assert upright(semi_axes=axes).potency == 0

    @pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 3, 4), (0,)])
    def test_shapes(self, source, shape):
        assert source.displacement(np.ones(shape), np.zeros(shape)).shape == (3, *shape)

    def test_arrays_of_any_layout_and_type(self, source):
        easting, northing = GRID
        expected = source.displacement(easting, northing)
        close(source.displacement(easting.T, northing.T).swapaxes(1, 2), expected, 1e-15)
        exact = source.displacement(np.array([1000, 2000]), np.array([0, -500]))
        single = source.displacement(
            np.array([1000, 2000], np.float32), np.array([0, -500], np.float32)
        )
        np.testing.assert_array_equal(exact, single)
        assert single.dtype == np.float64

    def test_missing_points_stay_missing(self, source):
        moved = source.displacement([np.nan, 0.0, 0.0], [0.0, np.nan, 0.0])
        assert np.isnan(moved[:, :2]).all()
        assert np.isfinite(moved[:, 2]).all()

    def test_arguments_are_left_alone(self, source):
        easting, northing = (axis.copy() for axis in GRID)
        source.displacement(easting, northing)
        np.testing.assert_array_equal((easting, northing), GRID)

    def test_touching_the_surface_is_legal(self):
        dyke = CDM.dyke(0.0, 0.0, 1e3, length=2e3, height=2e3, opening=1.0)
        # On the line of its upper edge, beyond its ends.
        moved = dyke.displacement([0.0, 0.0], [1500.0, -1500.0])
        beside = dyke.displacement([1e-4, 1e-4], [1500.0, -1500.0])
        assert_allclose(moved, beside, rtol=0, atol=1e-6)

    def test_a_dyke_at_the_surface_opens_by_its_opening(self):
        dyke = CDM.dyke(0.0, 0.0, 1e3, length=2e3, height=2e3, opening=1.0)
        west, east = dyke.displacement([-1e-3, 1e-3], [0.0, 0.0])[0]
        assert_allclose(east - west, 1.0, rtol=1e-5)


class TestNamedShapes:
    def test_a_sill_dips_to_the_right_of_its_strike(self):
        sill = CDM.sill(0.0, 0.0, 3e3, length=1e3, width=3e3, opening=1.0, strike=0.0, dip=30.0)
        # Its shallow side is in the west, so its upper face looks up and east and lifts that side.
        west, east = sill.displacement([-2e3, 2e3], [0.0, 0.0])[2]
        assert east > west

    def test_a_dyke_pushes_across_its_strike(self):
        dyke = CDM.dyke(0.0, 0.0, 3e3, length=2e3, height=2e3, opening=1.0, strike=30.0)
        across = math.radians(120.0)
        moved = dyke.displacement(2e3 * math.sin(across), 2e3 * math.cos(across))
        assert moved[0] * math.sin(across) + moved[1] * math.cos(across) > 0
        assert abs(moved[0] * math.cos(across) - moved[1] * math.sin(across)) < 1e-15

    def test_a_pipe_goes_down_towards_its_trend(self):
        shape = {"radius": 10.0, "opening": 1.0, "plunge": 60.0, "trend": 30.0}
        whole = CDM.pipe(0.0, 0.0, 4e3, length=4e3, **shape)
        down, azimuth = math.radians(60.0), math.radians(30.0)
        pieces = Sources(
            tuple(
                CDM.pipe(
                    step * math.cos(down) * math.sin(azimuth),
                    step * math.cos(down) * math.cos(azimuth),
                    4e3 + step * math.sin(down),
                    length=1e3,
                    **shape,
                )
                for step in (-1500.0, -500.0, 500.0, 1500.0)
            )
        )
        # The pieces have three caps more than the whole, each of 1/400 of its potency.
        close(whole.displacement(*GRID), pieces.displacement(*GRID), share=0.05)

    def test_potency_is_area_times_opening(self):
        shape = {"length": 2e3, "opening": 0.5}
        assert CDM.sill(0, 0, 3e3, width=1e3, **shape).potency == pytest.approx(1e6)
        assert CDM.dyke(0, 0, 3e3, height=1e3, **shape).potency == pytest.approx(1e6)
        pipe = CDM.pipe(0, 0, 3e3, radius=100.0, **shape)
        assert pipe.potencies == pytest.approx((2e5, 2e5, 2e4))


class TestVaryingDepth:
    def test_a_level_plain_is_a_deeper_source(self, source):
        deeper = dataclasses.replace(source, depth=source.depth + 500.0)
        expected = deeper.displacement(*GRID)
        moved = source.displacement(*GRID, np.full_like(GRID[0], 500.0))
        assert_allclose(moved, expected, rtol=0, atol=1e-12 * np.abs(expected).max())

    def test_zero_elevation_is_a_flat_surface(self, source):
        np.testing.assert_array_equal(
            source.displacement(*GRID, np.zeros_like(GRID[0])), source.displacement(*GRID)
        )

    def test_every_point_counts_its_own_height(self, source):
        moved = source.displacement(*GRID, RELIEF)
        expected = np.abs(moved).max()
        for row, column in ((0, 0), (15, 16), (17, 13), (30, 32)):
            deeper = dataclasses.replace(source, depth=source.depth + RELIEF[row, column])
            alone = deeper.displacement(GRID[0][row, column], GRID[1][row, column])
            assert_allclose(moved[:, row, column], alone, rtol=0, atol=1e-12 * expected)

    def test_missing_heights_stay_missing(self, source):
        moved = source.displacement([0.0, 0.0], [0.0, 0.0], [np.nan, 100.0])
        assert np.isnan(moved[:, 0]).all()
        assert np.isfinite(moved[:, 1]).all()

    def test_ground_below_the_source_is_refused(self, source):
        with pytest.raises(
            ValueError, match=r"^elevation -5000 m is not above the top of the source, at depth"
        ):
            source.displacement([0.0, 1e3], [0.0, 0.0], [100.0, -5e3])

    def test_one_height_is_not_enough(self, source):
        with pytest.raises(ValueError, match=r"^elevation has shape \(\) and easting \(31, 33\)"):
            source.displacement(*GRID, 100.0)


class TestSuperposition:
    def test_plus_collects(self):
        one, two, three = list(RECORDS.values())[:3]
        assert one + two == Sources((one, two))
        assert one + two + three == one + (two + three) == Sources((one, two, three))
        assert sum([one, two], Sources(())) == Sources((one, two))

    def test_times_a_number_is_that_much_stronger(self, source):
        once = source.displacement(*GRID)
        close((-2.5 * source).displacement(*GRID), -2.5 * once, 1e-14)
        assert (source * 0.5).potency == pytest.approx(0.5 * source.potency)
        assert (source * 0.5).top == source.top
        both = 3.0 * (source + RECORDS["mogi"])
        close(both.displacement(*GRID), 3 * (once + RECORDS["mogi"].displacement(*GRID)))
        assert both.potency == pytest.approx(3 * (source.potency + RECORDS["mogi"].potency))

    def test_only_sources_add(self, source):
        with pytest.raises(TypeError, match="unsupported operand"):
            source + 1.0

    def test_displacements_add_with_topography(self, source):
        other = RECORDS["mogi"]
        expected = source.displacement(*GRID, RELIEF) + other.displacement(*GRID, RELIEF)
        moved = (source + other).displacement(*GRID, RELIEF)
        assert_allclose(moved, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


@settings(max_examples=60, deadline=None)
@given(
    rotations=st.tuples(*[st.floats(-180, 180)] * 3),
    axes=st.tuples(*[st.floats(1.0, 900.0)] * 3),
    poisson=st.floats(0.0, 0.5),
)
def test_any_small_source_is_nearly_its_point_source(rotations, axes, poisson):
    """Wherever the source points, no branch, spike or lost digit shows."""
    source = CDM(0.0, 0.0, 3e4, semi_axes=axes, opening=1.0, rotations=rotations, poisson=poisson)
    point = PointCDM(
        0.0, 0.0, 3e4, potencies=source.potencies, rotations=rotations, poisson=poisson
    )
    easting, northing = np.meshgrid(np.linspace(-6e4, 6e4, 13), np.linspace(-6e4, 6e4, 13))
    expected = point.displacement(easting, northing)
    # The share missing in the point source is of the order of (0.9 / 30)^2 of a source that does
    # not cancel itself; round-off is 1e-15 of the opening over an edge's squared sine, >= 0.01.
    scale = source.potency / (math.pi * 3e4**2)
    atol = 5e-3 * scale + 1e-12
    assert_allclose(source.displacement(easting, northing), expected, rtol=0, atol=atol)


class TestRefusals:
    @pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS.keys())
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"easting": math.nan}, r"^easting is nan: give a finite number"),
            ({"northing": math.inf}, r"^northing is inf"),
            ({"depth": math.nan}, r"^depth is nan"),
            ({"depth": -2000.0}, r"^depth -2000 m is negative.*positive down"),
            ({"poisson": 0.6}, r"^poisson 0\.6 is outside 0 to 0\.5"),
            ({"poisson": math.nan}, r"^poisson is nan: give a finite number"),
        ],
    )
    def test_place_and_rock(self, record, change, message):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(record, **change)

    @pytest.mark.parametrize("number", [math.nan, math.inf])
    def test_no_number_of_any_record_may_be_missing(self, source, number):
        for field in dataclasses.fields(source):
            value = getattr(source, field.name)
            if isinstance(value, tuple):
                bad, name = (value[0], number, value[2]), f"{field.name} y"
            else:
                bad, name = number, field.name
            with pytest.raises(ValueError, match=f"^{name} is {number:g}: give a finite number"):
                dataclasses.replace(source, **{field.name: bad})

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"semi_axes": (1.0, -5.0, 1.0)}, r"^semi-axis y -5 m is negative"),
            ({"semi_axes": (1.0, 5.0, math.nan)}, r"^semi_axes z is nan"),
            ({"semi_axes": (1.0, 5.0)}, r"^semi_axes has 2 numbers.*give three"),
            ({"rotations": (math.inf, 0.0, 0.0)}, r"^rotations x is inf"),
            ({"opening": math.nan}, r"^opening is nan"),
            (
                {"semi_axes": (300.0, 300.0, 4100.0)},
                r"above the surface: its highest vertex is at 100 m with .* depth 4000 m",
            ),
        ],
    )
    def test_cdm(self, change, message):
        with pytest.raises(ValueError, match=message):
            upright(**change)

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (
                lambda: PointCDM(0, 0, 1e3, potencies=(1e6, -1e6, 0.0)),
                r"differ in sign.*Sources",
            ),
            (lambda: PointCDM(0, 0, 1e3, potencies=(1e6, math.nan, 0.0)), r"^potencies y is nan"),
            (lambda: PointCDM(0, 0, 0, potencies=(1.0, 1.0, 1.0)), r"^depth 0 m puts a point"),
            (lambda: Mogi(0, 0, 0, 1e6), r"^depth 0 m puts a point source on the surface"),
            (lambda: Mogi(0, 0, 1e3, math.inf), r"^volume_change is inf"),
        ],
    )
    def test_points(self, source, message):
        with pytest.raises(ValueError, match=message):
            source()

    def test_unequal_shapes(self, source):
        with pytest.raises(
            ValueError, match=r"easting has shape \(3,\) and northing \(2,\).*meshgrid"
        ):
            source.displacement(np.zeros(3), np.zeros(2))
