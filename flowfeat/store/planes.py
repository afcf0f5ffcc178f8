"""Grey planes and RGB frames as JPEG, behind two pairs of functions."""

import numpy as np
import simplejpeg
from jaxtyping import UInt8

from flowfeat.errors import StoreError


def encode_plane(levels: UInt8[np.ndarray, "h w"], quality: int) -> bytes:
    """One component of a field as a grey JPEG."""
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(levels)[..., None], quality=quality, colorspace="GRAY", colorsubsampling="Gray"
    )


def decode_plane(data: bytes | memoryview, height: int, width: int) -> UInt8[np.ndarray, "h w"]:
    """The levels of a grey JPEG. Raises StoreError where it is damaged or not of `height` x `width`."""
    return _decode(data, height, width, "GRAY")[..., 0]


def encode_frame(frame: UInt8[np.ndarray, "h w 3"], quality: int) -> bytes:
    """One RGB frame as a JPEG."""
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(frame), quality=quality, colorspace="RGB", colorsubsampling="420"
    )


def decode_frame(data: bytes | memoryview, height: int, width: int) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels of a stored frame. Raises StoreError where it is damaged or not of `height` x `width`."""
    return _decode(data, height, width, "RGB")


def _decode(data: bytes | memoryview, height: int, width: int, colorspace: str) -> np.ndarray:
    try:
        # The size is read first, so that a forged one allocates nothing.
        if (found := simplejpeg.decode_jpeg_header(data)[:2]) != (height, width):
            raise StoreError(f"a JPEG in it is {found[1]}x{found[0]} and not {width}x{height}")
        return simplejpeg.decode_jpeg(data, colorspace=colorspace)
    except ValueError as fault:
        if isinstance(fault, StoreError):
            raise
        raise StoreError(f"a JPEG in it is damaged ({str(fault)[:80]})") from fault
