"""Small shots with ground truth, made for tests: in memory, and on disk in the layout of FBMS-59."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fixture_formats import write_definition
from PIL import Image

from segmentation.fbms import SURE, Shot, TruthFrame, UnknownColours
from segmentation.formats import Annotation, Definition, LabelledTracks
from segmentation.trajectories import Trajectories


@dataclass(frozen=True)
class MadeShot(Shot):
    """A shot whose ground truth never was in a file."""

    regions: Mapping[int, np.ndarray] = field(default_factory=dict)
    weights: Mapping[int, np.ndarray] = field(default_factory=dict)

    def read_truth(self, annotation: Annotation, unknown: UnknownColours = "official") -> TruthFrame:
        region = self.regions[annotation.frame]
        weight = self.weights.get(annotation.frame, np.full(region.shape, SURE))
        return TruthFrame(annotation.frame, region.astype(np.int16), weight.astype(np.uint8), 0, True)


def made_shot(
    regions: Mapping[int, np.ndarray],
    weights: Mapping[int, np.ndarray] | None = None,
    frames: int = 10,
    count: int | None = None,
) -> MadeShot:
    """A shot of `frames` with the region of each pixel of the annotated frames; `count` regions are defined."""
    defined = count or 1 + max(int(region.max()) for region in regions.values())
    annotations = tuple(Annotation(frame, f"{frame}.pgm", f"{frame}.jpg") for frame in regions)
    definition = Definition(tuple(range(defined)), frames, annotations)
    return MadeShot("made", Path("madeDef.dat"), definition, regions, weights or {})


def points(labelled: Mapping[int, list[tuple[float, float]]], frame: int = 0, window: int = 10) -> LabelledTracks:
    """Tracks of one point each in `frame`: (x, y) by label."""
    xy = np.array([place for places in labelled.values() for place in places], np.float64).reshape(-1, 2)
    labels = np.repeat(list(labelled), [len(places) for places in labelled.values()]).astype(np.int64)
    start, length = np.full(len(xy), frame), np.ones(len(xy), np.int64)
    return LabelledTracks(Trajectories(start, length, xy, max(window, frame + 1)), labels, window)


def along(row: int, columns: range) -> list[tuple[float, float]]:
    """A point on each of these pixels of a row."""
    return [(float(column), float(row)) for column in columns]


def random_shot(rng: np.random.Generator) -> tuple[LabelledTracks, MadeShot]:
    """Tracks of a window of 10 frames and the shot they are on: any of few regions, clusters, weights and frames."""
    height, width, frames = (int(rng.integers(1, 7)) for _ in range(3))
    count = int(rng.integers(1, 5))
    annotated = sorted(rng.choice(14, int(rng.integers(0, 3)), replace=False).tolist())
    regions = {frame: rng.integers(0, count, (height, width)) for frame in annotated}
    weights = {frame: rng.choice([0, 51, 128, 255], (height, width)) for frame in annotated if rng.random() < 0.5}
    shot = made_shot(regions, weights, frames=int(rng.choice([10, 20])), count=count)
    tracks = int(rng.integers(0, 12))
    length = rng.integers(1, frames + 1, tracks)
    start = rng.integers(0, 12, tracks)
    xy = rng.uniform(-2, 7, (int(length.sum()), 2))
    end = int((start + length).max(initial=10))
    labels = rng.integers(0, int(rng.integers(1, 6)), tracks)
    return LabelledTracks(Trajectories(start, length, xy, max(end, 10)), labels, 10), shot


def write_shot(
    folder: Path,
    codes: tuple[int, ...],
    truths: Mapping[int, np.ndarray],
    frames: int = 10,
    probabilities: Mapping[int, np.ndarray] | None = None,
    coloured: bool = False,
) -> Path:
    """A shot on disk, frames and all; `truths` holds the code of each pixel. The path of its `Def.dat`."""
    truth_folder, name = folder / "GroundTruth", folder.name
    truth_folder.mkdir(parents=True)
    annotations = []
    for frame, code in truths.items():
        file = truth_folder / f"{frame + 1:03d}_gt.{'ppm' if coloured else 'pgm'}"
        channels = np.stack([code >> 16, code >> 8 & 255, code & 255], axis=2) if coloured else code
        Image.fromarray(channels.astype(np.uint8)).save(file)
        if probabilities is not None:
            Image.fromarray(probabilities[frame].astype(np.uint8)).save(file.with_suffix(".pgm"))
        annotations.append(Annotation(frame, file.name, f"{name}_{frame + 1:04d}.jpg"))
    height, width = next(iter(truths.values())).shape
    for frame in range(frames):
        Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(folder / f"{name}_{frame + 1:04d}.jpg")
    path = truth_folder / f"{name}Def.dat"
    write_definition(path, Definition(codes, frames, tuple(annotations)))
    return path
