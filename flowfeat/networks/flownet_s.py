"""FlowNetS (Dosovitskiy et al., ICCV 2015): both frames through one encoder."""

from jaxtyping import Float
from torch import Tensor, nn

from flowfeat.networks.blocks import Conv, Refinement, scaled


class FlowNetS(nn.Module):
    """Two frames, or a stage's twelve channels, to flow at 1/4 of the size in units of 20 pixels.

    The flow up-convolutions have no bias unless asked for: the authors never trained it.
    """

    def __init__(self, inputs: int = 6, width: float = 1.0, upsample_bias: bool = False):
        super().__init__()
        c64, c128, c256, c512, c1024 = (scaled(c, width) for c in (64, 128, 256, 512, 1024))
        self.conv1, self.conv2 = Conv(inputs, c64, 7, 2), Conv(c64, c128, 5, 2)
        self.conv3, self.conv3_1 = Conv(c128, c256, 5, 2), Conv(c256, c256)
        self.conv4, self.conv4_1 = Conv(c256, c512, 3, 2), Conv(c512, c512)
        self.conv5, self.conv5_1 = Conv(c512, c512, 3, 2), Conv(c512, c512)
        self.conv6, self.conv6_1 = Conv(c512, c1024, 3, 2), Conv(c1024, c1024)
        self.refinement = Refinement(
            6, {5: c512, 4: c512, 3: c256, 2: c128}, {5: c512, 4: c256, 3: c128, 2: c64}, {}, upsample_bias, c1024
        )

    def forward(self, images: Float[Tensor, "n c h w"]) -> list[Float[Tensor, "n 2 h2 w2"]]:
        """Flow of the levels 2 to 6 (1/4 to 1/64). Sides are multiples of 64."""
        conv2 = self.conv2(self.conv1(images))
        conv3_1 = self.conv3_1(self.conv3(conv2))
        conv4_1 = self.conv4_1(self.conv4(conv3_1))
        conv5_1 = self.conv5_1(self.conv5(conv4_1))
        conv6_1 = self.conv6_1(self.conv6(conv5_1))
        return self.refinement(conv6_1, {5: conv5_1, 4: conv4_1, 3: conv3_1, 2: conv2})
