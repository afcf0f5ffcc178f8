"""Label maps as PNG, one per frame: 0 is the background, every other number a segment.

As DAVIS lays them out (Perazzi et al., CVPR 2016; Caelles et al., 2019): `SHOT/00000.png`, with a palette, so that
a viewer shows each segment in a colour of its own while the file holds numbers.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int32, Integer, UInt8
from PIL import Image

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError, InputError
from flowfeat.formats.field import MOST_PIXELS

LabelMap = Int32[np.ndarray, "h w"]

ENDING = ".png"

_SIGNATURE, _IHDR = b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x0dIHDR"
_GREY, _PALETTE = 0, 3
_KINDS = {2: "colours", 4: "grey with transparency", 6: "colours with transparency"}
_HIGHEST = 65535
_DISTINCT = 22
"""Colours of DAVIS's palette before it turns to grey: the background's and those of 21 segments."""


def davis_palette() -> UInt8[np.ndarray, "256 3"]:
    """The colours of labels, red first: DAVIS's for the labels 0 to 21, PASCAL VOC's beyond, white for 255.

    Both palettes spread the bits of a label over the channels, the lowest first. DAVIS's is grey from 22 on, where
    neighbours cannot be told apart.
    """
    labels, palette = np.arange(256), np.zeros((256, 3), np.uint8)
    for triple in range(3):
        for channel in range(3):
            palette[:, channel] |= ((labels >> (3 * triple + channel) & 1) << (7 - triple)).astype(np.uint8)
    distinct = palette[:_DISTINCT]
    distinct[distinct == 192] = 191  # as DAVIS has it
    palette[255] = 255
    return palette


def read_label_map(path: str | Path) -> LabelMap:
    """Read the labels of a PNG: the numbers of a palette or a grey picture of up to 16 bits, never its colours.

    Returns:
        (h, w), int32, from 0 to 65535. A picture of one bit holds 0 and 1.

    Raises:
        FormatError: not a PNG, damaged, or a picture of colours.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    data = path.read_bytes()
    depth, colour = _header(path, data)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            picture.verify()  # the checksums, which decoding alone does not compare
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            labels = np.array(picture).astype(np.int32)
    except Exception as fault:  # Pillow's decoders raise what they like on a damaged file
        raise FormatError(f"{path}: the PNG is damaged and cannot be decoded ({fault}); write it again") from fault
    if colour == _GREY and depth in (2, 4):
        # Pillow stretches them to the range of 8 bits, which would rename the labels.
        labels //= 255 // (2**depth - 1)
    return labels


def write_label_map(path: str | Path, labels: Integer[np.ndarray, "h w"] | Bool[np.ndarray, "h w"]) -> None:
    """Write labels as a PNG, whole or not at all: with `davis_palette`, or as 16-bit grey where one is above 255.

    Raises:
        FormatError: the map is empty, or a label is negative or above 65535.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if not 0 < labels.size <= MOST_PIXELS:
        raise FormatError(f"{path}: not written: {labels.shape[1]} x {labels.shape[0]} pixels is no size of a frame")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest > _HIGHEST:
        raise FormatError(
            f"{path}: not written: labels go from {lowest} to {highest}, and a label map holds 0 to {_HIGHEST}; "
            "number the segments from 1 and give the background 0"
        )
    if highest > 255:
        picture = Image.fromarray(labels.astype(np.uint16))
    else:
        picture = Image.fromarray(labels.astype(np.uint8))
        picture.putpalette(davis_palette().tobytes())
    data = io.BytesIO()
    picture.save(data, "PNG")
    write_atomically(path, data.getvalue())


def frame_name(index: int) -> str:
    """The stem of a frame's label map, `00012` for the frame 12, counted from 0."""
    return f"{index:05d}"


@dataclass(frozen=True)
class LabelMaps:
    """The label maps of a shot, read when they are asked for and all of one size.

    Attributes:
        folder: where they are.
        names: the stems of their files, in order.
    """

    folder: Path
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[LabelMap]:
        """Each map in turn. Raises FormatError at the first that cannot be read or differs in size from the first."""
        size: tuple[int, ...] | None = None
        for name in self.names:
            labels = read_label_map(self.path(name))
            size = size or labels.shape
            check_size(self.path(name), labels, size, "in the shot's first frame")
            yield labels

    def path(self, name: str) -> Path:
        return self.folder / f"{name}{ENDING}"


def open_label_maps(folder: str | Path, names: Sequence[str] | None = None) -> LabelMaps:
    """The label maps of a shot.

    Args:
        folder: one PNG a frame.
        names: the stems that are wanted, of which none may be missing; all there are, sorted, if not given.

    Raises:
        InputError: there is no such folder, nothing in it, or a map that is wanted is missing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; the label maps of a shot are expected in it")
    present = {path.stem for path in folder.iterdir() if path.suffix == ENDING and not path.name.startswith(".")}
    wanted = sorted(present) if names is None else list(names)
    if not wanted:
        raise InputError(
            f"{folder}: there is no label map here; {frame_name(0)}{ENDING} is expected for the first frame"
        )
    missing = [name for name in wanted if name not in present]
    if missing:
        raise InputError(
            f"{folder / missing[0]}{ENDING}: this label map is missing ({len(missing)} of {len(wanted)} are); every "
            "frame that is scored needs one"
        )
    return LabelMaps(folder, tuple(wanted))


def shots_of(results: str | Path) -> list[str]:
    """The names of the shots that a folder of results has label maps for. Raises InputError where it is not there."""
    folder = Path(results)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; results are in it as SHOT/{frame_name(0)}{ENDING}")
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def pairs_of_maps(truth: LabelMaps, results: LabelMaps) -> Iterator[tuple[LabelMap, LabelMap]]:
    """Frame by frame, the map of the ground truth and that of the result.

    Raises:
        FormatError: two maps differ in size, or one cannot be read.
    """
    for known, found, name in zip(truth, results, results.names, strict=True):
        check_size(results.path(name), found, known.shape)
        yield known, found


def check_size(path: Path, labels: np.ndarray, size: tuple[int, ...], like: str = "its ground truth") -> None:
    """Raise FormatError where the map read from `path` has not the size (height, width) that `like` has."""
    if labels.shape != size:
        raise FormatError(
            f"{path}: expected {size[1]} x {size[0]} pixels as {like}, got {labels.shape[1]} x {labels.shape[0]}; "
            "scale labels with nearest neighbours, never smoothly"
        )


def _header(path: Path, data: bytes) -> tuple[int, int]:
    """Bits a sample and colour type, once the size is one that a frame can have."""
    if data[:8] != _SIGNATURE or data[8:16] != _IHDR or len(data) < 33:
        raise FormatError(f"{path}: no PNG, or one cut short; label maps are PNG, because JPEG does not keep numbers")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    if not 0 < width * height <= MOST_PIXELS:
        raise FormatError(f"{path}: {width} x {height} pixels is no size of a frame; write it again")
    if colour not in (_GREY, _PALETTE):
        raise FormatError(
            f"{path}: a PNG of {_KINDS.get(colour, f'colour type {colour}')}, whose pixels are no labels; write the "
            "number of each pixel into a palette or grey PNG"
        )
    return depth, colour
