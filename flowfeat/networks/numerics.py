"""What the three families of published weights were trained with, as data. A checkpoint is right in its own alone."""

from dataclasses import dataclass
from typing import Literal

from flowfeat.ops.warp import Border

# Of the authors' FlowNet2 file, for both frames, RGB, images in 0..1.
CAFFE_MEAN = (0.40119, 0.39535, 0.37655)


@dataclass(frozen=True)
class Numerics:
    """How one family computes what its layers leave open.

    Attributes:
        name: the profile's name.
        mean: what is subtracted from images in 0..1: constants (RGB), the mean of the pair, or nothing.
        cost_scale: the cost volume is `mean` over channels or the plain `sum`.
        align_corners: of the bilinear upsampling between the networks of a stack.
        border: of the warp.
        small_displacement_scale: pixels for one unit of FlowNet2-SD's output, inside FlowNet2.
        small_displacement_alone: the same where FlowNet2-SD is used by itself.
        nearest_output: networks whose last upsampling copies pixels, by name.
    """

    name: Literal["lmb", "nvidia", "mmflow"]
    mean: tuple[float, float, float] | Literal["pair"] | None
    cost_scale: Literal["mean", "sum"]
    align_corners: bool
    border: Border
    small_displacement_scale: float
    small_displacement_alone: float
    nearest_output: tuple[str, ...] = ()


NUMERICS: dict[str, Numerics] = {
    "lmb": Numerics("lmb", CAFFE_MEAN, "mean", True, "zeros", 1 / 20, 1 / 20),
    # NVIDIA's stand-alone SD multiplies by 20 where its own FlowNet2 divides (their issue 37): reproduced as it is.
    "nvidia": Numerics("nvidia", "pair", "mean", False, "clamp", 1 / 20, 20.0, ("CSS",)),
    "mmflow": Numerics("mmflow", None, "sum", False, "clamp", 20.0, 20.0),
}
