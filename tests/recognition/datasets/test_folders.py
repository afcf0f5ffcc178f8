from pathlib import Path

import pytest

from flowfeat.errors import InputError
from recognition.datasets import open_annotations, open_folders


def lay_out(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    names = [f"{name}/{name}{i}.mp4" for name in ("run", "hop") for i in range(7)]
    return lay_out(tmp_path / "mine", *names, *[f"walk/00{i}.mp4" for i in range(3)], *["hop/000.mp4"])


def test_three_splits_test_every_clip_once(classes: Path):
    splits = [open_annotations(classes, number) for number in (1, 2, 3)]
    assert {split.classes for split in splits} == {("hop", "run", "walk")}
    tested = [clip for split in splits for clip in split.test]
    assert len(tested) == len(set(tested)) == 18
    for split in splits:
        assert split.dataset == "mine"
        assert split.part_of is None
        assert len(split.clips) == 18
        assert {clip.label for clip in split.test} == {0, 1, 2}
        assert all(clip.group is None for clip in split.clips)
    assert {clip.name for clip in tested} >= {"hop/000", "walk/000", "001", "002", "run3"}
    assert open_folders(classes, 1, ["walk"]).part_of is not None


@pytest.mark.parametrize("held_out", ["test", "val"])
def test_train_and_test_folders_are_a_split_of_their_own(tmp_path: Path, held_out: str):
    root = lay_out(tmp_path / "own", "train/b/1.avi", "train/a/1.avi", f"{held_out}/a/2.avi", f"{held_out}/c/3.avi")
    split = open_folders(root, 1)
    assert split.classes == ("a", "b", "c")
    assert [(clip.name, clip.label) for clip in split.train] == [("a/1", 0), ("b/1", 1)]
    assert [(clip.name, clip.label) for clip in split.test] == [("2", 0), ("3", 2)]
    with pytest.raises(InputError, match=r"split 2: .* has split 1 alone"):
        open_folders(root, 2)


def test_folders_of_frames_are_clips(tmp_path: Path):
    root = lay_out(tmp_path / "frames", *[f"a/clip{i}/0001.jpg" for i in range(3)])
    assert len(open_folders(root, 1).clips) == 3


def test_what_is_not_laid_out_so_is_refused(tmp_path: Path, classes: Path):
    with pytest.raises(InputError, match=r"split 4: .* has the splits 1, 2 and 3"):
        open_folders(classes, 4)
    lay_out(classes, "run/deep/x.mp4")
    with pytest.raises(InputError, match=r"the clip run/deep/x is not where clips are expected: CLASS/CLIP"):
        open_folders(classes, 1)
    small = lay_out(tmp_path / "small", "a/1.mp4", "a/2.mp4")
    with pytest.raises(InputError, match=r"small/a: 2 clips cannot be dealt to 3 parts"):
        open_folders(small, 1)


def test_annotations_that_are_none_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"there is no such folder; annotations are ucfTrainTestlist of UCF101"):
        open_annotations(tmp_path / "nowhere", 1)
    (tmp_path / "trainlist01.txt").touch()
    with pytest.raises(InputError, match=r"lists of UCF101 and no classInd\.txt"):
        open_annotations(tmp_path, 1)
