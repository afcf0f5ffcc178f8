"""Two processes, as torchrun would start them, forked so that they run what a test defines."""

import multiprocessing
import os
import socket
from collections.abc import Callable

FORK = multiprocessing.get_context("fork")


def as_two(work: Callable[[int], object]) -> list[int | None]:
    """`work(rank)` in both, and their exit statuses. The test has to run on one thread: forks have no others."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = [FORK.Process(target=_as_one_of_two, args=(rank, port, work)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    return [process.exitcode for process in processes]


def _as_one_of_two(rank: int, port: str, work: Callable[[int], object]) -> None:
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    work(rank)
