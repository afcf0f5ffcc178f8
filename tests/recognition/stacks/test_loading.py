"""Batches made ahead by workers: right, as long as they are promised to be, in memory that is used again."""

import time
from collections import deque

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from flowfeat.errors import InputError
from recognition.stacks.loading import load


class Items(Dataset):
    """Images whose every pixel is their number."""

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        if number == 999:
            raise InputError("item 999: it cannot be read; leave it out")
        return torch.full((2, 3, 4, 5), float(number)), number


def batches_of(size: int, count: int) -> list[list[int]]:
    return [list(range(first, first + size)) for first in range(0, count, size)]


@pytest.mark.parametrize("held", [1, 3])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_batch_is_good_until_as_many_more_as_may_be_held_are_asked_for(workers, held):
    recent: deque[tuple[Tensor, Tensor]] = deque(maxlen=held)
    seen, places = [], set()
    for images, numbers in load(Items(), [*batches_of(4, 96), [96]], workers, held):
        recent.append((images, numbers))
        if len(seen) == 20:
            time.sleep(0.3)  # for workers to run ahead as far as they may
        for kept, theirs in recent:
            assert torch.equal(kept, theirs.float()[:, None, None, None, None].expand(-1, 2, 3, 4, 5))
        seen += numbers.tolist()
        places.add(images.data_ptr())
    assert seen == list(range(97))
    assert len(places) <= (held if workers == 0 else workers * (held + 2)), "memory is used again"


def test_a_larger_batch_than_any_before_has_memory_of_its_own():
    sizes = [1, 1, 1, 5, 2, 5, 1]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    numbers = [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]
    for images, own in load(Items(), numbers, 1):
        assert images.shape == (len(own), 2, 3, 4, 5)
        assert images.movedim(-3, -1).is_contiguous()
        assert torch.equal(images[:, 0, 0, 0, 0], own.float())


@pytest.mark.parametrize("workers", [0, 1])
def test_an_item_that_cannot_be_read_is_one_sentence(workers):
    with pytest.raises(InputError) as caught:
        list(load(Items(), [[1], [999]], workers))
    assert str(caught.value) == "item 999: it cannot be read; leave it out"
