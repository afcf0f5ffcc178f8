"""Flow as one numpy `.npy` array (NEP 1, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""

import io
import re
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool, Float

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError
from flowfeat.formats.field import FlowField, check_size, checked, field_of, remaining

_MAGIC = b"\x93NUMPY"
# numpy evaluates the header as Python, which fails in a dozen ways on damaged files. A float array needs one
# pattern, and its 128 bytes never reach this bound.
_LONGEST_HEADER = 1024
_HEADER = re.compile(
    rb"\{\s*'descr'\s*:\s*'([<>=]f[248])'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    rb"\s*'shape'\s*:\s*\(\s*(\d{1,10})L?\s*,\s*(\d{1,10})L?\s*,\s*(\d{1,10})L?\s*,?\s*\)\s*,?\s*\}\s*"
)


def read_npy(path: str | Path) -> FlowField:
    """Read flow from a `.npy` file that holds one float array, (2, h, w), or (h, w, 2) where h is not 2.

    Returns:
        Flow in pixels, (u, v), u to the right, v downwards, as float32. A pixel whose u or v is NaN or beyond
        1e9 is unknown: it holds 0 and is False in `valid`. Without such pixels `valid` is None.

    Raises:
        FormatError: not a `.npy` file, not floats, not shaped as flow, or the length does not match.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        header = read_npy_header(path, file)
        match = _HEADER.fullmatch(header)
        if match is None or 2 not in (int(match[3]), int(match[5])):
            raise FormatError(
                f"{path}: not flow: expected a float16, float32 or float64 array of shape (2, height, "
                f"width), got {header.strip()[:80]}"
            )
        shape = int(match[3]), int(match[4]), int(match[5])
        # Two rows of (u, v) and two planes of two columns look the same; the planes are what is written here.
        first = shape[0] == 2
        height, width = shape[1:] if first else shape[:2]
        check_size(path, width=width, height=height)
        fortran = match[2] == b"True"
        stored = remaining(path, file, np.dtype(match[1].decode()), shape[::-1] if fortran else shape)
    array = stored.transpose() if fortran else stored
    return field_of(array if first else array.transpose(2, 0, 1))


def write_npy(path: str | Path, flow: Float[np.ndarray, "2 h w"], valid: Bool[np.ndarray, "h w"] | None = None) -> None:
    """Write flow as a (2, h, w) float32 `.npy` file, whole or not at all; unknown pixels become NaN.

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
    values[:, ~known] = np.nan
    buffer = io.BytesIO()
    np.save(buffer, values.astype("<f4"), allow_pickle=False)
    write_atomically(path, buffer.getvalue())


def read_npy_header(path: Path, file: BinaryIO) -> bytes:
    """The header's text; leaves `file` at the first sample."""
    start = file.read(8)
    if start[:6] != _MAGIC:
        raise FormatError(f"{path}: not a numpy .npy file: expected {_MAGIC} first, got {start[:6]}")
    if start[6:] not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise FormatError(f"{path}: .npy version: expected 1.0, 2.0 or 3.0, got bytes {start[6:]}")
    length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    if length > _LONGEST_HEADER:
        raise FormatError(f"{path}: .npy header: expected at most {_LONGEST_HEADER} bytes, got {length}")
    header = file.read(length)
    if len(header) < length:
        raise FormatError(f"{path}: cut short: expected a header of {length} bytes, got {len(header)}")
    return header
