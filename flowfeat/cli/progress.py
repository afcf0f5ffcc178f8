"""Progress on standard error: how much is done, how fast, and how long it will take."""

import sys
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

from flowfeat.extraction import Progress


class ProgressBar:
    """Progress of an extraction: clips, pairs, pairs per second and the time left, judged by bytes of the sources."""

    def __init__(self) -> None:
        self._bar = tqdm(
            total=0,
            unit="B",
            file=sys.stderr,
            dynamic_ncols=True,
            mininterval=0.5 if sys.stderr.isatty() else 10,
            bar_format="{percentage:3.0f}% |{bar:24}| {desc}[{elapsed}<{remaining}]",
        )

    def __enter__(self) -> Callable[[Progress], None]:
        return self._show

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def _show(self, progress: Progress) -> None:
        elapsed = self._bar.format_dict["elapsed"]
        rate = progress.pairs / elapsed if elapsed else 0.0
        failed = f", {progress.clips_failed} failed" if progress.clips_failed else ""
        self._bar.total = progress.bytes
        self._bar.set_description_str(
            f"{progress.clips_done}/{progress.clips} clips{failed}, {progress.pairs} pairs, {rate:.0f} pairs/s ",
            refresh=False,
        )
        self._bar.update(progress.bytes_done - self._bar.n)


class CountBar:
    """Progress over things that are counted, as clips verified or bytes fetched; `scaled` counts in kilo and mega."""

    def __init__(self, what: str, scaled: bool = False):
        interval = 0.5 if sys.stderr.isatty() else 10
        self._bar = tqdm(
            total=0,
            unit=what if scaled else f" {what}",
            unit_scale=scaled,
            file=sys.stderr,
            dynamic_ncols=True,
            mininterval=interval,
        )

    def __enter__(self) -> Callable[[int, int | None], None]:
        return self._show

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def _show(self, done: int, total: int | None) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)
