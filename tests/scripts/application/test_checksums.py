"""Checksums of files: what is remembered is right, and what has changed is read again."""

import hashlib
import os
from pathlib import Path

import pytest
from application.checksums import Checksums


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def files(tmp_path) -> list[Path]:
    made = [tmp_path / name for name in ("a", "b", "c")]
    for file in made:
        file.write_bytes(file.name.encode() * 100)
    return made


def remembering(files: list[Path], file: Path) -> tuple[list[str], list[tuple[int, int]]]:
    """What is said of files by somebody who remembers, and how many he read."""
    told = list[tuple[int, int]]()
    checksums = Checksums(file, lambda done, total: told.append((done, total)))
    found = checksums.of(files)
    checksums.keep()
    return found, told


def test_a_file_is_read_once(files, tmp_path):
    home = tmp_path / "checksums.json"
    found, told = remembering(files, home)
    assert found == list(map(sha256, files))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert remembering(files, home) == (found, [])
    # Asked for twice, it is read once.
    assert len(remembering([files[0]] * 4, tmp_path / "other.json")[1]) == 1


def test_a_file_that_changed_is_read_again(files, tmp_path):
    home = tmp_path / "checksums.json"
    remembering(files, home)
    status = files[1].stat()
    files[1].write_bytes(b"B" * 100)
    # As large as before and as old as before, as a copy that keeps times would be.
    os.utime(files[1], ns=(status.st_atime_ns, status.st_mtime_ns))
    found, told = remembering(files, home)
    assert found[1] == hashlib.sha256(b"B" * 100).hexdigest()
    assert told == [(1, 1)]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_memory_is_none(files, tmp_path, content):
    home = tmp_path / "checksums.json"
    home.write_bytes(content)
    found, told = remembering(files, home)
    assert found == list(map(sha256, files))
    assert len(told) == 3


def test_nothing_is_written_unless_it_is_kept(files, tmp_path):
    Checksums(tmp_path / "checksums.json").of(files)
    assert not (tmp_path / "checksums.json").exists()


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Checksums(tmp_path / "checksums.json").of([tmp_path / "none"])
