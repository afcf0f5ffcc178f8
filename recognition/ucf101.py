"""UCF101's official lists (Soomro, Zamir and Shah, 2012) as they are published: 101 classes, three splits.

The lists come with CRLF or LF, depending on the copy. Training lists carry 1-based labels, test lists none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flowfeat.errors import InputError

SPLITS = (1, 2, 3)

_CLASS_LINE = re.compile(r"([0-9]{1,6})\s+([^\s/]+)")
_CLIP_LINE = re.compile(r"([^\s/]+/[^\s/]+?)\.avi(?:\s+([0-9]{1,6}))?")
# The class and its folder are HandstandPushups, its clips v_HandStandPushups; archives of flow and other
# tools spell either like the other.
_HANDSTAND_CLASS = re.compile(r"(?<![^/])HandStandPushups(?![^/])")
_HANDSTAND_CLIP = re.compile(r"(?<![^/])v_HandstandPushups_")


@dataclass(frozen=True)
class LabelledClip:
    """A clip as the lists name it, without the ending: `Archery/v_Archery_g01_c01`; and its 0-based label."""

    name: str
    label: int


@dataclass(frozen=True)
class Split:
    """One of the three official splits, each list in its published order."""

    train: tuple[LabelledClip, ...]
    test: tuple[LabelledClip, ...]

    def __repr__(self) -> str:
        return f"Split(train={len(self.train)}, test={len(self.test)})"


def read_classes(annotations: Path) -> dict[str, int]:
    """The classes of classInd.txt with their 0-based labels, in the file's order.

    The order is not that of sorted folder names: HammerThrow and Hammering change places, so do JumpRope and
    JumpingJack.

    Args:
        annotations: the folder `ucfTrainTestlist`.

    Raises:
        InputError: the file is missing, or a line is not the next number and a new class.
    """
    classes: dict[str, int] = {}
    path = annotations / "classInd.txt"
    for where, line in _lines(path):
        match = _CLASS_LINE.fullmatch(line)
        if not match:
            raise InputError(f"{where}: {line[:100]!r} is not a number and a class, as '1 ApplyEyeMakeup'")
        if int(match[1]) != len(classes) + 1:
            raise InputError(f"{where}: class {match[2]} has number {match[1]} and should have {len(classes) + 1}")
        if match[2] in classes:
            raise InputError(f"{where}: class {match[2]} is there twice, first as number {classes[match[2]] + 1}")
        classes[match[2]] = len(classes)
    return classes


def read_split(annotations: Path, split: int) -> Split:
    """The training and test clips of official split 1, 2 or 3; a test clip's label is that of its folder.

    Args:
        annotations: the folder `ucfTrainTestlist`.
        split: 1, 2 or 3.

    Raises:
        InputError: a file is missing, a line is no clip of a known class, a label contradicts the folder, or
            a clip is there twice, be it in one list or in both.
    """
    if split not in SPLITS:
        raise InputError(f"split {split}: UCF101 has the splits 1, 2 and 3")
    classes = read_classes(annotations)
    first_seen: dict[str, str] = {}
    return Split(
        train=tuple(_clips(annotations, "train", split, classes, first_seen)),
        test=tuple(_clips(annotations, "test", split, classes, first_seen)),
    )


def expected_clips(annotations: Path) -> list[str]:
    """The names of all clips of the dataset, sorted: the training and test clips of any of the three splits.

    Raises InputError where a split cannot be read, or where two of them are not of the same clips.
    """
    named: set[str] | None = None
    for number in SPLITS:
        split = read_split(annotations, number)
        found = {clip.name for clip in (*split.train, *split.test)}
        if named is not None and (differing := sorted(named ^ found)):
            raise InputError(
                f"{annotations}: the splits are not of the same clips: {differing[0]} is in split "
                f"{number if differing[0] in found else SPLITS[0]} and not in split "
                f"{SPLITS[0] if differing[0] in found else number} ({len(differing)} such clips)"
            )
        named = found
    return sorted(named or ())


def canonical_name(name: str) -> str:
    """The name that the official lists use for a clip, however `name` spells HandstandPushups.

    Official are the folder `HandstandPushups` and the files `v_HandStandPushups_*`. Folder and ending may
    be there or not, as in `v_HandstandPushups_g01_c01`; all other names are returned as they are.
    """
    return _HANDSTAND_CLIP.sub("v_HandStandPushups_", _HANDSTAND_CLASS.sub("HandstandPushups", name))


def _clips(
    annotations: Path,
    part: Literal["train", "test"],
    split: int,
    classes: dict[str, int],
    first_seen: dict[str, str],
) -> Iterator[LabelledClip]:
    path = annotations / f"{part}list{split:02d}.txt"
    for where, line in _lines(path):
        match = _CLIP_LINE.fullmatch(line)
        if not match:
            raise InputError(f"{where}: {line[:100]!r} is not a clip, as 'Archery/v_Archery_g01_c01.avi'")
        name = canonical_name(match[1])
        folder = name.split("/", maxsplit=1)[0]
        if folder not in classes:
            raise InputError(f"{where}: {folder} is not a class of {annotations / 'classInd.txt'}")
        if match[2] is None and part == "train":
            raise InputError(f"{where}: {name} has no label, and training lists have one")
        if match[2] is not None and int(match[2]) != classes[folder] + 1:
            raise InputError(f"{where}: {name} has label {match[2]}, and its folder is class {classes[folder] + 1}")
        if name in first_seen:
            raise InputError(f"{where}: {name} is there twice, first in {first_seen[name]}")
        first_seen[name] = where
        yield LabelledClip(name, classes[folder])


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line that is not blank, with its file and number for a message."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before the first line
    except OSError as fault:
        raise InputError(
            f"{path}: cannot be read ({fault.strerror}); annotations are the official folder ucfTrainTestlist"
        ) from None
    except UnicodeDecodeError as fault:
        raise InputError(f"{path}: this is not a text file (byte {fault.start} is not UTF-8)") from None
    filled = [
        (f"{path}, line {number}", line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()
    ]
    if not filled:
        raise InputError(f"{path}: the file is empty")
    yield from filled
