"""Somebody's own data set: a folder for each class, clips in it as videos or as folders of frames.

Either ROOT/CLASS/CLIP, or ROOT/train/CLASS/CLIP beside ROOT/test/CLASS/CLIP or ROOT/val/CLASS/CLIP, which is a split
of its own.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from flowfeat.errors import InputError
from flowfeat.video import find_clips
from flowfeat.wording import counted
from recognition.datasets.names import unique_names
from recognition.datasets.split import LabelledClip, Split

FOLDS = 3
_HELD_OUT = ("test", "val")


def open_folders(root: Path, number: int, classes: Sequence[str] | None = None) -> Split:
    """The split that the folders make; classes in the order of their names.

    Without train and test folders there are three splits: every class's clips, in an order that their names alone
    decide, are dealt to three parts, and split n tests on part n. Nothing is known of which clips show the same
    place and people, so scores may be better than on clips of elsewhere; make the folders yourself to avoid it.

    A clip more or less deals its class anew, and runs from before are not tested on it. If a clip's name alone decided
    its part, clips would stay where they are, but small classes would have parts without any.

    Args:
        root: the folder of classes, or of train and test.
        number: 1 to 3; 1 where there are folders train and test.
        classes: only these.

    Raises:
        InputError: a clip lies elsewhere than in its class, a class has fewer clips than parts, or the data set has
            no split of this number.
    """
    found = [clip.key.split("/") for clip in find_clips([root])]
    top = {parts[0] for parts in found}
    divided = "train" in top and len(top) == 2 and bool(top & set(_HELD_OUT))
    depth = 3 if divided else 2
    for parts in found:
        if len(parts) != depth:
            layout = "train/CLASS/CLIP and test/CLASS/CLIP" if divided else "CLASS/CLIP"
            raise InputError(f"{root}: the clip {'/'.join(parts)} is not where clips are expected: {layout}")
    splits = 1 if divided else FOLDS
    if not 1 <= number <= splits:
        raise InputError(f"split {number}: {root} has {'split 1 alone' if divided else 'the splits 1, 2 and 3'}")
    clips = [(parts[-2], parts[-1]) for parts in found]
    held_out = [parts[0] in _HELD_OUT for parts in found] if divided else _dealt(root, clips, number)
    order = sorted({name for name, _ in clips})
    labels = {name: label for label, name in enumerate(order)}
    names = unique_names(clips)
    labelled = [LabelledClip(name, labels[clip[0]]) for name, clip in zip(names, clips, strict=True)]
    split = Split(
        dataset=root.resolve().name,
        number=number,
        classes=tuple(order),
        train=tuple(clip for clip, held in zip(labelled, held_out, strict=True) if not held),
        test=tuple(clip for clip, held in zip(labelled, held_out, strict=True) if held),
    )
    return split.of_classes(split.classes if classes is None else classes)


def _dealt(root: Path, clips: list[tuple[str, str]], number: int) -> list[bool]:
    chosen: set[tuple[str, str]] = set()
    for name in sorted({name for name, _ in clips}):
        # Neighbours in a listing are often cuts of one recording: by hash they are not dealt out one by one.
        of_class = sorted((clip for clip in clips if clip[0] == name), key=_hash)
        if len(of_class) < FOLDS:
            raise InputError(
                f"{root / name}: {counted(len(of_class), 'clip')} cannot be dealt to {FOLDS} parts; "
                "give the class more clips, or make folders train and test"
            )
        chosen |= set(of_class[number - 1 :: FOLDS])
    return [clip in chosen for clip in clips]


def _hash(clip: tuple[str, str]) -> bytes:
    return hashlib.sha256("/".join(clip).encode()).digest()
