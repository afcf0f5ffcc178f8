"""Verification finds every kind of damage, names the file, and calls nothing else damaged."""

import json
import struct
from pathlib import Path

import pytest
from fixture_stores import settings, smooth_flow, write_stored_clip

from flowfeat.errors import StoreAccessError, StoreError
from flowfeat.store import StoredClip
from flowfeat.store import verify as verification
from flowfeat.store.records import new_run_file, write_run
from flowfeat.store.verify import verify

ENCODINGS = ["jpeg", "uint8", "float16"]


@pytest.fixture(params=ENCODINGS)
def store(request, tmp_path) -> Path:
    for i in range(3):
        of = settings(request.param, backward=True, frames=True)
        write_stored_clip(tmp_path, f"Punch/v_{i}", of, smooth_flow(6, seed=i), smooth_flow(6, seed=10 + i))
    write_run(
        new_run_file(tmp_path),
        {"planned": [f"Punch/v_{i}" for i in range(3)], "failed": {}, "state": "finished"},
    )
    return tmp_path


def test_a_good_store_is_clean(store):
    found = verify(store)
    assert found.clean, found
    assert (found.clips, found.pairs, found.frames, found.notes) == (3, 18, 21, [])
    assert json.loads(found.to_json())["clean"] is True


def _header_of(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _rewrite(path: Path, change) -> None:
    """Change our own header in a file, keeping it a valid safetensors file."""
    outer, payload = _header_of(path)
    inner = json.loads(outer["__metadata__"]["flowfeat"])
    change(inner)
    outer["__metadata__"]["flowfeat"] = json.dumps(inner)
    text = json.dumps(outer).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + payload)


def _flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1000] ^= 0xFF
    path.write_bytes(data)


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _copy_over(path: Path) -> None:
    path.write_bytes(path.with_name("v_0.safetensors").read_bytes())


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_flip_a_byte, "do not match their checksum"),
        (_cut_off, "not a whole safetensors file"),
        (_copy_over, "the file is called 'Punch/v_1' and holds 'Punch/v_0'"),
        (lambda path: path.write_bytes(b""), "not a whole safetensors file"),
        (
            lambda path: _rewrite(path, lambda h: h["source"].update(frames_decoded=9)),
            "by its header and is|9 frames were decoded",
        ),
        (lambda path: _rewrite(path, lambda h: h.update(pairs=5)), "should be"),
        (lambda path: _rewrite(path, lambda h: h.update(pairs=-1)), "says pairs = -1"),
        (
            lambda path: _rewrite(path, lambda h: h.update(schema=2)),
            "has schema 2, and this flowfeat reads 1",
        ),
        (
            lambda path: _rewrite(path, lambda h: h["settings"].update(step=2)),
            "do not match their own fingerprint",
        ),
        (lambda path: _rewrite(path, lambda h: h.update(width=1 << 60)), "says width"),
        (lambda path: _rewrite(path, lambda h: h.pop("clipped_share")), "lacks fields"),
        (
            lambda path: _rewrite(path, lambda h: h.update(clipped_share=float("nan"))),
            "says clipped_share = nan",
        ),
    ],
)
def test_damage_is_found_and_named(store, damage, sentence):
    path = store / "Punch/v_1.safetensors"
    damage(path)
    found = verify(store)
    assert not found.clean
    assert list(found.faults) == ["Punch/v_1"]
    assert found.clips == 3
    import re

    assert re.search(sentence, found.faults["Punch/v_1"])
    assert str(path) in found.faults["Punch/v_1"]
    assert "\n" not in found.faults["Punch/v_1"]


def test_another_clip_of_other_settings_is_found(store, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    write_stored_clip(other, "Punch/v_1", settings("jpeg", step=2), smooth_flow(6))
    (store / "Punch/v_1.safetensors").write_bytes((other / "Punch/v_1.safetensors").read_bytes())
    assert "made with other settings than the store" in verify(store).faults["Punch/v_1"]


def test_a_planned_clip_that_is_not_stored_is_missing(store):
    (store / "Punch/v_2.safetensors").unlink()
    found = verify(store)
    assert not found.clean
    assert found.missing == {"Punch/v_2": "planned by 0001.json, never stored"}
    write_run(
        new_run_file(store),
        {
            "planned": ["Punch/v_9"],
            "failed": {"Punch/v_9": "v_9.avi: the file is empty"},
            "state": "finished",
        },
    )
    assert verify(store).missing["Punch/v_9"] == "v_9.avi: the file is empty"


def test_leftovers_and_unfinished_runs_are_notes(store):
    (store / "Punch/v_3.safetensors.12ab.partial").write_bytes(b"half")
    for planned, state in (("Punch/v_3", "running"), ("Punch/v_4", "stopped"), ("Punch/v_0", "running")):
        write_run(new_run_file(store), {"planned": [planned], "failed": {}, "state": state})
    found = verify(store)
    assert found.notes[:2] == ["0002.json is still going, or was killed", "0003.json did not finish (stopped)"]
    assert ["partial file" in note for note in found.notes[2:]] == [True]
    # A later run has come to the clip that the second one left, and found that it cannot be read.
    failed = {"Punch/v_3": "v_3.avi: the file is empty"}
    write_run(new_run_file(store), {"planned": ["Punch/v_3"], "failed": failed, "state": "finished"})
    found = verify(store)
    assert found.notes[:1] == ["0003.json did not finish (stopped)"]
    assert found.missing["Punch/v_3"] == "v_3.avi: the file is empty"


def test_a_stored_clip_that_cannot_be_opened_is_not_called_missing(store):
    path = store / "Punch/v_1.safetensors"
    path.unlink()
    path.symlink_to(path.name)  # which nobody can open, root included
    assert verify(store).faults == {
        "Punch/v_1": f"{path}: the stored clip cannot be opened (Too many levels of symbolic links)"
    }
    with pytest.raises(StoreAccessError, match="File name too long"):
        StoredClip(store / f"{'v' * 300}.safetensors")
    for nothing in ("Punch/v_9", "store.json/v_9"):
        with pytest.raises(FileNotFoundError):
            StoredClip(store / f"{nothing}.safetensors")


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match="this is no store"):
        verify(tmp_path)
    (tmp_path / "store.json").write_text("{not json")
    with pytest.raises(StoreError, match=r"store\.json: this is not JSON"):
        verify(tmp_path)


def test_a_store_json_changed_by_hand_is_refused(store):
    table = json.loads((store / "store.json").read_text())
    table["settings"]["step"] = 3
    (store / "store.json").write_text(json.dumps(table))
    with pytest.raises(StoreError, match="changed by hand"):
        verify(store)


def test_no_more_clips_and_bytes_are_held_than_are_said(tmp_path, monkeypatch):
    """However many clips there are and however large their planes."""
    for i in range(9):
        write_stored_clip(tmp_path, f"v_{i}", settings("jpeg", frames=True), smooth_flow(5, seed=i))
    begun, ahead, read = [], [], []

    def check(*arguments):
        begun.append(arguments)
        return check_clip(*arguments)

    def reads(name: str, item_bytes: int):
        real = getattr(StoredClip, name)

        def call(clip, start, count, *arguments):
            read.append(count * item_bytes)
            return real(clip, start, count, *arguments)

        monkeypatch.setattr(StoredClip, name, call)

    check_clip = verification._check_clip
    monkeypatch.setattr(verification, "_check_clip", check)
    monkeypatch.setattr(verification, "_CLIPS_AHEAD", 2)
    monkeypatch.setattr(verification, "_BYTES_AT_ONCE", 3 * 2 * 48 * 64)
    reads("read_levels", 2 * 48 * 64)
    reads("read_frames", 3 * 48 * 64)
    assert verify(tmp_path, progress=lambda done, clips: ahead.append(len(begun) - done)).clean
    assert max(ahead) <= 2
    assert max(read) == 3 * 2 * 48 * 64
    assert sum(read) == 9 * (5 * 2 + 6 * 3) * 48 * 64, "a plane was left out, or read twice"
    monkeypatch.setattr(verification, "_BYTES_AT_ONCE", 1)
    assert verify(tmp_path).clean
