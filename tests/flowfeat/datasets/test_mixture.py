from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.datasets import FlowDataset, Mixture
from flowfeat.datasets.sample import PairFiles

PARTS = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 9)), min_size=1, max_size=3)


def _dataset(length: int) -> FlowDataset:
    return FlowDataset(f"of {length}", [PairFiles(str(i), Path("a"), Path("b")) for i in range(length)])


def _mixture(parts: list[tuple[int, int]], seed: int) -> Mixture:
    return Mixture([(_dataset(length), count) for length, count in parts], seed)


@settings(max_examples=40)
@given(parts=PARTS, seed=st.integers(0, 2**40))
def test_every_epoch_visits_every_sample_once(parts, seed):
    mixture = _mixture(parts, seed)
    batches = [mixture.batch(step) for step in range(60)]
    for part, (length, _) in enumerate(parts):
        drawn = [sample for batch in batches for which, sample in batch if which == part]
        whole = len(drawn) // length
        assert whole >= 3
        for epoch in range(whole):
            assert sorted(drawn[epoch * length : (epoch + 1) * length]) == list(range(length))


@settings(max_examples=40)
@given(parts=PARTS, seed=st.integers(0, 2**40))
def test_every_batch_has_the_same_shares(parts, seed):
    mixture = _mixture(parts, seed)
    for step in range(10):
        assert Counter(which for which, _ in mixture.batch(step)) == dict(enumerate(count for _, count in parts))


@settings(max_examples=40)
@given(parts=PARTS, seed=st.integers(0, 2**40), steps=st.lists(st.integers(0, 15), max_size=5))
def test_a_batch_depends_on_its_step_alone(parts, seed, steps):
    mixture, resumed = _mixture(parts, seed), _mixture(parts, seed)
    through = [mixture.batch(step) for step in range(16)]
    assert [resumed.batch(step) for step in steps] == [through[step] for step in steps]


def test_epochs_seeds_and_parts_have_orders_of_their_own():
    order = [[sample for _, sample in _mixture([(50, 50)], seed).batch(step)] for seed in (0, 1) for step in (0, 1)]
    assert len({tuple(samples) for samples in order}) == 4
    twins = _mixture([(50, 50), (50, 50)], 0).batch(0)
    assert [sample for _, sample in twins[:50]] != [sample for _, sample in twins[50:]]


def test_the_order_is_the_same_forever():
    # A run resumed with another version of this package or of numpy goes on in the same order.
    mixture = _mixture([(5, 2), (7, 3)], 42)
    assert [mixture.batch(step) for step in (0, 1, 1000)] == [
        [(0, 4), (0, 1), (1, 1), (1, 2), (1, 5)],
        [(0, 3), (0, 0), (1, 3), (1, 6), (1, 0)],
        [(0, 3), (0, 0), (1, 4), (1, 3), (1, 2)],
    ]


@pytest.mark.parametrize(
    ("parts", "seed", "wrong"),
    [
        ([], 0, "at least 1 data set"),
        ([(3, 1)], -1, "seed of at least 0, got 1 and -1"),
        ([(0, 1)], 0, "at least 1 pair and 1 a batch, got 0 and 1"),
        ([(3, 0)], 0, "at least 1 pair and 1 a batch, got 3 and 0"),
    ],
)
def test_what_cannot_be_mixed_is_refused(parts, seed, wrong):
    with pytest.raises(ValueError, match=wrong):
        _mixture(parts, seed)


def test_steps_begin_at_0():
    with pytest.raises(ValueError, match="a step of at least 0, got -1"):
        _mixture([(3, 1)], 0).batch(-1)
