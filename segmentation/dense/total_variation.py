"""Labels with short boundaries along edges: Ochs and Brox's energy itself, with total variation.

    sum_i c_i (u_k(i) - s_k(i))^2  +  alpha sum_i g_i sqrt(sum_k |grad u_k(i)|^2)

Convex, and solved by the primal-dual iterations of Chambolle and Pock (2011, algorithm 1), from the diffused labels
or those of the frame before. The paper's rounding of the root at 0.001 is left out: the dual form needs none.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from segmentation.dense.diffusion import Solved
from segmentation.dense.seeds import Conductance, Seeds

_STEP = 8**-0.5
"""Of both variables: the gradient on a grid has a norm of no more than the root of 8."""

_LOOK_EVERY = 10


def minimise_variation(
    seeds: Seeds,
    spread: Conductance,
    alpha: float,
    start: Float[Tensor, "k h w"],
    changing: float = 1e-4,
    most: int = 400,
) -> Solved:
    """The label functions of the energy above, until in ten iterations less than the share `changing` of the pixels
    change their labels."""
    data = 2 * _STEP / alpha
    g = _at_pixels(spread)
    u, ahead = start.clone(), start.clone()
    dual = torch.zeros(2, *u.shape, device=u.device)
    right, down = dual
    labels, done, moved = u.argmax(0), 0, 1.0
    scale = 1 / (1 + data * seeds.weight)
    pulled = scale * data * seeds.share
    while done < most and moved >= changing:
        for _ in range(_LOOK_EVERY):
            right[:, :, :-1].add_(ahead[:, :, 1:], alpha=_STEP).sub_(ahead[:, :, :-1], alpha=_STEP)
            down[:, :-1].add_(ahead[:, 1:], alpha=_STEP).sub_(ahead[:, :-1], alpha=_STEP)
            length = right.square().addcmul_(down, down).sum(0).sqrt_()
            dual *= (g / length.clamp_(min=1e-12)).clamp_(max=1)
            # Plus the divergence of the dual variable, whose last column and row are nought.
            after = torch.add(u, right, alpha=_STEP).add_(down, alpha=_STEP)
            after[:, :, 1:].sub_(right[:, :, :-1], alpha=_STEP)
            after[:, 1:].sub_(down[:, :-1], alpha=_STEP)
            after = torch.addcmul(pulled, scale, after)
            ahead = torch.lerp(u, after, 2.0)
            u = after
        done += _LOOK_EVERY
        now = u.argmax(0)
        moved, labels = float((now != labels).float().mean()), now
    return Solved(u, done, moved)


def _at_pixels(spread: Conductance) -> Float[Tensor, "h w"]:
    """Conductance of pixels: the smaller one of those to the right and below."""
    height, width = len(spread.right), spread.down.shape[1]
    g = torch.ones(height, width, device=spread.right.device)
    g[:, :-1] = spread.right
    g[:-1] = torch.minimum(g[:-1], spread.down)
    return g
