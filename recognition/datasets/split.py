"""A data set's division into training and test clips, and what of it is not there."""

import difflib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from flowfeat.errors import InputError
from flowfeat.wording import counted


@dataclass(frozen=True)
class LabelledClip:
    """A clip of a data set.

    Attributes:
        name: the stem of its file, `v_JumpingJack_g01_c01`; behind its class, `jump/001`, where clips of two classes
            have one stem.
        label: the place of its class in `Split.classes`.
        group: clips of one group show the same people and place, so that none may be learnt from where another is
            tested; unique in the data set. None where the data set does not say.
    """

    name: str
    label: int
    group: str | None = None

    @property
    def source_video(self) -> str:
        """What it was cut from, as far as the data set says: its group, else the clip itself."""
        return self.group or self.name


def refuse_empty_classes(classes: Sequence[str], clips: Sequence[LabelledClip]) -> None:
    """Raises InputError where a class has none of the clips that are to be trained on."""
    known = {clip.label for clip in clips}
    if empty := [name for label, name in enumerate(classes) if label not in known]:
        few = ", ".join(empty[:3]) + ", ..." * (len(empty) > 3)
        raise InputError(
            f"{len(empty)} of the {len(classes)} classes have no clip to train on: {few}; name the others with "
            "--classes"
        )


@dataclass(frozen=True, repr=False)
class Split:
    """Clips to learn from and clips to be tested on, each in its published order.

    Attributes:
        dataset: `UCF101`, `HMDB51`, or the name of a folder.
        number: which of the data set's splits, counted from 1.
        classes: in the data set's own order, which labels count in; for UCF101 that is not the sorted one.
        train, test: the clips that there are.
        missing: names of the clips that belong to it and are not there, of training and test.
        part_of: what a partial split is a part of, in words; None where it is whole. Numbers of a partial split are
            not those of the data set.
    """

    dataset: str
    number: int
    classes: tuple[str, ...]
    train: tuple[LabelledClip, ...]
    test: tuple[LabelledClip, ...]
    missing: tuple[str, ...] = ()
    part_of: str | None = None

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes):
            raise InputError(f"{self.dataset}: a class is named twice among {', '.join(self.classes[:5])}, ...")
        names = Counter(clip.name for clip in self.clips)
        names.update(self.missing)
        if twice := [name for name, count in names.items() if count > 1]:
            raise InputError(
                f"{self.dataset} split {self.number}: the clip {twice[0]} is in it {names[twice[0]]} times"
            )
        for clip in self.clips:
            if not 0 <= clip.label < len(self.classes):
                raise InputError(f"{clip.name}: label {clip.label} is of none of the {len(self.classes)} classes")

    def __repr__(self) -> str:
        return (
            f"Split({self.dataset!r}, {self.number}, classes={len(self.classes)}, train={len(self.train)}, "
            f"test={len(self.test)}, missing={len(self.missing)}, part_of={self.part_of!r})"
        )

    @property
    def clips(self) -> tuple[LabelledClip, ...]:
        """The clips of training, then those of test."""
        return (*self.train, *self.test)

    @property
    def shared_groups(self) -> tuple[str, ...]:
        """The groups with clips both in training and in test, sorted: there should be none."""
        learnt, tested = ({clip.group for clip in clips if clip.group} for clips in (self.train, self.test))
        return tuple(sorted(learnt & tested))

    @property
    def description(self) -> str:
        """The split in words: `8 classes, 80 training and 56 test clips`, and what it is a part of."""
        classes = counted(len(self.classes), "class", "classes")
        own = f"{classes}, {len(self.train)} training and {len(self.test)} test clips"
        missing = f", {counted(len(self.missing), 'clip')} missing" if self.missing else ""
        whole = f"part of {self.part_of}" if self.part_of else f"{self.dataset} split {self.number}"
        return f"{own}{missing}; {whole}"

    def of_classes(self, classes: Sequence[str]) -> "Split":
        """The split of some classes alone, in the data set's order whatever the order they are given in.

        Labels count those classes. Raises InputError where one is unknown or none is given.
        """
        for name in classes:
            if name not in self.classes:
                near = difflib.get_close_matches(name, self.classes, 1, 0.4)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise InputError(f"{self.dataset} has no class {name!r}{hint}")
        if not classes:
            raise InputError(
                f"no class of {self.dataset} was given; name one at least, or leave the list of classes out"
            )
        kept = tuple(name for name in self.classes if name in set(classes))
        if kept == self.classes:
            return self
        if self.missing:
            raise InputError(f"{self.dataset}: classes are chosen before missing clips are left out")
        labels = {self.classes.index(name): label for label, name in enumerate(kept)}

        def relabelled(clips: tuple[LabelledClip, ...]) -> tuple[LabelledClip, ...]:
            return tuple(replace(clip, label=labels[clip.label]) for clip in clips if clip.label in labels)

        train, test = relabelled(self.train), relabelled(self.test)
        return replace(self, classes=kept, train=train, test=test, part_of=self._whole)

    def without(self, missing: Collection[str]) -> "Split":
        """The split without the clips of these names, which it then counts as missing."""
        absent = set(missing)
        if not absent:
            return self
        return replace(
            self,
            train=tuple(clip for clip in self.train if clip.name not in absent),
            test=tuple(clip for clip in self.test if clip.name not in absent),
            missing=(*self.missing, *(clip.name for clip in self.clips if clip.name in absent)),
            part_of=self._whole,
        )

    def compared_to(self, classes: int, train: int, test: int) -> "Split":
        """The split itself, or one that says it is a part, where its counts are not these published ones."""
        if (len(self.classes), len(self.train), len(self.test)) == (classes, train, test):
            return self
        return replace(self, part_of=_whole_of(self, classes, train, test))

    @property
    def _whole(self) -> str:
        return self.part_of or _whole_of(self, len(self.classes), len(self.train), len(self.test))


def _whole_of(split: Split, classes: int, train: int, test: int) -> str:
    return f"{split.dataset} split {split.number} ({classes} classes, {train} training and {test} test clips)"
