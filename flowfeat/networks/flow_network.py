"""Any member of the family behind one face: frames of any size in, flow in pixels of those frames out."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from flowfeat.networks.blocks import FLOW_SCALE, upsample
from flowfeat.networks.flownet2 import FlowNet2
from flowfeat.networks.flownet_sd import FlowNetSD
from flowfeat.networks.numerics import Numerics
from flowfeat.networks.resample import caffe_resample
from flowfeat.networks.stack import FlowNetStack
from flowfeat.networks.zoo import Composition, build

_COARSEST = 64
"""Sides inside the networks are multiples of it: the pixels that one pixel of the coarsest level stands for."""


class FlowNetwork(nn.Module):
    """A network with what its profile does before and after it: means, sizes, units.

    Attributes:
        network: the bare network, whose parameters have the canonical names.
        precision: the type that the bare network computes in, None for that of the frames. What its profile does to
            frames and flow is done in the type of the frames in any case.
    """

    def __init__(self, composition: Composition, numerics: Numerics):
        super().__init__()
        self.composition, self.numerics = composition, numerics
        self.network = build(composition, numerics)
        self.precision: torch.dtype | None = None

    def to_precision(self, precision: torch.dtype) -> "FlowNetwork":
        """Compute in `precision` from now on, with weights rounded to it."""
        self.network.to(precision)
        self.precision = precision
        return self

    def forward(self, frames: Float[Tensor, "b 2 3 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Flow from the first to the second frame of each pair, in pixels, x first; differentiable.

        Args:
            frames: RGB in 0..1, of any size: they are resized to multiples of 64 and no row or column is cut.
        """
        height, width = frames.shape[-2:]
        name, flow = list(self._flows(self.prepare(frames)).items())[-1]
        return self._finish(name, flow, (height, width))

    def stages(self, frames: Float[Tensor, "b 2 3 h w"]) -> dict[str, Float[Tensor, "b 2 h w"]]:
        """The flow after each network, in pixels at full size, by the letters so far: C, CS, CSS, SD, fused."""
        height, width = frames.shape[-2:]
        return {
            name: self._finish(name, flow, (height, width)) for name, flow in self._flows(self.prepare(frames)).items()
        }

    def prepare(self, frames: Float[Tensor, "b 2 3 h w"]) -> Float[Tensor, "b 6 h64 w64"]:
        """What the bare network takes: both frames less the mean, at multiples of 64.

        Raises TypeError where the frames are not of floats.
        """
        if not frames.is_floating_point():
            raise TypeError(f"a network takes frames as floats in 0..1, not {frames.dtype}; divide uint8 by 255")
        height, width = frames.shape[-2:]
        size = inner_size(height, width)
        mean = self.numerics.mean
        if mean == "pair":
            frames = frames - frames.mean(dim=(1, 3, 4), keepdim=True)
        elif mean is not None:
            frames = frames - _filled(mean[0] + mean[1], frames).view(1, 2, 3, 1, 1)
        images = self._resized(frames.flatten(1, 2), size)
        if self.numerics.whole_levels and size != (height, width):
            levels = images * 255
            images = (levels + (levels.round() - levels).detach()) / 255  # rounded, with the gradient of unrounded
        return images

    def _flows(self, images: Float[Tensor, "b 6 h w"]) -> dict[str, Float[Tensor, "b 2 h2 w2"]]:
        """Flow in pixels after each network, at 1/4 of the size, or at full size after the fusion."""
        network, letters, wide = self.network, self.composition.letters, images.dtype
        images = images.to(self.precision or wide)
        if isinstance(network, FlowNet2):
            stack, small, fused = network.parts(images)
            flows = {"CSS"[: i + 1]: levels[0].to(wide) * FLOW_SCALE for i, levels in enumerate(stack)}
            of_small = small[0].to(wide) * self.numerics.small_displacement_scale
            return {**flows, "SD": of_small, "fused": fused[0].to(wide)}
        if isinstance(network, FlowNetStack):
            return {letters[: i + 1]: levels[0].to(wide) * FLOW_SCALE for i, levels in enumerate(network(images))}
        scale = FLOW_SCALE
        if isinstance(network, FlowNetSD):
            scale = self.numerics.small_displacement_alone or self.numerics.small_displacement_scale
        return {letters: network(images)[0].to(wide) * scale}

    def _finish(
        self, name: str, flow: Float[Tensor, "b 2 h2 w2"], size: tuple[int, int]
    ) -> Float[Tensor, "b 2 height width"]:
        """Flow at the size of the frames and in their pixels."""
        if self.numerics.resampling == "bilinear" and name != "fused":
            flow = upsample(flow, 4, None if name in self.numerics.nearest_output else False)
        inner = inner_size(*size)
        scale = _filled((size[1] / inner[1], size[0] / inner[0]), flow)
        return self._resized(flow, size) * scale[:, None, None]

    def _resized(self, values: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c h2 w2"]:
        if self.numerics.resampling == "caffe":
            return caffe_resample(values, size)
        if tuple(values.shape[2:]) == size:
            return values
        return functional.interpolate(values, size, mode="bilinear", align_corners=False)


def inner_size(height: int, width: int) -> tuple[int, int]:
    """The size that frames of (height, width) have inside the network: each side rounded up to a multiple of 64."""
    return -(-height // _COARSEST) * _COARSEST, -(-width // _COARSEST) * _COARSEST


def _filled(numbers: tuple[float, ...], like: Tensor) -> Float[Tensor, " numbers"]:
    """Numbers in the type of `like`, filled in where it is: a CUDA graph cannot hold a copy from the host."""
    return torch.stack([like.new_full((), number) for number in numbers])
