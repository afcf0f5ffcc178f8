"""Batches of items, made ahead by worker processes."""

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from flowfeat.errors import InputError


def load(dataset: Dataset, numbers: Iterable[list[int]], workers: int) -> Iterator[Sequence[Tensor]]:
    """Batches of the items with these numbers, in order; numbers are asked for as workers are given them.

    An item is float32 images (..., c, h, w), of the same size in all, and whole numbers. In a batch the channels of a
    pixel lie side by side (torch's channels_last). Raises InputError in its one sentence, out of workers too.
    """
    loader = DataLoader(
        _Batches(dataset),
        batch_sampler=numbers,
        collate_fn=_as_it_is,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # else the loader draws from the global numbers of the run
    )
    try:
        yield from loader
    except InputError as fault:
        raise type(fault)(_own_sentence(str(fault))) from None


class _Batches(Dataset):
    """Whole batches of a data set's items, each written where the run will see it."""

    def __init__(self, items: Dataset):
        self._items = items

    def __getitems__(self, numbers: list[int]) -> tuple[Tensor, ...]:
        batch, others = None, []
        for place, number in enumerate(numbers):
            images, *rest = self._items[number]
            if batch is None:
                batch = _batch_memory((len(numbers), *images.shape))
            # Copied before the next is read, which then has the same memory: the first touch of a page is slow.
            batch[place] = images
            others.append(rest)
        assert batch is not None, "a batch has items"
        return batch, *(torch.tensor(column) for column in zip(*others, strict=True))


def _batch_memory(shape: Sequence[int]) -> Float32[Tensor, "*b c h w"]:
    *front, channels, height, width = shape
    size = torch.Size((*front, height, width, channels))
    if get_worker_info() is None:
        batch = torch.empty(size)
    else:
        # As torch's own collating does in a worker: what is written where the run can see it is not copied again.
        shared = torch.UntypedStorage._new_shared(4 * prod(size), device="cpu")
        batch = torch.empty(0).set_(shared, 0, size)  # type: ignore[call-overload]
    return batch.movedim(-1, -3)


def _as_it_is(batch: Any) -> Any:
    return batch


def _own_sentence(told: str) -> str:
    """What an error said in the worker that raised it, which torch tells behind the worker's traceback."""
    return told.rstrip().rsplit("\n", 1)[-1].split(": ", 1)[1] if "Original Traceback" in told else told
