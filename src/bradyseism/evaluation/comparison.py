"""Two detectors on the same windows: scores of each, and whether the second is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bradyseism.evaluation.injection import threshold_at
from bradyseism.evaluation.resampling import place_weights
from bradyseism.evaluation.scores import Interval, expected_calibration_error, roc_auc

Array = NDArray[np.float64]

FALSE_SHARE = 0.01
"""Share of background windows that may be flagged where sources found are counted."""
SURE = 0.9
"""Share of sources that have to be found at the smallest rate that counts as detected."""
AUC_TOLERANCE = 0.002
"""How much of the AUC may be lost by chance."""
FLAGGED_TOLERANCE = 0.002
"""How much the share of background windows over a probability of 0.5 may rise by chance; one window
always may."""

PAIRED = ("log_loss", "auc", "background_flagged", "sources_found")


@dataclass(frozen=True, eq=False)
class Judged:
    """Windows with and without a source, as two detectors judge them.

    Parameters
    ----------
    volcanic : array of bool, shape (n,)
        True with a source.
    before, after : arrays, shape (n,)
        Calibrated log-odds at `prior` of the two detectors.
    blocks : array of int, shape (n,)
        Ground of each window; what an interval draws.
    signal_to_noise, peaks : arrays, shape (n,)
        Of the sources: peak over the spread of the window, and unsigned peak LOS rate (m/yr).
    prior : float
        Share (0-1) of windows expected to hold deformation.
    """

    volcanic: NDArray[np.bool_]
    before: Array
    after: Array
    blocks: NDArray[np.int64]
    signal_to_noise: Array
    peaks: Array
    prior: float


@dataclass(frozen=True)
class Scores:
    """How well one detector judges windows.

    Parameters
    ----------
    log_loss : float
        ``-log(probability of the truth)`` in nats, the classes weighted by the prior.
    auc : float
        Area under the ROC curve.
    background_flagged : float
        Share of windows without a source whose probability is over 0.5.
    sources_flagged : float
        Share of windows with a source whose probability is over 0.5.
    sources_found : float
        Share of windows with a source over the threshold that `FALSE_SHARE` of those without
        exceed.
    signal_to_noise_found, rate_found : float
        Peak over spread, and peak rate (m/yr), of which a share of `SURE` is found at that
        threshold: by a logistic curve over the logarithm; infinite where it does not rise.
    calibration_error : float
        Expected calibration error at balanced classes.
    """

    log_loss: float
    auc: float
    background_flagged: float
    sources_flagged: float
    sources_found: float
    signal_to_noise_found: float
    rate_found: float
    calibration_error: float


@dataclass(frozen=True)
class Comparison:
    """Scores before and after, and what differs.

    Parameters
    ----------
    before, after : Scores
    change : mapping of str to Interval
        For each of `PAIRED`, after minus before, with its 95 % interval over blocks of ground.
    windows, sources, blocks : int
        Windows without and with a source, and blocks of ground.
    """

    before: Scores
    after: Scores
    change: Mapping[str, Interval]
    windows: int
    sources: int
    blocks: int

    @property
    def harm(self) -> tuple[str, ...]:
        """What speaks against the second detector, one sentence each; empty if it is better."""
        loss = self.change["log_loss"]
        reasons = []
        if not loss.high < 0:
            reasons.append(
                f"log-loss changes by {loss.estimate:+.4f} ({loss.low:+.4f} to {loss.high:+.4f}), "
                "not surely downward"
            )
        if self.change["auc"].estimate < -AUC_TOLERANCE:
            reasons.append(f"AUC falls from {self.before.auc:.3f} to {self.after.auc:.3f}")
        more = self.change["background_flagged"].estimate * self.windows
        if more > max(1.0, FLAGGED_TOLERANCE * self.windows) + 1e-6:
            reasons.append(
                f"background windows flagged rise from {self.before.background_flagged:.2%} to "
                f"{self.after.background_flagged:.2%}"
            )
        return tuple(reasons)


def compare(judged: Judged, rng: np.random.Generator, *, resamples: int = 500) -> Comparison:
    """Compare two detectors on the same windows.

    Parameters
    ----------
    judged : Judged
    rng : numpy.random.Generator
        Source of the resamples.
    resamples : int
        Of whole blocks, for the intervals.

    Raises
    ------
    ValueError
        If there are no windows with or none without a source.
    """
    everything = np.arange(judged.volcanic.size)
    before, after = (scores(judged, odds) for odds in (judged.before, judged.after))
    draws = np.empty((resamples, len(PAIRED)))
    times = place_weights(judged.volcanic, judged.blocks, rng, resamples)
    for trial in range(resamples):
        chosen = np.repeat(everything, times[trial])
        first, second = (
            _paired(judged.volcanic[chosen], odds[chosen], judged.prior)
            for odds in (judged.before, judged.after)
        )
        draws[trial] = second - first
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    change = {
        name: Interval(getattr(after, name) - getattr(before, name), float(low[k]), float(high[k]))
        for k, name in enumerate(PAIRED)
    }
    sources = int(judged.volcanic.sum())
    blocks = int(np.unique(judged.blocks).size)
    return Comparison(before, after, change, everything.size - sources, sources, blocks)


def scores(judged: Judged, log_odds: Array) -> Scores:
    """Scores of log-odds (n,) at the prior on the windows of `judged`."""
    volcanic = judged.volcanic
    loss, auc, flagged, found = _paired(volcanic, log_odds, judged.prior)
    over = log_odds[volcanic] > threshold_at(log_odds[~volcanic], FALSE_SHARE)
    balanced = special.expit(log_odds - special.logit(judged.prior))
    return Scores(
        log_loss=float(loss),
        auc=float(auc),
        background_flagged=float(flagged),
        sources_flagged=float(np.mean(log_odds[volcanic] > 0)),
        sources_found=float(found),
        signal_to_noise_found=_where_sure(judged.signal_to_noise[volcanic], over),
        rate_found=_where_sure(judged.peaks[volcanic], over),
        calibration_error=expected_calibration_error(volcanic, balanced),
    )


def _paired(volcanic: NDArray[np.bool_], log_odds: Array, prior: float) -> Array:
    """Figures named in `PAIRED`."""
    loud, quiet = log_odds[volcanic], log_odds[~volcanic]
    loss = prior * np.logaddexp(0.0, -loud).mean() + (1 - prior) * np.logaddexp(0.0, quiet).mean()
    found = np.mean(loud > threshold_at(quiet, FALSE_SHARE))
    return np.array([loss, roc_auc(volcanic, log_odds), np.mean(quiet > 0), found])


def _where_sure(size: Array, found: NDArray[np.bool_]) -> float:
    """Size at which a logistic curve over its logarithm reaches `SURE`."""
    finite = np.isfinite(size) & (size > 0)
    axis, sign = np.log(size[finite]), np.where(found[finite], 1.0, -1.0)
    if not finite.any():
        return float("inf")
    middle = float(np.median(axis))

    def loss(parameters: Array) -> float:
        """Cross-entropy of found and missed against the size."""
        margin = sign * (parameters[0] + parameters[1] * (axis - middle))
        # A whisper of a penalty keeps the curve finite where one size parts found from missed.
        return float(np.logaddexp(0.0, -margin).mean() + 1e-4 * parameters @ parameters)

    level, slope = optimize.minimize(loss, np.zeros(2), method="BFGS").x
    if slope <= 1e-6:
        return float("inf")
    return float(np.exp(middle + (special.logit(SURE) - level) / slope))
