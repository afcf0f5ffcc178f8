"""Weights as levels from -127 to 127, with one scale for every channel that a layer puts out.

Level q stands for sign(q) |q| (8 + |q|) times the scale: levels are 30 times as close around 0 as at the end. Channels
that compare frames have a few large weights and many small ones that matter, which even levels would drown (2.62 in
place of 2.01 px of the default network's error on Middlebury; these 2.03).

In the file NAME is then int8, and NAME.scale holds float32 factors, one an output channel. Small tensors stay float32:
biases, the layers that put out flow and most of those that see images, whose errors weigh most. They are 1 % of a
thin FlowNet2, and less of a wide one.
"""

import re

import torch
from jaxtyping import Float32, Int8
from torch import Tensor

_LEVELS = 127
_BENDING = 8
_LARGEST = _LEVELS * (_BENDING + _LEVELS)
_SCALE = ".scale"
_FEW = 20_000  # numbers; flownet2-thin then takes 23.9 MB, and every layer that puts out flow is smaller
_SMALLEST = 2.0**-100  # so that no scale is 0 or has fewer bits than a float32


def to_eight_bits(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Canonical tensors as they are stored: int8 with scales where that pays. No weight moves by over half a step."""
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 4 and tensor.numel() >= _FEW:
            stored[name], stored[name + _SCALE] = quantised(tensor, _output_axis(name))
        else:
            stored[name] = tensor
    return stored


def from_eight_bits(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The float32 tensors. Raises ValueError where types or scales are not as `to_eight_bits` makes them."""
    scales = {name: tensor for name, tensor in stored.items() if name.endswith(_SCALE)}
    tensors = {name: tensor for name, tensor in stored.items() if name not in scales}
    for name, tensor in tensors.items():
        scale = scales.pop(name + _SCALE, None)
        if scale is None:
            if tensor.dtype != torch.float32:
                raise ValueError(f"{name!a} is {str(tensor.dtype)[6:]} and has no scale")
            continue
        channels = tensor.shape[_output_axis(name)] if tensor.ndim == 4 else None
        if tensor.dtype != torch.int8 or channels is None:
            raise ValueError(f"{name!a} has a scale and is no int8 with four dimensions")
        if scale.dtype != torch.float32 or scale.shape != (channels,):
            raise ValueError(f"the scale of {name!a} is not one float32 for each of its {channels} channels")
        if not (torch.isfinite(scale).all() and (scale > 0).all()):
            raise ValueError(f"the scale of {name!a} holds values that are no sizes of a step")
        tensors[name] = _value(tensor).float().mul_(_along(scale, _output_axis(name)))
    if scales:
        raise ValueError(f"{min(scales)!a} is the scale of nothing")
    return tensors


def quantised(weight: Float32[Tensor, "a b h w"], axis: int) -> tuple[Int8[Tensor, "a b h w"], Float32[Tensor, " c"]]:
    """The nearest levels, and the scale of every channel along `axis`: its largest weight has level 127.

    What comes out of int8 goes back to the same bytes.
    """
    largest = weight.abs().amax([dim for dim in range(4) if dim != axis])
    scale = (largest / _LARGEST).clamp_min(_SMALLEST)
    # Without its last 15 bits a scale times any level's number is exact, so that the same scale is found again; cut
    # rather than rounded, so that nothing overflows. The largest weight moves by 0.4 % at most.
    scale = (scale.view(torch.int32) & ~0x7FFF).view(torch.float32)
    size = (weight / _along(scale, axis)).abs().double()
    below = ((size + _BENDING**2 / 4).sqrt() - _BENDING / 2).floor().clamp(max=_LEVELS - 1)
    level = below + (size > (_value(below) + _value(below + 1)) / 2)
    return (level * weight.sign()).to(torch.int8), scale


def _value(level: Tensor) -> Tensor:
    """What levels stand for, in scales."""
    level = level if level.is_floating_point() else level.int()
    return level * (_BENDING + level.abs())


def _output_axis(name: str) -> int:
    """Transposed convolutions have their output channels second."""
    return 1 if re.search(r"(^|\.)(deconv\d|upsampled_flow\d_to_\d)\.weight$", name) else 0


def _along(scale: Float32[Tensor, " c"], axis: int) -> Float32[Tensor, "a b 1 1"]:
    return scale[:, None, None, None] if axis == 0 else scale[None, :, None, None]
