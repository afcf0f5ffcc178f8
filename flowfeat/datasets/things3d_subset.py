"""The subset of FlyingThings3D that FlowNet 2.0 and DispNet were trained on, renumbered, with `.flo` files.

The frames of all videos lie in one folder under consecutive numbers, so neighbours may be of two videos, and where
a video's last frame was taken out as too hard the one before still has flow: validation frame 108 has flow and 109 is
another video (lmb-freiburg/flownet2, issue 196). First frames have no flow into the past: frames n and n + 1 belong
together where n has flow into the future and n + 1 into the past.
https://lmb.informatik.uni-freiburg.de/resources/datasets/SceneFlowDatasets.en.html
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flowfeat.datasets.layout import complete, numbers
from flowfeat.datasets.sample import FlowDataset, PairFiles
from flowfeat.errors import InputError

FOLDERS = {"train": "train", "test": "val"}
"""The folder of each split; `val` was taken from the TEST videos of the whole set."""


def open_subset(home: Path, split: str, rendering: str, views: Sequence[str], directions: Sequence[str]) -> FlowDataset:
    """As `open_things3d`, for the subset in `home`."""
    title = "FlyingThings3D_subset"
    pairs = [
        pair
        for view in views
        for direction in directions
        for pair in _pairs(home / FOLDERS[split], f"image_{rendering}", view, direction, title)
    ]
    return complete(title, pairs)


def _pairs(folder: Path, images: str, view: str, direction: str, title: str) -> Iterator[PairFiles]:
    pattern = r"(\d{7})\.flo"
    future, past = (numbers(folder / "flow" / view / way, pattern, title) for way in ("into_future", "into_past"))
    together = sorted(number for number in future if number + 1 in past)
    if not together:
        raise InputError(
            f"{folder / 'flow' / view}: no frame in into_future has its next frame in into_past, so no pair is known; "
            "unpack the archive of the flow again"
        )
    occlusions = folder / "flow_occlusions" / view / direction
    known = occlusions.is_dir()
    for number in together:
        first, second = (number, number + 1) if direction == "into_future" else (number + 1, number)
        yield PairFiles(
            f"{view}/{direction}/{first:07d}",
            folder / images / view / f"{first:07d}.png",
            folder / images / view / f"{second:07d}.png",
            folder / "flow" / view / direction / f"{first:07d}.flo",
            occlusions / f"{first:07d}.png" if known else None,
        )
