"""Batches of items, made ahead by worker processes in memory that is used again."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from flowfeat.errors import InputError

_AHEAD = 2
"""Batches that each worker makes ahead."""


def load(dataset: Dataset, numbers: Iterable[list[int]], workers: int, held: int = 1) -> Iterator[Sequence[Tensor]]:
    """Batches of the items with these numbers, in order; numbers are asked for as workers are given them.

    An item is float32 images (..., c, h, w), of the same size in all, and whole numbers. In a batch the channels of a
    pixel lie side by side (torch's channels_last). Raises InputError in its one sentence, out of workers too.

    Images are written where earlier ones were: a batch's are good until `held` more batches have been asked for.
    """
    pinned = torch.cuda.is_available()
    loader = DataLoader(
        _Batches(dataset, held + _AHEAD if workers else held),
        batch_sampler=numbers,
        collate_fn=_as_it_is,
        num_workers=workers,
        prefetch_factor=_AHEAD if workers else None,
        pin_memory=pinned,
        generator=torch.Generator(),  # else the loader draws from the global numbers of the run
    )
    # Held here, the memory of workers is not mapped anew for each batch: torch finds it by its file. Pinned batches are
    # copies, which would only fill the memory.
    recent: deque[Sequence[Tensor]] = deque(maxlen=0 if pinned else (_AHEAD + held) * workers)
    try:
        for batch in loader:
            recent.append(batch)
            yield batch
    except InputError as fault:
        raise type(fault)(_own_sentence(str(fault))) from None


class _Batches(Dataset):
    """Whole batches of a data set's items, each written where the run will see it.

    Every worker has a copy of this, and fills its few pieces of memory in turn: what a process has never written costs
    a third of the reading, page by page. A worker is told of its next batch when one of its batches is handed to the
    run, so it may be `_AHEAD` of what the run was last handed.
    """

    def __init__(self, items: Dataset, at_once: int):
        self._items = items
        self._memory = deque([torch.empty(0)] * at_once)

    def __getitems__(self, numbers: list[int]) -> tuple[Tensor, ...]:
        batch, others = None, []
        for place, number in enumerate(numbers):
            images, *rest = self._items[number]
            if batch is None:
                batch = self._next((len(numbers), *images.shape))
            # Copied before the next is read, which then has the same memory.
            batch[place] = images
            others.append(rest)
        assert batch is not None, "a batch has items"
        return batch, *(torch.tensor(column) for column in zip(*others, strict=True))

    def _next(self, shape: Sequence[int]) -> Float32[Tensor, "*b c h w"]:
        """The memory that was filled longest ago, as a batch of this shape."""
        *front, channels, height, width = shape
        memory, size = self._memory.popleft(), prod(shape)
        if memory.numel() < size:
            memory = torch.empty(size)
            if get_worker_info() is not None:
                memory.share_memory_()
        self._memory.append(memory)
        return memory[:size].view(*front, height, width, channels).movedim(-1, -3)


def _as_it_is(batch: Any) -> Any:
    return batch


def _own_sentence(told: str) -> str:
    """What an error said in the worker that raised it, which torch tells behind the worker's traceback."""
    return told.rstrip().rsplit("\n", 1)[-1].split(": ", 1)[1] if "Original Traceback" in told else told
