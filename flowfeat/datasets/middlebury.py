"""Middlebury (Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011).

https://vision.middlebury.edu/flow/data/
"""

from pathlib import Path

from flowfeat.datasets.layout import check_choice, complete, find_home, subfolders
from flowfeat.datasets.sample import FlowDataset, PairFiles

_TITLE = "Middlebury"
_FOLDERS = {"train": "other-data", "test": "eval-data"}
# In other-data for the interpolation benchmark; their flow was never published.
_WITHOUT_FLOW = {"Beanbags", "DogDance", "MiniCooper", "Walking"}


def open_middlebury(root: Path, split: str = "train") -> FlowDataset:
    """Middlebury: eight scenes with public flow, twelve without.

        middlebury/
            other-data/RubberWhale/frame10.png  frame11.png
            other-gt-flow/RubberWhale/flow10.flo        # above 1e9 where unknown
            eval-data/Army/frame10.png  frame11.png

    Args:
        root: the folder that holds these, the one above it, or one of them.
        split: `train` (other-data), or `test` (eval-data), which has no flow.

    Raises:
        InputError: the data is not there, or a file of a pair is missing.
    """
    check_choice(_TITLE, "split", split, tuple(_FOLDERS))
    advice = "give the folder that other-color-twoframes.zip and other-gt-flow.zip were unpacked in"
    home = find_home(root, _TITLE, tuple(_FOLDERS.values()), advice)
    frames, flow = home / _FOLDERS[split], home / "other-gt-flow"
    scenes = set(subfolders(frames, _TITLE))
    if split == "train":
        scenes = (scenes - _WITHOUT_FLOW) | set(subfolders(flow, _TITLE))
    pairs = [
        PairFiles(
            scene,
            frames / scene / "frame10.png",
            frames / scene / "frame11.png",
            flow / scene / "flow10.flo" if split == "train" else None,
        )
        for scene in sorted(scenes)
    ]
    return complete(_TITLE, pairs)
