"""What a run leaves on disk.

RUN/
    run.json                            what is trained, on what, by which versions
    log.jsonl  tensorboard/             loss, rate, throughput, validation
    last.safetensors                    weights after the last step
    best.safetensors                    weights that were best on clips held out of training (`--fold`)
    state/                              what it needs to go on
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from flowfeat.atomic import PARTIAL, write_atomically
from flowfeat.errors import FormatError, InputError
from flowfeat.provenance import machine, versions
from flowfeat.training.run_log import RunLog
from flowfeat.training.state import TrainingState, read_state, write_state
from flowfeat.typed_json import json_bytes, plain, read_json
from recognition.training.settings import RunSettings

WhichWeights = Literal["last", "best"]

_METADATA = "flowfeat recognition"


@dataclass(frozen=True)
class Session:
    """One of the times that a run was begun or gone on with, and where its data lay then.

    Attributes:
        from_step: the step that it went on from.
        store, annotations: as absolute paths.
        missing: clips of the lists that the store does not hold.
        device, processes, threads, versions, machine: what it ran on.
    """

    from_step: int
    store: Path
    annotations: Path
    missing: tuple[str, ...]
    device: str
    processes: int
    threads: int
    versions: dict[str, str]
    machine: dict[str, str | int | None]


@dataclass(frozen=True)
class RunRecord:
    """`run.json`: what decides a run, and when and where it ran."""

    settings: RunSettings
    sessions: tuple[Session, ...]


@dataclass(frozen=True)
class LogLine:
    """One line of the log.

    Attributes:
        step: steps done.
        loss, train_accuracy: means since the line before, over the stacks as they were trained on.
        rate: the learning rate of the last step.
        gradient_norm: of the last step.
        clips_per_second: since the line before.
        validation: accuracy of one stack and its centre crop, where it was measured.
    """

    step: int
    loss: float
    train_accuracy: float
    rate: float
    gradient_norm: float
    clips_per_second: float
    validation: float | None


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path):
        self.path, self.state = path, path / "state"
        self._log = RunLog(path, LogLine)

    def open(self, settings: RunSettings, session: Session) -> None:
        """Make the folder, or go on in it. Raises InputError where something else is in it."""
        before = self.check(settings)
        write_atomically(self._record, json_bytes(RunRecord(settings, (*before, session))))
        self._log.forget_after(session.from_step)

    def check(self, settings: RunSettings) -> tuple[Session, ...]:
        """The sessions of the run so far. Raises InputError where another run, or something else, is in the folder."""
        if self._record.is_file():
            record = self.record()
            if record.settings != settings:
                raise InputError(
                    f"{self.path}: another run is in it ({record.settings.differences(settings)}); give a new --out"
                )
            return record.sessions
        # A process that was killed as it began may have left the record half-written, under another name.
        if self.path.is_dir() and any(path.suffix != PARTIAL for path in self.path.iterdir()):
            raise InputError(f"{self.path}: the folder is not empty and holds no run; give a new --out")
        return ()

    def record(self) -> RunRecord:
        """What `run.json` says. Raises InputError where there is no run, FormatError where it is damaged."""
        if not self._record.is_file():
            raise InputError(f"{self.path}: no run of `flowfeat recognition train` is there")
        return read_json(self._record, RunRecord, "record of the run")

    def log(self, line: LogLine) -> None:
        """Add a line to the log, and to TensorBoard's."""
        self._log.add(line)

    def lines(self) -> list[LogLine]:
        """The log so far."""
        return self._log.lines()

    def write_state(self, state: TrainingState) -> None:
        """Keep the state; the one before is removed when this one is whole."""
        write_state(state, self.state)

    def read_state(self) -> TrainingState | None:
        """The state to go on from, None before the first. Raises FormatError where it is damaged."""
        return read_state(self.state)

    def write_weights(self, which: WhichWeights, weights: "Weights") -> None:
        """Keep a network's weights."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.tensors.items()}
        about = {"settings": plain(weights.settings), "step": weights.step, "validation": weights.validation}
        write_atomically(self._weights(which), save(tensors, {_METADATA: json.dumps(about)}))

    def read_weights(self, which: WhichWeights) -> "Weights":
        """A network's weights. Raises InputError where there are none yet, FormatError where they are damaged."""
        path, settings = self._weights(which), self.record().settings
        if not path.is_file():
            reason = (
                "only a run with --fold keeps its best weights, chosen on the clips it holds out"
                if which == "best" and settings.fold is None
                else "the run has not come so far; run it again to go on"
            )
            raise InputError(f"{path}: there are no such weights: {reason}")
        try:
            with safe_open(str(path), framework="pt") as file:
                about = json.loads((file.metadata() or {})[_METADATA])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            step, validation = int(about["step"]), about["validation"]
            whole = about["settings"] == plain(settings)
        except (SafetensorError, OSError, ValueError, KeyError, TypeError):
            raise FormatError(f"{path}: these are no whole weights of a run; run it again to have them") from None
        if not whole:
            raise FormatError(f"{path}: these are weights of another run than {self._record} tells of")
        return Weights(settings, step, validation, tensors)

    def holds_weights(self, which: WhichWeights) -> bool:
        """Whether there are such weights, whole and of this run."""
        try:
            self.read_weights(which)
        except InputError:
            return False
        return True

    def close(self) -> None:
        """Finish what TensorBoard reads."""
        self._log.close()

    @property
    def _record(self) -> Path:
        return self.path / "run.json"

    def _weights(self, which: WhichWeights) -> Path:
        return self.path / f"{which}.safetensors"


@dataclass(frozen=True)
class Weights:
    """A network's tensors by name, what they were trained as, for how many steps, and how good they are."""

    settings: RunSettings
    step: int
    validation: float | None
    tensors: dict[str, Tensor]


def session_now(
    from_step: int, store: Path, annotations: Path, missing: tuple[str, ...], device: torch.device, processes: int
) -> Session:
    """The session that begins here."""
    return Session(
        from_step,
        store.absolute(),
        annotations.absolute(),
        missing,
        str(device),
        processes,
        torch.get_num_threads(),
        versions(),
        machine(),
    )
