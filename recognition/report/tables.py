"""The numbers of a report as tables: CSV for programs, Markdown for people."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from recognition.metrics import Interval, MeanAndSpread, predictions, wilson_interval
from recognition.report.contents import Entry, Report


@dataclass(frozen=True)
class Table:
    """A table for people.

    Attributes:
        title: above it.
        head: of its columns.
        rows: as text.
        numbers: which columns are numbers, to end in line.
        note: below it.
        ours: how many of the first rows are ours, where others' follow.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int]
    note: str = ""
    ours: int = 0


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
        for clip, label, said, values in zip(
            scores.clips, scores.labels.tolist(), predictions(scores.scores).tolist(), scores.scores, strict=True
        ):
            own, best = float(values[label]), float(values[said])
            rank = int((values > values[label]).sum() + (values[:label] == values[label]).sum()) + 1
            rows.append((entry.name, clip, scores.classes[label], scores.classes[said], rank, own, best))
    return _csv(("name", "clip", "class", "said", "rank_of_class", "score_of_class", "score_of_said"), rows)


def confusion_csv(entry: Entry) -> str:
    """Clips by true class (row) and class said (column)."""
    classes = entry.scores.classes
    rows = [(name, *row) for name, row in zip(classes, np.asarray(entry.evaluation.confusion).tolist(), strict=True)]
    return _csv(("class", *classes), rows)


def summary_tables(report: Report) -> list[Table]:
    """The tables of all score files together, shares in percent."""
    found = [_overview(report)]
    if report.split_means:
        found.append(_split_means(report))
    if report.seed_means:
        found.append(_seed_means(report))
    if report.comparisons:
        found.append(_comparisons(report))
    if report.flow_errors:
        found.append(_flow_errors(report))
    if report.published:
        found.append(_published(report))
    return found


def confusions_table(entry: Entry) -> Table:
    """The most frequent confusions of a score file, the surest mistakes named first."""
    return Table(
        f"Worst confusions of {entry.name}",
        ("true", "taken for", "clips", "of", "which"),
        tuple(
            (
                each.true,
                each.said,
                str(len(each.clips)),
                str(each.of),
                ", ".join(each.clips[:3]) + _more(each.clips[3:]),
            )
            for each in entry.worst
        ),
        frozenset({2, 3}),
    )


def classes_table(entry: Entry) -> Table:
    """Each class of a score file; nothing where it has no clip."""
    return Table(
        f"Classes of {entry.name}",
        ("class", "clips", "right", "accuracy", "95 %", "most often taken for"),
        tuple(
            (
                each.name,
                str(each.clips),
                str(each.correct),
                "" if each.accuracy is None else _percent(each.accuracy),
                _interval(wilson_interval(each.correct, each.clips) if each.clips else None),
                "" if each.mistaken_for is None else f"{each.mistaken_for[0]} ({each.mistaken_for[1]})",
            )
            for each in entry.evaluation.per_class
        ),
        frozenset({1, 2, 3, 4}),
    )


def markdown(report: Report) -> str:
    """The report in Markdown, all tables."""
    lines = [f"# Action recognition on {_cell(report.entries[0].scores.settings.dataset)}", ""]
    for remark in report.remarks:
        lines += [f"- {_cell(remark)}"]
    of_entries = [
        table
        for entry in report.entries
        for table in ([confusions_table(entry)] if entry.worst else []) + [classes_table(entry)]
    ]
    for table in [*summary_tables(report), *of_entries]:
        rule = ["---:" if column in table.numbers else "---" for column in range(len(table.head))]
        lines += ["", f"## {_cell(table.title)}", ""]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in (table.head, rule, *table.rows)]
        lines += ["", table.note] if table.note else []
    return "\n".join(lines) + "\n"


def _overview(report: Report) -> Table:
    rows = []
    for entry in report.entries:
        of, found = entry.scores.settings, entry.evaluation
        rows.append(
            (
                entry.name,
                of.method,
                str(of.split),
                "" if of.seed is None else str(of.seed),
                f"{found.clips} ({found.missing})" if found.missing else str(found.clips),
                _percent(found.accuracy),
                _interval(found.accuracy_interval),
                _percent(found.mean_class_accuracy),
                _interval(found.mean_class_accuracy_interval),
                _percent(found.top5),
            )
        )
    return Table(
        "Accuracy",
        ("", "method", "split", "seed", "clips (missing)", "accuracy", "95 %", "mean class accuracy", "95 %", "top 5"),
        tuple(rows),
        frozenset(range(2, 10)),
        "Percent. Accuracy counts clips, with Wilson's interval; mean class accuracy counts classes, with a bootstrap "
        "interval over the source videos within each class. Clips that were cut from one video look alike, so "
        "Wilson's interval, which takes them to be independent, is too narrow where there are several.",
    )


def _split_means(report: Report) -> Table:
    return Table(
        "Mean of the three splits",
        ("method", "accuracy", "mean class accuracy", "top 5"),
        tuple(
            (method, *(_spread(each) for each in (mean.accuracy, mean.mean_class_accuracy, mean.top5)))
            for method, mean in report.split_means
        ),
        frozenset({1, 2, 3}),
        "Mean ± standard deviation over the splits, each counting the same.",
    )


def _seed_means(report: Report) -> Table:
    return Table(
        "Mean of several seeds",
        ("method", "split", "seeds", "accuracy", "mean class accuracy"),
        tuple(
            (
                each.method,
                str(each.split),
                ", ".join(map(str, each.seeds)),
                _spread(each.accuracy),
                _spread(each.mean_class_accuracy),
            )
            for each in report.seed_means
        ),
        frozenset({1, 3, 4}),
        "Mean ± standard deviation over the seeds.",
    )


def _comparisons(report: Report) -> Table:
    return Table(
        "Do two methods differ?",
        ("A", "B", "clips", "only A right", "only B right", "A - B", "McNemar p"),
        tuple(
            (
                each.first,
                each.second,
                str(each.test.clips),
                str(each.test.only_first),
                str(each.test.only_second),
                f"{100 * each.test.difference + 0.0:+.1f}",
                f"{each.test.p_value:.3g}",
            )
            for each in report.comparisons
        ),
        frozenset(range(2, 7)),
        "McNemar's exact test on the clips that one alone has right, two-sided; not corrected for the number of pairs.",
    )


def _flow_errors(report: Report) -> Table:
    rows = []
    for entry in report.entries:
        for each in report.flow_errors:
            if each.flow == entry.scores.settings.flow:
                errors = (each.endpoint_error, each.at_boundaries, each.at_small_displacements)
                told = ("" if error is None else f"{error:.3f}" for error in errors)
                rows.append((entry.name, each.flow, _percent(entry.evaluation.accuracy), each.dataset, *told))
    return Table(
        "Errors of the flow, beside the accuracy it led to",
        ("", "flow", "accuracy", "errors on", "endpoint error", "at boundaries", "below 1 px of motion"),
        tuple(rows),
        frozenset({2, 4, 5, 6}),
        "Errors in pixels. A lower endpoint error is not a better classifier: accuracy goes with the error at motion "
        "boundaries and at small displacements (Sevilla-Lara et al.).",
    )


def _published(report: Report) -> Table:
    ours = [
        (
            f"ours: {entry.name}",
            entry.scores.settings.stream,
            _percent(entry.evaluation.accuracy),
            _percent(entry.evaluation.mean_class_accuracy),
            str(entry.scores.settings.split),
            entry.scores.settings.method + (", on a part of the split" if entry.scores.settings.part_of else ""),
            "",
        )
        for entry in report.entries
    ]
    others = [
        (
            each.system,
            each.stream,
            "" if each.measure == "mean class accuracy" else _as_printed(each.accuracy),
            _as_printed(each.accuracy) if each.measure == "mean class accuracy" else "",
            each.split,
            each.protocol,
            f"{each.source}{' (memory)' if each.memory else ''}",
        )
        for each in report.published
    ]
    return Table(
        "Published on UCF101, beside ours",
        ("system", "stream", "accuracy", "mean class accuracy", "split", "protocol", "source"),
        (*ours, *others),
        frozenset({2, 3}),
        "Compare rows of one stream, split and protocol alone. (memory): confirmed in no readable copy of the paper, a "
        "reference only. FlowNet 2.0's Table 5 is the temporal stream of 2014 alone; its split, quantisation and "
        "schedule are stated nowhere. Endpoint error of the flow says little about these numbers; its error at motion "
        "boundaries and at small displacements says more (Sevilla-Lara et al.).",
        ours=len(ours),
    )


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def _cell(text: str) -> str:
    """Text that breaks no table of Markdown and holds no HTML."""
    return text.replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _as_printed(percent: float) -> str:
    """With one digit after the point or, where the source has two, with two."""
    return f"{percent:.1f}" if round(percent, 1) == percent else f"{percent:.2f}"


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{_percent(interval[0])} to {_percent(interval[1])}"


def _spread(found: MeanAndSpread) -> str:
    return _percent(found.mean) + ("" if found.spread is None else f" ± {_percent(found.spread)}")


def _more(rest: Sequence[str]) -> str:
    return f" and {len(rest)} more" if rest else ""
