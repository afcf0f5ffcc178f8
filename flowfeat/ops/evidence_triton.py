"""What a network is shown of the flow so far, on GPUs: upsampling, warps, errors and concatenation in one kernel.

The twins are `FlowNetStack.link` and `FlowNet2.evidence` of `flowfeat.networks`, which pass some ten tensors of full
size through memory. Here each number of the frames is read once a tap and each result written once, channels last.
Channels are filled up with zeros to 16, so that a pixel is two accesses of 16 bytes, and a convolution's tensor cores
need no copy.
"""

# A launch takes what the compiler makes of a kernel, not what Python sees.
# pyright: reportArgumentType=false, reportCallIssue=false

import triton
import triton.language as tl
from torch import Tensor

from flowfeat.ops.warp import Border
from flowfeat.ops.warp_triton import taps

_FACTOR = 4
"""By which a network's flow is smaller than its frames."""

_PIXELS = 128


def link(images: Tensor, quarter: Tensor, scale: float, align_corners: bool, border: Border | None) -> Tensor:
    """What a stage sees: both frames, the second warped by the flow so far, that flow, and the brightness error.

    Args:
        images: (n, 6, h, w); float32, float16 or bfloat16; any memory format.
        quarter: (n, 2, h / 4, w / 4), the flow so far, of the type of the images.
        scale: pixels for one unit of the flow.
        align_corners: of the bilinear upsampling of the flow.
        border: of the warp; None leaves the warped frame and its error away.

    Returns:
        (n, 16, h, w), channels last: 3 + 3 channels of the frames, 3 warped, 2 of flow in its own units, the error, 4
        zeros. Without a warp (n, 8, h, w): frames and flow.
    """
    count, _, height, width = images.shape
    rows, columns = quarter.shape[2:]
    out = images.new_empty(count, height, width, 8 if border is None else 16).permute(0, 3, 1, 2)
    if align_corners:
        step_y, step_x, shift = _stretch(rows, height), _stretch(columns, width), 0.0
    else:
        step_y = step_x = 1 / _FACTOR
        shift = (1 / _FACTOR - 1) / 2
    _link[(triton.cdiv(height * width, _PIXELS), count)](
        *(images, quarter, out, height, width, rows, columns),
        *images.stride(),
        *quarter.stride(),
        *(step_y, step_x, shift, scale),
        WARPING=border is not None,
        ZEROS=border == "zeros",
        PIXELS=_PIXELS,
    )
    return out


def evidence(
    images: Tensor, small: Tensor, large: Tensor, small_scale: float, large_scale: float, border: Border
) -> Tensor:
    """What the fusion sees: the first frame, both flows, their lengths, and the error each leaves.

    Args:
        images: (n, 6, h, w); float32, float16 or bfloat16; any memory format.
        small: (n, 2, h / 4, w / 4), flow of the network for small displacements; pixels are copied to full size.
        large: the same of the stack.
        small_scale: pixels for one unit of `small`.
        large_scale: pixels for one unit of `large`.
        border: of the warps.

    Returns:
        (n, 16, h, w), channels last: 3 channels of the first frame, 2 + 2 of flow, 2 lengths, 2 errors, 5 zeros.
    """
    count, _, height, width = images.shape
    out = images.new_empty(count, height, width, 16).permute(0, 3, 1, 2)
    _evidence[(triton.cdiv(height * width, _PIXELS), count)](
        *(images, small, large, out, height, width),
        *images.stride(),
        *small.stride(),
        *large.stride(),
        *(small_scale, large_scale),
        FACTOR=_FACTOR,
        ZEROS=border == "zeros",
        PIXELS=_PIXELS,
    )
    return out


def _stretch(inputs: int, outputs: int) -> float:
    """Input pixels from one output pixel to the next where the corners of both meet."""
    return (inputs - 1) / (outputs - 1) if outputs > 1 else 0.0


@triton.jit
def _eight(v0, v1, v2, v3, v4, v5, v6, v7):
    """(pixels, 8) of eight channels."""
    even = tl.interleave(tl.join(v0, v4), tl.join(v2, v6))
    odd = tl.interleave(tl.join(v1, v5), tl.join(v3, v7))
    return tl.interleave(even, odd)


@triton.jit
def _colours(image, image_c, image_y, image_x, row, column, here):
    """The three channels of pixels."""
    at = image + row * image_y + column * image_x
    red = tl.load(at, mask=here, other=0.0).to(tl.float32)
    green = tl.load(at + image_c, mask=here, other=0.0).to(tl.float32)
    blue = tl.load(at + 2 * image_c, mask=here, other=0.0).to(tl.float32)
    return red, green, blue


@triton.jit
def _tap(at, step_x, step_y, a, b, here):
    """Bilinear between four taps."""
    p00 = tl.load(at, mask=here, other=0.0).to(tl.float32)
    p01 = tl.load(at + step_x, mask=here, other=0.0).to(tl.float32)
    p10 = tl.load(at + step_y, mask=here, other=0.0).to(tl.float32)
    p11 = tl.load(at + step_y + step_x, mask=here, other=0.0).to(tl.float32)
    return (1 - b) * ((1 - a) * p00 + a * p01) + b * ((1 - a) * p10 + a * p11)


@triton.jit
def _warped(image, image_c, image_y, image_x, row, column, u, v, height, width, here, ZEROS: tl.constexpr):
    """The three channels of a frame where the flow (u, v) of pixels leads."""
    x, y = column + u, row + v
    x0, y0, x1, y1, a, b = taps(x, y, height, width)
    at = image + y0 * image_y + x0 * image_x
    step_x, step_y = (x1 - x0) * image_x, (y1 - y0) * image_y
    red = _tap(at, step_x, step_y, a, b, here)
    green = _tap(at + image_c, step_x, step_y, a, b, here)
    blue = _tap(at + 2 * image_c, step_x, step_y, a, b, here)
    if ZEROS:
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        red, green, blue = tl.where(inside, red, 0.0), tl.where(inside, green, 0.0), tl.where(inside, blue, 0.0)
    return red, green, blue


@triton.jit
def _distance(r0, g0, b0, r1, g1, b1):
    """The Euclidean norm of the difference of two colours."""
    return tl.sqrt((r0 - r1) * (r0 - r1) + (g0 - g1) * (g0 - g1) + (b0 - b1) * (b0 - b1))


@triton.jit
def _link(
    images, quarter, out, height, width, rows, columns,
    images_n, images_c, images_y, images_x,
    quarter_n, quarter_c, quarter_y, quarter_x,
    step_y, step_x, shift, scale,
    WARPING: tl.constexpr, ZEROS: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(1).to(tl.int64)  # a batch can be larger than 2^31 numbers
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    here = pixel < height * width
    row, column = pixel // width, pixel % width
    # The flow between the four of its pixels that are around.
    y, x = tl.maximum(row * step_y + shift, 0.0), tl.maximum(column * step_x + shift, 0.0)
    y0, x0 = y.to(tl.int32), x.to(tl.int32)
    right, below = tl.where(x0 < columns - 1, quarter_x, 0), tl.where(y0 < rows - 1, quarter_y, 0)
    at = quarter + n * quarter_n + y0 * quarter_y + x0 * quarter_x
    u = _tap(at, right, below, x - x0, y - y0, here)
    v = _tap(at + quarter_c, right, below, x - x0, y - y0, here)
    first = images + n * images_n
    second = first + 3 * images_c
    r0, g0, b0 = _colours(first, images_c, images_y, images_x, row, column, here)
    r1, g1, b1 = _colours(second, images_c, images_y, images_x, row, column, here)
    made = out.dtype.element_ty
    if WARPING:
        r2, g2, b2 = _warped(
            second, images_c, images_y, images_x, row, column, u * scale, v * scale, height, width, here, ZEROS
        )
        error = _distance(r0, g0, b0, r2, g2, b2)
        none = tl.zeros_like(error)
        # Channels 0, 2, 4, ... and 1, 3, 5, ...
        even = _eight(r0, b0, g1, r2, b2, v, none, none)
        odd = _eight(g0, r1, b1, g2, u, error, none, none)
        c = tl.arange(0, 16)[None, :]
        to = out + (n * height * width + pixel[:, None]) * 16 + c
        tl.store(to, tl.interleave(even, odd).to(made), mask=here[:, None])
    else:
        c = tl.arange(0, 8)[None, :]
        to = out + (n * height * width + pixel[:, None]) * 8 + c
        tl.store(to, _eight(r0, g0, b0, r1, g1, b1, u, v).to(made), mask=here[:, None])


@triton.jit
def _evidence(
    images, small, large, out, height, width,
    images_n, images_c, images_y, images_x,
    small_n, small_c, small_y, small_x,
    large_n, large_c, large_y, large_x,
    small_scale, large_scale,
    FACTOR: tl.constexpr, ZEROS: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    here = pixel < height * width
    row, column = pixel // width, pixel % width
    at = small + n * small_n + (row // FACTOR) * small_y + (column // FACTOR) * small_x
    small_u = tl.load(at, mask=here, other=0.0).to(tl.float32) * small_scale
    small_v = tl.load(at + small_c, mask=here, other=0.0).to(tl.float32) * small_scale
    at = large + n * large_n + (row // FACTOR) * large_y + (column // FACTOR) * large_x
    large_u = tl.load(at, mask=here, other=0.0).to(tl.float32) * large_scale
    large_v = tl.load(at + large_c, mask=here, other=0.0).to(tl.float32) * large_scale
    first = images + n * images_n
    second = first + 3 * images_c
    r0, g0, b0 = _colours(first, images_c, images_y, images_x, row, column, here)
    r1, g1, b1 = _warped(
        second, images_c, images_y, images_x, row, column, small_u, small_v, height, width, here, ZEROS
    )
    r2, g2, b2 = _warped(
        second, images_c, images_y, images_x, row, column, large_u, large_v, height, width, here, ZEROS
    )
    small_error, large_error = _distance(r0, g0, b0, r1, g1, b1), _distance(r0, g0, b0, r2, g2, b2)
    small_length = tl.sqrt(small_u * small_u + small_v * small_v)
    large_length = tl.sqrt(large_u * large_u + large_v * large_v)
    none = tl.zeros_like(small_error)
    # Channels 0, 2, 4, ... and 1, 3, 5, ...
    even = _eight(r0, b0, small_v, large_v, large_length, large_error, none, none)
    odd = _eight(g0, small_u, large_u, small_length, small_error, none, none, none)
    c = tl.arange(0, 16)[None, :]
    to = out + (n * height * width + pixel[:, None]) * 16 + c
    tl.store(to, tl.interleave(even, odd).to(out.dtype.element_ty), mask=here[:, None])
