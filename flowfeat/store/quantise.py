"""Flow as 8 bits: level = 128 + round(flow * 127 / bound), so that zero flow is level 128 and decodes to zero.

Values beyond the bound saturate at levels 1 and 255 and are counted. Others round towards minus infinity, which moves
every still pixel by half a level, or use 255 levels around 127.5, where zero has no level at all.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from torch import Tensor

from flowfeat.ops.compiler import compiles

ZERO_LEVEL = 128
LEVELS_PER_SIDE = 127


@dataclass(frozen=True)
class FieldFacts:
    """Measured on each field before it is quantised: one entry a field, on the CPU."""

    finite: Bool[Tensor, "b"]
    clipped_pixels: Int64[Tensor, "b"]
    max_displacement: Float32[Tensor, "b"]
    mean_displacement: Float64[Tensor, "b"]


def measure(flow: Float32[Tensor, "b 2 h w"], bound: float | None) -> FieldFacts:
    """What the header tells of the flow: pixels with a component beyond `bound`, and the displacement in pixels."""
    return facts_in(measured(flow, bound).cpu())


def measured(flow: Float32[Tensor, "b 2 h w"], bound: float | None) -> Float64[Tensor, "b 3"]:
    """What `measure` finds, in float64, where each is exact: on the flow's device; `facts_in` reads it on the CPU."""
    displacement = torch.hypot(flow[:, 0], flow[:, 1]).flatten(1)
    largest = displacement.amax(1)
    # Most fields stay within the bound, and on a CPU that spares half of the time.
    if bound is None or (not flow.is_cuda and bool((largest <= bound).all())):
        beyond = torch.zeros_like(largest)
    else:
        beyond = (flow.abs() > bound).any(dim=1).flatten(1).sum(1)
    if flow.is_cuda:
        mean = displacement.double().mean(1)
    else:  # NumPy adds up in one order, PyTorch in one that depends on the number of threads
        mean = torch.from_numpy(displacement.numpy().mean(1, dtype=np.float64))
    return torch.stack([beyond.double(), largest.double(), mean], 1)


def facts_in(table: Float64[Tensor, "b 3"]) -> FieldFacts:
    """The facts in a table of `measured` that is on the CPU."""
    beyond, largest, mean = table.unbind(1)
    return FieldFacts(torch.isfinite(mean), beyond.long(), largest.float(), mean)


def quantise(flow: Float32[Tensor, "*shape"], bound: float) -> UInt8[Tensor, "*shape"]:
    """Levels of the flow, rounded to nearest, computed on the flow's device."""
    levels = flow * (LEVELS_PER_SIDE / bound)
    return levels.round_().clamp_(-LEVELS_PER_SIDE, LEVELS_PER_SIDE).add_(ZERO_LEVEL).to(torch.uint8)


def quantise_and_measure(
    flow: Float32[Tensor, "b 2 h w"], bound: float
) -> tuple[UInt8[Tensor, "b 2 h w"], Float64[Tensor, "b 3"]]:
    """What `quantise` and `measured` give, on the flow's device: on a GPU by one pass over it, and nothing waits."""
    if not (flow.is_cuda and compiles()):
        return quantise(flow, bound), measured(flow, bound)
    from flowfeat.ops.quantise_triton import levels_and_facts

    return levels_and_facts(flow, bound, LEVELS_PER_SIDE, ZERO_LEVEL)


def dequantise(levels: UInt8[np.ndarray, "*shape"], bound: float) -> Float32[np.ndarray, "*shape"]:
    """Flow in pixels from levels; level 0, which no quantised value has but a JPEG may, is just below -bound."""
    # Arithmetic, not a table of 256 values: looking up takes 5 times as long.
    flow = levels.astype(np.float32)
    flow -= ZERO_LEVEL
    flow *= np.float32(bound / LEVELS_PER_SIDE)
    return flow
