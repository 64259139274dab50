"""Tunes the two dense layers of a detector on features computed once; no torch.

The feature maps stay as they are, so that minutes on a CPU suffice. The layers are held to those
they start from by a penalty on the distance, for a region has few independent places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bradyseism.detection.attribution import Head
from bradyseism.detection.runtime import BATCH, Detector

Array = NDArray[np.float32]
NO_PLACE = -1
# Inputs of the dense layers that are looked at in one go: what a processor keeps near.
INPUTS_AT_ONCE = 4096
# Weight of the place beside the label, as in the training of the shipped detector.
PLACE_WEIGHT = 0.5


@dataclass(frozen=True, eq=False)
class Examples:
    """What a head sees of n labelled windows.

    Parameters
    ----------
    inputs : array of float32, shape (n, t, k)
        As `Head.inputs` gives it.
    labels : array of float32, shape (n,)
        1 with a source, 0 without.
    cells : array of int, shape (n,)
        Cell of the feature map, row by row, that holds the source; -1 without one.
    """

    inputs: Array
    labels: Array
    cells: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.inputs) == len(self.labels) == len(self.cells):
            raise ValueError(
                f"{len(self.inputs)} inputs, {len(self.labels)} labels and {len(self.cells)} "
                "cells: expected as many of each"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Examples:
        return Examples(self.inputs[chosen], self.labels[chosen], self.cells[chosen])


def head_inputs(detector: Detector, windows: NDArray[np.floating]) -> Array:
    """What the head of a detector sees of windows, shape (n, t, k).

    Parameters
    ----------
    detector : Detector
    windows : array, shape (n, size, size)
        As `Detector.predict` takes them.

    Raises
    ------
    ValueError
        If the detector gives no feature maps.
    """
    parts = []
    for start in range(0, max(len(windows), 1), BATCH):
        features = detector.predict(windows[start : start + BATCH], with_features=True).features
        if features is None:
            raise ValueError(f"model {detector.name!r} gives no feature map: export it again")
        parts.append(detector.head.inputs(features).astype(np.float32))
    return np.concatenate(parts)


def head_logits(head: Head, inputs: Array) -> NDArray[np.float64]:
    """Logits of a head, shape (n,), for inputs of shape (n, t, k)."""
    layers = _Layers.of(head)
    parts = [_pooled(_forward(layers, inputs[chosen])[1]) for chosen in _batches(inputs)]
    return np.concatenate(parts) if parts else np.zeros(0)


def tune(head: Head, examples: Examples, *, stiffness: float, steps: int) -> Head:
    """Head of the least loss near another.

    The loss is the binary cross-entropy with both classes weighted equally, plus half of
    `stiffness` times the squared distance of all weights from those of `head`. Where the head sees
    every cell, half of the cross-entropy of the source's cell is added, as these logits also say
    where the source lies.

    Parameters
    ----------
    head : Head
        Where to start, and what to stay close to.
    examples : Examples
        Both classes.
    stiffness : float
        Not negative.
    steps : int
        Most steps of L-BFGS, at least 1.

    Returns
    -------
    Head
        The same for the same input, to the last bit on one machine.

    Raises
    ------
    ValueError
        If one of the classes is missing or a setting is out of range.
    """
    positive = examples.labels > 0.5
    if positive.all() or not positive.any():
        raise ValueError(
            f"{int(positive.sum())} of {len(positive)} windows hold a source: both classes are "
            "needed"
        )
    if not stiffness >= 0 or steps < 1:
        raise ValueError(
            f"stiffness {stiffness:g} and steps {steps}: give 0 or more, and at least 1"
        )
    weight = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    start = _Layers.of(head).flat()

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Cross-entropy with its gradient."""
        step = values - start
        value, gradient = _loss(_Layers.shaped(values, head), examples, weight)
        return value + 0.5 * stiffness * float(step @ step), gradient + stiffness * step

    best = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 20}
    )
    tuned = _Layers.shaped(best.x, head)
    return replace(
        head,
        hidden_weight=tuned.hidden_weight.astype(np.float64),
        hidden_bias=tuned.hidden_bias.astype(np.float64),
        last_weight=tuned.last_weight.astype(np.float64),
        last_bias=float(tuned.last_bias[0]),
    )


class _Layers(NamedTuple):
    """The arrays of a head in single precision."""

    hidden_weight: Array
    hidden_bias: Array
    last_weight: Array
    last_bias: Array

    @classmethod
    def of(cls, head: Head) -> _Layers:
        """Layers of a head."""
        return cls(**head.arrays())

    @classmethod
    def shaped(cls, values: NDArray[np.float64], head: Head) -> _Layers:
        """Layers from one vector."""
        units, features = head.hidden_weight.shape
        parts = np.split(values.astype(np.float32), np.cumsum([units * features, units, units]))
        return cls(parts[0].reshape(units, features), *parts[1:])

    def flat(self) -> NDArray[np.float64]:
        """Layers as one vector."""
        return np.concatenate([values.ravel() for values in self]).astype(np.float64)


def _forward(layers: _Layers, inputs: Array) -> tuple[Array, Array]:
    """Hidden units behind the ReLU, shape (n, t, m), and logits, shape (n, t)."""
    hidden = np.maximum(inputs @ layers.hidden_weight.T + layers.hidden_bias, np.float32(0.0))
    return hidden, hidden @ layers.last_weight + layers.last_bias


def _pooled(logits: Array) -> NDArray[np.float64]:
    """One logit for each window; of a single input it is that input's."""
    return np.asarray(
        special.logsumexp(logits.astype(np.float64), axis=1) - np.log(logits.shape[1])
    )


def _loss(
    layers: _Layers, examples: Examples, weight: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Loss without the penalty, and its gradient in the order of `_Layers.flat`."""
    value = 0.0
    gradient = _Layers(*(np.zeros(values.shape, dtype=np.float32) for values in layers))
    for chosen in _batches(examples.inputs):
        inputs = examples.inputs[chosen]
        hidden, logits = _forward(layers, inputs)
        part, slope = _logit_slope(
            logits, examples.labels[chosen], examples.cells[chosen], weight[chosen]
        )
        value += part
        flat_hidden = hidden.reshape(-1, hidden.shape[-1])
        flat_slope = slope.astype(np.float32).ravel()
        behind = np.where(flat_hidden > 0, flat_slope[:, None] * layers.last_weight, np.float32(0))
        gradient.hidden_weight[...] += behind.T @ inputs.reshape(-1, inputs.shape[-1])
        gradient.hidden_bias[...] += behind.sum(axis=0)
        gradient.last_weight[...] += flat_slope @ flat_hidden
        gradient.last_bias[...] += flat_slope.sum()
    return value, gradient.flat()


def _logit_slope(
    logits: Array, labels: Array, cells: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Loss of a batch, and its derivative by the logits (n, t)."""
    pooled = _pooled(logits)
    share = special.softmax(logits.astype(np.float64), axis=1)
    value = float(weight @ (np.logaddexp(0.0, pooled) - labels * pooled))
    slope = (weight * (special.expit(pooled) - labels))[:, None] * share
    if logits.shape[1] > 1:
        placed = np.flatnonzero((labels > 0.5) & (cells != NO_PLACE))
        heavy = PLACE_WEIGHT * weight[placed]
        value -= float(heavy @ np.log(np.maximum(share[placed, cells[placed]], 1e-30)))
        slope[placed] += heavy[:, None] * share[placed]
        slope[placed, cells[placed]] -= heavy
    return value, slope


def _batches(inputs: Array) -> Iterator[slice]:
    step = max(1, INPUTS_AT_ONCE // inputs.shape[1])
    return (slice(start, start + step) for start in range(0, len(inputs), step))
