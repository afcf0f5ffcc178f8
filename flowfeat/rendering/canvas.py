"""Pictures of a batch of scenes, painted over window by window from the back to the front."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flowfeat.rendering.layers import Points


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels of the frame, of one size and another place for each layer.

    Attributes:
        positions: of its pixels: a row of x, a column of y.
        index: of its pixels among those of all scenes.
    """

    positions: Points
    index: Int[Tensor, "1 n"]


def window_around(
    box: Float[Tensor, "b 2 2"], scene: Int[Tensor, "b"], height: int, width: int, device: torch.device
) -> Window | None:
    """The smallest window in the frame that holds what of each box is in it; None where nothing is.

    Args:
        box: the least and the greatest x and y, on the CPU, as the window's size has to be known there.
        scene: of the batch, in which each box is; likewise.
    """
    most = torch.tensor([width - 1, height - 1])
    low, high = box[:, 0].floor().clamp(min=0).long(), torch.minimum(box[:, 1].ceil().long(), most)
    sides = high - low + 1
    sides = sides[(sides > 0).all(1)]
    if not len(sides):
        return None
    # Two pixels at least, as edges are measured from one to the next.
    columns, rows = (min(max(int(side), 2), int(limit) + 1) for side, limit in zip(sides.amax(0), most, strict=True))
    corner = torch.minimum(low, most + 1 - torch.tensor([columns, rows])).clamp(min=0)
    x = corner[:, 0, None, None].to(device) + torch.arange(columns, device=device)
    y = corner[:, 1, None, None].to(device) + torch.arange(rows, device=device)[:, None]
    index = (scene.to(device)[:, None, None] * height + y) * width + x
    return Window((x.float(), y.float()), index.reshape(1, -1))


class Canvas:
    """Values of every pixel of every scene."""

    def __init__(self, values: Float[Tensor, "b c h w"]):
        # Scenes side by side: one index finds a pixel in every channel.
        self._values = values.transpose(0, 1).contiguous()
        self._flat = self._values.view(len(self._values), -1)

    @property
    def values(self) -> Float[Tensor, "b c h w"]:
        return self._values.transpose(0, 1)

    def blend(self, window: Window, values: Float[Tensor, "b c h w"], covered: Float[Tensor, "b h w"]) -> None:
        """Paint over what is there as far as `covered`, 0..1."""
        values = values.transpose(0, 1)
        index = window.index.expand(len(values), -1)
        mixed = self._flat.gather(1, index).view(values.shape).lerp_(values, covered)
        self._flat.scatter_(1, index, mixed.view(index.shape))

    def replace(self, window: Window, values: Float[Tensor, "b c h w"], covered: Bool[Tensor, "b h w"]) -> None:
        """Paint over what is there where `covered`."""
        self.blend(window, values, covered.float())
