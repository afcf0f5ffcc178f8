"""What a run learns from and what it is measured on: a split, in a store, less what a fold holds out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowfeat.errors import InputError, StoreError
from flowfeat.store import FlowStore, StoreSettings
from flowfeat.store.records import settings_of_store
from recognition.datasets import LabelledClip, Split, SplitInStore, find_in_store, open_annotations
from recognition.scores import Part
from recognition.training.folds import Fold, hold_out, refuse_fold


@dataclass(frozen=True, eq=False)
class RunData:
    """Clips of a run.

    Attributes:
        listed: its split as the lists have it, with the clips that the store does not hold.
        where: what of the split is in the store.
        flow: how the store was made.
        fold: what is held out of training.
    """

    listed: Split
    where: SplitInStore
    flow: StoreSettings
    fold: Fold | None

    def clips(self, part: Part) -> tuple[LabelledClip, ...]:
        """Those in the store that are learnt from, those held out, or those of test. Raises InputError where there are
        none, or the fold leaves no clip of a class to learn from."""
        if self.fold and part != "test":
            kept, held = (self._there(each) for each in hold_out(self.listed.train, self.fold))
            refuse_fold(kept, held, self.fold)
        found = self._there(self.listed_clips(part))
        if not found:
            raise InputError(f"{self.where.store.path}: there is no clip of {part} of {self.listed.dataset} in it")
        return found

    def missing(self, part: Part) -> tuple[str, ...]:
        """The names of the clips of a part that the store does not hold; each is of one part and one fold alone.

        Raises InputError as `listed_clips`.
        """
        return tuple(clip.name for clip in self.listed_clips(part) if clip.name not in self.where.keys)

    def listed_clips(self, part: Part) -> tuple[LabelledClip, ...]:
        """The clips of a part, in the store or not. Raises InputError where a run without a fold is asked for those
        held out."""
        if part == "test":
            return self.listed.test
        if self.fold is None:
            if part == "validation":
                raise InputError("the run holds no clips out of training; train one with --fold K/N")
            return self.listed.train
        kept, held = hold_out(self.listed.train, self.fold)
        return kept if part == "train" else held

    def _there(self, clips: Sequence[LabelledClip]) -> tuple[LabelledClip, ...]:
        return tuple(clip for clip in clips if clip.name in self.where.keys)


def open_data(
    store: Path,
    annotations: Path,
    split: int,
    classes: Sequence[str],
    fold: Fold | None,
    allow_missing: bool,
) -> RunData:
    """The data of a run. Raises InputError where a part of it is not there or cannot be read."""
    listed = open_annotations(annotations, split, classes or None)
    try:
        where = find_in_store(listed, FlowStore(store), allow_missing)
    except InputError as fault:
        hint = "" if allow_missing or "allow missing clips" not in str(fault) else " with --allow-missing"
        raise type(fault)(f"{fault}{hint}") from None
    flow = settings_of_store(store)
    if flow is None:
        raise StoreError(f"{store}: it has no store.json, so how its flow was made is unknown; extract it again")
    return RunData(listed, where, flow, fold)
