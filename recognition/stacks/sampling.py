"""Where in a clip stacks begin.

A clip of T fields has T - L + 1 places for a stack of L; one with fewer than L fields has the place 0 alone, and its
last field is repeated.
"""

from itertools import pairwise

import numpy as np


def places(fields: int, length: int) -> int:
    """How many places a stack of `length` has in a clip of `fields`."""
    return max(fields - length + 1, 1)


def random_start(fields: int, length: int, rng: np.random.Generator) -> int:
    """Any place, all as likely (Simonyan and Zisserman, 2014, section 4)."""
    return int(rng.integers(places(fields, length)))


def segment_starts(fields: int, length: int, segments: int, rng: np.random.Generator) -> list[int]:
    """A random place in each of `segments` equal parts of the clip (TSN: Wang et al., 2016, section 3.1).

    Where there are fewer places than parts, parts share them.
    """
    total = places(fields, length)
    edges = [i * total // segments for i in range(segments + 1)]
    return [int(rng.integers(a, max(b, a + 1))) for a, b in pairwise(edges)]


def spaced_starts(fields: int, length: int, count: int) -> list[int]:
    """`count` places with equal spacing, each in the middle of its part of the clip; one is the clip's middle.

    The same places come again where there are fewer than `count`.
    """
    total = places(fields, length)
    return [(2 * i + 1) * total // (2 * count) for i in range(count)]
