"""The parts of a two-stream experiment, each with its place in the folder.

OUT/
    split1/temporal-seed0/                          a run of training
    split1/temporal-seed0.npz                       its scores of the test clips
    split1/temporal-seed0-fold1of3/                 the same without a third of the training clips
    split1/temporal-seed0-held-out-1of3.npz         its scores of that third
    split1/fused-average-seed0.npz                  both streams as one; fused-weighted-, fused-svm-
    split1/baseline.npz                             histograms of flow and an SVM
    report/                                         of all scores of test clips
    record.json                                     what each part was made of, when, and by which versions
"""

from dataclasses import dataclass

from recognition.presets import FusionMethod, Stream
from recognition.training import Fold

REPORT = "report"

BASELINE = "histogram of flow"


@dataclass(frozen=True)
class RunPart:
    """A stream that is trained on a split and scored.

    Attributes:
        split, stream, seed: of its training.
        fold: what is held out of training, and then scored in place of the test clips; None for nothing.
    """

    split: int
    stream: Stream
    seed: int
    fold: Fold | None = None

    @property
    def folder(self) -> str:
        """Of its run."""
        fold = f"-fold{self.fold.number}of{self.fold.of}" if self.fold else ""
        return f"split{self.split}/{self.stream}-seed{self.seed}{fold}"

    @property
    def scores(self) -> str:
        """Its score file."""
        held_out = f"-held-out-{self.fold.number}of{self.fold.of}" if self.fold else ""
        return f"split{self.split}/{self.stream}-seed{self.seed}{held_out}.npz"

    def __str__(self) -> str:
        fold = f", fold {self.fold}" if self.fold else ""
        return f"split {self.split}, {self.stream}, seed {self.seed}{fold}"


@dataclass(frozen=True)
class FusionPart:
    """Both streams of a split and a seed as one."""

    split: int
    method: FusionMethod
    seed: int

    @property
    def scores(self) -> str:
        """Its score file."""
        return f"split{self.split}/fused-{self.method}-seed{self.seed}.npz"

    def __str__(self) -> str:
        return f"split {self.split}, {self.method} of both streams, seed {self.seed}"


@dataclass(frozen=True)
class BaselinePart:
    """Histograms of flow and a linear SVM, fitted to a split's training clips; no seed has a part in it."""

    split: int

    @property
    def scores(self) -> str:
        """Its score file."""
        return f"split{self.split}/baseline.npz"

    def __str__(self) -> str:
        return f"split {self.split}, {BASELINE}"


ScoredPart = RunPart | FusionPart | BaselinePart
