"""The bootstrap and the permutation test against every case that there is, and what must hold for any results."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flowfeat.errors import InputError
from segmentation.evaluation.comparison import MEASURES
from segmentation.evaluation.paired import ResamplingSettings, paired_difference, smallest_p_value

F, EXTRACTED = (measure.score for measure in MEASURES["moseg"])
FAST = ResamplingSettings(resamples=300)


def shots(rng, count):
    """Precision, recall, extracted objects, and 1, of each shot."""
    precision, recall = rng.uniform(0.3, 1, (2, count))
    return np.stack([precision, recall, rng.integers(0, 3, count), np.ones(count)], axis=1)


def slow_f(rows):
    """The harmonic mean of the means, a shot at a time."""
    precision, recall = sum(row[0] for row in rows) / len(rows), sum(row[1] for row in rows) / len(rows)
    return 2 / (1 / precision + 1 / recall)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_bootstrap_draws_every_choice_of_shots_as_often_as_it_should(count):
    rng = np.random.default_rng(count)
    first, second = shots(rng, count), shots(rng, count)
    found = paired_difference(first, second, F, ResamplingSettings())
    every = np.sort(
        [
            slow_f(first[list(drawn)]) - slow_f(second[list(drawn)])
            for drawn in itertools.product(range(count), repeat=count)
        ]
    )
    assert found.first == pytest.approx(slow_f(first))
    assert found.difference == pytest.approx(slow_f(first) - slow_f(second))
    # Four standard errors of a share of 10,000 draws.
    share = (every > 0).mean()
    assert found.first_better == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 10_000) + 1e-9)
    assert found.second_better == pytest.approx((every < 0).mean(), abs=0.02)
    # A bound of the interval is a drawn value, between those a little more and a little less extreme.
    assert found.interval is not None
    for bound, level in zip(found.interval, (0.025, 0.975), strict=True):
        lowest, highest = (
            np.quantile(every, np.clip(level + step, 0, 1), method="inverted_cdf") for step in (-0.007, 0.007)
        )
        assert lowest - 1e-12 <= bound <= highest + 1e-12


@pytest.mark.parametrize("score", [F, EXTRACTED])
@pytest.mark.parametrize("count", [2, 5, 7])
def test_the_p_value_is_that_of_all_exchanges(score, count):
    rng = np.random.default_rng(count)
    first, second = shots(rng, count), shots(rng, count)
    found = paired_difference(first, second, score, ResamplingSettings())

    def of(rows):
        return score(rows.sum(axis=0)[None])[0]

    every = []
    for exchanged in itertools.product([False, True], repeat=count):
        chosen = np.array(exchanged)[:, None]
        every.append(of(np.where(chosen, second, first)) - of(np.where(chosen, first, second)))
    higher = np.mean(np.array(every) >= found.difference - 1e-12)
    lower = np.mean(np.array(every) <= found.difference + 1e-12)
    assert found.p_value == pytest.approx(min(1, 2 * min(higher, lower)))


def test_two_shots_by_hand():
    # Precision is recall, so F is their mean: 0.8 and 0.4 against 0.6 and 0.6.
    first, second = np.array([[0.8, 0.8, 2, 1], [0.4, 0.4, 0, 1]]), np.array([[0.6, 0.6, 1, 1], [0.6, 0.6, 0, 1]])
    found = paired_difference(first, second, F, ResamplingSettings())
    # Of four draws, one is the first shot twice (+0.2), one the second twice (-0.2), two are both (0).
    assert found.difference == pytest.approx(0, abs=1e-12)
    assert found.interval == pytest.approx((-0.2, 0.2))
    # Of the 4 exchanges 0.8 and 0.4 against 0.6 and 0.6 gives 0, so does its reverse; the others give +0.2 and -0.2:
    # three of four are at least 0.
    assert found.p_value == 1
    # Objects are a sum: 2 against 1, and 4, 2 or 0 against 2, 1 or 0.
    objects = paired_difference(first, second, EXTRACTED, ResamplingSettings())
    assert (objects.first, objects.second, objects.interval) == (2, 1, (0, 2))
    assert objects.first_better == pytest.approx(0.75, abs=0.02)
    assert objects.second_better == 0


def test_a_result_that_is_better_in_every_shot():
    rng = np.random.default_rng(0)
    second = shots(rng, 5)
    first = second + np.array([0.1, 0.1, 0, 0])
    found = paired_difference(first, second, F, ResamplingSettings())
    assert (found.first_better, found.second_better) == (1, 0)
    assert found.interval is not None
    assert 0 < found.interval[0] <= found.difference <= found.interval[1]
    assert found.p_value == smallest_p_value(5) == 2 / 32
    # The same where less is better.
    assert paired_difference(first, second, F, ResamplingSettings(), higher_is_better=False).first_better == 0
    assert paired_difference(second, first, F, ResamplingSettings(), higher_is_better=False).first_better == 1
    assert found.few_shots
    assert not paired_difference(np.tile(first, (2, 1)), np.tile(second, (2, 1)), F, FAST).few_shots


@settings(max_examples=15)
@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_exchanging_the_results_negates_the_difference(count, seed):
    rng = np.random.default_rng(seed)
    first, second = shots(rng, count), shots(rng, count)
    one, other = (paired_difference(*pair, F, FAST) for pair in ((first, second), (second, first)))
    assert (one.first, one.second, one.difference) == (other.second, other.first, -other.difference)
    assert one.interval is not None
    assert other.interval is not None
    assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))
    assert (one.first_better, one.second_better) == (other.second_better, other.first_better)
    assert one.p_value == pytest.approx(other.p_value)


@settings(max_examples=15)
@given(hnp.arrays(np.float64, st.tuples(st.integers(2, 20), st.just(2)), elements=st.floats(0.01, 1)))
def test_equal_results_differ_by_nothing(values):
    rows = np.concatenate([values, np.ones((len(values), 2))], axis=1)
    found = paired_difference(rows, rows.copy(), F, FAST)
    assert (found.difference, found.interval, found.p_value) == (0, (0, 0), 1)
    assert (found.first_better, found.second_better) == (0, 0)


def test_the_seed_decides_the_draw():
    rng = np.random.default_rng(1)
    # More shots than can be exchanged in every way, so the permutation test draws too.
    first, second = shots(rng, 20), shots(rng, 20)
    one, again, other = (paired_difference(first, second, F, ResamplingSettings(300, 0.9, seed)) for seed in (1, 1, 2))
    assert one == again
    assert one.interval != other.interval
    assert one.p_value is not None
    assert 1 / 301 <= one.p_value <= 1


def test_one_shot_has_a_difference_and_no_interval():
    found = paired_difference(np.array([[0.8, 0.8, 1, 1]]), np.array([[0.5, 0.5, 1, 1]]), F, FAST)
    assert found.difference == pytest.approx(0.3)
    assert (found.interval, found.first_better, found.second_better, found.p_value) == (None,) * 4
    assert found.few_shots


@pytest.mark.parametrize(("first", "second"), [(0, 0), (2, 3)])
def test_shots_that_are_no_pairs_are_told(first, second):
    with pytest.raises(InputError, match=f"{first} and {second} shots cannot be compared"):
        paired_difference(np.ones((first, 4)), np.ones((second, 4)), F, FAST)


@pytest.mark.parametrize("change", [{"resamples": 0}, {"confidence": 1.0}, {"confidence": 0.0}])
def test_settings_out_of_their_range_are_told(change):
    with pytest.raises(InputError, match="settings of a bootstrap are out of their range"):
        ResamplingSettings(**change)
