"""A table for people, and how its cells are written."""

from dataclasses import dataclass, field

from recognition.metrics import Interval, MeanAndSpread


@dataclass(frozen=True)
class Table:
    """A table for people.

    Attributes:
        title: above it.
        head: of its columns.
        rows: as text.
        numbers: which columns are numbers, to end in line.
        note: below it.
        marked: which rows are to be seen at once: ours among others', a baseline among methods.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int]
    note: str = ""
    marked: frozenset[int] = field(default=frozenset())


def percent(share: float) -> str:
    """A fraction in percent.

    >>> percent(0.8571)
    '85.7'
    """
    return f"{100 * share:.1f}"


def interval(found: Interval | None) -> str:
    """An interval of fractions in percent; nothing where there is none."""
    return "" if found is None else f"{percent(found[0])} to {percent(found[1])}"


def spread(found: MeanAndSpread) -> str:
    """A mean of fractions and its standard deviation, in percent."""
    return percent(found.mean) + ("" if found.spread is None else f" ± {percent(found.spread)}")


def points(difference: float) -> str:
    """A difference of fractions in points, with its sign."""
    return f"{100 * difference + 0.0:+.1f}"
