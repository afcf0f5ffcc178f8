"""FlyingThings3D (Mayer et al., "A Large Dataset to Train Convolutional Networks for Disparity, Optical Flow, and
Scene Flow Estimation", CVPR 2016): 2,239 training and 437 test videos of ten stereo frames, 960x540.

https://lmb.informatik.uni-freiburg.de/resources/datasets/SceneFlowDatasets.en.html
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flowfeat.datasets.layout import check_choice, complete, find_home, first_frames, matches, numbers, subfolders
from flowfeat.datasets.sample import FlowDataset, PairFiles
from flowfeat.datasets.things3d_subset import FOLDERS, open_subset

VIEWS = ("left", "right")
DIRECTIONS = ("into_future", "into_past")
_TITLE = "FlyingThings3D"
_RENDERINGS = ("clean", "final")
_FLOW_NAMES = {"into_future": "OpticalFlowIntoFuture", "into_past": "OpticalFlowIntoPast"}


def open_things3d(
    root: Path,
    split: str = "train",
    rendering: str = "clean",
    views: Sequence[str] = VIEWS,
    directions: Sequence[str] = DIRECTIONS,
) -> FlowDataset:
    """FlyingThings3D, whole or the subset, whichever lies at `root`; both views and directions, as FlowNet 2.0 used.

        FlyingThings3D/
            frames_cleanpass/  frames_finalpass/
                TRAIN/  TEST/
                    A/0000/left/0006.png ... 0015.png
            optical_flow/TRAIN/A/0000/into_future/left/OpticalFlowIntoFuture_0006_L.pfm
        FlyingThings3D_subset/
            train/  val/
                image_clean/left/0000000.png        image_final/
                flow/left/into_future/0000000.flo
                flow_occlusions/left/into_future/0000000.png    # not black where occluded; may be left out

    A video's last flow into the future and first into the past lead to frames that were not published: they are no
    pairs. A few files hold NaN at some pixels, which are not valid then. The whole set has no occlusions.

    Args:
        root: one of the folders above, the one above it, or one directly in it.
        split: `train` or `test` (the subset calls it `val`).
        rendering: `clean` or `final`.
        views: `left`, `right` or both.
        directions: `into_future` (frame n to n + 1), `into_past` (n to n - 1) or both.

    Raises:
        InputError: the data is not there, or a file of a pair is missing.
    """
    check_choice(_TITLE, "split", split, tuple(FOLDERS))
    check_choice(_TITLE, "rendering", rendering, _RENDERINGS)
    for view in views:
        check_choice(_TITLE, "view", view, VIEWS)
    for direction in directions:
        check_choice(_TITLE, "direction", direction, DIRECTIONS)
    whole = [f"frames_{name}pass" for name in _RENDERINGS]
    subset = [f"{folder}/image_{name}" for folder in FOLDERS.values() for name in _RENDERINGS]
    advice = "give the folder that its archives were unpacked in"
    home = find_home(root, _TITLE, [*whole, *subset], advice)
    if not any((home / folder).is_dir() for folder in whole):
        return open_subset(home, split, rendering, views, directions)
    frames, flows = home / f"frames_{rendering}pass" / split.upper(), home / "optical_flow" / split.upper()
    pairs = [
        pair
        for video in sorted(_videos(frames) | _videos(flows))
        for view in views
        for direction in directions
        for pair in _pairs(frames / video, flows / video, f"{video}/{view}", view, direction)
    ]
    return complete(_TITLE, pairs)


def _videos(folder: Path) -> set[str]:
    """`A/0000` and so on."""
    letters = matches(folder, "([A-Z])", _TITLE)
    return {f"{letter}/{video}" for letter in letters for video in subfolders(folder / letter, _TITLE)}


def _pairs(frames: Path, flows: Path, where: str, view: str, direction: str) -> Iterator[PairFiles]:
    images, fields = frames / view, flows / direction / view
    prefix, suffix = _FLOW_NAMES[direction], view[0].upper()
    seen = numbers(images, r"(\d{4})\.png", _TITLE)
    known = numbers(fields, rf"{prefix}_(\d{{4}})_{suffix}\.pfm", _TITLE)
    for number in first_frames(images, seen, known, spare=True):
        first, second = (number, number + 1) if direction == "into_future" else (number + 1, number)
        yield PairFiles(
            f"{where}/{direction}/{first:04d}",
            images / f"{first:04d}.png",
            images / f"{second:04d}.png",
            fields / f"{prefix}_{first:04d}_{suffix}.pfm",
        )
