"""3x3 convolutions of few channels on GPUs, with bias and leaky ReLU: the first layers at full size, and the last.

Their arithmetic takes less time than one pass over their output, so that it matters that nobody passes over it again.
"""

# A launch takes what the compiler makes of a kernel, not what Python sees.
# pyright: reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false

import triton
import triton.language as tl
from torch import Tensor

from flowfeat.ops.bias_triton import whole_groups
from flowfeat.ops.correlation_triton import interpreted

MOST = 16
"""Channels of the input: what one instruction of the tensor cores sums over."""

_PIXELS = 128


def convolve_few(values: Tensor, weight: Tensor, bias: Tensor | None, slope: float) -> Tensor:
    """Leaky ReLU over a 3x3 convolution of stride 1 that keeps the size; slope 1 leaves its output as it is.

    The twin is functional.leaky_relu(functional.conv2d(values, weight, bias, padding=1), slope).

    Args:
        values: (n, c, h, w) with c <= 16; float16 or bfloat16; fast with 8 or 16 channels, channels last.
        weight: (d, c, 3, 3).
        bias: (d,), or None.

    Returns:
        (n, d, h, w), channels last; summed in float32.
    """
    count, channels, height, width = values.shape
    outputs = len(weight)
    out = values.new_empty(count, height, width, outputs).permute(0, 3, 1, 2)
    block = min(max(triton.next_power_of_2(outputs), 16), 64)
    group = whole_groups(channels, values.stride(3), weight.stride(0), weight.stride(2), weight.stride(3))
    out_group = whole_groups(outputs)
    _convolve[(triton.cdiv(height * width, _PIXELS), count, triton.cdiv(outputs, block))](
        *(values, weight, bias, out, channels // group, outputs // out_group, height, width),
        *values.stride()[:3],
        *(values.stride(3) // group, weight.stride(0) // group, weight.stride(1)),
        *(weight.stride(2) // group, weight.stride(3) // group),
        slope,
        GROUP=group,
        OUT_GROUP=out_group,
        HAS_BIAS=bias is not None,
        WIDEN=interpreted(),
        PIXELS=_PIXELS,
        CHANNELS=MOST,
        OUTPUTS=block,
        # Loads that wait, but through the first cache, where neighbouring pixels of the nine find each other.
        num_stages=1,
    )
    return out


@triton.jit
def _convolve(
    values, weight, bias, out, channels, outputs, height, width,
    values_n, values_c, values_y, values_x,
    weight_o, weight_c, weight_y, weight_x,
    slope,
    GROUP: tl.constexpr, OUT_GROUP: tl.constexpr, HAS_BIAS: tl.constexpr, WIDEN: tl.constexpr,
    PIXELS: tl.constexpr, CHANNELS: tl.constexpr, OUTPUTS: tl.constexpr,
):  # fmt: skip
    """One program: a run of pixels, some outputs, all channels. Numbers of channels come in groups."""
    channels, outputs = channels * GROUP, outputs * OUT_GROUP
    values_x, weight_o, weight_y, weight_x = values_x * GROUP, weight_o * GROUP, weight_y * GROUP, weight_x * GROUP
    n = tl.program_id(1).to(tl.int64)  # a batch can be larger than 2^31 numbers
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    row, column = pixel // width, pixel % width
    c, o = tl.arange(0, CHANNELS), tl.program_id(2) * OUTPUTS + tl.arange(0, OUTPUTS)
    at = values + n * values_n + row[:, None] * values_y + column[:, None] * values_x + c[None, :] * values_c
    by = weight + o[None, :] * weight_o + c[:, None] * weight_c
    known = (c < channels)[:, None] & (o < outputs)[None, :]
    total = tl.zeros((PIXELS, OUTPUTS), tl.float32)
    for y in tl.static_range(3):
        for x in tl.static_range(3):
            inside = (row + y >= 1) & (row + y <= height) & (column + x >= 1) & (column + x <= width)
            a = tl.load(
                at + (y - 1) * values_y + (x - 1) * values_x,
                mask=inside[:, None] & (c < channels)[None, :], other=0.0,
            )  # fmt: skip
            b = tl.load(by + y * weight_y + x * weight_x, mask=known, other=0.0)
            if WIDEN:
                a, b = a.to(tl.float32), b.to(tl.float32)
            total += tl.dot(a, b, input_precision="ieee")
    if HAS_BIAS:
        total += tl.load(bias + o, mask=o < outputs, other=0.0).to(tl.float32)[None, :]
    total = tl.where(total >= 0, total, total * slope)
    tl.store(
        out + (n * height * width + pixel[:, None]) * outputs + o[None, :], total.to(out.dtype.element_ty),
        mask=(pixel < height * width)[:, None] & (o < outputs)[None, :],
    )  # fmt: skip
