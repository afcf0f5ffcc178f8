"""Colour PFM as FlyingThings3D stores flow (Mayer et al., CVPR 2016): channels u, v and one that is ignored.

`PF`, width and height, and a scale whose sign gives the byte order (negative: little-endian), then float32
triples, row by row from the bottom. http://www.pauldebevec.com/Research/HDR/PFM/
"""

import math
import re
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError
from flowfeat.formats.field import FlowField, check_size, checked, field_of, remaining

# One newline ends the header: a second would be the first byte of a sample.
_HEADER = re.compile(rb"PF\s{1,2}(\d{1,10}) (\d{1,10})\s{1,2}(\S{1,40}) ?\r?\n")
_LONGEST_HEADER = 80


def read_pfm(path: str | Path) -> FlowField:
    """Read flow from a three-channel PFM file.

    The magnitude of the scale is ignored, as by the data set's own reader and in Middlebury's PFM files.

    Returns:
        Flow in pixels, (u, v), u to the right, v downwards, rows from the top. A pixel whose u or v is NaN or
        beyond 1e9 is unknown: it holds 0 and is False in `valid`. Without such pixels `valid` is None.

    Raises:
        FormatError: the header is wrong, the file has one channel, or the length does not match the size.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
        if head[:2] == b"Pf":
            raise FormatError(f"{path}: not flow: expected a PFM file of three channels ('PF'), got one channel ('Pf')")
        if head[:2] != b"PF":
            raise FormatError(f"{path}: not a PFM file: expected b'PF' first, got {head[:2]}")
        header = _HEADER.match(head)
        if header is None:
            raise FormatError(
                f"{path}: the PFM header is wrong: expected the lines 'PF', width and height, and scale, "
                f"got {head[:40]}"
            )
        width, height = int(header[1]), int(header[2])
        check_size(path, width=width, height=height)
        little = _scale(path, header[3]) < 0
        file.seek(header.end())
        samples = remaining(path, file, np.dtype("<f4" if little else ">f4"), (height, width, 3))
    return field_of(samples[::-1, :, :2].transpose(2, 0, 1))


def write_pfm(path: str | Path, flow: Float[np.ndarray, "2 h w"], valid: Bool[np.ndarray, "h w"] | None = None) -> None:
    """Write flow as a little-endian three-channel PFM file, whole or not at all; unknown pixels become NaN.

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
    height, width = known.shape
    samples = np.zeros((height, width, 3), dtype="<f4")
    samples[..., :2] = values.transpose(1, 2, 0)
    samples[~known, :2] = np.nan
    write_atomically(path, f"PF\n{width} {height}\n-1.0\n".encode() + samples[::-1].tobytes())


def _scale(path: Path, text: bytes) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not math.isfinite(scale) or scale == 0:
        raise FormatError(f"{path}: the PFM scale is wrong: expected a finite number other than 0, got {text}")
    return scale
