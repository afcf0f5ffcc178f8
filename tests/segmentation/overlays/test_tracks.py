"""Tracks drawn over their frame."""

import numpy as np
import pytest

from flowfeat.errors import InputError
from segmentation.overlays import draw_tracks, object_colours
from segmentation.overlays.colours import backdrop
from segmentation.overlays.tracks import TAIL, spacing
from segmentation.trajectories import Trajectories

GREY = np.full((60, 80, 3), 128, np.uint8)


def _straight(starts, length=10, y=30.0):
    """Tracks that run 4 pixels to the right in each frame, all at the same height, one below the other."""
    xy = [(10 + 4 * t, y + 12 * row) for row in range(len(starts)) for t in range(length)]
    count = len(starts)
    return Trajectories(np.array(starts), np.full(count, length), np.array(xy, np.float32), max(starts) + length)


def _nearest(picture, x, y):
    """The most saturated pixel near a place."""
    near = picture[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).astype(int)
    return near[np.ptp(near, axis=1).argmax()]


def test_a_dot_is_where_the_track_is_in_the_colour_of_its_object():
    picture = draw_tracks(GREY, _straight([0]), np.array([2]), 5)
    assert np.abs(_nearest(picture, 30, 30) - object_colours(np.array(2))).max() < 12
    assert picture.shape == GREY.shape
    # Nothing is drawn ahead of it, nor above or below.
    bare = backdrop(GREY)
    np.testing.assert_array_equal(picture[:, 36:], bare[:, 36:])
    np.testing.assert_array_equal(picture[:25], bare[:25])
    np.testing.assert_array_equal(picture[36:], bare[36:])


def test_the_tail_is_as_long_as_it_says_and_not_longer_than_the_track():
    picture = draw_tracks(GREY, _straight([0]), np.array([1]), 9)
    drawn = np.flatnonzero(np.ptp(picture[29:32].astype(int), axis=2).max(axis=0) > 10)
    here = 10 + 4 * 9
    assert here - 4 * TAIL - 2 <= drawn.min() <= here - 4 * TAIL + 2
    young = draw_tracks(GREY, _straight([0]), np.array([1]), 1)
    assert np.flatnonzero(np.ptp(young.astype(int), axis=2).max(axis=0) > 10).min() >= 5


def test_background_and_unassigned_tracks_are_small_and_have_no_hue_and_no_tail():
    sizes = []
    for label in (1, 0, -1):
        picture = draw_tracks(GREY, _straight([0]), np.array([label]), 9)
        changed = (picture != backdrop(GREY)).any(axis=2)
        if label < 1:
            assert np.ptp(picture.astype(int), axis=2).max() == 0
            assert np.flatnonzero(changed.any(axis=0)).min() > 40
        sizes.append(int(changed.sum()))
    assert sizes[0] > 3 * sizes[1] > 3 * sizes[2] > 0


def test_only_what_is_alive_is_drawn():
    tracks = _straight([0, 15])
    np.testing.assert_array_equal(
        draw_tracks(GREY, tracks, np.array([1, 2]), 5), draw_tracks(GREY, _straight([0]), np.array([1]), 5)
    )
    np.testing.assert_array_equal(draw_tracks(GREY, tracks, np.array([1, 2]), 12), backdrop(GREY))


def test_no_tracks_are_the_bare_frame():
    nothing = Trajectories(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2), np.float32), 3)
    np.testing.assert_array_equal(draw_tracks(GREY, nothing, np.empty(0, np.int64), 2), backdrop(GREY))


def test_dense_points_get_small_dots():
    assert spacing(0, 100, 100) == spacing(10, 480, 640) == 9
    assert spacing(4800, 480, 640) == pytest.approx(8)
    assert spacing(10**6, 480, 640) == 3


@pytest.mark.parametrize(
    ("objects", "at", "told"),
    [([1, 2], 0, "2 objects and 1 tracks"), ([1], 10, "frame 10 is not one of the 10 frames"), ([1], -1, "frame -1")],
)
def test_what_does_not_fit_has_its_sentence(objects, at, told):
    with pytest.raises(InputError, match=told):
        draw_tracks(GREY, _straight([0]), np.array(objects), at)
