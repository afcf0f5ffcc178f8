"""One flow field, and the checks every format shares: what is unknown, what size a file may claim."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool, Float, Float32

from flowfeat.errors import FormatError

UNKNOWN_ABOVE = 1e9
"""Pixels; a component beyond it means "unknown" (UNKNOWN_FLOW_THRESH in Middlebury's flowIO.cpp)."""

MOST_PIXELS = 1 << 27
"""Four 8K frames. A sparse file can be as long as its forged header says, so length alone proves nothing."""


@dataclass(frozen=True, eq=False)
class FlowField:
    """Flow from one frame to another, in pixels.

    Attributes:
        flow: (u, v), u to the right, v downwards; unknown pixels hold 0.
        valid: True where the flow is known; None where all of it is.
    """

    flow: Float32[np.ndarray, "2 h w"]
    valid: Bool[np.ndarray, "h w"] | None = None

    def __post_init__(self) -> None:
        if self.flow.ndim != 3 or self.flow.shape[0] != 2 or self.flow.dtype != np.float32:
            raise ValueError(f"flow: expected a (2, height, width) float32 array, got {described(self.flow)}")
        if self.valid is not None and (self.valid.shape != self.flow.shape[1:] or self.valid.dtype != np.bool_):
            raise ValueError(f"valid: expected a {self.flow.shape[1:]} bool array, got {described(self.valid)}")

    def __repr__(self) -> str:
        valid = None if self.valid is None else described(self.valid)
        return f"FlowField(flow={described(self.flow)}, valid={valid})"


def described(array: object) -> str:
    """Type and shape, never the values."""
    if isinstance(array, np.ndarray):
        return f"{array.dtype.name} {array.shape}"
    return type(array).__name__


def field_of(samples: Float[np.ndarray, "2 h w"]) -> FlowField:
    """A field from samples of any float type; NaN and beyond `UNKNOWN_ABOVE` are unknown."""
    # Casts of float64 beyond float32 and of signalling NaN warn; both end up unknown.
    with np.errstate(over="ignore", invalid="ignore"):
        flow = np.array(samples, dtype=np.float32, order="C")
    known = _known(flow)
    if known.all():
        return FlowField(flow)
    flow[:, ~known] = 0
    return FlowField(flow, known)


def checked(
    path: Path, flow: np.ndarray, valid: np.ndarray | None
) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    """Flow that can be written: float32 with 0 where unknown, and the mask, made where none was given."""
    # No shapes in the signature: this is the check that says what is wrong with them.
    if not (
        isinstance(flow, np.ndarray)
        and flow.dtype.kind == "f"
        and flow.dtype.itemsize <= 8
        and flow.ndim == 3
        and flow.shape[0] == 2
    ):
        raise FormatError(
            f"{path}: not written: expected flow as a (2, height, width) array of float16, float32 or "
            f"float64, got {described(flow)}"
        )
    check_size(path, width=flow.shape[2], height=flow.shape[1])
    if valid is None:
        valid = np.ones(flow.shape[1:], dtype=np.bool_)
    if not isinstance(valid, np.ndarray) or valid.dtype != np.bool_ or valid.shape != flow.shape[1:]:
        raise FormatError(
            f"{path}: not written: expected valid as a {flow.shape[1:]} array of bool, got {described(valid)}"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.array(flow, dtype=np.float32, order="C")
    values[:, ~valid] = 0
    lost = int(np.count_nonzero(~_known(values)))
    if lost:
        raise FormatError(
            f"{path}: not written: {lost} of {valid.size} pixels hold NaN, infinity or more than 1e9 pixels "
            "but are not marked unknown; set valid to False there"
        )
    return values, valid


def check_size(path: Path, *, width: int, height: int) -> None:
    """Raise FormatError unless a frame of this size can exist; call it before allocating for it."""
    if width < 1 or height < 1:
        raise FormatError(f"{path}: a flow field of {width} x {height} pixels holds nothing")
    if width * height > MOST_PIXELS:
        raise FormatError(
            f"{path}: {width} x {height} pixels is more than any frame; at most {MOST_PIXELS} pixels are "
            "read and written"
        )


def remaining(path: Path, file: BinaryIO, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """The samples from where `file` stands to its end, or FormatError unless they fill `shape` exactly."""
    start = file.tell()
    expected = start + math.prod(shape) * dtype.itemsize
    actual = os.fstat(file.fileno()).st_size
    # The length is compared before anything is allocated: a forged size costs nothing.
    data = file.read(expected - start) if actual == expected else b""
    if len(data) != expected - start:
        raise FormatError(
            f"{path}: the header promises {' x '.join(map(str, shape))} samples, {expected} bytes in all, "
            f"but the file has {actual}; it was cut short, added to, or its header is wrong"
        )
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _known(flow: Float32[np.ndarray, "2 h w"]) -> Bool[np.ndarray, "h w"]:
    # NaN compares as False, so it is unknown too.
    return np.all(np.abs(flow) <= UNKNOWN_ABOVE, axis=0)
