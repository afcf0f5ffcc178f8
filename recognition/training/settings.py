"""What decides a run: two runs with equal settings end with the same weights, on one CPU thread to the bit."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from flowfeat.store import StoreSettings
from flowfeat.typed_json import plain
from recognition.datasets.split import LabelledClip
from recognition.presets import Preset
from recognition.training.folds import Fold

Precision = Literal["fp32", "bf16"]

_DIFFERENCES_TOLD = 3


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What decides a run.

    Attributes:
        preset: stream, network, input, schedule and test, with all their numbers; the schedule is that of this run.
        initial: `scratch`, `imagenet` as torchvision has it, or the SHA-256 of the file that training began with.
        seed: of all that is random.
        precision: of the forward pass.
        accumulate: parts that a process's share of a batch is learnt in, whose gradients add up. Batch normalisation
            sees one part at a time.
        validate_every: steps between two measurements, at which the state is kept too.
        dataset, split, classes, part_of: as in `Split`; the labels that are learnt count these classes.
        fold: what is held out of training; None for nothing.
        clips_trained: how many clips are learnt from.
        clips_sha256: of their names and labels.
        flow: how the store was made.
    """

    preset: Preset
    initial: str
    seed: int
    precision: Precision
    accumulate: int
    validate_every: int
    dataset: str
    split: int
    classes: tuple[str, ...]
    part_of: str | None
    fold: Fold | None
    clips_trained: int
    clips_sha256: str
    flow: StoreSettings

    @property
    def steps(self) -> int:
        """Steps of training, in all."""
        return self.preset.schedule.iterations

    @property
    def sha256(self) -> str:
        """Of all of it, written as JSON."""
        return hashlib.sha256(json.dumps(plain(self), sort_keys=True).encode()).hexdigest()

    def differences(self, other: "RunSettings") -> str:
        """The first things that differ, as `preset.batch 256 there, 64 here`, for a sentence; empty if nothing does."""
        return ", ".join(islice(_differences(plain(self), plain(other)), _DIFFERENCES_TOLD))


def digest(clips: Sequence[LabelledClip]) -> str:
    """SHA-256 of the names and labels of clips in their order, which decides what is drawn."""
    return hashlib.sha256("".join(f"{clip.name} {clip.label}\n" for clip in clips).encode()).hexdigest()


def _differences(there: Any, here: Any, name: str = "") -> Iterator[str]:
    if isinstance(there, dict) and isinstance(here, dict) and there.keys() == here.keys():
        for key in there:
            yield from _differences(there[key], here[key], f"{name}.{key}" if name else key)
    elif there != here:
        yield f"{name} {str(there)[:40]} there, {str(here)[:40]} here"
