"""Backward warp: the second image sampled where the flow says each pixel of the first has gone.

    out[n, c, y, x] = image[n, c, y + v, x + u], bilinear

Two borders, as the published weights were trained with: `clamp` (NVIDIA's Resample2d: each of the four taps is clamped
to the frame) and `zeros` (Caffe's FlowWarp: zero where the position lies outside 0 <= x < w, 0 <= y < h, and within
it taps beyond the last row or column are clamped). Inside the frame they are equal.
"""

from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from flowfeat.ops.compiler import compiles
from flowfeat.ops.precision import sum_type

Border = Literal["zeros", "clamp"]


def warp(
    image: Float[Tensor, "n c h w"], flow: Float[Tensor, "n 2 h w"], border: Border = "clamp"
) -> Float[Tensor, "n c h w"]:
    """The image warped back by the flow.

    Args:
        image: what is sampled; float32, float16, bfloat16 or float64; any memory format.
        flow: pixels, x first, from the wanted frame to `image`.
        border: what positions outside the frame give.

    Returns:
        The sampled image in the image's type; positions and weights are float32 (float64 for float64).

    Raises:
        ValueError: where the shapes do not fit or the border is unknown.
    """
    if image.ndim != 4 or flow.shape != (image.shape[0], 2, *image.shape[2:]):
        raise ValueError(
            f"warp takes an image (n, c, h, w) and its flow (n, 2, h, w), not {image.shape} and {flow.shape}"
        )
    if border not in ("zeros", "clamp"):
        raise ValueError(f"warp knows the borders 'zeros' and 'clamp', not {border!r}")
    return torch.ops.flowfeat.warp(image, flow, border == "zeros")


def warp_reference(
    image: Float[Tensor, "n c h w"], flow: Float[Tensor, "n 2 h w"], border: Border = "clamp"
) -> Float[Tensor, "n c h w"]:
    """`warp` as its formula reads, one gather a tap, differentiable by itself. The oracle of the others."""
    count, channels, height, width = image.shape
    wide = sum_type(image)
    pixels = image.to(wide).flatten(2)
    x = flow[:, 0].to(wide) + torch.arange(width, device=flow.device, dtype=wide)
    y = flow[:, 1].to(wide) + torch.arange(height, device=flow.device, dtype=wide)[:, None]
    left, top = x.detach().floor(), y.detach().floor()
    a, b = x - left, y - top

    def tap(row: Tensor, column: Tensor) -> Tensor:
        index = row.clamp(0, height - 1).long() * width + column.clamp(0, width - 1).long()
        return pixels.gather(2, index.view(count, 1, -1).expand(-1, channels, -1)).view(image.shape)

    a, b = a[:, None], b[:, None]
    out = (1 - b) * ((1 - a) * tap(top, left) + a * tap(top, left + 1))
    out = out + b * ((1 - a) * tap(top + 1, left) + a * tap(top + 1, left + 1))
    if border == "zeros":
        out = out * ((x >= 0) & (x < width) & (y >= 0) & (y < height))[:, None]
    return out.to(image.dtype)


# Not `custom_op`: what it wraps around a call takes 0.1 ms, a tenth of the time at 256x320 on a CPU.
torch.library.define("flowfeat::warp", "(Tensor image, Tensor flow, bool zeros) -> Tensor")


@torch.library.impl("flowfeat::warp", "CPU")
def _warp(image: Tensor, flow: Tensor, zeros: bool) -> Tensor:
    """Four look-ups a pixel in the image with zeros around it; right and lower neighbours are shifted views of it.

    Positions are exact to float32; `grid_sample` goes through coordinates in [-1, 1], which costs it two digits.
    """
    channels, height, width = image.shape[1:]
    wide = sum_type(image)
    # x and y go through everything together: on a CPU each step costs the threads a meeting. Each in its own plane: on
    # every second number of a channels-last flow the steps below take several times as long.
    position = flow.to(wide).contiguous() + _pixels(height, width, wide)
    cell = position.floor() if zeros else position
    if zeros:  # positions outside begin among the zeros
        cell[:, 0].clamp_(-1, width)
        cell[:, 1].clamp_(-1, height)
    # Clamping the position gives the value of clamping each tap: where a tap would leave, its weight is zero. It also
    # keeps the taps of a position left of the frame or above it from reaching into the frame.
    position[:, 0].clamp_(0, width - 1)
    position[:, 1].clamp_(0, height - 1)
    cell = cell.int()
    pitch = width + 2
    index = torch.add(cell[:, 0], cell[:, 1], alpha=pitch).add_(pitch + 1)
    # For positions that are no numbers: any pixel will do, as their weights are no numbers either.
    index = index.clamp_(0, (height + 2) * pitch - 2).long()[:, None].expand(-1, channels, -1, -1)
    a, b = position.frac_().split(1, 1)
    # Rows are gathered as rows of their own, for threads to share: by channels, two threads would share three unevenly.
    padded = functional.pad(image.to(wide), (1, 1, 1, 2)).flatten(2)[:, :, None].expand(-1, -1, height, -1)
    right, below, diagonal = padded[..., 1:], padded[..., pitch:], padded[..., pitch + 1 :]
    out = padded.gather(3, index).lerp_(right.gather(3, index), a)
    out.lerp_(below.gather(3, index).lerp_(diagonal.gather(3, index), a), b)
    return out.to(image.dtype).contiguous(memory_format=_layout(image))


@lru_cache(maxsize=4)
def _pixels(height: int, width: int, wide: torch.dtype) -> Tensor:
    """(2, height, width): the position of every pixel, x first."""
    x, y = torch.arange(width, dtype=wide), torch.arange(height, dtype=wide)[:, None]
    return torch.stack(torch.broadcast_tensors(x, y))


@torch.library.custom_op("flowfeat::warp_backward", mutates_args=(), device_types="cpu")
def _warp_backward(gradient: Tensor, image: Tensor, flow: Tensor, zeros: bool) -> tuple[Tensor, Tensor]:
    """Gradients of the image and of the flow; where a position was clamped, the flow's is zero."""
    count, channels, height, width = image.shape
    wide = sum_type(image)
    x, y = (flow.to(sum_type(flow)) + _pixels(height, width, sum_type(flow))).unbind(1)
    # Where the value still changes with the position, as the taps of the formula have it.
    free = torch.stack([(x >= 0) & (x < width - 1), (y >= 0) & (y < height - 1)], 1)
    outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
    x, y = x.clamp_(0, width - 1), y.clamp_(0, height - 1)
    left, top = x.floor(), y.floor()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    a, b = (x - left).view(-1, 1).to(wide), (y - top).view(-1, 1).to(wide)
    pixels = image.permute(0, 2, 3, 1).reshape(-1, channels).to(wide)
    outer = gradient.permute(0, 2, 3, 1).reshape(-1, channels).to(wide)
    if zeros:
        outer = outer.masked_fill(outside.view(-1, 1), 0)
    of_pixels = torch.zeros_like(pixels)
    first = torch.arange(0, len(pixels), height * width, device=flow.device).view(-1, 1, 1)
    taps = []
    for row, column, weight in [
        (top, left, (1 - a) * (1 - b)),
        (top, right, a * (1 - b)),
        (bottom, left, (1 - a) * b),
        (bottom, right, a * b),
    ]:
        index = (_index(row, column, width) + first).view(-1)
        of_pixels.index_add_(0, index, outer * weight)
        taps.append(pixels.index_select(0, index))
    top_left, top_right, bottom_left, bottom_right = taps
    of_x = (outer * ((1 - b) * (top_right - top_left) + b * (bottom_right - bottom_left))).sum(1)
    of_y = (outer * ((1 - a) * (bottom_left - top_left) + a * (bottom_right - top_right))).sum(1)
    of_flow = torch.stack([of_x, of_y]).view(2, count, height, width).transpose(0, 1)
    of_flow = of_flow * free
    of_image = of_pixels.view(count, height, width, channels).permute(0, 3, 1, 2)
    return (
        of_image.to(image.dtype).contiguous(memory_format=_layout(image)),
        of_flow.to(flow.dtype).contiguous(memory_format=_layout(flow)),
    )


def _gradients_of_reference(gradient: Tensor, image: Tensor, flow: Tensor, zeros: bool) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        inputs = image.detach().requires_grad_(), flow.detach().requires_grad_()
        found = torch.autograd.grad(warp_reference(*inputs, "zeros" if zeros else "clamp"), inputs, gradient)
    of_image, of_flow = (values.contiguous(memory_format=_layout(of)) for values, of in zip(found, inputs, strict=True))
    return of_image, of_flow


def _layout(values: Tensor) -> torch.memory_format:
    channels_last = values.is_contiguous(memory_format=torch.channels_last) and not values.is_contiguous()
    return torch.channels_last if channels_last else torch.contiguous_format


def _index(row: Tensor, column: Tensor, width: int) -> Tensor:
    """(n, h, w): numbers of pixels in a flattened image."""
    # Through integers, as float32 counts only up to 2^24; a position that is no number takes the first pixel.
    return row.nan_to_num().int() * width + column.nan_to_num().int()


@torch.library.impl("flowfeat::warp", "CUDA")
def _(image: Tensor, flow: Tensor, zeros: bool) -> Tensor:
    if image.dtype == torch.float64 or not compiles():
        return warp_reference(image, flow, "zeros" if zeros else "clamp").contiguous(memory_format=_layout(image))
    from flowfeat.ops.warp_triton import warp_forward

    with torch.cuda.device_of(image):  # Triton launches on the current device, whichever that is
        return warp_forward(image, flow, zeros)


@_warp_backward.register_kernel("cuda")
def _(gradient: Tensor, image: Tensor, flow: Tensor, zeros: bool) -> tuple[Tensor, Tensor]:
    if image.dtype == torch.float64 or not compiles():
        return _gradients_of_reference(gradient, image, flow, zeros)
    from flowfeat.ops.warp_triton import warp_backward

    with torch.cuda.device_of(image):
        return warp_backward(gradient, image, flow, zeros)


@torch.library.register_fake("flowfeat::warp")
def _(image: Tensor, flow: Tensor, zeros: bool) -> Tensor:
    return torch.empty_like(image, memory_format=_layout(image))


@_warp_backward.register_fake
def _(gradient: Tensor, image: Tensor, flow: Tensor, zeros: bool) -> tuple[Tensor, Tensor]:
    of_image = torch.empty_like(image, memory_format=_layout(image))
    return of_image, torch.empty_like(flow, memory_format=_layout(flow))


def _save(ctx, inputs, output) -> None:
    image, flow, ctx.zeros = inputs
    ctx.save_for_backward(image, flow)


def _backward(ctx, gradient: Tensor):
    return *_warp_backward(gradient, *ctx.saved_tensors, ctx.zeros), None


torch.library.register_autograd("flowfeat::warp", _backward, setup_context=_save)
