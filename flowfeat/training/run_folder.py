"""What a run leaves on disk.

RUN/
    configuration.toml  run.json        what is trained, with what, from what
    log.jsonl  tensorboard/             loss, rate, throughput, validation
    best.safetensors  last.safetensors  weights, as any command takes them
    state/                              what it needs to go on
"""

import dataclasses
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError, InputError
from flowfeat.networks.numerics import Numerics
from flowfeat.networks.zoo import Composition, name_of, names_of
from flowfeat.provenance import machine, versions
from flowfeat.training.configuration import Configuration
from flowfeat.training.state import TrainingState, read_state, write_state
from flowfeat.weights import Checkpoint, write_checkpoint


@dataclass(frozen=True)
class LogLine:
    """One line of the log: means since the line before; the validation error where it was measured."""

    step: int
    loss: float
    rate: float
    gradient_norm: float
    pairs_per_second: float
    validation: float | None


@dataclass(frozen=True)
class Weights:
    """A network's tensors, and what they are of."""

    composition: Composition
    numerics: Numerics
    tensors: dict[str, Tensor]


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path):
        self.path, self.state = path, path / "state"
        self._board: Any = None
        self._record: dict[str, Any] = {}

    def open(
        self,
        configuration: Configuration,
        text: str,
        start: Sequence[Checkpoint],
        roots: Mapping[str, Path],
        device: torch.device,
    ) -> None:
        """Make the folder, or go on in it. Raises InputError where another run is in it."""
        fixed = {
            "configuration": dataclasses.asdict(configuration),
            "start": {checkpoint.model: checkpoint.sha256 for checkpoint in start},
        }
        fixed = json.loads(json.dumps(fixed))
        record, path = None, self.path / "run.json"
        if path.is_file():
            record = _record(path)
            if record["fixed"] != fixed:
                names = [name for name in fixed["configuration"] if not _same(name, record, fixed)] or ["start"]
                raise InputError(f"{self.path}: another run is in it ({', '.join(names)} differ); give a new --out")
        elif self.path.is_dir() and any(self.path.iterdir()):
            raise InputError(f"{self.path}: the folder is not empty and holds no run; give a new --out")
        session = {
            "versions": versions(),
            "machine": machine(),
            "device": str(device),
            "threads": torch.get_num_threads(),
            "data": {name: str(root) for name, root in roots.items()},
        }
        state = read_state(self.state)
        sessions = [*(record["sessions"] if record else []), {**session, "from_step": state.step if state else 0}]
        self._record = {"fixed": fixed, "sessions": sessions}
        write_atomically(path, json.dumps(self._record, indent=1).encode())
        write_atomically(self.path / "configuration.toml", text.encode())
        self._forget_after(state.step if state else 0)

    def log(self, line: LogLine) -> None:
        """Add a line to the log, and to TensorBoard's."""
        with self._log.open("a") as file:
            file.write(json.dumps(dataclasses.asdict(line)) + "\n")
        if self._board is None:
            self._board = _board(self.path / "tensorboard", line.step)
        for name, value in dataclasses.asdict(line).items():
            if name != "step" and value is not None:
                self._board.add_scalar(name, value, line.step)
        self._board.flush()

    def lines(self) -> list[LogLine]:
        """The log so far."""
        if not self._log.is_file():
            return []
        # A line that was being written when the process was killed has no end; its step is done again.
        return [LogLine(**json.loads(line)) for line in self._log.read_text().splitlines(True) if line.endswith("\n")]

    def write_weights(
        self,
        name: Literal["best", "last"],
        weights: Weights,
        configuration: Configuration,
        step: int,
        validation: float | None,
    ) -> None:
        """Weights with how they were made."""
        made = {
            "configuration": dataclasses.asdict(configuration),
            "start": self._record["fixed"]["start"],
            "sessions": self._record["sessions"],
            "steps": step,
            "validation_endpoint_error": validation,
        }
        path = self.path / f"{name}.safetensors"
        names = names_of(weights.composition)
        model = configuration.model if configuration.model in names else name_of(weights.composition)
        checkpoint = Checkpoint(
            path,
            "",
            "safetensors",
            "flowfeat",
            model,
            weights.composition,
            weights.numerics,
            weights.tensors,
            provenance=made,
        )
        write_checkpoint(checkpoint, path)

    def write_state(self, state: TrainingState) -> None:
        """Keep the state; the one before is removed when this one is whole."""
        write_state(state, self.state)

    @property
    def _log(self) -> Path:
        return self.path / "log.jsonl"

    def _forget_after(self, step: int) -> None:
        """Drop lines of steps that will be done again."""
        kept = [json.dumps(dataclasses.asdict(line)) for line in self.lines() if line.step <= step]
        write_atomically(self._log, "".join(f"{line}\n" for line in kept).encode())


def _same(name: str, record: dict[str, Any], fixed: dict[str, Any]) -> bool:
    return record["fixed"]["configuration"].get(name) == fixed["configuration"][name]


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
        return {"fixed": record["fixed"], "sessions": record["sessions"]}
    except (ValueError, KeyError, TypeError):
        raise FormatError(f"{path}: it is damaged; give a new --out, or remove the folder to begin anew") from None


class _NoBoard:
    def add_scalar(self, *_: Any) -> None: ...

    def flush(self) -> None: ...


def _board(path: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        warnings.warn("TensorBoard is not installed: the run is logged to log.jsonl alone", stacklevel=4)
        return _NoBoard()
    return SummaryWriter(str(path), purge_step=step)
