"""Published numbers and ours in one table, stream by stream."""

from collections.abc import Iterator

from recognition.report.contents import Report
from recognition.report.published import PublishedAccuracy
from recognition.report.table import Table, percent, spread

_STREAMS = ("temporal", "spatial", "fused")

Row = tuple[str, ...]


def beside_published(report: Report) -> Table:
    """Baselines, then each stream: ours, of which seeds and splits are averaged where they can be, and others'."""
    ours = list(_ours(report))
    others = [(each.stream, _row(each)) for each in report.published]
    baselines = [row for stream, row in ours if stream not in _STREAMS]
    rows, marked = list(baselines), set(range(len(baselines)))
    for stream in _STREAMS:
        mine = [row for of, row in ours if of == stream]
        marked |= set(range(len(rows), len(rows) + len(mine)))
        rows += mine + [row for of, row in others if of == stream]
    return Table(
        "Published on UCF101, beside ours",
        ("stream", "system", "accuracy", "mean class accuracy", "split", "protocol", "source"),
        tuple(rows),
        frozenset({2, 3}),
        "Compare rows of one stream, split and protocol alone, and accuracy with accuracy. (memory): confirmed in no "
        "readable copy of the paper, a reference only. FlowNet 2.0's Table 5 is the temporal stream of 2014 alone; its "
        "split, quantisation and schedule are stated nowhere. Endpoint error of the flow says little about these "
        "numbers; its error at motion boundaries and at small displacements says more (Sevilla-Lara et al.).",
        frozenset(marked),
    )


def _ours(report: Report) -> Iterator[tuple[str, Row]]:
    """Our rows with their streams; scores of other clips than the test's have none."""
    averaged = {name for each in report.seed_means for name in each.names}
    parts = {entry.name: entry.scores.settings.part_of for entry in report.entries}
    tested = {entry.name for entry in report.entries if entry.scores.settings.part == "test"}
    for each in report.seed_means:
        if each.names[0] in tested:
            system = f"ours, mean of {len(each.seeds)} seeds"
            numbers = (spread(each.accuracy), spread(each.mean_class_accuracy))
            method = _protocol(each.method, parts[each.names[0]])
            yield each.stream, (_stream(each.stream), system, *numbers, str(each.split), method, "")
    for entry in report.entries:
        of, found = entry.scores.settings, entry.evaluation
        if entry.name in tested - averaged:
            numbers = (percent(found.accuracy), percent(found.mean_class_accuracy))
            method = _protocol(of.method, of.part_of)
            yield of.stream, (_stream(of.stream), f"ours, {entry.name}", *numbers, str(of.split), method, "")
    for each in report.split_means:
        numbers = (spread(each.mean.accuracy), spread(each.mean.mean_class_accuracy))
        yield each.stream, (_stream(each.stream), "ours", *numbers, "mean of 3", each.method, "")


def _stream(stream: str) -> str:
    return stream if stream in _STREAMS else "baseline"


def _protocol(method: str, part_of: str | None) -> str:
    return f"{method}; on a part of the split" if part_of else method


def _row(each: PublishedAccuracy) -> Row:
    # One digit after the point or, where the source has two, two.
    number = f"{each.accuracy:.1f}" if round(each.accuracy, 1) == each.accuracy else f"{each.accuracy:.2f}"
    number += " (memory)" if each.memory else ""
    numbers = ("", number) if each.measure == "mean class accuracy" else (number, "")
    unknown = "; which accuracy is not stated" if each.measure == "not stated" else ""
    return each.stream, each.system, *numbers, each.split, each.protocol + unknown, each.source
