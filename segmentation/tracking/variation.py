"""How much the flow varies around a point: the unit in which two tracks' motions differ much or little.

The variation is the standard deviation of the flow in a Gaussian window, sigma^2 = G * |w|^2 - |G * w|^2 (Brox and
Malik, ECCV 2010, divide by it so that the noise of bad flow and the parallax of a slope count less). An edge of the
motion in the window makes it large, which hides what moves behind the edge; the bilateral window leaves pixels out that
move unlike the point itself (Ochs et al., PAMI 2014, smooth it edge-preservingly). How wide either window is was not
published. Floors and means over time are left to whoever compares tracks.
"""

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from segmentation.tracking.gaussian import gaussian
from segmentation.tracking.settings import TrackerSettings

_STRIDE = 3
"""Of the bilateral window's samples: a third of the window's standard deviation loses nothing of a smooth weight."""

_NOWHERE = 1e9
"""Flow outside the frame, in pixels: its weight is nought and its square is still a number in float32."""

_AT_ONCE = 4096
"""Bilateral windows that are in memory together, some 30 MB. Fewer are quicker on one thread, but the more often two
threads wait for each other, the more it costs on a busy machine."""


def flow_variation(
    flow: Float[Tensor, "2 h w"], pixels: Int[Tensor, "n 2"], settings: TrackerSettings
) -> Float[Tensor, " n"]:
    """The standard deviation of the flow around each pixel, in pixels, of both components together.

    Args:
        flow: of the frame the pixels are in.
        pixels: x and y, inside the frame.
        settings: `variation` says which window.
    """
    if settings.variation == "bilateral":
        return _bilateral(flow, pixels, settings)
    return gaussian_variation(flow, settings.variation_window)[pixels[:, 1], pixels[:, 0]]


def gaussian_variation(flow: Float[Tensor, "2 h w"], window: float) -> Float[Tensor, "h w"]:
    """The standard deviation of the flow in a Gaussian window, at every pixel."""
    # What all pixels have in common has no part in it, but in float32 its square would swallow a small variation.
    own = flow - flow.mean((1, 2), keepdim=True)
    u, v, squared = gaussian(torch.cat([own, own.square().sum(0, keepdim=True)]), window)
    return (squared - u * u - v * v).clamp(min=0).sqrt()


def _bilateral(
    flow: Float[Tensor, "2 h w"], pixels: Int[Tensor, "n 2"], settings: TrackerSettings
) -> Float[Tensor, " n"]:
    """The same in a window whose weights fall with the difference to the flow at its centre.

    As far apart as forward and backward flow may be and still be called consistent is one standard deviation, the
    only measure of "moves alike" the tracker has. Sampled every third pixel, up to three standard deviations.
    """
    reach, step = int(settings.variation_window), _STRIDE
    side, border = 2 * reach + 1, reach * step
    # Pixels that are not there differ from all others so much that they weigh nothing.
    beyond = [(border, border + -(length + 2 * border) % step) for length in reversed(flow.shape[1:])]
    padded = functional.pad(flow, [*beyond[0], *beyond[1]], value=_NOWHERE)
    # The samples of a window's row lie side by side in one of nine planes, and are copied as one.
    planes = rearrange(padded, "c (row down) (column right) -> c down right row column", down=step, right=step)
    rows, columns = planes.shape[3:]
    across, along = (channel.unfold(0, side, 1) for channel in planes.flatten(1))
    offset = torch.arange(side, device=flow.device)
    far = ((offset[:, None] - reach).square() + (offset - reach).square()).flatten() * step**2
    far = far.to(flow.dtype) / (-2 * settings.variation_window**2)

    found = []
    for x, y in (part.unbind(1) for part in pixels.split(_AT_ONCE)):
        u, v = flow[:, y, x].unsqueeze(2)  # n 1
        alike = settings.consistency_slope * (u * u + v * v) + settings.consistency_offset  # n 1
        start = ((y % step * step + x % step) * rows + y // step) * columns + x // step
        which = (start[:, None] + offset * columns).flatten()
        right = across.index_select(0, which).view(len(x), side * side).sub_(u)  # n window
        down = along.index_select(0, which).view(len(x), side * side).sub_(v)
        squared = (right * right).addcmul_(down, down)
        weight = torch.addcmul(far, squared, -0.5 / alike).exp_()
        total = weight.sum(1)
        first_u, first_v, second = (torch.linalg.vecdot(weight, values) / total for values in (right, down, squared))
        found.append((second - first_u.square() - first_v.square()).clamp(min=0).sqrt())
    return torch.cat(found) if found else flow.new_empty(0)
