"""Which part of a frame a network is shown, in training and in the views of a test."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn import functional

from recognition.presets import Cropping, Stream
from recognition.stacks.settings import Crops
from recognition.stacks.transforms import flip_frames, flip_stack


@dataclass(frozen=True)
class Window:
    """A part of a frame, in whole pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, frames: Float32[Tensor, "*b h w"]) -> Float32[Tensor, "*b _ _"]:
        """The window's part of frames, a view of them."""
        return frames[..., self.top : self.top + self.height, self.left : self.left + self.width]

    def scaled(self, size: tuple[int, int], to: tuple[int, int]) -> "Window":
        """The window of a frame of `size` (height, width) in the same frame resampled to `to`, in whole pixels."""
        top, bottom = (round(y * to[0] / size[0]) for y in (self.top, self.top + self.height))
        left, right = (round(x * to[1] / size[1]) for x in (self.left, self.left + self.width))
        top, left = min(top, to[0] - 1), min(left, to[1] - 1)
        return Window(top, left, max(bottom - top, 1), max(right - left, 1))


def resampled_size(height: int, width: int, shorter_side: int) -> tuple[int, int]:
    """Height and width with the shorter side at `shorter_side` and the aspect kept; 240x320 becomes 256x341."""
    factor = shorter_side / min(height, width)
    return round(height * factor), round(width * factor)


def fixed_windows(height: int, width: int, window_height: int, window_width: int) -> tuple[Window, ...]:
    """The corners and the centre of a frame: top left, top right, bottom left, bottom right, centre."""
    bottom, right = height - window_height, width - window_width
    corners = ((0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2))
    return tuple(Window(top, left, window_height, window_width) for top, left in corners)


def random_window(height: int, width: int, cropping: Cropping, rng: np.random.Generator) -> Window:
    """The window of a training crop, in a frame of `height` and `width` whose shorter side is `cropping.shorter_side`.

    With scales, its height and its width are such fractions of the shorter side, all pairs no further apart than
    `distortion` as likely.
    """
    window_height = window_width = cropping.side
    if cropping.scales is not None:
        places = range(len(cropping.scales))
        pairs = [(i, j) for i in places for j in places if abs(i - j) <= cropping.distortion]
        i, j = pairs[rng.integers(len(pairs))]
        window_height, window_width = (round(cropping.scales[k] * cropping.shorter_side) for k in (i, j))
    if cropping.placement == "corners":
        return fixed_windows(height, width, window_height, window_width)[rng.integers(5)]
    top, left = rng.integers(height - window_height + 1), rng.integers(width - window_width + 1)
    return Window(int(top), int(left), window_height, window_width)


def resample(frames: Float32[Tensor, "c h w"], height: int, width: int) -> Float32[Tensor, "c {height} {width}"]:
    """The frames in another size, bilinear, smoothed where they shrink to less than half; displacements keep
    their length."""
    if tuple(frames.shape[1:]) == (height, width):
        return frames
    # Bilinear weights of 2x2 pixels leave none out down to half the size; smoothing takes twice the time.
    smoothed = 2 * height < frames.shape[1] or 2 * width < frames.shape[2]
    return functional.interpolate(frames[None], (height, width), mode="bilinear", antialias=smoothed)[0]


def crops_of_view(
    frames: Float32[Tensor, "c h w"], side: int, crops: Crops, stream: Stream
) -> Float32[Tensor, "{crops} c {side} {side}"]:
    """The crops of a test view, squares of `side` pixels.

    Of ten, the order is top left, top right, bottom left, bottom right, centre, then the mirror images of these in
    the same order. One is the centre.
    """
    windows = fixed_windows(frames.shape[-2], frames.shape[-1], side, side)
    if crops == 1:
        return windows[-1].cut(frames)[None]
    cut = torch.stack([window.cut(frames) for window in windows])
    return torch.cat([cut, flip_frames(cut) if stream == "spatial" else flip_stack(cut)])
