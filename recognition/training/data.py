"""What a run learns from and what it is measured on: a split, in a store, less what a fold holds out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowfeat.errors import InputError, StoreError
from flowfeat.store import FlowStore, StoreSettings
from flowfeat.store.manifest import settings_of_store
from recognition.datasets import LabelledClip, SplitInStore, find_in_store, open_annotations
from recognition.scores import Part
from recognition.training.folds import Fold, hold_out


@dataclass(frozen=True, eq=False)
class RunData:
    """Clips of a run.

    Attributes:
        where: all of its split, in the store.
        flow: how the store was made.
        fold: what is held out of training.
        missing: names of the clips that the store does not hold, of training, whether held out or not, and of test.
    """

    where: SplitInStore
    flow: StoreSettings
    fold: Fold | None
    missing: dict[Part, tuple[str, ...]]

    def clips(self, part: Part) -> tuple[LabelledClip, ...]:
        """Those that are learnt from, those held out, or those of test. Raises InputError where there are none."""
        split = self.where.split
        if part == "validation" and self.fold is None:
            raise InputError("the run holds no clips out of training; train one with --fold K/N")
        kept, held = hold_out(split.train, self.fold) if self.fold else (split.train, ())
        found = {"train": kept, "validation": held, "test": split.test}[part]
        if not found:
            raise InputError(f"{self.where.store.path}: there is no clip of {part} of {split.dataset} in it")
        return found


def open_data(
    store: Path,
    annotations: Path,
    split: int,
    classes: Sequence[str],
    fold: Fold | None,
    allow_missing: bool,
) -> RunData:
    """The data of a run. Raises InputError where a part of it is not there or cannot be read."""
    whole = open_annotations(annotations, split, classes or None)
    try:
        where = find_in_store(whole, FlowStore(store), allow_missing)
    except InputError as fault:
        hint = "" if allow_missing or "allow missing clips" not in str(fault) else " with --allow-missing"
        raise type(fault)(f"{fault}{hint}") from None
    flow = settings_of_store(store)
    if flow is None:
        raise StoreError(f"{store}: it has no store.json, so how its flow was made is unknown; extract it again")
    absent = set(where.split.missing) - set(whole.missing)
    train, test = (tuple(clip.name for clip in clips if clip.name in absent) for clips in (whole.train, whole.test))
    return RunData(where, flow, fold, {"train": train, "validation": train, "test": test})
