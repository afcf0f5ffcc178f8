"""Pictures of tracks: the right colours at the right places, and numbers that add up."""

import numpy as np

from segmentation.runs.pictures import CAUSES, density, tracks_picture
from segmentation.runs.stored_tracks import StoredTracks
from segmentation.tracking import TrackFeatures
from segmentation.tracking.reliability import Stop
from segmentation.trajectories import Trajectories

HEIGHT, WIDTH = 240, 480


def tracks(*ends: tuple[float, float, Stop]) -> StoredTracks:
    """One for each place and cause, two points long, in a shot of four frames."""
    xy = np.repeat(np.array([end[:2] for end in ends], np.float32).reshape(-1, 2), 2, axis=0)
    count = len(ends)
    trajectories = Trajectories(np.zeros(count, np.int64), np.full(count, 2), xy, 4)
    features = TrackFeatures(np.zeros(2 * count, np.float32), np.zeros((2 * count, 3), np.float32))
    cause = np.array([end[2] for end in ends], np.uint8)
    return StoredTracks(trajectories, features, cause, HEIGHT, WIDTH, None, None)


def test_density_counts_tracks_over_all_frames():
    found = density(tracks((240.0, 120.0, Stop.NONE), (241.0, 120.0, Stop.NONE), (100.0, 60.0, Stop.NONE)))
    # Three tracks through two of four frames, in units of a thousandth.
    assert abs(found.sum() - 1000 * 3 * 2 / 4) < 1e-6
    assert np.unravel_index(found.argmax(), found.shape) in {(120, 240), (120, 241)}
    assert not density(tracks()).any()


def test_ends_have_the_colour_of_their_cause():
    places = {cause: (60.0 + 100 * cause, 100.0, cause) for cause in Stop}
    first = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    picture = tracks_picture(first, tracks(*places.values()), "shot")
    # Panels are as wide as the frame here: 24 pixels of margin, then the other panel and its margin.
    left = 2 * 24 + WIDTH
    top = next(row for row in range(picture.shape[0]) if (picture[row, left + 2] == 70).all())
    for cause, (x, y, _) in places.items():
        assert tuple(picture[top + int(y), left + int(x)]) == CAUSES[cause][0]
    assert tuple(picture[top + 20, left + 20]) == (70, 70, 70)


def test_a_shot_without_tracks_has_a_picture():
    first = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    none, some = (tracks_picture(first, found, "shot") for found in (tracks(), tracks((9.0, 9.0, Stop.LEFT_FRAME))))
    assert none.shape[1] == some.shape[1]
    assert (none == 35).all(2).any()


def test_points_outside_the_frame_do_not_break_it():
    first = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    tracks_picture(first, tracks((WIDTH - 0.6, HEIGHT - 0.6, Stop.INCONSISTENT), (-0.4, 700.0, Stop.NONE)), "shot")
