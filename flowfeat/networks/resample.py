"""Caffe's Resample layer, which the authors' networks change the size of frames and flow with."""

import torch
from jaxtyping import Float
from torch import Tensor


def caffe_resample(values: Float[Tensor, "n c h w"], size: tuple[int, int]) -> Float[Tensor, "n c h2 w2"]:
    """`values` at another size (height, width), as the layer does it with LINEAR and antialiasing.

    A triangle filter around half-pixel centres, its weights normalised at the borders, as wide as an output pixel where
    the size shrinks. The layer's two offsets are swapped (x takes half of y's factor, y half of x's), which shows where
    the factors differ; the published weights were measured with that, so it is kept.
    """
    height, width = values.shape[2:]
    if size == (height, width):
        return values
    factors = height / size[0], width / size[1]
    antialias = max(factors) > 1
    rows = _triangle(height, size[0], factors[0], factors[1] / 2, antialias, values)
    columns = _triangle(width, size[1], factors[1], factors[0] / 2, antialias, values)
    return rows @ values @ columns.T


def _triangle(
    inputs: int, outputs: int, factor: float, offset: float, antialias: bool, like: Tensor
) -> Float[Tensor, "{outputs} {inputs}"]:
    """The weight of each input pixel in each output pixel, along one side."""
    positions = torch.arange(outputs, device=like.device, dtype=torch.float32)[:, None] * factor + offset - 0.5
    distances = positions - torch.arange(inputs, device=like.device, dtype=torch.float32)
    weights = (1 - distances.abs() / (factor if antialias else 1.0)).clamp(min=0)
    # A narrowed triangle can miss every pixel; the layer then writes zero.
    return (weights / weights.sum(1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)).to(like.dtype)
