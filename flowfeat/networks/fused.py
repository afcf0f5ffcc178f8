"""Networks as a GPU computes them fastest: cuDNN's convolutions, and one kernel for all that lies between two of them.

PyTorch passes a convolution's output through memory twice more for its bias and its leaky ReLU, and some twenty times
more for what a stage sees; and cuDNN copies what has an odd number of channels before its tensor cores can read it.
"""

import copy

import torch

from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.ops.compiler import compiles


def can_fuse() -> bool:
    """Whether there are a GPU and all that its kernels are compiled with."""
    return torch.cuda.is_available() and compiles()


def fuse(network: FlowNetwork, precision: torch.dtype) -> FlowNetwork:
    """A copy for inference on a GPU in float32, float16 or bfloat16, with the weights as they are now.

    It takes and gives what the network does, has no gradients, and never waits for the GPU, so that a CUDA graph can
    hold it after a first call, which compiles the kernels. Without a GPU it computes where TRITON_INTERPRET=1 was set
    before Triton was imported, slowly.

    Raises:
        ImportError: where Triton is not installed.
    """
    from flowfeat.networks.fused_triton import replace_layers

    fused = copy.deepcopy(network).to_precision(precision).requires_grad_(False)
    replace_layers(fused)
    return fused.to(memory_format=torch.channels_last)
