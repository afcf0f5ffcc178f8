"""How planning, resuming and verifying grow with the number of clips."""

import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from fresh_process import measured
from made_stores import write_made_store
from made_videos import write_video

from flowfeat.extraction import ExtractionOptions, extract, make_plan
from flowfeat.store.verify import verify

HEIGHT, WIDTH, FRAMES = 48, 64, 3
IN_A_CLASS = 100
MISSING = 100
"""How many clips, the last ones, are not in the store that a run goes on with."""


def measure_clips(counts: tuple[int, ...]) -> dict[str, Any]:
    """For each number of clips, seconds and memory of each stage, every stage in a process of its own."""
    return {
        "height": HEIGHT,
        "width": WIDTH,
        "frames": FRAMES,
        "missing": MISSING,
        "counts": {str(count): measure_count(count) for count in counts},
    }


def measure_count(count: int) -> dict[str, Any]:
    """The stages at one number of clips: planned anew, planned once all but the last are there, extracted, verified."""
    with tempfile.TemporaryDirectory() as scratch:
        clips, store = Path(scratch) / "clips", Path(scratch) / "store"
        write_clips(clips, count)
        stages = {"plan": measured(plan, clips, store)}
        write_store(store, clips, count - MISSING)
        stages["plan_resumed"] = measured(plan, clips, store)
        stages["extract_last"] = measured(extract_missing, clips, store)
        stages["verify"] = measured(verify_store, store)
    done = stages["plan_resumed"]["done"], stages["extract_last"]["extracted"], stages["verify"]["clips"]
    if done != (count - MISSING, MISSING, count) or not stages["verify"]["clean"]:
        raise RuntimeError(f"of {count} clips these were done, extracted and verified: {done}")
    return stages


def plan(clips: Path, store: Path) -> dict[str, Any]:
    """Plan with `zero`, which needs no weights."""
    options = ExtractionOptions(out=store, model="zero")
    found = make_plan([clips], options, options.settings(options.load_estimators()[0]))
    return {"todo": len(found.todo), "done": len(found.done)}


def extract_missing(clips: Path, store: Path) -> dict[str, Any]:
    """Plan, and extract what is missing."""
    report = extract([clips], ExtractionOptions(out=store, model="zero"))
    return {"extracted": report.extracted, "pairs": report.pairs}


def verify_store(store: Path) -> dict[str, Any]:
    """Verify all."""
    found = verify(store)
    return {"clips": found.clips, "pairs": found.pairs, "clean": found.clean}


def write_clips(folder: Path, count: int) -> None:
    """So many tiny clips, `IN_A_CLASS` in a folder, each folder with one file under many names."""
    for first in range(0, count, IN_A_CLASS):
        paths = [clip_path(folder, number) for number in range(first, min(first + IN_A_CLASS, count))]
        paths[0].parent.mkdir(parents=True)
        if first == 0:
            write_video(paths[0], FRAMES, HEIGHT, WIDTH)
        else:  # a file has 65,000 names at most (ext4)
            paths[0].write_bytes(clip_path(folder, 0).read_bytes())
        for path in paths[1:]:
            os.link(paths[0], path)


def clip_path(folder: Path, number: int) -> Path:
    return folder / f"class_{number // IN_A_CLASS:04d}" / f"v_{number:06d}.avi"


def write_store(store: Path, clips: Path, count: int) -> None:
    """The first clips as `extract` stores them."""
    paths = (clip_path(clips, number) for number in range(count))
    keyed = ((path.relative_to(clips).with_suffix("").as_posix(), path) for path in paths)
    write_made_store(store, torch.zeros(FRAMES - 1, 2, HEIGHT, WIDTH), keyed)
