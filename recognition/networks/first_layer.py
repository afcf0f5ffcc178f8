"""The first layer, where a network trained on colour becomes one that sees flow."""

from einops import reduce, repeat
from jaxtyping import Float
from torch import Tensor, nn


def first_convolution(network: nn.Module) -> nn.Conv2d:
    """The convolution that sees the input. Raises ValueError where the network has none."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            return module
    raise ValueError(f"{type(network).__name__} has no convolution")


def average_over_colour(weight: Float[Tensor, "out 3 kh kw"], channels: int) -> Float[Tensor, "out {channels} kh kw"]:
    """Filters of colour for any number of channels: their mean over red, green and blue, once for each channel.

    Published as cross-modality initialisation (very deep two-stream, Wang et al. 2015, section 2.2; TSN, Wang et al.
    2016, section 3.2). It keeps the mean and not the sum, so that 2L channels answer louder than three.
    """
    return repeat(reduce(weight, "out rgb kh kw -> out kh kw", "mean"), "out kh kw -> out c kh kw", c=channels)
