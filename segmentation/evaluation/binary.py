"""Binary J: one mask a frame, all objects merged, as unsupervised video object segmentation is scored.

J is the intersection over the union of DAVIS (Perazzi et al., CVPR 2016), F its boundary measure. The evaluation
published with DAVIS 2016 leaves out the first and the last frame of each sequence, so they are left out here. Papers
that report FBMS so differ in whether they average over frames or over shots, and seldom say which (issues of MATNet,
COSNet and 3DC-Seg); both are here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from flowfeat.errors import InputError
from segmentation.davis import MERGED, open_davis, scored_sequences
from segmentation.evaluation.boundaries import boundaries, f_measure, tolerance
from segmentation.evaluation.davis import Statistics, statistics
from segmentation.fbms import Shot, open_fbms
from segmentation.formats.label_map import LabelMaps, check_size, frame_name, open_label_maps, pairs_of_maps, shots_of

DAVIS_PROTOCOL = "binary J (DAVIS 2016, 480p, without the first and the last frame)"
ALL_FRAMES_PROTOCOL = "binary J (DAVIS 2016, 480p, all frames)"
SCORED = slice(1, -1)
"""The frames of a sequence that the evaluation published with DAVIS 2016 scores."""

FBMS_PROTOCOL = "binary J (FBMS-59, annotated frames, all objects merged)"

Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True)
class ShotScore:
    """One shot.

    Attributes:
        name: of the shot.
        frames: how many were scored.
        J: intersection over union.
        F: boundary accuracy.
        one_cluster: J of a result that takes the whole picture for the object.
    """

    name: str
    frames: int
    J: Statistics
    F: Statistics
    one_cluster: Statistics


@dataclass(frozen=True)
class BinaryResult:
    """A result on the shots of a data set.

    Attributes:
        shots: those that were scored, at least one.
        left_out: shots of the result that were not.
        protocol: what these numbers are.
    """

    shots: tuple[ShotScore, ...]
    left_out: tuple[str, ...]
    protocol: str

    @property
    def J(self) -> Statistics:
        """Over shots: each counts the same."""
        return _over_shots([shot.J for shot in self.shots])

    @property
    def F(self) -> Statistics:
        return _over_shots([shot.F for shot in self.shots])

    @property
    def J_over_frames(self) -> float:
        """The mean over the frames of all shots together: a long shot counts more."""
        return _over_frames([(shot.J, shot.frames) for shot in self.shots])

    @property
    def F_over_frames(self) -> float:
        return _over_frames([(shot.F, shot.frames) for shot in self.shots])

    def to_json(self) -> dict[str, object]:
        """`J_mean` and the five after it are means over shots; those over frames say so."""
        return {
            "protocol": self.protocol,
            **_named(self.J, self.F),
            "J_mean_over_frames": self.J_over_frames,
            "F_mean_over_frames": self.F_over_frames,
            "one_cluster": {
                "J_mean": _over_shots([shot.one_cluster for shot in self.shots]).mean,
                "J_mean_over_frames": _over_frames([(shot.one_cluster, shot.frames) for shot in self.shots]),
            },
            "frames": sum(shot.frames for shot in self.shots),
            "sequences": {shot.name: _named(shot.J, shot.F) for shot in self.shots},
            "left_out": list(self.left_out),
        }


def evaluate_binary_davis(
    root: str | Path, results: str | Path, sequences: Sequence[str] | None = None, all_frames: bool = False
) -> BinaryResult:
    """Binary J on DAVIS: what is not 0 is the object, in `Annotations/480p` and in the result.

    Args:
        root: a copy of DAVIS.
        results: `SEQUENCE/00000.png` for every frame that is scored.
        sequences: the names of those to score; if not given, the validation set of 2016, or every sequence with masks
            where the copy has no `ImageSets`.
        all_frames: score the first and the last frame of each sequence, too, which the published evaluation does not.

    Raises:
        InputError: a sequence or a frame is missing, which is told before any is scored, or a sequence has no frame
            but the first and the last.
        FormatError: a label map cannot be read, or has not the size of its ground truth.
    """
    davis, results = open_davis(root), Path(results)
    names = scored_sequences(davis, MERGED, sequences)
    present = shots_of(results)
    truths, maps = {}, {}
    for name in names:
        truth = davis.masks(name, MERGED)
        truths[name] = truth if all_frames else replace(truth, names=truth.names[SCORED])
        if not len(truths[name]):
            raise InputError(f"{truth.folder}: it has no frame but the first and the last, and these are not scored")
        maps[name] = open_label_maps(results / name, truths[name].names)
    scores = []
    for name in names:
        pairs = pairs_of_maps(truths[name], maps[name])
        scores.append(score_shot(name, ((known > 0, found > 0) for known, found in pairs)))
    protocol = ALL_FRAMES_PROTOCOL if all_frames else DAVIS_PROTOCOL
    return BinaryResult(tuple(scores), tuple(sorted(set(present) - set(names))), protocol)


def evaluate_binary_fbms(root: str | Path, results: str | Path, shots: Sequence[str] | None = None) -> BinaryResult:
    """Binary J on the annotated frames of FBMS-59: what is not region 0 is the object, in the result what is not 0.

    Probability maps are not used, and colours that a `Def.dat` does not name are region 0, as with MoSegEval.

    Args:
        root: a copy of FBMS-59, or its `Testset`, which papers report.
        results: `SHOT/00000.png` for every annotated frame at least, by its place in the shot, from 0.
        shots: the names of those to score; all that are there if not given.

    Raises:
        InputError: a shot, a frame or its ground truth is missing; of the result, that is told before any is scored.
        FormatError: a file cannot be read, or a label map has not the size of its ground truth.
    """
    known, results = {shot.name: shot for shot in open_fbms(root)}, Path(results)
    names = list(known) if shots is None else list(dict.fromkeys(shots))
    for name in names:
        if name not in known:
            raise InputError(f"{root}: the shot {name} is not here; there are {', '.join(known)}")
    if not names:
        raise InputError(f"{root}: no shot is left to be scored; name at least one")
    present = shots_of(results)
    maps = {name: _annotated_maps(known[name], results / name) for name in names}
    scores = tuple(score_shot(name, _fbms_frames(known[name], maps[name])) for name in names)
    return BinaryResult(scores, tuple(sorted(set(present) - set(names))), FBMS_PROTOCOL)


def score_shot(name: str, frames: Iterable[tuple[Mask, Mask]]) -> ShotScore:
    """Score one shot.

    Args:
        name: for the message and the result.
        frames: of each annotated frame, where the object is and where the result says it is.

    Raises:
        InputError: there is no frame.
    """
    scores = np.array(list(_frame_scores(frames)), np.float64)
    if not len(scores):
        raise InputError(f"{name}: there is no annotated frame to score")
    J, F, one_cluster = (statistics(column) for column in scores.T)
    return ShotScore(name, len(scores), J, F, one_cluster)


def jaccard(first: Mask, second: Mask) -> float:
    """Intersection over union, from 0 to 1; 1 where both masks are empty.

    >>> jaccard(np.array([[True, True, False]]), np.array([[False, True, False]]))
    0.5
    """
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 1.0


def _annotated_maps(shot: Shot, results: Path) -> LabelMaps:
    return open_label_maps(results, [frame_name(annotation.frame) for annotation in shot.definition.annotations])


def _fbms_frames(shot: Shot, maps: LabelMaps) -> Iterator[tuple[Mask, Mask]]:
    for annotation, name, labels in zip(shot.definition.annotations, maps.names, maps, strict=True):
        region = shot.read_truth(annotation).region
        check_size(maps.path(name), labels, region.shape)
        yield region != 0, labels > 0


def _frame_scores(frames: Iterable[tuple[Mask, Mask]]) -> Iterator[tuple[float, float, float]]:
    """J, F and the J of one cluster, of each frame."""
    for truth, found in frames:
        radius = tolerance(*truth.shape)
        known, proposed = (boundaries(mask.astype(np.uint8), radius).get(1) for mask in (truth, found))
        # A result that covers the picture overlaps with all of the object, and its union is the picture.
        yield jaccard(truth, found), f_measure(known, proposed), float(truth.mean())


def _over_shots(shots: list[Statistics]) -> Statistics:
    mean, recall, decay = np.mean([(shot.mean, shot.recall, shot.decay) for shot in shots], axis=0).tolist()
    return Statistics(mean, recall, decay)


def _over_frames(shots: list[tuple[Statistics, int]]) -> float:
    return sum(shot.mean * frames for shot, frames in shots) / sum(frames for _, frames in shots)


def _named(J: Statistics, F: Statistics) -> dict[str, float]:
    return {
        "J_mean": J.mean,
        "J_recall": J.recall,
        "J_decay": J.decay,
        "F_mean": F.mean,
        "F_recall": F.recall,
        "F_decay": F.decay,
    }
