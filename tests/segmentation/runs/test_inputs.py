"""What there is to segment in a path, and the sentence where something is not as it should be."""

from pathlib import Path

import numpy as np
import pytest
from fixture_fbms import write_shot
from fixture_stores import settings, smooth_flow, write_stored_clip
from PIL import Image

from flowfeat import FlowStore
from flowfeat.errors import InputError
from segmentation.formats import write_label_map
from segmentation.runs.inputs import InputShot, find_shots, key_in_store


def frames(folder: Path, *numbers: int, name: str = "{:04d}.png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.fromarray(np.full((8, 10, 3), number, np.uint8)).save(folder / name.format(number))
    return folder


def test_a_folder_of_frames_is_one_shot(tmp_path: Path):
    found = find_shots(frames(tmp_path / "walk", 3, 4, 5))
    assert (found.kind, [shot.name for shot in found.shots]) == ("frames", ["walk"])
    (shot,) = found.shots
    assert [int(frame[0, 0, 0]) for frame in shot.frames()] == [3, 4, 5]
    assert shot.expected_frames() == 3
    with pytest.raises(InputError, match=r"no frame has ground truth.*say --frames all"):
        shot.annotated()


def test_a_video_and_a_folder_of_videos(tmp_path: Path, make_clip):
    video = make_clip("in/a.avi", frames=3)
    assert find_shots(video).kind == "video"
    make_clip("in/deep/b.avi", frames=3)
    found = find_shots(tmp_path / "in")
    assert (found.kind, [(shot.name, shot.key) for shot in found.shots]) == ("folder", [("a", "a"), ("b", "deep/b")])
    assert len(list(found.shots[1].frames())) == found.shots[1].expected_frames() == 3


def test_two_videos_of_one_stem_are_refused(tmp_path: Path):
    for name in ("in/x/a.avi", "in/y/a.avi"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"two shots have one name, 'a'.*rename one"):
        find_shots(tmp_path / "in")
    (tmp_path / "in/x/a.mp4").touch()
    with pytest.raises(InputError, match="two clips have one name"):
        find_shots(tmp_path / "in/x")


def test_an_empty_folder_has_no_shot(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no video .* and no folder of frames is in it"):
        find_shots(tmp_path / "empty")
    with pytest.raises(InputError, match="there is no such file or folder"):
        find_shots(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("numbers", "gap"), [((1, 2, 4, 5), "0002.png and 0004.png"), ((0, 5, 10, 20, 25), "0010.png and 0020.png")]
)
def test_a_missing_frame_is_seen_before_anything_is_computed(tmp_path: Path, numbers: tuple[int, ...], gap: str):
    (shot,) = find_shots(frames(tmp_path / "walk", *numbers)).shots
    with pytest.raises(InputError, match=f"a frame is missing between {gap}"):
        next(shot.frames())


@pytest.mark.parametrize("numbers", [(7,), (0, 10, 20), (2, 3, 4, 5)])
def test_no_frame_is_missing(tmp_path: Path, numbers: tuple[int, ...]):
    find_shots(frames(tmp_path / "walk", *numbers)).shots[0].check()


def test_names_that_do_not_count_tell_nothing_of_gaps(tmp_path: Path):
    find_shots(frames(tmp_path / "walk", 1, 2, 9, name="{:d}_of_7.png")).shots[0].check()


def test_fbms_with_its_annotated_frames(tmp_path: Path):
    truth = np.zeros((8, 10), np.int64)
    for shot in ("Testset/cars1", "Trainingset/cars2"):
        write_shot(tmp_path / "FBMS" / shot, (0, 255), {0: truth, 7: truth}, frames=8)
    found = find_shots(tmp_path / "FBMS")
    assert (found.kind, [shot.name for shot in found.shots]) == ("fbms", ["cars2", "cars1"])
    assert found.shots[0].annotated() == (0, 7)
    assert find_shots(tmp_path / "FBMS/Testset").shots == found.shots[1:]
    alone = find_shots(tmp_path / "FBMS/Testset/cars1")
    assert (alone.kind, [shot.annotated() for shot in alone.shots]) == ("frames", [(0, 7)])
    (tmp_path / "FBMS/Testset/cars1/cars1_0003.jpg").unlink()
    with pytest.raises(InputError, match=r"there are 7 frames, and cars1Def.dat says 8; copy the shot again"):
        found.shots[1].check()


def test_an_annotated_frame_beyond_the_shot_is_refused(tmp_path: Path):
    truth = np.zeros((8, 10), np.int64)
    write_shot(tmp_path / "FBMS/Testset/cars1", (0, 255), {9: truth}, frames=8)
    with pytest.raises(InputError, match="frame 9 is annotated and the shot has 8 frames"):
        find_shots(tmp_path / "FBMS").shots[0].annotated()


def test_davis_with_its_annotated_frames(tmp_path: Path):
    frames(tmp_path / "DAVIS/JPEGImages/480p/bear", 0, 1, 2, name="{:05d}.jpg")
    frames(tmp_path / "DAVIS/JPEGImages/480p/swan", 0, 1, name="{:05d}.jpg")
    write_label_map(tmp_path / "DAVIS/Annotations/480p/bear/00001.png", np.ones((8, 10), np.int64))
    found = find_shots(tmp_path / "DAVIS")
    assert (found.kind, [shot.name for shot in found.shots]) == ("davis", ["bear", "swan"])
    assert found.shots[0].annotated() == (1,)
    with pytest.raises(InputError, match="swan: no frame has ground truth"):
        found.shots[1].annotated()


def test_shots_by_their_names(tmp_path: Path):
    for name in ("a", "b", "c"):
        frames(tmp_path / "in" / name, 0, 1)
    found = find_shots(tmp_path / "in")
    assert [shot.name for shot in found.select(["c", "a", "c"]).shots] == ["c", "a"]
    assert found.select([]) is found
    with pytest.raises(InputError, match="there is no shot 'd' in it; it has a, b, c"):
        found.select(["a", "d"])


def test_the_key_of_a_shot_in_a_store(tmp_path: Path):
    of, flow = settings("float16"), smooth_flow(1, 16, 16)
    for key in ("JPEGImages/480p/bear", "Annotations/480p/bear", "x/walk", "y/swan", "z/swan"):
        write_stored_clip(tmp_path / "flow", key, of, flow)
    store = FlowStore(tmp_path / "flow")

    def key(path: str) -> str:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
        return key_in_store(store, InputShot(Path(path).stem, path, tmp_path / path))

    assert key("DAVIS/JPEGImages/480p/bear") == "JPEGImages/480p/bear"
    assert key("elsewhere/walk.avi") == "x/walk"
    assert key("y/swan.mp4") == "y/swan"
    with pytest.raises(InputError, match="the flow of 'swan' was asked for, and it holds 2 clips called so"):
        key("swan.mp4")
    with pytest.raises(InputError, match="the flow of 'nobody' was asked for, and it holds no clip called so"):
        key("nobody")
