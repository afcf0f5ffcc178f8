"""Stacks of flow and RGB frames of stored clips, as tensors.

A stack of L fields has 2L channels, x and y interleaved: x1, y1, x2, y2, ... (Simonyan and Zisserman, 2014, section
3.1). A clip with fewer fields than a stack repeats its last one.
"""

import torch
from einops import rearrange
from jaxtyping import Float32, UInt8
from torch import Tensor

from flowfeat.errors import InputError, StoreError
from flowfeat.store import StoredClip
from recognition.presets import Stream


def read_stack(clip: StoredClip, start: int, length: int) -> Float32[Tensor, "{2*length} h w"]:
    """Fields `start` to `start + length` of a clip, in pixels of the stored frames.

    Raises InputError where the clip has no field at all, IndexError where `start` is not one of the clip's fields,
    or a whole stack is there and not from `start` on; StoreError where the file is damaged.
    """
    if clip.pairs == 0:
        raise InputError(f"{clip.path}: the clip has a single frame and no flow; leave it out of the split")
    count = min(length, clip.pairs) if start == 0 else length
    fields = clip.read(start, count)
    return rearrange(_repeat_last(fields, length), "l xy h w -> (l xy) h w")


def read_rgb(clip: StoredClip, start: int) -> UInt8[Tensor, "3 h w"]:
    """Frame `start` of a clip, RGB, 0..255.

    Raises StoreError where the store has no frames or the file is damaged, IndexError where the clip has no such one.
    """
    return clip.read_frames(start, 1)[0]


def positions(clip: StoredClip, stream: Stream) -> int:
    """How many fields, or frames for the spatial stream, a clip has. Raises StoreError where no frames are stored."""
    if stream == "spatial":
        if not clip.frames:
            raise StoreError(f"{clip.path}: no frames are stored for the spatial stream; extract with --frames")
        return clip.frames
    return clip.pairs


def _repeat_last(fields: Float32[Tensor, "t 2 h w"], length: int) -> Float32[Tensor, "{length} 2 h w"]:
    if len(fields) == length:
        return fields
    return torch.cat([fields, fields[-1:].expand(length - len(fields), -1, -1, -1)])
