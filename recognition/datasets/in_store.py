"""A split's clips in a flow store: which file is whose, and which clips have none."""

from collections.abc import Mapping
from dataclasses import dataclass

from flowfeat.errors import InputError, StoreError
from flowfeat.store import FlowStore
from flowfeat.store.records import settings_of_store
from recognition.datasets.split import LabelledClip, Split
from recognition.datasets.ucf101 import canonical_name


@dataclass(frozen=True, repr=False, eq=False)
class SplitInStore:
    """A split whose clips all are in a store.

    Attributes:
        split: what is left of the split: clips that the store has not are in its `missing`.
        store: the store.
        keys: the key in the store of each clip, by the clip's name.
        unused: how many clips of the store are not in the split.
    """

    split: Split
    store: FlowStore
    keys: Mapping[str, str]
    unused: int

    def __repr__(self) -> str:
        return f"SplitInStore({self.split!r}, {self.store!r}, unused={self.unused})"

    def key(self, clip: LabelledClip) -> str:
        """The clip's key in the store."""
        return self.keys[clip.name]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the store's settings. Raises StoreError where the store has none."""
        settings = settings_of_store(self.store.path)
        if settings is None:
            raise StoreError(f"{self.store.path}: it has no store.json, so how its flow was made is unknown")
        return settings.fingerprint


def find_in_store(split: Split, store: FlowStore, allow_missing: bool = False) -> SplitInStore:
    """Find the clips of a split, by class and name or by name alone, HandstandPushups in either spelling.

    Args:
        split: a split.
        store: a store.
        allow_missing: go on without the clips that the store has not; the split that is returned counts them.

    Raises:
        InputError: clips are missing and may not be, all are, or two clips of the store could be one of the split's.
    """
    if not len(store):
        raise InputError(f"{store.path}: no clip is stored in it; give the folder that `flowfeat extract` wrote")
    by_tail: dict[str, list[str]] = {}
    for key in store:
        folders = canonical_name(key).split("/")
        for tail in {folders[-1], "/".join(folders[-2:])}:
            by_tail.setdefault(tail, []).append(key)
    keys: dict[str, str] = {}
    missing: list[str] = []
    for clip in split.clips:
        found = _keys_of(clip, split, by_tail)
        if len(found) > 1:
            raise InputError(
                f"{store.path}: the clip {clip.name} could be {' or '.join(found[:3])}; remove all but one"
            )
        if found:
            keys[clip.name] = found[0]
        else:
            missing.append(clip.name)
    if missing and not (allow_missing and keys):
        few = ", ".join(missing[:3]) + ", ..." * (len(missing) > 3)
        are = "are" if len(missing) > 1 else "is"
        remedy = "extract them, or allow missing clips" if keys else "give the store of this data set"
        raise InputError(
            f"{store.path}: {len(missing)} of the {len(split.clips)} clips of {split.dataset} split {split.number} "
            f"{are} not in it: {few}; {remedy}"
        )
    return SplitInStore(split.without(missing), store, keys, len(store) - len(keys))


def _keys_of(clip: LabelledClip, split: Split, by_tail: dict[str, list[str]]) -> list[str]:
    name = canonical_name(clip.name)
    stem = name.rsplit("/", 1)[-1]
    found = by_tail.get(f"{split.classes[clip.label]}/{stem}") or by_tail.get(name, [])
    # Of a clip stored in both spellings the official one is taken; it is the same clip.
    official = [key for key in found if canonical_name(key) == key]
    return official if len(official) == 1 else found
