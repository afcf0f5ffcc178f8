"""How well a point can be told from its neighbours: the structure tensor's smaller eigenvalue."""

import torch
from jaxtyping import Float
from torch import Tensor

from segmentation.tracking.gaussian import gaussian


def central_differences(field: Float[Tensor, "c h w"]) -> tuple[Float[Tensor, "c h w"], Float[Tensor, "c h w"]]:
    """The derivatives to the right and downwards; 0 across the border, where one of the two neighbours is missing."""
    right, down = torch.zeros_like(field), torch.zeros_like(field)
    right[..., 1:-1] = (field[..., 2:] - field[..., :-2]) / 2
    down[:, 1:-1] = (field[:, 2:] - field[:, :-2]) / 2
    return right, down


def corner_strength(smoothed: Float[Tensor, "c h w"], rho: float) -> Float[Tensor, "h w"]:
    """The smaller eigenvalue of the structure tensor (Shi and Tomasi, CVPR 1994), summed over the colours.

    Args:
        smoothed: the frame after its smoothing, 0..255.
        rho: standard deviation of the Gaussian over the products of derivatives, in pixels.
    """
    right, down = central_differences(smoothed)
    products = torch.stack([(right * right).sum(0), (down * down).sum(0), (right * down).sum(0)])
    xx, yy, xy = gaussian(products, rho)
    # The reference's h^2 + xy^2 - xx yy under the root is this sum of squares; written out, rounding makes it negative
    # at the best corners of all, which the reference then takes for none.
    return (xx + yy) / 2 - torch.hypot((xx - yy) / 2, xy)
