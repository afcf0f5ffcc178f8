"""All measurements of a table, each in a process of its own, some beside each other; what stands is not made again."""

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from typing import Literal

from application.apart import Apart
from application.cells import keep, made_of, method_of, read_cell, stands
from application.inputs import Inputs
from application.layout import Layout
from application.options import TableOptions
from application.results import Cell, Kind, Method, Row
from flowfeat.errors import FormatError, InputError, StoreError


@dataclass(frozen=True)
class Watch:
    """Who is told how it goes; nobody if not given.

    Attributes:
        closed: a method that cannot be had, and why.
        begun: a measurement is being made: its method and kind.
        progress: method and kind, how much is done, of how much, and of what.
        told: a measurement, and whether it stood already.
    """

    closed: Callable[[str, str], None] = lambda method, reason: None
    begun: Callable[[str, Kind], None] = lambda method, kind: None
    progress: Callable[[str, Kind, int, int | None, str], None] = lambda method, kind, done, total, what: None
    told: Callable[[Cell, bool], None] = lambda cell, standing: None


@dataclass(frozen=True)
class _Job:
    """Measurements of a method that follow each other, as a later one needs what an earlier one makes."""

    method: Method
    kinds: tuple[Kind, ...]

    @property
    def rest(self) -> "_Job":
        return _Job(self.method, self.kinds[1:])


@dataclass(frozen=True, eq=False)
class _Running:
    job: _Job
    decided_by: dict[str, str]
    apart: Apart
    begun: str
    clock: float


def conduct(options: TableOptions, inputs: Inputs, workers: int, watch: Watch | None = None) -> list[Row]:
    """Make all measurements that do not stand yet; killed and called again, it goes on.

    First each method is timed, with no other measurement beside it. Then `workers` measurements at a time, each with
    its share of the cores. The same table to the bit takes the same number of threads, as a network on a CPU gives
    other last bits with another, and solvers that come to their end within their budget of time.

    Args:
        options: what is measured.
        inputs: what the data holds.
        workers: measurements at a time; 1 where a GPU computes.
        watch: who is told.

    Returns:
        A row for each method, in order. What failed is in it, and the others are made.

    Raises:
        OSError: the folder cannot be written.
        KeyboardInterrupt: on Ctrl-C; measurements that were begun go on from where they were when called again.
    """
    methods: list[Method] = []
    closed: dict[str, str] = {}
    work = _Work(options, inputs, watch or Watch())
    for name in options.models:
        try:
            methods.append(method_of(name, options.estimator(name, 1)))
        except InputError as fault:
            closed[name] = str(fault)
            work.watch.closed(name, str(fault))
    cores = os.cpu_count() or 1
    work.do([_Job(method, ("speed",)) for method in methods if "speed" in options.kinds_of(method.name)], 1, cores)
    work.do(_jobs(options, methods), workers, max(1, cores // workers))
    return [
        Row(name, {kind: work.cells[name, kind] for kind in _kinds_of(options, name, closed)}, closed.get(name))
        for name in options.models
    ]


def _kinds_of(options: TableOptions, name: str, closed: Collection[str]) -> tuple[Kind, ...]:
    return () if name in closed else options.kinds_of(name)


def standing_cells(
    options: TableOptions, inputs: Inputs
) -> tuple[dict[tuple[str, Kind], Literal["stands", "to make"]], dict[str, str]]:
    """What `conduct` would do, by method and kind; and the methods that cannot be had, each with the reason."""
    work, states, closed = _Work(options, inputs, Watch()), {}, {}
    for name in options.models:
        try:
            method = method_of(name, options.estimator(name, 1))
        except InputError as fault:
            closed[name] = str(fault)
            continue
        states |= {(name, kind): work.state(kind, method) for kind in options.kinds_of(name)}
    return states, closed


def _jobs(options: TableOptions, methods: Collection[Method]) -> list[_Job]:
    """What takes longest first, and networks before the others, so that those that end last are short."""
    ordered = sorted(methods, key=lambda method: method.weights_sha256 is None)
    chains: list[tuple[Kind, ...]] = [("store", "actions"), ("davis",), ("fbms",), ("errors",)]
    return [_Job(method, chain) for chain in chains if chain[0] in options.kinds for method in ordered]


@dataclass(eq=False)
class _Work:
    options: TableOptions
    inputs: Inputs
    watch: Watch
    cells: dict[tuple[str, Kind], Cell] = field(default_factory=dict)

    def do(self, jobs: Iterable[_Job], at_a_time: int, threads: int) -> None:
        """All measurements of the jobs, so many beside each other, with so many threads each."""
        waiting, crew = deque(jobs), dict[Connection, _Running]()
        try:
            while waiting or crew:
                while waiting and len(crew) < at_a_time:
                    job = waiting.popleft()
                    if running := self._begin(job, threads):
                        crew[running.apart.pipe] = running
                    elif job.rest.kinds:
                        waiting.appendleft(job.rest)
                for pipe in wait(list(crew)) if crew else []:  # without any it would wait for ever
                    assert isinstance(pipe, Connection)
                    running = crew[pipe]
                    if message := running.apart.receive():
                        self.watch.progress(running.job.method.name, running.job.kinds[0], *message)
                        continue
                    del crew[pipe]
                    self._end(running)
                    if running.job.rest.kinds:
                        waiting.appendleft(running.job.rest)
        except BaseException:
            for running in crew.values():
                running.apart.interrupt()
            raise

    def state(self, kind: Kind, method: Method) -> Literal["stands", "to make"]:
        """Whether a measurement stands."""
        try:
            decided_by = made_of(kind, method, self.options, self.inputs)
        except StoreError:
            return "to make"  # its flow is not there yet
        known = self._known(_Job(method, (kind,)))
        return "stands" if known is not None and stands(known, decided_by) else "to make"

    def _begin(self, job: _Job, threads: int) -> _Running | None:
        """Start the first measurement of a job; None where it stands already, or cannot be made at all."""
        kind, method = job.kinds[0], job.method
        flow = self.cells.get((method.name, "store"))
        begun, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
        if kind == "actions" and flow is not None and flow.result is None:
            self._told(self._failed(job, {}, begun, clock, f"it needs the flow of the clips: {flow.failed}"), False)
            return None
        try:
            decided_by = made_of(kind, method, self.options, self.inputs)
        except StoreError as fault:
            self._told(self._failed(job, {}, begun, clock, str(fault)), False)
            return None
        known = self._known(job)
        if known is not None and stands(known, decided_by):
            self._told(known, True)
            return None
        self.watch.begun(method.name, kind)
        return _Running(job, decided_by, Apart(kind, method, decided_by, self.options, threads), begun, clock)

    def _end(self, running: _Running) -> None:
        death, made = running.apart.death(), self._known(running.job)
        if death is None and made is not None and made.made_of == running.decided_by:
            self._told(made, False)
            return
        reason = f"{death or 'its record was lost'}; run again, with fewer --workers if the memory is too small"
        self._told(self._failed(running.job, running.decided_by, running.begun, running.clock, reason), False)

    def _known(self, job: _Job) -> Cell | None:
        try:
            return read_cell(Layout(self.options.out).cell(job.method.name, job.kinds[0]))
        except FormatError:
            return None  # what is damaged is measured again

    def _failed(self, job: _Job, decided_by: dict[str, str], begun: str, clock: float, reason: str) -> Cell:
        seconds = time.monotonic() - clock
        return keep(self.options, job.kinds[0], job.method, decided_by, begun, seconds, None, reason)

    def _told(self, cell: Cell, standing: bool) -> None:
        self.cells[cell.method.name, cell.kind] = cell
        self.watch.told(cell, standing)
