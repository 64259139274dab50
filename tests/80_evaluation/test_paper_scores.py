"""Rows, curves and claims of the paper's experiment against closed forms and the printed tables."""

from __future__ import annotations

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bradyseism.evaluation import claims
from bradyseism.evaluation.patch_scores import (
    MEASURES,
    PatchScores,
    Statistics,
    auc_difference,
    statistics_of,
)
from bradyseism.evaluation.published import APPROACHES, PUBLISHED, SETS
from bradyseism.evaluation.resampling import place_weights
from bradyseism.evaluation.roc import RocCurves
from bradyseism.evaluation.scores import confusion, roc_auc
from bradyseism.evaluation.sensitivity import sensitivity
from bradyseism.workflows.run_folder import MODELS, SYNTHETIC

# As printed in tables 1 and 2: TPR, FPR, AUC, accuracy, precision, F1 in percent, volcanoes.
PRINTED = {
    "synthetic": (100.0, 99.052, 55.45, 19.097, 18.466, 31.175, "10/10"),
    "FT1 last": (94.366, 31.754, 86.442, 73.032, 40.0, 56.184, "10/10"),
    "FT1 -1last": (45.07, 14.218, 75.724, 78.323, 41.558, 43.243, "10/10"),
    "FT1 last2": (56.338, 8.057, 84.849, 85.419, 61.069, 58.608, "10/10"),
    "FT1 -1&last1": (0.0, 0.0, 26.549, 81.677, 0, 0.0, "0/10"),
    "FT2 last": (74.648, 23.065, 81.017, 76.516, 42.063, 53.807, "9/10"),
    "FT3 last": (0.0, 0.0, 32.991, 81.677, 0, 0.0, "0/10"),
    "FT4 last": (76.056, 14.534, 88.195, 83.742, 54.0, 63.158, "10/10"),
}
NORMAL = NormalDist()


def drawn_scores(
    shifts: dict[str, float],
    *,
    seeds: int = 1,
    places: int = 24,
    each: int = 25,
    rng: np.random.Generator | None = None,
    place_deviation: float = 0.0,
) -> dict[str, PatchScores]:
    """Two normals of unit width, `shift` apart, at places of which every third deforms."""
    rng = rng or np.random.default_rng(1)
    place = np.repeat(np.arange(places), each)
    deforming = place % 3 == 0
    label = (deforming & (np.arange(place.size) % each < each // 2)).astype(np.int64)
    own = rng.normal(scale=place_deviation, size=places)[place]
    rate = np.where(deforming, 0.004 + 0.001 * place, 0.0)
    name = place.astype(str)
    return {
        model: PatchScores(
            label, name, name, rate,
            rng.normal(size=(seeds, place.size)) + own + shift * (label - 0.5), tuple(range(seeds)),
        )
        for model, shift in shifts.items()
    }  # fmt: skip


def weighed(scores: PatchScores, resamples: int = 400, seed: int = 0) -> Statistics:
    rng = np.random.default_rng(seed)
    return statistics_of(scores, place_weights(scores.label, scores.place, rng, resamples))


def test_every_printed_figure_follows_from_the_counts() -> None:
    assert (
        set(PUBLISHED)
        == set(PRINTED)
        == {SYNTHETIC, *(" ".join(model) for model in MODELS)}
        == set(APPROACHES) | set(SETS)
    )
    for model, row in PUBLISHED.items():
        *rates, volcanoes = PRINTED[model]
        measured = [100 * row.measures[name] for name in list(MEASURES)[:6]]
        assert_allclose(measured, rates, atol=5.1e-4, err_msg=model)  # three printed decimals
        assert (row.counts.positives, row.counts.negatives) == (142, 633)
        assert f"{row.found}/{row.volcanic}" == volcanoes
        assert row.measures["volcanoes"] == row.found / 10


def test_curves_give_the_area_and_counts_of_the_plain_definitions() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(2, size=80)
    values = rng.integers(9, size=80) + labels  # many ties
    weights = place_weights(labels, np.arange(80) // 4, rng, 30)
    curves = RocCurves.of(labels, values, weights)
    counts = np.array(curves.counts_over(5.0)).T
    for row, times in enumerate(weights):
        chosen = np.repeat(np.arange(80), times)
        assert_allclose(curves.area()[row], roc_auc(labels[chosen], values[chosen]), rtol=1e-12)
        one = confusion(labels[chosen], values[chosen], threshold=5.0)
        expected = one.true_positive, one.false_positive, one.false_negative, one.true_negative
        assert_array_equal(counts[row], expected)


def test_area_and_rates_of_two_normals_are_the_closed_form() -> None:
    """AUC = Phi(d / sqrt 2); TPR at FPR f = Phi(d + Phi^-1(f)) (Green and Swets, 1966)."""
    rng = np.random.default_rng(3)
    shift, count = 1.5, 60_000
    labels = np.repeat([0, 1], count)
    curves = RocCurves.of(labels, rng.normal(size=2 * count) + shift * labels)
    assert_allclose(curves.area(), NORMAL.cdf(shift / np.sqrt(2)), atol=0.004)  # 3 deviations
    for rate in (0.01, 0.1, 0.5):
        expected = NORMAL.cdf(shift + NORMAL.inv_cdf(rate))
        assert_allclose(curves.true_positive_rate_at(rate), expected, atol=0.012)
        assert_allclose(curves.false_positive_rate_at(expected), rate, atol=0.012)
    false = np.linspace(1e-6, 0.1, 2001)
    mean = np.mean([NORMAL.cdf(shift + NORMAL.inv_cdf(x)) for x in false])
    assert_allclose(curves.area(0.1), mean, atol=0.01)


def test_rates_at_a_limit_are_reached_without_interpolation() -> None:
    curves = RocCurves.of([1, 0, 1, 0, 0, 0], [6, 5, 4, 3, 2, 1])
    assert_allclose(curves.true_positive_rate_at(0.2), 0.5)
    assert_allclose(curves.true_positive_rate_at(0.25), 1.0)  # one of four negatives, allowed
    assert_allclose(curves.false_positive_rate_at(0.5), 0.0)
    assert_allclose(curves.false_positive_rate_at(0.51), 0.25)
    assert_allclose(curves.area(0.25), 0.5)  # up to the first negative, before the second positive
    assert_allclose(curves.area(0.5), 0.75)


def test_reversed_scores_reverse_the_curve() -> None:
    scores = drawn_scores({"a": 1.0})["a"]
    forward, backward = (RocCurves.of(scores.label, s * scores.logit[0]).area() for s in (1, -1))
    assert_allclose(forward + backward, 1.0)


@pytest.mark.parametrize(
    ("volcanic", "quiet", "known"), [(2, 9, False), (9, 1, False), (3, 3, True)]
)
def test_there_is_no_interval_from_one_or_two_places(
    volcanic: int, quiet: int, known: bool
) -> None:
    """Resamples of a single place are all the same: a claim on them is not tested."""
    rng = np.random.default_rng(5)
    place = np.repeat(np.arange(volcanic + quiet), 20)
    label = ((place < volcanic) & (np.arange(place.size) % 2 == 0)).astype(int)
    logit = rng.normal(size=(2, place.size)) + 3 * label
    name = place.astype(str)
    found = weighed(PatchScores(label, name, name, 0.01 * label, logit, (0, 1)))
    interval = found.interval("auc")
    assert 0.9 < interval.estimate < 1
    assert np.isfinite([interval.low, interval.high]).all() == known
    claim = claims.Claim(
        "lead", "", (claims.Condition("", ("a",), lambda of: of("a", "auc"), 0.5),)
    )
    word = claims.HOLDS if known else claims.UNTESTED
    assert claims.judge(claim, {"a": found}).word == word


def test_weights_draw_whole_places_of_both_kinds() -> None:
    labels, places = [1, 0, 0, 0, 0, 1, 0], list("aabbccd")
    weights = place_weights(labels, places, np.random.default_rng(0), 500)
    assert_array_equal(weights[:, 0], weights[:, 1])
    assert (weights[:, [0, 4]].sum(axis=1) == 2).all()  # places a and c deform
    assert (weights[:, [2, 6]].sum(axis=1) == 2).all()
    assert_allclose(weights.mean(axis=0), 1.0, atol=0.1)


def test_interval_of_the_area_covers_the_truth() -> None:
    """95 % of the intervals of 200 drawn test sets hold Phi(d / sqrt 2), give or take 5 %."""
    shift = 1.2
    truth = NORMAL.cdf(shift / np.sqrt(2))
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        one = drawn_scores({"a": shift}, rng=rng, places=60, each=6)["a"]
        interval = weighed(one, 200).interval("auc")
        hits += interval.low <= truth <= interval.high
    assert 0.88 <= hits / 200 <= 0.99


def test_places_that_differ_widen_the_interval() -> None:
    narrow, wide = (
        weighed(drawn_scores({"a": 1.0}, place_deviation=d)["a"]).interval("auc") for d in (0, 1.5)
    )
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_row_of_several_seeds_is_their_mean_with_its_spread() -> None:
    scores = drawn_scores({"a": 1.0}, seeds=3)["a"]
    row = weighed(scores)
    each = [roc_auc(scores.label, logit) for logit in scores.logit]
    assert_allclose(row.by_seed["auc"], each)
    assert_allclose(row.estimate("auc"), np.mean(each))
    assert_allclose(row.spread("auc"), np.std(each, ddof=1))
    for seed, counts in enumerate(scores.confusions()):
        assert counts == confusion(scores.label, scores.logit[seed], threshold=0.0)
        for name in ("true_positive_rate", "false_positive_rate", "accuracy", "precision", "f1"):
            assert_allclose(row.by_seed[name][seed], getattr(counts, name))
    assert np.isnan(weighed(drawn_scores({"a": 1.0})["a"]).spread("auc"))


def test_volcano_is_found_by_a_positive_patch_only() -> None:
    """Frame a: its positive patch is missed, its negative one flagged. Frame b: found."""
    scores = PatchScores(
        np.array([1, 0, 1, 1, 0]),
        np.array(list("aabbc")),
        np.array(list("xxyyz")),
        np.array([0.004, 0.004, -0.007, -0.007, 0.0]),
        np.array([[-1.0, 2.0, -1.0, 0.5, 1.0]]),
        (0,),
    )
    row = weighed(scores)
    assert row.estimate("volcanoes") == 0.5
    assert_allclose(row.estimate("smallest_rate"), 0.007)
    _, found = scores.volcanic_frames()
    assert_array_equal(found, [[False, True]])


def test_difference_between_models_is_paired() -> None:
    """What places do to both models alike falls out of the difference."""
    both = drawn_scores({"a": 1.5, "b": 1.0}, place_deviation=2.0)
    rows = {name: weighed(scores) for name, scores in both.items()}
    difference = auc_difference(rows["a"], rows["b"])
    alone = rows["a"].interval("auc")
    assert_allclose(difference.estimate, rows["a"].estimate("auc") - rows["b"].estimate("auc"))
    assert difference.high - difference.low < 0.8 * (alone.high - alone.low)
    other = auc_difference(rows["b"], rows["a"])
    assert_allclose([other.low, other.high], [-difference.high, -difference.low])


def numbers_of_the_paper() -> dict[str, Statistics]:
    """Statistics with the paper's values in every resample."""
    extra = {
        "area_low": {"FT1 last2": 0.45}, "area_middle": {"FT4 last": 0.6},
        "fpr_at_high": {"FT1 last": 0.3}, "smallest_rate": {},
    }  # fmt: skip
    default = {"area_low": 0.3, "area_middle": 0.4, "fpr_at_high": 0.5, "smallest_rate": 0.005}
    rows = {}
    for model, row in PUBLISHED.items():
        values = row.measures | {k: extra[k].get(model, default[k]) for k in default}
        rows[model] = Statistics(
            {name: np.array([value]) for name, value in values.items()},
            {name: np.full(20, value) for name, value in values.items()},
        )
    return rows


def test_all_claims_hold_on_the_numbers_of_the_paper_itself() -> None:
    rows = numbers_of_the_paper()
    for claim in claims.CLAIMS:
        verdict = claims.judge(claim, rows)
        assert verdict.word == claims.HOLDS, claim.name
        for finding in verdict.findings:
            if np.isfinite(finding.condition.paper):
                assert_allclose(finding.measured.estimate, finding.condition.paper, atol=1e-5)


# Swapping the numbers of two models, or mirroring one, has to break the claim.
BREAKERS = {
    "gain": ("synthetic", "FT4 last"),
    "synthetic-chance": ("synthetic", "FT1 last"),
    "last-and-last2": ("FT1 last2", "FT1 -1last"),
    "step-collapse": ("FT1 -1&last1", "FT1 last"),
    "ft3-collapse": ("FT3 last", "FT1 last"),
    "ft2-worse": ("FT2 last", "FT1 last"),
    "ft4-best": ("FT4 last", "FT1 last"),
    "factor-12": ("FT1 last2", "FT1 last"),
    "last2-low-fpr": ("FT1 last2", "FT1 last"),
    "last-high-tpr": ("FT1 last", "FT1 last2"),
    "ft4-low-fpr": ("FT4 last", "FT1 last"),
}


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.name)
def test_claim_fails_where_its_models_are_swapped(claim: claims.Claim) -> None:
    rows = numbers_of_the_paper()
    if claim.name == "smallest-rate":
        rows["FT1 last2"].by_seed["smallest_rate"][:] = 0.009
        rows["FT1 last2"].resampled["smallest_rate"][:] = 0.009
    else:
        first, second = BREAKERS[claim.name]
        rows[first], rows[second] = rows[second], rows[first]
    assert claims.judge(claim, rows).word == claims.FAILS


def test_model_that_flags_everything_has_not_detected_the_smallest_rate() -> None:
    rows = numbers_of_the_paper()
    claim = next(claim for claim in claims.CLAIMS if claim.name == "smallest-rate")
    for share, word in ((0.4, claims.HOLDS), (0.6, claims.FAILS), (1.0, claims.FAILS)):
        rows["FT1 last2"].by_seed["false_positive_rate"][:] = share
        rows["FT1 last2"].resampled["false_positive_rate"][:] = share
        assert claims.judge(claim, rows).word == word


def test_interval_that_crosses_is_undecided_and_a_missing_model_not_tested() -> None:
    rows = {
        name: weighed(scores)
        for name, scores in drawn_scores(
            {"FT1 last": 1.0, "FT2 last": 1.0}, rng=np.random.default_rng(4)
        ).items()
    }
    worse = next(claim for claim in claims.CLAIMS if claim.name == "ft2-worse")
    verdict = claims.judge(worse, rows)
    (finding,) = verdict.findings
    assert verdict.word == claims.UNDECIDED
    assert finding.measured.low < 0 < finding.measured.high
    assert claims.judge(worse, {"FT1 last": rows["FT1 last"]}).word == claims.UNTESTED


def test_sensitivity_of_a_threshold_detector_is_the_normal_distribution() -> None:
    """Logit = a rate - b + noise: the share found at each rate is Phi(a rate - b)."""
    rng = np.random.default_rng(7)
    rates = np.repeat([0.002, 0.005, 0.010], 4000)
    logit = rates * 400 - 2 + rng.normal(size=rates.size)
    quiet = rng.normal(size=4000) - 2
    label = np.append(np.ones(rates.size, int), np.zeros(4000, int))
    names = np.arange(label.size).astype(str)
    scores = PatchScores(
        label, names, names, np.append(rates, np.zeros(4000)),
        np.append(logit, quiet)[None], (0,),
    )  # fmt: skip
    result = sensitivity(scores, by="patch")
    assert result is not None
    assert [row.rate for row in result.classes] == [0.002, 0.005, 0.010]
    assert [row.sources for row in result.classes] == [4000] * 3
    for row in result.classes:
        assert_allclose(row.found.estimate, NORMAL.cdf(row.rate * 400 - 2), atol=0.025)
        assert row.found.low < row.found.estimate < row.found.high
    assert_allclose(result.unmoved.estimate, NORMAL.cdf(-2), atol=0.01)
    assert result.reached(0.45) == 0.005
    assert result.reached(0.9) == 0.010
    assert np.isnan(result.reached(0.999))
    assert result.smallest_found == 0.002
    assert all(a.probability < b.probability for a, b in pairwise(result.classes))


def test_sensitivity_by_frame_takes_the_best_positive_patch() -> None:
    scores = PatchScores(
        np.array([1, 1, 0, 1]),
        np.array(list("aabb")),
        np.array(list("aabb")),
        np.array([-0.004, -0.004, 0.008, 0.008]),
        np.array([[-3.0, 1.0, 9.0, -1.0]]),
        (0,),
    )
    result = sensitivity(scores)
    assert result is not None
    assert [(row.rate, row.found.estimate) for row in result.classes] == [(0.004, 1), (0.008, 0)]
    assert result.smallest_found == 0.004
    assert np.isnan(result.reached(0.5))  # the fastest is missed


def test_bad_input_is_refused() -> None:
    names = np.array(["a", "b"])
    with pytest.raises(ValueError, match=r"logit \(1, 3\).*give \(n,\) each"):
        PatchScores(np.array([0, 1]), names, names, np.zeros(2), np.zeros((1, 3)), (0,))
    with pytest.raises(ValueError, match="leave out the patches that do not count"):
        PatchScores(np.array([0, -1]), names, names, np.zeros(2), np.zeros((1, 2)), (0,))
    with pytest.raises(ValueError, match="1 scores are not finite"):
        RocCurves.of([0, 1], [0.0, np.nan])
    with pytest.raises(ValueError, match="n at least 1"):
        RocCurves.of([], [])
    with pytest.raises(ValueError, match="up_to 0 is outside 0-1"):
        RocCurves.of([0, 1], [0, 1]).area(0.0)
    with pytest.raises(ValueError, match="resamples 0 is below 1"):
        place_weights([0, 1], names, np.random.default_rng(0), 0)
    with pytest.raises(ValueError, match="by 'place' is neither"):
        sensitivity(drawn_scores({"a": 1.0})["a"], by="place")
