"""What commands say: results on standard output, progress and remarks on standard error."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from flowfeat.extraction.pipeline import Progress


def say(text: str) -> None:
    """A remark for the person at the terminal."""
    sys.stderr.write(text + "\n")


def result(text: str) -> None:
    """The result of a command, for people."""
    sys.stdout.write(text + "\n")


def result_json(value: Any) -> None:
    """The result of a command, for programs: one JSON object, and nothing else on standard output."""
    sys.stdout.write(json.dumps(_plain(value), indent=1) + "\n")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


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


class ProgressBar:
    """Progress of an extraction: clips, pairs, pairs per second and the time left, judged by bytes of the sources."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=0,
            unit="B",
            file=sys.stderr,
            dynamic_ncols=True,
            mininterval=0.5 if sys.stderr.isatty() else 10,
            bar_format="{percentage:3.0f}% |{bar:24}| {postfix}[{elapsed}<{remaining}]",
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
        self._bar.set_postfix_str(
            f"{progress.clips_done}/{progress.clips} clips{failed}, {progress.pairs} pairs, {rate:.0f} pairs/s ", refresh=False
        )
        self._bar.update(progress.bytes_done - self._bar.n)


class CountBar:
    """Progress over things that are counted, as clips verified or exported."""

    def __init__(self, what: str):
        from tqdm import tqdm

        interval = 0.5 if sys.stderr.isatty() else 10
        self._bar = tqdm(total=0, unit=f" {what}", file=sys.stderr, dynamic_ncols=True, mininterval=interval)

    def __enter__(self) -> Callable[[int, int], None]:
        return self._show

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def _show(self, done: int, total: int) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)
