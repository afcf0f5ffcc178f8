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
    """A copy for inference on a CPU in the type of its weights, which it takes as they are now.

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
    """A layer with its weights laid out for the size of input that it met last.

    Which layout is fast depends on the size, and in another's PyTorch would lay them out anew at every call: frames of
    320x240 took twice as long after one pair of 584x388. Of one size at a time, as FlowNet2's weights are 650 MB.
    """

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d):
        super().__init__()
        self._weight, self._bias = layer.weight.detach(), None if layer.bias is None else layer.bias.detach()
        # Padding as numbers: there is no layer of the family that names it.
        assert not isinstance(layer.padding, str)
        self._geometry = (layer.padding, layer.stride, layer.dilation, layer.groups)
        self._activation = ("leaky_relu", [SLOPE]) if isinstance(layer, Conv | Deconv) else ("none", [])
        self._laid_out: tuple[torch.Size, Tensor] | None = None

    def weight_for(self, size: torch.Size) -> Tensor:
        """The weights in the layout for inputs of this size."""
        laid_out = self._laid_out
        if laid_out is None or laid_out[0] != size:
            # Threads that meet a size together lay the weights out twice, to the same end.
            self._laid_out = laid_out = size, self._lay_out(list(size))
        return laid_out[1]

    def _lay_out(self, size: list[int]) -> Tensor:
        raise NotImplementedError


class _PackedConv(_Packed):
    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        return torch.ops.mkldnn._convolution_pointwise(
            input, self.weight_for(input.shape), self._bias, *self._geometry, *self._activation, ""
        )

    def _lay_out(self, size: list[int]) -> Tensor:
        return torch.ops.mkldnn._reorder_convolution_weight(self._weight, *self._geometry, size)


class _PackedDeconv(_Packed):
    _NO_MORE = (0, 0)
    """Rows and columns added at one side: the family's up-convolutions double the size exactly."""

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        padding, *rest = self._geometry
        return torch.ops.mkldnn._convolution_transpose_pointwise(
            input, self.weight_for(input.shape), self._bias, padding, self._NO_MORE, *rest, *self._activation, ""
        )

    def _lay_out(self, size: list[int]) -> Tensor:
        padding, *rest = self._geometry
        return torch.ops.mkldnn._reorder_convolution_transpose_weight(self._weight, padding, self._NO_MORE, *rest, size)
