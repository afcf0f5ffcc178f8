"""The data sets that networks are trained and measured on, in the layouts and formats they are published in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flowfeat.datasets.chairssdhom import open_chairs_sdhom
from flowfeat.datasets.flyingchairs import open_flying_chairs
from flowfeat.datasets.hd1k import open_hd1k
from flowfeat.datasets.kitti import open_kitti2012, open_kitti2015
from flowfeat.datasets.middlebury import open_middlebury
from flowfeat.datasets.mixture import Mixture
from flowfeat.datasets.sample import FlowDataset, FlowSample
from flowfeat.datasets.sintel import open_sintel
from flowfeat.datasets.things3d import open_things3d
from flowfeat.errors import InputError

__all__ = [
    "DATASET_NAMES",
    "FlowDataset",
    "FlowSample",
    "Mixture",
    "open_chairs_sdhom",
    "open_dataset",
    "open_flying_chairs",
    "open_hd1k",
    "open_kitti2012",
    "open_kitti2015",
    "open_middlebury",
    "open_sintel",
    "open_things3d",
    "reported_split",
]


@dataclass(frozen=True)
class _Known:
    """How a data set is opened, the split that errors are reported on, and whether it is rendered in two ways."""

    open: Callable[..., FlowDataset]
    reported: str
    rendered: bool = False


_DATASETS = {
    "sintel": _Known(open_sintel, "train", rendered=True),
    "kitti2012": _Known(open_kitti2012, "train"),
    "kitti2015": _Known(open_kitti2015, "train"),
    "middlebury": _Known(open_middlebury, "train"),
    "flyingchairs": _Known(open_flying_chairs, "validation"),
    "chairssdhom": _Known(open_chairs_sdhom, "test"),
    "things3d": _Known(open_things3d, "test", rendered=True),
    "hd1k": _Known(open_hd1k, "train"),
}

DATASET_NAMES = tuple(_DATASETS)
"""The names `open_dataset` knows."""


def reported_split(name: str) -> str:
    """The split of the data set called `name` that papers report errors on, which `open_dataset` takes by default."""
    return _DATASETS[name].reported


def open_dataset(name: str, root: str | Path, split: str | None = None, rendering: str | None = None) -> FlowDataset:
    """The data set called `name`, one of `DATASET_NAMES`.

    Args:
        name: as `flowfeat benchmark` takes it.
        root: the data set's folder; one too high or too low is found too.
        split: one of the data set's; by default the one with public flow that papers report errors on.
        rendering: `clean` (the default) or `final`, of sintel and things3d.

    Raises:
        InputError: name, split or rendering is unknown, the data is not there, or a file of a pair is missing.
    """
    if name not in _DATASETS:
        raise InputError(f"there is no data set called {name!r}; use one of {', '.join(DATASET_NAMES)}")
    known = _DATASETS[name]
    if rendering is not None and not known.rendered:
        raise InputError(f"{name} is not rendered in two ways; leave out {rendering!r}")
    chosen = {} if rendering is None else {"rendering": rendering}
    return known.open(Path(root), known.reported if split is None else split, **chosen)
