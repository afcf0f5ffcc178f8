"""Stacks of fields, and frames, out of a stored clip.

A stack of L fields has 2L channels, x and y taking turns: x1, y1, x2, y2, ...
"""

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32, UInt8
from torch import Tensor

from flowfeat.errors import InputError, StoreError
from flowfeat.store import StoredClip
from flowfeat.store.quantise import LEVELS_PER_SIDE, ZERO_LEVEL, dequantise
from recognition.presets import Stream


@dataclass(frozen=True)
class StoredStack:
    """A stack as it is stored.

    Attributes:
        values: levels where there is a bound, else pixels.
        bound: pixels of the highest level; None where pixels are stored.
    """

    values: UInt8[np.ndarray, "c h w"] | Float32[np.ndarray, "c h w"]
    bound: float | None

    @property
    def zero(self) -> int:
        """The value of no motion."""
        return 0 if self.bound is None else ZERO_LEVEL

    @property
    def unit(self) -> float:
        """What one more in value is in pixels."""
        return 1.0 if self.bound is None else self.bound / LEVELS_PER_SIDE

    def values_of(self, pixels: float) -> float:
        """How far from zero the value of a displacement is."""
        return pixels if self.bound is None else pixels * LEVELS_PER_SIDE / self.bound

    def in_pixels(self) -> Float32[Tensor, "c h w"]:
        """The stack's displacements."""
        return torch.from_numpy(self.values if self.bound is None else dequantise(self.values, self.bound))


def read_stored(clip: StoredClip, start: int, length: int) -> StoredStack:
    """Fields `start` to `start + length` of a clip as they are stored; of a shorter clip, its last field repeated.

    Raises InputError where the clip has no field at all, IndexError where `start` is not one of the clip's fields,
    or a whole stack is there and not from `start` on; StoreError where the file is damaged.
    """
    if clip.pairs == 0:
        raise InputError(f"{clip.path}: the clip has a single frame and no flow; leave it out of the split")
    count = min(length, clip.pairs) if start == 0 else length
    fields, bound = clip.read_levels(start, count), clip.header.settings.bound
    if count < length:
        fields = np.concatenate([fields, np.repeat(fields[-1:], length - count, axis=0)])
    values = rearrange(fields, "l xy h w -> (l xy) h w")
    return StoredStack(values.astype(np.float32) if bound is None else values, bound)


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
