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
    levels = np.empty((height, width), np.uint8)
    decode_plane_into(levels, data)
    return levels


def decode_plane_into(levels: UInt8[np.ndarray, "h w"], data: bytes | memoryview) -> None:
    """Write the levels of a grey JPEG into an array that is there. Raises as `decode_plane` does."""
    _decode_into(levels[..., None], data, "GRAY")


def encode_frame(frame: UInt8[np.ndarray, "h w 3"], quality: int) -> bytes:
    """One RGB frame as a JPEG."""
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(frame), quality=quality, colorspace="RGB", colorsubsampling="420"
    )


def decode_frame(data: bytes | memoryview, height: int, width: int) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels of a stored frame. Raises StoreError where it is damaged or not of `height` x `width`."""
    frame = np.empty((height, width, 3), np.uint8)
    decode_frame_into(frame, data)
    return frame


def decode_frame_into(frame: UInt8[np.ndarray, "h w 3"], data: bytes | memoryview) -> None:
    """Write the pixels of a stored frame into an array that is there. Raises as `decode_frame` does."""
    _decode_into(frame, data, "RGB")


def jpeg_size(data: bytes | memoryview) -> tuple[int, int]:
    """(height, width) of a JPEG by its header. Raises ValueError where it is none."""
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    return int(height), int(width)


def _decode_into(pixels: UInt8[np.ndarray, "h w c"], data: bytes | memoryview, colorspace: str) -> None:
    height, width, _ = pixels.shape
    try:
        # The decoder writes as much as the JPEG says that it holds.
        if (found := jpeg_size(data)) != (height, width):
            raise StoreError(f"a JPEG in it is {found[1]}x{found[0]} and not {width}x{height}")
        simplejpeg.decode_jpeg(data, colorspace=colorspace, buffer=pixels)
    except ValueError as fault:
        if isinstance(fault, StoreError):
            raise
        raise StoreError(f"a JPEG in it is damaged ({str(fault)[:80]})") from fault
