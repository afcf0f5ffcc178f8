"""SHA-256 of files, read once: a file that has not changed since is not read again."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from flowfeat.atomic import write_atomically
from flowfeat.errors import InputError
from flowfeat.typed_json import plain, typed

Read = Callable[[int, int], None]
"""Is told how many files were read, and how many there are to read."""


@dataclass(frozen=True)
class _Known:
    """A file as it was read. No program can set the time of its last change, as it can that of its contents."""

    bytes: int
    modified_ns: int
    changed_ns: int
    sha256: str


class Checksums:
    """What files contain, by path, remembered in a file of its own.

    Args:
        remembered: the file, which need not be there; nothing is written unless `keep` is called.
        told: how far reading has come.
    """

    def __init__(self, remembered: Path, told: Read = lambda done, total: None):
        self._file, self._told = remembered, told
        self._known = _read(remembered)

    def of(self, files: Sequence[Path]) -> list[str]:
        """SHA-256 of each. Raises OSError where one cannot be read."""
        unread = [file for file in dict.fromkeys(files) if not self._is_known(file)]
        with ThreadPoolExecutor() as pool:
            reading = [pool.submit(self._learn, file) for file in unread]
            for done, read in enumerate(as_completed(reading), 1):
                read.result()
                self._told(done, len(unread))
        return [self._known[str(file.absolute())].sha256 for file in files]

    def keep(self) -> None:
        """Remember them for the next time. Raises OSError where the file cannot be written."""
        write_atomically(self._file, (json.dumps(plain(self._known), indent=0, sort_keys=True) + "\n").encode())

    def _is_known(self, file: Path) -> bool:
        known = self._known.get(str(file.absolute()))
        return known is not None and known == _as_it_is(file, known.sha256)

    def _learn(self, file: Path) -> None:
        # Looked at before it is read: one that is written to meanwhile is then read again the next time.
        before = _as_it_is(file, "")
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        self._known[str(file.absolute())] = _Known(before.bytes, before.modified_ns, before.changed_ns, digest)


def _as_it_is(file: Path, sha256: str) -> _Known:
    status = file.stat()
    return _Known(status.st_size, status.st_mtime_ns, status.st_ctime_ns, sha256)


def _read(remembered: Path) -> dict[str, _Known]:
    try:
        return typed(dict[str, _Known], json.loads(remembered.read_bytes()), "checksums")
    except (OSError, ValueError, RecursionError, InputError):
        return {}  # then everything is read
