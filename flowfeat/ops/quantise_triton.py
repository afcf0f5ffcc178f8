"""Flow to 8 bits on GPUs and what is measured on it, in one pass; the twins are in `flowfeat.store.quantise`."""

# A launch takes what the compiler makes of a kernel, not what Python sees.
# pyright: reportArgumentType=false, reportCallIssue=false

import torch
import triton
import triton.language as tl
from torch import Tensor

_PIXELS = 1024


def levels_and_facts(flow: Tensor, bound: float, per_side: int, zero: int) -> tuple[Tensor, Tensor]:
    """Levels of the flow and what is measured on it; nothing waits for the GPU, and no atomics: the same every time.

    Args:
        flow: (b, 2, h, w) in pixels, float32, any memory format.
        bound: in pixels, of the levels `zero` - `per_side` and `zero` + `per_side`.

    Returns:
        (b, 2, h, w) of uint8, contiguous; and (b, 3) of float64: the pixels with a component beyond the bound, the
        largest displacement and the mean one, which is no finite number where a displacement is none.
    """
    count, _, height, width = flow.shape
    levels = torch.empty(flow.shape, dtype=torch.uint8, device=flow.device)
    blocks = triton.cdiv(height * width, _PIXELS)
    parts = torch.empty(3, count, blocks, dtype=torch.float64, device=flow.device)
    with torch.cuda.device_of(flow):  # Triton launches on the current device, whichever that is
        _levels_and_facts[(blocks, count)](
            *(flow, levels, parts, height, width),
            *flow.stride(),
            *(float(bound), per_side / bound, float(per_side), zero),
            PIXELS=_PIXELS,
        )
    beyond, largest, total = parts[0].sum(1), parts[1].amax(1), parts[2].sum(1)
    # The largest of numbers and no numbers is a number to the kernel; the sum tells.
    largest = torch.where(total.isnan(), total, largest)
    return levels, torch.stack([beyond, largest, total / (height * width)], 1)


@triton.jit
def _level(component, ratio, per_side, zero):
    steps = tl.minimum(tl.maximum(component * ratio, -per_side), per_side)
    # To the nearest whole number, halves to even: of float32 from 2^23 on, the last bit counts ones.
    return ((steps + 12582912.0) - 12582912.0).to(tl.int32) + zero


@triton.jit
def _levels_and_facts(
    flow, levels, parts, height, width,
    flow_n, flow_c, flow_y, flow_x,
    bound, ratio, per_side, zero,
    PIXELS: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(1).to(tl.int64)  # a batch can be larger than 2^31 numbers
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    pixels = height * width
    here = pixel < pixels
    at = flow + n * flow_n + (pixel // width) * flow_y + (pixel % width) * flow_x
    u = tl.load(at, mask=here, other=0.0)
    v = tl.load(at + flow_c, mask=here, other=0.0)
    to = levels + n * 2 * pixels + pixel
    tl.store(to, _level(u, ratio, per_side, zero).to(tl.uint8), mask=here)
    tl.store(to + pixels, _level(v, ratio, per_side, zero).to(tl.uint8), mask=here)
    beyond = (tl.abs(u) > bound) | (tl.abs(v) > bound)
    # In float64 no square is too large.
    wide_u, wide_v = u.to(tl.float64), v.to(tl.float64)
    length = tl.sqrt(wide_u * wide_u + wide_v * wide_v).to(tl.float32).to(tl.float64)
    part = parts + n * tl.num_programs(0) + tl.program_id(0)
    step = tl.num_programs(1).to(tl.int64) * tl.num_programs(0)
    tl.store(part, tl.sum(beyond.to(tl.float64), 0))
    tl.store(part + step, tl.max(length, 0))
    tl.store(part + 2 * step, tl.sum(length, 0))
