"""Where labels and ground truth disagree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flowfeat.errors import InputError
from segmentation.overlays import Verdict, draw_mask_errors, draw_track_errors, track_verdicts, verdicts
from segmentation.overlays.colours import backdrop
from segmentation.overlays.errors import VERDICT_COLOURS, tally

FRAME = np.full((24, 40, 3), 100, np.uint8)


@pytest.mark.parametrize(
    ("label", "truth", "verdict"),
    [
        (0, 0, Verdict.BACKGROUND),
        (3, 3, Verdict.FOUND),
        (0, 1, Verdict.MISSED),
        (1, 0, Verdict.FALSE_ALARM),
        (9, 0, Verdict.FALSE_ALARM),
        (2, 1, Verdict.CONFUSED),
        (9, 1, Verdict.CONFUSED),
        (-1, 1, Verdict.UNCOUNTED),
        (1, -1, Verdict.UNCOUNTED),
        (-1, -1, Verdict.UNCOUNTED),
    ],
)
def test_each_verdict(label, truth, verdict):
    assert verdicts(np.array([label]), np.array([truth])).tolist() == [verdict]


@given(arrays(np.int64, (4, 5), elements=st.integers(-1, 3)), arrays(np.int64, (4, 5), elements=st.integers(-1, 3)))
def test_errors_are_where_both_count_and_differ(labels, truth):
    kind = verdicts(labels, truth)
    wrong = np.isin(kind, (Verdict.MISSED, Verdict.FALSE_ALARM, Verdict.CONFUSED))
    np.testing.assert_array_equal(wrong, (labels >= 0) & (truth >= 0) & (labels != truth))
    assert sum(tally(kind).values()) == labels.size


def _truth():
    truth = np.zeros((24, 40), np.int64)
    truth[6:18, 6:20] = 1
    return truth


def test_a_perfect_mask_has_no_coloured_pixel():
    truth = _truth()
    picture = draw_mask_errors(FRAME, verdicts(truth, truth), truth)
    assert np.ptp(picture.astype(int), axis=2).max() == 0
    assert picture[6, 10].tolist() == [255, 255, 255]  # the outline of the true object
    assert picture[12, 12, 0] > picture[12, 30, 0] == backdrop(FRAME)[12, 30, 0]


def test_errors_of_a_mask_have_their_colours():
    truth = _truth()
    labels = np.zeros_like(truth)
    labels[6:18, 14:32] = 1
    labels[9:15, 15:17] = 2
    picture = draw_mask_errors(FRAME, verdicts(labels, truth), truth).astype(int)
    bare = backdrop(FRAME).astype(int)
    for place, verdict in (((12, 10), Verdict.MISSED), ((12, 28), Verdict.FALSE_ALARM), ((12, 16), Verdict.CONFUSED)):
        expected = 0.3 * bare[place] + 0.7 * np.array(VERDICT_COLOURS[verdict])
        np.testing.assert_allclose(picture[place], expected, atol=0.51)


def test_tracks_are_judged_at_the_pixel_that_the_evaluator_counts():
    # Object 1 begins at x = 6: 5.4 rounds to 5, which is background, 5.5 rounds to 6. The last is outside the frame.
    xy = np.array([[5.4, 10], [5.5, 10], [30, 10], [10, 10], [60, 10]], np.float32)
    kind = track_verdicts(xy, np.array([1, 1, 0, -1, 1]), _truth())
    expected = [Verdict.FALSE_ALARM, Verdict.FOUND, Verdict.BACKGROUND, Verdict.UNCOUNTED, Verdict.UNCOUNTED]
    assert kind.tolist() == expected


def test_errors_of_tracks_have_their_colours():
    xy = np.array([[12, 12], [30, 12]], np.float32)
    kind = track_verdicts(xy, np.array([0, 5]), _truth())
    picture = draw_track_errors(FRAME, xy, kind, _truth()).astype(int)
    np.testing.assert_allclose(picture[12, 12], VERDICT_COLOURS[Verdict.MISSED], atol=12)
    np.testing.assert_allclose(picture[12, 30], VERDICT_COLOURS[Verdict.FALSE_ALARM], atol=12)
    right = draw_track_errors(FRAME, xy, track_verdicts(xy, np.array([1, 0]), _truth()), _truth())
    assert np.ptp(right.astype(int), axis=2).max() == 0


def test_truth_of_another_size_has_its_sentence():
    truth = _truth()
    with pytest.raises(InputError, match="not of this frame"):
        draw_mask_errors(FRAME, verdicts(truth.T, truth.T), truth.T)
    with pytest.raises(InputError, match="not of this frame"):
        draw_track_errors(FRAME, np.empty((0, 2), np.float32), np.empty(0, np.uint8), truth.T)
