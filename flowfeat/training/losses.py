"""The error of every level of a network (FlowNet 2015, section 4.3; FlowNet 2.0, section 5).

Levels are summed over their cells, as in the authors' code and in mmflow: of weights 0.32 for the coarsest level and
0.005 for the finest one, whose cells are 256 times as many, the finest level has the larger part.
"""

from collections.abc import Sequence

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from flowfeat.metrics import endpoint_error


def multiscale_loss(
    levels: Sequence[Float[Tensor, "n 2 _ _"]],
    flow: Float[Tensor, "n 2 h w"],
    valid: Bool[Tensor, "n h w"],
    weights: Sequence[float],
    exponent: float = 1.0,
    epsilon: float = 0.0,
) -> Float[Tensor, ""]:
    """The weighted sum over levels of the endpoint error of an image's cells, in the network's units; the images' mean.

    Args:
        levels: predictions, finest first, each a whole fraction of the frame's size.
        flow: the truth in the network's units, at the frame's size.
        valid: where the truth is known.
        weights: of the levels, finest first.
        exponent: q of (error + epsilon)^q, which turns attention to small errors where it is below 1: FlowNet2-ft-sd
            is trained with 0.4.
    """
    total = flow.new_zeros(())
    for level, weight in zip(levels, weights, strict=True):
        truth, known = downsampled(flow, valid, (level.shape[2], level.shape[3]))
        error = endpoint_error(level.float(), truth)
        if exponent != 1.0:
            error = (error + epsilon) ** exponent
        total = total + weight * (error * known).sum() / len(flow)
    return total


def downsampled(
    flow: Float[Tensor, "n 2 h w"], valid: Bool[Tensor, "n h w"], size: tuple[int, int]
) -> tuple[Float[Tensor, "n 2 h2 w2"], Float[Tensor, "n h2 w2"]]:
    """The mean of the known flow of each cell, and 1 where any is known."""
    known = valid[:, None].to(flow.dtype)
    if tuple(flow.shape[2:]) == size:
        return flow, known[:, 0]
    share = functional.adaptive_avg_pool2d(known, size)
    mean = functional.adaptive_avg_pool2d(flow * known, size) / share.clamp(min=1e-6)
    return mean, (share[:, 0] > 0).to(flow.dtype)
