"""MPI-Sintel (Butler et al., "A Naturalistic Open Source Movie for Optical Flow Evaluation", ECCV 2012).

1,041 training pairs in 23 scenes and 552 test pairs in 12, 1024x436, each rendered `clean` and `final`.
http://sintel.is.tue.mpg.de/downloads
"""

from collections.abc import Iterator
from pathlib import Path

from flowfeat.datasets.layout import check_choice, complete, find_home, first_frames, numbers, subfolders
from flowfeat.datasets.sample import FlowDataset, PairFiles

_TITLE = "MPI-Sintel"
_FOLDERS = {"train": "training", "test": "test"}
_RENDERINGS = ("clean", "final")


def open_sintel(
    root: Path, split: str = "train", rendering: str = "clean", *, leave_out_invalid: bool = False
) -> FlowDataset:
    """MPI-Sintel.

        MPI-Sintel/
            training/
                clean/  final/
                    alley_1/frame_0001.png ... frame_0050.png
                flow/alley_1/frame_0001.flo ... frame_0049.flo
                occlusions/alley_1/frame_0001.png       # not black where occluded; may be left out
                invalid/alley_1/frame_0001.png          # not black where the flow is not to be trusted
            test/
                clean/  final/

    Args:
        root: `MPI-Sintel`, the folder above it, or `training` or `test`.
        split: `train`, or `test`, which has no flow.
        rendering: `clean` or `final`.
        leave_out_invalid: do not count the pixels of `invalid`. The flow is dense and published errors (FlowNet 2.0,
            RAFT) are means over all pixels, so they count by default.

    Raises:
        InputError: the data is not there, or a file of a pair is missing.
    """
    check_choice(_TITLE, "split", split, tuple(_FOLDERS))
    check_choice(_TITLE, "rendering", rendering, _RENDERINGS)
    markers = [f"{folder}/{name}" for folder in _FOLDERS.values() for name in _RENDERINGS]
    home = find_home(root, _TITLE, markers, "give the folder that MPI-Sintel-complete.zip was unpacked in")
    part = home / _FOLDERS[split]
    scenes = set(subfolders(part / rendering, _TITLE))
    if split == "train":
        scenes |= set(subfolders(part / "flow", _TITLE))
    pairs = [pair for scene in sorted(scenes) for pair in _pairs(part, rendering, scene, split, leave_out_invalid)]
    return complete(_TITLE, pairs)


def _pairs(part: Path, rendering: str, scene: str, split: str, leave_out_invalid: bool) -> Iterator[PairFiles]:
    frames, flow = part / rendering / scene, part / "flow" / scene
    seen = numbers(frames, r"frame_(\d{4})\.png", _TITLE)
    known = numbers(flow, r"frame_(\d{4})\.flo", _TITLE) if split == "train" else ()
    occlusions = part / "occlusions" if split == "train" and (part / "occlusions").is_dir() else None
    for number in first_frames(frames, seen, known, spare=False):
        name = f"frame_{number:04d}"
        yield PairFiles(
            f"{scene}/{name}",
            frames / f"{name}.png",
            frames / f"frame_{number + 1:04d}.png",
            flow / f"{name}.flo" if split == "train" else None,
            occlusions / scene / f"{name}.png" if occlusions else None,
            part / "invalid" / scene / f"{name}.png" if leave_out_invalid and split == "train" else None,
        )
