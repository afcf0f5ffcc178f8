"""Two results of a data set by one protocol, on the shots that both have: which is better, and how sure that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from flowfeat.errors import InputError
from segmentation.davis import MERGED, UNSUPERVISED, open_davis
from segmentation.evaluation.bideau import evaluate_bideau
from segmentation.evaluation.binary import evaluate_binary_davis, evaluate_binary_fbms
from segmentation.evaluation.bms26 import Bms26Score
from segmentation.evaluation.davis import ObjectScore, evaluate_davis
from segmentation.evaluation.fbms_results import FbmsProtocol, evaluate_fbms
from segmentation.evaluation.moseg import MosegScore
from segmentation.evaluation.paired import PairedDifference, ResamplingSettings, Score, paired_difference
from segmentation.evaluation.result_folder import ResultFolder
from segmentation.fbms import is_fbms, shot_folders
from segmentation.formats.label_map import shots_of

Protocol = Literal["moseg", "moseg-strict", "bms26", "davis", "binary-j", "bideau"]

Unit = Literal["fraction", "percent", "count"]


@dataclass(frozen=True)
class Measure:
    """A number that a protocol gives a data set.

    Attributes:
        name: as papers have it.
        score: the number, from the sums over shots of what `_Shots` holds of each.
        higher_is_better: of two numbers.
        unit: a fraction is from 0 to 1.
    """

    name: str
    score: Score
    higher_is_better: bool = True
    unit: Unit = "fraction"


def _mean_of(column: int) -> Score:
    """The mean over shots; the last column is 1 for each."""
    return lambda sums: sums[:, column] / sums[:, -1]


def _f_of_means(sums: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, " n"]:
    """The harmonic mean of mean precision and mean recall, which are not both 0 where every shot was evaluated."""
    precision, recall = sums[:, 0] / sums[:, -1], sums[:, 1] / sums[:, -1]
    return 2 * precision * recall / (precision + recall)


def _mean_of_both(sums: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """The mean over objects of J, and that of F, and of these two the mean; the last column counts objects."""
    return (sums[:, 0] / sums[:, -1] + sums[:, 1] / sums[:, -1]) / 2


_MOSEG = (
    Measure("F", _f_of_means),
    Measure("extracted", lambda sums: sums[:, 2], unit="count"),
)

MEASURES: dict[Protocol, tuple[Measure, ...]] = {
    "moseg": _MOSEG,
    "moseg-strict": _MOSEG,
    "bms26": (
        Measure("overall error", _mean_of(0), higher_is_better=False, unit="percent"),
        Measure("extracted", lambda sums: sums[:, 1], unit="count"),
    ),
    "davis": (Measure("J&F", _mean_of_both),),
    "binary-j": (Measure("J", _mean_of(0)),),
    "bideau": (Measure("F", _mean_of(0)),),
}
"""What is compared, the number that a protocol is known for first."""


@dataclass(frozen=True)
class ShotDifference:
    """A measure of one shot in both results."""

    name: str
    first: float
    second: float

    @property
    def difference(self) -> float:
        """First less second."""
        return self.first - self.second


@dataclass(frozen=True)
class MeasureComparison:
    """One measure of two results.

    Attributes:
        measure: its name.
        higher_is_better: of two values.
        unit: of all values.
        paired: the scores of the data set and their difference.
        one_cluster: what the two results would score as one single segment.
        shots: one by one, by falling difference.
    """

    measure: str
    higher_is_better: bool
    unit: Unit
    paired: PairedDifference
    one_cluster: tuple[float, float]
    shots: tuple[ShotDifference, ...]


@dataclass(frozen=True)
class Comparison:
    """Two results by one protocol.

    Attributes:
        protocol: which.
        root: the data set.
        first, second: where label maps or tracks were read.
        window: frames, of the protocols of FBMS-59 alone; None where it is the length of each shot.
        measures: the protocol's number first.
        only_first, only_second: shots that one result has and the other has not.
        other_settings_first, other_settings_second: shots with other settings than their run has now, so no result of
            it.
        not_evaluated: shots that both have and that are in no number, because there is nothing to evaluate in one of
            them: no point on the ground truth, or no object.
        shorter: those that have fewer frames than the window.
        without_truth: those that are no shot of the data set.
        settings: of the resampling.
    """

    protocol: Protocol
    root: Path
    first: Path
    second: Path
    window: int | None
    measures: tuple[MeasureComparison, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    other_settings_first: tuple[str, ...]
    other_settings_second: tuple[str, ...]
    not_evaluated: tuple[str, ...]
    shorter: tuple[str, ...]
    without_truth: tuple[str, ...]
    settings: ResamplingSettings

    @property
    def shots(self) -> int:
        """How many were compared."""
        return self.measures[0].paired.shots


@dataclass(frozen=True, eq=False)
class _Shots:
    """What each shot adds to the sums that measures are made of, and what one single segment would.

    Shots that are not here could not be evaluated, but for `shorter`.
    """

    found: dict[str, list[float]]
    one_cluster: dict[str, list[float]]
    shorter: tuple[str, ...] = ()


def default_protocol(root: str | Path) -> Protocol:
    """The protocol that scores on a data set mostly are by: `moseg` of FBMS-59, `binary-j` of DAVIS.

    Raises InputError where the root is neither.
    """
    if is_fbms(root):
        return "moseg"
    try:
        open_davis(root)
    except InputError:
        raise InputError(
            f"{root}: this is neither FBMS-59 nor DAVIS; give one of them, or ground truth and --protocol bideau"
        ) from None
    return "binary-j"


def compare(
    root: str | Path,
    first: ResultFolder,
    second: ResultFolder,
    protocol: Protocol,
    settings: ResamplingSettings,
    window: int | None = None,
    frames: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Score two results on the shots that both have, and compare the scores.

    Args:
        root: the data set; of `bideau` its ground truth.
        first, second: the results, opened for this protocol.
        protocol: one of them.
        settings: of the resampling.
        window: of the protocols of FBMS-59: 10, 50 or 200 frames, or None for the length of each shot.
        frames: of `bideau`: the pictures, see `evaluate_bideau`.
        progress: called with results done and results in all.

    Raises:
        InputError: no shot is in both results and in the data set, none of these could be evaluated, or something of
            one cannot be used.
        OSError: a file cannot be read.
    """
    with_truth = _with_truth(root, protocol)
    both = [name for name in with_truth if name in first.shots and name in second.shots]
    common = set(first.shots) & set(second.shots)
    if not common:
        raise InputError(
            f"{first.folder} and {second.folder} have no shot in common ({_some(first.shots)} and "
            f"{_some(second.shots)}); give two results of the same shots"
        )
    if not both:
        raise InputError(
            f"{root}: none of the {len(common)} shots that both results have is in it ({_some(sorted(common))}); give "
            "the data set that they were made of"
        )
    sides = []
    for done, side in enumerate((first, second)):
        if progress is not None:
            progress(done, 2)
        sides.append(_score(root, side.folder, both, protocol, window, frames))
    if progress is not None:
        progress(2, 2)
    one, two = sides
    compared = [name for name in both if name in one.found and name in two.found]
    shorter = {*one.shorter, *two.shorter}
    if not compared:
        raise InputError(
            f"{first.folder} and {second.folder}: of the {len(both)} shots that both have, {len(shorter)} are shorter "
            "than the window and in the others there is nothing to evaluate; no comparison can be made"
        )
    return Comparison(
        protocol=protocol,
        root=Path(root),
        first=first.folder,
        second=second.folder,
        window=window,
        measures=tuple(_compare_measure(measure, compared, one, two, settings) for measure in MEASURES[protocol]),
        only_first=tuple(sorted(set(first.shots) - set(second.shots))),
        only_second=tuple(sorted(set(second.shots) - set(first.shots))),
        other_settings_first=first.other_settings,
        other_settings_second=second.other_settings,
        not_evaluated=tuple(name for name in both if name not in compared and name not in shorter),
        shorter=tuple(name for name in both if name in shorter),
        without_truth=tuple(sorted(common - set(both))),
        settings=settings,
    )


def _with_truth(root: str | Path, protocol: Protocol) -> list[str]:
    if protocol == "bideau":
        return shots_of(root)
    if protocol in ("moseg", "moseg-strict", "bms26") or (protocol == "binary-j" and is_fbms(root)):
        return list(shot_folders(root))
    return open_davis(root).annotated(UNSUPERVISED if protocol == "davis" else MERGED)


def _score(
    root: str | Path,
    results: Path,
    shots: Sequence[str],
    protocol: Protocol,
    window: int | None,
    frames: str | Path | None,
) -> _Shots:
    if protocol in ("moseg", "moseg-strict", "bms26"):
        return _fbms(root, results, shots, protocol, window)
    if protocol == "davis":
        sequences = [each for each in evaluate_davis(root, results, shots).sequences if each.objects]
        return _Shots(
            {each.name: _objects(each.objects) for each in sequences},
            {each.name: _objects(each.one_cluster) for each in sequences},
        )
    if protocol == "bideau":
        scores = evaluate_bideau(root, results, frames, shots).shots
        return _Shots(
            {shot.name: [shot.f_measure, 1] for shot in scores}, {shot.name: [shot.one_cluster, 1] for shot in scores}
        )
    evaluate = evaluate_binary_fbms if is_fbms(root) else evaluate_binary_davis
    scores = evaluate(root, results, shots).shots
    return _Shots(
        {shot.name: [shot.J.mean, 1] for shot in scores}, {shot.name: [shot.one_cluster.mean, 1] for shot in scores}
    )


def _fbms(root: str | Path, results: Path, shots: Sequence[str], protocol: FbmsProtocol, window: int | None) -> _Shots:
    scored = evaluate_fbms(root, results, protocol, window, shots=shots)
    evaluated = {name: shot for name, shot in scored.shots.items() if shot.score.evaluated}
    return _Shots(
        {name: _sums(shot.score) for name, shot in evaluated.items()},
        {name: _sums(shot.one_cluster) for name, shot in evaluated.items()},
        scored.shorter,
    )


def _sums(score: MosegScore | Bms26Score) -> list[float]:
    """As `MEASURES` has it: of a shot that was evaluated none of these is None."""
    if isinstance(score, MosegScore):
        return [score.precision or 0.0, score.recall or 0.0, score.extracted, 1]
    return [score.overall_error or 0.0, score.extracted, 1]


def _objects(objects: Sequence[ObjectScore]) -> list[float]:
    return [sum(each.J.mean for each in objects), sum(each.F.mean for each in objects), len(objects)]


def _compare_measure(
    measure: Measure, shots: Sequence[str], one: _Shots, two: _Shots, settings: ResamplingSettings
) -> MeasureComparison:
    first, second = (np.array([side.found[name] for name in shots], np.float64) for side in (one, two))
    alone = [np.array([side.one_cluster[name] for name in shots], np.float64).sum(axis=0) for side in (one, two)]
    one_cluster = measure.score(np.stack(alone)).tolist()
    of_shots = [
        ShotDifference(name, a, b)
        for name, a, b in zip(shots, measure.score(first).tolist(), measure.score(second).tolist(), strict=True)
    ]
    return MeasureComparison(
        measure=measure.name,
        higher_is_better=measure.higher_is_better,
        unit=measure.unit,
        paired=paired_difference(first, second, measure.score, settings, measure.higher_is_better),
        one_cluster=(one_cluster[0], one_cluster[1]),
        shots=tuple(sorted(of_shots, key=lambda shot: (-shot.difference, shot.name))),
    )


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}" if names else "none"
