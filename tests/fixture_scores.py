"""Score files made for tests: UCF101's names, scores that say what the test wants."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from recognition.scores import Scores, ScoreSettings

CLASSES = ("BabyCrawling", "JumpingJack", "JumpRope")


def settings(**changes: Any) -> ScoreSettings:
    given = {
        "dataset": "UCF101",
        "split": 1,
        "part": "test",
        "stream": "temporal",
        "preset": "quick",
        "network": "resnet18",
        "views": "3x1",
        "flow": "dis",
        "seed": 0,
        "steps": 800,
    }
    return ScoreSettings(**{**given, **changes})


def clip_names(labels: Sequence[int], classes: Sequence[str] = CLASSES, first_group: int = 1) -> tuple[str, ...]:
    """A name as UCF101's for each label, each of a group of its own."""
    return tuple(f"v_{classes[label]}_g{place + first_group:02d}_c01" for place, label in enumerate(labels))


def scores_saying(
    said: Sequence[int],
    labels: Sequence[int],
    classes: Sequence[str] = CLASSES,
    sure: float = 0.8,
    first_group: int = 1,
    **changes: Any,
) -> Scores:
    """Softmax scores that give `sure` to the class said and the rest to the others in equal parts."""
    of_scores = {name: changes.pop(name) for name in ("clips", "groups", "fingerprint", "missing") if name in changes}
    clips = of_scores.pop("clips", clip_names(labels, classes, first_group))
    rest = (1 - sure) / (len(classes) - 1)
    values = np.full((len(said), len(classes)), rest, np.float32)
    values[np.arange(len(said)), list(said)] = sure
    return Scores(
        scores=values,
        kind="softmax",
        clips=clips,
        groups=of_scores.pop("groups", tuple(re.sub(r"_c\d+$", "", clip) for clip in clips)),
        labels=np.array(labels, np.int64),
        classes=tuple(classes),
        settings=settings(**changes),
        **of_scores,
    )
