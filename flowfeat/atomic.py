"""Files that are either whole or absent, whatever happens while they are written."""

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

PARTIAL = ".partial"
"""The ending of a file that is being written, or that a killed process left."""
_NAME_BYTES = 64
"""Of a file's name that its partial file begins with, so that any name a file can have leaves room for the rest."""


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write `data` to `path` so that a reader sees the old file or the whole new one, never a part.

    The bytes, whole or in blocks, go to `partial_beside(path)`, are synced, and are renamed over `path`. Missing
    parent folders are made; the mode follows the umask.

    Raises:
        OSError: the file cannot be written; the partial file is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_beside(path)
    try:
        with partial.open("xb") as file:
            for block in [data] if isinstance(data, bytes) else data:
                file.write(block)
            file.flush()
            # Without it, a power cut after the rename can leave an empty file under the final name.
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        # BaseException: an interrupted run must not leave partial files either.
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def partial_beside(path: Path) -> Path:
    """A new name for the file that becomes `path`: `<name, cut where it is long>.<random hex>.partial` beside it."""
    name = path.name.encode("utf-8", "surrogateescape")[:_NAME_BYTES].decode("utf-8", "ignore")
    # In the same folder, because a rename is atomic only within one file system.
    return path.with_name(f"{name}.{secrets.token_hex(8)}{PARTIAL}")


def _sync_folder(folder: Path) -> None:
    # The rename itself is on disk only once the folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
