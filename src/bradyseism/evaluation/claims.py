"""The claims of Beker et al. (2022), each a test on the answers of the models.

A claim is a set of conditions: a number of the models over, or under, a bound. A condition holds
where the whole 95 % interval of the number (places resampled, mean over seeds) lies on that side,
does not hold where the whole interval lies on the other, and is undecided where it crosses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bradyseism.evaluation.patch_scores import Statistics, percentile_interval
from bradyseism.evaluation.scores import Interval

HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "does not hold", "undecided", "not tested"

Array = NDArray[np.float64]
Numbers = Callable[[str, str], Array]
"""Model and name of a statistic -> its values, one for each resample or seed."""


@dataclass(frozen=True)
class Condition:
    """A number of one or more models that has to lie over, or under, a bound.

    Attributes
    ----------
    words : str
        What the number is.
    models : tuple of str
        Which models it needs.
    number : callable
        Takes `Numbers`, gives the number in each resample.
    bound : float
        What the number has to exceed.
    paper : float
        The number in the paper; NaN where it prints none.
    unit : {"share", "m/yr"}
        Of the number, the bound and the paper's.
    under : bool
        The number has to stay under the bound instead.
    """

    words: str
    models: tuple[str, ...]
    number: Callable[[Numbers], Array]
    bound: float
    paper: float = float("nan")
    unit: str = "share"
    under: bool = False

    def met_by(self, numbers: Array) -> NDArray[np.bool_]:
        """Which numbers lie on the right side."""
        return np.asarray(numbers < self.bound if self.under else numbers > self.bound)


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper.

    Attributes
    ----------
    name : str
        Short, for file names and columns.
    words : str
        What the paper says.
    conditions : tuple of Condition
        All have to hold.
    """

    name: str
    words: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Finding:
    """One condition, measured.

    Attributes
    ----------
    condition : Condition
        What was measured.
    verdict : str
        "holds", "does not hold", "undecided" or "not tested".
    measured : Interval
        Mean over seeds with its 95 % interval.
    seeds_met, seeds : int
        Seeds whose own number meets the condition, and all; a model of one seed goes with each.
    """

    condition: Condition
    verdict: str
    measured: Interval
    seeds_met: int
    seeds: int


@dataclass(frozen=True)
class Verdict:
    """A claim, tested on one test set."""

    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def word(self) -> str:
        """Worst of the conditions: one that does not hold, one not tested, one undecided."""
        words = {finding.verdict for finding in self.findings}
        return next((word for word in (FAILS, UNTESTED, UNDECIDED) if word in words), HOLDS)


def judge(claim: Claim, models: Mapping[str, Statistics]) -> Verdict:
    """Test a claim on one test set.

    Parameters
    ----------
    claim : Claim
        One of `CLAIMS`.
    models : mapping of str to Statistics
        By name of the model, all from the same patches and weights. A claim about a model that is
        not there is not tested.
    """
    return Verdict(claim, tuple(_measure(condition, models) for condition in claim.conditions))


def _measure(condition: Condition, models: Mapping[str, Statistics]) -> Finding:
    if not set(condition.models) <= models.keys():
        return Finding(condition, UNTESTED, Interval(np.nan, np.nan, np.nan), 0, 0)
    count = max(models[name].by_seed["auc"].size for name in condition.models)
    own = condition.number(lambda model, name: _for_seeds(models[model].by_seed[name], count))
    mean = condition.number(lambda model, name: np.array([models[model].estimate(name)]))
    draws = condition.number(lambda model, name: models[model].resampled[name])
    measured = percentile_interval(float(mean[0]), draws)
    met = int(np.sum(condition.met_by(own)))
    return Finding(condition, _word(measured, condition), measured, met, count)


def _word(measured: Interval, condition: Condition) -> str:
    ends = np.array([measured.low, measured.high])
    if not np.isfinite([measured.estimate, *ends]).all():
        return UNTESTED
    met = condition.met_by(ends)
    # An end that lies on the bound itself meets it as little as it fails it.
    if met.any() or (ends == condition.bound).any():
        return HOLDS if met.all() else UNDECIDED
    return FAILS


def _for_seeds(values: Array, count: int) -> Array:
    return values if values.size == count else np.full(count, values.mean())


def _over(model: str, name: str, words: str, bound: float, paper: float) -> Condition:
    return Condition(words, (model,), lambda of: of(model, name), bound, paper)


def _under(model: str, name: str, words: str, bound: float, paper: float) -> Condition:
    return Condition(words, (model,), lambda of: of(model, name), bound, paper, under=True)


def _difference(first: str, second: str, name: str, words: str, paper: float) -> Condition:
    return Condition(
        words, (first, second), lambda of: of(first, name) - of(second, name), 0.0, paper
    )


def _best_of(
    first: tuple[str, ...], others: tuple[str, ...], name: str, words: str, paper: float
) -> Condition:
    def lead(of: Numbers) -> Array:
        """By how much the worst of the first exceeds the best of the others."""
        least = np.min([of(model, name) for model in first], axis=0)
        return np.asarray(least - np.max([of(model, name) for model in others], axis=0))

    return Condition(words, first + others, lead, 0.0, paper)


def _factor(of: Numbers) -> Array:
    """False positive rate of `last2` as a share of that of the synthetic model."""
    before, after = of("synthetic", "false_positive_rate"), of("FT1 last2", "false_positive_rate")
    share = np.full(np.broadcast_shapes(before.shape, after.shape), np.nan)
    np.divide(after, before, out=share, where=before > 0)
    return share


def _lead_at_high_rate(of: Numbers) -> Array:
    others = ("FT1 -1last", "FT1 last2", "FT1 -1&last1")
    least = np.min([of(model, "fpr_at_high") for model in others], axis=0)
    return np.asarray(least - of("FT1 last", "fpr_at_high"))


_AUC = "AUC of {} minus AUC of {}"
_FT1 = ("FT1 last", "FT1 -1last", "FT1 last2", "FT1 -1&last1")
SMALLEST = 0.0055  # m/yr: what rounds to 0.5 cm/yr
# A model that flags everything finds the slowest source, too. The paper means one that leaves most
# of the still ground unflagged; where half of it is flagged, a coin finds as much.
MOST_FLAGGED = 0.5

CLAIMS = (
    Claim(
        "gain",
        "Fine-tuning raises the area under the curve from 55 % to 86 % (FT1) and 88 % (FT4).",
        (
            _difference("FT1 last", "synthetic", "auc",
                        _AUC.format("FT1 [last]", "Synthetic"), 0.86442 - 0.5545),
            _difference("FT4 last", "synthetic", "auc",
                        _AUC.format("FT4 [last]", "Synthetic"), 0.88195 - 0.5545),
        ),
    ),
    Claim(
        "synthetic-chance",
        "Trained on synthetic data alone the network is near chance and flags about 99 % of the "
        "patches without deformation.",
        (
            _under("synthetic", "auc", "AUC of Synthetic", 0.60, 0.5545),
            _over("synthetic", "auc", "AUC of Synthetic", 0.40, 0.5545),
            _over("synthetic", "false_positive_rate", "FPR of Synthetic",
                   0.95, 627 / 633),
        ),
    ),
    Claim(
        "last-and-last2",
        "`last` and `last2` are the best approaches.",
        (
            _best_of(("FT1 last", "FT1 last2"), ("FT1 -1last", "FT1 -1&last1"), "auc",
                     "lesser AUC of [last] and [last2] minus greater AUC of the other two",
                     0.84849 - 0.75724),
        ),
    ),
    Claim(
        "step-collapse",
        "`-1&last1` collapses: it flags nothing, with an area under the curve below one half.",
        (
            _under("FT1 -1&last1", "true_positive_rate",
                   "TPR of FT1 [-1&last1]", 0.05, 0.0),
            _under("FT1 -1&last1", "auc", "AUC of FT1 [-1&last1]", 0.50, 0.26549),
        ),
    ),
    Claim(
        "ft3-collapse",
        "FT3 collapses: the model flags nothing, with an area under the curve below one half.",
        (
            _under("FT3 last", "true_positive_rate", "TPR of FT3 [last]", 0.05, 0.0),
            _under("FT3 last", "auc", "AUC of FT3 [last]", 0.50, 0.32991),
        ),
    ),
    Claim(
        "ft2-worse",
        "FT2 is worse than FT1.",
        (_difference("FT1 last", "FT2 last", "auc",
                     _AUC.format("FT1 [last]", "FT2 [last]"), 0.86442 - 0.81017),),
    ),
    Claim(
        "ft4-best",
        "FT4 has the best area under the curve.",
        (_best_of(("FT4 last",), (*_FT1, "synthetic", "FT2 last", "FT3 last"), "auc",
                  "AUC of FT4 [last] minus the greatest AUC of the others", 0.88195 - 0.86442),),
    ),
    Claim(
        "factor-12",
        "Fine-tuning divides the false positive rate by up to 12 (`last2`), all volcanoes kept.",
        (
            Condition("FPR of FT1 [last2] over FPR of Synthetic (a twelfth)",
                      ("synthetic", "FT1 last2"), _factor, 1 / 12, 51 / 627, under=True),
            _over("FT1 last2", "volcanoes", "share of volcanoes found by FT1 [last2]",
                   0.999, 1.0),
        ),
    ),
    Claim(
        "last2-low-fpr",
        "Below 10 % FPR `last2` beats `last`.",
        (_difference("FT1 last2", "FT1 last", "area_low",
                     "mean TPR below 10 % FPR of FT1 [last2] minus that of FT1 [last]", np.nan),),
    ),
    Claim(
        "last-high-tpr",
        "`last` reaches 90 % TPR at the lowest FPR.",
        (Condition("lowest FPR at 90 % TPR of the other three approaches minus that of FT1 [last]",
                   _FT1, _lead_at_high_rate, 0.0),),
    ),
    Claim(
        "ft4-low-fpr",
        "Below 18 % FPR FT4 beats FT1.",
        (_difference("FT4 last", "FT1 last", "area_middle",
                     "mean TPR below 18 % FPR of FT4 [last] minus that of FT1 [last]", np.nan),),
    ),
    Claim(
        "smallest-rate",
        "The smallest deformation detected is of 0.5 cm/yr.",
        (Condition("smallest rate of the volcanoes found by FT1 [last2]", ("FT1 last2",),
                   lambda of: of("FT1 last2", "smallest_rate"), SMALLEST, 0.005, "m/yr",
                   under=True),
         _under("FT1 last2", "false_positive_rate", "FPR of FT1 [last2]", MOST_FLAGGED, 51 / 633)),
    ),
)  # fmt: skip
"""In the order in which the report shows them."""
