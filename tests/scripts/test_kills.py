"""Extraction killed at random moments: `scripts/bench/scale.py --only kills` does it 100 times, this 20 times."""

import kills
import pytest


def test_nothing_is_lost_changed_or_made_twice():
    found = kills.measure_kills(20)
    assert found["kills"] == 20
    assert found["clips_there_before_a_kill"] > 0, "each run was killed before its first clip: this test tests nothing"


def test_what_a_kill_could_do_is_seen(tmp_path):
    path = tmp_path / "class/v.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"flow")
    before, whole = kills.stored_files(tmp_path), kills.contents(tmp_path)
    kills.check_survivors(tmp_path, before, whole)
    with pytest.raises(RuntimeError, match=r"v\.safetensors is not what a run writes"):
        kills.check_survivors(tmp_path, before, {path.name: "another"})
    (tmp_path / "new").write_bytes(b"flow")
    (tmp_path / "new").replace(path)
    with pytest.raises(RuntimeError, match=r"was there before the run and was made again"):
        kills.check_survivors(tmp_path, before, whole)
    path.unlink()
    with pytest.raises(RuntimeError, match="was there before the run and was lost"):
        kills.check_survivors(tmp_path, before, whole)
