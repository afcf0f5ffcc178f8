"""KITTI's two optical flow benchmarks, sparse flow of street scenes.

2012: Geiger et al., "Are we ready for Autonomous Driving?", CVPR 2012; 194 training and 195 test pairs, still scenes.
2015: Menze and Geiger, "Object Scene Flow for Autonomous Vehicles", CVPR 2015; 200 and 200, with moving cars.
https://www.cvlibs.net/datasets/kitti/eval_flow.php
"""

from collections.abc import Sequence
from pathlib import Path

from flowfeat.datasets.layout import check_choice, complete, find_home, matches
from flowfeat.datasets.sample import FlowDataset, PairFiles

_FOLDERS = {"train": "training", "test": "testing"}


def open_kitti2012(root: Path, split: str = "train") -> FlowDataset:
    """KITTI flow 2012; in colour where the colour frames are there.

        data_stereo_flow/
            training/
                colored_0/ or image_0/          # colour, grey
                    000000_10.png  000000_11.png
                flow_occ/000000_10.png          # all known flow
                flow_noc/000000_10.png          # without what leaves the picture; may be left out
            testing/
                colored_0/ or image_0/

    Args:
        root: the folder of `training` and `testing`, the one above it, or one of the two.
        split: `train`, or `test`, which has no flow.

    Raises:
        InputError: the data is not there, or a file of a pair is missing.
    """
    return _open("KITTI 2012", ("colored_0", "image_0"), "data_stereo_flow.zip", root, split)


def open_kitti2015(root: Path, split: str = "train") -> FlowDataset:
    """KITTI flow 2015: as KITTI 2012, with its frames in `image_2`.

        data_scene_flow/
            training/
                image_2/000000_10.png  000000_11.png
                flow_occ/000000_10.png  flow_noc/000000_10.png
            testing/
                image_2/

    Args and errors are those of `open_kitti2012`.
    """
    return _open("KITTI 2015", ("image_2",), "data_scene_flow.zip", root, split)


def _open(title: str, cameras: Sequence[str], archive: str, root: Path, split: str) -> FlowDataset:
    check_choice(title, "split", split, tuple(_FOLDERS))
    markers = [f"{folder}/{camera}" for folder in _FOLDERS.values() for camera in cameras]
    part = find_home(root, title, markers, f"give the folder that {archive} was unpacked in") / _FOLDERS[split]
    frames = next((part / camera for camera in cameras if (part / camera).is_dir()), part / cameras[0])
    # The multi-view extension puts frames 0 to 20 of each scene into the same folder; 10 and 11 are the pair.
    scenes = matches(frames, r"(\d{6})_1[01]\.png", title)
    flow, in_view = part / "flow_occ", part / "flow_noc"
    if split == "train":
        scenes |= matches(flow, r"(\d{6})_10\.png", title)
    pairs = [
        PairFiles(
            f"{scene}_10",
            frames / f"{scene}_10.png",
            frames / f"{scene}_11.png",
            flow / f"{scene}_10.png" if split == "train" else None,
            flow_in_view=in_view / f"{scene}_10.png" if split == "train" and in_view.is_dir() else None,
        )
        for scene in sorted(scenes)
    ]
    return complete(title, pairs)
