"""A shot of FBMS-59 with two objects, and a result on it: both found under other numbers, a third one invented."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from fixture_fbms import write_shot
from fixture_results import write_result
from fixture_tracks import stored_tracks

from flowfeat.typed_json import json_bytes
from segmentation.fbms import open_shot
from segmentation.formats.label_map import write_label_map
from segmentation.overlays import SegmentedShot
from segmentation.runs.layout import RunFolder
from segmentation.runs.stored_tracks import StoredTracks
from segmentation.trajectories import Trajectories

HEIGHT, WIDTH, FRAMES = 48, 64, 6
ANNOTATED = (0, 4)
CODES = (0, 128, 255)


def truth() -> np.ndarray:
    """Regions: a square 1 at the top left, a rectangle 2 at the bottom right."""
    regions = np.zeros((HEIGHT, WIDTH), np.int64)
    regions[8:24, 8:24] = 1
    regions[28:44, 36:60] = 2
    return regions


def found() -> np.ndarray:
    """The result: region 2 is object 1, half of region 1 is object 2, and object 3 is nothing."""
    labels = np.zeros((HEIGHT, WIDTH), np.int64)
    labels[28:44, 36:60] = 1
    labels[8:24, 8:16] = 2
    labels[0:6, 50:64] = 3
    return labels


def tracks_on(labels: np.ndarray, frames: int = FRAMES) -> StoredTracks:
    """A track that stands still on every fourth pixel, and the label there."""
    y, x = np.mgrid[2 : HEIGHT - 1 : 4, 2 : WIDTH - 1 : 4].reshape(2, -1)
    count = len(x)
    xy = np.repeat(np.stack([x, y], axis=1), frames, axis=0).astype(np.float32)
    trajectories = Trajectories(np.zeros(count, np.int64), np.full(count, frames), xy, frames)
    return stored_tracks(trajectories, HEIGHT, WIDTH, labels[y, x])


def write_fbms(root: Path, names: tuple[str, ...] = ("cars1",)) -> Path:
    """A copy of FBMS-59 with these shots."""
    for name in names:
        code = np.array(CODES)[truth()]
        write_shot(root / "Testset" / name, CODES, dict.fromkeys(ANNOTATED, code), FRAMES)
    return root


def segmented_shot(folder: Path, masks: Mapping[int, np.ndarray] | None = None) -> SegmentedShot:
    """The shot cars1 below a folder, with label maps of these frames."""
    shot = write_fbms(folder / "FBMS") / "Testset/cars1"
    for frame, labels in (masks or {}).items():
        write_label_map(folder / f"masks/{frame:05d}.png", labels)
    stored = tracks_on(found())
    return SegmentedShot(
        name="cars1",
        method="made",
        frames=shot,
        height=HEIGHT,
        width=WIDTH,
        tracks=stored.trajectories,
        objects=stored.object,
        masks=None if masks is None else folder / "masks",
        truth=open_shot(shot / "GroundTruth/cars1Def.dat"),
    )


def write_run(home: Path, root: Path, names: tuple[str, ...] = ("cars1",), dense: bool = True) -> Path:
    """A result on a copy of FBMS-59, with a label map of every frame."""
    masks = {name: [found()] * FRAMES for name in names} if dense else None
    write_result(home, root, "fbms", {name: tracks_on(found()) for name in names}, masks)
    run = RunFolder(home)
    for name in names:
        record = replace(run.record(name), source=str(root / "Testset" / name))
        run.record_file(name).write_bytes(json_bytes(record))
    return home
