"""What published weights leave to the code that runs them, as data: a checkpoint is right in its own family's alone."""

from dataclasses import dataclass, replace
from typing import Literal

from flowfeat.ops.warp import Border

ProfileName = Literal["lmb", "nvidia", "mmflow", "flownet1"]
Colour = tuple[float, float, float]

# Of the authors' FlowNet2 file, for both frames, RGB, images in 0..1 (as read by tjppires/tf_flownet2).
_CAFFE_MEAN = (0.40119, 0.39535, 0.37655)
# What FlowNetPytorch's run_inference.py subtracts from RGB: the authors' mean the wrong way round, but its own.
_PINARD_MEAN = (0.411, 0.432, 0.45)


@dataclass(frozen=True)
class Numerics:
    """How one family computes what its layers leave open.

    Attributes:
        name: the profile's name.
        mean: what is subtracted from images in 0..1: a colour (RGB) for each frame, the mean of the pair, or nothing.
        resampling: of frames to multiples of 64 and of flow back: Caffe's Resample layer, or bilinear.
        whole_levels: resized frames are rounded to 8 bits, because they are resized as pictures.
        cost_scale: the cost volume is `mean` over channels or the plain `sum`. Belongs to the weights.
        align_corners: of the bilinear upsampling between the networks of a stack.
        border: of the warp.
        small_displacement_scale: pixels for one unit of FlowNet2-SD's output. Belongs to the weights.
        small_displacement_alone: the same where FlowNet2-SD is used by itself, if the family's code differs there.
        nearest_output: networks whose last upsampling copies pixels, by their letters.
    """

    name: ProfileName
    mean: tuple[Colour, Colour] | Literal["pair"] | None
    resampling: Literal["caffe", "bilinear"]
    cost_scale: Literal["mean", "sum"]
    align_corners: bool
    border: Border
    small_displacement_scale: float
    small_displacement_alone: float | None = None
    nearest_output: tuple[str, ...] = ()
    whole_levels: bool = False


NUMERICS: dict[ProfileName, Numerics] = {
    "lmb": Numerics("lmb", (_CAFFE_MEAN, _CAFFE_MEAN), "caffe", "mean", True, "zeros", 1 / 20),
    # NVIDIA's stand-alone SD multiplies by 20 where its own FlowNet2 divides (their issue 37): reproduced as it is.
    "nvidia": Numerics("nvidia", "pair", "bilinear", "mean", False, "clamp", 1 / 20, 20.0, ("CSS",)),
    "mmflow": Numerics("mmflow", None, "bilinear", "sum", False, "clamp", 20.0, whole_levels=True),
    # FlowNetPytorch (ClementPinard): FlowNetS and FlowNetC alone, so nothing between networks is ever asked of it.
    "flownet1": Numerics("flownet1", (_PINARD_MEAN, _PINARD_MEAN), "bilinear", "mean", False, "clamp", 1 / 20),
}


def in_profile(numerics: Numerics, profile: ProfileName) -> Numerics:
    """Weights made for `numerics`, run as `profile` runs its own; in which units they count stays theirs."""
    return replace(
        NUMERICS[profile],
        cost_scale=numerics.cost_scale,
        small_displacement_scale=numerics.small_displacement_scale,
    )
