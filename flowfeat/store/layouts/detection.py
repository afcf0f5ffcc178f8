"""Which clips a folder holds in a layout, and the files of each: in order, none missing, none double.

Numbers begin at 0 or at 1, as the files have it; a shift by one must never pass for the other.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from flowfeat.atomic import PARTIAL
from flowfeat.errors import FormatError, InputError
from flowfeat.store.layouts.layout import Layout, clip_part

_NUMBER = re.compile(r"\{index:\d+d\}")


@dataclass(frozen=True)
class ClipListing:
    """The files of one clip.

    Attributes:
        forward: the files of each field: x and y, or one; of the whole clip where it is one file.
        backward: the same of backward flow; empty where there is none.
        frames: the RGB frames; empty where there are none, or `frames_fault` says why they cannot be used.
        frames_fault: None where nothing is wrong with the frames.
        first: the number of the first field.
        patterns: what the files of `forward` are called.
    """

    forward: list[tuple[Path, ...]]
    backward: list[tuple[Path, ...]]
    frames: list[Path]
    frames_fault: str | None
    first: int
    patterns: tuple[str, ...]


def find_clip_folders(folder: Path, layout: Layout) -> tuple[list[str], int]:
    """What stands for `{clip}` in the files below `folder`, sorted.

    The second value counts the half-written folders that were passed by. A folder with frames and no flow
    counts as a clip too, so that its flow is missed.

    Raises InputError where `folder` is none, cannot be read, or holds no clip of this layout.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    patterns = (
        *layout.forward,
        *(p for spelling in layout.spellings for p in spelling),
        *layout.backward,
        layout.frames,
    )
    homes = [(_folder_expression(pattern), _name_expression(pattern)) for pattern in patterns]
    found: set[str] = set()
    partial = 0
    walked: set[tuple[int, int]] = set()
    for here, folders, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        status = Path(here).stat()
        if (status.st_dev, status.st_ino) in walked:  # a link back up the tree
            folders.clear()
            continue
        walked.add((status.st_dev, status.st_ino))
        partial += sum(name.startswith(".") and name.endswith(PARTIAL) for name in folders)
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(here).relative_to(folder).as_posix()
        for home, name in homes:
            match = home.fullmatch(below) if below != "." else None
            if match and match["clip"] not in found and any(map(name.fullmatch, names)):
                found.add(match["clip"])
    if not found:
        raise InputError(
            f"{folder}: no clip is in it as the layout {layout.name} has them "
            f"({layout.forward[0].format(clip='CLIP', index=layout.first)}); give the folder above the "
            "clips' folders"
        )
    return sorted(found), partial


def list_clip(folder: Path, layout: Layout, clip: str) -> ClipListing:
    """The files of the clip whose folder is called `clip`.

    Raises FormatError where its flow is missing, is there in two spellings, does not begin at 0 or 1, or
    where a number is missing or double, or x, y and backward flow have not the same numbers.
    """
    spellings = {patterns: _numbered(folder, clip, patterns) for patterns in (layout.forward, *layout.spellings)}
    present = [patterns for patterns, files in spellings.items() if any(files)]
    home = folder / clip_part(layout.forward[0])[0].format(clip=clip)
    if not present:
        raise FormatError(f"{home}: no flow file ({_called(layout.forward)}) is in it; extract the clip again")
    if len(present) > 1:
        raise FormatError(
            f"{home}: it holds files {_called(present[0])} and files {_called(present[1])}, and which are "
            "the flow cannot be told; remove one kind"
        )
    first, forward = _series(spellings[present[0]], present[0], layout.first)
    backward: list[tuple[Path, ...]] = []
    if layout.backward and any(numbered := _numbered(folder, clip, layout.backward)):
        first_backward, backward = _series(numbered, layout.backward, layout.first)
        if (first_backward, len(backward)) != (first, len(forward)):
            raise FormatError(
                f"{backward[0][0].parent}: it holds {len(backward)} fields from number {first_backward} and "
                f"{forward[0][0].parent} holds {len(forward)} from number {first}; both have one field a pair"
            )
    frames, fault = _frames(folder, clip, layout, first)
    return ClipListing(forward, backward, frames, fault, first, present[0])


def _frames(folder: Path, clip: str, layout: Layout, first: int) -> tuple[list[Path], str | None]:
    try:
        numbered = _numbered(folder, clip, (layout.frames,))
        if not any(numbered):
            return [], None
        first_frame, series = _series(numbered, (layout.frames,), layout.first)
    except FormatError as fault:
        return [], str(fault)
    if first_frame != first:
        return [], f"{series[0][0]}: frames begin at number {first_frame} and flow at {first}"
    return [frame for (frame,) in series], None


def _numbered(folder: Path, clip: str, patterns: Sequence[str]) -> list[dict[int, Path]]:
    """For each pattern, the files that it names, by their numbers."""
    tables = []
    for pattern in patterns:
        home = folder / pattern.rpartition("/")[0].format(clip=clip)
        expression = _name_expression(pattern)
        table: dict[int, Path] = {}
        for name in _names(home):
            if match := expression.fullmatch(name):
                number = int(match[1]) if expression.groups else 0
                if number in table:
                    raise FormatError(f"{home}: {table[number].name} and {name} have one number; remove the wrong one")
                table[number] = home / name
        tables.append(table)
    return tables


def _series(
    tables: Sequence[dict[int, Path]], patterns: Sequence[str], only: int
) -> tuple[int, list[tuple[Path, ...]]]:
    """The first number (`only` where names have none), and the files of each number in order."""
    for table in tables:
        for other, pattern in zip(tables, patterns, strict=True):
            if lonely := table.keys() - other.keys():
                raise FormatError(
                    f"{table[min(lonely)]}: no file {_called([pattern])} has this number; there are "
                    f"{' and '.join(str(len(t)) for t in tables)} files {_called(patterns)}: extract the "
                    "clip again"
                )
    numbers = sorted(tables[0])
    files = [tuple(table[number] for table in tables) for number in numbers]
    if not _NUMBER.search(patterns[0]):
        return only, files
    if numbers[0] > 1:
        raise FormatError(f"{files[0][0]}: this is the first file and numbers begin at 0 or 1; extract the clip again")
    for (a, (before, *_)), (b, (after, *_)) in pairwise(zip(numbers, files, strict=True)):
        if b != a + 1:
            raise FormatError(
                f"{before.parent}: the numbers jump from {before.name} to {after.name}; extract the clip again"
            )
    return numbers[0], files


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names alone: paths of millions of files take seconds
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as fault:
        raise FormatError(f"{folder}: the folder cannot be read ({fault.strerror})") from fault


def _folder_expression(pattern: str) -> re.Pattern[str]:
    before, _, behind = pattern.rpartition("/")[0].partition("{clip}")
    return re.compile(re.escape(before) + "(?P<clip>.+)" + re.escape(behind))


def _name_expression(pattern: str) -> re.Pattern[str]:
    """Matches the names of a pattern's files, with any number of digits; the number is the only group."""
    return re.compile(r"([0-9]{1,12})".join(map(re.escape, _NUMBER.split(pattern.rpartition("/")[2]))))


def _called(patterns: Sequence[str]) -> str:
    """`flow_x_*.jpg and flow_y_*.jpg`; with the folders above the clip's where there are any."""
    names = [_NUMBER.sub("*", pattern).removeprefix("{clip}/").replace("{clip}", "CLIP") for pattern in patterns]
    return " and ".join(names)


def _unreadable(fault: OSError) -> None:
    raise InputError(f"{fault.filename}: the folder cannot be read ({fault.strerror}); nothing was imported") from fault
