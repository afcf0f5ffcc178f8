"""Objects of a result numbered as the true objects they are taken for, so that both are drawn in one colour."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

import numpy as np
from jaxtyping import Int

from segmentation.evaluation.matching import UNMATCHED, match
from segmentation.evaluation.points import Counts
from segmentation.overlays.colours import COLOURS


@dataclass(frozen=True, eq=False)
class Assignment:
    """Which true object each object of a result is taken for.

    Attributes:
        numbers: at each label of the result, from 0, its new number: 0 for the background; the region of its true
            object; or, for an object that is taken for none, one above those of all regions that has another colour.
        matched: objects that are taken for a true one.
    """

    numbers: Int[np.ndarray, " labels"]
    matched: int

    def __call__(self, labels: Int[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
        """These labels by their new numbers; what is negative stays."""
        return np.where(labels >= 0, self.numbers[np.maximum(labels, 0)], labels)


def unassigned(objects: int) -> Assignment:
    """Of a result without ground truth: every object keeps its number.

    Args:
        objects: how many there are, the background not counted.
    """
    return Assignment(np.arange(objects + 1), 0)


def assign(counts: Counts, objects: int) -> Assignment:
    """The best one-to-one assignment of objects to true objects, by MoSegEval's matching.

    Unlike there, background stays background: it is no object that a true one could be lost to. An object that shares
    nothing with the true one that is left for it is taken for none.

    Args:
        counts: of `count_maps` or `count_tracks`, labels as in the result.
        objects: the result's highest label.
    """
    regions = len(counts.area)
    numbers = np.zeros(objects + 1, np.int64)
    real = counts.labels > 0
    labels, common = counts.labels[real], counts.points[1:, real]
    found = match(common, counts.points.sum(axis=0)[real], counts.points[1:].sum(axis=1), len(labels))
    for row, column in enumerate(found):
        if column != UNMATCHED and common[row, column]:
            numbers[labels[column]] = row + 1
    others = np.flatnonzero(numbers == 0)[1:]
    numbers[others] = list(islice(_numbers_of_other_colours(regions), len(others)))
    return Assignment(numbers, objects - len(others))


def _numbers_of_other_colours(regions: int) -> Iterator[int]:
    """The numbers above those of all regions, without those that have the colour of one, as far as colours reach."""
    taken = regions - 1 if regions - 1 < COLOURS else 0
    return (number for number in count(regions) if (number - 1) % COLOURS >= taken)
