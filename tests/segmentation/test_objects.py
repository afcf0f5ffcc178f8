"""Which clusters are parts of one object."""

import numpy as np
import pytest

from segmentation.affinities import Motion
from segmentation.objects import ObjectSettings, join_parts
from segmentation.tangents import tangents
from segmentation.trajectories import Trajectories

SIZE = (120, 160)
FRAMES = 8
OURS = ObjectSettings()


def _tracks(*groups: tuple[int, tuple[float, float], tuple[float, float], int]):
    """Groups of tracks: how many, about which place, how they move (pixels a frame), and the frame they begin in."""
    random = np.random.default_rng(0)
    start, length, xy, labels = [], [], [], []
    for label, (count, place, velocity, first) in enumerate(groups):
        for at in np.array(place) + random.uniform(-4, 4, (count, 2)):
            t = np.arange(FRAMES - first)
            start.append(first)
            length.append(len(t))
            xy.append(at + t[:, None] * np.array(velocity))
            labels.append(label)
    points = np.concatenate(xy)
    tracks = Trajectories(np.array(start), np.array(length), points, FRAMES)
    return tracks, np.zeros(len(points)), np.array(labels)


def _joined(groups, residual, settings=OURS, background=None):
    tracks, sigma, labels = _tracks(*groups)
    is_background = np.zeros(len(groups), bool) if background is None else np.array(background)
    return join_parts(
        tracks, sigma, labels, is_background, np.array(residual, float), SIZE, Motion(), settings
    ).tolist()


# The floor is 0.5 px, so 4 px a frame against a background at rest is 8 units.
BODY = (30, (50, 60), (4.0, 0.0), 0)
LIMB = (12, (60, 60), (3.0, 0.0), 0)


def test_parts_that_move_alike_and_come_near_are_one_object():
    # They differ by 1 px a frame, 2 units: a third of the smaller of 8 and 6.
    assert _joined([BODY, LIMB], [8, 6]) == [1, 1]


def test_parts_that_differ_as_much_from_each_other_as_from_the_background_are_not():
    # 1.6 px a frame are 3.2 units: more than half of 4.8.
    assert _joined([BODY, (12, (60, 60), (2.4, 0.0), 0)], [8, 4.8]) == [1, 2]


def test_parts_far_apart_are_two_objects_however_alike():
    assert _joined([BODY, (12, (120, 60), (4.0, 0.0), 0)], [8, 8]) == [1, 2]
    # The reach is 12 px of the frame's 120, the gap about 62.
    assert _joined([BODY, (12, (120, 60), (4.0, 0.0), 0)], [8, 8], ObjectSettings(reach=0.6)) == [1, 1]


def test_parts_never_seen_together_are_two_objects():
    tracks, sigma, labels = _tracks(BODY, (12, (80, 60), (4.0, 0.0), 4))
    early = tracks.start == 0
    length = np.where(early, 4, tracks.length)
    kept = np.concatenate([points[: length[i]] for i, (_, points) in enumerate(tracks)])
    cut = Trajectories(tracks.start, length, kept, FRAMES)
    found = join_parts(cut, sigma[: len(kept)], labels, np.zeros(2, bool), np.array([8.0, 8.0]), SIZE, Motion(), OURS)
    assert found.tolist() == [1, 2]


def test_the_most_alike_are_joined_first_and_then_move_as_one():
    # 4.0, 3.0 and 2.2 px a frame. The last is 1.6 units from the limb, 0.36 of its 4.4; but body and limb are more
    # alike, 2 of 6, and what they are together moves by 4.0, which is 3.6 units from the last.
    foot = (12, (66, 60), (2.2, 0.0), 0)
    assert _joined([LIMB, foot], [6, 4.4]) == [1, 1]
    assert _joined([BODY, LIMB, foot], [8, 6, 4.4]) == [1, 1, 2]


def test_background_is_0_and_objects_follow_by_size():
    groups = [(40, (20, 20), (0.0, 0.0), 0), (10, (60, 60), (4.0, 0.0), 0), (30, (120, 100), (0.0, 4.0), 0)]
    assert _joined(groups, [0, 8, 8], background=[True, False, False]) == [0, 2, 1]
    assert _joined(groups, [0, 8, 8], background=[True, True, True]) == [0, 0, 0]


def test_without_a_share_every_cluster_is_an_object():
    assert _joined([BODY, LIMB], [8, 6], ObjectSettings(alike=0)) == [1, 2]


def test_a_residual_that_is_not_known_joins_nothing_and_breaks_nothing():
    assert _joined([BODY, (12, (60, 60), (0.0, 4.0), 0)], [np.inf, np.inf]) == [1, 2]


def test_order_of_clusters_does_not_matter():
    groups = [BODY, LIMB, (12, (120, 100), (0.0, 4.0), 0)]
    forward, backward = _joined(groups, [8, 6, 8]), _joined(groups[::-1], [8, 6, 8])
    assert forward == [1, 1, 2]
    assert backward == [2, 1, 1]


def test_tangents_are_shorter_at_the_end_and_in_the_unit_of_the_variation():
    xy = np.array([[0.0, 0], [1, 0], [3, 0], [6, 0]])
    tracks = Trajectories(np.array([2]), np.array([4]), xy, 6)
    found = tangents(tracks, np.array([0.0, 0.0, 3.0, 9.0]), Motion(tau=2, floor=0.5))
    assert found.point.tolist() == [0, 1, 2]
    assert found.frame.tolist() == [2, 3, 4]
    assert found.displacement.tolist() == [[1.5, 0], [2.5, 0], [3, 0]]
    assert found.scale == pytest.approx([0.5, np.sqrt(9 / 2), 3])
