"""Movies of shots."""

import shutil
from dataclasses import replace

import av
import numpy as np
import pytest
from fixture_overlays import HEIGHT, WIDTH, found, segmented_shot, tracks_on
from PIL import Image

from flowfeat.errors import InputError
from flowfeat.visualization import write_movie
from segmentation.overlays import object_colours, write_shot_movie
from segmentation.overlays.movie import shot_pictures, title


def _size(path):
    with av.open(str(path)) as container:
        frames = [frame for frame in container.decode(video=0)]
        return len(frames), frames[0].width, frames[0].height, container.streams.video[0].average_rate


def test_a_movie_has_all_frames_and_four_panels(tmp_path):
    shot = segmented_shot(tmp_path, {0: found(), 4: found()})
    told = []
    assert write_shot_movie(shot, tmp_path / "out/cars1.mp4", told.append) == 6
    count, width, height, rate = _size(tmp_path / "out/cars1.mp4")
    # Two panels of 480 pixels side by side, 24 apart.
    assert (count, width, rate) == (6, 24 + 2 * 504, 10)
    assert height > 2 * 360
    assert told == [1, 2, 3, 4, 5, 6]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["cars1.mp4"]


@pytest.mark.parametrize(("truth", "masks", "columns"), [(True, False, 3), (False, True, 2), (False, False, 1)])
def test_panels_that_do_not_exist_are_left_out(tmp_path, truth, masks, columns):
    shot = segmented_shot(tmp_path, {frame: found() for frame in range(6)} if masks else None)
    picture = next(shot_pictures(shot if truth else replace(shot, truth=None)))
    assert picture.shape[1] == 24 + columns * 504


def test_frames_without_truth_show_the_last_that_had_it(tmp_path):
    shot = segmented_shot(tmp_path)
    Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255)).save(shot.frames / "cars1_0004.jpg")  # frame 3, white
    pictures = [picture.astype(int) for picture in shot_pictures(shot)]
    assert len({picture.shape for picture in pictures}) == 1
    first, second = slice(24, 504), slice(528, 1008)
    assert np.abs(pictures[3][:, first] - pictures[2][:, first]).mean() > 50
    np.testing.assert_array_equal(pictures[3][:, second], pictures[2][:, second])


def test_before_the_first_truth_there_is_an_empty_panel(tmp_path):
    shot = segmented_shot(tmp_path)
    assert shot.truth
    late = replace(shot.truth.definition, annotations=shot.truth.definition.annotations[1:])
    pictures = [p.astype(int) for p in shot_pictures(replace(shot, truth=replace(shot.truth, definition=late)))]
    assert len({picture.shape for picture in pictures}) == 1
    truth_panel = slice(528, 1008)
    assert np.ptp(pictures[3][:, truth_panel], axis=2).max() == 0
    assert np.ptp(pictures[4][:, truth_panel], axis=2).max() > 100


def test_colours_do_not_change_from_frame_to_frame(tmp_path):
    pictures = list(shot_pictures(segmented_shot(tmp_path, {frame: found() for frame in range(6)})))
    for picture in pictures:
        distance = np.abs(picture.astype(int) - object_colours(np.array(2))).sum(axis=2)
        assert (distance == 0).sum() > 500


def test_a_video_keeps_its_rate_and_shots_without_objects_are_shown(tmp_path):
    write_movie(tmp_path / "shot.mp4", [np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * 6, 24)
    stored = tracks_on(found() * 0)
    shot = replace(
        segmented_shot(tmp_path), frames=tmp_path / "shot.mp4", tracks=stored.trajectories, objects=stored.object
    )
    assert write_shot_movie(replace(shot, truth=None), tmp_path / "out.mp4") == 6
    assert _size(tmp_path / "out.mp4")[3] == 24


def test_the_title_says_what_there_is(tmp_path):
    shot = segmented_shot(tmp_path)
    assert title(shot) == "cars1; made; 3 objects"
    scored = replace(shot, objects=None, track_score="moseg: F 1 %", mask_score="binary-j: J 2 %")
    assert title(scored) == "cars1; made; not segmented; moseg: F 1 %; binary-j: J 2 %"


def test_frames_that_are_missing_or_too_many_have_their_sentence_and_leave_no_movie(tmp_path):
    shot = segmented_shot(tmp_path)
    shutil.copy(shot.frames / "cars1_0006.jpg", shot.frames / "cars1_0007.jpg")
    with pytest.raises(InputError, match=r"cars1: it has more frames and the tracks of cars1 run through 6"):
        write_shot_movie(shot, tmp_path / "out/cars1.mp4")
    for name in ("cars1_0006.jpg", "cars1_0007.jpg"):
        (shot.frames / name).unlink()
    with pytest.raises(InputError, match=r"cars1: it has 5 frames and the tracks of cars1 run through 6"):
        write_shot_movie(shot, tmp_path / "out/cars1.mp4")
    assert list((tmp_path / "out").iterdir()) == []
