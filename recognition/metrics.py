"""What scores are worth: accuracy over videos, mean over classes, top five, intervals, and whether two methods differ.

Accuracy is the share of clips that are right (Simonyan and Zisserman, 2014); mean class accuracy the mean of each
class's share, as TSN's tools report it (Wang et al., 2016). On UCF101 they differ, as its test classes hold 28 to 49
clips: a table gives both. The class of a clip is that of the highest score; of equal ones the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from flowfeat.errors import InputError
from recognition.scores import Scores

CONFIDENCE = 0.95
"""Of all intervals."""

RESAMPLES = 10_000
"""Of a bootstrap."""

SPLITS = (1, 2, 3)

_ABOUT_A_MILLION = 1 << 20
_TOP = 5

Interval = tuple[float, float]


@dataclass(frozen=True)
class ClassAccuracy:
    """One class.

    Attributes:
        name: of the class.
        clips: how many of it were tested.
        correct: how many of these are right.
        mistaken_for: the class it is most often taken for when wrong, and how often; None where it never is.
    """

    name: str
    clips: int
    correct: int
    mistaken_for: tuple[str, int] | None

    @property
    def accuracy(self) -> float | None:
        """The share that is right, which is the class's recall; None without clips."""
        return self.correct / self.clips if self.clips else None


@dataclass(frozen=True)
class Evaluation:
    """The numbers of one score file, shares as fractions.

    Attributes:
        clips: how many were tested.
        missing: how many of the split were not there to be tested.
        accuracy: over clips, with Wilson's interval, which takes clips to be independent.
        mean_class_accuracy: over classes that have clips, with a bootstrap interval over source videos; None with a
            single video in every class, where nothing can be drawn.
        top5: the share of clips whose class is among the five highest scores; 1 with five classes or fewer.
        per_class: in the order of the classes.
        confusion: clips by true class (row) and class said (column).
    """

    clips: int
    missing: int
    accuracy: float
    accuracy_interval: Interval
    mean_class_accuracy: float
    mean_class_accuracy_interval: Interval | None
    top5: float
    per_class: tuple[ClassAccuracy, ...] = field(repr=False)
    confusion: Int64[np.ndarray, "classes classes"] = field(repr=False)

    @property
    def classes_without_clips(self) -> tuple[str, ...]:
        """Classes that no mean includes."""
        return tuple(each.name for each in self.per_class if not each.clips)

    def to_json(self) -> dict[str, Any]:
        """As the commands `recognition test`, `fuse` and `report` tell it."""
        return {
            "accuracy": self.accuracy,
            "mean_class_accuracy": self.mean_class_accuracy,
            "top5": self.top5,
            "clips": self.clips,
            "missing": self.missing,
            "accuracy_interval": self.accuracy_interval,
            "mean_class_accuracy_interval": self.mean_class_accuracy_interval,
            "classes": {
                each.name: {"clips": each.clips, "correct": each.correct, "accuracy": each.accuracy}
                for each in self.per_class
            },
        }


@dataclass(frozen=True)
class McNemar:
    """Two score files on the same clips.

    Attributes:
        clips: how many.
        only_first, only_second: how many clips one alone has right.
        difference: accuracy of the first less that of the second.
        p_value: of McNemar's test, two-sided.
    """

    clips: int
    only_first: int
    only_second: int
    difference: float
    p_value: float


@dataclass(frozen=True)
class MeanAndSpread:
    """A mean of several runs and their standard deviation (n - 1); None with one."""

    mean: float
    spread: float | None
    of: int


@dataclass(frozen=True)
class SplitMean:
    """The mean over the three official splits, each counting the same; shares as fractions."""

    accuracy: MeanAndSpread
    mean_class_accuracy: MeanAndSpread
    top5: MeanAndSpread


def evaluate(scores: Scores, seed: int = 0) -> Evaluation:
    """All numbers of a score file. `seed` is the bootstrap's; the same seed gives the same interval."""
    said = predictions(scores.scores)
    confusion = confusion_matrix(scores.labels, said, len(scores.classes))
    correct = int(np.trace(confusion))
    clips = len(scores.clips)
    return Evaluation(
        clips=clips,
        missing=scores.missing,
        accuracy=correct / clips,
        accuracy_interval=wilson_interval(correct, clips),
        mean_class_accuracy=mean_class_accuracy(confusion),
        mean_class_accuracy_interval=_bootstrap_interval(scores, said == scores.labels, seed),
        top5=top_k_accuracy(scores.scores, scores.labels, _TOP),
        per_class=_per_class(confusion, scores.classes),
        confusion=confusion,
    )


def predictions(scores: Float32[np.ndarray, "clips classes"]) -> Int64[np.ndarray, " clips"]:
    """The class of the highest score; of equal ones the first."""
    return scores.argmax(axis=1).astype(np.int64)


def confusion_matrix(
    labels: Int64[np.ndarray, " clips"], said: Int64[np.ndarray, " clips"], classes: int
) -> Int64[np.ndarray, "classes classes"]:
    """How many clips of each class (row) were said to be of each (column).

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    return np.bincount(labels * classes + said, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def mean_class_accuracy(confusion: Int64[np.ndarray, "classes classes"]) -> float:
    """The mean of each class's share, over the classes that have clips.

    >>> mean_class_accuracy(np.array([[3, 1], [0, 1]]))
    0.875
    """
    clips = confusion.sum(axis=1)
    present = clips > 0
    return float(np.mean(confusion.diagonal()[present] / clips[present]))


def top_k_accuracy(scores: Float32[np.ndarray, "clips classes"], labels: Int64[np.ndarray, " clips"], k: int) -> float:
    """The share of clips whose class has one of the k highest scores; of equal scores the first class is higher."""
    return float(np.mean(ranks_of_class(scores, labels) <= k))


def ranks_of_class(
    scores: Float32[np.ndarray, "clips classes"], labels: Int64[np.ndarray, " clips"]
) -> Int64[np.ndarray, " clips"]:
    """The place of each clip's class among the scores, 1 for the highest; of equal scores the first class is higher.

    >>> ranks_of_class(np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], np.float32), np.array([2, 2])).tolist()
    [2, 2]
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    before = np.arange(scores.shape[1]) < labels[:, None]
    return 1 + ((scores > own) | ((scores == own) & before)).sum(axis=1).astype(np.int64)


def wilson_interval(correct: int, clips: int) -> Interval:
    """Wilson's 95 % score interval of a share (Wilson, JASA 1927): holds its place near 0 and 1 and for few clips."""
    from scipy.stats import binomtest  # takes seconds to import

    found = binomtest(correct, clips).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def mcnemar(first: Scores, second: Scores) -> McNemar:
    """Whether two methods differ on the same clips (McNemar, Psychometrika 1947).

    Only clips that one alone has right tell the methods apart. The test is the exact binomial one at every count, so
    few clips need no exception; with no such clip p is 1.

    Raises:
        InputError: the score files are of different clips, classes or labels.
    """
    second = aligned(first, second)
    from scipy.stats import binomtest

    right, other = (predictions(each.scores) == each.labels for each in (first, second))
    only_first, only_second = int((right & ~other).sum()), int((other & ~right).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    clips = len(first.clips)
    return McNemar(clips, only_first, only_second, (only_first - only_second) / clips, p_value)


def aligned(first: Scores, second: Scores) -> Scores:
    """The second score file with its clips in the order of the first.

    Raises InputError where they are of different classes, clips or labels.
    """
    if first.classes != second.classes:
        if set(first.classes) == set(second.classes):
            raise InputError(
                "score files have the same classes in different order; make both with the official order of classes"
            )
        raise InputError(
            f"score files are of different classes ({len(first.classes)} and {len(second.classes)}, "
            f"{len(set(first.classes) & set(second.classes))} of them in both); test both on the same classes"
        )
    second = second.in_order_of(first.clips)
    if (differing := np.flatnonzero(first.labels != second.labels)).size:
        raise InputError(
            f"score files label {first.clips[int(differing[0])]} differently ({differing.size} such clips); make both "
            "with the same annotations"
        )
    return second


def mean_and_spread(values: Sequence[float]) -> MeanAndSpread:
    """Of at least one value.

    >>> mean_and_spread([1.0, 3.0])
    MeanAndSpread(mean=2.0, spread=1.4142135623730951, of=2)
    """
    return MeanAndSpread(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


def three_split_mean(scores: Sequence[Scores]) -> SplitMean:
    """The mean that papers report: of splits 1, 2 and 3, each once and of the same method.

    Raises:
        InputError: these are not the three splits of one data set, one is partial in another way than the others, or
            they are of different classes or methods.
    """
    splits = sorted(each.settings.split for each in scores)
    if tuple(splits) != SPLITS:
        told = ", ".join(map(str, splits)) or "none"
        raise InputError(f"a three-split mean is of splits 1, 2 and 3, each once; the score files are of {told}")
    for what, kinds in (
        ("data sets", {each.settings.dataset for each in scores}),
        ("classes", {each.classes for each in scores}),
        ("methods", {each.settings.method for each in scores}),
        ("parts", {each.settings.part for each in scores}),
    ):
        if len(kinds) > 1:
            raise InputError(f"the score files of the three splits are of different {what}, so they have no mean")
    found = [evaluate(each) for each in scores]
    return SplitMean(
        mean_and_spread([each.accuracy for each in found]),
        mean_and_spread([each.mean_class_accuracy for each in found]),
        mean_and_spread([each.top5 for each in found]),
    )


def _per_class(confusion: Int64[np.ndarray, "classes classes"], classes: tuple[str, ...]) -> tuple[ClassAccuracy, ...]:
    found = []
    for place, name in enumerate(classes):
        row = confusion[place].copy()
        correct, row[place] = int(row[place]), 0
        most = int(row.argmax())
        found.append(
            ClassAccuracy(
                name, correct + int(row.sum()), correct, (classes[most], int(row[most])) if row.any() else None
            )
        )
    return tuple(found)


def _bootstrap_interval(scores: Scores, correct: np.ndarray, seed: int) -> Interval | None:
    """The percentiles of mean class accuracy where each class's source videos are drawn with replacement.

    Within a class, as the lists fix how many videos each has. Whole videos, as the clips that were cut from one look
    alike: drawn singly, they would promise more than they hold.
    """
    rng = np.random.default_rng(seed)
    videos = np.array(scores.groups)
    total, can_vary = np.zeros(RESAMPLES), False
    present = np.unique(scores.labels)
    for label in present:
        of_class = scores.labels == label
        _, video = np.unique(videos[of_class], return_inverse=True)
        counts = np.bincount(video)
        right = np.bincount(video, weights=correct[of_class])
        can_vary |= len(counts) > 1
        # A class of a plain folder may have thousands of videos: draws of all at once would fill the memory.
        for start in range(0, RESAMPLES, step := max(1, _ABOUT_A_MILLION // len(counts))):
            size = min(step, RESAMPLES - start)
            drawn = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=size)
            total[start : start + size] += (drawn @ right) / (drawn @ counts)
    if not can_vary:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(total / len(present), [tail, 1 - tail])
    return float(low), float(high)
