"""How many pairs are computed together, where nobody said."""

import threading

import torch

from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator
from flowfeat.networks.flow_network import inner_size

_CPU_BATCH = 16
_PIXELS = 128 * 256 * 320
"""Of all pairs of a batch on a GPU: beyond it a large GPU has enough to do, and more only waits longer to be filled."""
_SHARE = 0.5
"""Of the free memory that a batch may take; other programs, and batches on their way, need some too."""
_TRIAL = 4


class BatchSizes:
    """The size of a batch, for each size of frames.

    Within a run, and on Ray within an actor, one size of frames has one size of batch, on all devices: that of
    whichever device met it first. So the flow of a clip depends on none of its neighbours. Without `given`, a GPU's is
    a matter of the size of the frames alone as long as its memory does for it; where memory is short it is smaller,
    and a run on another GPU, or on one that is shared, may then compute flow that differs in its last bits. `given`
    rules that out.

    Args:
        given: the size of every batch; None to choose.

    Attributes:
        chosen: the size of a batch for each (height, width) that was met.
    """

    def __init__(self, given: int | None):
        self._given = given
        self.chosen: dict[tuple[int, int], int] = {}
        self._lock = threading.Lock()

    def of(self, estimator: FlowEstimator, height: int, width: int) -> int:
        """The size of a batch of pairs of this size. Without `given`, a GPU's memory is tried the first time."""
        with self._lock:
            if (height, width) not in self.chosen:
                self.chosen[height, width] = self._given or choose_batch(estimator, height, width)
            return self.chosen[height, width]


def choose_batch(estimator: FlowEstimator, height: int, width: int) -> int:
    """How many pairs of frames of height x width an estimator computes at a time; on a GPU a power of two.

    On a CPU as many for each thread, and 16 or more in all, so that no thread waits for the others' last pair.
    On a GPU the estimator computes a few pairs first, to see what memory one takes.
    """
    if estimator.device.type != "cuda":
        threads = torch.get_num_threads()
        return threads * -(-_CPU_BATCH // threads)
    try:
        # The first call makes copies of weights, which no pair takes again.
        estimator(torch.zeros(1, 2, 3, height, width, dtype=torch.uint8))
        each, free = _memory_of_pair(estimator, height, width)
    except InputError:  # no memory, or no flow for such frames: said again where a clip needs it
        return 1
    return largest_batch(height, width, each, free)


def largest_batch(height: int, width: int, bytes_of_pair: int, free_bytes: int) -> int:
    """The largest power of two that fits into memory, and that does not keep a large GPU busy for nothing."""
    rows, columns = inner_size(height, width)
    most = min(_PIXELS // (rows * columns), int(_SHARE * free_bytes) // max(1, bytes_of_pair))
    return 1 << max(0, most.bit_length() - 1)


def _memory_of_pair(estimator: FlowEstimator, height: int, width: int) -> tuple[int, int]:
    """The bytes that each pair of a small batch takes at most, and those that are free."""
    device = estimator.device
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    estimator(torch.zeros(_TRIAL, 2, 3, height, width, dtype=torch.uint8))
    torch.cuda.synchronize(device)
    each = (torch.cuda.max_memory_allocated(device) - before) // _TRIAL
    # What PyTorch keeps for later is left out: graphs of other shapes hold some of it.
    return each, torch.cuda.mem_get_info(device)[0]
