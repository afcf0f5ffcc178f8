"""What commands say: results on standard output, remarks on standard error."""

import json
import sys
from collections.abc import Collection, Sequence
from typing import Any

from flowfeat.typed_json import defined, plain


def say(text: str) -> None:
    """A remark for the person at the terminal."""
    sys.stderr.write(text + "\n")


def result(text: str) -> None:
    """The result of a command, for people."""
    sys.stdout.write(text + "\n")


def result_json(value: Any) -> None:
    """The result of a command, for programs: one JSON object, and nothing else on standard output."""
    sys.stdout.write(json.dumps(defined(plain(value)), indent=1, allow_nan=False) + "\n")


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Rows as a table for people; the columns numbered in `right` end in line, the others begin in line."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    padded = [
        [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    return "\n".join("  ".join(row).rstrip() for row in padded)


def size(count: float) -> str:
    """Bytes as people read them: 812 B, 3.4 MB, 20 GB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def duration(seconds: float) -> str:
    """Seconds as people read them: 12 s, 3 min 20 s, 5 h 02 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60:02} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02} min"
