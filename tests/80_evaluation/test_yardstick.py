"""The bound is a matched filter that knows the noise, and d90 is read where it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.evaluation import yardstick
from bradyseism.evaluation.baselines import BASELINES
from bradyseism.evaluation.clairvoyant import REFERENCE, TurbulenceTest, YardstickSettings
from bradyseism.evaluation.injection import Best, score_map_method
from bradyseism.evaluation.injection_plan import (
    NOMINAL_LOOK,
    line_of_sight_width,
    sized_source,
)
from bradyseism.evaluation.resampling import place_weights
from bradyseism.evaluation.yardstick import BOUND, Cell, run_yardstick
from bradyseism.physics.sources import Mogi

SMALL = YardstickSettings(
    lengths=(3e3,),
    deviations=(1e-3,),
    widths=(6e3,),
    ratios=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    windows=60,
    sources=16,
    shapes=2,
    pixels=32,
    pixel_size=800.0,
    false_windows=0.05,
)

NOISE = "1 mm/yr, 3 km"


def cell(found, rates=(1e-3, 2e-3, 4e-3), wanted=0.9) -> Cell:
    return Cell("m", "ground", 5e3, np.array(rates), np.array(found, dtype=bool), wanted)


def found(*shares, count=10):
    return [[index < share * count for share in shares] for index in range(count)]


@pytest.fixture(scope="module")
def result():
    methods = {
        "boxcar": score_map_method(BASELINES["boxcar"]),
        "blind": lambda frame: Best(float(frame.velocity[0, 0]) * 0, 0.0, 0.0),
    }
    return run_yardstick(methods, SMALL, seed=3)


def test_d90_lies_between_the_rates_around_it():
    assert cell(found(0.0, 0.8, 1.0)).d90().estimate == pytest.approx(2e-3 * 2**0.5)
    assert cell(found(0.0, 0.9, 1.0)).d90().estimate == pytest.approx(2e-3)
    assert cell(found(1.0, 1.0, 1.0)).d90().estimate == 1e-3
    assert cell(found(0.0, 0.5, 0.8)).d90().estimate == np.inf


def test_d90_is_where_the_share_has_come_to_stay():
    falling = cell(found(1.0, 0.8, 1.0))
    assert falling.d90().estimate == pytest.approx(2e-3 * 2**0.5)
    assert falling.largest_fall == pytest.approx(0.2)
    assert cell(found(0.1, 0.5, 0.9)).largest_fall == 0.0


def test_interval_of_d90_holds_it_and_narrows_with_more_sources():
    few, many = (cell(found(0.0, 0.7, 1.0, count=count)).d90() for count in (10, 1000))
    for d90 in (few, many):
        assert d90.low <= d90.estimate <= d90.high
    assert few.high - few.low > 3 * (many.high - many.low)


def test_sources_of_one_place_do_not_narrow_the_interval():
    apart = cell(found(0.0, 0.7, 1.0, count=100))
    together = replace(apart, places=np.arange(100) // 10)
    lone, wide = apart.d90(), together.d90()
    assert wide.estimate == lone.estimate
    assert wide.high - wide.low > 2 * (lone.high - lone.low)


def test_counts_have_exact_intervals():
    counts = cell(found(0.0, 0.5, 1.0)).counts
    assert [number for number, _ in counts] == [0, 5, 10]
    assert counts[0][1].high == pytest.approx(1 - 0.025**0.1)
    assert counts[2][1].low == pytest.approx(0.025**0.1)


def test_noise_has_the_covariance_that_the_filter_knows():
    test = TurbulenceTest(SMALL, 3e3, 2e-3, seed=0)
    windows = np.array([test._window(test.noise(index)).velocity for index in range(400)])
    assert windows.std() == pytest.approx(2e-3, rel=0.03)
    for lag in (1, 4):
        covariance = np.mean(windows[:, :, lag:] * windows[:, :, :-lag])
        assert covariance == pytest.approx(4e-6 * np.exp(-lag * 800 / 3e3), rel=0.08)


def test_response_of_the_filter_is_the_signal_to_noise_ratio():
    test = TurbulenceTest(SMALL, 3e3, 2e-3, seed=0)
    template = np.fft.rfft2(next(test.templates(6e3)))
    auto = test._response(template, template)
    assert np.unravel_index(auto.argmax(), auto.shape) == (0, 0)
    norm = np.sqrt(auto[0, 0])
    seen = [test._response(template, test.noise(index))[5, 9] / norm for index in range(500)]
    assert np.std(seen) == pytest.approx(1.0, abs=0.08)
    # A plain correlation with the template is a linear filter, too, and tells less.
    shape = np.fft.irfft2(template)
    clutter = np.sum(shape * np.fft.irfft2(template * test.power))
    assert norm > 1.05 * np.sum(shape**2) / np.sqrt(clutter)


def test_templates_have_the_width_wanted_and_their_peak_at_the_origin():
    test = TurbulenceTest(SMALL, 3e3, 1e-3, seed=0)
    for template in test.templates(6e3):
        assert template.max() == pytest.approx(1.0, abs=0.05)
        width = 2 * np.sqrt(800.0**2 * np.sum(template > 0.5) / np.pi)
        assert width == pytest.approx(6e3, rel=0.2)


def test_the_reference_cell_holds_point_sources_4_km_deep_of_the_right_width():
    (template,) = TurbulenceTest(REFERENCE, 5e3, 0.5e-3, seed=0).templates(REFERENCE.widths[0])
    source = sized_source(REFERENCE.widths[0], NOMINAL_LOOK, REFERENCE.prior, seed=7)
    assert isinstance(source, Mogi)
    assert source.depth == pytest.approx(4e3, rel=1e-6)
    width = 2 * np.sqrt(REFERENCE.pixel_size**2 * np.sum(template > 0.5) / np.pi)
    assert width == pytest.approx(REFERENCE.widths[0], rel=0.05)
    # Seen from above it would be 2 sqrt(2^(2/3) - 1) times as wide as deep.
    above, _, _ = line_of_sight_width(source, np.array([0.0, 0.0, 1.0]))
    assert above == pytest.approx(2 * 4e3 * np.sqrt(2 ** (2 / 3) - 1), rel=0.02)


def test_nobody_passes_the_bound(result):
    bound, boxcar = (result.cell(name, NOISE, 6e3) for name in (BOUND, "boxcar"))
    assert bound.d90().estimate < boxcar.d90().estimate < np.inf
    assert bound.largest_fall == 0.0
    assert result.cell("blind", NOISE, 6e3).d90().estimate == np.inf


def test_the_bound_scales_with_the_noise(result):
    louder = run_yardstick({}, replace(SMALL, deviations=(7e-3,)), seed=3)
    assert_array_equal(louder.cells[0].found, result.cell(BOUND, NOISE, 6e3).found)
    assert_allclose(louder.cells[0].rates, 7 * result.cells[0].rates)


def test_tables_for_people_and_machines(result):
    text = result.as_markdown().splitlines()
    assert text[0] == "| background | method | false windows | 6 km |"
    assert [line.split(" | ")[1] for line in text[2:5]] == [BOUND, "boxcar", "blind"]
    assert text[2].startswith("| 1 mm/yr, 3 km | bound | 3/60 | ")
    assert "over 32 |" in text[4]
    cells = result.as_json()["cells"]
    assert cells[0]["over_bound"] == 1.0
    assert cells[1]["over_bound"] > 1.0
    assert cells[2]["d90_mm_per_year"] is None


def test_a_bound_under_the_lowest_rate_makes_ratios_least_ones(result):
    bound, boxcar, _ = result.cells
    always = replace(bound, found=np.ones_like(bound.found))
    lines = replace(result, cells=(always, boxcar)).as_markdown().splitlines()
    assert lines[2].endswith("| 0.5 or less |")
    assert ", at least " in lines[3]
    assert ", at least " not in result.as_markdown()
    assert [one["d90_at_most"] for one in result.as_json()["cells"]] == [False] * 3


def test_the_estimate_alone_needs_no_resamples(result, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        yardstick, "place_weights", lambda *given: drawn.append(1) or place_weights(*given)
    )
    estimates = [one.rate for one in result.cells]
    assert drawn == []
    assert [one.d90().estimate for one in result.cells] == estimates
    assert len(drawn) == len(estimates)
    result.as_json()
    assert len(drawn) == 2 * len(estimates)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": ()}, r"widths \(\) are not all positive"),
        ({"lengths": (-1.0,)}, r"lengths \(-1.0,\) are not all positive"),
        ({"ratios": (2.0, 1.0)}, "ratios .* do not rise"),
        ({"real_rates": (1e-3, 1e-3)}, "real_rates .* do not rise"),
        ({"found": 1.0}, "found 1 is outside 0-1"),
        ({"windows": 10}, "windows 10 are too few to flag 5.00%.*give 20 or more"),
        ({"shapes": 17}, "shapes 17 is outside 1 to sources 16"),
    ],
)
def test_settings_outside_their_range(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)


def test_unknown_cell(result):
    with pytest.raises(KeyError, match="no cell of boxcar on 1 mm/yr, 3 km at 1000 m"):
        result.cell("boxcar", NOISE, 1e3)
