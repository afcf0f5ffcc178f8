import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.errors import InputError
from recognition.datasets import LabelledClip
from recognition.training.folds import Fold, hold_out, refuse_fold


@st.composite
def _grouped(draw):
    """Clips of some classes, each in at least as many groups as there are folds."""
    of = draw(st.integers(2, 5))
    clips = []
    for label in range(draw(st.integers(1, 3))):
        for group in range(draw(st.integers(of, 8))):
            count = draw(st.integers(1, 3))
            clips += [LabelledClip(f"{label}_{group}_{n}", label, f"{label}_{group}") for n in range(count)]
    return draw(st.permutations(clips)), of


@settings(max_examples=30)
@given(_grouped())
def test_folds_divide_the_clips_and_no_group(case):
    clips, of = case
    held = [hold_out(clips, Fold(number, of))[1] for number in range(1, of + 1)]
    assert sorted(clip.name for part in held for clip in part) == sorted(clip.name for clip in clips)
    for number, part in enumerate(held, 1):
        kept = hold_out(clips, Fold(number, of))[0]
        assert [clip for clip in clips if clip in kept or clip in part] == list(clips)
        assert not {clip.group for clip in kept} & {clip.group for clip in part}
        assert {clip.label for clip in part} == {clip.label for clip in clips}
    sizes = [len({clip.group for clip in part if clip.label == 0}) for part in held]
    assert max(sizes) - min(sizes) <= 1


def test_groups_are_dealt_in_turn():
    clips = [LabelledClip(f"v_A_g{n:02d}_c01", 0, f"v_A_g{n:02d}") for n in (8, 9, 10, 11)]
    kept, held = hold_out(clips, Fold(2, 3))
    assert [clip.name for clip in held] == ["v_A_g09_c01"]
    assert [clip.name for clip in kept] == ["v_A_g08_c01", "v_A_g10_c01", "v_A_g11_c01"]


def test_clips_without_groups_are_dealt_themselves():
    clips = [LabelledClip(name, label) for label, names in enumerate(("ab", "cd")) for name in names]
    assert [clip.name for clip in hold_out(clips, Fold(1, 2))[1]] == ["a", "c"]


def test_a_group_of_two_classes_stays_together():
    clips = [LabelledClip(f"{n}", n % 2, group) for n, group in enumerate(["g1", "g1", "g2", "g3", "g4", "g4"])]
    for number in (1, 2):
        kept, held = hold_out(clips, Fold(number, 2))
        assert not {clip.group for clip in kept} & {clip.group for clip in held}


def test_a_class_that_would_be_gone_is_refused():
    clips = [LabelledClip("a", 0, "g1"), LabelledClip("b", 0, "g2"), LabelledClip("c", 1, "g3")]
    with pytest.raises(InputError, match="--fold 1/2: 3 training clips of 3 groups"):
        refuse_fold(*hold_out(clips, Fold(1, 2)), Fold(1, 2))
    with pytest.raises(InputError, match="--fold 3/3"):
        refuse_fold(*hold_out(clips, Fold(3, 3)), Fold(3, 3))
    refuse_fold(*hold_out([*clips, LabelledClip("d", 1, "g4")], Fold(1, 2)), Fold(1, 2))


def test_parsing():
    assert Fold.parse("2/5") == Fold(2, 5)
    assert str(Fold(2, 5)) == "2/5"
    for text in ("0/5", "6/5", "1/1", "1", "a/b", "1/5/2", "-1/5"):
        with pytest.raises(InputError, match="write K/N"):
            Fold.parse(text)
