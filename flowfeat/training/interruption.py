"""Ctrl-C, and the SIGTERM of a cluster that wants its machine back, never in the middle of a step.

A step changes the weights and is counted. Whoever stops between the two and goes on does the step twice.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = signal.SIGINT, signal.SIGTERM

_held, _waiting = False, False


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this block both signals raise KeyboardInterrupt. Only the main thread can; elsewhere nothing changes."""
    global _waiting
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(number, _interrupt) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
        _waiting = False


@contextmanager
def held() -> Iterator[None]:
    """Within this block the interruption waits; it comes at the end."""
    global _held
    _held = True
    try:
        yield
    finally:
        _held = False
    if _waiting:
        raise KeyboardInterrupt


def _interrupt(*_: object) -> None:
    global _waiting
    _waiting = _held
    if not _held:
        raise KeyboardInterrupt
