"""Middlebury `.flo` (Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011).

The bytes PIEH (202021.25 as a little-endian float32), int32 width and height, then (u, v) for each pixel, row
by row from the top, as little-endian float32. https://vision.middlebury.edu/flow/code/flow-code/README.txt
"""

import struct
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError
from flowfeat.formats.field import FlowField, check_size, checked, field_of, remaining

_MAGIC = b"PIEH"
# UNKNOWN_FLOW in Middlebury's flowIO.h. Their true flow holds 1.67e9 instead; both exceed the threshold.
_UNKNOWN = 1e10


def read_flo(path: str | Path) -> FlowField:
    """Read a Middlebury `.flo` file.

    Returns:
        Flow in pixels, (u, v), u to the right, v downwards. A pixel with |u| or |v| above 1e9, or NaN, is
        unknown: it holds 0 and is False in `valid`. Without such pixels `valid` is None.

    Raises:
        FormatError: the magic is wrong, the size is impossible, or the length does not match the size.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != _MAGIC:
            raise FormatError(f"{path}: not a Middlebury .flo file: expected {_MAGIC} first, got {head[:4]}")
        if len(head) < 12:
            raise FormatError(f"{path}: cut short: expected a header of 12 bytes, got {len(head)}")
        width, height = struct.unpack("<ii", head[4:])
        check_size(path, width=width, height=height)
        samples = remaining(path, file, np.dtype("<f4"), (height, width, 2))
    return field_of(samples.transpose(2, 0, 1))


def write_flo(path: str | Path, flow: Float[np.ndarray, "2 h w"], valid: Bool[np.ndarray, "h w"] | None = None) -> None:
    """Write a Middlebury `.flo` file, whole or not at all; unknown pixels become 1e10.

    Args:
        path: the file; missing folders are made.
        flow: pixels, (u, v), u to the right, v downwards, at most 1e9; float16, float32 or float64.
        valid: False where the flow is unknown, whatever `flow` holds there; None where all of it is known.

    Raises:
        FormatError: shape or type is wrong, or a pixel is not finite and not marked unknown.
        OSError: the file cannot be written.
    """
    path = Path(path)
    values, known = checked(path, flow, valid)
    values[:, ~known] = _UNKNOWN
    height, width = known.shape
    samples = values.transpose(1, 2, 0).astype("<f4").tobytes()
    write_atomically(path, _MAGIC + struct.pack("<ii", width, height) + samples)
