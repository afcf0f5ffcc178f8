"""UCF101's official lists (Soomro, Zamir and Shah, 2012) as they are published: 101 classes, three splits.

The lists come with CRLF or LF, depending on the copy. Training lists carry 1-based labels, test lists none.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from flowfeat.errors import InputError
from recognition.datasets.lists import read_lines
from recognition.datasets.split import LabelledClip, Split

SPLITS = (1, 2, 3)

CLASSES = 101
CLIPS = {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}
"""How many clips of training and of test each official split has."""

_ANNOTATIONS = "annotations are the official folder ucfTrainTestlist"
_CLASS_LINE = re.compile(r"([0-9]{1,6})\s+([^\s/]+)")
_CLIP_LINE = re.compile(r"([^\s/]+/[^\s/]+?)\.avi(?:\s+([0-9]{1,6}))?")
_GROUP = re.compile(r"(.+_g[0-9]+)_c[0-9]+")
# The class and its folder are HandstandPushups, its clips v_HandStandPushups; archives of flow and other
# tools spell either like the other.
_HANDSTAND_CLASS = re.compile(r"(?<![^/])HandStandPushups(?![^/])")
_HANDSTAND_CLIP = re.compile(r"(?<![^/])v_HandstandPushups_")


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
    for where, line in read_lines(path, _ANNOTATIONS):
        match = _CLASS_LINE.fullmatch(line)
        if not match:
            raise InputError(f"{where}: {line[:100]!r} is not a number and a class, as '1 ApplyEyeMakeup'")
        if int(match[1]) != len(classes) + 1:
            raise InputError(f"{where}: class {match[2]} has number {match[1]} and should have {len(classes) + 1}")
        if match[2] in classes:
            raise InputError(f"{where}: class {match[2]} is there twice, first as number {classes[match[2]] + 1}")
        classes[match[2]] = len(classes)
    return classes


def open_ucf101(annotations: Path, number: int, classes: Sequence[str] | None = None) -> Split:
    """Official split 1, 2 or 3; a test clip's label is that of its folder.

    Lists that were cut down are read, and the split says that it is a part of the official one.

    Args:
        annotations: the folder `ucfTrainTestlist`.
        number: 1, 2 or 3.
        classes: only these.

    Raises:
        InputError: a file is missing, a line is no clip of a known class, a label contradicts the folder, a clip is
            there twice, be it in one list or in both, or clips of one group are in both lists.
    """
    split = _read(annotations, number)
    if shared := split.shared_groups:
        raise InputError(
            f"{annotations}: clips of {shared[0]} are in training and in test of split {number} "
            f"({len(shared)} such groups); the official lists have none, get them again"
        )
    return split.of_classes(split.classes if classes is None else classes)


def expected_clips(annotations: Path) -> list[str]:
    """All clips of the data set, sorted, as `Archery/v_Archery_g01_c01`: training and test of any of the splits.

    Raises InputError where a split cannot be read, or where two of them are not of the same clips.
    """
    named: set[str] | None = None
    for number in SPLITS:
        split = _read(annotations, number)
        found = {f"{split.classes[clip.label]}/{clip.name}" for clip in split.clips}
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


def _read(annotations: Path, number: int) -> Split:
    if number not in SPLITS:
        raise InputError(f"split {number}: UCF101 has the splits 1, 2 and 3")
    classes = read_classes(annotations)
    first_seen: dict[str, str] = {}
    split = Split(
        dataset="UCF101",
        number=number,
        classes=tuple(classes),
        train=tuple(_clips(annotations, "train", number, classes, first_seen)),
        test=tuple(_clips(annotations, "test", number, classes, first_seen)),
    )
    return split.compared_to(CLASSES, *CLIPS[number])


def _clips(
    annotations: Path,
    part: Literal["train", "test"],
    split: int,
    classes: dict[str, int],
    first_seen: dict[str, str],
) -> Iterator[LabelledClip]:
    path = annotations / f"{part}list{split:02d}.txt"
    for where, line in read_lines(path, _ANNOTATIONS):
        match = _CLIP_LINE.fullmatch(line)
        if not match:
            raise InputError(f"{where}: {line[:100]!r} is not a clip, as 'Archery/v_Archery_g01_c01.avi'")
        name = canonical_name(match[1])
        folder, stem = name.split("/")
        if folder not in classes:
            raise InputError(f"{where}: {folder} is not a class of {annotations / 'classInd.txt'}")
        if match[2] is None and part == "train":
            raise InputError(f"{where}: {name} has no label, and training lists have one")
        if match[2] is not None and int(match[2]) != classes[folder] + 1:
            raise InputError(f"{where}: {name} has label {match[2]}, and its folder is class {classes[folder] + 1}")
        if stem in first_seen:
            raise InputError(f"{where}: {name} is there twice, first in {first_seen[stem]}")
        first_seen[stem] = where
        group = _GROUP.fullmatch(stem)
        yield LabelledClip(stem, classes[folder], group[1] if group else None)
