"""Which part of a frame a network is shown, in training and in the views of a test."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn import functional

from recognition.presets import Cropping, Stream
from recognition.stacks.settings import Crops
from recognition.stacks.transforms import flip_frames, flip_stack
from recognition.stacks.window import Window


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
    # Only with the batch in front of the pixels do torch's strides tell that channels come last.
    batch = frames.permute(1, 2, 0)[None].permute(0, 3, 1, 2)
    return functional.interpolate(batch, (height, width), mode="bilinear", antialias=smoothed)[0]


def stack_channels_last(images: Sequence[Float32[Tensor, "c h w"]]) -> Float32[Tensor, "n c h w"]:
    """`torch.stack` with the channels of a pixel side by side, as they mostly are already: then it copies straight."""
    return torch.stack([image.movedim(0, -1) for image in images]).movedim(-1, 1)


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
    cut = stack_channels_last([window.cut(frames) for window in windows])
    return torch.cat([cut, flip_frames(cut) if stream == "spatial" else flip_stack(cut)])
