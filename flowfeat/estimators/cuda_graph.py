"""A forward pass on a GPU recorded once as a CUDA graph and replayed: one launch in place of hundreds."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

logger = logging.getLogger(__name__)

Forward = Callable[[Tensor], Tensor]
"""Frames (b, 2, 3, h, w) of uint8 to flow (b, 2, h, w) of float32 on their device."""

_SHAPES = 3
_WARM_UPS = 2

_ONE_AT_A_TIME = threading.Lock()
"""Held while a device records or drops what it recorded: both empty the caches of all the process's devices."""


@runtime_checkable
class Recorded(Protocol):
    """A forward pass recorded for frames of one shape."""

    def __call__(self, frames: Tensor) -> Tensor:
        """The flow; a tensor of its own, which the next call leaves alone."""
        ...

    def release(self) -> None:
        """Give its memory back; it is not called again."""
        ...


class CudaGraphs:
    """`forward` with what it launches recorded for each shape of frames it meets; a few shapes are kept.

    Of more shapes the one that was used least recently is dropped with its memory. Where recording fails, `forward`
    itself computes from then on, and a line in the log says why. Calls from several threads take turns.

    Args:
        forward: launches the same kernels on the same tensors for every batch of a shape, waits for nothing, and keeps
            nothing of its input. Its weights may change in place, but may not move.
        record: how a shape is recorded; raises RuntimeError where it cannot be.
        shapes: how many are kept.

    Attributes:
        forward: as given.
        fails: whether recording failed.
    """

    def __init__(
        self, forward: Forward, record: Callable[[Forward, Tensor], Recorded] | None = None, shapes: int = _SHAPES
    ):
        self.forward, self._record, self._shapes = forward, record or record_on_gpu, shapes
        self._recorded: OrderedDict[torch.Size, Recorded] = OrderedDict()
        self.fails = False
        self._lock = threading.Lock()

    def __call__(self, frames: UInt8[Tensor, "b 2 3 h w"]) -> Float32[Tensor, "b 2 h w"]:
        """What `forward` gives, a tensor of its own. Raises torch.OutOfMemoryError where the GPU has no memory."""
        with self._lock:
            recorded = None if self.fails else self._of_shape(frames)
            return self.forward(frames) if recorded is None else recorded(frames)

    def release(self) -> None:
        """Give the memory of all shapes back. They are recorded anew when they come again."""
        with self._lock:
            self._drop_to(0)

    def _of_shape(self, frames: Tensor) -> Recorded | None:
        shape = frames.shape
        if shape in self._recorded:
            self._recorded.move_to_end(shape)
            return self._recorded[shape]
        self._drop_to(self._shapes - 1)
        try:
            try:
                recorded = self._record(self.forward, frames)
            except torch.OutOfMemoryError:
                # The other shapes hold memory that this one may do with.
                if not self._recorded:
                    raise
                self._drop_to(0)
                recorded = self._record(self.forward, frames)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as fault:
            self.fails = True
            logger.warning("no CUDA graph can be recorded, kernels are launched one by one: %s", _first_line(fault))
            return None
        self._recorded[shape] = recorded
        return recorded

    def _drop_to(self, count: int) -> None:
        while len(self._recorded) > count:
            self._recorded.popitem(last=False)[1].release()


class _Graph:
    """A graph with the tensors that it reads and writes."""

    def __init__(self, graph: torch.cuda.CUDAGraph, frames: Tensor, flow: Tensor):
        self._graph, self._frames, self._flow = graph, frames, flow

    def __call__(self, frames: Tensor) -> Tensor:
        # All three on one stream, so a copy is taken before the next replay writes over it.
        self._frames.copy_(frames)
        self._graph.replay()
        return self._flow.clone()

    def release(self) -> None:
        with _ONE_AT_A_TIME:
            # A replay may still be on its way.
            torch.cuda.synchronize(self._frames.device)
            self._graph.reset()
            del self._graph, self._frames, self._flow
            torch.cuda.empty_cache()


def record_on_gpu(forward: Forward, frames: UInt8[Tensor, "b 2 3 h w"]) -> Recorded:
    """`forward` recorded for frames of this shape and layout, on their device.

    Raises torch.OutOfMemoryError, or RuntimeError where `forward` does what a graph cannot hold, as to wait for the
    GPU.
    """
    device = frames.device
    with _ONE_AT_A_TIME, torch.cuda.device(device):
        inputs = torch.empty_like(frames).copy_(frames)
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UPS):  # kernels are compiled and chosen, handles and workspaces made
                forward(inputs)
        torch.cuda.current_stream(device).wait_stream(stream)
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()  # the warm-up's memory, which the graph takes again as its own
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        try:
            # Not torch.cuda.graph: where recording fails it leaves its stream the current one.
            with torch.cuda.stream(stream):
                # Other threads go on to use this GPU, for copies, and others meanwhile.
                graph.capture_begin(pool=pool, capture_error_mode="thread_local")
                try:
                    flow = forward(inputs)
                finally:
                    graph.capture_end()
        except RuntimeError:
            # PyTorch before 2.12 goes on to wait for the end of a recording that failed, and the next time that memory
            # is short it stops at an assertion of its own (its pull request 180395).
            with suppress(RuntimeError, AttributeError):
                torch._C._cuda_endAllocateToPool(inputs.get_device(), pool)
            raise
    return _Graph(graph, inputs, flow)


def _first_line(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0]
