"""Data sets of labelled clips: UCF101, HMDB51, or a folder for each class; and what of them is in a flow store."""

from collections.abc import Sequence
from pathlib import Path

from flowfeat.errors import InputError
from recognition.datasets.folders import open_folders
from recognition.datasets.hmdb51 import is_hmdb51, open_hmdb51
from recognition.datasets.in_store import SplitInStore, find_in_store
from recognition.datasets.split import LabelledClip, Split
from recognition.datasets.ucf101 import open_ucf101

__all__ = [
    "LabelledClip",
    "Split",
    "SplitInStore",
    "find_in_store",
    "open_annotations",
    "open_folders",
    "open_hmdb51",
    "open_ucf101",
]


def open_annotations(path: Path, number: int, classes: Sequence[str] | None = None) -> Split:
    """A split of whatever data set `path` describes.

    Args:
        path: UCF101's folder `ucfTrainTestlist`, HMDB51's folder `testTrainMulti_7030_splits`, or a folder with a
            folder of clips for each class.
        number: which split, from 1.
        classes: only these.

    Raises:
        InputError: the folder cannot be read, or is not what it looks like.
    """
    if not path.is_dir():
        raise InputError(
            f"{path}: there is no such folder; annotations are ucfTrainTestlist of UCF101, "
            "testTrainMulti_7030_splits of HMDB51, or a folder with a folder of clips for each class"
        )
    if (path / "classInd.txt").is_file():
        return open_ucf101(path, number, classes)
    if any(path.glob("trainlist*.txt")):
        raise InputError(f"{path}: it holds lists of UCF101 and no classInd.txt, which gives the classes their order")
    if is_hmdb51(path):
        return open_hmdb51(path, number, classes)
    return open_folders(path, number, classes)
