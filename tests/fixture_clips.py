"""Clips made for tests: a texture that moves by a known displacement, in several containers and codecs."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from scipy.ndimage import gaussian_filter


def moving_texture(count: int, height: int, width: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Frames of a smooth random texture that moves by (-2, -1) pixels a frame."""
    noise = np.random.default_rng(seed).random((height + count, width + 2 * count, 3))
    texture = gaussian_filter(noise, (2, 2, 0))
    texture = (255 * (texture - texture.min()) / np.ptp(texture)).astype(np.uint8)
    for t in range(count):
        yield np.ascontiguousarray(texture[t : t + height, 2 * t : 2 * t + width])


def write_clip(
    path: Path,
    frames: int = 12,
    height: int = 48,
    width: int = 64,
    codec: str = "mpeg4",
    audio_first: bool = False,
    seed: int = 0,
    **options: str,
) -> Path:
    """Write a video of `moving_texture`; `options` go to the codec, `audio_first` adds a stream before the frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        sound = container.add_stream("mp3", rate=44100) if audio_first else None
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.options = width, height, "yuv420p", options
        if codec == "mpeg4":
            stream.codec_context.codec_tag = "XVID"
        for packet in _sound(sound):
            container.mux(packet)
        for frame in moving_texture(frames, height, width, seed):
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def _sound(stream) -> Iterator:
    if stream is None:
        return
    wave = np.sin(np.arange(1152) * 0.05, dtype=np.float32)[None].repeat(2, 0)
    for _ in range(20):
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
        frame.sample_rate = 44100
        yield from stream.encode(frame)
    yield from stream.encode()


def frames_by_pyav(path: Path) -> np.ndarray:
    """The oracle: every frame that FFmpeg decodes, through PyAV."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
