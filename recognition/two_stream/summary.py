"""The numbers of an experiment: each stream, fusion and baseline, by split and over the splits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recognition.metrics import Evaluation, Interval, MeanAndSpread, mean_and_spread, wilson_interval
from recognition.two_stream.parts import BASELINE, FusionPart, RunPart, ScoredPart


@dataclass(frozen=True)
class SummaryRow:
    """One system on one split, or over all of them; shares as fractions.

    Attributes:
        system: a stream, a fusion, or the baseline.
        split: its number; None for the mean over the splits, each counting the same.
        seeds: how many trainings it is the mean of; None for what has no seed.
        accuracy, mean_class_accuracy: of a split, the mean and spread over seeds; of all, over the splits' means.
        interval: of the accuracy on a split, Wilson's for its clips, which all seeds are tested on; None over splits.
        clips: that were tested, of all splits together in a mean.
        missing: clips of the test that the store does not hold.
    """

    system: str
    split: int | None
    seeds: int | None
    accuracy: MeanAndSpread
    mean_class_accuracy: MeanAndSpread
    interval: Interval | None
    clips: int
    missing: int


def summarise(found: Mapping[ScoredPart, Evaluation], splits: Sequence[int], seeds: int) -> tuple[SummaryRow, ...]:
    """A row for each system and split, and one over the splits where there are several and none lacks a seed.

    Args:
        found: what has been tested, of test clips; in the order of the rows.
        splits, seeds: what was asked for: the splits, and how many seeds.
    """
    rows: list[SummaryRow] = []
    for system in dict.fromkeys(map(system_of, found)):
        by_split = {
            split: [each for part, each in found.items() if (system_of(part), part.split) == (system, split)]
            for split in splits
        }
        seeded = system != BASELINE
        of_splits = [_of_split(system, split, each, seeded) for split, each in by_split.items() if each]
        rows += of_splits
        if len(splits) > 1 and all(len(each) == (seeds if seeded else 1) for each in by_split.values()):
            rows.append(_over_splits(system, of_splits))
    return tuple(rows)


def system_of(part: ScoredPart) -> str:
    """What is compared, whatever the split and the seed."""
    if isinstance(part, RunPart):
        return part.stream
    return f"both, {part.method}" if isinstance(part, FusionPart) else BASELINE


def _of_split(system: str, split: int, found: Sequence[Evaluation], seeded: bool) -> SummaryRow:
    accuracy = mean_and_spread([each.accuracy for each in found])
    clips = found[0].clips
    return SummaryRow(
        system,
        split,
        len(found) if seeded else None,
        accuracy,
        mean_and_spread([each.mean_class_accuracy for each in found]),
        wilson_interval(round(accuracy.mean * clips), clips),
        clips,
        found[0].missing,
    )


def _over_splits(system: str, rows: Sequence[SummaryRow]) -> SummaryRow:
    return SummaryRow(
        system,
        None,
        rows[0].seeds,
        mean_and_spread([row.accuracy.mean for row in rows]),
        mean_and_spread([row.mean_class_accuracy.mean for row in rows]),
        None,
        sum(row.clips for row in rows),
        sum(row.missing for row in rows),
    )
