"""Random numbers of many things at once, each thing's from a row of its own."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


class Draw:
    """Draws for `count` things out of a table of uniform numbers, a few columns a draw.

    A row belongs to one thing, so what is drawn for it does not depend on the others.
    """

    def __init__(self, numbers: Float[Tensor, "count n"]):
        self.count = len(numbers)
        self._numbers = numbers
        self._used = 0

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """(count, *shape): numbers between `low` and `high`."""
        first, self._used = self._used, self._used + math.prod(shape)
        return low + (high - low) * self._numbers[:, first : self._used].reshape(self.count, *shape)

    def normal(self, deviation: float, *shape: int) -> Tensor:
        """(count, *shape): normally distributed; none is further than 5.2 deviations."""
        middle = self.uniform(-1, 1, *shape).clamp(-1 + 2e-7, 1 - 2e-7)
        return deviation * math.sqrt(2) * torch.erfinv(middle)

    def chance(self, share: float) -> Tensor:
        """(count,): true for this share of the things."""
        return self.uniform(0, 1) < share

    def whole(self, below: int) -> Tensor:
        """(count,): whole numbers from 0."""
        return self.uniform(0, below).long().clamp(max=below - 1)

    def motion(self, median: float, spread: float, largest: float) -> Tensor:
        """(count, 2): displacements of log-normal lengths in any direction."""
        length = (median * torch.exp(self.normal(spread))).clamp(max=largest)
        angle = self.uniform(0, 2 * math.pi)
        return torch.stack([length * angle.cos(), length * angle.sin()], 1)

    def turned(self, rotation: float, scaling: float) -> Tensor:
        """(count, 2, 2): matrices that turn and scale a little."""
        return rotations(self.normal(rotation)) * torch.exp(self.normal(scaling))[:, None, None]


def rotations(angle: Float[Tensor, "b"]) -> Float[Tensor, "b 2 2"]:
    """The matrices that turn by an angle."""
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
