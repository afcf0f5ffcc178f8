"""A convolution's bias and leaky ReLU on GPUs: one pass over its output, in place or on the way into a wider tensor."""

# A launch takes what the compiler makes of a kernel, not what Python sees.
# pyright: reportArgumentType=false, reportCallIssue=false

import triton
import triton.language as tl
from torch import Tensor

# Numbers a program: of float16, four accesses of 16 bytes for each of its 128 threads.
_NUMBERS = 4096


def add_bias(values: Tensor, bias: Tensor | None, slope: float, out: Tensor | None = None) -> Tensor:
    """Leaky ReLU over `values` + `bias`, summed in float32. Its twin is functional.leaky_relu(values + bias, slope).

    Args:
        values: (n, c, h, w), channels last; float32, float16 or bfloat16.
        bias: (c,), or None.
        slope: of the leaky ReLU; 1 leaves values as they are.
        out: (n, d, h, w) with d >= c: channels of a channels-last tensor. The last d - c become zero. Without it the
            result takes the place of `values`.

    Returns:
        `out`, or `values` where there is none.

    Raises:
        RuntimeError: where a tensor is not channels last.
    """
    target = values if out is None else out
    rows, out_rows = _pixels(values), _pixels(target)
    channels, out_channels = rows.shape[1], out_rows.shape[1]
    group, out_group = whole_groups(channels, rows.stride(0)), whole_groups(out_channels, out_rows.stride(0))
    block = _channels_of_a_program(out_channels)
    grid = (triton.cdiv(len(rows), _NUMBERS // block), triton.cdiv(out_channels, block))
    _add_bias[grid](
        *(rows, bias, out_rows, len(rows), slope),
        *(channels // group, rows.stride(0) // group),
        *(out_channels // out_group, out_rows.stride(0) // out_group),
        HAS_BIAS=bias is not None,
        GROUP=group,
        OUT_GROUP=out_group,
        PIXELS=_NUMBERS // block,
        CHANNELS=block,
    )
    return target


def _pixels(values: Tensor) -> Tensor:
    """(pixels, channels): a view, so that what is not channels last cannot pass."""
    return values.permute(0, 2, 3, 1).view(-1, values.shape[1])


def _channels_of_a_program(channels: int) -> int:
    """A power of two that divides the channels, so that no thread idles; of odd numbers of channels the next larger."""
    divisor = channels & -channels
    return min(divisor, 128) if divisor >= 16 else min(triton.next_power_of_2(max(channels, 2)), 64)


def whole_groups(*numbers: int) -> int:
    """8 where all are multiples of it, which Triton does not ask for itself: it asks for 16. Else 1."""
    return 1 if any(number % 8 for number in numbers) else 8


@triton.jit(do_not_specialize=["pixels", "channels", "values_pitch", "out_channels", "out_pitch"])
def _add_bias(
    values, bias, out, pixels, slope,
    channels, values_pitch, out_channels, out_pitch,
    HAS_BIAS: tl.constexpr, GROUP: tl.constexpr, OUT_GROUP: tl.constexpr,
    PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """Channels and pitches come in groups."""
    channels, values_pitch = channels * GROUP, values_pitch * GROUP
    out_channels, out_pitch = out_channels * OUT_GROUP, out_pitch * OUT_GROUP
    pixel = (tl.program_id(0) * PIXELS + tl.arange(0, PIXELS))[:, None]
    c = (tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS))[None, :]
    here = pixel < pixels
    pixel = pixel.to(tl.int64)  # a batch can be larger than 2^31 numbers
    value = tl.load(values + pixel * values_pitch + c, mask=here & (c < channels), other=0.0).to(tl.float32)
    if HAS_BIAS:
        value += tl.load(bias + c, mask=c < channels, other=0.0).to(tl.float32)
    value = tl.where(value >= 0, value, value * slope)
    tl.store(out + pixel * out_pitch + c, value.to(out.dtype.element_ty), mask=here & (c < out_channels))
