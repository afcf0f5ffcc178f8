"""How far one flow field is from another, pixel by pixel, and the means that papers report.

Maps keep every dimension before the last three, so a batch goes in as well as a single field. Means skip what a mask
leaves out, and count in float64: a mean over millions of float32 pixels would lose digits.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

OUTLIER_PIXELS, OUTLIER_SHARE = 3.0, 0.05
"""KITTI's thresholds: an error is an outlier above 3 pixels and, since 2015, above 5 % of the true displacement."""


@dataclass(frozen=True)
class Mean:
    """A mean and over how many pixels it was taken, so that means of several pairs can be joined."""

    value: float
    pixels: int


def endpoint_error(flow: Float[Tensor, "*b 2 h w"], truth: Float[Tensor, "*b 2 h w"]) -> Float[Tensor, "*b h w"]:
    """The Euclidean distance of the displacements, in their unit (Otte and Nagel, ECCV 1994).

    >>> endpoint_error(torch.tensor([[[3.0]], [[4.0]]]), torch.zeros(2, 1, 1))
    tensor([[5.]])
    """
    return length(flow - truth)


def length(flow: Float[Tensor, "*b 2 h w"]) -> Float[Tensor, "*b h w"]:
    """How far each pixel moves; its gradient is 0 where nothing moves."""
    # At 480x640 on one core 15 ms; 160 ms with the components apart, as they lie. `hypot` would take 3 ms, but its
    # gradient is NaN at 0.
    return torch.linalg.vector_norm(flow.movedim(-3, -1).contiguous(), dim=-1)


def angular_error(flow: Float[Tensor, "*b 2 h w"], truth: Float[Tensor, "*b 2 h w"]) -> Float[Tensor, "*b h w"]:
    """The angle in degrees between (u, v, 1) and (u*, v*, 1) (Barron et al., IJCV 1994).

    >>> angular_error(torch.tensor([[[1.0]], [[0.0]]]), torch.zeros(2, 1, 1))
    tensor([[45.]])
    """
    (u, v), (x, y) = flow.unbind(-3), truth.unbind(-3)
    # The arc cosine of the scalar product has no digits left below a hundredth of a degree.
    across = torch.hypot(torch.hypot(v - y, x - u), u * y - v * x)
    return torch.rad2deg(torch.atan2(across, u * x + v * y + 1))


def outliers(
    error: Float[Tensor, "*b h w"], truth: Float[Tensor, "*b 2 h w"], relative: bool = True
) -> Bool[Tensor, "*b h w"]:
    """Where KITTI calls an endpoint error wrong: above 3 pixels and, if `relative`, above 5 % of the displacement.

    Fl of KITTI 2015 is the share of these pixels; KITTI 2012 counts without `relative`. Both thresholds are strict
    (evaluate_scene_flow.cpp and evaluate_flow.cpp of the development kits).
    """
    wrong = error > OUTLIER_PIXELS
    return wrong & (error > OUTLIER_SHARE * length(truth)) if relative else wrong


def masked_mean(values: Float[Tensor, "*b h w"] | Bool[Tensor, "*b h w"], mask: Bool[Tensor, "*b h w"]) -> Mean | None:
    """The mean of `values` where `mask` holds; None where it nowhere does.

    >>> masked_mean(torch.tensor([[1.0, 5.0]]), torch.tensor([[True, False]]))
    Mean(value=1.0, pixels=1)
    """
    pixels = int(mask.sum())
    return Mean(float(values[mask].double().sum()) / pixels, pixels) if pixels else None


def mean_over_pairs(means: list[Mean]) -> float | None:
    """The mean of each pair's mean: every pair counts the same. None without a pair."""
    return sum(mean.value for mean in means) / len(means) if means else None


def mean_over_pixels(means: list[Mean]) -> float | None:
    """The mean over the pixels of all pairs together: every pixel counts the same. None without a pixel."""
    pixels = sum(mean.pixels for mean in means)
    return sum(mean.value * mean.pixels for mean in means) / pixels if pixels else None
