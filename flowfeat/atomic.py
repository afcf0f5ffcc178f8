"""Files that are either whole or absent, whatever happens while they are written."""

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

PARTIAL = ".partial"
"""The ending of a file that is being written, or that a killed process left."""


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write `data` to `path` so that a reader sees the old file or the whole new one, never a part.

    The bytes, whole or in blocks, go to `<name>.<random hex>.partial` in the same folder, are synced, and are
    renamed over `path`. Missing parent folders are made; the mode follows the umask.

    Raises:
        OSError: the file cannot be written; the partial file is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, because a rename is atomic only within one file system.
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}{PARTIAL}")
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


def _sync_folder(folder: Path) -> None:
    # The rename itself is on disk only once the folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
