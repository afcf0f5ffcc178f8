"""No motion at all: the baseline every table needs."""

from collections.abc import Sequence

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from flowfeat.estimators.protocol import EstimatorDescription, FlowEstimator, Pair


class Zero(FlowEstimator):
    """Flow that is zero everywhere."""

    def __init__(self, device: torch.device):
        self.description = EstimatorDescription("zero", "none")
        self.device = device

    def estimate(self, frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None) -> Float32[Tensor, "b 2 h w"]:
        return torch.zeros(len(frames), 2, *frames.shape[-2:], device=self.device)
