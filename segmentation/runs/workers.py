"""Shots in processes beside each other; a process that dies costs the shot it was at and no other."""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Literal

from flowfeat.errors import InputError
from segmentation.runs.inputs import InputShot
from segmentation.runs.one_shot import Progress, ShotTask, inputs_of, make_shot, note_source, standing
from segmentation.runs.record import Failure
from segmentation.runs.sources import SourceChoice, TrackSource


@dataclass(frozen=True)
class Outcome:
    """What became of a shot.

    Attributes:
        shot: its name.
        state: made now, found done, or failed.
        redone: why it was made again; empty where it never was done.
        failure: of a failed one.
    """

    shot: str
    state: Literal["made", "done", "failed"]
    redone: str = ""
    failure: Failure | None = None


def do_shot(shot: InputShot, task: ShotTask, source: TrackSource, progress: Progress) -> Outcome:
    """Make the shot unless it is done. Whatever goes wrong is in the outcome, so that the other shots go on."""
    try:
        inputs = inputs_of(shot, task, source)
        verdict = standing(shot, task, inputs)
        if verdict is None:
            note_source(shot, task.folder)
            return Outcome(shot.name, "done")
        make_shot(shot, task, source, inputs, progress)
        return Outcome(shot.name, "made", verdict)
    except InputError as fault:
        return Outcome(shot.name, "failed", failure=Failure(str(fault)))
    except OSError as fault:
        where = f"{fault.filename}: " if fault.filename else ""
        return Outcome(shot.name, "failed", failure=Failure(f"{where}{fault.strerror or fault}"))
    except Exception as fault:  # a fault of ours, told in full
        reason = f"{type(fault).__name__}: {fault}"
        return Outcome(shot.name, "failed", failure=Failure(reason, traceback.format_exc()))


def shots_beside_each_other(
    shots: Sequence[InputShot],
    task: ShotTask,
    source: SourceChoice,
    workers: int,
    threads: int,
    progress: Callable[[str, int], None],
) -> Iterator[Outcome]:
    """The outcome of each shot, as they come, from so many processes.

    Args:
        shots: handed out one by one, in this order.
        task: what is to be done with each.
        source: opened in each process.
        workers: processes.
        threads: of PyTorch and of OpenCV's methods in each.
        progress: called with a shot's name and the frames or masks it got further.
    """
    remaining = list(reversed(shots))
    crew: dict[Connection, _Worker] = {}
    try:
        while remaining or crew:
            while remaining and len(crew) < workers:
                worker = _Worker.started(task, source, threads)
                worker.give(remaining.pop())
                crew[worker.pipe] = worker
            for pipe in wait(list(crew)):
                assert isinstance(pipe, Connection)
                worker = crew[pipe]
                try:
                    message = pipe.recv()
                except (EOFError, OSError):
                    del crew[pipe]
                    yield Outcome(worker.shot, "failed", failure=Failure(worker.death()))
                    continue
                if isinstance(message, int):
                    progress(worker.shot, message)
                    continue
                assert isinstance(message, Outcome)
                if remaining:
                    worker.give(remaining.pop())
                else:
                    worker.end()
                    del crew[pipe]
                yield message
    finally:
        for worker in crew.values():
            worker.end()


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection
    shot: str = ""

    @classmethod
    def started(cls, task: ShotTask, source: SourceChoice, threads: int) -> "_Worker":
        # A fresh interpreter: forked ones inherit threads that PyTorch cannot use.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, task, source, threads), daemon=True)
        process.start()
        there.close()  # so that its end is seen when the process ends
        return cls(process, here)

    def give(self, shot: InputShot) -> None:
        self.shot = shot.name
        try:
            self.pipe.send(shot)
        except OSError:  # it has died; its pipe will tell
            return

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def death(self) -> str:
        self.process.join()
        self.pipe.close()
        status = self.process.exitcode or 0
        told = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"its process {told}; there may be too little memory for it, so give fewer --workers"


def _work(pipe: Connection, task: ShotTask, source: SourceChoice, threads: int) -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which then ends this process
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    opened = source.open(threads)
    while True:
        try:
            shot = pipe.recv()
        except EOFError:
            return
        pipe.send(do_shot(shot, task, opened, pipe.send))


def end_with_parent() -> None:
    """Wait for this process's parent to end, and end with it: who writes into results of a run that was killed may be
    writing into another's by then."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
