"""KITTI 2015 flow as 16-bit RGB PNG (Menze and Geiger, "Object Scene Flow for Autonomous Vehicles", 2015).

u = (R - 32768) / 64, v = (G - 32768) / 64, B is 1 where the flow is known; unknown pixels hold 0 throughout.
https://www.cvlibs.net/datasets/kitti/eval_scene_flow.php?benchmark=flow (readme of the development kit)
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError
from flowfeat.formats.field import FlowField, checked, field_of
from flowfeat.formats.png16 import encode_rgb16, read_rgb16


def read_kitti(path: str | Path) -> FlowField:
    """Read a KITTI flow PNG.

    Returns:
        Flow in pixels, (u, v), u to the right, v downwards, in steps of 1/64 from -512 to 511.984. A pixel
        whose blue is 0 is unknown: it holds 0 and is False in `valid`. Without such pixels `valid` is None.

    Raises:
        FormatError: not a PNG, not 16-bit RGB, damaged, or its size and its length do not go together.
        OSError: the file is missing or cannot be read.
    """
    red, green, blue = read_rgb16(Path(path)).transpose(2, 0, 1)
    known = blue != 0
    # 0 means -512 here, so unknown pixels are marked before they are mistaken for motion.
    flow = np.where(known, (np.stack((red, green)).astype(np.float32) - 32768) / 64, np.float32(np.nan))
    return field_of(flow)


def write_kitti(
    path: str | Path, flow: Float[np.ndarray, "2 h w"], valid: Bool[np.ndarray, "h w"] | None = None
) -> None:
    """Write a KITTI flow PNG, whole or not at all, rounding to the nearest 1/64 pixel; nothing is clipped.

    Args:
        path: the file; missing folders are made.
        flow: pixels, (u, v), u to the right, v downwards, from -512 to 511.984; float16, float32 or float64.
        valid: False where the flow is unknown, whatever `flow` holds there; None where all of it is known.

    Raises:
        FormatError: shape or type is wrong, a pixel is not finite and not marked unknown, or is out of range.
        OSError: the file cannot be written.
    """
    path = Path(path)
    values, known = checked(path, flow, valid)
    codes = np.rint(values * 64) + 32768
    beyond = int(np.count_nonzero(((codes < 0) | (codes > 65535)).any(axis=0)))
    if beyond:
        raise FormatError(
            f"{path}: not written: {beyond} of {known.size} pixels are outside the range of KITTI flow, "
            "-512 to 511.98 pixels; write .flo instead"
        )
    pixels = np.zeros((*known.shape, 3), dtype=np.uint16)
    pixels[known, :2] = codes[:, known].T
    pixels[known, 2] = 1
    write_atomically(path, encode_rgb16(pixels))
