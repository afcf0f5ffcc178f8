"""FlowNet2-SD (Ilg et al., CVPR 2017, section 5): small kernels and a finer start for small displacements."""

from jaxtyping import Float
from torch import Tensor, nn

from flowfeat.networks.blocks import Conv, Refinement, scaled


class FlowNetSD(nn.Module):
    """Two frames to flow at 1/4 of the size; pixels for one unit are the profile's."""

    def __init__(self, width: float = 1.0):
        super().__init__()
        c64, c128, c256, c512, c1024 = (scaled(c, width) for c in (64, 128, 256, 512, 1024))
        self.conv0, self.conv1, self.conv1_1 = Conv(6, c64), Conv(c64, c64, 3, 2), Conv(c64, c128)
        self.conv2, self.conv2_1 = Conv(c128, c128, 3, 2), Conv(c128, c128)
        self.conv3, self.conv3_1 = Conv(c128, c256, 3, 2), Conv(c256, c256)
        self.conv4, self.conv4_1 = Conv(c256, c512, 3, 2), Conv(c512, c512)
        self.conv5, self.conv5_1 = Conv(c512, c512, 3, 2), Conv(c512, c512)
        self.conv6, self.conv6_1 = Conv(c512, c1024, 3, 2), Conv(c1024, c1024)
        self.refinement = Refinement(
            6,
            {5: c512, 4: c512, 3: c256, 2: c128},
            {5: c512, 4: c256, 3: c128, 2: c64},
            {5: c512, 4: c256, 3: c128, 2: c64},
            True,
            c1024,
        )

    def forward(self, images: Float[Tensor, "n 6 h w"]) -> list[Float[Tensor, "n 2 h2 w2"]]:
        """Flow of the levels 2 to 6 (1/4 to 1/64). Sides are multiples of 64."""
        conv2_1 = self.conv2_1(self.conv2(self.conv1_1(self.conv1(self.conv0(images)))))
        conv3_1 = self.conv3_1(self.conv3(conv2_1))
        conv4_1 = self.conv4_1(self.conv4(conv3_1))
        conv5_1 = self.conv5_1(self.conv5(conv4_1))
        conv6_1 = self.conv6_1(self.conv6(conv5_1))
        return self.refinement(conv6_1, {5: conv5_1, 4: conv4_1, 3: conv3_1, 2: conv2_1})
