"""Resamples of whole places, as weights: what every interval of patch scores is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def place_weights(
    labels: ArrayLike, places: ArrayLike, rng: np.random.Generator, resamples: int
) -> NDArray[np.int64]:
    """How often each sample occurs in each resample of places, stratified by deformation.

    Patches overlap and several frames lie on one place, so samples of one place are not
    independent: whole places are drawn with replacement, those with and those without deformation
    apart, so that every resample holds as many places of each kind as the data.

    Parameters
    ----------
    labels : (n,)
        1 with deformation, 0 without; a place that holds a 1 is one with deformation.
    places : (n,)
        Name or number of the place of each sample.
    rng
        Source of the resamples.
    resamples
        Number of them, at least 1.

    Returns
    -------
    (resamples, n) array
        Not negative; the same for all samples of a place.

    Raises
    ------
    ValueError
        Where lengths differ or there is no resample.
    """
    truth, names = np.asarray(labels) == 1, np.asarray(places)
    if names.shape != truth.shape:
        raise ValueError(
            f"places has shape {names.shape}, labels {truth.shape}: name one place a sample"
        )
    if resamples < 1:
        raise ValueError(f"resamples {resamples} is below 1: give some 2000")
    known, member = np.unique(names, return_inverse=True)
    deforming = np.bincount(member, weights=truth, minlength=known.size) > 0
    times = np.zeros((resamples, known.size), dtype=np.int64)
    for stratum in (deforming, ~deforming):
        group = np.flatnonzero(stratum)
        if group.size:
            even = np.full(group.size, 1.0 / group.size)
            times[:, group] = rng.multinomial(group.size, even, size=resamples)
    return times[:, member]
