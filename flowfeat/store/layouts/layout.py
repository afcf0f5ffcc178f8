"""Where other tools look for the flow and the frames of a clip, as data: one `Layout` a tool.

A pattern is a path below the exported folder; `{clip}` is the clip's folder and `{index}` the number of a
field or a frame. Field 0 and frame 0 carry the number `first`. What lies up to `{clip}` is one of the clip's
folders, all of whose files are its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from flowfeat.errors import InputError


@dataclass(frozen=True)
class Layout:
    """A layout of folders and files.

    Attributes:
        name: what `--layout` calls it.
        storage: how a field is stored: two grey JPEGs of 8-bit levels, a `.flo` file, or all of a clip as
            `.npy`.
        flat: folders are called by the clip's stem, without the folders above it.
        first: the number of the first field and of the first frame.
        forward: patterns of a field's files: x and y, or both in one.
        backward: the same of backward flow; empty where the layout has no place for it.
        frames: pattern of the RGB frames.
        spellings: other patterns of `forward` that are in use and are read.
        mmaction2: arguments for mmaction2's RawframeDataset that read these files, by modality.
    """

    name: str
    storage: Literal["jpeg", "flo", "npy"]
    flat: bool
    first: int
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    frames: str
    spellings: tuple[tuple[str, ...], ...] = ()
    mmaction2: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)

    @property
    def eight_bit(self) -> bool:
        """Whether the flow is stored as 8-bit levels, which mean nothing without their bound."""
        return self.storage == "jpeg"

    def clip_folder(self, key: str) -> str:
        """What `{clip}` is for the clip called `key`."""
        return PurePosixPath(key).name if self.flat else key

    def check_keys(self, keys: Iterable[str]) -> None:
        """Raise InputError where two clips would lie in one folder, or one in the folder of another."""
        folders: dict[str, str] = {}
        for key in keys:
            other = folders.setdefault(self.clip_folder(key), key)
            if other != key:
                raise InputError(
                    f"{other} and {key} would both be written to the folder {self.clip_folder(key)} of the "
                    f"layout {self.name}; rename one of the clips, or use a layout that keeps the folders "
                    "above a clip"
                )
        for folder, key in folders.items():
            for above in PurePosixPath(folder).parents:
                if str(above) in folders:
                    raise InputError(
                        f"{key} would be written into the folder of another clip, {folders[str(above)]}, in "
                        f"the layout {self.name}; rename one of the clips, or use the layout tsn"
                    )


def clip_part(pattern: str) -> tuple[str, str]:
    """A pattern up to and with `{clip}`, and the rest without the slash."""
    before, _, behind = pattern.partition("{clip}")
    return before + "{clip}", behind.removeprefix("/")


_FLOW_X_Y = ("{clip}/flow_x_{index:05d}.jpg", "{clip}/flow_y_{index:05d}.jpg")
# mmaction2's own flow configs ask for x_00001.jpg, though its extraction scripts write flow_x_00001.jpg
# (issue 2207).
_X_Y = ("{clip}/x_{index:05d}.jpg", "{clip}/y_{index:05d}.jpg")
_IMG = "{clip}/img_{index:05d}.jpg"
# RawframeDataset fills the first field of a flow template with "x" and "y". Its list has a line "CLIP COUNT
# LABEL", where the count is `pairs` for flow and `frames` for RGB.
_RAWFRAMES = {
    "Flow": {"modality": "Flow", "filename_tmpl": "flow_{}_{:05d}.jpg", "start_index": 1},
    "RGB": {"modality": "RGB", "filename_tmpl": "img_{:05d}.jpg", "start_index": 1},
}

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        # https://github.com/open-mmlab/mmaction2
        Layout("mmaction2", "jpeg", False, 1, _FLOW_X_Y, (), _IMG, (_X_Y,), _RAWFRAMES),
        # temporal-segment-networks, tsn-pytorch, dense_flow
        Layout("tsn", "jpeg", True, 1, _FLOW_X_Y, (), _IMG, (_X_Y,), _RAWFRAMES),
        # The archives published with twostreamfusion. Its flow lies in folders u and v, and RawframeDataset
        # knows x and y alone, so mmaction2 can read the frames only.
        Layout(
            "feichtenhofer",
            "jpeg",
            True,
            1,
            ("tvl1_flow/u/{clip}/frame{index:06d}.jpg", "tvl1_flow/v/{clip}/frame{index:06d}.jpg"),
            (),
            "jpegs_256/{clip}/frame{index:06d}.jpg",
            mmaction2={"RGB": {"modality": "RGB", "filename_tmpl": "frame{:06d}.jpg", "start_index": 1}},
        ),
        # What the estimator files:DIR reads.
        Layout(
            "flo",
            "flo",
            False,
            0,
            ("{clip}/forward/{index:05d}.flo",),
            ("{clip}/backward/{index:05d}.flo",),
            "{clip}/frames/{index:05d}.jpg",
        ),
        Layout(
            "npy",
            "npy",
            False,
            0,
            ("{clip}/forward.npy",),
            ("{clip}/backward.npy",),
            "{clip}/frames/{index:05d}.jpg",
        ),
    )
}
"""The layouts by name."""


def layout_called(name: str) -> Layout:
    """The layout with this name. Raises InputError where there is none."""
    if name not in LAYOUTS:
        raise InputError(f"there is no layout called {name!r}; use one of {', '.join(LAYOUTS)}")
    return LAYOUTS[name]
