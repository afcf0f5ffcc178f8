"""Which clusters are background: a camera that moves, objects that move by themselves, and the motion itself."""

import numpy as np
import pytest

from segmentation.affinities.settings import Motion
from segmentation.background import BackgroundSettings, find_background
from segmentation.trajectories import Trajectories

SIZE = (120, 160)


def _tracks(groups, frames=12, seed=0):
    """Tracks of groups (number, box x0 x1 y0 y1, motion(x, y, t)), and the group of each."""
    rng = np.random.default_rng(seed)
    points, owner = [], []
    for place, (number, (left, right, top, bottom), motion) in enumerate(groups):
        for _ in range(number):
            xy = np.array([rng.uniform(left, right), rng.uniform(top, bottom)])
            path = [xy]
            for t in range(frames - 1):
                path.append(path[-1] + motion(*path[-1], t))
            points.append(np.array(path))
            owner.append(place)
    count = len(points)
    tracks = Trajectories(
        np.zeros(count, np.int64), np.full(count, frames), np.concatenate(points).astype(np.float32), frames
    )
    return tracks, np.array(owner), np.zeros(count * frames)


def _zoom(x, y, t):
    """A camera that pans, zooms and rolls."""
    return np.array([0.8 + 0.01 * (x - 80) - 0.004 * (y - 60), 0.3 + 0.01 * (y - 60) + 0.004 * (x - 80)])


def test_a_zooming_background_in_pieces_is_put_together_and_an_object_is_not():
    tracks, labels, sigma = _tracks(
        [
            (60, (5, 80, 5, 60), _zoom),
            (60, (80, 150, 60, 115), _zoom),
            (90, (60, 100, 40, 80), lambda x, y, t: _zoom(x, y, t) + np.array([1.5, 0])),
            (60, (5, 80, 60, 115), _zoom),
        ]
    )
    found = find_background(tracks, labels, sigma, SIZE, Motion(), BackgroundSettings())
    assert found.background.tolist() == [True, True, False, True]
    assert found.first != 2
    assert found.residual[2] == pytest.approx(1.5 / 0.5, rel=0.15)
    assert found.border.sum() == pytest.approx(1)
    assert found.unmodelled == 0


def test_an_object_larger_than_the_background_in_the_middle_is_no_background():
    tracks, labels, sigma = _tracks(
        [
            (300, (30, 130, 30, 90), lambda x, y, t: np.array([-1.0, 0.5])),
            (80, (0, 159, 0, 10), _zoom),
            (80, (0, 159, 110, 119), _zoom),
        ]
    )
    assert find_background(tracks, labels, sigma, SIZE, Motion(), BackgroundSettings()).background.tolist() == [
        False,
        True,
        True,
    ]


def test_what_moves_late_is_an_object_all_the_same():
    late = lambda x, y, t: np.array([2.0, 0.0]) * (t >= 9)  # noqa: E731
    still = lambda x, y, t: np.zeros(2)  # noqa: E731
    tracks, labels, sigma = _tracks([(150, (0, 159, 0, 119), still), (30, (70, 90, 50, 70), late)])
    assert find_background(tracks, labels, sigma, SIZE, Motion(), BackgroundSettings()).background.tolist() == [
        True,
        False,
    ]


def test_wrong_tracks_within_the_background_do_not_bend_its_motion():
    rng = np.random.default_rng(1)
    tracks, labels, sigma = _tracks(
        [
            (120, (0, 159, 0, 119), _zoom),
            (60, (60, 100, 40, 80), lambda x, y, t: np.array([-2.0, 1.0])),
            (40, (100, 150, 20, 100), _zoom),
        ]
    )
    mislabelled = labels.copy()
    mislabelled[rng.choice(np.flatnonzero(labels == 1), 25, replace=False)] = 0
    found = find_background(tracks, mislabelled, sigma, SIZE, Motion(), BackgroundSettings())
    assert found.background.tolist() == [True, False, True]
    assert found.residual[2] < 0.05


def test_tracks_of_no_cluster_and_no_cluster_at_all():
    tracks, labels, sigma = _tracks([(60, (0, 159, 0, 119), _zoom), (30, (60, 100, 40, 80), _zoom)])
    labels[labels == 1] = -1
    assert find_background(tracks, labels, sigma, SIZE, Motion(), BackgroundSettings()).background.tolist() == [True]
    none = find_background(tracks, np.full(len(tracks), -1), sigma, SIZE, Motion(), BackgroundSettings())
    assert len(none.background) == 0
    assert none.first == -1


def test_a_background_of_too_few_tracks_is_said_to_have_no_model():
    tracks, labels, sigma = _tracks([(5, (0, 159, 0, 5), _zoom), (30, (60, 100, 40, 80), _zoom)])
    found = find_background(tracks, labels, sigma, SIZE, Motion(), BackgroundSettings())
    assert found.background.tolist() == [True, False]
    assert found.unmodelled == 11
    assert np.isinf(found.residual).all()
