"""The layers and networks of `fuse`: each computes what its parent does, with fewer passes through memory.

Tensors that are put together from several hold zeros in further channels, to whole groups of 16 (of 8 or 4 where there
are no more): tensor cores take whole groups, and a pixel begins where accesses of 16 bytes may. The weights of the
layers that read them hold zeros there.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from flowfeat.networks.blocks import FLOW_SCALE, SLOPE, Conv, Deconv, Refinement
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.flownet2 import FlowNet2
from flowfeat.networks.flownet_c import COSTS, DISPLACEMENT_STRIDE, MAX_DISPLACEMENT, FlowNetC
from flowfeat.networks.flownet_s import FlowNetS
from flowfeat.networks.flownet_sd import FlowNetSD
from flowfeat.networks.fusion import Fusion
from flowfeat.networks.stack import FlowNetStack
from flowfeat.ops.bias_triton import add_bias
from flowfeat.ops.conv_triton import MOST, convolve_few
from flowfeat.ops.correlation_triton import correlation_into
from flowfeat.ops.evidence_triton import evidence, link
from flowfeat.ops.upsample_triton import upsample_into


def replace_layers(network: FlowNetwork) -> None:
    """Have every layer and network inside compute in the fused way. Names and weights stay, but for added zeros."""
    for module in list(network.modules()):
        module.__class__ = _FUSED.get(type(module), type(module))
        for layer in _reading_what_is_put_together(module):
            layer.in_channels = _filled_up(layer.in_channels)
            _widen(layer, 0 if isinstance(layer, nn.ConvTranspose2d) else 1, layer.in_channels)
        if isinstance(module, nn.Conv2d) and module.out_channels == 2:  # flow, of which tensor cores make 8 channels
            _widen(module, 0, 8)


def _filled_up(channels: int) -> int:
    """Channels of a tensor with its zeros."""
    for group in (4, 8):
        if channels <= group:
            return group
    return -(-channels // 16) * 16


def _reading_what_is_put_together(module: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    if isinstance(module, FlowNetC):
        return [module.conv1, module.conv3_1]
    if isinstance(module, FlowNetS):
        return [module.conv1]
    if isinstance(module, FlowNetSD | Fusion):
        return [module.conv0]
    if isinstance(module, Refinement):
        first = "inter_conv" if f"inter_conv{module.levels[0]}" in module._modules else "predict_flow"
        names = [f"{first}{level}" for level in module.levels] + [f"deconv{level}" for level in module.levels[1:]]
        layers = [module.get_submodule(name) for name in names]
        return [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    return []


def _widen(layer: nn.Conv2d | nn.ConvTranspose2d, axis: int, channels: int) -> None:
    """Zeros as weights for channels beyond the layer's own."""
    own = layer.weight.shape[axis]
    wide = layer.weight.new_zeros([channels if i == axis else side for i, side in enumerate(layer.weight.shape)])
    wide.narrow(axis, 0, own).copy_(layer.weight)
    layer.weight = nn.Parameter(wide, requires_grad=False)


def _empty(channels: int, like: Float[Tensor, "n c h w"]) -> Float[Tensor, "n {channels} h w"]:
    count, _, height, width = like.shape
    return like.new_empty(count, height, width, channels).permute(0, 3, 1, 2)


def _convolve(layer: nn.Module, input: Float[Tensor, "n c h w"], out: Tensor | None = None) -> Tensor:
    """The layer with its bias and its leaky ReLU, if any, into `out`: channels of a wider tensor, the last zeros."""
    # Padding as numbers: there is no layer of the family that names it.
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    assert not isinstance(layer.padding, str)
    given = input.shape[1]
    if given < layer.in_channels:  # frames, which nobody has put together
        wide = _empty(layer.in_channels, input)
        wide[:, :given].copy_(input)
        wide[:, given:].zero_()
        input = wide
    slope = SLOPE if isinstance(layer, Conv | Deconv) else 1.0
    few = layer.in_channels <= MOST and input.dtype != torch.float32 and out is None
    if few and (layer.kernel_size, layer.stride) == ((3, 3), (1, 1)):
        return convolve_few(input, layer.weight[: layer.out_channels], layer.bias, slope)
    convolve = functional.conv_transpose2d if isinstance(layer, nn.ConvTranspose2d) else functional.conv2d
    values = convolve(input, layer.weight, None, layer.stride, layer.padding)
    # Where PyTorch takes another layout, as its CPU kernels for half types do, this is a copy.
    values = values.contiguous(memory_format=torch.channels_last)[:, : layer.out_channels]
    return add_bias(values, layer.bias, slope, out)


class _FusedConv(Conv):
    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        return _convolve(self, input)


class _FusedDeconv(Deconv):
    def forward(self, input: Float[Tensor, "n c h w"], output_size: list[int] | None = None) -> Tensor:
        return _convolve(self, input)


class _FusedLinear(nn.Conv2d):
    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        return _convolve(self, input)


class _FusedRefinement(Refinement):
    def joined(self, lateral: Tensor, deconv: nn.Module, below: Tensor, up: nn.Module, flow: Tensor) -> Tensor:
        assert isinstance(deconv, Deconv)
        assert isinstance(up, nn.ConvTranspose2d)
        own, coarse = lateral.shape[1], deconv.out_channels
        features = _empty(_filled_up(own + coarse + 2), lateral)
        add_bias(lateral, None, 1.0, features[:, :own])
        _convolve(deconv, below, features[:, own : own + coarse])
        upsample_into(features[:, own + coarse :], flow, up.weight, up.bias)
        return features


class _FusedFlowNetC(FlowNetC):
    def joined(self, first: Float[Tensor, "n c h w"], second: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k h w"]:
        own, channels = self.conv_redir.out_channels, first.shape[1]
        features = _empty(_filled_up(own + COSTS), first)
        _convolve(self.conv_redir, first, features[:, :own])
        costs, rest = features[:, own : own + COSTS], features[:, own + COSTS :]
        factor = channels if self.numerics.cost_scale == "sum" else 1
        correlation_into(costs, first, second, MAX_DISPLACEMENT, DISPLACEMENT_STRIDE, 1, factor, SLOPE)
        rest.zero_()
        return features


class _FusedStack(FlowNetStack):
    def link(self, images: Float[Tensor, "n 6 h w"], quarter: Float[Tensor, "n 2 h4 w4"]) -> Float[Tensor, "n c h w"]:
        numerics = self.numerics
        return link(images, quarter, FLOW_SCALE, numerics.align_corners, numerics.border if self.warping else None)


class _FusedFlowNet2(FlowNet2):
    def parts(self, images: Float[Tensor, "n 6 h w"]) -> tuple[list[list[Tensor]], list[Tensor], list[Tensor]]:
        stack, small = self.stack(images), self.small_displacement(images)
        scale, border = self.numerics.small_displacement_scale, self.numerics.border
        return stack, small, self.fusion(evidence(images, small[0], stack[-1][0], scale, FLOW_SCALE, border))


class _FusedFlowNetwork(FlowNetwork):
    def _flows(self, images: Float[Tensor, "b 6 h w"]) -> dict[str, Float[Tensor, "b 2 h2 w2"]]:
        with torch.cuda.device_of(images):  # Triton launches on the current device, whichever that is
            return super()._flows(images)


_FUSED: dict[type[nn.Module], type[nn.Module]] = {
    Conv: _FusedConv,
    Deconv: _FusedDeconv,
    nn.Conv2d: _FusedLinear,
    Refinement: _FusedRefinement,
    FlowNetC: _FusedFlowNetC,
    FlowNetStack: _FusedStack,
    FlowNet2: _FusedFlowNet2,
    FlowNetwork: _FusedFlowNetwork,
}
