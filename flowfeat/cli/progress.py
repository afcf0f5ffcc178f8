"""Progress on standard error: how much is done, how fast, and how long it will take."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from flowfeat.extraction import Progress
    from flowfeat.training import TrainingProgress

_INTERVAL = 0.5, 10.0
"""Seconds between two states of a bar, on a terminal and in a file."""


def new_bar(**looks: Any) -> tqdm:
    """A bar on standard error that is drawn often on a terminal and seldom in a file; `looks` are tqdm's options."""
    return tqdm(file=sys.stderr, dynamic_ncols=True, mininterval=_INTERVAL[not sys.stderr.isatty()], **looks)


class LateBar:
    """A bar that appears with the first step, so that an error in the preparations does not find an empty one."""

    _shown: tqdm | None = None

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._shown is not None:
            self._shown.close()


class ProgressBar(LateBar):
    """Progress of an extraction: clips, pairs, pairs per second and the time left, judged by bytes of the sources."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __enter__(self) -> Callable[["Progress"], None]:
        return self._show

    def _show(self, progress: "Progress") -> None:
        if self._shown is None:
            looks = "{percentage:3.0f}% |{bar:24}| {desc}[{elapsed}<{remaining}]"
            self._shown = new_bar(total=progress.bytes, unit="B", bar_format=looks)
        elapsed = time.monotonic() - self._begun
        rate = progress.pairs / elapsed if elapsed else 0.0
        failed = f", {progress.clips_failed} failed" if progress.clips_failed else ""
        self._shown.total = progress.bytes
        self._shown.set_description_str(
            f"{progress.clips_done}/{progress.clips} clips{failed}, {progress.pairs} pairs, {rate:.0f} pairs/s ",
            refresh=False,
        )
        self._shown.update(progress.bytes_done - self._shown.n)


class CountBar(LateBar):
    """Progress over things that are counted, as clips verified or bytes fetched; `scaled` counts in kilo and mega."""

    def __init__(self, what: str, scaled: bool = False):
        self._looks = {"unit": what if scaled else f" {what}", "unit_scale": scaled}

    def __enter__(self) -> Callable[[int, int | None], None]:
        return self._show

    def _show(self, done: int, total: int | None) -> None:
        if self._shown is None:
            self._shown = new_bar(total=total, **self._looks)
        self._shown.total = total
        self._shown.update(done - self._shown.n)


class TrainingBar(LateBar):
    """Progress of a training run: steps, loss, pairs per second, validation error and the time left."""

    def __enter__(self) -> Callable[["TrainingProgress"], None]:
        return self._show

    def _show(self, progress: "TrainingProgress") -> None:
        if self._shown is None:
            self._shown = new_bar(total=progress.iterations, initial=progress.step, unit=" steps")
        measured = (
            "" if progress.validation is None else f", validation {progress.validation:.3f} (best {progress.best:.3f})"
        )
        self._shown.set_postfix_str(
            f"loss {progress.loss:.4f}, {progress.pairs_per_second:.1f} pairs/s{measured}", refresh=False
        )
        self._shown.update(progress.step - self._shown.n)
