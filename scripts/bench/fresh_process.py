"""Seconds and memory of one piece of work in a process of its own, and of the processes that decode for it."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from measure import peak_bytes

_EVERY = 0.05
"""Seconds between two looks at the decoding processes: what one takes after the last look is missed."""


def measured(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """What `work` found, a function of a module, called in a fresh process; `run_measured` says what is added."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(run_measured, work, *arguments).result()


def run_measured(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """`work`'s findings with its `seconds` and, in bytes, the most memory that this process had at its start
    (`base_bytes`: the libraries), at its end (`peak_bytes`), and the most of any decoding process.
    """
    base, begun = peak_bytes(), time.perf_counter()
    with _decoders() as largest:
        found = work(*arguments)
    seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "base_bytes": base,
        "peak_bytes": peak_bytes(),
        "decoder_peak_bytes": largest(),
        **found,
    }


@contextmanager
def _decoders() -> Iterator[Callable[[], int]]:
    """The most memory of a decoding process while the block runs, in bytes; 0 where there was none."""
    ended, peaks = threading.Event(), [0]

    def watch() -> None:
        while not ended.wait(_EVERY):
            peaks.append(max(peaks.pop(), *map(_decoder_bytes, _children()), 0))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: peaks[0]
    finally:
        ended.set()
        watcher.join()


def _children() -> list[str]:
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has ended meanwhile
            found += (task / "children").read_text().split()
    return found


def _decoder_bytes(process: str) -> int:
    # Before it is the decoder, a new process is a copy of this one, and so is its memory.
    with suppress(OSError):
        if b"decode_process" in Path(f"/proc/{process}/cmdline").read_bytes():
            return peak_bytes(process)
    return 0
