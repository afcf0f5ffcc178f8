"""HMDB51's official lists (Kuehne et al., 2011): 51 classes, three splits, a list for each class and split.

A list holds all clips of its class, each with 1 (training), 2 (test) or 0 (not in this split).
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from flowfeat.errors import InputError
from recognition.datasets.lists import read_lines
from recognition.datasets.names import unique_names
from recognition.datasets.split import LabelledClip, Split

SPLITS = (1, 2, 3)
CLASSES = 51
TRAIN_CLIPS, TEST_CLIPS = 3570, 1530
"""Of each official split: 70 and 30 clips of each class."""

_ANNOTATIONS = "annotations are the official folder testTrainMulti_7030_splits"
_LIST = re.compile(r"(.+)_test_split([123])\.txt")
_LINE = re.compile(r"([^/]+)\.avi\s+([012])")
# What is seen of the body, camera motion, people, viewpoint, quality, and the number of the cut.
_META = r"_[fuhl]_(?:cm|nm)_np[0-9]_(?:ba|fr|le|ri)_(?:bad|med|goo)_[0-9]+"


def open_hmdb51(annotations: Path, number: int, classes: Sequence[str] | None = None) -> Split:
    """Official split 1, 2 or 3; classes in the order of their names, since no list of them is published.

    A clip's group is the video it was cut from, where its name says so.

    Args:
        annotations: the folder `testTrainMulti_7030_splits`.
        number: 1, 2 or 3.
        classes: only these.

    Raises:
        InputError: no list or a list of no such split is there, a line is no clip with 0, 1 or 2, or a clip is twice
            in a class.
    """
    if number not in SPLITS:
        raise InputError(f"split {number}: HMDB51 has the splits 1, 2 and 3")
    listed = {name: annotations / f"{name}_test_split{number}.txt" for name in _classes(annotations)}
    parts = [(name, *entry) for name, path in listed.items() for entry in _clips(path)]
    named = zip(parts, unique_names([(name, stem) for name, stem, _ in parts]), strict=True)
    labels = {name: label for label, name in enumerate(listed)}
    chosen = [(part, LabelledClip(clip, labels[name], _group(name, stem))) for (name, stem, part), clip in named]
    split = Split(
        dataset="HMDB51",
        number=number,
        classes=tuple(listed),
        train=tuple(clip for part, clip in chosen if part == 1),
        test=tuple(clip for part, clip in chosen if part == 2),
    ).compared_to(CLASSES, TRAIN_CLIPS, TEST_CLIPS)
    return split.of_classes(split.classes if classes is None else classes)


def is_hmdb51(annotations: Path) -> bool:
    """Whether the folder holds lists of HMDB51."""
    return any(_LIST.fullmatch(path.name) for path in annotations.iterdir())


def _classes(annotations: Path) -> list[str]:
    try:
        found = {match[1] for path in annotations.iterdir() if (match := _LIST.fullmatch(path.name))}
    except OSError as fault:
        raise InputError(f"{annotations}: cannot be read ({fault.strerror}); {_ANNOTATIONS}") from None
    if not found:
        raise InputError(f"{annotations}: it holds no list CLASS_test_splitN.txt; {_ANNOTATIONS}")
    return sorted(found)


def _clips(path: Path) -> list[tuple[str, int]]:
    clips: list[tuple[str, int]] = []
    for where, line in read_lines(path, _ANNOTATIONS):
        match = _LINE.fullmatch(line)
        if not match:
            raise InputError(f"{where}: {line[:100]!r} is not a clip with 0, 1 or 2, as 'name.avi 1'")
        clips.append((match[1], int(match[2])))
    stem, count = Counter(stem for stem, _ in clips).most_common(1)[0]
    if count > 1:
        raise InputError(f"{path}: {stem} is there {count} times, and a clip is in a list once")
    return clips


def _group(class_name: str, stem: str) -> str | None:
    match = re.fullmatch(rf"(.+)_{re.escape(class_name)}{_META}", stem)
    # One film gave clips to several classes; a test of one class is not spoilt by another's training.
    return f"{class_name}/{match[1]}" if match else None
