from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowfeat.errors import InputError
from recognition.datasets.split import LabelledClip, Split
from recognition.datasets.ucf101 import canonical_name, expected_clips, open_ucf101, read_classes

CLASSES = ["1 Archery", "2 HandstandPushups", "3 YoYo"]
TRAIN = [
    "Archery/v_Archery_g08_c01.avi 1",
    "HandstandPushups/v_HandStandPushups_g08_c01.avi 2",
    "YoYo/v_YoYo_g08_c01.avi 3",
]
TEST = ["Archery/v_Archery_g01_c01.avi", "YoYo/v_YoYo_g01_c01.avi"]
SPLIT = Split(
    dataset="UCF101",
    number=1,
    classes=("Archery", "HandstandPushups", "YoYo"),
    train=(
        LabelledClip("v_Archery_g08_c01", 0, "v_Archery_g08"),
        LabelledClip("v_HandStandPushups_g08_c01", 1, "v_HandStandPushups_g08"),
        LabelledClip("v_YoYo_g08_c01", 2, "v_YoYo_g08"),
    ),
    test=(
        LabelledClip("v_Archery_g01_c01", 0, "v_Archery_g01"),
        LabelledClip("v_YoYo_g01_c01", 2, "v_YoYo_g01"),
    ),
    part_of="UCF101 split 1 (101 classes, 9537 training and 3783 test clips)",
)


def write_lists(folder: Path, newline: str = "\n", **lists: list[str]) -> Path:
    """Made-up annotations; `lists` replaces the lines of a file, as `trainlist01=[...]`."""
    files = {"classInd": CLASSES}
    for number in (1, 2, 3):
        files |= {f"trainlist{number:02d}": TRAIN, f"testlist{number:02d}": TEST}
    for name, lines in {**files, **lists}.items():
        (folder / f"{name}.txt").write_bytes("".join(line + newline for line in lines).encode())
    return folder


@pytest.fixture(scope="module")
def official(data: Path) -> Path:
    return data / "ucf101/ucfTrainTestlist"


@pytest.mark.parametrize(("split", "train", "test"), [(1, 9537, 3783), (2, 9586, 3734), (3, 9624, 3696)])
def test_the_official_splits_have_their_published_sizes(official: Path, split: int, train: int, test: int):
    read = open_ucf101(official, split)
    assert (len(read.train), len(read.test)) == (train, test)
    assert {clip.group for clip in read.train}.isdisjoint({clip.group for clip in read.test})
    assert len({clip.group for clip in read.clips}) == 101 * 25
    assert read.part_of is None
    per_class = Counter(clip.label for clip in read.test)
    assert set(per_class) == set(range(101))
    # recognition.md: test classes hold 28 to 49 videos (split 1).
    if split == 1:
        assert (min(per_class.values()), max(per_class.values())) == (28, 49)


def test_the_official_classes_keep_the_order_of_the_file(official: Path):
    classes = read_classes(official)
    assert list(classes.values()) == list(range(101))
    assert list(classes) != sorted(classes)
    assert {name for name, label in classes.items() if sorted(classes)[label] != name} == {
        "Hammering",
        "HammerThrow",
        "JumpingJack",
        "JumpRope",
    }
    assert (classes["ApplyEyeMakeup"], classes["HandstandPushups"], classes["YoYo"]) == (0, 36, 100)


def test_the_official_lists_name_13320_clips(official: Path):
    names = expected_clips(official)
    assert len(names) == len(set(names)) == 13320
    assert names == sorted(names)
    assert all(canonical_name(name) == name for name in names)
    assert "HandstandPushups/v_HandStandPushups_g01_c01" in names


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    newlines=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=8, max_size=8),
    blanks=st.lists(st.sampled_from(["", "\n", "\r\n", "  \n", "\t\r\n"]), min_size=9, max_size=9),
    spaces=st.sampled_from(["", " ", "\t"]),
    mark=st.booleans(),
    end=st.booleans(),
)
def test_line_endings_and_blank_lines_change_nothing(tmp_path: Path, newlines, blanks, spaces, mark, end):
    write_lists(tmp_path)
    filled = iter(zip(newlines, blanks, strict=False))
    for name, lines in {"classInd": CLASSES, "trainlist01": TRAIN, "testlist01": TEST}.items():
        text = blanks[-1] + "".join(
            f"{line}{spaces}{newline}{blank}" for line, (newline, blank) in zip(lines, filled, strict=False)
        )
        text = text if end else text.rstrip()
        (tmp_path / f"{name}.txt").write_bytes(("\ufeff" * mark + text).encode())
    assert read_classes(tmp_path) == {"Archery": 0, "HandstandPushups": 1, "YoYo": 2}
    assert open_ucf101(tmp_path, 1) == SPLIT


def test_the_other_spelling_of_handstand_pushups_is_the_same_clip(tmp_path: Path):
    other = [line.replace("v_HandStand", "v_Handstand") for line in TRAIN]
    assert open_ucf101(write_lists(tmp_path, trainlist01=other), 1) == SPLIT
    twice = [*TRAIN, other[1]]
    with pytest.raises(InputError, match=r"trainlist01\.txt, line 4: .*_HandStandPushups_g08_c01 is there twice"):
        open_ucf101(write_lists(tmp_path, trainlist01=twice), 1)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("HandstandPushups/v_HandStandPushups_g01_c01", "HandstandPushups/v_HandStandPushups_g01_c01"),
        ("HandstandPushups/v_HandstandPushups_g01_c01", "HandstandPushups/v_HandStandPushups_g01_c01"),
        ("HandStandPushups/v_HandStandPushups_g01_c01", "HandstandPushups/v_HandStandPushups_g01_c01"),
        (
            "flow/HandStandPushups/v_HandstandPushups_g01_c01.avi",
            "flow/HandstandPushups/v_HandStandPushups_g01_c01.avi",
        ),
        ("v_HandstandPushups_g01_c01", "v_HandStandPushups_g01_c01"),
        ("HandStandPushups", "HandstandPushups"),
        ("HandstandWalking/v_HandstandWalking_g01_c01", "HandstandWalking/v_HandstandWalking_g01_c01"),
        ("Archery/v_Archery_g01_c01", "Archery/v_Archery_g01_c01"),
    ],
)
def test_canonical_names(name: str, canonical: str):
    assert canonical_name(name) == canonical


BAD = [
    (
        "classInd",
        ["1 Archery", "3 YoYo"],
        r"classInd\.txt, line 2: class YoYo has number 3 and should have 2",
    ),
    ("classInd", ["0 Archery", "1 YoYo"], r"line 1: class Archery has number 0 and should have 1"),
    ("classInd", ["1 Archery", "2 Archery"], r"line 2: class Archery is there twice, first as number 1"),
    ("classInd", ["Archery 1"], r"line 1: 'Archery 1' is not a number and a class"),
    ("classInd", ["1 Archery now"], r"line 1: '1 Archery now' is not a number and a class"),
    ("classInd", [], r"classInd\.txt: the file is empty"),
    ("classInd", CLASSES[:2], r"trainlist01\.txt, line 3: YoYo is not a class of .*classInd\.txt"),
    ("trainlist01", [], r"trainlist01\.txt: the file is empty"),
    (
        "trainlist01",
        ["", *TRAIN[:2], "YoYo/v_YoYo_g08_c01.avi 2"],
        r"line 4: .* has label 2, and its folder is class 3",
    ),
    ("trainlist01", ["YoYo/v_YoYo_g08_c01.avi"], r"line 1: YoYo/v_YoYo_g08_c01 has no label"),
    ("trainlist01", ["YoYo/v_YoYo_g08_c01 3"], r"line 1: .* is not a clip"),
    ("trainlist01", ["v_YoYo_g08_c01.avi 3"], r"line 1: .* is not a clip"),
    ("trainlist01", ["a/YoYo/v_YoYo_g08_c01.avi 3"], r"line 1: .* is not a clip"),
    ("trainlist01", ["YoYo/v_YoYo_g08_c01.avi three"], r"line 1: .* is not a clip"),
    ("trainlist01", ["YoYo/v_YoYo_g08_c01.avi " + "3" * 5000], r"line 1: .{0,200} is not a clip"),
    (
        "trainlist01",
        [TRAIN[0], TRAIN[0]],
        r"line 2: Archery/v_Archery_g08_c01 is there twice, .*trainlist01\.txt, line 1",
    ),
    (
        "testlist01",
        [TEST[0], TRAIN[0][:-2]],
        r"testlist01\.txt, line 2: .* is there twice, first in .*trainlist01\.txt, line 1",
    ),
    ("testlist01", ["YoYo/v_YoYo_g01_c01.avi 1"], r"line 1: .* has label 1, and its folder is class 3"),
    ("testlist01", ["yoyo/v_YoYo_g01_c01.avi"], r"line 1: yoyo is not a class"),
]


@pytest.mark.parametrize(("name", "lines", "message"), BAD, ids=range(len(BAD)))
def test_a_bad_file_is_one_sentence_with_its_line(tmp_path: Path, name: str, lines: list[str], message: str):
    with pytest.raises(InputError, match=message) as caught:
        open_ucf101(write_lists(tmp_path, **{name: lines}), 1)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["classInd", "trainlist01", "testlist01"])
def test_a_missing_or_binary_file_is_named(tmp_path: Path, name: str):
    path = write_lists(tmp_path) / f"{name}.txt"
    path.write_bytes(b"1 Arch\xff\n")
    with pytest.raises(InputError, match=rf"{name}\.txt: this is not a text file \(byte 6 "):
        open_ucf101(tmp_path, 1)
    path.unlink()
    with pytest.raises(
        InputError, match=rf"{name}\.txt: cannot be read \(No such file or directory\).*ucfTrainTestlist"
    ):
        open_ucf101(tmp_path, 1)


@pytest.mark.parametrize("split", [0, 4, -1])
def test_there_are_three_splits(tmp_path: Path, split: int):
    with pytest.raises(InputError, match=f"split {split}: UCF101 has the splits 1, 2 and 3"):
        open_ucf101(write_lists(tmp_path), split)


def test_splits_of_different_clips_are_refused(tmp_path: Path):
    names = sorted(f"{SPLIT.classes[clip.label]}/{clip.name}" for clip in SPLIT.clips)
    assert expected_clips(write_lists(tmp_path)) == names
    with pytest.raises(
        InputError, match=r"Archery/v_Archery_g01_c01 is in split 1 and not in split 2 \(1 such clips\)"
    ):
        expected_clips(write_lists(tmp_path, testlist02=TEST[1:]))
    extra = [*TEST, "YoYo/v_YoYo_g02_c01.avi"]
    with pytest.raises(InputError, match=r"YoYo/v_YoYo_g02_c01 is in split 3 and not in split 1"):
        expected_clips(write_lists(tmp_path, testlist02=TEST, testlist03=extra))


def test_the_value_prints_sizes_and_not_clips(tmp_path: Path):
    assert repr(open_ucf101(write_lists(tmp_path), 1)) == (
        "Split('UCF101', 1, classes=3, train=3, test=2, missing=0, "
        "part_of='UCF101 split 1 (101 classes, 9537 training and 3783 test clips)')"
    )


def test_some_classes_keep_the_official_order_and_say_that_they_are_a_part(official: Path):
    whole, part = open_ucf101(official, 1), open_ucf101(official, 1, ["JumpRope", "Punch", "JumpingJack"])
    assert part.classes == ("JumpingJack", "JumpRope", "Punch")
    assert part.part_of == "UCF101 split 1 (101 classes, 9537 training and 3783 test clips)"
    for clips, of_whole in ((part.train, whole.train), (part.test, whole.test)):
        expected = [clip.name for clip in of_whole if whole.classes[clip.label] in part.classes]
        assert [clip.name for clip in clips] == expected
    assert all(clip.name.startswith(f"v_{part.classes[clip.label]}_") for clip in part.clips)


def test_a_group_on_both_sides_is_refused(tmp_path: Path):
    leaking = [*TEST, "YoYo/v_YoYo_g08_c02.avi"]
    with pytest.raises(InputError, match=r"clips of v_YoYo_g08 are in training and in test of split 2 \(1 such groups"):
        open_ucf101(write_lists(tmp_path, testlist02=leaking), 2)
