import hashlib
import json
from pathlib import Path

import pytest
import torch
from fixture_recognition import small_split, write_small_store
from fixture_stores import settings, write_stored_clip

from flowfeat.errors import InputError, StoreError
from flowfeat.store import FlowStore
from recognition.datasets import LabelledClip, Split, find_in_store


def store_of(path: Path, *keys: str) -> FlowStore:
    for key in keys:
        write_stored_clip(path, key, settings("uint8"), torch.zeros(1, 2, 16, 16))
    return FlowStore(path)


def split_of(*names: str, classes: tuple[str, ...] = ("HandstandPushups", "Punch")) -> Split:
    return Split("UCF101", 1, classes, tuple(LabelledClip(name, "Punch" in name) for name in names), ())


def test_clips_are_found_by_class_and_name_or_by_name(tmp_path):
    split = split_of("v_Punch_g01_c01", "v_Punch_g02_c01", "v_Punch_g03_c01")
    keys = ("Punch/v_Punch_g01_c01", "train/Punch/v_Punch_g02_c01", "v_Punch_g03_c01")
    found = find_in_store(split, store_of(tmp_path, *keys, "Punch/holiday"))
    assert [found.key(clip) for clip in split.clips] == list(keys)
    assert found.unused == 1
    assert found.split is split


@pytest.mark.parametrize("folder", ["HandstandPushups/", "HandStandPushups/", ""])
@pytest.mark.parametrize("stem", ["v_HandStandPushups_g01_c01", "v_HandstandPushups_g01_c01"])
def test_handstand_pushups_are_found_in_either_spelling(tmp_path, folder, stem):
    split = split_of("v_HandStandPushups_g01_c01")
    assert find_in_store(split, store_of(tmp_path, folder + stem)).key(split.train[0]) == folder + stem


def test_of_both_spellings_the_official_one_is_taken(tmp_path):
    split, official = split_of("v_HandStandPushups_g01_c01"), "HandstandPushups/v_HandStandPushups_g01_c01"
    store = store_of(tmp_path, official, "HandStandPushups/v_HandStandPushups_g01_c01")
    assert find_in_store(split, store).key(split.train[0]) == official


def test_clips_of_one_stem_in_two_classes_are_told_apart(tmp_path):
    split = Split("own", 1, ("a", "b"), (LabelledClip("a/1", 0),), (LabelledClip("b/1", 1),))
    found = find_in_store(split, store_of(tmp_path, "train/a/1", "test/b/1"))
    assert found.keys == {"a/1": "train/a/1", "b/1": "test/b/1"}
    with pytest.raises(InputError, match=r"v_Punch_g01_c01 could be A/v_Punch_g01_c01 or B/v_Punch_g01_c01"):
        find_in_store(split_of("v_Punch_g01_c01"), store_of(tmp_path / "two", "A/v_Punch_g01_c01", "B/v_Punch_g01_c01"))


def test_missing_clips_are_an_error_unless_allowed_and_then_counted(tmp_path):
    split, store = split_of("v_Punch_g01_c01", "v_Punch_g02_c01"), store_of(tmp_path, "Punch/v_Punch_g02_c01")
    with pytest.raises(InputError, match=r"1 of the 2 clips of UCF101 split 1 is not in it: v_Punch_g01_c01; extract"):
        find_in_store(split, store)
    found = find_in_store(split, store, allow_missing=True)
    assert found.split.missing == ("v_Punch_g01_c01",)
    assert found.split.part_of == "UCF101 split 1 (2 classes, 2 training and 0 test clips)"
    assert [found.key(clip) for clip in found.split.clips] == ["Punch/v_Punch_g02_c01"]
    with pytest.raises(InputError, match=r"2 of the 2 clips .* give the store of this data set"):
        find_in_store(split_of("v_Punch_g08_c01", "v_Punch_g09_c01"), store, allow_missing=True)

    (tmp_path / "videos").mkdir()
    with pytest.raises(InputError, match=r"videos: no clip is stored in it; give the folder that `flowfeat extract`"):
        find_in_store(split, FlowStore(tmp_path / "videos"), allow_missing=True)


def test_the_fingerprint_is_that_of_the_stores_settings(tmp_path):
    found = write_small_store(tmp_path)
    table = json.loads((tmp_path / "store.json").read_text())["settings"]
    text = json.dumps(table, sort_keys=True, separators=(",", ":"))
    assert found.fingerprint == hashlib.sha256(text.encode()).hexdigest()
    assert found.split == small_split()
    (tmp_path / "store.json").unlink()
    with pytest.raises(StoreError, match=r"it has no store\.json"):
        assert found.fingerprint
