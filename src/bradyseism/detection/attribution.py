"""Which part of a window spoke for deformation: Grad-CAM without automatic differentiation.

The detector ends in two dense layers with a ReLU between, behind the mean of each feature over all
cells. The gradient of the logit with respect to the last feature map then has a closed form, so
that the feature map (an output of the exported network) and the four arrays of the head explain a
detection without torch.

References
----------
Selvaraju et al. (2017), Grad-CAM: visual explanations from deep networks via gradient-based
localization, doi:10.1109/ICCV.2017.74; equations 1 and 2.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Head", "channel_weights", "grad_cam"]


@dataclass(frozen=True, eq=False)
class Head:
    """The two dense layers, at inference (dropout does nothing).

    Attributes
    ----------
    hidden_weight : ndarray, shape (m, k)
        Weights of the second last layer: m units fed by k pooled features.
    hidden_bias : ndarray, shape (m,)
        Its bias.
    last_weight : ndarray, shape (m,) or (1, m)
        Weights of the last layer, which has a single output; kept as (m,).
    last_bias : float or ndarray, shape (1,)
        Its bias; kept as float.

    Raises
    ------
    ValueError
        If the shapes do not fit together or a weight is not finite.
    """

    hidden_weight: NDArray[np.float64]
    hidden_bias: NDArray[np.float64]
    last_weight: NDArray[np.float64]
    last_bias: float

    def __post_init__(self) -> None:
        for name in ("hidden_weight", "hidden_bias", "last_weight"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if not np.isfinite(values).all():
                raise ValueError(
                    f"{name} of the head holds a value that is not finite: export the network again"
                )
            object.__setattr__(self, name, values)
        if self.last_weight.ndim == 2 and self.last_weight.shape[0] == 1:
            object.__setattr__(self, "last_weight", self.last_weight[0])
        if self.hidden_weight.ndim != 2:
            raise ValueError(
                f"hidden_weight has shape {self.hidden_weight.shape}: it must be "
                "(hidden units, features); drop the axes of length 1"
            )
        units = (self.hidden_weight.shape[0],)
        if self.hidden_bias.shape != units or self.last_weight.shape != units:
            raise ValueError(
                f"hidden_bias {self.hidden_bias.shape} and last_weight {self.last_weight.shape} "
                f"must both have the shape {units}: one value for each row of hidden_weight"
            )
        object.__setattr__(self, "last_bias", float(np.asarray(self.last_bias).item()))

    @classmethod
    def from_json(cls, text: str) -> Head:
        """Read a head from the metadata of an exported network.

        Parameters
        ----------
        text : str
            JSON object with the base64 form of one ``.npy`` array for each attribute.

        Raises
        ------
        ValueError
            If an array is missing or cannot be read, or the arrays do not fit together.
        """
        try:
            encoded = json.loads(text)
            arrays = {
                field.name: np.load(
                    io.BytesIO(base64.b64decode(encoded[field.name])), allow_pickle=False
                )
                for field in fields(cls)
            }
            if encoded.get("pooling", "mean") != "mean":
                raise ValueError(f"pooling {encoded['pooling']}")
        except (TypeError, AttributeError, KeyError, ValueError, EOFError) as error:
            raise ValueError(
                f"head in the metadata of the model cannot be read ({error!r}): "
                "export the network again with `bradyseism train` or `bradyseism finetune`"
            ) from error
        return cls(**arrays)

    def hidden(self, features: ArrayLike) -> NDArray[np.float64]:
        """Input of the ReLU for one feature map or a batch.

        Parameters
        ----------
        features : array_like, shape (..., k, h, w)
            Output of the network's last convolution.

        Returns
        -------
        ndarray, shape (..., m)
            Pre-activation of the hidden units, before the ReLU.

        Raises
        ------
        ValueError
            If the number of features is not the head's, or a feature is not finite.
        """
        hidden: NDArray[np.float64] = self.inputs(features) @ self.hidden_weight.T
        return hidden + self.hidden_bias

    def logit(self, features: ArrayLike) -> NDArray[np.float64]:
        """Logit that the head gives for feature maps of shape (..., k, h, w), with shape (...)."""
        return np.asarray(
            np.maximum(self.hidden(features), 0.0) @ self.last_weight + self.last_bias
        )

    def inputs(self, features: ArrayLike) -> NDArray[np.float64]:
        """What the dense layers see of feature maps (..., k, h, w).

        Returns
        -------
        ndarray, shape (..., k)
            The mean of each over the cells.

        Raises
        ------
        ValueError
            If the number of features is not the head's, or a feature is not finite.
        """
        mean: NDArray[np.float64] = self._checked(features).mean(axis=(-2, -1))
        return mean

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Every array by its name, in single precision; the last bias is of shape (1,)."""
        return {
            field.name: np.atleast_1d(np.asarray(getattr(self, field.name), dtype=np.float32))
            for field in fields(self)
        }

    def to_json(self) -> str:
        """Text from which `from_json` makes the head again, in single precision."""
        words = {}
        for name, values in self.arrays().items():
            buffer = io.BytesIO()
            np.save(buffer, values, allow_pickle=False)
            words[name] = base64.b64encode(buffer.getvalue()).decode("ascii")
        return json.dumps(words)

    def _checked(self, features: ArrayLike) -> NDArray[np.float64]:
        values = np.asarray(features, dtype=np.float64)
        count = self.hidden_weight.shape[1]
        if values.ndim < 3 or values.shape[-3] != count or 0 in values.shape[-2:]:
            raise ValueError(
                f"features of shape {values.shape} do not fit the head: it takes "
                f"(..., {count}, rows, columns); take both from the same exported network"
            )
        if not np.isfinite(values).all():
            raise ValueError(
                "features hold a value that is not finite: fill the missing pixels of the window "
                "before it enters the network"
            )
        return values


def channel_weights(features: ArrayLike, head: Head) -> NDArray[np.float64]:
    """Gradient of the logit with respect to each feature, mean over the cells.

    ``alpha_k = sum_j last_j [hidden_j > 0] hidden_weight_jk / (h w)``

    Parameters
    ----------
    features : array_like, shape (..., k, h, w)
        Output of the network's last convolution, one map or a batch.
    head : Head
        The dense layers behind it.

    Returns
    -------
    ndarray, shape (..., k)
        Change of the logit for a unit change of one cell, mean over the cells. A hidden unit at
        exactly zero counts as off, as automatic differentiation has it.

    Raises
    ------
    ValueError
        If the features do not fit the head or are not finite.
    """
    gradient = ((head.hidden(features) > 0.0) * head.last_weight) @ head.hidden_weight
    weights: NDArray[np.float64] = gradient / np.prod(np.shape(features)[-2:])
    return weights


def grad_cam(features: ArrayLike, head: Head, *, signed: bool = False) -> NDArray[np.float64]:
    """Evidence map over the cells of the feature map.

    Parameters
    ----------
    features : array_like, shape (..., k, h, w)
        Output of the network's last convolution, one map or a batch.
    head : Head
        The dense layers behind it.
    signed : bool
        Keep the negative part, which speaks against deformation; Grad-CAM itself drops it.

    Returns
    -------
    ndarray, shape (..., h, w)
        ``relu(sum_k alpha_k F_k)``, in units of the logit; without the ReLU if `signed`. Row 0 is
        north when the window's row 0 is. The signed map sums to the part of the logit that
        does not come from a bias.

    Raises
    ------
    ValueError
        If the features do not fit the head or are not finite.

    Examples
    --------
    >>> head = Head([[1.0]], [0.0], [2.0], 0.0)
    >>> grad_cam([[[4.0, 0.0]]], head)
    array([[4., 0.]])
    """
    weights = channel_weights(features, head)
    maps = np.asarray(features, dtype=np.float64)
    evidence: NDArray[np.float64] = np.einsum("...k,...khw->...hw", weights, maps)
    return evidence if signed else np.maximum(evidence, 0.0)
