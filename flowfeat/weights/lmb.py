"""Blob names of the authors' Caffe networks (lmb-freiburg/flownet2), and what else their files hold."""

import re

import torch
from torch import Tensor

_NETWORKS = {"net2_": "stages.0.", "net3_": "stages.1.", "net4_": "stages.2.", "netsd_": "small_displacement."}
_LEAVES = {"0": "weight", "1": "bias"}


def canonical_name(blob: str, stacked: bool, fused: bool) -> str | None:
    """Our name for the blob `LAYER/NUMBER`; None for one that is no layer's weights.

    `stacked` says that the file holds several networks, `fused` a whole FlowNet2.
    """
    layer, _, number = blob.rpartition("/")
    if layer in ("img0s_aug", "img1s_aug", "scale_conv1"):  # the means, and the rescaling to the frame
        return None
    # The prefix stands twice in front of the upsampling of flow; the fusion's predictions have two underscores.
    found = re.fullmatch(r"(?:(net[234]_|netsd_|fuse_)\1?)?_?(.+)", layer)
    prefix, rest = (found[1] or "", found[2]) if found else ("", layer)
    network = "fusion." if prefix == "fuse_" else _NETWORKS.get(prefix, "first." if stacked else "")
    if fused and network.startswith(("first", "stages")):
        network = "stack." + network
    if number not in _LEAVES:
        return blob
    return f"{network}{_layer(rest)}.{_LEAVES[number]}"


def _layer(name: str) -> str:
    if found := re.fullmatch(r"Convolution([1-7])", name):  # numbered from the coarsest level, which is 6
        return f"refinement.predict_flow{7 - int(found[1])}"
    if found := re.fullmatch(r"upsample_flow(\d)to(\d)", name):
        return f"refinement.upsampled_flow{found[1]}_to_{found[2]}"
    if found := re.fullmatch(r"(predict_conv|interconv|deconv)(\d)", name):
        ours = {"predict_conv": "predict_flow", "interconv": "inter_conv", "deconv": "deconv"}
        return f"refinement.{ours[found[1]]}{found[2]}"
    return name


def colour_means(blobs: dict[str, Tensor]) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
    """The mean colour (RGB, 0..1) of each frame that the file subtracts; None where it holds none."""
    means = []
    for layer in ("img0s_aug", "img1s_aug"):
        mean = blobs.get(f"{layer}/2")
        if mean is None or mean.numel() != 3 or not torch.isfinite(mean).all():
            return None
        blue, green, red = mean.flatten().tolist()
        means.append((red, green, blue))
    return means[0], means[1]
