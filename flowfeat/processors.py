"""How many processors this process may use."""

import os


def processors() -> int:
    """Those that Slurm, taskset or a container leave to this process; all of the machine's where it cannot be told."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
