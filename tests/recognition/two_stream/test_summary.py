import pytest
from fixture_scores import scores_saying

from recognition.metrics import evaluate, wilson_interval
from recognition.two_stream.parts import BaselinePart, FusionPart, RunPart
from recognition.two_stream.summary import summarise


def _right(count, of=8):
    """An evaluation with so many right."""
    labels = [0, 1] * (of // 2)
    said = [label if place < count else 2 for place, label in enumerate(labels)]
    return evaluate(scores_saying(said, labels))


def test_seeds_have_their_mean_in_a_split_and_splits_theirs():
    found = {
        RunPart(1, "temporal", 0): _right(8),
        RunPart(1, "temporal", 1): _right(6),
        RunPart(2, "temporal", 0): _right(4),
        RunPart(2, "temporal", 1): _right(4),
        BaselinePart(1): _right(2),
        BaselinePart(2): _right(4),
    }
    first, second, mean, *baseline = summarise(found, (1, 2), 2)
    assert (first.split, first.seeds, first.clips) == (1, 2, 8)
    assert first.accuracy.mean == pytest.approx(0.875)
    assert first.accuracy.spread == pytest.approx(0.125 * 2**0.5)
    assert first.interval == wilson_interval(7, 8)
    assert (second.accuracy.mean, second.accuracy.spread) == (0.5, 0.0)
    assert (mean.system, mean.split, mean.clips, mean.interval) == ("temporal", None, 16, None)
    assert mean.accuracy.mean == pytest.approx((0.875 + 0.5) / 2)
    assert mean.accuracy.spread == pytest.approx((0.875 - 0.5) / 2**0.5)
    assert [(row.split, row.seeds, row.accuracy.mean) for row in baseline] == [
        (1, None, 0.25),
        (2, None, 0.5),
        (None, None, 0.375),
    ]


def test_there_is_no_mean_of_splits_where_one_lacks_a_seed():
    found = {
        RunPart(1, "spatial", 0): _right(8),
        RunPart(1, "spatial", 1): _right(8),
        RunPart(2, "spatial", 0): _right(8),
        FusionPart(1, "svm", 0): _right(4),
    }
    rows = summarise(found, (1, 2), 2)
    assert [(row.system, row.split, row.seeds) for row in rows] == [
        ("spatial", 1, 2),
        ("spatial", 2, 1),
        ("both, svm", 1, 1),
    ]
    assert [row.split for row in summarise({RunPart(3, "spatial", 0): _right(8)}, (3,), 1)] == [3]
