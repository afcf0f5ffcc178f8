"""Tensor names of NVIDIA's checkpoints (flownet2-pytorch), which differ from ours in spelling alone."""

import re

_NETWORKS = {
    "flownetc.": "stack.first.",
    "flownets_1.": "stack.stages.0.",
    "flownets_2.": "stack.stages.1.",
    "flownets_d.": "small_displacement.",
    "flownetfusion.": "fusion.",
}


def canonical_name(name: str, fused: bool) -> str:
    """Our name for NVIDIA's `name`; `fused` says that it is of a whole FlowNet2 and not of a stack or a single net."""
    for theirs, ours in _NETWORKS.items():
        if name.startswith(theirs):
            name = (ours if fused else ours.removeprefix("stack.")) + name.removeprefix(theirs)
    name = re.sub(r"\.0\.(weight|bias)$", r".\1", name)  # their convolutions stand first in a Sequential
    return re.sub(r"\b(predict_flow|upsampled_flow|deconv|inter_conv)(?=\d)", r"refinement.\1", name)
