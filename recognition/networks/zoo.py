"""Names to networks, and what is published of each: its weights and the colours it was trained on."""

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import nn

from flowfeat.errors import InputError
from recognition.networks.bn_inception import BnInception
from recognition.networks.cnn_m_2048 import CnnM2048
from recognition.networks.imagenet import load_weights
from recognition.networks.resnet import build_resnet
from recognition.networks.small_vgg import SmallVgg

NetworkName = Literal["cnn-m-2048", "small-vgg", "resnet18", "resnet50", "bn-inception"]

NETWORKS: tuple[NetworkName, ...] = get_args(NetworkName)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Of red, green and blue over ImageNet, levels in 0..1, as torchvision's networks were trained."""

IMAGENET_STD = (0.229, 0.224, 0.225)


def build_network(
    name: NetworkName,
    channels: int,
    classes: int,
    dropout: float,
    weights: Path | Literal["imagenet"] | None = None,
) -> nn.Module:
    """A network for stacks or frames (n, channels, h, w), float32, whose output is (n, classes) before the softmax.

    Args:
        name: of `NETWORKS`.
        channels: 2L for a stack of L fields, 3 for a frame in RGB.
        classes: scores that are given; the last layer is always new.
        dropout: the probability before the last layer, in CNN-M-2048 before the last two.
        weights: a file, or torchvision's weights of ImageNet, which are fetched once; None begins at random. A first
            layer of colour is averaged and repeated where the input is not colour.

    Raises:
        InputError: there is no such network, the file is none of this network's weights, or they cannot be fetched.
    """
    if channels < 1 or classes < 2 or not 0 <= dropout < 1:
        raise InputError(
            f"{name}: {channels} channels, {classes} classes and dropout {dropout} make no network; it takes at least "
            "1 channel and 2 classes, and a dropout from 0 to below 1"
        )
    network = _build(name, channels, classes, dropout)
    if weights is not None:
        load_weights(network, name, weights)
    # Convolutions in this order are 1.1 to 2 times as fast on processors, and feed the tensor cores of GPUs.
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _build(name: NetworkName, channels: int, classes: int, dropout: float) -> nn.Module:
    match name:
        case "cnn-m-2048":
            return CnnM2048(channels, classes, dropout, second_normalisation=channels == 3)
        case "small-vgg":
            return SmallVgg(channels, classes, dropout)
        case "bn-inception":
            return BnInception(channels, classes, dropout)
        case "resnet18" | "resnet50":
            return build_resnet(int(name.removeprefix("resnet")), channels, classes, dropout)
        case _:
            raise InputError(f"network {name}: there is no such network; there are {', '.join(NETWORKS)}")
