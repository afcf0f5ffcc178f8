"""Flow as 8 bits: level = 128 + round(flow * 127 / bound), so that zero flow is level 128 and decodes to zero.

Values beyond the bound saturate at levels 1 and 255 and are counted. Others round towards minus infinity, which moves
every still pixel by half a level, or use 255 levels around 127.5, where zero has no level at all.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from torch import Tensor

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
    return facts_of(measured(flow, bound))


def measured(flow: Float32[Tensor, "b 2 h w"], bound: float | None) -> Float64[Tensor, "b 3"]:
    """What `measure` finds, on the flow's device: pixels beyond the bound, the largest displacement and the mean one.

    Numbers and their mean are finite together.
    """
    displacement = torch.hypot(flow[:, 0], flow[:, 1]).flatten(1)
    beyond = (flow.abs() > bound).any(dim=1).flatten(1).sum(1) if bound else displacement.new_zeros(len(flow))
    # In float64 each is exact.
    return torch.stack([beyond.double(), displacement.amax(1).double(), displacement.double().mean(1)], 1)


def quantise(flow: Float32[Tensor, "*shape"], bound: float) -> UInt8[Tensor, "*shape"]:
    """Levels of the flow, rounded to nearest, computed on the flow's device."""
    levels = torch.round(flow * (LEVELS_PER_SIDE / bound)).clamp(-LEVELS_PER_SIDE, LEVELS_PER_SIDE)
    return (levels + ZERO_LEVEL).to(torch.uint8)


def quantise_and_measure(flow: Float32[Tensor, "b 2 h w"], bound: float) -> tuple[UInt8[Tensor, "b 2 h w"], FieldFacts]:
    """What `quantise` and `measure` give: on a GPU by one pass over the flow and one wait for it."""
    levels, facts = quantised_and_measured(flow, bound)
    return levels, facts_of(facts)


def quantised_and_measured(
    flow: Float32[Tensor, "b 2 h w"], bound: float
) -> tuple[UInt8[Tensor, "b 2 h w"], Float64[Tensor, "b 3"]]:
    """What `quantise` and `measured` give: on a GPU by one pass over the flow, and nothing waits for it."""
    if not flow.is_cuda:
        return quantise(flow, bound), measured(flow, bound)
    from flowfeat.ops.quantise_triton import levels_and_facts

    return levels_and_facts(flow, bound, LEVELS_PER_SIDE, ZERO_LEVEL)


def facts_of(facts: Float64[Tensor, "b 3"]) -> FieldFacts:
    """What was `measured`, read on the CPU; waits for it."""
    beyond, largest, mean = facts.cpu().unbind(1)
    return FieldFacts(torch.isfinite(mean), beyond.long(), largest.float(), mean)


def dequantise(levels: UInt8[np.ndarray, "*shape"], bound: float) -> Float32[np.ndarray, "*shape"]:
    """Flow in pixels from levels; level 0, which no quantised value has but a JPEG may, is just below -bound."""
    # Arithmetic, not a table of 256 values: looking up takes 5 times as long.
    flow = levels.astype(np.float32)
    flow -= ZERO_LEVEL
    flow *= np.float32(bound / LEVELS_PER_SIDE)
    return flow
