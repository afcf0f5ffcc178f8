"""Networks as a CPU computes them fastest: weights in oneDNN's layout once and for all, leaky ReLU in the convolution.

PyTorch's own layers lay weights out anew at every call, and pass all features through memory once more for each leaky
ReLU: together a sixth of FlowNet2's time on one pair (docs/performance.md). The operators are those that
`torch.compile` puts into its programs for CPUs, which would need a compiler on the user's machine.
"""

import copy
import platform
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from flowfeat.networks.blocks import SLOPE, Conv, Deconv

Network = TypeVar("Network", bound=nn.Module)


def can_pack() -> bool:
    """Whether PyTorch has these operators for this processor."""
    has_them = all(
        hasattr(torch.ops.mkldnn, name) for name in ("_convolution_pointwise", "_reorder_convolution_weight")
    )
    return platform.machine() in ("x86_64", "AMD64") and torch.backends.mkldnn.is_available() and has_them


def pack(network: Network) -> Network:
    """A copy for inference on a CPU in float32, of the weights that the network has now.

    What has no weights, and what is no convolution, is as it was. The copy has no gradients.
    """
    shared = {id(parameter): parameter for parameter in network.parameters()}
    packed = copy.deepcopy(network, shared)
    for layer in list(packed.modules()):
        for name, inner in list(layer.named_children()):
            if isinstance(inner, nn.ConvTranspose2d):
                setattr(layer, name, _PackedDeconv(inner))
            elif isinstance(inner, nn.Conv2d):
                setattr(layer, name, _PackedConv(inner))
    return packed


class _Packed(nn.Module):
    """A layer with its weights laid out for the first size of input that it meets; it takes any other, too."""

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d):
        super().__init__()
        self._weight, self._bias = layer.weight.detach(), None if layer.bias is None else layer.bias.detach()
        # Padding as numbers: there is no layer of the family that names it.
        assert not isinstance(layer.padding, str)
        self._geometry = (layer.padding, layer.stride, layer.dilation, layer.groups)
        self._activation = ("leaky_relu", [SLOPE]) if isinstance(layer, Conv | Deconv) else ("none", [])
        # Threads that meet the first input together lay the weights out twice, to the same end.
        self._laid_out: Tensor | None = None


class _PackedConv(_Packed):
    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        weight = self._laid_out
        if weight is None:
            weight = torch.ops.mkldnn._reorder_convolution_weight(self._weight, *self._geometry, list(input.shape))
            self._laid_out = weight
        return torch.ops.mkldnn._convolution_pointwise(
            input, weight, self._bias, *self._geometry, *self._activation, ""
        )


class _PackedDeconv(_Packed):
    _NO_MORE = (0, 0)
    """Rows and columns added at one side: the family's up-convolutions double the size exactly."""

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        padding, *rest = self._geometry
        weight = self._laid_out
        if weight is None:
            weight = torch.ops.mkldnn._reorder_convolution_transpose_weight(
                self._weight, padding, self._NO_MORE, *rest, list(input.shape)
            )
            self._laid_out = weight
        return torch.ops.mkldnn._convolution_transpose_pointwise(
            input, weight, self._bias, padding, self._NO_MORE, *rest, *self._activation, ""
        )
