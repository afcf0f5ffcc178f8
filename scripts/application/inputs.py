"""What the data is, by its contents: a measurement stands as long as they are the same."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from application.checksums import Checksums
from application.options import TableOptions
from flowfeat.datasets import open_dataset
from flowfeat.errors import InputError
from flowfeat.store import FlowStore
from flowfeat.video import find_clips
from segmentation.runs.inputs import find_shots


@dataclass(frozen=True)
class Inputs:
    """SHA-256 of each data set that is given: of the names of its files and of what is in them."""

    ucf101: str | None
    annotations: str | None
    fbms: str | None
    davis: str | None
    truth: str | None


def hash_inputs(options: TableOptions, checksums: Checksums) -> Inputs:
    """Look at all files that any measurement reads, and read those that are not known. Raises InputError where a data
    set is not there or not what it is said to be, OSError where a file cannot be read."""
    return Inputs(
        ucf101=None if options.ucf101 is None else _of_clips(options.ucf101, checksums),
        annotations=None if options.annotations is None else _of_lists(options.annotations, checksums),
        fbms=None if options.fbms is None else _of_shots(options.fbms, "fbms", "FBMS-59", checksums),
        davis=None if options.davis is None else _of_shots(options.davis, "davis", "DAVIS", checksums),
        truth=None if options.truth is None else _of_truth(*options.truth, checksums),
    )


def digest_of_store(path: Path) -> str:
    """SHA-256 over the contents of all clips of a store, by their keys; of which clips are there, too."""
    store = FlowStore(path)
    of_all = hashlib.sha256()
    for key in sorted(store):
        of_all.update(f"{key}\n{store[key].header.payload_sha256}\n".encode())
    return of_all.hexdigest()


def digest_of_listing(root: Path) -> str:
    """SHA-256 over names, sizes and times of change of all files below a folder."""
    of_all = hashlib.sha256()
    for file in _files(root):
        status = file.stat()
        of_all.update(f"{file.relative_to(root).as_posix()}\n{status.st_size}\n{status.st_mtime_ns}\n".encode())
    return of_all.hexdigest()


def _of_clips(root: Path, checksums: Checksums) -> str:
    named = [(clip.key, file) for clip in find_clips([root]) for file in _files(clip.path)]
    return _digest([name for name, _ in named], checksums.of([file for _, file in named]))


def _of_lists(root: Path, checksums: Checksums) -> str:
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder of lists; --annotations is UCF101's ucfTrainTestlist")
    files = sorted(root.glob("*.txt"))
    return _digest([file.name for file in files], checksums.of(files))


def _of_shots(root: Path, kind: str, title: str, checksums: Checksums) -> str:
    found = find_shots(root)
    if found.kind != kind:
        raise InputError(f"{root}: this is not {title}; give the folder that it unpacks to")
    # All of the data set, the truth of its shots too, which lies among the frames or beside them.
    files = _files(root)
    return _digest([file.relative_to(root).as_posix() for file in files], checksums.of(files))


def _of_truth(name: str, root: Path, checksums: Checksums) -> str:
    dataset = open_dataset(name, root)
    files = sorted({file for index in range(len(dataset)) for file in dataset.files(index)})
    return _digest([""] * len(files), checksums.of(files))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))


def _digest(names: Sequence[str], contents: Sequence[str]) -> str:
    of_all = hashlib.sha256()
    for name, content in zip(names, contents, strict=True):
        of_all.update(f"{name}\n{content}\n".encode())
    return of_all.hexdigest()
