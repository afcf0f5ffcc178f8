"""FlyingChairs (Dosovitskiy et al., "FlowNet: Learning Optical Flow with Convolutional Networks", ICCV 2015).

22,872 pairs of 512x384; the list beside them says 1 (22,232 pairs to train on) or 2 (640 to validate on) for each.
https://lmb.informatik.uni-freiburg.de/resources/datasets/FlyingChairs.en.html
"""

import re
from pathlib import Path

from flowfeat.datasets.layout import check_choice, complete, find_home, numbers
from flowfeat.datasets.sample import FlowDataset, PairFiles
from flowfeat.errors import InputError

_TITLE = "FlyingChairs"
_LIST = "FlyingChairs_train_val.txt"
_SOURCE = "https://lmb.informatik.uni-freiburg.de/resources/datasets/FlyingChairs/FlyingChairs_train_val.txt"
_MARKS = {"train": "1", "validation": "2"}
_KINDS = ("img1.ppm", "img2.ppm", "flow.flo")


def open_flying_chairs(root: Path, split: str = "train") -> FlowDataset:
    """FlyingChairs, or pairs rendered in its layout.

        FlyingChairs_release/
            FlyingChairs_train_val.txt      # line i is of pair i: 1 train, 2 validation
            data/
                00001_img1.ppm  00001_img2.ppm  00001_flow.flo

    Args:
        root: `FlyingChairs_release`, the folder above it, or `data`.
        split: `train`, `validation`, or `all`, which needs no list.

    Raises:
        InputError: the data is not there, a file of a pair is missing, or the list is not of these pairs.
    """
    check_choice(_TITLE, "split", split, (*_MARKS, "all"))
    home = find_home(
        root,
        _TITLE,
        [f"data/*_{kind}" for kind in _KINDS],
        "give the folder FlyingChairs_release of its archive",
    )
    data, listing = home / "data", home / _LIST
    found = {number for kind in _KINDS for number in numbers(data, rf"(\d{{5,}})_{re.escape(kind)}", _TITLE)}
    if split == "all" and not listing.is_file():
        chosen = sorted(found)
    else:
        marks = _read_list(listing)
        if found and max(found) > len(marks):
            raise InputError(
                f"{listing}: it has {len(marks)} lines and {data} holds a pair {max(found)}; "
                f"take the list from {_SOURCE}"
            )
        chosen = [number for number, mark in enumerate(marks, 1) if split == "all" or mark == _MARKS[split]]
        if not chosen:
            raise InputError(f"{listing}: no line of its {len(marks)} is {_MARKS[split]}, so split {split!r} is empty")
    names = [f"{number:05d}" for number in chosen]
    return complete(_TITLE, [PairFiles(name, *(data / f"{name}_{kind}" for kind in _KINDS)) for name in names])


def _read_list(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="ascii").split()
    except OSError as fault:
        raise InputError(
            f"{path}: the list of the split cannot be read ({fault.strerror}); take it from {_SOURCE}"
        ) from None
    except UnicodeDecodeError:
        lines = [""]
    for number, mark in enumerate(lines, 1):
        if mark not in _MARKS.values():
            raise InputError(f"{path}, entry {number}: {mark[:20]!r} is not 1 or 2; take the list from {_SOURCE}")
    return lines
