"""Which clips an input holds, and what they are called."""

import os
from pathlib import Path

import pytest

from flowfeat.errors import InputError
from flowfeat.video import Clip, find_clips, select_clips


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_a_folder_is_searched_and_keys_are_paths_below_it(tmp_path):
    _touch(
        tmp_path,
        "Punch/v_b.avi",
        "Punch/v_a.AVI",
        "Lunges/deep/v_c.mp4",
        "Punch/notes.txt",
        ".hidden/v_d.avi",
        "._v_e.avi",
    )
    assert [clip.key for clip in find_clips([tmp_path])] == ["Lunges/deep/v_c", "Punch/v_a", "Punch/v_b"]


def test_a_file_is_a_clip_of_its_stem(tmp_path):
    _touch(tmp_path, "a/v.avi")
    assert find_clips([tmp_path / "a/v.avi"]) == [Clip("v", str(tmp_path / "a/v.avi"))]


def test_folders_of_frames_are_clips_where_there_is_no_video(tmp_path):
    for name in ("bear/00000.jpg", "bear/00001.jpg", "deep/camel/00000.png"):
        _touch(tmp_path, name)
    assert [clip.key for clip in find_clips([tmp_path])] == ["bear", "deep/camel"]
    assert [clip.key for clip in find_clips([tmp_path / "bear"])] == ["bear"]
    _touch(tmp_path, "a_video.avi")
    assert [clip.key for clip in find_clips([tmp_path])] == ["a_video"]


def test_two_clips_of_one_name_are_refused_naming_both(tmp_path):
    _touch(tmp_path, "one/v.avi", "two/v.avi", "three/v.avi", "three/v.mp4")
    with pytest.raises(InputError, match=r"two clips have one name, 'v': .*one/v.avi and .*two/v.avi"):
        find_clips([tmp_path / "one", tmp_path / "two"])
    with pytest.raises(InputError, match="two clips have one name"):
        find_clips([tmp_path / "three"])
    assert len(find_clips([tmp_path / "one", tmp_path / "one/v.avi"])) == 1


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_an_input_without_clips_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=name):
        find_clips([tmp_path / name])


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/v_\xff.avi")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(InputError, match="not UTF-8; rename it"):
        find_clips([tmp_path])


def test_links_back_up_the_tree_end(tmp_path):
    _touch(tmp_path, "a/v.avi")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    assert [clip.key for clip in find_clips([tmp_path])] == ["a/v"]


def test_a_folder_that_may_not_be_read_is_refused(tmp_path):
    _touch(tmp_path, "open/v.avi", "closed/w.avi")
    (tmp_path / "closed").chmod(0)
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:  # root may read everything: become somebody else for the moment
        for parent in [tmp_path, *tmp_path.parents]:
            if parent.stat().st_uid == 0 and parent != Path("/") and not parent.stat().st_mode & 0o005:
                parent.chmod(parent.stat().st_mode | 0o055)
        os.seteuid(65534)
    try:
        with pytest.raises(InputError, match=r"closed: the folder cannot be read \(Permission denied\)"):
            find_clips([tmp_path])
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        (tmp_path / "closed").chmod(0o755)


def test_a_list_selects_by_key_stem_or_file_name_with_a_label(tmp_path):
    clips = [Clip(key, f"{key}.avi") for key in ("Lunges/v_1", "Lunges/v_2", "Punch/v_3", "Punch/v 4", "Rope/v_2")]
    listing = tmp_path / "list.txt"
    listing.write_text("Punch/v_3.avi 71\r\nv_1\r\n\r\n# a remark\r\nPunch/v 4.avi\r\n")
    assert [clip.key for clip in select_clips(clips, listing)] == ["Lunges/v_1", "Punch/v 4", "Punch/v_3"]
    listing.write_text("v_2\n")
    with pytest.raises(InputError, match=r"line 1: 'v_2' could be Lunges/v_2 or Rope/v_2"):
        select_clips(clips, listing)
    listing.write_text("v_1\nv_9.avi\n")
    with pytest.raises(InputError, match=r"line 2: no clip of the inputs is called 'v_9.avi'"):
        select_clips(clips, listing)
    listing.write_bytes(b"\xef\xbb\xbfv_1\r\n")  # as Windows marks UTF-8
    assert [clip.key for clip in select_clips(clips, listing)] == ["Lunges/v_1"]
    listing.write_bytes(b"v_1\n\xff\xfe")
    with pytest.raises(InputError, match="not a text file"):
        select_clips(clips, listing)


def test_a_key_in_a_list_is_that_clip_whatever_stems_are_spelled_like_it(tmp_path):
    clips = [Clip(key, f"{key}.avi") for key in ("a", "x/a", "y/a", "x/b")]
    listing = tmp_path / "list.txt"
    for line in ("a", "a.avi", "a.avi 7"):
        listing.write_text(line)
        assert [clip.key for clip in select_clips(clips, listing)] == ["a"]
    listing.write_text("x/a\nb\n")
    assert [clip.key for clip in select_clips(clips, listing)] == ["x/a", "x/b"]


def test_the_annotations_of_fbms_are_no_clips_and_that_is_told(tmp_path, caplog):
    for shot in ("cars1", "cars2"):
        _touch(tmp_path, f"Testset/{shot}/{shot}_01.jpg", f"Testset/{shot}/GroundTruth/{shot}_01.pgm")
    _touch(tmp_path, "GroundTruth/0.png")  # beside no frames: somebody's clip
    assert [clip.key for clip in find_clips([tmp_path])] == ["GroundTruth", "Testset/cars1", "Testset/cars2"]
    assert "2 folders beside frames left out, as" in caplog.text
    assert "cars1/GroundTruth: annotations are no clips" in caplog.text
    assert [clip.key for clip in find_clips([tmp_path / "Testset/cars1/GroundTruth"])] == ["GroundTruth"]
