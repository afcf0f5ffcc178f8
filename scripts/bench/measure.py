"""What measurements share: what the machine is, which clips were read, and how repetitions are summed up."""

import hashlib
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from flowfeat.provenance import machine, versions
from flowfeat.video import Clip, find_clips

Measurement = Callable[[], dict[str, Any]]
"""What measures a part of a record."""

_LOAD_BEFORE = os.getloadavg()


def record(bench: str, clips: Sequence[Clip], results: dict[str, Any]) -> dict[str, Any]:
    """The record of one run of `bench`: results beside machine, load, versions and inputs.

    The loads are of the last 1, 5 and 15 minutes, before the measurement and after it, itself included then.
    """
    return {
        "schema": 1,
        "bench": bench,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": {
            **machine(),
            "load_before": _LOAD_BEFORE,
            "load_after": os.getloadavg(),
        },
        "versions": versions(),
        "inputs": {clip.key: hashlib.sha256(clip.path.read_bytes()).hexdigest() for clip in clips},
        **results,
    }


def measure_sections(bench: str, out: Path, only: Sequence[str], sections: dict[str, tuple[int, Measurement]]) -> None:
    """Measure some sections of a record, each with its seconds, when it was measured and how busy the machine was.

    Args:
        bench: of the record.
        out: the record; sections that are not asked for stay as it has them.
        only: which to measure.
        sections: all that there are, in the record's order: how many threads each has, and what measures it.
    """
    before = json.loads(out.read_text()) if out.exists() else {}
    found = {name: before[name] for name in sections if name in before}
    for name in only:
        threads, measured = sections[name]
        load, begun = os.getloadavg(), time.perf_counter()
        result = measured()
        found[name] = {
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "seconds": time.perf_counter() - begun,
            "threads": threads,
            "load_before": load,
            "load_after": os.getloadavg(),
            **result,
        }
        # Written each time: what was measured for an hour is not lost with the section after it.
        write_record(out, record(bench, [], {each: found[each] for each in sections if each in found}))


def write_record(path: Path, table: dict[str, Any]) -> None:
    """Write a record as JSON, its short lists on one line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rounded(table), indent=1) + "\n")


def spread_clips(folder: Path, count: int) -> list[Clip]:
    """`count` clips spread evenly through the sorted clips of `folder`, so that all its classes have a part."""
    clips = find_clips([folder])
    return [clips[i * len(clips) // count] for i in range(min(count, len(clips)))]


def interleave(contestants: dict[str, Callable[[], object]], repetitions: int) -> dict[str, list[float]]:
    """Seconds of each contestant, run in turn: A B C A B C ..., so that a slow moment of the machine hits all."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repetitions):
        for name, run in contestants.items():
            seconds[name].append(seconds_of(run))
    return seconds


def to_the_end(run: Callable[[], object], calls: int, device: torch.device) -> Callable[[], object]:
    """Some calls, to the end of what a GPU was asked for."""

    def many() -> None:
        for _ in range(calls):
            run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return many


def seconds_of(run: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def peak_bytes(process: str = "self") -> int:
    """The most memory that a process ever had, this one by default, in bytes (Linux); 0 where it has ended.

    `ru_maxrss` will not do: a process inherits it from the one that started it.
    """
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Minimum, median and maximum of `ours / theirs`, repetition by repetition."""
    each = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {"min": min(each), "median": statistics.median(each), "max": max(each)}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
