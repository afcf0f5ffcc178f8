"""From flow and frames to the bytes a stored clip holds."""

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from torch import Tensor

from flowfeat.store.planes import encode_frame, encode_plane
from flowfeat.store.quantise import quantise
from flowfeat.store.settings import JPEG_QUALITY, StoreSettings


def stored_values(flow: Float32[Tensor, "b 2 h w"], settings: StoreSettings) -> Shaped[np.ndarray, "b 2 h w"]:
    """The flow as it is stored, before JPEG: uint8 levels, or float16."""
    return (flow.half() if settings.bound is None else quantise(flow, settings.bound)).cpu().numpy()


def encode_field(values: Shaped[np.ndarray, "2 h w"], settings: StoreSettings) -> list[bytes]:
    """The two planes of one field as the bytes a file holds."""
    if settings.encoding == "jpeg":
        return [encode_plane(plane, JPEG_QUALITY) for plane in values]
    return [np.ascontiguousarray(plane).tobytes() for plane in values]


def encode_rgb(frame: UInt8[np.ndarray, "h w 3"]) -> list[bytes]:
    """One frame as the bytes a file holds."""
    return [encode_frame(frame, JPEG_QUALITY)]
