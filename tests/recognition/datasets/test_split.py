import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowfeat.errors import InputError
from recognition.datasets.names import unique_names
from recognition.datasets.split import LabelledClip, Split

WHOLE = Split(
    "D",
    2,
    ("b", "a", "c"),
    train=(LabelledClip("b1", 0, "b/x"), LabelledClip("a1", 1, "a/x"), LabelledClip("c1", 2)),
    test=(LabelledClip("c2", 2), LabelledClip("b2", 0, "b/y")),
)


def test_some_classes_are_a_part_with_labels_of_its_own_in_the_order_of_the_data_set():
    part = WHOLE.of_classes(["c", "b"])
    assert part.classes == ("b", "c")
    assert part.train == (LabelledClip("b1", 0, "b/x"), LabelledClip("c1", 1))
    assert part.test == (LabelledClip("c2", 1), LabelledClip("b2", 0, "b/y"))
    assert part.part_of == "D split 2 (3 classes, 3 training and 2 test clips)"
    assert part.description == "2 classes, 2 training and 2 test clips; part of " + part.part_of
    assert WHOLE.of_classes(["a", "c", "b"]) is WHOLE
    assert WHOLE.part_of is None
    assert WHOLE.description == "3 classes, 3 training and 2 test clips; D split 2"


def test_missing_clips_are_counted_and_what_is_left_is_a_part():
    part = WHOLE.without({"c2", "a1"})
    assert (part.missing, part.classes) == (("a1", "c2"), WHOLE.classes)
    assert [clip.name for clip in part.clips] == ["b1", "c1", "b2"]
    assert part.part_of == "D split 2 (3 classes, 3 training and 2 test clips)"
    assert "2 clips missing" in part.description
    assert "missing=2" in repr(part)
    assert part.without({"b1"}).missing == ("a1", "c2", "b1")
    assert part.without({"b1"}).part_of == part.part_of
    assert WHOLE.without(()) is WHOLE


def test_groups_on_both_sides_are_told():
    assert WHOLE.shared_groups == ()
    leaking = Split("D", 1, ("a",), (LabelledClip("a1", 0, "g"), LabelledClip("a3", 0)), (LabelledClip("a2", 0, "g"),))
    assert leaking.shared_groups == ("g",)


def test_counts_that_are_not_the_published_ones_make_a_part():
    assert WHOLE.compared_to(3, 3, 2) is WHOLE
    assert WHOLE.compared_to(3, 4, 2).part_of == "D split 2 (3 classes, 4 training and 2 test clips)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WHOLE.of_classes(["bb"]), "D has no class 'bb'; did you mean b?"),
        (lambda: WHOLE.of_classes([]), "no class of D was given"),
        (lambda: WHOLE.without({"a1"}).of_classes(["a"]), "classes are chosen before missing clips"),
        (lambda: Split("D", 1, ("a", "a"), (), ()), "a class is named twice"),
        (lambda: Split("D", 1, ("a",), (LabelledClip("x", 1),), ()), "x: label 1 is of none of the 1 classes"),
        (lambda: Split("D", 1, ("a",), (LabelledClip("x", 0),), (LabelledClip("x", 0),)), "clip x is in it 2 times"),
    ],
    ids=range(6),
)
def test_what_is_no_split_is_one_sentence(make, message):
    with pytest.raises(InputError, match=message):
        make()


@given(st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("12345")), min_size=1).map(sorted))
def test_names_are_stems_where_these_are_unique_and_never_the_same(clips):
    names = unique_names(clips)
    assert len(set(names)) == len(clips)
    stems = [stem for _, stem in clips]
    for name, (of_class, stem) in zip(names, clips, strict=True):
        assert name == (stem if stems.count(stem) == 1 else f"{of_class}/{stem}")
