"""Ragged trajectories: the points of each, those of a frame, and dense tracks of other tools cut into pieces."""

import numpy as np
import pytest

from flowfeat.errors import InputError
from segmentation.trajectories import Trajectories, counted_pixels, from_arrays


def _three() -> Trajectories:
    xy = np.arange(12, dtype=np.float32).reshape(6, 2)
    return Trajectories(np.array([0, 2, 1]), np.array([3, 1, 2]), xy, 4)


def test_points_by_trajectory_and_by_frame():
    tracks = _three()
    assert tracks.owner.tolist() == [0, 0, 0, 1, 2, 2]
    assert tracks.frame.tolist() == [0, 1, 2, 2, 1, 2]
    which, xy = tracks.at(2)
    assert which.tolist() == [0, 1, 2]
    assert xy[:, 0].tolist() == [4, 6, 10]
    assert len(tracks.at(3)[0]) == 0
    assert tracks.position(np.array([2, 0]), np.array([2, 1]))[:, 0].tolist() == [10, 2]
    assert [(start, len(points)) for start, points in tracks] == [(0, 3), (2, 1), (1, 2)]


def test_select_by_mask_and_by_index():
    tracks = _three()
    assert tracks.select(np.array([False, True, True])).xy[:, 0].tolist() == [6, 8, 10]
    assert tracks.select(np.array([2, 0])).xy[:, 0].tolist() == [8, 10, 0, 2, 4]


def test_what_does_not_belong_together_is_no_shot():
    with pytest.raises(ValueError, match="do not belong together"):
        Trajectories(np.array([0]), np.array([2]), np.zeros((3, 2), np.float32), 4)
    with pytest.raises(ValueError, match="reaches beyond the 4 frames"):
        Trajectories(np.array([3]), np.array([2]), np.zeros((2, 2), np.float32), 4)


@pytest.mark.parametrize("share", [False, True])
def test_a_point_that_comes_back_is_two_trajectories_and_one_never_seen_is_none(share):
    xy = np.arange(30, dtype=np.float32).reshape(5, 3, 2)
    visible = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 1], [1, 0, 1], [1, 0, 1]], bool)
    tracks = from_arrays(xy, visible * 0.5 + 0.3 if share else visible)
    assert tracks.start.tolist() == [0, 3, 1]
    assert tracks.length.tolist() == [2, 2, 4]
    assert np.array_equal(tracks.xy, xy.transpose(1, 0, 2)[visible.T])
    assert tracks.frames == 5


def test_arrays_that_do_not_fit_and_positions_that_are_none():
    xy = np.zeros((4, 2, 2), np.float32)
    with pytest.raises(InputError, match=r"tracks of shape \(4, 2, 2\) and visibility of shape \(4, 3\)"):
        from_arrays(xy, np.ones((4, 3), bool))
    xy[1, 1] = np.nan
    visible = np.ones((4, 2), bool)
    with pytest.raises(InputError, match="has a position that is no number"):
        from_arrays(xy, visible)
    visible[1, 1] = False
    assert len(from_arrays(xy, visible)) == 3


def test_the_pixel_that_evaluators_count():
    xy = np.array([[0.49, 0.5], [-1.49, 0], [-1.5, 0], [2.5, 1.0], [2.49, 1.0]], np.float32)
    pixel, inside = counted_pixels(xy, 2, 3)
    assert inside.tolist() == [True, True, False, False, True]
    assert pixel.tolist() == [3, 0, 5]
