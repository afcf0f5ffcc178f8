"""ChairsSDHom (Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation with Deep Networks", CVPR 2017): chairs
with small displacements, some before homogeneous backgrounds.

The flow is PFM and so stored from the bottom row up: the first scripts that turned it into `.flo` did not, and
trained on it upside down (lmb-freiburg/flownet2, issue 7). Sign and order are ours: x to the right, y downwards, a
third channel of zeros. Pair 08755 holds NaN at some pixels, which are not valid then.
https://lmb.informatik.uni-freiburg.de/resources/datasets/FlyingChairs.en.html
"""

from pathlib import Path

from flowfeat.datasets.layout import check_choice, complete, find_home, matches
from flowfeat.datasets.sample import FlowDataset, PairFiles

_TITLE = "ChairsSDHom"
_SPLITS = ("train", "test")
_KINDS = {"t0": ".png", "t1": ".png", "flow": ".pfm"}


def open_chairs_sdhom(root: Path, split: str = "train") -> FlowDataset:
    """ChairsSDHom.

        ChairsSDHom/data/
            train/  test/
                t0/00001.png    t1/00001.png    flow/00001.pfm

    Args:
        root: `ChairsSDHom`, the folder above it, or `data`.
        split: `train` or `test`.

    Raises:
        InputError: the data is not there, or a file of a pair is missing.
    """
    check_choice(_TITLE, "split", split, _SPLITS)
    home = find_home(
        root, _TITLE, [f"data/{name}/t0" for name in _SPLITS], "give the folder ChairsSDHom of its archive"
    )
    folder = home / "data" / split
    names = {name for kind, ending in _KINDS.items() for name in matches(folder / kind, rf"(\d+)\{ending}", _TITLE)}
    return complete(
        _TITLE,
        [
            PairFiles(name, *(folder / kind / f"{name}{ending}" for kind, ending in _KINDS.items()))
            for name in sorted(names)
        ],
    )
