"""The numbers of a report for programs: CSV, shares as fractions."""

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np

from recognition.metrics import predictions, ranks_of_class, wilson_interval
from recognition.report.contents import Entry, Report


def scores_csv(report: Report) -> str:
    """A row for each score file; shares as fractions, empty where undefined."""
    head = (
        "name", "file", "method", "dataset", "split", "part", "seed", "part_of", "clips", "missing", "accuracy",
        "accuracy_low", "accuracy_high", "mean_class_accuracy", "mean_class_accuracy_low", "mean_class_accuracy_high",
        "top5",
    )  # fmt: skip
    rows = []
    for entry in report.entries:
        of, found = entry.scores.settings, entry.evaluation
        settings = (of.method, of.dataset, of.split, of.part, of.seed, of.part_of)
        accuracy = (found.accuracy, *found.accuracy_interval)
        mean_class = (found.mean_class_accuracy, *(found.mean_class_accuracy_interval or (None, None)))
        rows.append((entry.name, entry.file, *settings, found.clips, found.missing, *accuracy, *mean_class, found.top5))
    return _csv(head, rows)


def classes_csv(report: Report) -> str:
    """A row for each class of each score file; shares as fractions, empty where the class has no clip."""
    rows = []
    for entry in report.entries:
        for each in entry.evaluation.per_class:
            low, high = wilson_interval(each.correct, each.clips) if each.clips else (None, None)
            mistaken = each.mistaken_for or (None, None)
            rows.append((entry.name, each.name, each.clips, each.correct, each.accuracy, low, high, *mistaken))
    head = ("name", "class", "clips", "correct", "accuracy", "accuracy_low", "accuracy_high", "mistaken_for", "times")
    return _csv(head, rows)


def clips_csv(report: Report) -> str:
    """A row for each clip of each score file, with what is needed to make every other number again."""
    rows = []
    for entry in report.entries:
        scores = entry.scores
        ranks, predicted = ranks_of_class(scores.scores, scores.labels).tolist(), predictions(scores.scores).tolist()
        for clip, label, said, rank, values in zip(
            scores.clips, scores.labels.tolist(), predicted, ranks, scores.scores, strict=True
        ):
            own, best = float(values[label]), float(values[said])
            rows.append((entry.name, clip, scores.classes[label], scores.classes[said], rank, own, best))
    return _csv(("name", "clip", "class", "said", "rank_of_class", "score_of_class", "score_of_said"), rows)


def confusion_csv(entry: Entry) -> str:
    """Clips by true class (row) and class said (column)."""
    classes = entry.scores.classes
    rows = [(name, *row) for name, row in zip(classes, np.asarray(entry.evaluation.confusion).tolist(), strict=True)]
    return _csv(("class", *classes), rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
