"""What a run leaves on disk.

RUN/
    configuration.toml  run.json        what is trained, with what, from what
    log.jsonl  tensorboard/             loss, rate, throughput, validation
    best.safetensors  last.safetensors  weights, as any command takes them
    state/                              what it needs to go on
"""

import dataclasses
import json
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
from flowfeat.training.run_log import RunLog
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
        self._log = RunLog(path, LogLine)
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
        self._log.forget_after(state.step if state else 0)

    def log(self, line: LogLine) -> None:
        """Add a line to the log, and to TensorBoard's."""
        self._log.add(line)

    def lines(self) -> list[LogLine]:
        """The log so far."""
        return self._log.lines()

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


def _same(name: str, record: dict[str, Any], fixed: dict[str, Any]) -> bool:
    return record["fixed"]["configuration"].get(name) == fixed["configuration"][name]


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
        return {"fixed": record["fixed"], "sessions": record["sessions"]}
    except (ValueError, KeyError, TypeError):
        raise FormatError(f"{path}: it is damaged; give a new --out, or remove the folder to begin anew") from None
