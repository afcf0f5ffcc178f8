"""The Middlebury colour code for optical flow: hue is direction, saturation is displacement.

Baker, Scharstein, Lewis, Roth, Black, Szeliski, "A Database and Evaluation Methodology for Optical Flow",
IJCV 2011, and its reference code `colorcode.cpp`. Flow is (u, v) in pixels, u to the right, v down.
"""

import math

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from flowfeat.errors import InputError

# Steps from red to yellow, yellow to green, ... magenta to red, set by how well people tell the hues apart.
_RY, _YG, _GC, _CB, _BM, _MR = 15, 6, 4, 11, 13, 6


def flow_to_colour(
    flow: Float32[np.ndarray, "2 h w"],
    max_displacement: float,
    valid: Bool[np.ndarray, "h w"] | None = None,
) -> UInt8[np.ndarray, "h w 3"]:
    """Colour every pixel by its flow.

    Args:
        flow: (u, v) in pixels. Where `valid` is false any value may stand, NaN too.
        max_displacement: the displacement in pixels that gets the full colour. No motion is white; a larger
            displacement keeps its hue and is darkened to 3/4, as in the reference code.
        valid: true where the flow is known; everywhere if not given.

    Returns:
        RGB in 0..255; unknown pixels are black.

    Raises:
        InputError: `max_displacement` is not a positive number, or a known pixel's flow is not finite.
    """
    if not (math.isfinite(max_displacement) and max_displacement > 0):
        raise InputError(f"max_displacement must be a positive number of pixels, not {max_displacement}")
    known = _known(flow, valid)
    u, v = np.where(known, flow, 0).astype(np.float64)  # h w each
    radius = np.hypot(u, v)[..., None] / max_displacement  # h w 1
    # Red points along +u. Adding 0.0 turns v = -0.0 into 0.0: otherwise atan2 takes the wheel's other end.
    position = (np.arctan2(-(v + 0.0), -u) / np.pi + 1) / 2 * (len(_WHEEL) - 1)
    first = position.astype(np.intp)
    fraction = (position - first)[..., None]
    hue = (1 - fraction) * _WHEEL[first] + fraction * _WHEEL[(first + 1) % len(_WHEEL)]  # h w 3
    # The reference truncates to bytes too.
    colour = np.where(radius <= 1, 255 - radius * (255 - hue), 0.75 * hue).astype(np.uint8)
    colour[~known] = 0
    return colour


def displacement_scale(flow: Float32[np.ndarray, "2 h w"], valid: Bool[np.ndarray, "h w"] | None = None) -> float:
    """The displacement in pixels to show in full colour: the 99th percentile over known pixels, at least 1.

    The percentile keeps a few wild vectors from whitening the picture; the floor keeps the noise of a still
    field from looking like motion.

    Raises:
        InputError: no pixel is known, or a known pixel's flow is not finite.
    """
    known = _known(flow, valid)
    if not known.any():
        raise InputError("cannot scale the colours of a flow field without a single known pixel")
    u, v = flow[:, known].astype(np.float64)
    return max(1.0, float(np.percentile(np.hypot(u, v), 99)))


def fill_unknown(flow: Float32[np.ndarray, "2 h w"], valid: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "2 h w"]:
    """Give every unknown pixel the flow (pixels) of the nearest known one. For showing sparse truth only.

    Raises:
        InputError: no pixel is known.
    """
    from scipy.ndimage import distance_transform_edt

    if not valid.any():
        raise InputError("cannot fill a flow field without a single known pixel")
    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)  # h w each
    return flow[:, rows, columns]


def colour_wheel(size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The legend: a disc on white whose point (dx, dy) off the centre has the colour of that flow.

    The rim is the full colour. `size` is the side in pixels.

    Raises:
        InputError: `size` is below 1.
    """
    if size < 1:
        raise InputError(f"a colour wheel must be at least 1 pixel wide, not {size}")
    fine = 4  # samples per pixel and axis, for a smooth rim
    axis = ((np.arange(size * fine) + 0.5) / (size * fine) * 2 - 1).astype(np.float32)
    flow = np.stack(np.meshgrid(axis, axis))  # 2 H W
    colour = flow_to_colour(flow, 1.0)
    colour[np.hypot(*flow) > 1] = 255
    means = colour.reshape(size, fine, size, fine, 3).mean(axis=(1, 3))
    return np.rint(means).astype(np.uint8)


def _known(flow: Float32[np.ndarray, "2 h w"], valid: Bool[np.ndarray, "h w"] | None) -> Bool[np.ndarray, "h w"]:
    finite = np.isfinite(flow).all(axis=0)
    if valid is None:
        valid = np.ones_like(finite)
    bad = int((valid & ~finite).sum())
    if bad:
        raise InputError(f"{bad} known pixels have a flow that is not finite; mark them unknown in `valid`")
    return valid


def _wheel() -> np.ndarray:
    wheel = []
    # Integer division, as in the reference code.
    wheel += [(255, 255 * i // _RY, 0) for i in range(_RY)]
    wheel += [(255 - 255 * i // _YG, 255, 0) for i in range(_YG)]
    wheel += [(0, 255, 255 * i // _GC) for i in range(_GC)]
    wheel += [(0, 255 - 255 * i // _CB, 255) for i in range(_CB)]
    wheel += [(255 * i // _BM, 0, 255) for i in range(_BM)]
    wheel += [(255, 0, 255 - 255 * i // _MR) for i in range(_MR)]
    return np.array(wheel, dtype=np.float64)  # 55 3


_WHEEL = _wheel()
