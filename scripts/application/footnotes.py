"""The sentences below the tables: what failed, what was skipped, what has to be known of a row."""

from collections.abc import Iterator, Sequence

from application import published
from application.published import PUBLISHED
from application.results import Actions, Kind, Masks, Row, Speed, Store, Tracks

TITLES: dict[Kind, str] = {
    "speed": "speed",
    "errors": "endpoint error",
    "fbms": "FBMS-59",
    "davis": "DAVIS",
    "store": "flow of UCF101",
    "actions": "action recognition on UCF101",
}
"""The measurements in words."""

_NAMED = 5
"""Failures that a sentence tells one by one."""


class Footnotes:
    """The sentences in their order, and which cells point to them.

    Attributes:
        sentences: numbered from 1.
    """

    def __init__(self, rows: Sequence[Row]):
        self.sentences: list[str] = []
        self._numbers: dict[tuple[str, Kind | None], int] = {}
        for row in rows:
            if row.failed is not None:
                # Reasons of methods that take a folder begin with it, and so with the method's name.
                told = row.failed if row.failed.startswith(f"{row.name}:") else f"{row.name}: {row.failed}"
                self._add((row.name, None), told)
            for kind in row.cells:
                if sentence := _sentence(row, kind):
                    self._add((row.name, kind), _of_all(rows, kind) or f"{row.name}, {TITLES[kind]}: {sentence}")
        # Not among ours: a method of ours may be called as one of the paper's.
        self._of_published: dict[str, int] = {}
        for each in PUBLISHED:
            if each.note:
                self.sentences.append(f"{each.method} in {published.SOURCE}: {each.note}.")
                self._of_published[each.method] = len(self.sentences)

    def mark(self, method: str, kind: Kind | None) -> str:
        """What points to the sentence on a cell, or on a whole row; empty without one."""
        return _marked(self._numbers.get((method, kind)))

    def mark_published(self, method: str) -> str:
        """What points to the sentence on a published row; empty without one."""
        return _marked(self._of_published.get(method))

    def _add(self, where: tuple[str, Kind | None], sentence: str) -> None:
        ended = sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
        if ended not in self.sentences:
            self.sentences.append(ended)
        self._numbers[where] = self.sentences.index(ended) + 1


def _sentence(row: Row, kind: Kind) -> str:
    """What has to be known of a cell; empty where nothing has."""
    cell = row.cells[kind]
    return "; ".join(_skipped(cell.result)) if cell.failed is None else f"failed: {cell.failed}"


def _of_all(rows: Sequence[Row], kind: Kind) -> str | None:
    """The sentence, where it is the same for several methods and no method is without it."""
    told = [_sentence(row, kind) for row in rows if kind in row.cells]
    return f"all methods, {TITLES[kind]}: {told[0]}" if len(told) > 1 and len(set(told)) == 1 else None


def _marked(number: int | None) -> str:
    return "" if number is None else f" [{number}]"


def _skipped(result: object) -> Iterator[str]:
    """What a measurement that came to its end left out."""
    match result:
        case Speed():
            if result.left_out:
                yield f"clips whose pair was not timed, as it cannot be decoded or has another size, {result.left_out}"
        case Tracks():
            yield from _failures(result.failed, "shots that could not be segmented")
            if hit := [shot.name for shot in result.shots if shot.budget_hit]:
                yield f"shots whose multicut ran out of time, so that they depend on the machine: {', '.join(hit)}"
        case Masks():
            yield from _failures(result.failed, "sequences that could not be segmented")
        case Store():
            yield from _failures(result.failed, "clips that could not be extracted")
        case Actions():
            yield from _failures(result.failed, "parts that could not be made")
            if result.missing:
                classes = len(result.classes)
                yield f"clips of these {classes} classes that are not there and in no number, {result.missing}"


def _failures(failed: dict[str, str], what: str) -> Iterator[str]:
    if failed:
        named = "; ".join(f"{name} ({reason})" for name, reason in list(failed.items())[:_NAMED])
        more = f"; and {len(failed) - _NAMED} more, which table.json has" if len(failed) > _NAMED else ""
        yield f"{what}, {len(failed)}: {named}{more}"
