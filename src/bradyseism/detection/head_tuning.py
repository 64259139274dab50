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
# Inputs of the dense layers that are looked at in one go: what a processor keeps near.
INPUTS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Examples:
    """What a head sees of n labelled windows.

    Parameters
    ----------
    inputs : array of float32, shape (n, k)
        As `Head.inputs` gives it.
    labels : array of float32, shape (n,)
        1 with a source, 0 without.
    """

    inputs: Array
    labels: Array

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels):
            raise ValueError(
                f"{len(self.inputs)} inputs and {len(self.labels)} labels: expected as many of each"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Examples:
        return Examples(self.inputs[chosen], self.labels[chosen])


def head_inputs(detector: Detector, windows: NDArray[np.floating]) -> Array:
    """What the head of a detector sees of windows, shape (n, k).

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
    """Logits of a head, shape (n,), for inputs of shape (n, k)."""
    layers = _Layers.of(head)
    parts = [_forward(layers, inputs[chosen])[1] for chosen in _batches(inputs)]
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def tune(head: Head, examples: Examples, *, stiffness: float, steps: int) -> Head:
    """Head of the least loss near another.

    The loss is the binary cross-entropy with both classes weighted equally, plus half of
    `stiffness` times the squared distance of all weights from those of `head`.

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
    """Hidden units behind the ReLU, shape (n, m), and logits, shape (n,)."""
    hidden = np.maximum(inputs @ layers.hidden_weight.T + layers.hidden_bias, np.float32(0.0))
    return hidden, hidden @ layers.last_weight + layers.last_bias


def _loss(
    layers: _Layers, examples: Examples, weight: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Loss without the penalty, and its gradient in the order of `_Layers.flat`."""
    value = 0.0
    gradient = _Layers(*(np.zeros(values.shape, dtype=np.float32) for values in layers))
    for chosen in _batches(examples.inputs):
        inputs, labels = examples.inputs[chosen], examples.labels[chosen]
        hidden, logits = _forward(layers, inputs)
        logit = logits.astype(np.float64)
        value += float(weight[chosen] @ (np.logaddexp(0.0, logit) - labels * logit))
        slope = (weight[chosen] * (special.expit(logit) - labels)).astype(np.float32)
        behind = np.where(hidden > 0, slope[:, None] * layers.last_weight, np.float32(0))
        gradient.hidden_weight[...] += behind.T @ inputs
        gradient.hidden_bias[...] += behind.sum(axis=0)
        gradient.last_weight[...] += slope @ hidden
        gradient.last_bias[...] += slope.sum()
    return value, gradient.flat()


def _batches(inputs: Array) -> Iterator[slice]:
    starts = range(0, len(inputs), INPUTS_AT_ONCE)
    return (slice(start, start + INPUTS_AT_ONCE) for start in starts)
