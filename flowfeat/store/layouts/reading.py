"""The fields of one foreign clip, read one by one, whatever they are stored as."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from flowfeat.errors import FormatError, StoreError
from flowfeat.formats import FlowField, read_flo
from flowfeat.formats.field import check_size, field_of
from flowfeat.formats.npy import read_npy_header
from flowfeat.store.planes import decode_frame, decode_plane, jpeg_size

_NPY_HEADER = re.compile(
    rb"\{\s*'descr'\s*:\s*'([<>=]f[248])'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    rb"\s*'shape'\s*:\s*\(\s*(\d{1,10})\s*,\s*2\s*,\s*(\d{1,10})\s*,\s*(\d{1,10})\s*,?\s*\)\s*,?\s*\}\s*"
)
_BLOCK = 1 << 20

FlowOfLevel = Float32[np.ndarray, "256"]
Digest = Callable[[bytes], object]


@dataclass(frozen=True)
class ClipShape:
    """How many fields a clip has and their size in pixels."""

    pairs: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Field:
    """One field as it was read.

    Attributes:
        flow: pixels, x first.
        jpegs: the files of x and y, where they are JPEGs.
    """

    flow: Float32[np.ndarray, "2 h w"]
    jpegs: tuple[bytes, ...] = ()


def flow_of_foreign_level(bound: float) -> FlowOfLevel:
    """Flow in pixels of the levels that TSN, dense_flow and denseflow make, round(255 * (v + b) / (2 * b)).

    Its zero is level 127.5, so a still pixel is 127 where a tool floors and 128 where it rounds; both are
    zero here.
    """
    flow = (np.arange(256) - 127.5) * (bound / 127.5)
    flow[[127, 128]] = 0
    return flow.astype(np.float32)


def shape_of(storage: str, files: list[tuple[Path, ...]]) -> ClipShape:
    """The shape of a clip from its first file. Raises FormatError where that is damaged."""
    first = files[0][0]
    with _named(first):
        if storage == "npy":
            return _npy_layout(first)[0]
        if storage == "flo":
            height, width = _whole(first, read_flo(first)).shape[1:]
        else:
            height, width = checked_jpeg_size(first, first.read_bytes())
    return ClipShape(len(files), height, width)


def read_fields(
    storage: str,
    files: list[tuple[Path, ...]],
    shape: ClipShape,
    flow_of_level: FlowOfLevel | None,
    digest: Digest,
) -> Iterator[Field]:
    """The fields of a clip in order; `digest` is called with the bytes of every file, in order.

    Raises FormatError where a file is damaged, of another size than `shape`, or leaves pixels without flow.
    """
    if storage == "npy":
        yield from _npy_fields(files[0][0], shape, digest)
        return
    for group in files:
        data = [_bytes(path, digest) for path in group]
        if storage == "flo":
            with _named(group[0]):
                field = read_flo(group[0])
            yield Field(_sized(group[0], _whole(group[0], field), shape))
        else:
            assert flow_of_level is not None
            levels = [_plane(path, jpeg, shape) for path, jpeg in zip(group, data, strict=True)]
            yield Field(flow_of_level[np.stack(levels)], tuple(data))


def read_frame(path: Path, shape: ClipShape, digest: Digest) -> bytes:
    """The JPEG of an RGB frame, Raises FormatError where it is damaged or has not the flow's size."""
    data = _bytes(path, digest)
    _check_jpeg_size(path, data, shape, "the frame")
    try:
        decode_frame(data, shape.height, shape.width)
    except StoreError as fault:
        raise FormatError(f"{path}: {fault}; copy it again") from fault
    return data


def checked_jpeg_size(path: Path, data: bytes) -> tuple[int, int]:
    """Height and width of a JPEG. Raises FormatError where it is none."""
    try:
        height, width = jpeg_size(data)
    except ValueError as fault:
        raise FormatError(f"{path}: this is no whole JPEG ({str(fault)[:80]}); copy it again") from fault
    check_size(path, width=width, height=height)
    return height, width


def _plane(path: Path, data: bytes, shape: ClipShape) -> np.ndarray:
    _check_jpeg_size(path, data, shape, "the field")
    try:
        return decode_plane(data, shape.height, shape.width)
    except StoreError as fault:
        raise FormatError(f"{path}: {fault}; copy it again") from fault


def _check_jpeg_size(path: Path, data: bytes, shape: ClipShape, what: str) -> None:
    height, width = checked_jpeg_size(path, data)
    if (height, width) != (shape.height, shape.width):
        raise FormatError(
            f"{path}: {what} is {width}x{height} and the clip's first field is {shape.width}x{shape.height}; "
            "all of a clip have one size"
        )


def _sized(path: Path, flow: np.ndarray, shape: ClipShape) -> np.ndarray:
    if flow.shape[1:] != (shape.height, shape.width):
        raise FormatError(
            f"{path}: the field is {flow.shape[2]}x{flow.shape[1]} and the clip's first is "
            f"{shape.width}x{shape.height}; all of a clip have one size"
        )
    return flow


def _whole(path: Path, field: FlowField) -> Float32[np.ndarray, "2 h w"]:
    if field.valid is not None:
        raise FormatError(f"{path}: {int((~field.valid).sum())} pixels have no flow; a store needs every pixel's")
    return field.flow


def _npy_layout(path: Path) -> tuple[ClipShape, np.dtype, bool, int]:
    """Shape, type, whether in Fortran order, and first byte of a clip's array, from its checked header."""
    with path.open("rb") as file:
        header = read_npy_header(path, file)
        start = file.tell()
    match = _NPY_HEADER.fullmatch(header)
    if match is None:
        raise FormatError(
            f"{path}: not a clip's flow: expected a float array of shape (pairs, 2, height, width), got "
            f"{header.strip()[:160]}"
        )
    dtype, shape = np.dtype(match[1].decode()), ClipShape(int(match[3]), int(match[4]), int(match[5]))
    check_size(path, width=shape.width, height=shape.height)
    expected = start + shape.pairs * 2 * shape.height * shape.width * dtype.itemsize
    actual = path.stat().st_size
    if shape.pairs < 1 or actual != expected:
        raise FormatError(
            f"{path}: its header promises {shape.pairs} fields, {expected} bytes in all, but the file has "
            f"{actual}; copy it again"
        )
    return shape, dtype, match[2] == b"True", start


def _npy_fields(path: Path, shape: ClipShape, digest: Digest) -> Iterator[Field]:
    with _named(path):
        found, dtype, fortran, start = _npy_layout(path)
        if found != shape:
            raise FormatError(
                f"{path}: it holds {found.pairs} fields of {found.width}x{found.height}, and {shape.pairs} "
                f"of {shape.width}x{shape.height} are expected"
            )
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest(block)
        size = (shape.pairs, 2, shape.height, shape.width)
        # Mapped: the float flow of a long clip is gigabytes.
        array = np.memmap(path, dtype, "r", start, size, "F" if fortran else "C")
    for samples in array:
        yield Field(_whole(path, field_of(np.asarray(samples))))


def _bytes(path: Path, digest: Digest) -> bytes:
    with _named(path):
        data = path.read_bytes()
    digest(data)
    return data


@contextmanager
def _named(path: Path) -> Iterator[None]:
    # A file that cannot be read is its clip's fault; an OSError of the store stops the whole run.
    try:
        yield
    except OSError as fault:
        raise FormatError(f"{path}: it cannot be read ({fault.strerror or fault})") from fault
