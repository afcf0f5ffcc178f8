import os
import stat
from pathlib import Path

import pytest

from flowfeat.atomic import partial_beside, write_atomically


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_bytes_arrive_and_nothing_else_stays(tmp_path):
    write_atomically(tmp_path / "a.flo", b"hello")
    assert (tmp_path / "a.flo").read_bytes() == b"hello"
    assert _names(tmp_path) == ["a.flo"]


def test_blocks_are_joined(tmp_path):
    write_atomically(tmp_path / "a", (block for block in (b"he", b"", b"llo")))
    assert (tmp_path / "a").read_bytes() == b"hello"


def test_an_old_file_is_replaced(tmp_path):
    (tmp_path / "a").write_bytes(b"much longer than the new one")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_missing_folders_are_made(tmp_path):
    write_atomically(tmp_path / "x" / "y" / "a", b"1")
    assert (tmp_path / "x" / "y" / "a").read_bytes() == b"1"


def test_the_mode_follows_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"1")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_partial_file_lies_beside_the_file_and_names_it(tmp_path, monkeypatch):
    seen = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: (seen.append(self), replace(self, target))[1])
    write_atomically(tmp_path / "a.flo", b"1")
    assert seen[0].parent == tmp_path
    assert seen[0].name.startswith("a.flo.")
    assert seen[0].suffix == ".partial"


@pytest.mark.parametrize("name", ["v" * 255, "é" * 127, "v" * 63 + "é" * 90])
def test_a_name_may_be_as_long_as_the_file_system_takes_it(tmp_path, name):
    write_atomically(tmp_path / name, b"1")
    assert _names(tmp_path) == [name]
    assert partial_beside(tmp_path / name) != partial_beside(tmp_path / name)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_no_partial_one(tmp_path, monkeypatch, step, error):
    def fail(*_):
        raise error

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert _names(tmp_path) == ["a"]


def test_blocks_that_fail_half_way_leave_no_partial_file(tmp_path):
    def blocks():
        yield b"half"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_atomically(tmp_path / "a", blocks())
    assert _names(tmp_path) == []


def test_a_folder_in_the_way_is_an_os_error(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="a"):
        write_atomically(tmp_path / "a", b"1")
    assert _names(tmp_path) == ["a"]
