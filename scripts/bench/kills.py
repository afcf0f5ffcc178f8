"""Extraction killed at random moments, gone on with, and compared with a run that was not killed."""

import hashlib
import multiprocessing
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from made_videos import write_video

from flowfeat.extraction import ExtractionOptions, extract
from flowfeat.store.records import partial_files
from flowfeat.store.verify import verify

CLIPS, FRAMES, HEIGHT, WIDTH = 24, 20, 120, 160
_PATIENCE = 600.0


def measure_kills(kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill so many runs; where one ends before its kill, check the store and begin another. The last one may end.

    Raises RuntimeError where a clip was lost, changed, made twice or half-written, or where a store in the end
    differs from that of a run that was not killed.
    """
    # A server that has imported what takes long forks each run: a kill then hits the work and not the imports.
    # It finds installed packages alone, so this file is none of them.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["av", "tyro", "flowfeat.extraction"])
    generator = random.Random(seed)
    done = stores = partial = unharmed = 0
    with tempfile.TemporaryDirectory() as scratch:
        clips = Path(scratch) / "clips"
        for number in range(CLIPS):
            write_video(clips / f"class_{number % 4}" / f"v_{number:02d}.avi", FRAMES, HEIGHT, WIDTH, seed=number)
        for name in ("first", "whole"):  # the first also starts the server
            begun = time.perf_counter()
            if not _ended(processes.Process(target=run_extraction, args=(clips, Path(scratch) / name)), _PATIENCE):
                raise RuntimeError("a run that was not killed did not end")
            seconds = time.perf_counter() - begun
        whole = contents(Path(scratch) / "whole")
        store = Path(scratch) / "killed0"
        while True:
            before = stored_files(store)
            run = processes.Process(target=run_extraction, args=(clips, store))
            ended = _ended(run, generator.uniform(0, seconds) if done < kills else _PATIENCE)
            check_survivors(store, before, whole)
            if not ended:
                done += 1
                unharmed += len(before)
                continue
            found = verify(store)
            if run.exitcode != 0 or contents(store) != whole or not found.clean:
                raise RuntimeError(f"after {done} kills the store is not that of a run that was not killed: {found}")
            stores, partial = stores + 1, partial + len(list(partial_files(store)))
            store = Path(scratch) / f"killed{stores}"
            if done >= kills:
                break
    return {
        "kills": done,
        "seed": seed,
        "clips": CLIPS,
        "frames": FRAMES,
        "seconds_of_a_run": seconds,
        "stores_completed": stores,
        "partial_files": partial,
        "clips_there_before_a_kill": unharmed,
    }


def run_extraction(clips: Path, store: Path) -> None:
    """What is killed. Ends with status 1 where the run does not count every clip once."""
    report = extract([clips], ExtractionOptions(out=store, model="zero", frames=True, workers=2))
    sys.exit(0 if report.complete and report.done_before + report.extracted == report.clips == CLIPS else 1)


def stored_files(store: Path) -> dict[str, tuple[int, int]]:
    """Which file each clip is, by its number and time: a file that is written again has others."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in store.rglob("*.safetensors")}


def contents(store: Path) -> dict[str, str]:
    """The SHA-256 of each clip's file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in store.rglob("*.safetensors")}


def check_survivors(store: Path, before: dict[str, tuple[int, int]], whole: dict[str, str]) -> None:
    """Raise RuntimeError where a file that was there is gone or new, or where one differs from an unkilled run's."""
    now = stored_files(store)
    for name, file in before.items():
        if now.get(name) != file:
            raise RuntimeError(
                f"{store}: {name} was there before the run and was {'made again' if name in now else 'lost'}"
            )
    for name, digest in contents(store).items():
        if digest != whole[name]:
            raise RuntimeError(f"{store}: {name} is not what a run writes that is not killed")


def _ended(run: Any, seconds: float) -> bool:
    """Start a process, kill it after so many seconds, and tell whether it had ended by itself before."""
    run.start()
    run.join(seconds)
    ended = run.exitcode is not None
    run.kill()
    run.join()
    return ended and run.exitcode >= 0
