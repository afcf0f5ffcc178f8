"""J and F of DAVIS's unsupervised task (Caelles et al., "The 2019 DAVIS Challenge on VOS: Unsupervised", 2019).

A result proposes up to 20 objects for the whole sequence, in no order. Proposals and true objects are matched so that
the mean of J and F is highest, and every true object counts once, whichever sequence it is in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from flowfeat.errors import InputError
from segmentation.davis import UNSUPERVISED, VOID, open_davis, scored_sequences
from segmentation.evaluation.boundaries import boundaries, f_measure, tolerance
from segmentation.formats.label_map import LabelMap, open_label_maps, pairs_of_maps, shots_of

PROTOCOL = "DAVIS unsupervised J&F (2019, 480p)"
MOST_PROPOSALS = 20

_RECALLED = 0.5
_BINS = 4
_EVERYTHING, _EMPTY = 0, MOST_PROPOSALS + 1
"""Rows beside those of the proposals 1 to 20: one that covers the picture, and one that covers nothing."""


@dataclass(frozen=True)
class Statistics:
    """What DAVIS reports of a measure over the frames of a sequence.

    Attributes:
        mean: from 0 to 1.
        recall: the share of frames above 0.5.
        decay: the mean of the first quarter of frames minus that of the last; below 0 where it becomes better.
    """

    mean: float
    recall: float
    decay: float


@dataclass(frozen=True)
class ObjectScore:
    """A true object and the proposal it was matched with.

    Attributes:
        label: in the ground truth.
        proposal: its label in the result; one that the result never uses where it proposes fewer objects than there
            are.
        J: region similarity, intersection over union.
        F: boundary accuracy.
    """

    label: int
    proposal: int
    J: Statistics
    F: Statistics


@dataclass(frozen=True)
class DavisScore:
    """The seven numbers of DAVIS, means over objects; None without an object. `JF_mean` is the mean of two means."""

    JF_mean: float | None
    J_mean: float | None
    J_recall: float | None
    J_decay: float | None
    F_mean: float | None
    F_recall: float | None
    F_decay: float | None


@dataclass(frozen=True)
class SequenceScore:
    """One sequence.

    Attributes:
        name: of the sequence.
        frames: all of them count.
        proposals: the highest label of the result.
        objects: those of the first frame of the ground truth.
        one_cluster: the same objects with a result that takes the whole picture for one object.
        late: labels of the ground truth that are higher than any in its first frame, which the protocol leaves out.
    """

    name: str
    frames: int
    proposals: int
    objects: tuple[ObjectScore, ...]
    one_cluster: tuple[ObjectScore, ...]
    late: tuple[int, ...]


@dataclass(frozen=True)
class DavisResult:
    """A result on DAVIS.

    Attributes:
        sequences: those that were scored.
        left_out: sequences of the result that were not.
        protocol: what these numbers are.
    """

    sequences: tuple[SequenceScore, ...]
    left_out: tuple[str, ...] = ()
    protocol: str = PROTOCOL

    @property
    def overall(self) -> DavisScore:
        return mean_over_objects(scored for sequence in self.sequences for scored in sequence.objects)

    @property
    def one_cluster(self) -> DavisScore:
        """Of taking the whole picture for one object."""
        return mean_over_objects(scored for sequence in self.sequences for scored in sequence.one_cluster)

    def to_json(self) -> dict[str, object]:
        """The seven numbers over all objects and, below `sequences`, over those of each sequence."""
        return {
            "protocol": self.protocol,
            **asdict(self.overall),
            "sequences": {each.name: asdict(mean_over_objects(each.objects)) for each in self.sequences},
            "one_cluster": asdict(self.one_cluster),
            "objects": sum(len(each.objects) for each in self.sequences),
            "late_labels": {each.name: list(each.late) for each in self.sequences if each.late},
            "left_out": list(self.left_out),
        }


def evaluate_davis(root: str | Path, results: str | Path, sequences: Sequence[str] | None = None) -> DavisResult:
    """Score label maps as DAVIS's unsupervised task does.

    Args:
        root: a copy of DAVIS with `Annotations_unsupervised/480p`.
        results: `SEQUENCE/00000.png` for every frame, 0 where nothing is proposed.
        sequences: the names of those to score; if not given, the validation set of 2017, or every sequence with masks
            where the copy has no `ImageSets`.

    Raises:
        InputError: a sequence or frame is missing, which is told before any is scored, or a result proposes more than
            20 objects.
        FormatError: a label map cannot be read, or has not the size of its ground truth.
    """
    davis, results = open_davis(root), Path(results)
    names = scored_sequences(davis, UNSUPERVISED, sequences)
    present = shots_of(results)
    known = {name: davis.masks(name, UNSUPERVISED) for name in names}
    found = {name: open_label_maps(results / name, truth.names) for name, truth in known.items()}
    scores = tuple(score_sequence(name, pairs_of_maps(known[name], found[name])) for name in names)
    return DavisResult(scores, tuple(sorted(set(present) - set(names))))


def score_sequence(name: str, frames: Iterable[tuple[LabelMap, LabelMap]]) -> SequenceScore:
    """Score one sequence.

    Args:
        name: for the messages and the result.
        frames: the ground truth of every frame, where 255 is void, and the labels that the result gives it.

    Raises:
        InputError: there is no frame, the first has nothing but void, or a label is negative or above 20.
    """
    objects, highest, late = 0, 0, set()
    similarity, accuracy = [], []
    for index, (truth, labels) in enumerate(frames):
        void = truth == VOID
        truth = np.where(void, 0, truth)
        if index == 0:
            objects = int(truth.max())
            if not objects and void.any():
                raise InputError(
                    f"{name}: the ground truth of its first frame has no label but 0 and {VOID}, which is void here; "
                    "masks of one object are for the protocol binary-j"
                )
        if min(truth.min(), labels.min()) < 0:
            raise InputError(f"{name}: frame {index} has a negative label; 0 is the background, objects count from 1")
        highest = max(highest, int(labels.max()))
        if highest > MOST_PROPOSALS:
            raise InputError(
                f"{name}: the label {highest} is in the result of frame {index}, and DAVIS allows {MOST_PROPOSALS} "
                "proposals in a sequence; keep the largest, number them from 1, and write 0 elsewhere"
            )
        late.update(np.unique(truth[truth > objects]).tolist())
        truth[truth > objects] = 0
        proposed = np.where(void, 0, labels)
        similarity.append(_similarities(truth, proposed, void, objects))
        accuracy.append(_accuracies(truth, proposed, void, objects))
    if not similarity:
        raise InputError(f"{name}: there is no frame to score")
    J, F = np.stack(similarity, axis=-1), np.stack(accuracy, axis=-1)
    proposals = [*range(1, highest + 1), *[_EMPTY] * max(objects - highest, 0)]
    everything = [_EVERYTHING, *[_EMPTY] * (objects - 1)]
    return SequenceScore(
        name, len(similarity), highest, _matched(J, F, proposals), _matched(J, F, everything), tuple(sorted(late))
    )


def statistics(values: Float[np.ndarray, " frames"]) -> Statistics:
    """Mean, recall and decay of a measure over frames.

    A quarter begins with the frame that the one before it ends with. Where the published code keeps their borders in
    8 bits, so that sequences of more than 256 frames have a wrong decay or none, here they are whole numbers.
    """
    borders = np.round(np.linspace(1, len(values), _BINS + 1) + 1e-10).astype(np.int64) - 1
    first, last = values[: borders[1] + 1], values[borders[-2] : borders[-1] + 1]
    return Statistics(float(values.mean()), float((values > _RECALLED).mean()), float(first.mean() - last.mean()))


def mean_over_objects(objects: Iterable[ObjectScore]) -> DavisScore:
    """Every object counts the same, whatever its sequence and its size."""
    rows = [(each.J.mean, each.J.recall, each.J.decay, each.F.mean, each.F.recall, each.F.decay) for each in objects]
    if not rows:
        return DavisScore(None, None, None, None, None, None, None)
    j_mean, j_recall, j_decay, f_mean, f_recall, f_decay = np.mean(rows, axis=0).tolist()
    return DavisScore((j_mean + f_mean) / 2, j_mean, j_recall, j_decay, f_mean, f_recall, f_decay)


def _similarities(
    truth: LabelMap, proposed: LabelMap, void: Bool[np.ndarray, "h w"], objects: int
) -> Float[np.ndarray, "rows objects"]:
    """J of every row with every object in one frame; 1 where neither has a pixel."""
    both = truth.astype(np.int64) * _EMPTY + proposed
    common = np.bincount(both.ravel(), minlength=(objects + 1) * _EMPTY).reshape(objects + 1, _EMPTY).T
    in_truth, in_proposal = common.sum(axis=0), common.sum(axis=1)
    overlap = np.zeros((_EMPTY + 1, objects), np.int64)
    overlap[:_EMPTY] = common[:, 1:]
    size = np.append(in_proposal, 0)
    # Row 0 counted what is background in the result; what it stands for is the picture without the void.
    overlap[_EVERYTHING], size[_EVERYTHING] = in_truth[1:], void.size - int(np.count_nonzero(void))
    union = size[:, None] + in_truth[1:] - overlap
    return np.where(union > 0, overlap / np.maximum(union, 1), 1.0)


def _accuracies(
    truth: LabelMap, proposed: LabelMap, void: Bool[np.ndarray, "h w"], objects: int
) -> Float[np.ndarray, "rows objects"]:
    """F of every row with every object in one frame."""
    radius = tolerance(*truth.shape)
    known, found = boundaries(truth, radius), boundaries(proposed, radius)
    # The whole picture has a boundary where it has void.
    everything = boundaries((~void).astype(np.uint8), radius).get(1) if void.any() else None
    rows = [everything, *(found.get(label) for label in range(1, MOST_PROPOSALS + 1)), None]
    return np.array([[f_measure(known.get(label), row) for label in range(1, objects + 1)] for row in rows])


def _matched(
    J: Float[np.ndarray, "rows objects frames"], F: Float[np.ndarray, "rows objects frames"], rows: list[int]
) -> tuple[ObjectScore, ...]:
    """The objects, each with another one of these rows, so that the mean of J and F over frames is highest."""
    chosen: Int[np.ndarray, " candidates"] = np.array(rows, np.int64)
    quality = (J[chosen].mean(axis=2) + F[chosen].mean(axis=2)) / 2
    which, objects = linear_sum_assignment(quality, maximize=True)
    pairs = sorted(zip(objects.tolist(), which.tolist(), strict=True))
    return tuple(
        ObjectScore(index + 1, row + 1, statistics(J[chosen[row], index]), statistics(F[chosen[row], index]))
        for index, row in pairs
    )
