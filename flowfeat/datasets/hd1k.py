"""HD1K (Kondermann et al., "The HCI Benchmark Suite", CVPR workshops 2016): street scenes of 2560x1080, sparse flow.

1,083 training frames in 36 sequences, 1,047 pairs. Its maps of the flow's uncertainty are not read: a sample says
which pixels count and has no weights. http://hci-benchmark.iwr.uni-heidelberg.de/
"""

from pathlib import Path

from flowfeat.datasets.layout import check_choice, complete, find_home, first_frames, matches
from flowfeat.datasets.sample import FlowDataset, PairFiles

_TITLE = "HD1K"
_FOLDERS = {"train": "hd1k_input", "test": "hd1k_challenge"}


def open_hd1k(root: Path, split: str = "train") -> FlowDataset:
    """HD1K.

        HD1K/
            hd1k_input/image_2/000000_0010.png          # sequence_frame
            hd1k_flow_gt/flow_occ/000000_0010.png       # as KITTI's; also for a sequence's last frame
            hd1k_challenge/image_2/000000_10.png  000000_11.png

    Args:
        root: the folder that holds these, the one above it, or one of them.
        split: `train`, or `test` (hd1k_challenge), which has no flow.

    Raises:
        InputError: the data is not there, or a file of a pair is missing.
    """
    check_choice(_TITLE, "split", split, tuple(_FOLDERS))
    markers = [f"{folder}/image_2" for folder in _FOLDERS.values()]
    home = find_home(root, _TITLE, markers, "give the folder that hd1k_input.zip and hd1k_flow_gt.zip were unpacked in")
    frames = home / _FOLDERS[split] / "image_2"
    if split == "test":
        scenes = sorted(matches(frames, r"(\d{6})_1[01]\.png", _TITLE))
        pairs = [PairFiles(f"{scene}_10", *(frames / f"{scene}_{n}.png" for n in (10, 11))) for scene in scenes]
        return complete(_TITLE, pairs)
    flow = home / "hd1k_flow_gt" / "flow_occ"
    seen, known = (_by_sequence(matches(folder, r"(\d{6}_\d{4})\.png", _TITLE)) for folder in (frames, flow))
    pairs = [
        PairFiles(
            f"{sequence}_{number:04d}",
            frames / f"{sequence}_{number:04d}.png",
            frames / f"{sequence}_{number + 1:04d}.png",
            flow / f"{sequence}_{number:04d}.png",
        )
        for sequence in sorted({*seen, *known})
        for number in first_frames(
            frames / f"{sequence}_*.png", seen.get(sequence, ()), known.get(sequence, ()), spare=True
        )
    ]
    return complete(_TITLE, pairs)


def _by_sequence(names: set[str]) -> dict[str, set[int]]:
    grouped: dict[str, set[int]] = {}
    for name in names:
        sequence, number = name.split("_")
        grouped.setdefault(sequence, set()).add(int(number))
    return grouped
