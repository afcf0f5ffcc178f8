"""The true object of tracks: by hand, against a slow version, and on the real shot."""

import numpy as np
import pytest
from fixture_fbms import write_shot
from fixture_formats import write_label_maps
from fixture_tracks import stored_tracks
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.errors import InputError
from segmentation.davis import open_davis
from segmentation.fbms import open_fbms, open_shot
from segmentation.trajectories import Trajectories
from segmentation.true_objects import UNKNOWN, davis_truth, fbms_truth, objects_of_shot, true_objects


def tracks_of(*tracks, frames=3):
    """(first frame, [(x, y), ...]) of each."""
    start = np.array([first for first, _ in tracks], np.int64)
    length = np.array([len(points) for _, points in tracks], np.int64)
    xy = np.array([point for _, points in tracks for point in points], np.float64).reshape(-1, 2)
    return Trajectories(start, length, xy, frames)


def test_tracks_of_every_kind_by_hand():
    # Frames 0 and 2 are annotated: object 1 on the left, object 2 on the right, a pixel that does not count between.
    truth = [(0, np.array([[1, 1, -1, 2, 2]])), (2, np.array([[1, 1, -1, 2, 0]]))]
    tracks = tracks_of(
        (0, [(0, 0), (1, 0), (1, 0)]),  # on 1 in both
        (0, [(1.49, 0)]),  # pixel 1, on 1 once
        (0, [(1.5, 0)]),  # pixel 2, which does not count
        (1, [(0, 0)]),  # in no annotated frame
        (0, [(1, 0), (2, 0), (3, 0)]),  # from 1 to 2
        (0, [(2, 0), (2, 0), (3, 0)]),  # unknown first, then on 2
        (2, [(4, 0)]),  # background
        (0, [(9, 0), (9, 0), (-9, 0)]),  # outside
        (0, [(4, 0), (4, 0), (4, 0)]),  # on 2, then on background
    )
    found = true_objects(tracks, truth)
    assert found.object.tolist() == [1, 1, -1, -1, -1, 2, 0, -1, -1]
    assert (found.known, found.unseen, found.crossing) == (4, 3, 2)


def test_no_truth_and_no_tracks_are_no_objects():
    nothing = true_objects(tracks_of((0, [(0, 0)])), [])
    assert (nothing.object.tolist(), nothing.unseen, nothing.crossing) == ([-1], 1, 0)
    assert true_objects(tracks_of(), [(0, np.zeros((2, 2), np.int64))]).known == 0


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_it_equals_a_slow_version(seed):
    rng = np.random.default_rng(seed)
    frames, height, width = (int(rng.integers(1, 6)) for _ in range(3))
    length = rng.integers(1, frames + 1, int(rng.integers(0, 10)))
    start = np.array([rng.integers(0, frames - count + 1) for count in length], np.int64)
    tracks = Trajectories(start, length, rng.uniform(-1, 6, (int(length.sum()), 2)), frames)
    truth = {frame: rng.integers(-1, 3, (height, width)) for frame in range(frames) if rng.random() < 0.6}
    found = true_objects(tracks, truth.items())
    for (first, points), label in zip(tracks, found.object, strict=True):
        seen = set()
        for frame, (x, y) in enumerate(points, first):
            column, row = int(np.trunc(x + 0.5)), int(np.trunc(y + 0.5))
            if frame in truth and 0 <= row < height and 0 <= column < width and truth[frame][row, column] >= 0:
                seen.add(int(truth[frame][row, column]))
        assert label == (seen.pop() if len(seen) == 1 else UNKNOWN)
    assert found.known == (found.object >= 0).sum()
    assert found.known + found.unseen + found.crossing == len(tracks)


def test_pixels_of_fbms_that_are_not_sure_or_of_no_region_do_not_count(tmp_path):
    code = np.array([[0xFFFFFF, 0xFFFFFF, 0xFF0000, 0xFF0000, 0x123456]])
    weight = np.array([[255, 127, 128, 0, 255]])
    path = write_shot(tmp_path / "a", (0xFFFFFF, 0xFF0000), {4: code}, probabilities={4: weight}, coloured=True)
    ((frame, labels),) = fbms_truth(open_shot(path))
    assert (frame, labels.tolist()) == (4, [[0, -1, 1, -1, -1]])


def test_objects_of_davis_are_one(tmp_path):
    write_label_maps(tmp_path / "Annotations/480p/bear", [np.array([[0, 1, 7]]), np.array([[255, 0, 0]])])
    found = [(frame, labels.tolist()) for frame, labels in davis_truth(open_davis(tmp_path), "bear")]
    assert found == [(0, [[0, 1, 1]]), (1, [[1, 0, 0]])]


def test_tracks_of_another_shot_are_told():
    tracks = stored_tracks(tracks_of((0, [(0, 0)])), 2, 4)
    with pytest.raises(InputError, match="bear: frame 3 is annotated, and the tracks are of 3 frames; the tracks are"):
        objects_of_shot("bear", tracks, [(3, np.zeros((2, 4), np.int64))])
    with pytest.raises(InputError, match="bear: the tracks are on 4x2 pixels, the ground truth on 2x4"):
        objects_of_shot("bear", tracks, [(0, np.zeros((4, 2), np.int64))])
    assert objects_of_shot("bear", tracks, [(2, np.zeros((2, 4), np.int64))]).unseen == 1


def test_the_real_shot_by_its_own_pixels(data):
    (shot,) = open_fbms(data / "segmentation/FBMS")
    ((frame, labels),) = fbms_truth(shot)
    height, width = labels.shape
    rows, columns = np.mgrid[4:height:8, 4:width:8].reshape(2, -1)
    # A grid of tracks that begins in the annotated frame, 0, and goes on for two more; every other one comes too late.
    late = np.arange(len(rows)) % 2
    points = np.repeat(np.stack([columns, rows], axis=1), 3 - late, axis=0).astype(np.float64)
    tracks = Trajectories(late, 3 - late, points, shot.definition.frames)
    found = objects_of_shot(shot.name, stored_tracks(tracks, height, width), [(frame, labels)])
    expected = shot.read_truth(shot.definition.annotations[0]).region[rows, columns]
    np.testing.assert_array_equal(found.object[late == 0], expected[late == 0])
    assert set(expected[late == 0]) == {0, 1, 2}
    assert (found.object[late == 1] == UNKNOWN).all()
    assert (found.unseen, found.crossing) == (late.sum(), 0)
