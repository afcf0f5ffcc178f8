"""The fusion network (Ilg et al., CVPR 2017, figure 2): two flows and how well each explains the frames, to one."""

from jaxtyping import Float
from torch import Tensor, nn

from flowfeat.networks.blocks import Conv, Refinement, scaled


class Fusion(nn.Module):
    """Eleven channels at full size to flow in pixels at full size."""

    def __init__(self, width: float = 1.0):
        super().__init__()
        c16, c32, c64, c128 = (scaled(c, width) for c in (16, 32, 64, 128))
        self.conv0, self.conv1, self.conv1_1 = Conv(11, c64), Conv(c64, c64, 3, 2), Conv(c64, c128)
        self.conv2, self.conv2_1 = Conv(c128, c128, 3, 2), Conv(c128, c128)
        self.refinement = Refinement(2, {1: c128, 0: c64}, {1: c32, 0: c16}, {1: c32, 0: c16}, True, c128)

    def forward(self, evidence: Float[Tensor, "n c h w"]) -> list[Float[Tensor, "n 2 h2 w2"]]:
        """Flow in pixels of the levels 0 to 2 (full size to 1/4). Sides are multiples of 4."""
        conv0 = self.conv0(evidence)
        conv1_1 = self.conv1_1(self.conv1(conv0))
        return self.refinement(self.conv2_1(self.conv2(conv1_1)), {1: conv1_1, 0: conv0})
