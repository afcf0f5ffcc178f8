"""FlowNet2 (Ilg et al., CVPR 2017, figure 2): the stack and the network for small displacements, fused."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from flowfeat.networks.blocks import FLOW_SCALE, brightness_error, channel_norm, upsample
from flowfeat.networks.flownet_sd import FlowNetSD
from flowfeat.networks.fusion import Fusion
from flowfeat.networks.numerics import Numerics
from flowfeat.networks.stack import FlowNetStack
from flowfeat.ops import warp


class FlowNet2(nn.Module):
    """FlowNet2-CSS-ft-sd and FlowNet2-SD, fused at full size."""

    def __init__(self, stack: FlowNetStack, small_displacement: FlowNetSD, fusion: Fusion, numerics: Numerics):
        super().__init__()
        self.stack, self.small_displacement, self.fusion, self.numerics = stack, small_displacement, fusion, numerics

    def forward(self, images: Float[Tensor, "n 6 h w"]) -> list[Float[Tensor, "n 2 h2 w2"]]:
        """Flow in pixels of the fusion's levels 0 to 2. Sides are multiples of 64."""
        return self.parts(images)[-1]

    def parts(self, images: Float[Tensor, "n 6 h w"]) -> tuple[list[list[Tensor]], list[Tensor], list[Tensor]]:
        """What each part says: the levels of every network of the stack, of the small-displacement network, fused."""
        stack, small = self.stack(images), self.small_displacement(images)
        of_stack = upsample(stack[-1][0] * FLOW_SCALE, 4, None)
        of_small = upsample(small[0] * self.numerics.small_displacement_scale, 4, None)
        return stack, small, self.fusion(self.evidence(images, of_small, of_stack))

    def evidence(
        self, images: Float[Tensor, "n 6 h w"], small: Float[Tensor, "n 2 h w"], large: Float[Tensor, "n 2 h w"]
    ) -> Float[Tensor, "n 11 h w"]:
        """What the fusion sees: the first frame, both flows, their lengths, and the error each leaves."""
        first, second = images[:, :3], images[:, 3:]
        errors = [brightness_error(first, warp(second, flow, self.numerics.border)) for flow in (small, large)]
        return torch.cat([first, small, large, channel_norm(small), channel_norm(large), *errors], 1)
