"""From a network's logit to a probability at a stated prior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special


@dataclass(frozen=True)
class Calibration:
    """Platt scaling of logits, and the shift from balanced classes to a prior.

    Parameters
    ----------
    scale : float
        Positive factor on the logit.
    offset : float
        Added after scaling, for classes of equal frequency.
    prior : float
        Share (0-1, exclusive) of maps, or of windows judged alone, that are expected to hold
        volcanic deformation.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines.
    """

    scale: float = 1.0
    offset: float = 0.0
    prior: float = 0.5

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"calibration scale {self.scale:g} is not positive")
        if not 0 < self.prior < 1:
            raise ValueError(f"prior {self.prior:g} is outside 0-1: give a share of maps")

    def log_odds(self, logit: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated log-odds at the prior, of the shape of `logit`."""
        return self.balanced(logit) + math.log(self.prior / (1 - self.prior))

    def balanced(self, logit: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated log-odds at a prior of one half, of the shape of `logit`."""
        return np.asarray(self.scale * np.asarray(logit, dtype=np.float64) + self.offset)

    def probability(self, logit: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated probability (0-1) at the prior, of the shape of `logit`."""
        return np.asarray(special.expit(self.log_odds(logit)))


def fit_calibration(
    logits: NDArray[np.floating[Any]], labels: NDArray[np.floating[Any]], *, prior: float
) -> Calibration:
    """Platt scaling with both classes weighted equally, and with Platt's targets.

    These are a little under 1 and over 0, so that few samples that do not overlap claim no more
    than they can.

    Parameters
    ----------
    logits, labels : array, shape (n,)
        Logits of samples never trained on, and 1 or 0.
    prior : float
        Prior that the calibration shall state.

    Raises
    ------
    ValueError
        If one of the classes is missing.
    """
    positive = np.asarray(labels) > 0.5
    if positive.all() or not positive.any():
        raise ValueError(
            f"{int(positive.sum())} of {len(positive)} labels are positive: both classes are needed"
        )
    weight = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    ones, zeros = positive.sum(), (~positive).sum()
    target = np.where(positive, (ones + 1.0) / (ones + 2.0), 1.0 / (zeros + 2.0))

    def loss(parameters: NDArray[np.float64]) -> float:
        """Weighted cross-entropy."""
        log_odds = math.exp(parameters[0]) * logits + parameters[1]
        return float((weight * (np.logaddexp(0.0, log_odds) - target * log_odds)).sum())

    best = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-5})
    return Calibration(math.exp(best.x[0]), float(best.x[1]), prior)
