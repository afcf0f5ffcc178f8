"""A part of a frame."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from torch import Tensor

Frames = TypeVar("Frames", Tensor, np.ndarray)


@dataclass(frozen=True)
class Window:
    """A part of a frame, in whole pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, frames: Frames) -> Frames:
        """The window's part of frames (..., h, w), a view of them."""
        return frames[..., self.top : self.top + self.height, self.left : self.left + self.width]

    def scaled(self, size: tuple[int, int], to: tuple[int, int]) -> "Window":
        """The window of a frame of `size` (height, width) in the same frame resampled to `to`, in whole pixels."""
        top, bottom = (round(y * to[0] / size[0]) for y in (self.top, self.top + self.height))
        left, right = (round(x * to[1] / size[1]) for x in (self.left, self.left + self.width))
        top, left = min(top, to[0] - 1), min(left, to[1] - 1)
        return Window(top, left, max(bottom - top, 1), max(right - left, 1))
