import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from fixture_scores import CLASSES, scores_saying, settings
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from flowfeat.errors import FormatError, InputError
from recognition.scores import FusedPart, Fusion, Scores, read_scores, write_scores

SCORES = scores_saying([0, 1, 0], [0, 1, 2], fingerprint="ab" * 32, missing=2, part_of="UCF101 (3 of 101 classes)")
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


def same(one: Scores, other: Scores) -> bool:
    return (
        np.array_equal(one.scores, other.scores)
        and np.array_equal(one.labels, other.labels)
        and (one.kind, one.clips, one.groups, one.classes, one.settings, one.fingerprint, one.missing)
        == (other.kind, other.clips, other.groups, other.classes, other.settings, other.fingerprint, other.missing)
    )


@given(st.data())
@effort(max_examples=25)
def test_what_is_written_is_read_again(tmp_path_factory, data):
    classes = data.draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    clips = data.draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    logits = st.floats(-100, 100, width=32)
    values = data.draw(st.lists(st.lists(logits, min_size=4, max_size=4), min_size=4, max_size=4))
    labels = data.draw(st.lists(st.integers(0, len(classes) - 1), min_size=4, max_size=4))
    fusion = Fusion("weighted", (FusedPart("a", 0.25), FusedPart("b", 0.75)), data.draw(st.none() | st.just(80)))
    scores = Scores(
        np.array(values, np.float32)[: len(clips), : len(classes)].copy(),
        "logits",
        tuple(clips),
        tuple(data.draw(NAMES) for _ in clips),
        np.array(labels[: len(clips)], np.int64),
        tuple(classes),
        settings(fusion=data.draw(st.none() | st.just(fusion)), seed=data.draw(st.none() | st.just(3))),
        missing=data.draw(st.integers(0, 5)),
    )
    path = tmp_path_factory.mktemp("scores") / "a.npz"
    write_scores(path, scores)
    assert same(read_scores(path), scores)


def test_any_program_reads_the_file_without_pickles_and_the_same_scores_give_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_scores(tmp_path / name, SCORES)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert file["clips"].tolist() == list(SCORES.clips)
        assert file["classes"].tolist() == list(CLASSES)
        assert file["scores"].dtype == np.float32


@pytest.mark.parametrize(("first", "second"), [("HammerThrow", "Hammering"), ("JumpRope", "JumpingJack")])
def test_classes_sorted_by_folder_name_are_refused(first, second):
    with pytest.raises(InputError, match=f"class {first} is before {second}: these classes are sorted by folder name"):
        scores_saying([0], [0], classes=[first, second])
    assert scores_saying([0], [0], classes=[second, first]).classes == (second, first)


def test_a_file_of_a_tool_that_sorts_class_folders_is_refused_with_its_name(tmp_path, data):
    text = (data / "ucf101/ucfTrainTestlist/classInd.txt").read_text()
    official = tuple(line.split()[1] for line in text.splitlines() if line.strip())
    write_scores(tmp_path / "right.npz", scores_saying([3], [3], classes=official))
    assert read_scores(tmp_path / "right.npz").classes == official
    with np.load(tmp_path / "right.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "sorted.npz", **{**arrays, "classes": np.array(sorted(official))})
    with pytest.raises(InputError, match=r"sorted\.npz: class HammerThrow is before Hammering"):
        read_scores(tmp_path / "sorted.npz")


def test_labels_in_sorted_order_are_refused_though_the_names_are_in_official_order():
    clips = ("v_BabyCrawling_g01_c01", "v_JumpingJack_g01_c01")
    with pytest.raises(InputError, match="v_JumpingJack_g01_c01 is labelled JumpRope: the classes were numbered in an"):
        scores_saying([0, 2], [0, 2], clips=clips)


def test_either_spelling_of_handstand_pushups_is_its_class():
    scores = scores_saying([0], [0], ["HandstandPushups", "Punch"], clips=("v_HandStandPushups_g01_c01",))
    assert scores.clips == ("v_HandStandPushups_g01_c01",)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scores": np.zeros((3, 2), np.float32)}, "there are \\(3, 2\\) scores"),
        ({"labels": np.array([0, 1, 3])}, "labels must be 0 to 2"),
        ({"labels": np.array([0, 1, -1])}, "labels must be 0 to 2"),
        ({"clips": ("a", "b", "a")}, "clip a is there twice"),
        ({"groups": ("a", "b")}, "3 clips need a group each; there are 2"),
        ({"classes": ("a", "b", "b")}, "class b is there twice"),
        ({"missing": -1}, "cannot be missing"),
        ({"scores": np.full((3, 3), np.nan, np.float32)}, "scores of v_BabyCrawling_g01_c01 are not finite"),
        ({"scores": np.full((3, 3), 0.5, np.float32)}, "sum of 1"),
    ],
)
def test_contradictions_are_refused(change, told):
    with pytest.raises(InputError, match=told):
        replace(SCORES, **change)


def test_probabilities_of_logits_are_their_softmax():
    logits = replace(SCORES, scores=np.log(SCORES.scores) + 5, kind="logits")
    assert logits.as_softmax().kind == "softmax"
    np.testing.assert_allclose(logits.as_softmax().scores, SCORES.scores, atol=1e-6)
    np.testing.assert_allclose(logits.log_probabilities(), SCORES.log_probabilities(), atol=1e-5)


def test_clips_are_put_in_another_order_with_their_labels_or_refused():
    order = SCORES.clips[::-1]
    turned = SCORES.in_order_of(order)
    assert turned.clips == order
    assert turned.labels.tolist() == [2, 1, 0]
    assert turned.groups == SCORES.groups[::-1]
    assert np.array_equal(turned.scores, SCORES.scores[::-1])
    with pytest.raises(InputError, match=r"of different clips: .* is in one alone \(1 such clips\)"):
        SCORES.in_order_of(order[:2])


def test_a_file_without_source_videos_is_to_be_made_again(tmp_path):
    path = tmp_path / "a.npz"
    write_scores(path, SCORES)
    with np.load(path) as file:
        older = {name: file[name] for name in file.files if name != "groups"}
    np.savez(path, **older)
    with pytest.raises(FormatError, match=r"a\.npz: .* without the clips' source videos; test again"):
        read_scores(path)


def test_other_files_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "a.npz"
    write_scores(path, SCORES)
    whole = path.read_bytes()
    with np.load(path) as file:
        arrays = dict(file)
    changed = [
        {**arrays, "extra": np.zeros(1)},
        {name: value for name, value in arrays.items() if name != "labels"},
        {**arrays, "scores": arrays["scores"].astype(np.float64)},
        {**arrays, "record": np.array("{}")},
        {**arrays, "record": np.array("[")},
        {**arrays, "record": np.array(str(arrays["record"]).replace('"split": 1', '"split": "1"'))},
        {**arrays, "record": np.array(str(arrays["record"]).replace('"schema": 2', '"schema": 3'))},
        {**arrays, "clips": np.array(list(SCORES.clips), object)},
    ]
    for each in changed:
        data = io.BytesIO()
        np.savez(data, **each)
        path.write_bytes(data.getvalue())
        with pytest.raises(FormatError, match=r"a\.npz: "):
            read_scores(path)
    for damaged in (b"", b"PK", whole[: len(whole) // 2], b"\x93NUMPY" + whole):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match="not a score file"):
            read_scores(path)
    with pytest.raises(InputError, match=r"must end in \.npz"):
        write_scores(tmp_path / "a.npy", SCORES)


@given(st.integers(0, 10_000), st.integers(1, 255))
@effort(max_examples=40)
def test_a_changed_byte_is_found_or_changes_nothing(tmp_path_factory, place, flip):
    path = tmp_path_factory.mktemp("damage") / "a.npz"
    write_scores(path, SCORES)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= flip
    path.write_bytes(bytes(data))
    try:
        found = read_scores(path)
    except InputError:
        return
    assert same(found, SCORES)


def test_the_file_is_a_plain_zip_of_arrays(tmp_path):
    write_scores(tmp_path / "a.npz", SCORES)
    names = {"scores.npy", "clips.npy", "groups.npy", "labels.npy", "classes.npy", "record.npy"}
    assert set(zipfile.ZipFile(tmp_path / "a.npz").namelist()) == names
