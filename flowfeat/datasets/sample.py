"""One pair of frames with its true flow, and a data set as a sequence of them, read when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from flowfeat.errors import InputError
from flowfeat.formats import FlowField, read_flow
from flowfeat.formats.field import described
from flowfeat.video.readers import read_picture


@dataclass(frozen=True, eq=False)
class FlowSample:
    """Two frames and what is known of the flow from the first to the second.

    Attributes:
        name: unique in its data set, with `/` between folders: `alley_1/frame_0001`.
        frames: RGB, 0 to 255; pictures of one channel are repeated.
        flow: pixels, (u, v), u to the right, v downwards; 0 where the data set's file says unknown; None where the
            truth is withheld (test splits).
        valid: True where `flow` counts; everywhere for dense flow, and where there is no flow.
        occluded: True where a pixel of the first frame is not seen in the second; None where nobody says.
    """

    name: str
    frames: UInt8[np.ndarray, "2 h w 3"]
    flow: Float32[np.ndarray, "2 h w"] | None
    valid: Bool[np.ndarray, "h w"]
    occluded: Bool[np.ndarray, "h w"] | None

    def __repr__(self) -> str:
        parts = {name: getattr(self, name) for name in ("frames", "flow", "valid", "occluded")}
        told = [f"{name}={None if array is None else described(array)}" for name, array in parts.items()]
        return f"FlowSample({self.name!r}, {', '.join(told)})"


@dataclass(frozen=True)
class PairFiles:
    """The files of one pair.

    Attributes:
        name: `FlowSample.name`.
        first, second: the frames.
        flow: true flow, in any format of `flowfeat.formats`.
        occlusions: a picture that is not black where the first frame's pixels are occluded.
        invalid: a picture that is not black where the flow does not count.
        flow_in_view: the flow again, without the occluded pixels (KITTI's `flow_noc`).
    """

    name: str
    first: Path
    second: Path
    flow: Path | None = None
    occlusions: Path | None = None
    invalid: Path | None = None
    flow_in_view: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files there are, frames first."""
        found = (self.first, self.second, self.flow, self.occlusions, self.invalid, self.flow_in_view)
        return tuple(path for path in found if path is not None)


if TYPE_CHECKING:
    _Samples = Sequence[FlowSample]
else:
    # A run-time type checker takes an item out of a `Sequence[FlowSample]` to look at it, and that would read files.
    _Samples = Sequence


class FlowDataset(_Samples):
    """Pairs of a data set in their order; only the files' names are held, an item is read when it is asked for.

    Reading raises InputError where a file cannot be decoded or the files of a pair differ in size. A slice is a data
    set of those pairs, with nothing read.
    """

    def __init__(self, name: str, pairs: Sequence[PairFiles]):
        self.name = name
        self._pairs = tuple(pairs)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each pair."""
        return tuple(pair.name for pair in self._pairs)

    def files(self, index: int) -> tuple[Path, ...]:
        """The files that pair is read from, frames first."""
        return self._pairs[index].paths

    def __len__(self) -> int:
        return len(self._pairs)

    @overload
    def __getitem__(self, index: int) -> FlowSample: ...

    @overload
    def __getitem__(self, index: slice) -> "FlowDataset": ...

    def __getitem__(self, index: int | slice) -> "FlowSample | FlowDataset":
        if isinstance(index, slice):
            return FlowDataset(self.name, self._pairs[index])
        return _read(self._pairs[index])

    def __repr__(self) -> str:
        return f"FlowDataset({self.name!r}, {len(self)} pairs)"


def _read(pair: PairFiles) -> FlowSample:
    first = read_picture(pair.first)
    size = first.shape[:2]
    second = read_picture(pair.second)
    _refuse_other_size(pair.second, second.shape[:2], pair.first, size)
    valid = np.ones(size, dtype=np.bool_)
    flow = occluded = None
    if pair.flow is not None:
        field = _read_field(pair.flow, pair.first, size)
        flow, valid = field.flow, _known(field)
    if pair.invalid is not None:
        valid = valid & ~_read_mask(pair.invalid, pair.first, size)
    if pair.occlusions is not None:
        occluded = _read_mask(pair.occlusions, pair.first, size)
    elif pair.flow_in_view is not None:
        occluded = valid & ~_known(_read_field(pair.flow_in_view, pair.first, size))
    return FlowSample(pair.name, np.stack((first, second)), flow, valid, occluded)


def _read_field(path: Path, frame: Path, size: tuple[int, int]) -> FlowField:
    field = read_flow(path)
    _refuse_other_size(path, field.flow.shape[1:], frame, size)
    return field


def _read_mask(path: Path, frame: Path, size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    picture = read_picture(path)
    _refuse_other_size(path, picture.shape[:2], frame, size)
    return np.any(picture, axis=2)


def _known(field: FlowField) -> Bool[np.ndarray, "h w"]:
    return np.ones(field.flow.shape[1:], dtype=np.bool_) if field.valid is None else field.valid


def _refuse_other_size(path: Path, size: tuple[int, ...], frame: Path, expected: tuple[int, ...]) -> None:
    if size != expected:
        raise InputError(
            f"{path}: it is {size[1]}x{size[0]} and the frame {frame} is {expected[1]}x{expected[0]}; "
            "the files of a pair must be of one size"
        )
