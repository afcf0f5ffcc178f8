"""FlowNetPytorch's checkpoints (ClementPinard): FlowNetS and FlowNetC as of FlowNet 1, with or without batch norm.

Names are NVIDIA's; what refines the flow has no biases.
"""

import torch
from torch import Tensor

_NORM_EPSILON = 1e-5  # torch's BatchNorm2d
_NORM = ("weight", "bias", "running_mean", "running_var")


def fold_batch_norm(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same network with every batch norm folded into the convolution before it, which then has a bias.

    What is not all there, or not of one size, stays, and is named later as belonging to no layer.
    """
    out = dict(tensors)
    for name in tensors:
        block = name.removesuffix(".1.running_var")
        weight = tensors.get(f"{block}.0.weight")
        norm = [tensors.get(f"{block}.1.{part}") for part in _NORM]
        if block == name or weight is None or any(part is None for part in norm):
            continue
        scale, shift, mean, variance = (part for part in norm if part is not None)
        if weight.ndim != 4 or any(part.shape != weight.shape[:1] for part in (scale, shift, mean, variance)):
            continue
        factor = scale / torch.sqrt(variance + _NORM_EPSILON)
        out[f"{block}.0.weight"] = weight * factor[:, None, None, None]
        out[f"{block}.0.bias"] = shift - mean * factor
        for part in (*_NORM, "num_batches_tracked"):
            out.pop(f"{block}.1.{part}", None)
    return out


def with_zero_biases(tensors: dict[str, Tensor], expected: dict[str, torch.Size]) -> dict[str, Tensor]:
    """Zeros for the biases of the refinement, which FlowNetPytorch's networks do not have; under our names."""
    absent = {
        name: torch.zeros(shape)
        for name, shape in expected.items()
        if name.startswith("refinement.") and name.endswith(".bias") and name not in tensors
    }
    return {**tensors, **absent}
