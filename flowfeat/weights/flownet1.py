"""FlowNetPytorch's checkpoints (ClementPinard): FlowNetS and FlowNetC as of FlowNet 1, with or without batch norm.

Names are NVIDIA's; predictions, up-convolutions and the upsampling of flow have no biases.
"""

import re

import torch
from torch import Tensor

_NORM_EPSILON = 1e-5  # torch's BatchNorm2d


def with_biases(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same network with batch norm folded into the convolutions before it, and zeros where no bias is."""
    out = dict(tensors)
    for norm in [name.removesuffix(".running_var") for name in tensors if name.endswith(".1.running_var")]:
        convolution = re.sub(r"\.1$", ".0", norm)
        parts = ("weight", "bias", "running_mean", "running_var")
        if f"{convolution}.weight" not in out or any(f"{norm}.{part}" not in out for part in parts):
            continue  # what is left over is named as unmatched
        scale, shift, mean, variance = (out.pop(f"{norm}.{part}") for part in parts)
        out.pop(f"{norm}.num_batches_tracked", None)
        factor = scale / torch.sqrt(variance + _NORM_EPSILON)
        if factor.shape != out[f"{convolution}.weight"].shape[:1]:
            continue
        out[f"{convolution}.weight"] = out[f"{convolution}.weight"] * factor[:, None, None, None]
        out[f"{convolution}.bias"] = shift - mean * factor
    for name, weight in list(out.items()):
        bias = name.removesuffix("weight") + "bias"
        if re.match(r"(predict_flow|deconv)\d", name) and name.endswith("weight") and bias not in out and weight.ndim:
            outputs = weight.shape[1] if name.startswith("deconv") and weight.ndim > 1 else weight.shape[0]
            out[bias] = torch.zeros(outputs)
        # The upsampling of flow has a bias in our FlowNetC alone.
        if name.startswith("upsampled_flow") and bias not in out and "conv_redir.0.weight" in tensors:
            out[bias] = torch.zeros(weight.shape[1] if weight.ndim > 1 else 1)
    return out
