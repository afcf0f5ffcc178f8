"""Several data sets in fixed shares of a batch, in an order that a seed and a step number decide alone."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from flowfeat.datasets.sample import FlowDataset


class Mixture:
    """The order in which a training run draws from its data sets.

    Each data set is gone through in random order, every sample once an epoch, whatever the others' lengths; a batch
    may end one epoch and begin the next. FlowNet 2.0 fine-tunes on two pairs of FlyingThings3D and six of ChairsSDHom
    a batch: `Mixture([(things3d, 2), (chairs_sdhom, 6)], seed=1)`.

    Args:
        parts: data sets, and how many samples of each are in a batch.
        seed: 0 or more; another seed is another order.
    """

    def __init__(self, parts: Sequence[tuple[FlowDataset, int]], seed: int):
        for dataset, count in parts:
            if len(dataset) < 1 or count < 1:
                raise ValueError(f"{dataset}: expected at least 1 pair and 1 a batch, got {len(dataset)} and {count}")
        if not parts or seed < 0:
            raise ValueError(f"expected at least 1 data set and a seed of at least 0, got {len(parts)} and {seed}")
        self.parts = tuple(parts)
        self._seed = seed
        self._epochs: dict[int, tuple[int, Int64[np.ndarray, " n"]]] = {}

    def batch(self, step: int) -> list[tuple[int, int]]:
        """(which data set, which sample) for each place in the batch of this step, counted from 0.

        It depends on nothing that was asked before: a run that stopped after step 99 goes on with `batch(100)`.
        """
        if step < 0:
            raise ValueError(f"expected a step of at least 0, got {step}")
        return [
            (part, self._sample(part, step * count + place))
            for part, (_, count) in enumerate(self.parts)
            for place in range(count)
        ]

    def _sample(self, part: int, position: int) -> int:
        epoch, place = divmod(position, len(self.parts[part][0]))
        # One order a data set is kept; steps mostly come one after the other.
        if self._epochs.get(part, (-1,))[0] != epoch:
            self._epochs[part] = epoch, self._order(part, epoch)
        return int(self._epochs[part][1][place])

    def _order(self, part: int, epoch: int) -> Int64[np.ndarray, " n"]:
        # numpy keeps the raw numbers of a bit generator between versions and `Generator.permutation` not.
        source = np.random.PCG64(np.random.SeedSequence([self._seed, part, epoch]))
        return np.argsort(source.random_raw(len(self.parts[part][0])), kind="stable")
