"""Networks on top of each other (Ilg et al., CVPR 2017, section 4): each sees what the ones before left unexplained."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from flowfeat.networks.blocks import FLOW_SCALE, brightness_error, upsample
from flowfeat.networks.flownet_c import FlowNetC
from flowfeat.networks.flownet_s import FlowNetS
from flowfeat.networks.numerics import Numerics
from flowfeat.ops import warp


class FlowNetStack(nn.Module):
    """A first network and stages behind it: CS, CSS, SS, ...; without `warping`, stages see frames and flow alone."""

    def __init__(self, first: FlowNetC | FlowNetS, stages: list[FlowNetS], numerics: Numerics, warping: bool = True):
        super().__init__()
        self.first, self.stages, self.numerics, self.warping = first, nn.ModuleList(stages), numerics, warping

    def forward(self, images: Float[Tensor, "n 6 h w"]) -> list[list[Float[Tensor, "n 2 h2 w2"]]]:
        """The levels (finest first, units of 20 pixels) of every network, the last network last."""
        outputs = [self.first(images)]
        for stage in self.stages:
            outputs.append(stage(self.link(images, outputs[-1][0])))
        return outputs

    def link(self, images: Float[Tensor, "n 6 h w"], quarter: Float[Tensor, "n 2 h4 w4"]) -> Float[Tensor, "n c h w"]:
        """What a stage sees: both frames, the second warped by the flow so far, that flow, and the brightness error."""
        flow = upsample(quarter * FLOW_SCALE, 4, self.numerics.align_corners)
        if not self.warping:
            return torch.cat([images, flow / FLOW_SCALE], 1)
        warped = warp(images[:, 3:], flow, self.numerics.border)
        error = brightness_error(images[:, :3], warped)
        return torch.cat([images, warped, flow / FLOW_SCALE, error], 1)
