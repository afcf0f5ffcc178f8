"""Parts of the training clips that a run is not trained on: what weights and fusions may be chosen by.

Clips of one group show one person in one place (UCF101), so a fold holds groups whole: a clip that is held out has no
sibling among those trained on.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flowfeat.errors import InputError
from flowfeat.wording import counted
from recognition.datasets.split import LabelledClip


@dataclass(frozen=True)
class Fold:
    """The `number`-th of `of` parts of the training groups, counted from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Fold":
        """`1/5` is the first of five. Raises InputError where the text is no fold."""
        match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]) or int(match[2]) < 2:
            raise InputError(f"--fold {text}: write K/N with K from 1 to N, as 1/5 for the first of five parts")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def hold_out(clips: Sequence[LabelledClip], fold: Fold) -> tuple[tuple[LabelledClip, ...], tuple[LabelledClip, ...]]:
    """Training clips as those that are trained on and those of the fold, which are held out, each in their order.

    Each class's groups are dealt out to the folds in turn, in the order of their names; where clips have no groups,
    its clips are. Give all clips of the lists, whether a store holds them or not: dealt by what is there, clips would
    change their fold when a store grows, and clips that were learnt from would be held out.
    """
    unit = {clip.name: clip.source_video for clip in clips}
    dealt: dict[str, int] = {}
    for label in sorted({clip.label for clip in clips}):
        for place, name in enumerate(sorted({unit[clip.name] for clip in clips if clip.label == label})):
            dealt.setdefault(name, place % fold.of + 1)
    kept = tuple(clip for clip in clips if dealt[unit[clip.name]] != fold.number)
    held = tuple(clip for clip in clips if dealt[unit[clip.name]] == fold.number)
    return kept, held


def refuse_fold(kept: Sequence[LabelledClip], held: Sequence[LabelledClip], fold: Fold) -> None:
    """Raises InputError where nothing would be held out, or all clips of a class."""
    of_both = [*kept, *held]
    if not held or {clip.label for clip in kept} != {clip.label for clip in of_both}:
        clips, groups = counted(len(of_both), "training clip"), {clip.source_video for clip in of_both}
        raise InputError(
            f"--fold {fold}: {clips} of {counted(len(groups), 'group')} cannot be cut so; take another fold"
        )
