"""How extraction grows with the length of a clip."""

import tempfile
from pathlib import Path
from typing import Any

from fresh_process import measured
from made_videos import RATE, write_video

from flowfeat.extraction import ExtractionOptions, extract

HEIGHT, WIDTH = 240, 320
SMALL = "64x96"
"""What frames are resized to where flow is computed, so that an hour is not a day."""


def measure_length(minutes: tuple[int, ...], minutes_of_flow: tuple[int, ...]) -> dict[str, Any]:
    """One clip of so many minutes to a new store: with `zero`, which computes nothing, and with small `dis`."""
    rows = [measure_clip(each, "zero", None) for each in minutes]
    rows += [measure_clip(each, "dis", SMALL) for each in minutes_of_flow]
    return {"height": HEIGHT, "width": WIDTH, "fps": RATE, "runs": rows}


def measure_clip(minutes: int, model: str, resize: str | None) -> dict[str, Any]:
    """One run in a fresh process, with the size of the video and of what it becomes, in bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        video, store = Path(scratch) / "long.avi", Path(scratch) / "store"
        write_video(video, frames=minutes * 60 * RATE, height=HEIGHT, width=WIDTH)
        found = measured(extract_clip, video, store, model, resize)
        size = video.stat().st_size
    if found["pairs"] != minutes * 60 * RATE - 1:
        raise RuntimeError(f"{minutes} minutes gave {found['pairs']} pairs: {found['failed']}")
    return {"minutes": minutes, "model": model, "resize": resize, "video_bytes": size, **found}


def extract_clip(video: Path, store: Path, model: str, resize: str | None) -> dict[str, Any]:
    """Extract it."""
    report = extract([video], ExtractionOptions(out=store, model=model, resize=resize))
    return {
        "pairs": report.pairs,
        "failed": report.failed,
        "stored_bytes": report.bytes_written,
        "pairs_per_second": report.pairs_per_second,
    }
