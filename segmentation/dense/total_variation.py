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
    labels, done, moved = u.argmax(0), 0, 1.0
    scale = 1 / (1 + data * seeds.weight)
    pull = data * seeds.share
    while done < most and moved >= changing:
        for _ in range(_LOOK_EVERY):
            dual[0, :, :, :-1] += _STEP * (ahead[:, :, 1:] - ahead[:, :, :-1])
            dual[1, :, :-1] += _STEP * (ahead[:, 1:] - ahead[:, :-1])
            length = dual.square().sum((0, 1)).sqrt()
            dual *= (g / length.clamp(min=1e-12)).clamp(max=1)
            after = scale * (u + _STEP * _divergence(dual) + pull)
            ahead = 2 * after - u
            u = after
        done += _LOOK_EVERY
        now = u.argmax(0)
        moved, labels = float((now != labels).float().mean()), now
    return Solved(u, done, moved)


def _divergence(dual: Float[Tensor, "2 k h w"]) -> Float[Tensor, "k h w"]:
    """Of the dual variable, whose last column and row are nought: minus what the gradient is transposed."""
    out = dual[0] + dual[1]
    out[:, :, 1:] -= dual[0, :, :, :-1]
    out[:, 1:] -= dual[1, :, :-1]
    return out


def _at_pixels(spread: Conductance) -> Float[Tensor, "h w"]:
    """Conductance of pixels: the smaller one of those to the right and below."""
    height, width = len(spread.right), spread.down.shape[1]
    g = torch.ones(height, width, device=spread.right.device)
    g[:, :-1] = spread.right
    g[:-1] = torch.minimum(g[:-1], spread.down)
    return g
