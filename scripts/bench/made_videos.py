"""Videos and frames that are made, for measurements in which what is seen does not matter."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8
from PIL import Image

RATE = 25
_PERIOD = 250
_COARSER = 16


def moving_frames(count: int, height: int, width: int, seed: int = 0) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Frames of a smooth random texture that moves by (2, 1) pixels a frame, RGB; what leaves comes back."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // _COARSER, width // _COARSER, 3), dtype=np.uint8)
    texture = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    for t in range(count):
        yield np.roll(texture, (t, 2 * t), (0, 1))


def write_video(path: Path, frames: int, height: int, width: int, seed: int = 0) -> None:
    """`moving_frames` as MPEG-4 in AVI; more than ten seconds are the first ten again and again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        packets = []
        for frame in moving_frames(min(frames, _PERIOD), height, width, seed):
            packets += stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24"))
        packets += stream.encode()
        contents = [(bytes(packet), packet.is_keyframe) for packet in packets]
        for number in range(frames):
            data, key = contents[number % _PERIOD]  # the first is a key frame
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, stream.codec_context.time_base
            packet.pts = packet.dts = number
            packet.duration, packet.is_keyframe = 1, key
            container.mux(packet)
