"""Where a point may not follow the flow: out of the frame, into an occlusion, along an edge of the motion."""

from enum import IntEnum

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from segmentation.tracking.settings import TrackerSettings


class Stop(IntEnum):
    """Why a point is not tracked on; the first cause that holds, in this order."""

    NONE = 0
    LEFT_FRAME = 1
    INCONSISTENT = 2
    MOTION_BOUNDARY = 3


def stop_causes(
    forward: Float[Tensor, "2 h w"],
    backward: Float[Tensor, "2 h w"],
    pixels: Int[Tensor, "n 2"],
    settings: TrackerSettings,
) -> UInt8[Tensor, " n"]:
    """The cause why each pixel's flow cannot be followed, a `Stop` (Sundaram et al., ECCV 2010, section 3).

    A pixel x goes to x' = x + w(x), where the backward flow, bilinear, is b'. It is stopped where one of the four
    pixels around x' is outside the frame; where |w + b'|^2 >= 0.01 (|w|^2 + |b'|^2) + 0.5, so that forward and
    backward flow contradict each other; and where |grad u|^2 + |grad v|^2 > 0.01 |w|^2 + 0.002.

    Only pixels that are asked for are looked at: some thousands of hundreds of thousands.

    Args:
        forward: from this frame to the next, in pixels.
        backward: from the next frame to this one.
        pixels: x and y, inside the frame.
        settings: for the constants.
    """
    height, width = forward.shape[1:]
    x, y = pixels.unbind(1)
    flow = forward[:, y, x]  # 2 n
    to_x, to_y = x + flow[0], y + flow[1]
    left_frame = (to_x < 0) | (to_x >= width - 1) | (to_y < 0) | (to_y >= height - 1)

    back = bilinear(backward, torch.stack([to_x, to_y], 1)).T
    squared = flow.square().sum(0)
    tolerance = settings.consistency_slope * (squared + back.square().sum(0)) + settings.consistency_offset
    inconsistent = (flow + back).square().sum(0) >= tolerance

    bound = settings.boundary_slope * squared + settings.boundary_offset
    boundary = _squared_gradient(forward, x, y) > bound

    cause = torch.where(boundary, int(Stop.MOTION_BOUNDARY), int(Stop.NONE))
    cause[inconsistent] = int(Stop.INCONSISTENT)
    cause[left_frame] = int(Stop.LEFT_FRAME)
    return cause.to(torch.uint8)


def _squared_gradient(flow: Float[Tensor, "2 h w"], x: Int[Tensor, " n"], y: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
    """|grad u|^2 + |grad v|^2 by central differences, 0 across the border."""
    height, width = flow.shape[1:]
    across = flow[:, y, (x + 1).clamp(max=width - 1)] - flow[:, y, (x - 1).clamp(min=0)]
    down = flow[:, (y + 1).clamp(max=height - 1), x] - flow[:, (y - 1).clamp(min=0), x]
    across = across * ((x > 0) & (x < width - 1))
    down = down * ((y > 0) & (y < height - 1))
    return (across.square().sum(0) + down.square().sum(0)) / 4


def bilinear(field: Float[Tensor, "c h w"], xy: Float[Tensor, "n 2"]) -> Float[Tensor, "n c"]:
    """The field at positions between its pixels; outside the frame, that of the border."""
    height, width = field.shape[1:]
    x, y = xy[:, 0].clamp(0, width - 1), xy[:, 1].clamp(0, height - 1)
    left, top = x.floor().long(), y.floor().long()
    right, below = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    a, b = x - left, y - top
    upper = torch.lerp(field[:, top, left], field[:, top, right], a)
    return torch.lerp(upper, torch.lerp(field[:, below, left], field[:, below, right], a), b).T
