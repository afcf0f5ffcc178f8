"""The cost volume on GPUs: matrix products of rows whose wanted band is stored, no product passes through memory."""

# A launch takes what the compiler makes of a kernel, not what Python sees.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportReturnType=false

import os

import torch
import triton
import triton.language as tl
from torch import Tensor

# tl.dot wants at least 16 a side. Of FlowNetC's 40 columns at 256x320, 20 are of one parity: a program's pixels. Not
# tuned on a GPU.
_PIXELS, _CHANNELS = 32, 32
# Of half types, where a block of channels is 128 bytes and its product a few instructions.
_CHANNELS_OF_HALF = 64


def correlation_forward(
    first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int
) -> Tensor:
    """`_correlation` of `flowfeat.ops.correlation` for tensors of up to float32 on a GPU."""
    count, _, height, width = first.shape
    steps = 2 * (max_displacement // displacement_stride) + 1
    out = first.new_empty(count, -(-height // stride), -(-width // stride), steps * steps).permute(0, 3, 1, 2)
    correlation_into(out, first, second, max_displacement, displacement_stride, stride)
    return out


def correlation_into(
    out: Tensor,
    first: Tensor,
    second: Tensor,
    max_displacement: int,
    displacement_stride: int,
    stride: int,
    factor: float = 1.0,
    slope: float = 1.0,
) -> None:
    """Write the cost volume, times `factor` and through leaky ReLU of `slope`, into `out`: any strides, any type."""
    count, channels, height, width = first.shape
    radius = max_displacement // displacement_stride
    out_height, out_width = out.shape[2:]
    # Columns that never meet are parted, as in `_Grid` of `flowfeat.ops.correlation`: half of the products at stride 2.
    classes = displacement_stride if stride == 1 else 1
    tiles = triton.cdiv(triton.cdiv(out_width, classes), _PIXELS)
    _forward[(count * out_height, 2 * radius + 1, tiles * classes)](
        *(first, second, out),
        *(channels, height, width, out_height, out_width),
        *first.stride(),
        *second.stride(),
        *out.stride(),
        *(radius, stride, factor / channels, slope),
        CLASSES=classes,
        STEP=displacement_stride // classes,
        PIXELS=_PIXELS,
        CHANNELS=_CHANNELS if first.dtype == torch.float32 else _CHANNELS_OF_HALF,
        WIDEN=interpreted(),
    )


def correlation_backward(
    gradient: Tensor, first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int, stride: int
) -> tuple[Tensor, Tensor]:
    """`_correlation_backward` for tensors on a GPU. No atomics: the same gradients every time."""
    count, channels, height, width = first.shape
    radius = max_displacement // displacement_stride
    out_height, out_width = gradient.shape[2:]
    of_first = torch.zeros_like(first, memory_format=torch.channels_last)
    of_second = torch.empty_like(second, memory_format=torch.channels_last)
    blocks = triton.cdiv(channels, _CHANNELS)
    numbers = (channels, height, width, out_height, out_width)
    steps = (radius, displacement_stride, stride, 1.0 / channels)
    sizes = {"PIXELS": _PIXELS, "CHANNELS": _CHANNELS, "WIDEN": interpreted()}
    _backward_first[(count * out_height, triton.cdiv(out_width, _PIXELS), blocks)](
        *(gradient, second, of_first),
        *numbers,
        *gradient.stride(),
        *second.stride(),
        *of_first.stride(),
        *steps,
        **sizes,
    )
    _backward_second[(count * height, triton.cdiv(width, _PIXELS), blocks)](
        *(gradient, first, of_second),
        *numbers,
        *gradient.stride(),
        *first.stride(),
        *of_second.stride(),
        *steps,
        **sizes,
    )
    return of_first, of_second


def interpreted() -> bool:
    """Whether kernels run in Triton's interpreter, on the CPU."""
    # Triton's interpreter multiplies the bits of bfloat16 as integers; a product of widened values is the same.
    return os.environ.get("TRITON_INTERPRET") == "1"


@triton.jit
def _forward(
    first, second, out,
    channels, height, width, out_height, out_width,
    first_n, first_c, first_y, first_x,
    second_n, second_c, second_y, second_x,
    out_n, out_k, out_y, out_x,
    radius, stride, scale, slope,
    CLASSES: tl.constexpr, STEP: tl.constexpr,
    PIXELS: tl.constexpr, CHANNELS: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    """One program: a run of output pixels of a row, of one class of columns, and one vertical displacement."""
    n, y, iy = (tl.program_id(0) // out_height).to(tl.int64), tl.program_id(0) % out_height, tl.program_id(1)
    number, tile = tl.program_id(2) % CLASSES, tl.program_id(2) // CLASSES
    # From here on columns are counted within the class.
    x = tile * PIXELS + tl.arange(0, PIXELS)
    x_inside = x * CLASSES + number < out_width
    width = (width - number + CLASSES - 1) // CLASSES
    steps, reach = 2 * radius + 1, radius * STEP
    row = y * stride + (iy - radius) * STEP * CLASSES
    # A row outside the map is a row without columns.
    columns = tl.where((row >= 0) & (row < height), width, 0)
    rows_of_first = first + n * first_n + (y * stride) * first_y + number * first_x
    rows_of_second = second + n * second_n + row * second_y + number * second_x
    leftmost = tile * PIXELS * stride - reach
    rightmost = (tile * PIXELS + PIXELS - 1) * stride + reach
    for start in range(leftmost, rightmost + 1, PIXELS):
        met = start + tl.arange(0, PIXELS)
        met_inside = (met >= 0) & (met < columns)
        products = tl.zeros((PIXELS, PIXELS), tl.float32)
        # Where all columns are outside there is nothing to multiply, and costs are zero.
        met_channels = tl.where((start < columns) & (start + PIXELS > 0), channels, 0)
        for channel in range(0, met_channels, CHANNELS):
            c = channel + tl.arange(0, CHANNELS)
            a = tl.load(
                rows_of_first + (x * stride * CLASSES)[:, None] * first_x + c[None, :] * first_c,
                mask=x_inside[:, None] & (c < channels)[None, :], other=0.0,
            )  # fmt: skip
            b = tl.load(
                rows_of_second + (met * CLASSES)[None, :] * second_x + c[:, None] * second_c,
                mask=met_inside[None, :] & (c < channels)[:, None], other=0.0,
            )  # fmt: skip
            if WIDEN:
                a, b = a.to(tl.float32), b.to(tl.float32)
            products += tl.dot(a, b, input_precision="ieee")
        offset = met[None, :] - (x * stride)[:, None] + reach
        wanted = (offset >= 0) & (offset <= 2 * reach) & (offset % STEP == 0) & x_inside[:, None]
        k = iy * steps + offset // STEP
        cost = products * scale
        tl.store(
            out + n * out_n + k * out_k + y * out_y + (x * CLASSES + number)[:, None] * out_x,
            tl.where(cost >= 0, cost, cost * slope).to(out.dtype.element_ty),
            mask=wanted,
        )


@triton.jit
def _backward_first(
    gradient, second, of_first,
    channels, height, width, out_height, out_width,
    gradient_n, gradient_k, gradient_y, gradient_x,
    second_n, second_c, second_y, second_x,
    of_n, of_c, of_y, of_x,
    radius, displacement_stride, stride, scale,
    PIXELS: tl.constexpr, CHANNELS: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    """One program: the gradient of a run of pixels of the first map, some channels."""
    n, y = (tl.program_id(0) // out_height).to(tl.int64), tl.program_id(0) % out_height
    x = tl.program_id(1) * PIXELS + tl.arange(0, PIXELS)
    c = tl.program_id(2) * CHANNELS + tl.arange(0, CHANNELS)
    steps = 2 * radius + 1
    reach = radius * displacement_stride
    leftmost = tl.program_id(1) * PIXELS * stride - reach
    rightmost = (tl.program_id(1) * PIXELS + PIXELS - 1) * stride + reach
    total = tl.zeros((PIXELS, CHANNELS), tl.float32)
    for iy in range(steps):
        row = y * stride + iy * displacement_stride - reach
        columns = tl.where((row >= 0) & (row < height), width, 0)
        for start in range(leftmost, rightmost + 1, PIXELS):
            met = start + tl.arange(0, PIXELS)
            offset = met[None, :] - (x * stride)[:, None] + reach
            wanted = (offset >= 0) & (offset <= 2 * reach) & (offset % displacement_stride == 0)
            k = iy * steps + offset // displacement_stride
            g = tl.load(
                gradient + n * gradient_n + k * gradient_k + y * gradient_y + x[:, None] * gradient_x,
                mask=wanted & (x < out_width)[:, None] & (met < columns)[None, :], other=0.0,
            )  # fmt: skip
            b = tl.load(
                second + n * second_n + row * second_y + met[:, None] * second_x + c[None, :] * second_c,
                mask=((met >= 0) & (met < columns))[:, None] & (c < channels)[None, :], other=0.0,
            )  # fmt: skip
            if WIDEN:
                g, b = g.to(tl.float32), b.to(tl.float32)
            total += tl.dot(g.to(b.dtype), b, input_precision="ieee")
    tl.store(
        of_first + n * of_n + (y * stride) * of_y + (x * stride)[:, None] * of_x + c[None, :] * of_c,
        (total * scale).to(of_first.dtype.element_ty), mask=(x < out_width)[:, None] & (c < channels)[None, :],
    )  # fmt: skip


@triton.jit
def _backward_second(
    gradient, first, of_second,
    channels, height, width, out_height, out_width,
    gradient_n, gradient_k, gradient_y, gradient_x,
    first_n, first_c, first_y, first_x,
    of_n, of_c, of_y, of_x,
    radius, displacement_stride, stride, scale,
    PIXELS: tl.constexpr, CHANNELS: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    """One program: the gradient of a run of pixels of the second map, some channels."""
    n, row = (tl.program_id(0) // height).to(tl.int64), tl.program_id(0) % height
    met = tl.program_id(1) * PIXELS + tl.arange(0, PIXELS)
    c = tl.program_id(2) * CHANNELS + tl.arange(0, CHANNELS)
    steps = 2 * radius + 1
    reach = radius * displacement_stride
    # Output pixels whose window reaches these columns; the first may lie left of the map and is masked.
    leftmost = (tl.program_id(1) * PIXELS - reach) // stride - 1
    rightmost = (tl.program_id(1) * PIXELS + PIXELS - 1 + reach) // stride
    total = tl.zeros((PIXELS, CHANNELS), tl.float32)
    for iy in range(steps):
        meeting = row - (iy * displacement_stride - reach)
        y = meeting // stride
        columns = tl.where((meeting >= 0) & (meeting % stride == 0) & (y < out_height), out_width, 0)
        for start in range(leftmost, rightmost + 1, PIXELS):
            x = start + tl.arange(0, PIXELS)
            x_inside = (x >= 0) & (x < columns)
            offset = met[:, None] - (x * stride)[None, :] + reach
            wanted = (offset >= 0) & (offset <= 2 * reach) & (offset % displacement_stride == 0)
            k = iy * steps + offset // displacement_stride
            g = tl.load(
                gradient + n * gradient_n + k * gradient_k + y * gradient_y + x[None, :] * gradient_x,
                mask=wanted & x_inside[None, :] & (met < width)[:, None], other=0.0,
            )  # fmt: skip
            a = tl.load(
                first + n * first_n + (y * stride) * first_y + (x * stride)[:, None] * first_x + c[None, :] * first_c,
                mask=x_inside[:, None] & (c < channels)[None, :], other=0.0,
            )  # fmt: skip
            if WIDEN:
                g, a = g.to(tl.float32), a.to(tl.float32)
            total += tl.dot(g.to(a.dtype), a, input_precision="ieee")
    tl.store(
        of_second + n * of_n + row * of_y + met[:, None] * of_x + c[None, :] * of_c,
        (total * scale).to(of_second.dtype.element_ty), mask=(met < width)[:, None] & (c < channels)[None, :],
    )  # fmt: skip
