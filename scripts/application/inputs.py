"""What the data is, by its contents: a measurement stands as long as they are the same."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

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


def hash_inputs(options: TableOptions) -> Inputs:
    """Read all files that any measurement reads. Raises InputError where a data set is not there or not what it is
    said to be."""
    return Inputs(
        ucf101=None if options.ucf101 is None else _of_clips(options.ucf101),
        annotations=None if options.annotations is None else _of_lists(options.annotations),
        fbms=None if options.fbms is None else _of_shots(options.fbms, "fbms", "FBMS-59"),
        davis=None if options.davis is None else _of_shots(options.davis, "davis", "DAVIS"),
        truth=None if options.truth is None else _of_truth(*options.truth),
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


def _of_clips(root: Path) -> str:
    clips = find_clips([root])
    return _digest([(clip.key, file) for clip in clips for file in _files(clip.path)])


def _of_lists(root: Path) -> str:
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder of lists; --annotations is UCF101's ucfTrainTestlist")
    return _digest([(file.name, file) for file in sorted(root.glob("*.txt"))])


def _of_shots(root: Path, kind: str, title: str) -> str:
    found = find_shots(root)
    if found.kind != kind:
        raise InputError(f"{root}: this is not {title}; give the folder that it unpacks to")
    # All of the data set, the truth of its shots too, which lies among the frames or beside them.
    return _digest([(file.relative_to(root).as_posix(), file) for file in _files(root)])


def _of_truth(name: str, root: Path) -> str:
    dataset = open_dataset(name, root)
    files = {file for index in range(len(dataset)) for file in dataset.files(index)}
    return _digest([(str(file), file) for file in sorted(files)], named=False)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))


def _digest(files: Iterable[tuple[str, Path]], named: bool = True) -> str:
    files = list(files)
    with ThreadPoolExecutor() as pool:
        contents = list(pool.map(_sha256, (file for _, file in files)))
    of_all = hashlib.sha256()
    for (name, _), content in zip(files, contents, strict=True):
        of_all.update(f"{name if named else ''}\n{content}\n".encode())
    return of_all.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
