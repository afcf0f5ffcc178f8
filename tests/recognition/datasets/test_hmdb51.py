from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowfeat.errors import InputError
from recognition.datasets import LabelledClip, open_annotations, open_hmdb51

WAVE = ["April_09_wave_u_nm_np1_ba_goo_0.avi 1", "#20_Show_wave_f_cm_np2_fr_med_11.avi 2", "odd (1)!.avi 0"]
KICK = ["April_09_kick_ball_u_nm_np1_ba_bad_0.avi 2", "same.avi 1"]


def write_lists(folder: Path, wave=WAVE, kick=KICK, newline="\n", end=" ") -> Path:
    for name, lines in {"wave": wave, "kick_ball": kick}.items():
        for split in (1, 2, 3):
            text = "".join(line + end + newline for line in lines)
            (folder / f"{name}_test_split{split}.txt").write_bytes(text.encode())
    return folder


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(newline=st.sampled_from(["\n", "\r\n", "\n\n"]), end=st.sampled_from(["", " ", " \t"]))
def test_ones_are_training_twos_are_test_and_zeros_are_in_neither(tmp_path: Path, newline, end):
    split = open_hmdb51(write_lists(tmp_path, newline=newline, end=end), 2)
    assert (split.dataset, split.number, split.classes) == ("HMDB51", 2, ("kick_ball", "wave"))
    assert split.train == (
        LabelledClip("same", 0),
        LabelledClip("April_09_wave_u_nm_np1_ba_goo_0", 1, "wave/April_09"),
    )
    assert split.test == (
        LabelledClip("April_09_kick_ball_u_nm_np1_ba_bad_0", 0, "kick_ball/April_09"),
        LabelledClip("#20_Show_wave_f_cm_np2_fr_med_11", 1, "wave/#20_Show"),
    )
    assert [clip.source_video for clip in split.train] == ["same", "wave/April_09"]
    assert split.part_of == "HMDB51 split 2 (51 classes, 3570 training and 1530 test clips)"


def test_official_counts_are_whole_and_cut_down_lists_are_a_part(tmp_path: Path):
    for number in range(51):
        lines = [f"v{i}_c{number:02d}_f_nm_np1_fr_goo_0.avi {1 if i < 70 else 2}\n" for i in range(100)]
        (tmp_path / f"c{number:02d}_test_split1.txt").write_text("".join(lines))
    assert open_hmdb51(tmp_path, 1).part_of is None
    assert len(open_hmdb51(tmp_path, 1, ["c03", "c01"]).train) == 140
    (tmp_path / "c50_test_split1.txt").unlink()
    assert open_annotations(tmp_path, 1).part_of is not None


def test_one_stem_in_two_classes_is_two_clips(tmp_path: Path):
    split = open_annotations(write_lists(tmp_path, wave=[*WAVE, "same.avi 2"]), 1)
    assert {clip.name for clip in split.clips} >= {"kick_ball/same", "wave/same"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a.avi"], r"wave_test_split1\.txt, line 1: 'a.avi' is not a clip with 0, 1 or 2"),
        (["a.avi 3"], r"line 1: 'a.avi 3' is not a clip"),
        (["x/a.avi 1"], r"line 1: .* is not a clip"),
        (["a.avi 1", "a.avi 2"], r"wave_test_split1\.txt: a is there 2 times"),
        ([], r"wave_test_split1\.txt: the file is empty"),
    ],
    ids=range(5),
)
def test_a_bad_list_is_one_sentence(tmp_path: Path, lines, message):
    with pytest.raises(InputError, match=message):
        open_hmdb51(write_lists(tmp_path, wave=lines), 1)


def test_other_folders_and_splits_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"it holds no list CLASS_test_splitN.txt; annotations are"):
        open_hmdb51(tmp_path, 1)
    with pytest.raises(InputError, match=r"cannot be read"):
        open_hmdb51(tmp_path / "nowhere", 1)
    with pytest.raises(InputError, match=r"split 4: HMDB51 has the splits 1, 2 and 3"):
        open_hmdb51(write_lists(tmp_path), 4)
    (tmp_path / "wave_test_split3.txt").unlink()
    with pytest.raises(InputError, match=r"wave_test_split3\.txt: cannot be read"):
        open_hmdb51(tmp_path, 3)
