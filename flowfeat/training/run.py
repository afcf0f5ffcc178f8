"""A run from its configuration's file to its folder."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from flowfeat.errors import InputError
from flowfeat.training.configuration import read_configuration
from flowfeat.training.distributed import is_first, join, leave
from flowfeat.training.interruption import interruptible
from flowfeat.training.run_folder import RunFolder
from flowfeat.training.state import read_state
from flowfeat.training.trainer import Trainer, TrainingProgress
from flowfeat.weights import read_checkpoint


def train(
    configuration: str | Path,
    out: Path,
    data: Mapping[str, Path] | None = None,
    start: Sequence[Path] = (),
    device: str | torch.device = "cpu",
    stop_after: int | None = None,
    minutes: float | None = None,
    report: Callable[[TrainingProgress], None] = lambda _: None,
) -> Trainer:
    """Train as a configuration says, into the folder `out`; a run that was stopped goes on.

    Args:
        configuration: a file, or the name of one of the package's.
        out: the run's folder.
        data: the folder of each data set that the configuration takes.
        start: checkpoints of the networks that it starts from.
        stop_after: steps in all, if fewer than the schedule's; the schedule stays as it is.
        minutes: how long this call may train.
        report: called every so often, by the first of several processes.

    Raises:
        InputError: something that the configuration takes is missing or does not fit, `out` holds another run, or the
            loss is no number.
        KeyboardInterrupt: on Ctrl-C and SIGTERM, when the state is written.
    """
    asked, text = read_configuration(configuration)
    processes = join(torch.device(device))
    try:
        checkpoints = [read_checkpoint(path) for path in start]
        folder = RunFolder(Path(out))
        trainer = Trainer(asked, folder, data or {}, checkpoints, processes)
        if processes.rank == 0:
            folder.open(asked, text, checkpoints, data or {}, processes.device)
        processes.meet()  # the others read what the first has made
        state = read_state(folder.state)
        if state is not None:
            try:
                trainer.resume(state)
            except ValueError as fault:
                raise InputError(f"{folder.state}: {fault}") from fault
        end = asked.schedule.iterations if stop_after is None else stop_after
        with interruptible():
            trainer.run(end, math.inf if minutes is None else 60 * minutes, report if is_first() else lambda _: None)
        return trainer
    finally:
        leave(processes)
