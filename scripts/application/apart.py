"""A measurement in a process of its own: one that is killed, for memory perhaps, costs no other."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection

from application.options import TableOptions
from application.results import Kind, Method

_INTERRUPTED = 130
_EVERY = 0.2
"""Seconds between two messages about progress."""

Message = tuple[int, int | None, str]
"""How much is done, of how much, and of what."""


class Apart:
    """The process of a measurement, which writes its own record.

    Attributes:
        pipe: on which it tells its progress, and which ends with it.
    """

    pipe: Connection

    def __init__(self, kind: Kind, method: Method, decided_by: dict[str, str], options: TableOptions, threads: int):
        # A fresh interpreter: forked ones inherit threads that PyTorch cannot use. It has processes of its own, as
        # readers of stacks, so it is no daemon.
        context = multiprocessing.get_context("spawn")
        self.pipe, there = context.Pipe(duplex=False)
        self._process = context.Process(target=_measure, args=(there, kind, method, decided_by, options, threads))
        self._process.start()
        there.close()  # so that its end is seen when the process ends

    def receive(self) -> Message | None:
        """The next message; None where there will be no more. Waits for it."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            return None

    def death(self) -> str | None:
        """How the process died; None where it did its work. Raises KeyboardInterrupt where Ctrl-C ended it."""
        self._process.join()
        self.pipe.close()
        status = self._process.exitcode or 0
        if status in (_INTERRUPTED, -signal.SIGINT):
            raise KeyboardInterrupt
        if status < 0:
            return f"its process was ended by {signal.Signals(-status).name}"
        return f"its process ended with status {status}" if status else None

    def interrupt(self) -> None:
        """Let it write what it has to go on from, and end."""
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGINT)
        self._process.join()
        self.pipe.close()


def _measure(
    pipe: Connection,
    kind: Kind,
    method: Method,
    decided_by: dict[str, str],
    options: TableOptions,
    threads: int,
) -> None:
    import torch

    from application.cells import measure
    from segmentation.runs.workers import end_with_parent

    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    told = 0.0

    def progress(done: int, total: int | None, what: str) -> None:
        nonlocal told
        if time.monotonic() - told > _EVERY:
            told = time.monotonic()
            pipe.send((done, total, what))

    try:
        measure(kind, method, decided_by, options, progress)
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
