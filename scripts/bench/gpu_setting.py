"""How a section of `gpu.py` measures: on which device, how large, how often, and by which clock."""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar

import torch

Input = TypeVar("Input")
Parts = Iterator[tuple[str, Any]]
"""What a section finds, part by part: a part that is found is kept, whatever becomes of the next."""

GPU_ALONE = "not measured: it is of a GPU alone"
_BLOCK_SECONDS = 0.02
_BLOCKS = 9
_LONG_SECONDS, _LONG_BLOCKS = 0.2, 3
"""From how many seconds on a call is repeated less, and how often then."""


@dataclass(frozen=True)
class Setting:
    """How to measure.

    Attributes:
        device: where.
        quick: tiny sizes, each once: to see that everything runs, not how fast.
        record: the record so far, for sections that compare with others.
    """

    device: torch.device
    quick: bool
    record: Path

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    def section(self, name: str) -> dict[str, Any]:
        """What another section found, empty where it was not measured."""
        return json.loads(self.record.read_text()).get(name, {}) if self.record.exists() else {}

    def seconds(self, run: Callable[[Input], object], inputs: Sequence[Input]) -> list[float]:
        """Seconds of one call, of some blocks of calls with the inputs in turn, after calls that pay for set-up.

        On a GPU by events, each block long enough for them.
        """
        in_turn = cycle(inputs)
        for _ in range(2 if self.on_gpu else 1):
            run(next(in_turn))
        self.wait()
        if not self.on_gpu:
            begun = time.perf_counter()
            run(next(in_turn))
            return [time.perf_counter() - begun]
        one = self._block(run, in_turn, 1)
        calls = max(1, min(500, round(_BLOCK_SECONDS / one)))
        return [self._block(run, in_turn, calls) for _ in range(_BLOCKS if one < _LONG_SECONDS else _LONG_BLOCKS)]

    def wait(self) -> None:
        """Until the GPU has done what it was asked for."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def _block(self, run: Callable[[Input], object], inputs: Iterator[Input], calls: int) -> float:
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(calls):
            run(next(inputs))
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3 / calls

    def peak_bytes(self, run: Callable[[], object]) -> int | None:
        """The most memory of the GPU's that tensors took while `run` ran, what was there before included."""
        if not self.on_gpu:
            run()
            return None
        self.wait()
        torch.cuda.reset_peak_memory_stats(self.device)
        run()
        self.wait()
        return torch.cuda.max_memory_allocated(self.device)


def missing(*modules: str) -> str | None:
    """A sentence about the first of these modules that is not installed, for what cannot be measured without it."""
    for name in modules:
        try:
            import_module(name)
        except ImportError:
            return f"not measured: {name} is not installed here"
    return None


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)
