"""What a report says, before it is drawn or written: the numbers of each score file and of each pair of them."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import numpy as np

from flowfeat.benchmarks.record import BenchmarkRecord, read_record
from flowfeat.errors import InputError
from flowfeat.wording import counted
from recognition.metrics import (
    SPLITS,
    Evaluation,
    McNemar,
    MeanAndSpread,
    SplitMean,
    evaluate,
    mcnemar,
    mean_and_spread,
    predictions,
    three_split_mean,
)
from recognition.report.flow_errors import FlowErrors, flow_errors
from recognition.report.published import PUBLISHED_UCF101, PublishedAccuracy, Stream
from recognition.scores import Scores, read_scores

WORST = 6
"""Confusions that a report shows."""

FEW_CLIPS = 300
"""Below this, intervals are more than ten points wide: methods that papers tell apart cannot be."""


@dataclass(frozen=True)
class Answer:
    """A clip and how sure the answer is: its softmax score, 0..1. Of an SVM it is the softmax of the margins."""

    clip: str
    sure: float


@dataclass(frozen=True)
class Confusion:
    """Clips of one class that are taken for another.

    Attributes:
        true, said: the classes.
        clips: those taken for `said`, the surest mistake first.
        of: how many clips of `true` there are.
        right: the clip of `said` that is recognised most surely; None where none is.
    """

    true: str
    said: str
    clips: tuple[Answer, ...]
    of: int
    right: Answer | None


@dataclass(frozen=True)
class Entry:
    """One score file.

    Attributes:
        name: of its pictures and rows; unique in the report.
        file: where it was read.
        scores: what it holds.
        evaluation: its numbers.
        worst: its most frequent confusions, at most `WORST`.
    """

    name: str
    file: Path
    scores: Scores = field(repr=False)
    evaluation: Evaluation
    worst: tuple[Confusion, ...] = field(repr=False)

    @property
    def is_baseline(self) -> bool:
        """Whether these are scores of something that every network should beat."""
        return self.scores.settings.stream not in get_args(Stream)

    @property
    def clips(self) -> tuple[tuple[str, ...], frozenset[str]]:
        """What two entries must have alike to be compared: classes and clips."""
        return self.scores.classes, frozenset(self.scores.clips)


@dataclass(frozen=True)
class SplitMeanOfMethod:
    """A method, of one seed where it has one, over all three splits."""

    method: str
    stream: str
    mean: SplitMean


@dataclass(frozen=True)
class SeedMean:
    """Entries of one method on one split that differ by their seed alone; shares as fractions."""

    method: str
    stream: str
    split: int
    seeds: tuple[int, ...]
    names: tuple[str, ...]
    accuracy: MeanAndSpread
    mean_class_accuracy: MeanAndSpread


@dataclass(frozen=True)
class Comparison:
    """Two entries on the same clips."""

    first: str
    second: str
    test: McNemar


@dataclass(frozen=True)
class Report:
    """All that a report says.

    Attributes:
        entries: the score files, in the order given.
        split_means: of methods of which all three splits are here, by seed.
        seed_means: of methods of which several seeds are here.
        comparisons: of every two entries on the same clips.
        published: rows of others; none where the data set is not theirs.
        flow_errors: of the models of flow that entries use, as far as records of them were given.
    """

    entries: tuple[Entry, ...]
    split_means: tuple[SplitMeanOfMethod, ...]
    seed_means: tuple[SeedMean, ...]
    comparisons: tuple[Comparison, ...]
    published: tuple[PublishedAccuracy, ...]
    flow_errors: tuple[FlowErrors, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader has to know before comparing."""
        return tuple(_remarks(self.entries))

    def baseline_of(self, entry: Entry) -> Entry | None:
        """The baseline on the same clips as an entry; None where there is none, and of a baseline itself."""
        if entry.is_baseline:
            return None
        return next((other for other in self.entries if other.is_baseline and other.clips == entry.clips), None)


def read_report(files: Sequence[Path], records: Sequence[Path] = ()) -> Report:
    """The report of score files, and of records of `flowfeat benchmark` of the models whose flow they are of.

    Raises:
        InputError: no file, one cannot be used, one is there twice, they are of different data sets, or a record is of
            no model that a score file names.
        OSError: a file cannot be read.
    """
    if not files:
        raise InputError("a report needs a score file; give what recognition test or fuse wrote")
    if len({path.resolve() for path in files}) < len(files):
        raise InputError("a score file was given twice; give each once")
    return make_report([(path, read_scores(path)) for path in files], [read_record(path) for path in records])


def make_report(files: Sequence[tuple[Path, Scores]], records: Sequence[BenchmarkRecord] = ()) -> Report:
    """The report of scores and where they are from, and of records. Raises InputError as `read_report`."""
    datasets = sorted({scores.settings.dataset for _, scores in files})
    if len(datasets) > 1:
        raise InputError(f"score files are of different data sets, {', '.join(datasets)}; report one at a time")
    used = {scores.settings.flow for _, scores in files}
    for record in records:
        if not used & {measured.model.model for measured in record.models}:
            raise InputError(
                f"a record is of {record.models[0].model.model} on {record.dataset}, and no score file is of its flow "
                f"({', '.join(sorted(filter(None, used))) or 'none names a model'}); give records of the same models"
            )
    names = _unique_names([path for path, _ in files])
    entries = tuple(
        Entry(name, path, scores, evaluate(scores), worst_confusions(scores))
        for name, (path, scores) in zip(names, files, strict=True)
    )
    return Report(
        entries=entries,
        split_means=tuple(_split_means(entries)),
        seed_means=tuple(_seed_means(entries)),
        comparisons=tuple(
            Comparison(one.name, other.name, mcnemar(one.scores, other.scores))
            for one, other in combinations(entries, 2)
            if one.clips == other.clips
        ),
        published=PUBLISHED_UCF101 if datasets == ["UCF101"] else (),
        flow_errors=tuple(errors for errors in flow_errors(records) if errors.flow in used),
    )


def worst_confusions(scores: Scores) -> tuple[Confusion, ...]:
    """The most frequent confusions, by share of the true class where equally frequent, then by the order of classes."""
    said = predictions(scores.scores)
    sure = np.exp(scores.log_probabilities())
    wrong: dict[tuple[int, int], list[int]] = {}
    right: dict[int, list[int]] = {}
    for clip, (label, other) in enumerate(zip(scores.labels.tolist(), said.tolist(), strict=True)):
        if label == other:
            right.setdefault(label, []).append(clip)
        else:
            wrong.setdefault((label, other), []).append(clip)
    clips = Counter(scores.labels.tolist())
    order = sorted(wrong, key=lambda pair: (-len(wrong[pair]), -len(wrong[pair]) / clips[pair[0]], pair))
    found = []
    for label, other in order[:WORST]:
        mistaken = sorted(wrong[label, other], key=lambda clip, other=other: -sure[clip, other])
        best = max(right.get(other, ()), key=lambda clip, other=other: sure[clip, other], default=None)
        found.append(
            Confusion(
                scores.classes[label],
                scores.classes[other],
                tuple(Answer(scores.clips[clip], float(sure[clip, other])) for clip in mistaken),
                clips[label],
                None if best is None else Answer(scores.clips[best], float(sure[best, other])),
            )
        )
    return tuple(found)


def _unique_names(files: Sequence[Path]) -> list[str]:
    """The files' stems as names of pictures; behind their folder's where two are the same, or else numbered."""
    often = Counter(path.stem for path in files)
    told = [f"{path.parent.name}-{path.stem}" if often[path.stem] > 1 else path.stem for path in files]
    stems = [re.sub(r"[^A-Za-z0-9._-]", "-", name).strip("-") or "scores" for name in told]
    names: list[str] = []
    for stem in stems:
        number, name = 1, stem
        while name in names:
            number += 1
            name = f"{stem}-{number}"
        names.append(name)
    return names


def _split_means(entries: Sequence[Entry]) -> Iterator[SplitMeanOfMethod]:
    groups: dict[tuple[str, str, int | None, tuple[str, ...]], list[Scores]] = {}
    for entry in entries:
        of = entry.scores.settings
        if of.part == "test":
            groups.setdefault((of.method, of.stream, of.seed, entry.scores.classes), []).append(entry.scores)
    for (method, stream, seed, _), scores in groups.items():
        if tuple(sorted(each.settings.split for each in scores)) == SPLITS:
            told = method if seed is None else f"{method}, seed {seed}"
            yield SplitMeanOfMethod(told, stream, three_split_mean(scores))


def _seed_means(entries: Sequence[Entry]) -> Iterator[SeedMean]:
    groups: dict[tuple[str, str, int, str, tuple[str, ...]], list[Entry]] = {}
    for entry in entries:
        of = entry.scores.settings
        if of.seed is not None:
            key = (of.method, of.stream, of.split, of.part, tuple(sorted(entry.scores.clips)))
            groups.setdefault(key, []).append(entry)
    for (method, stream, split, *_), group in groups.items():
        seeds = [entry.scores.settings.seed or 0 for entry in group]
        if len(set(seeds)) == len(seeds) > 1:
            yield SeedMean(
                method,
                stream,
                split,
                tuple(seeds),
                tuple(entry.name for entry in group),
                mean_and_spread([entry.evaluation.accuracy for entry in group]),
                mean_and_spread([entry.evaluation.mean_class_accuracy for entry in group]),
            )


def _remarks(entries: Sequence[Entry]) -> Iterator[str]:
    for whole, names in _grouped(entries, lambda entry: entry.scores.settings.part_of):
        if whole is not None:
            yield f"{names}: of a part of {whole} alone, so these numbers do not compare with published ones."
    for missing, names in _grouped(entries, lambda entry: entry.evaluation.missing):
        if missing:
            yield f"{names}: {counted(missing, 'clip')} of the split missing and in no number."
    for empty, names in _grouped(entries, lambda entry: len(entry.evaluation.classes_without_clips)):
        if empty:
            yield f"{names}: {counted(empty, 'class', 'classes')} without a clip and in no mean."
    for part, names in _grouped(entries, lambda entry: entry.scores.settings.part):
        if part != "test":
            yield f"{names}: of {part} clips, not of the test."
    for few, names in _grouped(entries, lambda entry: entry.evaluation.clips < FEW_CLIPS):
        if few:
            intervals = [
                found.accuracy_interval for found in (e.evaluation for e in entries) if found.clips < FEW_CLIPS
            ]
            yield (
                f"{names}: so few clips prove that the pipeline works, not what a method is worth; 95 % intervals are "
                f"up to {100 * max(high - low for low, high in intervals):.0f} points wide."
            )


def _grouped(entries: Sequence[Entry], key: Callable[[Entry], Any]) -> list[tuple[Any, str]]:
    """Each key with the names of its entries, in the order of the keys' first appearance."""
    groups: dict[Any, list[str]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry.name)
    every = len(groups) == 1 and len(entries) > 1
    return [(value, "All files" if every else ", ".join(names)) for value, names in groups.items()]
