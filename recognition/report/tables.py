"""The numbers of a report as tables for people, and as Markdown."""

from collections.abc import Sequence

from recognition.metrics import wilson_interval
from recognition.report.beside_published import beside_published
from recognition.report.contents import Comparison, Entry, Report
from recognition.report.table import Table, interval, percent, points, spread


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
        found.append(beside_published(report))
    return found


def confusions_table(entry: Entry) -> Table:
    """The most frequent confusions of a score file, the surest mistakes named first."""
    return Table(
        f"Worst confusions of {entry.name}",
        ("true", "taken for", "clips", "of", "which, and how sure it was"),
        tuple(
            (
                each.true,
                each.said,
                str(len(each.clips)),
                str(each.of),
                ", ".join(f"{answer.clip} ({100 * answer.sure:.0f} %)" for answer in each.clips[:3])
                + _more(each.clips[3:]),
            )
            for each in entry.worst
        ),
        frozenset({2, 3}),
        "How sure: the softmax score of the class that was said; of an SVM the softmax of its margins. Neither is a "
        "calibrated probability.",
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
                "" if each.accuracy is None else percent(each.accuracy),
                interval(wilson_interval(each.correct, each.clips) if each.clips else None),
                "" if each.mistaken_for is None else f"{each.mistaken_for[0]} ({each.mistaken_for[1]})",
            )
            for each in entry.evaluation.per_class
        ),
        frozenset({1, 2, 3, 4}),
    )


def settings_table(entry: Entry) -> Table:
    """What made a score file."""
    of = entry.scores.settings
    known = (
        ("stream", of.stream),
        ("preset", of.preset),
        ("network", of.network),
        ("seed", of.seed),
        ("steps", of.steps),
        ("views", of.views),
        ("flow", of.flow),
        ("store", of.store),
        ("fingerprint of the store", entry.scores.fingerprint),
    )
    part = f", part of {of.part_of}" if of.part_of else ""
    rows = [
        ("file", str(entry.file)),
        ("data", f"{of.dataset} split {of.split}, {of.part} clips{part}"),
        ("clips", f"{entry.evaluation.clips}, {entry.evaluation.missing} missing"),
        *((name, str(value)) for name, value in known if value is not None),
    ]
    if of.fusion is not None:
        rows += [
            ("fused", part.name + ("" if part.weight is None else f", weight {part.weight:g}"))
            for part in of.fusion.parts
        ]
        if of.fusion.fitted_on is not None:
            rows.append(("fitted to", f"{of.fusion.fitted_on} held-out training clips"))
    rows.append(("scores", "softmax" if entry.scores.kind == "softmax" else "before the softmax, or margins"))
    return Table(f"Settings of {entry.name}", ("", ""), tuple(rows), frozenset())


def markdown(report: Report) -> str:
    """The report in Markdown, all tables."""
    lines = [f"# Action recognition on {_cell(report.entries[0].scores.settings.dataset)}", ""]
    for remark in report.remarks:
        lines += [f"- {_cell(remark)}"]
    of_entries = [
        table
        for entry in report.entries
        for table in ([confusions_table(entry)] if entry.worst else []) + [classes_table(entry), settings_table(entry)]
    ]
    for table in [*summary_tables(report), *of_entries]:
        rule = ["---:" if column in table.numbers else "---" for column in range(len(table.head))]
        lines += ["", f"## {_cell(table.title)}", ""]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in (table.head, rule, *table.rows)]
        lines += ["", table.note] if table.note else []
    return "\n".join(lines) + "\n"


def _overview(report: Report) -> Table:
    baselines = [report.baseline_of(entry) for entry in report.entries]
    compared = any(baselines)
    rows = []
    for entry, baseline in zip(report.entries, baselines, strict=True):
        of, found = entry.scores.settings, entry.evaluation
        above = "" if baseline is None else points(found.accuracy - baseline.evaluation.accuracy)
        rows.append(
            (
                entry.name,
                of.method,
                str(of.split),
                "" if of.seed is None else str(of.seed),
                f"{found.clips} ({found.missing})" if found.missing else str(found.clips),
                percent(found.accuracy),
                interval(found.accuracy_interval),
                *((above,) if compared else ()),
                percent(found.mean_class_accuracy),
                interval(found.mean_class_accuracy_interval),
                percent(found.top5),
            )
        )
    head = (
        *("", "method", "split", "seed", "clips (missing)", "accuracy", "95 %"),
        *(("above baseline",) if compared else ()),
        *("mean class accuracy", "95 %", "top 5"),
    )
    classes = sorted({len(entry.scores.classes) for entry in report.entries})
    chance = ", ".join(f"{100 / count:.1f}" for count in classes)
    return Table(
        "Accuracy",
        head,
        tuple(rows),
        frozenset(range(2, len(head))),
        f"Percent; chance is {chance}. Accuracy counts clips, with Wilson's interval; mean class accuracy counts "
        "classes, with a bootstrap interval over the source videos within each class. Clips that were cut from one "
        "video look alike, so Wilson's interval, which takes them to be independent, is too narrow where there are "
        "several." + (" A baseline, marked, learns no features; a network has to beat it." if compared else ""),
        frozenset(place for place, entry in enumerate(report.entries) if entry.is_baseline),
    )


def _split_means(report: Report) -> Table:
    return Table(
        "Mean of the three splits",
        ("method", "accuracy", "mean class accuracy", "top 5"),
        tuple(
            (each.method, *(spread(of) for of in (each.mean.accuracy, each.mean.mean_class_accuracy, each.mean.top5)))
            for each in report.split_means
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
                spread(each.accuracy),
                spread(each.mean_class_accuracy),
            )
            for each in report.seed_means
        ),
        frozenset({1, 3, 4}),
        "Mean ± standard deviation over the seeds.",
    )


def _comparisons(report: Report) -> Table:
    seeds = {entry.name: entry.scores.settings.seed for entry in report.entries}

    def of_one_seed(pair: Comparison) -> bool:
        return seeds[pair.first] == seeds[pair.second] or None in (seeds[pair.first], seeds[pair.second])

    shown = [pair for pair in report.comparisons if of_one_seed(pair)]
    # Where there are none of one seed, the seeds are what is compared.
    shown = shown or list(report.comparisons)
    left = len(report.comparisons) - len(shown)
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
                points(each.test.difference),
                f"{each.test.p_value:.3g}",
            )
            for each in shown
        ),
        frozenset(range(2, 7)),
        "McNemar's exact test on the clips that one alone has right, two-sided; not corrected for the number of pairs. "
        "It is about these trained networks: another seed is another network."
        + (f" {left} pairs of different seeds are in report.json." if left else ""),
    )


def _flow_errors(report: Report) -> Table:
    rows = []
    for entry in report.entries:
        for each in report.flow_errors:
            if each.flow == entry.scores.settings.flow:
                errors = (each.endpoint_error, each.at_boundaries, each.at_small_displacements)
                told = ("" if error is None else f"{error:.3f}" for error in errors)
                rows.append((entry.name, each.flow, percent(entry.evaluation.accuracy), each.dataset, *told))
    return Table(
        "Errors of the flow, beside the accuracy it led to",
        ("", "flow", "accuracy", "errors on", "endpoint error", "at boundaries", "below 1 px of motion"),
        tuple(rows),
        frozenset({2, 4, 5, 6}),
        "Errors in pixels. A lower endpoint error is not a better classifier: accuracy goes with the error at motion "
        "boundaries and at small displacements (Sevilla-Lara et al.).",
    )


def _cell(text: str) -> str:
    """Text that breaks no table of Markdown and holds no HTML."""
    return text.replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")


def _more(rest: Sequence[object]) -> str:
    return f" and {len(rest)} more" if rest else ""
