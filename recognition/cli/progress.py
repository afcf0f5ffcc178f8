"""Progress of training and of predictions on standard error."""

from collections.abc import Callable
from types import TracebackType

from flowfeat.cli.progress import CountBar, LateBar, ProgressBar, new_bar
from flowfeat.extraction import Progress
from recognition.training import TrainingProgress


class TrainingBar(LateBar):
    """Steps, loss, accuracy on the stacks that are learnt from, clips per second, validation and the time left."""

    def __enter__(self) -> Callable[[TrainingProgress], None]:
        return self._show

    def _show(self, progress: TrainingProgress) -> None:
        if self._shown is None:
            self._shown = new_bar(total=progress.steps, initial=progress.step, unit=" steps")
        measured = "" if progress.validation is None else f", one-crop validation {progress.validation:.3f}"
        self._shown.set_postfix_str(
            f"loss {progress.loss:.3f}, training accuracy {progress.train_accuracy:.3f}, "
            f"{progress.clips_per_second:.1f} clips/s{measured}",
            refresh=False,
        )
        self._shown.update(progress.step - self._shown.n)


class PredictionBars:
    """Flow that is computed, then stacks that are scored: one bar after the other."""

    def __init__(self) -> None:
        self._flow, self._stacks = ProgressBar(), CountBar("stacks")
        self._compute, self._score = self._flow.__enter__(), self._stacks.__enter__()

    def __enter__(self) -> "PredictionBars":
        return self

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._stacks.__exit__(kind, fault, trace)
        self._flow.__exit__(kind, fault, trace)

    def computed(self, progress: Progress) -> None:
        """Flow is so far."""
        self._compute(progress)

    def scored(self, done: int, total: int | None) -> None:
        """So many stacks are scored."""
        self._flow.__exit__(None, None, None)
        self._score(done, total)
