"""Networks: a convolutional backbone under one two-layer head and a head that says where.

Every architecture is one record of `NETWORKS`; `build` turns it into a `Classifier`. All share
the head of the paper (dense, ReLU, dropout, dense), for which Grad-CAM follows in closed form from
the mean of each feature and the head's weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import timm
import torch
import torchvision
from numpy.typing import NDArray
from timm.models.resnet import BasicBlock, ResNet
from torch import Tensor, nn

HIDDEN_WIDTH = 256
DROPOUT = 0.2


class Output(NamedTuple):
    """What a `Classifier` says about n images.

    Attributes
    ----------
    logit : Tensor
        Shape (n,): log-odds that the image contains volcanic deformation.
    features : Tensor
        Shape (n, k, h', w'): the last feature map, north-up as the image.
    place : Tensor
        Shape (n, h', w'): logits over the cells of the feature map, one of which holds the centre
        of the deformation, if there is any. They mean nothing where the image holds none.
    """

    logit: Tensor
    features: Tensor
    place: Tensor


class Head(nn.Module):
    """Two dense layers: `hidden`, ReLU, dropout, `last`.

    Parameters
    ----------
    features : int
        Number k of features.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, HIDDEN_WIDTH)
        self.dropout = nn.Dropout(DROPOUT)
        self.last = nn.Linear(HIDDEN_WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Log-odds, shape (n,), of feature maps (n, k, h', w') or of their means (n, k)."""
        pooled = features if features.ndim == 2 else pool(features)
        logit: Tensor = self.last(self.dropout(torch.relu(self.hidden(pooled))))
        return logit.squeeze(1)


class Classifier(nn.Module):
    """Backbone, head and place head.

    Parameters
    ----------
    name : str
        Name of the architecture, a key of `NETWORKS`.
    channels : int
        Number of channels of an image.
    """

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        architecture = NETWORKS[name]
        self.name = name
        self.channels = channels
        self.backbone = architecture.backbone(channels)
        self.head = Head(architecture.width)
        self.place = nn.Conv2d(architecture.width, 1, kernel_size=1)

    def forward(self, images: Tensor) -> Output:
        """Classify images of shape (n, channels, h, w), float32, as encoded by floor 4."""
        features = self.features(images)
        return Output(self.head(features), features, self.place(features).squeeze(1))

    def features(self, images: Tensor) -> Tensor:
        """Return the last feature map, shape (n, k, h', w')."""
        # Every network of timm has it.
        features: Tensor = self.backbone.forward_features(images)  # type: ignore[operator]
        return features

    def head_weights(self) -> dict[str, NDArray[np.float32]]:
        """Weights of the head, from which Grad-CAM follows without torch.

        Returns
        -------
        dict
            `hidden_weight` (256, k), `hidden_bias` (256,), `last_weight` (1, 256) and
            `last_bias` (1,).
        """
        layers = {"hidden": self.head.hidden, "last": self.head.last}
        return {
            f"{layer}_{kind}": getattr(module, kind).detach().cpu().numpy().astype(np.float32)
            for layer, module in layers.items()
            for kind in ("weight", "bias")
        }


def pool(features: Tensor) -> Tensor:
    """Mean over the cells: (n, k, h', w') to (n, k)."""
    return features.mean(dim=(2, 3))


@dataclass(frozen=True)
class Architecture:
    """A backbone by its name.

    Attributes
    ----------
    backbone : callable
        Number of input channels -> module with timm's method `forward_features`.
    width : int
        Number k of channels of its last feature map.
    smallest : int
        Smallest image side (pixels) that leaves a feature map.
    """

    backbone: Callable[[int], nn.Module]
    width: int
    smallest: int


def _residual(
    channels: int, *, stem: int, kernel: int, widths: tuple[int, int, int, int]
) -> nn.Module:
    """Build a ResNet of four basic blocks; output stride 8: 64 px give 8 x 8 cells."""
    network: nn.Module = ResNet(
        BasicBlock,
        (1, 1, 1, 1),
        channels=widths,
        output_stride=8,
        in_chans=channels,
        num_classes=0,
        stem_type="deep",
        stem_width=stem // 2,
    )
    # One wide kernel, of as many channels, in place of the three layers of a deep stem.
    network.conv1 = nn.Conv2d(channels, stem, kernel, stride=2, padding=kernel // 2, bias=False)
    network.bn1 = nn.BatchNorm2d(stem)
    return network


_COMPACT = partial(_residual, stem=64, kernel=7, widths=(32, 64, 96, 160))
_LIGHT = partial(_residual, stem=16, kernel=5, widths=(16, 32, 48, 64))


def _inception_resnet_v2(channels: int) -> nn.Module:
    """Build the paper's backbone, from scratch."""
    return _timm("inception_resnet_v2", channels)


def _timm(name: str, channels: int) -> nn.Module:
    network: nn.Module = timm.create_model(name, pretrained=False, in_chans=channels, num_classes=0)
    return network


class _AlexNet(nn.Module):
    """The convolutional part of AlexNet (Krizhevsky 2014), as torchvision builds it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = torchvision.models.alexnet(weights=None).features
        first = self.layers[0]
        if channels != first.in_channels:
            self.layers[0] = nn.Conv2d(
                channels,
                first.out_channels,
                kernel_size=first.kernel_size,
                stride=first.stride,
                padding=first.padding,
            )

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the last feature map."""
        features: Tensor = self.layers(images)
        return features


def _vgg16(channels: int) -> nn.Module:
    """Build the convolutional part of VGG16; its own dense layers give way to the common head."""
    backbone = _timm("vgg16", channels)
    backbone.pre_logits = nn.Identity()
    return backbone


NETWORKS: dict[str, Architecture] = {
    "compact": Architecture(_COMPACT, width=160, smallest=8),
    "light": Architecture(_LIGHT, width=64, smallest=8),
    "inception_resnet_v2": Architecture(_inception_resnet_v2, width=1536, smallest=75),
    "alexnet": Architecture(_AlexNet, width=256, smallest=63),
    "vgg16": Architecture(_vgg16, width=512, smallest=32),
    "resnet50": Architecture(partial(_timm, "resnet50"), width=2048, smallest=16),
    "densenet121": Architecture(partial(_timm, "densenet121"), width=1024, smallest=32),
    "efficientnet_b0": Architecture(partial(_timm, "efficientnet_b0"), width=1280, smallest=16),
}

COMPARED = (
    "inception_resnet_v2",
    "alexnet",
    "vgg16",
    "resnet50",
    "densenet121",
    "efficientnet_b0",
)
"""Six architectures for the comparison that selected the paper's backbone: it names the first
only; AlexNet as in Anantrasirichai et al. (2018), VGG16 as in Gaddes et al. (2021)."""


def build(name: str, channels: int, *, seed: int = 0) -> Classifier:
    """Build a network with random weights.

    Parameters
    ----------
    name : str
        A key of `NETWORKS`.
    channels : int
        Number of channels of an image, at least 1.
    seed : int
        Seed of the weights; the state of torch's own generator is left as it was.

    Returns
    -------
    Classifier
        In training mode.

    Raises
    ------
    ValueError
        If the name is unknown or there is no channel.
    """
    if name not in NETWORKS:
        raise ValueError(
            f"network {name!r} is not known: choose one of {', '.join(sorted(NETWORKS))}"
        )
    if channels < 1:
        raise ValueError(
            f"channels {channels} is below 1: give the number of channels of the encoding"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier(name, channels)
