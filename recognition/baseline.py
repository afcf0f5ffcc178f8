"""What recognition has to beat: histograms of flow and a linear classifier, with nothing learnt but its weights.

Orientations are counted by displacement, with a bin of its own for what stands still, as in HOF (Laptev et al., 2008;
Wang et al., 2009), in the cells of a grid over the whole clip instead of around interest points.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float32, Int64
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from flowfeat.errors import InputError
from flowfeat.store import StoredClip
from recognition.datasets import LabelledClip, SplitInStore
from recognition.datasets.split import refuse_empty_classes
from recognition.stacks.sampling import spaced_starts

ORIENTATIONS = 8
GRID = 3
"""Cells a side of the frame."""
PARTS = 2
"""Parts of the clip in time."""
STILL = 0.5
"""Pixels that move less than this, in pixels, count as still: three levels of a store with bound 20."""

_BINS = ORIENTATIONS + 1
_FIELDS = 32
"""Fields of each part that are looked at, equally spaced: neighbours tell much the same."""


@dataclass(frozen=True, eq=False)
class BaselineScores:
    """What the baseline says of clips.

    Attributes:
        clips: their names.
        labels: their classes' places in `classes`.
        classes: in the data set's order.
        scores: distance to each class's plane; the largest is the class that is predicted. These are no probabilities.
    """

    clips: tuple[str, ...]
    labels: Int64[np.ndarray, "n"]
    classes: tuple[str, ...]
    scores: Float32[np.ndarray, "n c"]

    @property
    def accuracy(self) -> float | None:
        """The share of clips whose class is predicted; None without clips."""
        return float(np.mean(self.scores.argmax(1) == self.labels)) if len(self.labels) else None


def histogram_of_flow(clip: StoredClip) -> Float32[np.ndarray, "d"]:
    """A stored clip's histogram over orientations, cells and parts of the clip, as long as 1.

    Each part's histogram is the mean over its fields, and square roots are taken (Hellinger's kernel). Raises
    InputError where the clip has no flow or cannot be read.
    """
    if clip.pairs == 0:
        raise InputError(f"{clip.path}: the clip has a single frame and no flow; leave it out of the split")
    edges = [part * clip.pairs // PARTS for part in range(PARTS + 1)]
    # A clip of fewer fields than parts is the same field in several of them.
    ranges = [range(min(a, clip.pairs - 1), max(b, a + 1)) for a, b in pairwise(edges)]
    roots = np.sqrt(np.stack([_mean_histogram(clip, fields) for fields in ranges]))
    return (roots / np.linalg.norm(roots)).astype(np.float32).ravel()


def histograms_of_flow(
    where: SplitInStore,
    clips: Sequence[LabelledClip],
    workers: int = 0,
    progress: Callable[[int, int | None], None] | None = None,
) -> dict[str, Float32[np.ndarray, "d"]]:
    """The histogram of each clip, by its name: a quarter of a second's work of one core each.

    Args:
        where: the split in a store.
        clips: of the split.
        workers: processes that compute them; 0 computes in this one.
        progress: called with the clips that are done and are to be.

    Raises InputError as `histogram_of_flow`.
    """
    # The generator, because else the loader draws from the global numbers of the run.
    loader = DataLoader(_Histograms(where, clips), batch_size=None, num_workers=workers, generator=torch.Generator())
    found: dict[str, Float32[np.ndarray, "d"]] = {}
    for clip, histogram in zip(clips, loader, strict=True):
        if isinstance(histogram, InputError):
            raise histogram
        found[clip.name] = histogram.numpy()
        if progress is not None:
            progress(len(found), len(clips))
    return found


def classify_by_histograms(
    where: SplitInStore,
    train: Sequence[LabelledClip],
    tested: Sequence[LabelledClip],
    histograms: Mapping[str, Float32[np.ndarray, "d"]] | None = None,
) -> BaselineScores:
    """Scores of `tested` by a linear SVM, one class against the rest, that is fitted to `train`.

    Args:
        where: the split in a store.
        train: clips to learn from: `where.split.train`, or a part of it.
        tested: clips to score; their labels are carried along and not looked at.
        histograms: by the clips' names, of `histograms_of_flow`; computed here if not given.

    Raises InputError where a class has no clip to learn from, or a clip cannot be read.
    """
    classes = where.split.classes
    labels = np.array([clip.label for clip in train], np.int64)
    refuse_empty_classes(classes, train)
    if len(classes) == 1:
        raise InputError(f"{classes[0]} is the only class, and nothing can be told apart")
    # Here, because importing scikit-learn sets variables of the environment.
    from sklearn.svm import LinearSVC

    if histograms is None:
        histograms = histograms_of_flow(where, (*train, *tested))
    machine = LinearSVC(random_state=0).fit(np.stack([histograms[clip.name] for clip in train]), labels)
    decision = np.empty((0, len(classes)))
    if tested:
        decision = machine.decision_function(np.stack([histograms[clip.name] for clip in tested]))
    return BaselineScores(
        clips=tuple(clip.name for clip in tested),
        labels=np.array([clip.label for clip in tested], np.int64),
        classes=classes,
        scores=_of_each_class(np.asarray(decision)).astype(np.float32),
    )


def _of_each_class(decision: Float[np.ndarray, "..."]) -> Float[np.ndarray, "n c"]:
    # scikit-learn gives two classes one plane.
    return np.stack([-decision, decision], 1) if decision.ndim == 1 else decision


class _Histograms(Dataset):
    """Each clip's histogram; or why there is none, as an error that a worker raised would bring its traceback."""

    def __init__(self, where: SplitInStore, clips: Sequence[LabelledClip]):
        self._where, self._clips = where, clips

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, place: int) -> Float32[Tensor, "d"] | InputError:
        try:
            return torch.from_numpy(histogram_of_flow(self._where.store[self._where.key(self._clips[place])]))
        except InputError as fault:
            return fault


def _mean_histogram(clip: StoredClip, fields: range) -> Float[np.ndarray, "d"]:
    total = np.zeros(GRID * GRID * _BINS)
    for place in spaced_starts(len(fields), 1, min(_FIELDS, len(fields))):
        total += _histogram(clip.read(fields[place], 1))
    return total / total.sum()


def _histogram(flow: Float32[Tensor, "t 2 h w"]) -> Float[np.ndarray, "d"]:
    """Displacement over cells and orientations, summed; what stands still counts as `STILL` pixels."""
    height, width = flow.shape[2:]
    x, y = flow.unbind(1)
    displacement = torch.hypot(x, y)
    turns = torch.atan2(y, x).mul_(ORIENTATIONS / (2 * torch.pi)).round_().long().remainder_(ORIENTATIONS)
    still = displacement < STILL
    bins = turns.masked_fill_(still, ORIENTATIONS)
    rows = torch.arange(height) * GRID // height
    columns = torch.arange(width) * GRID // width
    bins += _BINS * (GRID * rows[:, None] + columns)
    weights = displacement.masked_fill_(still, STILL)
    counted = torch.bincount(rearrange(bins, "t h w -> (t h w)"), weights.double().flatten(), GRID * GRID * _BINS)
    return counted.numpy()
