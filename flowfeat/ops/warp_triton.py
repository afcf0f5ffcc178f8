"""The backward warp on GPUs: one program a run of pixels, all channels."""

# A launch takes what the compiler makes of a kernel, not what Python sees.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportReturnType=false

import torch
import triton
import triton.language as tl
from torch import Tensor

_PIXELS = 128


def warp_forward(image: Tensor, flow: Tensor, zeros: bool) -> Tensor:
    """`_warp` of `flowfeat.ops.warp` for tensors of up to float32 on a GPU."""
    from flowfeat.ops.warp import _layout

    count, channels, height, width = image.shape
    out = torch.empty_like(image, memory_format=_layout(image))
    # Pixels first: the other axes of a grid end at 65,535.
    _forward[(triton.cdiv(height * width, _PIXELS), count)](
        *(image, flow, out, channels, height, width),
        *image.stride(),
        *flow.stride(),
        *out.stride(),
        ZEROS=zeros,
        PIXELS=_PIXELS,
    )
    return out


def warp_backward(gradient: Tensor, image: Tensor, flow: Tensor, zeros: bool) -> tuple[Tensor, Tensor]:
    """`_warp_backward` for tensors on a GPU. The image's gradient is summed by atomics, in no fixed order."""
    from flowfeat.ops.warp import _layout

    count, channels, height, width = image.shape
    # float32, as many small contributions meet in one pixel.
    of_image = torch.zeros_like(image, dtype=torch.float32, memory_format=_layout(image))
    of_flow = torch.empty_like(flow, memory_format=_layout(flow))
    _backward[(triton.cdiv(height * width, _PIXELS), count)](
        *(gradient, image, flow, of_image, of_flow, channels, height, width),
        *gradient.stride(),
        *image.stride(),
        *flow.stride(),
        *of_image.stride(),
        *of_flow.stride(),
        ZEROS=zeros,
        PIXELS=_PIXELS,
    )
    return of_image.to(image.dtype), of_flow


@triton.jit
def taps(x, y, height, width):
    """Of positions clamped to the frame, columns and rows of the taps, and the weights of the later ones."""
    x = tl.minimum(tl.maximum(x, 0.0), width - 1.0)
    y = tl.minimum(tl.maximum(y, 0.0), height - 1.0)
    left, top = tl.floor(x), tl.floor(y)
    x0, y0 = left.to(tl.int32), top.to(tl.int32)
    return x0, y0, tl.minimum(x0 + 1, width - 1), tl.minimum(y0 + 1, height - 1), x - left, y - top


@triton.jit
def _forward(
    image, flow, out, channels, height, width,
    image_n, image_c, image_y, image_x,
    flow_n, flow_c, flow_y, flow_x,
    out_n, out_c, out_y, out_x,
    ZEROS: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(1).to(tl.int64)  # a batch can be larger than 2^31 numbers
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    here = pixel < height * width
    row, column = pixel // width, pixel % width
    at = flow + n * flow_n + row * flow_y + column * flow_x
    x = column + tl.load(at, mask=here, other=0.0).to(tl.float32)
    y = row + tl.load(at + flow_c, mask=here, other=0.0).to(tl.float32)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x0, y0, x1, y1, a, b = taps(x, y, height, width)
    for c in range(channels):
        base = image + n * image_n + c * image_c
        p00 = tl.load(base + y0 * image_y + x0 * image_x, mask=here, other=0.0).to(tl.float32)
        p01 = tl.load(base + y0 * image_y + x1 * image_x, mask=here, other=0.0).to(tl.float32)
        p10 = tl.load(base + y1 * image_y + x0 * image_x, mask=here, other=0.0).to(tl.float32)
        p11 = tl.load(base + y1 * image_y + x1 * image_x, mask=here, other=0.0).to(tl.float32)
        value = (1 - b) * ((1 - a) * p00 + a * p01) + b * ((1 - a) * p10 + a * p11)
        if ZEROS:
            value = tl.where(inside, value, 0.0)
        tl.store(out + n * out_n + c * out_c + row * out_y + column * out_x, value.to(out.dtype.element_ty), mask=here)


@triton.jit
def _backward(
    gradient, image, flow, of_image, of_flow, channels, height, width,
    gradient_n, gradient_c, gradient_y, gradient_x,
    image_n, image_c, image_y, image_x,
    flow_n, flow_c, flow_y, flow_x,
    of_image_n, of_image_c, of_image_y, of_image_x,
    of_flow_n, of_flow_c, of_flow_y, of_flow_x,
    ZEROS: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(1).to(tl.int64)  # a batch can be larger than 2^31 numbers
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    here = pixel < height * width
    row, column = pixel // width, pixel % width
    at = flow + n * flow_n + row * flow_y + column * flow_x
    x = column + tl.load(at, mask=here, other=0.0).to(tl.float32)
    y = row + tl.load(at + flow_c, mask=here, other=0.0).to(tl.float32)
    inside = here
    if ZEROS:
        inside = here & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    free_x, free_y = (x >= 0) & (x < width - 1), (y >= 0) & (y < height - 1)
    x0, y0, x1, y1, a, b = taps(x, y, height, width)
    of_x, of_y = tl.zeros((PIXELS,), tl.float32), tl.zeros((PIXELS,), tl.float32)
    for c in range(channels):
        spot = gradient + n * gradient_n + c * gradient_c + row * gradient_y + column * gradient_x
        g = tl.load(spot, mask=inside, other=0.0).to(tl.float32)
        base = image + n * image_n + c * image_c
        p00 = tl.load(base + y0 * image_y + x0 * image_x, mask=inside, other=0.0).to(tl.float32)
        p01 = tl.load(base + y0 * image_y + x1 * image_x, mask=inside, other=0.0).to(tl.float32)
        p10 = tl.load(base + y1 * image_y + x0 * image_x, mask=inside, other=0.0).to(tl.float32)
        p11 = tl.load(base + y1 * image_y + x1 * image_x, mask=inside, other=0.0).to(tl.float32)
        of_x += g * ((1 - b) * (p01 - p00) + b * (p11 - p10))
        of_y += g * ((1 - a) * (p10 - p00) + a * (p11 - p01))
        target = of_image + n * of_image_n + c * of_image_c
        tl.atomic_add(target + y0 * of_image_y + x0 * of_image_x, g * (1 - a) * (1 - b), mask=inside)
        tl.atomic_add(target + y0 * of_image_y + x1 * of_image_x, g * a * (1 - b), mask=inside)
        tl.atomic_add(target + y1 * of_image_y + x0 * of_image_x, g * (1 - a) * b, mask=inside)
        tl.atomic_add(target + y1 * of_image_y + x1 * of_image_x, g * a * b, mask=inside)
    spot = of_flow + n * of_flow_n + row * of_flow_y + column * of_flow_x
    tl.store(spot, tl.where(free_x, of_x, 0.0).to(of_flow.dtype.element_ty), mask=here)
    tl.store(spot + of_flow_c, tl.where(free_y, of_y, 0.0).to(of_flow.dtype.element_ty), mask=here)
