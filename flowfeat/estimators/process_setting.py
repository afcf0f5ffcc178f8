"""Settings of the whole process that several threads want at a time."""

import threading
from collections.abc import Callable
from types import TracebackType


class ProcessSetting:
    """A setting that holds within `with` blocks: the first to enter makes it, the last to leave puts things back.

    `make` makes the setting and returns what puts the caller's back.
    """

    def __init__(self, make: Callable[[], Callable[[], None]]):
        self._make = make
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._put_back = self._make()
            self._inside += 1

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._put_back()
