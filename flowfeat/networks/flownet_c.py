"""FlowNetC (Dosovitskiy et al., ICCV 2015): each frame through its own stem, joined by their correlation."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from flowfeat.networks.blocks import SLOPE, Conv, Refinement, scaled
from flowfeat.networks.numerics import Numerics
from flowfeat.ops import correlation

MAX_DISPLACEMENT, DISPLACEMENT_STRIDE = 20, 2
"""Of the cost volume, in pixels of its features, which are 8 pixels of a frame."""

COSTS = (2 * (MAX_DISPLACEMENT // DISPLACEMENT_STRIDE) + 1) ** 2
"""Displacements for each pixel: 21 a side."""


class FlowNetC(nn.Module):
    """Two frames to flow at 1/4 of the size in units of 20 pixels."""

    def __init__(self, numerics: Numerics, width: float = 1.0):
        super().__init__()
        self.numerics = numerics
        c32, c64, c128, c256, c512, c1024 = (scaled(c, width) for c in (32, 64, 128, 256, 512, 1024))
        self.conv1, self.conv2, self.conv3 = Conv(3, c64, 7, 2), Conv(c64, c128, 5, 2), Conv(c128, c256, 5, 2)
        self.conv_redir, self.conv3_1 = Conv(c256, c32, 1), Conv(c32 + COSTS, c256)
        self.conv4, self.conv4_1 = Conv(c256, c512, 3, 2), Conv(c512, c512)
        self.conv5, self.conv5_1 = Conv(c512, c512, 3, 2), Conv(c512, c512)
        self.conv6, self.conv6_1 = Conv(c512, c1024, 3, 2), Conv(c1024, c1024)
        self.refinement = Refinement(
            6, {5: c512, 4: c512, 3: c256, 2: c128}, {5: c512, 4: c256, 3: c128, 2: c64}, {}, True, c1024
        )

    def forward(self, images: Float[Tensor, "n 6 h w"]) -> list[Float[Tensor, "n 2 h2 w2"]]:
        """Flow of the levels 2 to 6 (1/4 to 1/64). Sides are multiples of 64."""
        count = len(images)
        # The stem is shared, so both frames go through it as one batch.
        conv2 = self.conv2(self.conv1(torch.cat([images[:, :3], images[:, 3:]])))
        conv3 = self.conv3(conv2)
        conv3_1 = self.conv3_1(self.joined(conv3[:count], conv3[count:]))
        conv4_1 = self.conv4_1(self.conv4(conv3_1))
        conv5_1 = self.conv5_1(self.conv5(conv4_1))
        conv6_1 = self.conv6_1(self.conv6(conv5_1))
        return self.refinement(conv6_1, {5: conv5_1, 4: conv4_1, 3: conv3_1, 2: conv2[:count]})

    def joined(self, first: Float[Tensor, "n c h w"], second: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k h w"]:
        """What conv3_1 sees of both frames' features: the first frame's, and the cost of every displacement."""
        costs = correlation(first, second, max_displacement=MAX_DISPLACEMENT, displacement_stride=DISPLACEMENT_STRIDE)
        if self.numerics.cost_scale == "sum":
            costs = costs * first.shape[1]
        costs = functional.leaky_relu(costs, SLOPE)
        return torch.cat([self.conv_redir(first), costs], 1)
