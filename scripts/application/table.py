"""The application table: rows of measurements, the published rows beside them, and what to know before comparing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from application import published
from application.captions import (
    NOT_MEASURED,
    OTHER_DATA,
    cautions,
    davis_note,
    errors_note,
    fbms_note,
    paper_note,
    recognition_note,
    speed_note,
)
from application.columns import DAVIS, ERRORS, PAPER, RECOGNITION, SEGMENTATION, SPEED, Column, result_of
from application.comparable import Comparison, compare
from application.footnotes import Footnotes
from application.published import PUBLISHED, Published
from application.results import Row
from recognition.report.table import Table

FAILED = "failed"

_REASON = 36
"""Characters of a reason that a cell has room for."""


@dataclass(frozen=True)
class Part:
    """One table of the application table.

    Attributes:
        name: of it, for programs.
        table: its text; measured rows are marked where there are published ones, too.
        best: row and column of the best values among rows that compare.
        groups: the row that a group of rows begins with, and the group's title.
    """

    name: str
    table: Table
    best: frozenset[tuple[int, int]] = field(default=frozenset())
    groups: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class ApplicationTable:
    """The table, as people read it.

    Attributes:
        remarks: what it is made of, by who asked for it.
        cautions: what to know before comparing.
        parts: the first is as the paper's; the rest is what the paper lacks.
        notes: whole sentences, numbered from 1, on whatever failed, was skipped, or has to be known of a row.
    """

    remarks: tuple[str, ...]
    cautions: tuple[str, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def build_table(rows: Sequence[Row], remarks: Sequence[str]) -> ApplicationTable:
    """The application table of these rows, in their order.

    Args:
        rows: the methods and their cells.
        remarks: sentences on what the table is made of, to stand above it.
    """
    notes = Footnotes(rows)
    parts = [_paper_part(rows, notes)]
    for name, title, columns, note in (
        ("fbms", "Motion segmentation: tracks on FBMS-59", SEGMENTATION, fbms_note(rows)),
        ("davis", "Motion segmentation: masks on DAVIS", DAVIS, davis_note(rows)),
        ("recognition", "Action recognition", RECOGNITION, recognition_note(rows)),
        ("errors", "Errors of the flow", ERRORS, errors_note(rows)),
        ("speed", "Speed and storage", SPEED, speed_note(rows)),
    ):
        asked = {kind for row in rows for kind in row.cells}
        shown = tuple(column for column in columns if column.kind in asked)
        if shown:
            lines, best = _lines(rows, shown, notes)
            head = ("method", *(column.head for column in shown))
            table = Table(title, head, tuple(lines), frozenset(range(1, len(head))), note)
            parts.append(Part(name, table, best))
    return ApplicationTable(tuple(remarks), tuple(cautions(rows)), tuple(parts), tuple(notes.sentences))


def _paper_part(rows: Sequence[Row], notes: Footnotes) -> Part:
    lines, best = _lines(rows, PAPER, notes)
    others = [_published_line(each, notes) for each in PUBLISHED]
    head = ("method", "segmentation: F", "extracted", "shots", "recognition: accuracy")
    table = Table(
        "Applications of optical flow: measured here, and published",
        (*head, "95 %", "test clips", "numbers"),
        tuple([(*line, "measured here") for line in lines] + others),
        frozenset(range(1, 7)),
        paper_note(rows),
        frozenset(range(len(lines))),
    )
    groups = ((0, "Measured here"), (len(lines), f"Published: FlowNet 2.0, {published.SOURCE}, other data than ours"))
    return Part("table", table, best, groups if rows else groups[1:])


def _published_line(each: Published, notes: Footnotes) -> tuple[str, ...]:
    accuracy = NOT_MEASURED if each.accuracy is None else f"{each.accuracy:.2f}"
    return (
        each.method + notes.mark_published(each.method),
        f"{each.f_measure:.2f}",
        f"{each.extracted} of {each.objects}",
        f"{each.shots} of 29 training",
        accuracy,
        NOT_MEASURED,
        NOT_MEASURED if each.accuracy is None else "not stated",
        f"{published.SOURCE} ({each.mark})",
    )


def _lines(
    rows: Sequence[Row], columns: Sequence[Column], notes: Footnotes
) -> tuple[list[tuple[str, ...]], frozenset[tuple[int, int]]]:
    """The rows as text, and where the best values are."""
    lines = [[row.name + notes.mark(row.name, None)] for row in rows]
    best: set[tuple[int, int]] = set()
    for place, column in enumerate(columns, 1):
        comparison = compare(rows, column.kind, column.timed)
        first = column is next(each for each in columns if each.kind == column.kind)
        for line, row in zip(lines, rows, strict=True):
            if column.kind in row.cells or row.failed is None:
                line.append(_text(row, column, comparison, first, notes))
            else:
                line.append(f"{FAILED}: {_cut(row.failed.removeprefix(f'{row.name}: '))}" if place == 1 else FAILED)
        best |= {(row, place) for row in _best(rows, column, comparison)}
    return [tuple(line) for line in lines], frozenset(best)


def _text(row: Row, column: Column, comparison: Comparison, first: bool, notes: Footnotes) -> str:
    cell, result = row.cells.get(column.kind), result_of(row, column.kind)
    if cell is None:
        return NOT_MEASURED
    mark = notes.mark(row.name, column.kind) if first else ""
    if result is None:
        return f"{FAILED}{mark}: {_cut(cell.failed or '')}" if first else FAILED
    other = "" if row.name in comparison.methods else OTHER_DATA
    return column.text_of(result) + other + mark


def _best(rows: Sequence[Row], column: Column, comparison: Comparison) -> set[int]:
    """The rows with the best number that can be seen; none where fewer than two compare, or all are the same."""
    found = {
        place: number
        for place, row in enumerate(rows)
        if row.name in comparison.methods and (number := column.number_of(row)) is not None
    }
    if column.better is None or len(found) < 2:
        return set()
    top = (max if column.better == "higher" else min)(found.values())
    seen = {place: column.text_of(result_of(rows[place], column.kind)) for place in found}
    shown = next(seen[place] for place, number in found.items() if number == top)
    same = {place for place, text in seen.items() if text == shown}
    return set() if len(same) == len(found) else same


def _cut(reason: str) -> str:
    return reason if len(reason) <= _REASON else f"{reason[:_REASON].rsplit(' ', 1)[0]}..."
