"""The protocol of Bideau et al. ("The Best of Both Worlds", CVPR 2018), for ground truth of whole moving objects.

Every label counts, the background's as well, over the annotated frames of a shot together. True labels and those of
the result are matched one to one so that the sum of their F is highest; a label without a partner scores 0.
https://github.com/pbideau/video-segmentation-evaluation (accuracy.m and evaluation.m)
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from flowfeat.errors import InputError
from segmentation.formats.label_map import (
    LabelMap,
    LabelMaps,
    frame_name,
    open_label_maps,
    pairs_of_maps,
    shots_of,
)

PROTOCOL = "Bideau et al. 2018, corrected ground truth, all labels with the background"

DETECTED = 0.75
"""The F from which on a label counts as detected."""

_PICTURES = {".jpg", ".jpeg", ".png", ".pgm", ".ppm"}


@dataclass(frozen=True)
class ShotScore:
    """One shot. Precision, recall, F and IoU are sums over matched labels, divided by the number of true labels.

    Attributes:
        name: of the shot.
        frames: how many were scored.
        precision, recall, f_measure, iou: from 0 to 1.
        labels: how many the ground truth has, the background among them.
        found: how many the result has in these frames.
        detected: how many true labels have F of 0.75 and more.
        one_cluster: the F of a result that has one label alone.
        unscored: annotated frames that were left out, by name.
    """

    name: str
    frames: int
    precision: float
    recall: float
    f_measure: float
    iou: float
    labels: int
    found: int
    detected: int
    one_cluster: float
    unscored: tuple[str, ...] = ()

    @property
    def delta_objects(self) -> int:
        """By how many the numbers of labels differ."""
        return abs(self.found - self.labels)


@dataclass(frozen=True)
class BideauResult:
    """A result on several shots; every number is the mean over them, F too.

    Attributes:
        shots: those that were scored, at least one.
        left_out: shots of the result that were not.
        protocol: what these numbers are.
    """

    shots: tuple[ShotScore, ...]
    left_out: tuple[str, ...]
    protocol: str = PROTOCOL

    @property
    def precision(self) -> float:
        return float(np.mean([shot.precision for shot in self.shots]))

    @property
    def recall(self) -> float:
        return float(np.mean([shot.recall for shot in self.shots]))

    @property
    def f_measure(self) -> float:
        return float(np.mean([shot.f_measure for shot in self.shots]))

    @property
    def iou(self) -> float:
        return float(np.mean([shot.iou for shot in self.shots]))

    @property
    def delta_objects(self) -> float:
        return float(np.mean([shot.delta_objects for shot in self.shots]))

    def to_json(self) -> dict[str, object]:
        return {
            "protocol": self.protocol,
            "precision": self.precision,
            "recall": self.recall,
            "f_measure": self.f_measure,
            "iou": self.iou,
            "delta_objects": self.delta_objects,
            "labels": sum(shot.labels for shot in self.shots),
            "detected": sum(shot.detected for shot in self.shots),
            "one_cluster": {"f_measure": float(np.mean([shot.one_cluster for shot in self.shots]))},
            "sequences": {shot.name: _of_shot(shot) for shot in self.shots},
            "left_out": list(self.left_out),
        }


def evaluate_bideau(
    truth: str | Path, results: str | Path, frames: str | Path | None = None, shots: Sequence[str] | None = None
) -> BideauResult:
    """Score label maps against ground truth of integer labels in PNG.

    Args:
        truth: `SHOT/00019.png`, for the annotated frames alone.
        results: `SHOT/00000.png` for every frame of the shot.
        frames: `SHOT/` with the pictures. If given, a file of the ground truth is named by the last number in its
            picture's name and one of the result by the picture's place, from 0; and the last picture is not scored,
            as in the published code, since it has no flow. If not, both have the same name and all are scored.
        shots: the names of those to score; all of the ground truth if not given.

    Raises:
        InputError: a shot or a label map is missing, or no annotated frame is left, which is told before any is scored;
            or a label is negative.
        FormatError: a label map cannot be read, or has not the size of its ground truth.
    """
    truth, results = Path(truth), Path(results)
    names = shots_of(truth) if shots is None else list(dict.fromkeys(shots))
    if not names:
        raise InputError(f"{truth}: there is no shot here; ground truth is expected as SHOT/{frame_name(19)}.png")
    present = shots_of(results)
    scored = {}
    for name in names:
        known = open_label_maps(truth / name)
        places = _places(known, None if frames is None else Path(frames) / name)
        if not places:
            raise InputError(f"{truth / name}: no frame that is scored has ground truth here; check the file names")
        scored[name] = (
            open_label_maps(known.folder, list(places)),
            open_label_maps(results / name, list(places.values())),
            tuple(stem for stem in known.names if stem not in places),
        )
    scores = tuple(
        score_shot(name, pairs_of_maps(known, found), unscored) for name, (known, found, unscored) in scored.items()
    )
    return BideauResult(scores, tuple(sorted(set(present) - set(names))))


def score_shot(name: str, frames: Iterable[tuple[LabelMap, LabelMap]], unscored: tuple[str, ...] = ()) -> ShotScore:
    """Score one shot.

    Args:
        name: for the message and the result.
        frames: of each annotated frame, the true labels and those of the result.
        unscored: annotated frames that are not among them.

    Raises:
        InputError: there is no frame, or a label is negative.
    """
    overlap, count = _overlap(name, frames)
    true_sizes, found_sizes = overlap.sum(axis=1), overlap.sum(axis=0)
    precision, recall = overlap / found_sizes, overlap / true_sizes[:, None]
    f_measure, iou = _harmonic(precision, recall), overlap / (true_sizes[:, None] + found_sizes - overlap)
    # Where two assignments are as good, the larger segment of the result comes first.
    order = np.argsort(-found_sizes, kind="stable")
    rows, columns = linear_sum_assignment(f_measure[:, order], maximize=True)
    matched, labels = (rows, order[columns]), len(true_sizes)
    share = true_sizes / true_sizes.sum()
    return ShotScore(
        name,
        count,
        float(precision[matched].sum() / labels),
        float(recall[matched].sum() / labels),
        float(f_measure[matched].sum() / labels),
        float(iou[matched].sum() / labels),
        labels,
        len(found_sizes),
        int(np.count_nonzero(f_measure[matched] >= DETECTED)),
        float(_harmonic(share, np.ones_like(share)).max() / labels),
        unscored,
    )


def _overlap(name: str, frames: Iterable[tuple[LabelMap, LabelMap]]) -> tuple[Int[np.ndarray, "true found"], int]:
    """How many pixels each true label shares with each one of the result, for those that occur; and the frames."""
    keys, pixels = [], []
    for truth, found in frames:
        if truth.min() < 0 or found.min() < 0:
            raise InputError(f"{name}: a label of its annotated frame {len(keys) + 1} is negative; number them from 0")
        # A pair of labels as one number, which is faster to sort than pairs are.
        key, count = np.unique(truth.astype(np.int64) << 32 | found, return_counts=True)
        keys.append(key)
        pixels.append(count)
    if not keys:
        raise InputError(f"{name}: there is no annotated frame to score")
    key = np.concatenate(keys)
    _, rows = np.unique(key >> 32, return_inverse=True)
    _, columns = np.unique(key & 0xFFFFFFFF, return_inverse=True)
    overlap = np.zeros((rows.max() + 1, columns.max() + 1), np.int64)
    np.add.at(overlap, (rows, columns), np.concatenate(pixels))
    return overlap, len(keys)


def _harmonic(precision: Float[np.ndarray, "*shape"], recall: Float[np.ndarray, "*shape"]) -> np.ndarray:
    """The harmonic mean, 0 where either is."""
    return 2 * precision * recall / np.where(precision > 0, precision + recall, 1.0)


def _places(known: LabelMaps, pictures: Path | None) -> dict[str, str]:
    """The stems of the annotated frames that are scored, each with that of its result."""
    if pictures is None:
        return {name: name for name in known.names}
    if not pictures.is_dir():
        raise InputError(f"{pictures}: there is no such folder; the pictures of the shot are expected in it")
    names = sorted(path.stem for path in pictures.iterdir() if path.suffix.lower() in _PICTURES)
    numbers = [re.findall(r"\d+", name.rsplit("_", 1)[-1]) for name in names]
    places = {frame_name(int(found[-1])): frame_name(index) for index, found in enumerate(numbers[:-1]) if found}
    return {name: places[name] for name in known.names if name in places}


def _of_shot(shot: ShotScore) -> dict[str, object]:
    return {
        "precision": shot.precision,
        "recall": shot.recall,
        "f_measure": shot.f_measure,
        "iou": shot.iou,
        "delta_objects": shot.delta_objects,
        "labels": shot.labels,
        "found": shot.found,
        "detected": shot.detected,
        "one_cluster": {"f_measure": shot.one_cluster},
        "frames": shot.frames,
        "unscored": list(shot.unscored),
    }
