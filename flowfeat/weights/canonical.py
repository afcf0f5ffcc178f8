"""The one layout every checkpoint is brought to: our names, colours in the order RGB, no biases that are all zero."""

import re
from collections.abc import Iterable

import torch
from torch import Tensor

from flowfeat.networks.zoo import WIDEST, Composition

_LONGEST = 9
"""Stages of the longest stack that is believed; the paper's longest has three."""

_IMAGES_SEEN = {3: 1, 6: 2, 8: 2, 12: 3, 11: 1}
"""Input channels of a first layer: a frame, a pair, a stage's three images (two without warping), the fusion's one."""


def composition_of(tensors: dict[str, Tensor]) -> Composition:
    """Which network tensors with canonical names are of, at which width.

    Raises ValueError where they are of none of the family's.
    """
    if any(name.startswith("fusion.") for name in tensors):
        letters, first = "fused", "stack.first."
    elif any(name.startswith("first.") for name in tensors):
        stages = {name.split(".")[1] for name in tensors if name.startswith("stages.")}
        if len(stages) > _LONGEST:
            raise ValueError(f"it holds a stack of {len(stages) + 1} networks")
        letters, first = ("C" if "first.conv_redir.weight" in tensors else "S") + "S" * len(stages), "first."
    else:
        letters = "C" if "conv_redir.weight" in tensors else "SD" if "conv0.weight" in tensors else "S"
        first = ""
    widest = tensors.get(f"{first}conv6_1.weight")
    if widest is None or widest.ndim != 4 or not 1 <= widest.shape[0] <= 16 * WIDEST:
        raise ValueError("it has no layer conv6_1, which every network of the FlowNet 2.0 family has")
    stage = tensors.get("stages.0.conv1.weight")
    return Composition(
        letters,
        widest.shape[0] / WIDEST,
        bool(_upsample_biases_of_s(tensors, letters)),
        warping=stage is None or stage.ndim != 4 or stage.shape[1] != 8,
    )


def without_zero_biases(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors never trained the biases of the upsampling in the S networks: dropped where all of them are zero."""
    biases = _upsample_biases_of_s(tensors, composition_of(tensors).letters)
    if any(tensors[name].count_nonzero() for name in biases):
        return tensors
    return {name: tensor for name, tensor in tensors.items() if name not in biases}


def _upsample_biases_of_s(names: Iterable[str], letters: str) -> list[str]:
    networks = r"(first\.|stages\.\d\.)?" if letters.startswith("S") else r"(stack\.)?stages\.\d\."
    if letters == "SD":
        return []
    return [name for name in names if re.fullmatch(networks + r"refinement\.upsampled_flow\d_to_\d\.bias", name)]


def flip_colours(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights for BGR images made weights for RGB images, or back: the layers that see images, flipped."""
    out = dict(tensors)
    for name, weight in tensors.items():
        found = re.fullmatch(r"(.*\.)?conv([01])\.weight", name)
        # Where there is a conv0, conv1 sees features.
        if not found or weight.ndim != 4 or (found[2] == "1" and f"{found[1] or ''}conv0.weight" in tensors):
            continue
        order = torch.arange(weight.shape[1])
        for image in range(_IMAGES_SEEN.get(weight.shape[1], 0)):
            order[3 * image : 3 * image + 3] = order[3 * image : 3 * image + 3].flip(0)
        out[name] = weight[:, order].contiguous()
    return out
