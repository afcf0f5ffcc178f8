"""From what is stored to what a network is shown: values of flow and colour, and mirroring.

Stacks are (..., 2L, H, W) with x and y interleaved; frames are (..., 3, H, W). In memory the channels of a pixel lie
side by side (torch's channels_last), as networks here compute and as resampling is quickest.
"""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32, UInt8
from torch import Tensor

from recognition.presets import ColourInput, FlowInput
from recognition.stacks.reading import StoredStack
from recognition.stacks.window import Window

_ROWS_IN_16_BITS = (2**16 - 1) // 255
"""So many levels never add up to more than 16 bits hold, and 16 bits are added in half the time that 32 take."""

_Values = UInt8[np.ndarray, "c h w"] | Float32[np.ndarray, "c h w"]


def flow_input(
    stack: StoredStack, of: FlowInput, window: Window, mirrored: bool = False
) -> Float32[Tensor, "c {window.height} {window.width}"]:
    """A window of stored fields in a network's units: components clipped to the bound, without the mean displacement
    of each whole field (Simonyan and Zisserman, 2014, section 3.1), scaled, in this order; mirrored as `flip_stack`
    does.
    """
    values = _clipped(stack, of.bound)
    channels = len(values)
    zero = _field_means(values) if of.mean == "field" else np.full(channels, stack.zero, np.float32)
    scale = np.full(channels, stack.unit * of.scale, np.float32)
    # Cut, turned round and mirrored as bytes, which is a quarter of the memory that displacements take.
    part = window.cut(values)
    if mirrored:
        part, scale[0::2] = part[..., ::-1], -scale[0::2]
    pixels = np.ascontiguousarray(rearrange(part, "c h w -> h w c")).reshape(window.height, -1)
    # A whole row at a time: twenty channels are too few for numpy's inner loop.
    shown = np.subtract(pixels, np.tile(zero, window.width), dtype=np.float32)
    shown *= np.tile(scale, window.width)
    return rearrange(torch.from_numpy(shown), "h (w c) -> c h w", c=channels)


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


def _clipped(stack: StoredStack, bound: float | None) -> _Values:
    """The stack's values within +-bound pixels: levels still, where the bound is one."""
    if bound is None:
        return stack.values
    reach = stack.values_of(bound)
    low, high = stack.zero - reach, stack.zero + reach
    levels = stack.bound is not None
    if levels and low <= 0 and high >= 255:
        return stack.values
    kind = np.uint8 if levels and reach.is_integer() else np.float32
    return np.clip(stack.values, kind(low), kind(high), dtype=kind)


def _field_means(values: _Values) -> Float32[np.ndarray, "c"]:
    """The mean of each component of each field; of levels it is exact before it is rounded to float32."""
    kind = np.float64 if values.dtype != np.uint8 else np.uint16 if values.shape[1] <= _ROWS_IN_16_BITS else np.uint32
    columns = np.add.reduce(values, axis=1, dtype=kind)
    return (columns.sum(axis=1, dtype=np.float64) / values[0].size).astype(np.float32)
