"""Weights rounded to 8 bits, with biases that make up for what rounding shifts.

A rounded filter differs from its filter by a little noise, and by a constant: the sum of the rounding errors times the
mean of what it sees, which is far from nought behind ReLUs. Constants add up from layer to layer. They are measured on
pairs of frames and taken off the biases, which stay float32 (Nagel et al., Data-free quantization through weight
equalization and bias correction, ICCV 2019, section 4.2, with data).
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.weights import Checkpoint
from flowfeat.weights.eight_bit import from_eight_bits, to_eight_bits

_STEPS = 4


@torch.no_grad()
def rounded(checkpoint: Checkpoint, frames: Float[Tensor, "b 2 3 h w"]) -> Checkpoint:
    """A checkpoint whose weights int8 holds exactly, and whose layers put out what they did in the mean.

    Args:
        checkpoint: weights as they were trained.
        frames: pairs like those that the network is for, 0..1; both sides multiples of 64.
    """
    network = FlowNetwork(checkpoint.composition, checkpoint.numerics).eval()
    network.network.load_state_dict(checkpoint.tensors)
    layers = [layer for layer in network.network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    means: dict[nn.Module, Tensor] = {}

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        means[layer] = output.mean((0, 2, 3))

    def correct(layer: nn.Module, seen: tuple[Tensor, ...], output: Tensor) -> Tensor:
        assert isinstance(layer.bias, Tensor)
        # Outputs are those of the leaky ReLU, where there is one, so that it takes a few steps.
        for _ in range(_STEPS):
            layer.bias += means[layer] - output.mean((0, 2, 3))
            output = layer.forward(*seen)
        return output

    for hook, tensors in ((note, checkpoint.tensors), (correct, from_eight_bits(to_eight_bits(checkpoint.tensors)))):
        network.network.load_state_dict(tensors)
        handles = [layer.register_forward_hook(hook) for layer in layers if layer.bias is not None]
        network(frames)
        for handle in handles:
            handle.remove()
    tensors = {name: tensor.clone() for name, tensor in network.network.state_dict().items()}
    return replace(checkpoint, tensors=tensors)
