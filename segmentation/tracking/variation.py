"""How much the flow varies around a point: the unit in which two tracks' motions differ much or little.

The variation is the standard deviation of the flow in a Gaussian window, sigma^2 = G * |w|^2 - |G * w|^2 (Brox and
Malik, ECCV 2010, divide by it so that the noise of bad flow and the parallax of a slope count less). An edge of the
motion in the window makes it large, which hides what moves behind the edge; the bilateral window leaves pixels out that
move unlike the point itself (Ochs et al., PAMI 2014, smooth it edge-preservingly). How wide either window is was not
published. Floors and means over time are left to whoever compares tracks.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from segmentation.tracking.gaussian import gaussian
from segmentation.tracking.settings import TrackerSettings

_STRIDE = 3
"""Of the bilateral window's samples: a third of the window's standard deviation loses nothing of a smooth weight."""


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
    height, width = flow.shape[1:]
    x, y = pixels.unbind(1)
    centre = flow[:, y, x]  # 2 n
    alike = settings.consistency_slope * centre.square().sum(0) + settings.consistency_offset  # n
    reach = int(settings.variation_window)
    offset = torch.arange(-reach, reach + 1, device=flow.device) * _STRIDE
    total = torch.zeros_like(alike)
    first, second = torch.zeros_like(centre), torch.zeros_like(alike)
    for down in offset.tolist():  # row by row of the window, so that it takes no memory to speak of
        there_x, there_y = x[:, None] + offset, (y + down)[:, None]
        inside = (there_x >= 0) & (there_x < width) & (there_y >= 0) & (there_y < height)
        seen = flow[:, there_y.clamp(0, height - 1), there_x.clamp(0, width - 1)]  # 2 n window
        difference = seen - centre[:, :, None]
        squared = difference.square().sum(0)
        far = (offset.square() + down**2) / settings.variation_window**2
        weight = torch.exp(-0.5 * (far + squared / alike[:, None])) * inside
        total += weight.sum(1)
        first += (weight * difference).sum(2)
        second += (weight * squared).sum(1)
    first, second = first / total, second / total
    return (second - first.square().sum(0)).clamp(min=0).sqrt()
