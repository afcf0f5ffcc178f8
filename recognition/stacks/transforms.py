"""From what is stored to what a network is shown: values of flow and colour, and mirroring.

Stacks are (..., 2L, H, W) with x and y interleaved; frames are (..., 3, H, W).
"""

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from recognition.presets import ColourInput, FlowInput


def flow_input(stack: Float32[Tensor, "*b c h w"], of: FlowInput) -> Float32[Tensor, "*b c h w"]:
    """Whole fields in pixels to a network's units: components clipped to the bound, without the mean displacement of
    each field (Simonyan and Zisserman, 2014, section 3.1), scaled, in this order.

    The stack itself is overwritten: a new one each time takes as long as the arithmetic again.
    """
    if of.bound is not None:
        stack.clamp_(-of.bound, of.bound)
    if of.mean == "field":
        stack -= stack.mean((-2, -1), keepdim=True)
    if of.scale != 1:
        stack *= of.scale
    return stack


def colour_input(frames: UInt8[Tensor, "*b 3 h w"], of: ColourInput) -> Float32[Tensor, "*b 3 h w"]:
    """Frames in levels 0..255 to a network's units."""
    mean, std = (torch.tensor(levels)[:, None, None] for levels in (of.mean, of.std))
    return (frames - mean) / std


def flip_stack(stack: Float32[Tensor, "*b c h w"]) -> Float32[Tensor, "*b c h w"]:
    """The stack of the mirrored clip: pixels change sides, and what moved to the right moves to the left."""
    mirrored = stack.flip(-1)
    mirrored[..., 0::2, :, :].neg_()
    return mirrored


def flip_frames(frames: Float32[Tensor, "*b 3 h w"]) -> Float32[Tensor, "*b 3 h w"]:
    """The frames of the mirrored clip."""
    return frames.flip(-1)
