"""One line for many shots, as MoSegEval takes the means: every shot counts the same, however long it is."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from segmentation.evaluation.bms26 import Bms26Score
from segmentation.evaluation.moseg import MosegScore, harmonic_mean


@dataclass(frozen=True)
class MosegMeans:
    """The official or the strict score over shots.

    Attributes:
        protocol: `moseg` or `moseg-strict`.
        density: percent; precision and recall are fractions. Means over the evaluated shots, None without one.
        precision_deviation: the standard deviation of the shots' precision (of these shots, not of a population).
        f_measure: the harmonic mean of mean precision and mean recall, not the mean of F.
        visible, extracted: sums over the evaluated shots.
        evaluated: the shots that are in the means.
        not_evaluated: those with nothing to evaluate in the window, by name; they are in no number.
    """

    protocol: str
    density: float | None
    precision: float | None
    precision_deviation: float | None
    recall: float | None
    f_measure: float | None
    visible: int
    extracted: int
    evaluated: int
    not_evaluated: tuple[str, ...]


@dataclass(frozen=True)
class Bms26Means:
    """The clustering errors over shots: means, None without an evaluated shot, and sums as in `MosegMeans`."""

    protocol: str
    density: float | None
    overall_error: float | None
    average_error: float | None
    over_segmentation: float | None
    visible: int
    extracted: int
    evaluated: int
    not_evaluated: tuple[str, ...]


def mean_moseg(protocol: str, scores: Mapping[str, MosegScore]) -> MosegMeans:
    """The means over shots, by name. `protocol` is theirs, and is asked for because there may be none."""
    shots = [score for score in scores.values() if score.evaluated]
    precision, recall = _mean(shot.precision for shot in shots), _mean(shot.recall for shot in shots)
    return MosegMeans(
        protocol=protocol,
        density=_mean(shot.density for shot in shots),
        precision=precision,
        precision_deviation=_deviation([shot.precision for shot in shots if shot.precision is not None]),
        recall=recall,
        f_measure=None if precision is None or recall is None else harmonic_mean(precision, recall),
        visible=sum(shot.visible for shot in shots),
        extracted=sum(shot.extracted for shot in shots),
        evaluated=len(shots),
        not_evaluated=tuple(name for name, score in scores.items() if not score.evaluated),
    )


def mean_bms26(scores: Mapping[str, Bms26Score]) -> Bms26Means:
    """The means over shots, by name."""
    shots = [score for score in scores.values() if score.evaluated]
    return Bms26Means(
        protocol="bms26",
        density=_mean(shot.density for shot in shots),
        overall_error=_mean(shot.overall_error for shot in shots),
        average_error=_mean(shot.average_error for shot in shots),
        over_segmentation=_mean(shot.over_segmentation for shot in shots),
        visible=sum(shot.visible for shot in shots),
        extracted=sum(shot.extracted for shot in shots),
        evaluated=len(shots),
        not_evaluated=tuple(name for name, score in scores.items() if not score.evaluated),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _deviation(values: list[float]) -> float | None:
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
