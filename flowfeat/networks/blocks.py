"""The parts every network of the family is made of."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.1
"""Of every leaky ReLU in the family."""

FLOW_SCALE = 20.0
"""Pixels for one unit of flow in the networks."""


def scaled(channels: int, width: float) -> int:
    """Channels of a layer in a network `width` times as wide as the published one."""
    return max(1, int(channels * width))


class Conv(nn.Conv2d):
    """Convolution that keeps the size (or halves it), then leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1):
        super().__init__(inputs, outputs, kernel, stride, (kernel - 1) // 2)

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        return functional.leaky_relu(super().forward(input), SLOPE)


class Deconv(nn.ConvTranspose2d):
    """Up-convolution to twice the size, then leaky ReLU."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 4, 2, 1)

    def forward(self, input: Float[Tensor, "n c h w"], output_size: list[int] | None = None) -> Tensor:
        return functional.leaky_relu(super().forward(input, output_size), SLOPE)


def predict_flow(inputs: int) -> nn.Conv2d:
    """The linear layer that reads flow off features."""
    return nn.Conv2d(inputs, 2, 3, padding=1)


def upsample_flow(bias: bool) -> nn.ConvTranspose2d:
    """The learned upsampling of flow to twice the size."""
    return nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=bias)


class Refinement(nn.Module):
    """The expanding part (FlowNet 2015, figure 3): from the coarsest features to flow, level by level.

    Each level joins the encoder's features, those of the level below and its flow. With `inter` a linear convolution
    stands before each prediction (FlowNet2-SD and the fusion). Levels are numbered by their halvings: 6 is 1/64.
    """

    def __init__(
        self,
        coarsest: int,
        laterals: dict[int, int],
        deconvs: dict[int, int],
        inters: dict[int, int],
        upsample_bias: bool,
        predict_coarsest: int,
    ):
        """`laterals`, `deconvs` and `inters` give the channels at each level below the coarsest, finest last."""
        super().__init__()
        self.top, self.levels = coarsest, list(laterals)
        self.add_module(f"predict_flow{coarsest}", predict_flow(predict_coarsest))
        below, channels = coarsest, predict_coarsest
        for level in self.levels:
            self.add_module(f"upsampled_flow{below}_to_{level}", upsample_flow(upsample_bias))
            self.add_module(f"deconv{level}", Deconv(channels, deconvs[level]))
            channels = laterals[level] + deconvs[level] + 2
            if inters:
                self.add_module(f"inter_conv{level}", nn.Conv2d(channels, inters[level], 3, padding=1))
            self.add_module(f"predict_flow{level}", predict_flow(inters[level] if inters else channels))
            below = level

    def forward(self, coarsest: Tensor, laterals: dict[int, Tensor]) -> list[Float[Tensor, "n 2 h w"]]:
        """The flow of every level, finest first, in units of the network."""
        layer = self.get_submodule
        flows = [layer(f"predict_flow{self.top}")(coarsest)]
        features, below = coarsest, self.top
        for level in self.levels:
            up = layer(f"upsampled_flow{below}_to_{level}")
            features = self.joined(laterals[level], layer(f"deconv{level}"), features, up, flows[-1])
            read = layer(f"inter_conv{level}")(features) if f"inter_conv{level}" in self._modules else features
            flows.append(layer(f"predict_flow{level}")(read))
            below = level
        return flows[::-1]

    def joined(self, lateral: Tensor, deconv: nn.Module, below: Tensor, up: nn.Module, flow: Tensor) -> Tensor:
        """What a level reads: the encoder's features, and the features and the flow of the level below, upsampled."""
        return torch.cat([lateral, deconv(below), up(flow)], 1)


def upsample(values: Float[Tensor, "n c h w"], factor: int, align_corners: bool | None) -> Float[Tensor, "n c h2 w2"]:
    """`factor` times the size: bilinear, or copied pixels where `align_corners` is None."""
    # As planes: of a flow in channels last a CPU makes a pixel at a time, which takes 5 times as long.
    values = values.contiguous()
    if align_corners is None:
        return functional.interpolate(values, scale_factor=factor, mode="nearest")
    return functional.interpolate(values, scale_factor=factor, mode="bilinear", align_corners=align_corners)


def brightness_error(first: Float[Tensor, "n c h w"], second: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 h w"]:
    """The Euclidean norm of the colour difference of each pixel."""
    return channel_norm(first - second)


def channel_norm(values: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 h w"]:
    """The Euclidean norm over channels."""
    # Not sqrt: the first multi-threaded sqrt of a process can be accurate to 12 bits alone (PyTorch issue 188792).
    # Channels last, because over planes it takes 40 times as long on a CPU: a tenth of all of FlowNet2.
    return torch.linalg.vector_norm(values.contiguous(memory_format=torch.channels_last), dim=1, keepdim=True)
