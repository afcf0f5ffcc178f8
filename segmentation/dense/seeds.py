"""Sparse labels of one frame: the tracks that run through it, as a picture that is empty almost everywhere."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from segmentation.trajectories import counted_pixels


@dataclass(frozen=True)
class Seeds:
    """What dense labels grow from.

    Attributes:
        weight: how many tracks run through each pixel.
        share: of these, how many have each label: sums up to `weight` over the labels.
    """

    weight: Float[Tensor, "h w"]
    share: Float[Tensor, "k h w"]


def plant(
    xy: Float[np.ndarray, "n 2"],
    labels: Int[np.ndarray, " n"],
    count: int,
    size: tuple[int, int],
    device: torch.device | str = "cpu",
) -> Seeds:
    """Seeds at the pixels that points lie on, as the evaluators count them; outside ones are left out.

    Args:
        xy: positions in pixels.
        labels: 0 to `count` - 1.
        count: of labels.
        size: height and width.
    """
    height, width = size
    pixel, inside = counted_pixels(xy, height, width)
    place = torch.from_numpy(labels[inside] * height * width + pixel).to(device)
    share = torch.zeros(count * height * width, device=device)
    share.index_add_(0, place, torch.ones(len(place), device=device))
    share = share.view(count, height, width)
    return Seeds(share.sum(0), share)


@dataclass(frozen=True)
class Conductance:
    """How easily a label spreads between neighbouring pixels: 1 over even colour, next to 0 over an edge.

    Attributes:
        right: to the pixel on the right.
        down: to the pixel below.
    """

    right: Float[Tensor, "h w1"]
    down: Float[Tensor, "h1 w"]


def conductance(image: UInt8[Tensor, "3 h w"], edge: float, floor: float) -> Conductance:
    """Of an RGB picture: exp(-(d / edge)^2) of the colours' distance d, and no less than `floor`.

    Args:
        image: 0..255.
        edge: the distance of colours, in grey levels, at which an edge counts as one.
        floor: that labels reach regions without tracks at all.
    """
    picture = image.float()

    def between(first: Tensor, second: Tensor) -> Tensor:
        distance = (first - second).square().mean(0)
        return torch.exp(-distance / edge**2).clamp(min=floor)

    return Conductance(between(picture[:, :, 1:], picture[:, :, :-1]), between(picture[:, 1:, :], picture[:, :-1, :]))
