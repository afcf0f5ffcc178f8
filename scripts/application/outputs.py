"""The application table as files: Markdown and LaTeX for people, CSV and JSON for programs."""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from application import published
from application.columns import EVERY
from application.published import PUBLISHED, Published
from application.results import KINDS, Row
from application.table import ApplicationTable, Part
from flowfeat.atomic import write_atomically
from flowfeat.typed_json import plain

SCHEMA = 1

MEASURED = "measured"
"""What the column `source` of CSV and JSON has for rows that are not published ones."""

TITLE = "What optical flow is for"


def write_outputs(table: ApplicationTable, rows: Sequence[Row], out: Path) -> None:
    """Write table.md, table.csv, table.json and table.tex, each whole or not at all.

    Args:
        table: of these rows.
        rows: with their cells, which CSV and JSON have in full precision.
        out: the folder.

    Raises:
        OSError: a file cannot be written.
    """
    for name, text in (
        ("table.md", markdown(table)),
        ("table.csv", rows_csv(rows)),
        ("table.json", json.dumps(table_json(table, rows), indent=1, allow_nan=False, ensure_ascii=False) + "\n"),
        ("table.tex", latex(table)),
    ):
        # A name may hold half a surrogate pair, as names of files can, and that is no UTF-8.
        write_atomically(out / name, text.encode("utf-8", "backslashreplace"))


def markdown(table: ApplicationTable) -> str:
    """All tables, the remarks above and the notes below. Whatever names hold is shown and never read as Markdown."""
    lines = [f"# {TITLE}", ""]
    lines += [f"- {_line_of_markdown(remark)}" for remark in table.remarks]
    lines += ["", "Before comparing:", ""]
    lines += [f"- {_line_of_markdown(caution)}" for caution in table.cautions]
    for part in table.parts:
        shown = part.table
        rule = ["---:" if column in shown.numbers else "---" for column in range(len(shown.head))]
        lines += ["", f"## {_of_markdown(shown.title)}", ""]
        lines += [_markdown_row([_of_markdown(cell) for cell in shown.head]), _markdown_row(rule)]
        for place, row in enumerate(shown.rows):
            cells = [_of_markdown(cell) for cell in row]
            lines.append(
                _markdown_row([f"**{text}**" if (place, n) in part.best else text for n, text in enumerate(cells)])
            )
        lines += ["", _line_of_markdown(shown.note)] if shown.note else []
    if table.notes:
        lines += ["", "## Notes", ""]
        lines += [f"{number}. {_line_of_markdown(note)}" for number, note in enumerate(table.notes, 1)]
    return "\n".join(lines) + "\n"


def rows_csv(rows: Sequence[Row]) -> str:
    """A row for each method, then the published ones; full precision, shares as fractions, empty where there is none.

    A column `failed_KIND` for each kind of measurement has the reason; `source` tells rows apart.
    """
    failures = {kind: f"failed_{kind}" for kind in KINDS}
    head = ["method", "source", "known_by", *(column.name for column in EVERY), "failed", *failures.values()]
    text = io.StringIO()
    writer = csv.DictWriter(text, head, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        numbers = {column.name: column.number_of(row) for column in EVERY}
        failed = {failures[kind]: cell.failed for kind, cell in row.cells.items()}
        writer.writerow({"method": row.name, "source": MEASURED, **numbers, "failed": row.failed, **failed})
    for each in PUBLISHED:
        facts = {"method": each.method, "source": _source(), "known_by": each.mark}
        writer.writerow({**facts, **_published_numbers(each)})
    return text.getvalue()


def table_json(table: ApplicationTable, rows: Sequence[Row]) -> dict[str, Any]:
    """Everything: the columns, the cells with what made them, the published rows, and what people read about them."""
    return {
        "schema": SCHEMA,
        "remarks": list(table.remarks),
        "cautions": list(table.cautions),
        "notes": list(table.notes),
        "columns": [
            {"name": each.name, "head": each.head, "kind": each.kind, "better": each.better, "timed": each.timed}
            for each in EVERY
        ],
        "rows": [
            {
                "method": row.name,
                "source": MEASURED,
                "failed": row.failed,
                "numbers": {column.name: column.number_of(row) for column in EVERY},
                "cells": plain(row.cells),
            }
            for row in rows
        ],
        "published": [
            {
                "method": each.method,
                "source": _source(),
                "known_by": each.mark,
                "note": each.note,
                "numbers": _published_numbers(each),
            }
            for each in PUBLISHED
        ],
        "published_caption": published.CAPTION,
        "published_meaning": published.MEANING,
    }


def latex(table: ApplicationTable) -> str:
    """The first table, for `\\usepackage{booktabs}`, with its notes below it."""
    part = table.parts[0]
    shown = part.table
    form = "".join("r" if column in shown.numbers else "l" for column in range(len(shown.head)))
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering",
        "\\scriptsize",
        "\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{_of_latex(shown.title)}. {_of_latex(shown.note)}}}",
        f"\\begin{{tabular}}{{{form}}}",
        "\\toprule",
        _latex_row([_of_latex(cell) for cell in shown.head]),
    ]
    lines += _latex_lines(part, len(shown.head))
    lines += ["\\bottomrule", "\\end{tabular}", ""]
    sentences = [*table.remarks, *table.cautions, *(f"[{n}] {note}" for n, note in enumerate(table.notes, 1))]
    lines += [f"\\par\\smallskip\\raggedright {_of_latex(sentence)}" for sentence in sentences]
    return "\n".join([*lines, "\\end{table}"]) + "\n"


def _latex_lines(part: Part, columns: int) -> list[str]:
    groups = dict(part.groups)
    lines = []
    for place, row in enumerate(part.table.rows):
        if place in groups:
            lines += ["\\midrule", f"\\multicolumn{{{columns}}}{{l}}{{\\emph{{{_of_latex(groups[place])}}}}} \\\\"]
        cells = [_of_latex(cell) for cell in row]
        lines.append(_latex_row([f"\\textbf{{{c}}}" if (place, n) in part.best else c for n, c in enumerate(cells)]))
    return lines


def _latex_row(cells: Sequence[str]) -> str:
    # A row that begins with a bracket would be read as a length after the \\ of the row before.
    return ("{}" if cells[0].startswith(("[", "*")) else "") + " & ".join(cells) + " \\\\"


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _of_markdown(text: str) -> str:
    """Text that is shown as it is, within a line."""
    return re.sub(r"([\\`*_{}\[\]<>|#!~$&])", r"\\\1", " ".join(text.split()))


def _line_of_markdown(text: str) -> str:
    """Text that is shown as it is at the beginning of a line, where numbers and dashes would begin a list."""
    return re.sub(r"^([-+]|\d+(?=[.)]))", lambda found: _not_a_list(found[0]), _of_markdown(text))


def _not_a_list(beginning: str) -> str:
    return f"\\{beginning}" if beginning in "-+" else f"{beginning}\\"


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "^": r"\textasciicircum{}",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\`{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": r"--",
    "†": r"\dag{}",
}


def _of_latex(text: str) -> str:
    """Text that LaTeX sets as it is; letters that its own fonts lack are named by their code."""
    return "".join(
        _LATEX.get(letter, letter if _is_set(letter) else _code(letter)) for letter in " ".join(text.split())
    )


def _is_set(letter: str) -> bool:
    # Latin letters up to Extended-A are in every LaTeX since 2018.
    return letter.isprintable() and (letter.isascii() or (letter.isalpha() and ord(letter) < 0x180))


def _code(letter: str) -> str:
    return f"[U+{ord(letter):04X}]"


def _source() -> str:
    return f"FlowNet 2.0, {published.SOURCE}"


def _published_numbers(each: Published) -> dict[str, float | int | None]:
    """By the names of our columns, shares as fractions."""
    return {
        "fbms_f_measure": round(each.f_measure / 100, 6),
        "fbms_extracted": each.extracted,
        "fbms_visible": each.objects,
        "ucf101_accuracy": None if each.accuracy is None else round(each.accuracy / 100, 6),
    }
