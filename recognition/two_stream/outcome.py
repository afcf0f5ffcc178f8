"""What an experiment came to, and who is told on the way."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from recognition.fusion import FittedWeights
from recognition.training import TrainingProgress
from recognition.two_stream.summary import SummaryRow


@dataclass(frozen=True)
class PartOutcome:
    """A part that was looked after.

    Attributes:
        part: in words.
        accuracy: on the clips that it was tested on, those held out where it is of a fold; None where it failed, and
            of the report.
        standing: it was there already.
        fitted: weights that were searched for a fusion.
        failed: why it could not be made.
    """

    part: str
    accuracy: float | None = None
    standing: bool = False
    fitted: FittedWeights | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Watch:
    """Who is told how an experiment is doing; nobody if not given. Of several processes the first alone tells.

    Attributes:
        training: a block around a training, and what is called in it every so often.
        counting: the same around whatever counts the things that it is given the name of.
        told: called with each part.
    """

    training: Callable[[], AbstractContextManager[Callable[[TrainingProgress], None]]] = lambda: nullcontext(
        lambda _: None
    )
    counting: Callable[[str], AbstractContextManager[Callable[[int, int | None], None]]] = lambda _: nullcontext(
        lambda done, total: None
    )
    told: Callable[[PartOutcome], None] = lambda _: None


@dataclass(frozen=True)
class Outcome:
    """What an experiment came to.

    Attributes:
        rows: its numbers.
        parts: all its parts, in the order they were looked after.
        missing: clips of the splits that the store does not hold.
        report: the folder of the report; None where there is none.
    """

    rows: tuple[SummaryRow, ...]
    parts: tuple[PartOutcome, ...]
    missing: int
    report: Path | None

    @property
    def failed(self) -> tuple[PartOutcome, ...]:
        """Parts that could not be made."""
        return tuple(part for part in self.parts if part.failed is not None)

    @property
    def complete(self) -> bool:
        """No part failed and no clip is missing."""
        return not self.failed and not self.missing
