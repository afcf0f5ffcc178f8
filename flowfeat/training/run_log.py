"""The log of a run: a line of JSON for each report, and TensorBoard's curves of the same numbers."""

import dataclasses
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from flowfeat.atomic import write_atomically

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Line = TypeVar("Line", bound=DataclassInstance)
else:
    Line = TypeVar("Line")


class RunLog(Generic[Line]):
    """`log.jsonl` and `tensorboard/` in the folder of a run.

    Args:
        folder: of the run.
        kind: of the lines: a dataclass of numbers, of which one is `step`, the steps done.
    """

    def __init__(self, folder: Path, kind: type[Line]):
        self._file, self._curves, self._kind = folder / "log.jsonl", folder / "tensorboard", kind
        self._board: Any = None

    def add(self, line: Line) -> None:
        """Add a line; numbers that are None have no point on a curve."""
        values = dataclasses.asdict(line)
        with self._file.open("a") as file:
            file.write(json.dumps(values) + "\n")
        step = values.pop("step")
        if self._board is None:
            self._board = _board(self._curves, step)
        for name, value in values.items():
            if value is not None:
                self._board.add_scalar(name, value, step)
        self._board.flush()

    def lines(self) -> list[Line]:
        """The lines so far."""
        if not self._file.is_file():
            return []
        # A line that was being written when the process was killed has no end; its step is done again.
        whole = [line for line in self._file.read_text().splitlines(True) if line.endswith("\n")]
        return [self._kind(**json.loads(line)) for line in whole]

    def forget_after(self, step: int) -> None:
        """Drop lines of steps that will be done again."""
        of_all = [dataclasses.asdict(line) for line in self.lines()]
        kept = [json.dumps(values) for values in of_all if values["step"] <= step]
        write_atomically(self._file, "".join(f"{line}\n" for line in kept).encode())

    def close(self) -> None:
        """Finish what TensorBoard reads."""
        if self._board is not None:
            self._board.close()
            self._board = None


class _NoBoard:
    def add_scalar(self, *_: Any) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


def _board(path: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # takes seconds, and only a run needs it
    except ImportError:
        warnings.warn("TensorBoard is not installed: the run is logged to log.jsonl alone", stacklevel=4)
        return _NoBoard()
    return SummaryWriter(str(path), purge_step=step)
