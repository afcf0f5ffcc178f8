"""The networks' learned upsampling of flow on GPUs: an up-convolution of 2 channels, too small for cuDNN's kernels."""

# A launch takes what the compiler makes of a kernel, not what Python sees.
# pyright: reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false

import triton
import triton.language as tl
from torch import Tensor

_PIXELS = 128


def upsample_into(out: Tensor, flow: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Flow at twice the size, summed in float32. Its twin is functional.conv_transpose2d(flow, weight, bias, 2, 1).

    Args:
        out: (n, c, 2 h, 2 w), of any strides: flow in two channels, zeros in the others, which should be few.
        flow: (n, 2, h, w); float32, float16 or bfloat16, of any strides.
        weight: (2, 2, 4, 4).
        bias: (2,), or None.
    """
    count, channels, height, width = out.shape
    _upsample[(triton.cdiv(height * width, _PIXELS), count)](
        *(flow, weight, bias, out, channels, height, width),
        *flow.stride(),
        *weight.stride(),
        *out.stride(),
        HAS_BIAS=bias is not None,
        PIXELS=_PIXELS,
        CHANNELS=triton.next_power_of_2(channels),
    )


@triton.jit
def _upsample(
    flow, weight, bias, out, channels, height, width,
    flow_n, flow_c, flow_y, flow_x,
    weight_i, weight_o, weight_y, weight_x,
    out_n, out_c, out_y, out_x,
    HAS_BIAS: tl.constexpr, PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(1).to(tl.int64)  # a batch can be larger than 2^31 numbers
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    here = pixel < height * width
    row, column = pixel // width, pixel % width
    u, v = tl.zeros((PIXELS,), tl.float32), tl.zeros((PIXELS,), tl.float32)
    if HAS_BIAS:
        u += tl.load(bias).to(tl.float32)
        v += tl.load(bias + 1).to(tl.float32)
    # Of the 4 x 4 weights, every second row and column meets a pixel: y = 2 * its row - 1 + the weight's row.
    for second in tl.static_range(4):
        below, right = second // 2, second % 2
        y, x = (row + 1) // 2 - below, (column + 1) // 2 - right
        inside = here & (y >= 0) & (y < height // 2) & (x >= 0) & (x < width // 2)
        at = flow + n * flow_n + y * flow_y + x * flow_x
        given_u = tl.load(at, mask=inside, other=0.0).to(tl.float32)
        given_v = tl.load(at + flow_c, mask=inside, other=0.0).to(tl.float32)
        by = weight + ((row + 1) % 2 + 2 * below) * weight_y + ((column + 1) % 2 + 2 * right) * weight_x
        u += given_u * tl.load(by).to(tl.float32) + given_v * tl.load(by + weight_i).to(tl.float32)
        by += weight_o
        v += given_u * tl.load(by).to(tl.float32) + given_v * tl.load(by + weight_i).to(tl.float32)
    c = tl.arange(0, CHANNELS)[None, :]
    values = tl.where(c == 0, u[:, None], tl.where(c == 1, v[:, None], 0.0))
    to = out + n * out_n + row[:, None] * out_y + column[:, None] * out_x + c * out_c
    tl.store(to, values.to(out.dtype.element_ty), mask=here[:, None] & (c < channels))
