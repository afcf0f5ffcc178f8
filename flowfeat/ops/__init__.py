"""What PyTorch lacks: the cost volume and the backward warp, each on CPUs and, through Triton, on GPUs.

The further `_triton` modules are what `flowfeat.networks.fused` puts between the convolutions of a network on a GPU.
"""

from flowfeat.ops.correlation import correlation, correlation_reference
from flowfeat.ops.warp import warp, warp_reference

__all__ = ["correlation", "correlation_reference", "warp", "warp_reference"]
