"""Caffe's binary networks (.caffemodel): the blobs of every layer, read straight from the protobuf wire format.

    NetParameter    100: layer, many times
    LayerParameter  1: name, 7: blobs, many times
    BlobProto       5: float data, 8: double data, 7: shape {1: dims}, 1 to 4: num, channels, height, width (older)

Everything else in a file is skipped.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from flowfeat.errors import FormatError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_OLD_LAYERS = 2


def read_caffemodel(path: Path) -> dict[str, np.ndarray]:
    """The blobs of a .caffemodel, float32, by `LAYER/NUMBER`.

    Raises:
        FormatError: where the file is damaged, or of Caffe before 2015.
    """
    data = memoryview(path.read_bytes())
    blobs: dict[str, np.ndarray] = {}
    try:
        for field, value in _fields(data):
            if field == _OLD_LAYERS:
                raise FormatError(f"{path}: written by a Caffe from before 2015; save it again with a newer one")
            if field == 100 and isinstance(value, memoryview):
                _read_layer(value, blobs)
    except (IndexError, ValueError, UnicodeDecodeError) as fault:
        raise FormatError(f"{path}: damaged, or no .caffemodel ({fault})") from fault
    if not blobs:
        raise FormatError(f"{path}: no layer with weights is in it, so it is no .caffemodel")
    return blobs


def _read_layer(layer: memoryview, blobs: dict[str, np.ndarray]) -> None:
    name, found = "", []
    for field, value in _fields(layer):
        if field == 1 and isinstance(value, memoryview):
            name = str(value, "utf-8")
        elif field == 7 and isinstance(value, memoryview):
            found.append(_blob(value))
    for number, blob in enumerate(found):
        if f"{name}/{number}" in blobs:
            raise ValueError(f"the layer {name!a} is there twice")
        blobs[f"{name}/{number}"] = blob


def _blob(blob: memoryview) -> np.ndarray:
    parts: list[np.ndarray] = []
    shape: list[int] | None = None
    older = dict.fromkeys((1, 2, 3, 4), 1)
    for field, value in _fields(blob):
        if field in (5, 8) and isinstance(value, memoryview):
            parts.append(np.frombuffer(value, "<f4" if field == 5 else "<f8"))
        elif field == 7 and isinstance(value, memoryview):
            shape = list(_dims(value))
        elif field in older and isinstance(value, int):
            older[field] = value
    values = np.concatenate(parts).astype(np.float32) if parts else np.empty(0, np.float32)
    dims = shape if shape is not None else list(older.values())
    # Numbered by Python's own integers: a damaged dimension may be beyond any of numpy's.
    count = 1
    for dim in dims:
        count *= dim
    if count != values.size:
        raise ValueError(f"a blob of shape {dims} holds {values.size} numbers")
    return values.reshape(dims)


def _dims(shape: memoryview) -> Iterator[int]:
    for field, value in _fields(shape):
        if field == 1 and isinstance(value, int):
            yield value
        elif field == 1 and isinstance(value, memoryview):  # packed
            at = 0
            while at < len(value):
                dim, at = _varint(value, at)
                yield dim


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of every field of a message: an integer, or the bytes of anything else."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire = tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"a field of unknown kind {wire}")
        if at + length > len(message):
            raise ValueError("it ends within a field")
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("it ends within a number")
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
