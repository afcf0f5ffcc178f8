"""FlowNet2-SD counts in twentieths of a pixel, where all other networks count in twenties of pixels.

The authors multiplied its targets by 20, so its last layers need weights hundreds of times as large as the rest, which
small steps take very long to reach. While it learns it counts as the others do; what is written is in its own units
again, and computes the same.
"""

from dataclasses import replace

from torch import Tensor

from flowfeat.networks.blocks import FLOW_SCALE
from flowfeat.networks.numerics import Numerics
from flowfeat.networks.zoo import Composition

_LEVELS = (5, 4, 3, 2)


def learning_numerics(numerics: Numerics) -> Numerics:
    """The same, with FlowNet2-SD in units of 20 pixels."""
    return replace(numerics, small_displacement_scale=FLOW_SCALE, small_displacement_alone=None)


def to_learn(tensors: dict[str, Tensor], composition: Composition, numerics: Numerics) -> dict[str, Tensor]:
    """Weights for `numerics` as weights for `learning_numerics(numerics)`."""
    return _recounted(tensors, composition, numerics.small_displacement_scale / FLOW_SCALE)


def to_keep(tensors: dict[str, Tensor], composition: Composition, numerics: Numerics) -> dict[str, Tensor]:
    """The inverse of `to_learn`."""
    return _recounted(tensors, composition, FLOW_SCALE / numerics.small_displacement_scale)


def _recounted(tensors: dict[str, Tensor], composition: Composition, factor: float) -> dict[str, Tensor]:
    """FlowNet2-SD with outputs `factor` times as large at every level; other networks as they are."""
    before = {"SD": "", "fused": "small_displacement."}.get(composition.letters)
    if before is None:
        return tensors
    out = dict(tensors)
    refinement = f"{before}refinement."
    for name, tensor in tensors.items():
        layer = name.removeprefix(refinement)
        if layer.startswith("predict_flow") or (layer.startswith("upsampled_flow") and layer.endswith("bias")):
            out[name] = tensor * factor if name.startswith(refinement) else tensor
    # What reads the flow from below, the last two channels of each level, must be as before.
    for level in _LEVELS:
        inter, deconv = f"{refinement}inter_conv{level}.weight", f"{refinement}deconv{level - 1}.weight"
        if inter in out:
            out[inter] = out[inter].clone()
            out[inter][:, -2:] /= factor
        if deconv in out:
            out[deconv] = out[deconv].clone()
            out[deconv][-2:] /= factor
    return out
