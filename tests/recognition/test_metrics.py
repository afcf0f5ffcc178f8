import doctest
from dataclasses import replace
from math import comb, sqrt

import numpy as np
import pytest
from fixture_scores import scores_saying
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, top_k_accuracy_score

from flowfeat.errors import InputError
from recognition import metrics
from recognition.metrics import (
    evaluate,
    mcnemar,
    mean_and_spread,
    predictions,
    three_split_mean,
    top_k_accuracy,
    wilson_interval,
)
from recognition.scores import read_scores, write_scores

SEVEN = tuple(f"class{place}" for place in range(7))


def test_the_examples_in_the_docstrings_hold():
    found = doctest.testmod(metrics)
    assert (found.attempted, found.failed) == (4, 0)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_scikit_learn_computes_the_same_from_the_saved_file(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation([*range(7), *rng.integers(0, 7, 23)])
    scores = scores_saying(rng.integers(0, 7, 30), labels, SEVEN, clips=tuple(f"clip{n}" for n in range(30)))
    values = rng.dirichlet(np.ones(7), 30).astype(np.float32)
    path = tmp_path_factory.mktemp("again") / "a.npz"
    write_scores(path, replace(scores, scores=values))
    found = evaluate(read_scores(path))
    with np.load(path) as file:
        labels, values = file["labels"], file["scores"]
    said = values.argmax(axis=1)
    assert found.accuracy == pytest.approx(accuracy_score(labels, said))
    assert found.mean_class_accuracy == pytest.approx(balanced_accuracy_score(labels, said))
    assert found.top5 == pytest.approx(top_k_accuracy_score(labels, values, k=5, labels=range(7)))
    assert np.array_equal(found.confusion, confusion_matrix(labels, said, labels=range(7)))


def test_accuracy_counts_clips_and_mean_class_accuracy_classes():
    found = evaluate(scores_saying([0, 0, 0, 1, 0], [0, 0, 0, 1, 1], missing=4))
    assert found.accuracy == 4 / 5
    assert found.mean_class_accuracy == (1 + 1 / 2) / 2
    assert found.classes_without_clips == ("JumpRope",)
    assert (found.clips, found.missing) == (5, 4)
    crawling, jack, rope = found.per_class
    assert (crawling.accuracy, crawling.mistaken_for) == (1, None)
    assert (jack.clips, jack.correct, jack.mistaken_for) == (2, 1, ("BabyCrawling", 1))
    assert (rope.accuracy, rope.mistaken_for) == (None, None)


def test_of_equal_scores_the_first_class_is_higher_in_every_rank():
    scores, labels = np.zeros((2, 7), np.float32), np.array([4, 5])
    assert predictions(scores).tolist() == [0, 0]
    assert top_k_accuracy(scores, labels, 5) == 0.5
    assert top_k_accuracy(scores, labels, 1) == 0


def test_five_classes_or_fewer_are_always_among_five():
    assert evaluate(scores_saying([1, 2, 0], [0, 1, 2])).top5 == 1


def test_wilson_s_interval_is_that_of_the_formula():
    z, n, p = 1.959963984540054, 56, 42 / 56
    centre, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((centre + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    assert wilson_interval(42, 56) == pytest.approx((low, high))
    assert wilson_interval(7, 7)[0] < 0.7
    assert wilson_interval(7, 7)[1] == pytest.approx(1)


def test_the_bootstrap_draws_videos_within_classes():
    # 8 videos of each class, half right: the share of each is a binomial one.
    labels = [0] * 8 + [1] * 8
    found = evaluate(scores_saying([0, 1] * 8, labels))
    assert found.mean_class_accuracy == 0.5
    low, high = found.mean_class_accuracy_interval or (0, 0)
    deviation = sqrt(0.25 / 16)
    assert (0.5 - low) / deviation == pytest.approx(1.96, abs=0.25)
    assert (high - 0.5) / deviation == pytest.approx(1.96, abs=0.25)
    assert evaluate(scores_saying([0, 1] * 8, labels)).mean_class_accuracy_interval == (low, high)


def test_clips_of_one_video_are_drawn_together():
    labels, said = [0] * 8 + [1] * 8, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]
    apart = scores_saying(said, labels)
    names = ("BabyCrawling", "JumpingJack")
    clips = tuple(f"v_{names[n // 8]}_g{n // 4:02d}_c{n % 4:02d}" for n in range(16))
    together = scores_saying(said, labels, clips=clips)
    wide, narrow = (evaluate(each).mean_class_accuracy_interval or (0, 0) for each in (together, apart))
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_the_source_videos_are_those_that_the_lists_name():
    """HMDB51's: its names are not UCF101's."""
    labels, said = [0] * 8 + [1] * 8, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]
    clips = tuple(f"April_09_{n}" for n in range(16))
    films = tuple(f"{n // 8}/{n // 4}" for n in range(16))
    wide, narrow = (
        evaluate(scores_saying(said, labels, clips=clips, groups=groups)).mean_class_accuracy_interval or (0, 0)
        for groups in (films, clips)
    )
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_one_video_in_every_class_has_no_bootstrap():
    assert evaluate(scores_saying([0, 0], [0, 1])).mean_class_accuracy_interval is None


def test_mcnemar_is_the_exact_binomial_test_on_what_one_alone_has_right():
    labels = [0] * 12
    one = scores_saying([0] * 10 + [1] * 2, labels)
    other = scores_saying([0] * 3 + [1] * 7 + [0] + [1], labels)
    found = mcnemar(one, other)
    assert (found.only_first, found.only_second, found.clips) == (7, 1, 12)
    assert found.difference == pytest.approx(6 / 12)
    assert found.p_value == pytest.approx(2 * sum(comb(8, k) for k in (0, 1)) / 2**8)
    assert mcnemar(other, one).p_value == found.p_value
    assert mcnemar(one, one).p_value == 1


def test_mcnemar_pairs_clips_by_name():
    one = scores_saying([0, 1, 1, 2], [0, 1, 2, 2])
    assert mcnemar(one, one.in_order_of(one.clips[::-1])).only_first == 0


def test_score_files_that_do_not_belong_together_are_not_compared():
    one = scores_saying([0, 1], [0, 1])
    for other, told in [
        (scores_saying([0, 1], [0, 1], first_group=8), "of different clips"),
        (scores_saying([0, 1], [0, 1], ["BabyCrawling", "JumpingJack"]), "of different classes \\(3 and 2, 2 of them"),
        (scores_saying([0], [0], ["JumpingJack", "BabyCrawling", "JumpRope"]), "the same classes in different order"),
    ]:
        with pytest.raises(InputError, match=told):
            mcnemar(one, other)
    names = ("one", "two")
    with pytest.raises(InputError, match="label two differently \\(1 such clips\\)"):
        mcnemar(scores_saying([0, 1], [0, 1], clips=names), scores_saying([0, 1], [0, 0], clips=names))


def test_the_mean_of_three_splits_counts_each_the_same():
    splits = [
        scores_saying([0] * right + [1] * (count - right), [0] * count, split=split)
        for split, right, count in [(1, 2, 4), (2, 8, 8), (3, 3, 4)]
    ]
    found = three_split_mean(splits[::-1])
    assert found.accuracy.mean == pytest.approx((0.5 + 1 + 0.75) / 3)
    assert found.accuracy.spread == pytest.approx(0.25)
    with pytest.raises(InputError, match="each once; the score files are of 1, 2"):
        three_split_mean(splits[:2])
    other = scores_saying([0], [0], split=3, stream="spatial")
    with pytest.raises(InputError, match="different methods"):
        three_split_mean([*splits[:2], other])


def test_one_run_has_no_spread():
    assert mean_and_spread([0.5]).spread is None
