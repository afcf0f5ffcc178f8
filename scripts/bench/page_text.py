"""How records become Markdown: tables, ranges, and what has to be said of the machine."""

from collections.abc import Iterable, Sequence
from typing import Any

Rows = Iterable[Sequence[object]]


def table(header: Sequence[object], rows: Rows) -> list[str]:
    """A table and an empty line."""
    lines = [header, ["---"] * len(header), *rows]
    return [*("| " + " | ".join(map(str, cells)) + " |" for cells in lines), ""]


def when(section: dict[str, Any]) -> str:
    """With how many threads a section was measured, how busy the machine was, and the day."""
    load = section["load_before"][0]
    return f"({threads(section['threads'])}, load {load:.1f} before, {section['date']})"


def busy(record: dict[str, Any]) -> str:
    """A sentence, where the machine had no core to spare before the measurement."""
    machine = record["machine"]
    crowded = machine["load_before"][0] >= machine["cores"]
    return " Other programs kept the processor busy meanwhile, so only the ratios mean anything." if crowded else ""


def spread(ratio: dict[str, float] | None) -> str:
    """Median (minimum to maximum)."""
    return f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})" if ratio else ""


def middle(values: list[float] | None, unit: str) -> str:
    """The median with its unit."""
    return f"{sorted(values)[len(values) // 2]:.3g} {unit}".strip() if values else ""


def threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"
