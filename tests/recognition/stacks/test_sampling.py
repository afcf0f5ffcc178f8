import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.stacks.sampling import random_start, segment_starts, spaced_starts

FIELDS, LENGTHS = st.integers(1, 60), st.integers(1, 12)


@given(FIELDS, LENGTHS, st.integers(1, 30), st.integers(0, 99))
def test_every_start_leaves_a_whole_stack_or_is_the_first(fields, length, count, seed):
    rng = np.random.default_rng(seed)
    last = max(fields - length, 0)
    starts = [random_start(fields, length, rng), *segment_starts(fields, length, count, rng)]
    spaced = spaced_starts(fields, length, count)
    assert all(0 <= start <= last for start in starts + spaced)
    assert spaced == sorted(spaced)
    assert len(spaced) == count
    # Mirrored in time they are the same places, but for rounding.
    assert all(abs(a + b - last) <= 1 for a, b in zip(spaced, reversed(spaced), strict=True))


def test_spaced_starts_are_those_of_tsn():
    # tsn's test code: tick = (frames - L + 1) / 25, int(tick / 2 + tick * x).
    for fields in (28, 100, 164, 499):
        tick = (fields - 5 + 1) / 25
        assert spaced_starts(fields, 5, 25) == [int(tick / 2 + tick * x) for x in range(25)]
    assert spaced_starts(164, 10, 1) == [77]
    assert spaced_starts(12, 10, 3) == [0, 1, 2]
    assert spaced_starts(7, 10, 3) == [0, 0, 0]


@pytest.mark.parametrize("fields", [10, 11, 30])
def test_random_starts_reach_every_place_alike(fields):
    rng = np.random.default_rng(0)
    counts = np.bincount([random_start(fields, 10, rng) for _ in range(2100)], minlength=fields - 9)
    assert len(counts) == fields - 9
    assert counts.min() > 0.6 * 2100 / (fields - 9)


def test_each_segment_draws_from_its_own_part():
    rng = np.random.default_rng(0)
    drawn = np.array([segment_starts(34, 5, 3, rng) for _ in range(400)])
    for segment in range(3):
        assert set(drawn[:, segment]) == set(range(10 * segment, 10 * segment + 10))
    assert segment_starts(3, 5, 3, rng) == [0, 0, 0]
