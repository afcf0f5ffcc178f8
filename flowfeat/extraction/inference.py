"""Batches of pairs through an estimator: on a GPU one is computed while the next is gathered and the last fetched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Shaped, UInt8
from torch import Tensor

from flowfeat.estimators import FlowEstimator, Pair
from flowfeat.store import StoreSettings
from flowfeat.store.quantise import FieldFacts, facts_of, measured, quantised_and_measured


@dataclass(frozen=True)
class Computed:
    """What is stored of the flow of some pairs, on the CPU.

    Attributes:
        values: uint8 levels, or float16.
        facts: measured on the flow before it was quantised.
    """

    values: Shaped[np.ndarray, "b 2 h w"]
    facts: FieldFacts


class Inference:
    """Frames in, values to store out, a batch at a time, by one estimator.

    On a GPU `begin` returns when the work is asked for: frames leave pinned memory on a stream of their own, are
    computed, measured and quantised on the caller's stream, and the values come back on a third, in one go with what
    was measured. On a CPU all is done when `begin` returns.

    Attributes:
        ahead: how many batches are worth having on their way while another is gathered.
    """

    def __init__(self, estimator: FlowEstimator, settings: StoreSettings):
        self._estimator, self._settings = estimator, settings
        self._on_gpu = estimator.device.type == "cuda"
        self.ahead = 1 if self._on_gpu else 0
        if self._on_gpu:
            self._up, self._down = (torch.cuda.Stream(estimator.device) for _ in range(2))

    def begin(
        self, images: Sequence[UInt8[np.ndarray, "h w 3"]], pairs: Sequence[Pair], size: int
    ) -> Callable[[], Computed]:
        """Ask for the flow of some pairs; a call of what is returned waits for it.

        Args:
            images: first and second frame of each pair, one pair after the other.
            pairs: which these are.
            size: with how many pairs the estimator computes; the last one fills the places that are left.

        Raises:
            InputError: where the estimator has no flow for a pair, or its device no memory.
        """
        count, missing = len(pairs), size - len(pairs)
        images = [*images, *list(images[-2:]) * missing]
        pairs = [*pairs, *list(pairs[-1:]) * missing]
        staged = torch.empty(len(images), *images[0].shape, dtype=torch.uint8, pin_memory=self._on_gpu)
        np.stack(images, out=staged.numpy())
        if self._on_gpu:
            return self._begin_on_gpu(staged, pairs, count)
        values, facts = self._compute(staged, pairs, count)
        computed = Computed(values.numpy(), facts_of(facts))
        return lambda: computed

    def _begin_on_gpu(self, staged: Tensor, pairs: Sequence[Pair], count: int) -> Callable[[], Computed]:
        device = self._estimator.device
        computing = torch.cuda.current_stream(device)
        with torch.cuda.stream(self._up):
            frames = staged.to(device, non_blocking=True)
        computing.wait_stream(self._up)
        frames.record_stream(computing)  # or the next upload could take their memory while they are read
        found = self._compute(frames, pairs, count)
        self._down.wait_stream(computing)
        with torch.cuda.stream(self._down):
            there, done = [_fetched(each, self._down) for each in found], torch.cuda.Event(blocking=True)
            done.record(self._down)

        def wait() -> Computed:
            done.synchronize()
            values, facts = there
            return Computed(values.numpy(), facts_of(facts))

        return wait

    def _compute(self, staged: Tensor, pairs: Sequence[Pair], count: int) -> tuple[Tensor, Tensor]:
        frames = rearrange(staged, "(b p) h w c -> b p c h w", p=2)
        flow = self._estimator(frames, pairs)[:count]
        if self._settings.bound is None:
            return flow.half(), measured(flow, None)
        return quantised_and_measured(flow, self._settings.bound)


def _fetched(values: Tensor, stream: torch.cuda.Stream) -> Tensor:
    """A copy in pinned memory, there when `stream`, the current one, has come so far."""
    values.record_stream(stream)
    return torch.empty(values.shape, dtype=values.dtype, pin_memory=True).copy_(values, non_blocking=True)
