"""Clips made for tests: a texture that moves by a known displacement, in several containers and codecs."""

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
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


def write_clip_of_sizes(path: Path, parts: Sequence[tuple[int, int, int]]) -> Path:
    """Write a video of H.264 whose picture size changes; each part is (frames, height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        _, stream.height, stream.width = parts[0]
        stream.pix_fmt = "yuv420p"
        time = 0
        for frames, height, width in parts:
            encoder = av.CodecContext.create("libx264", "w")
            encoder.height, encoder.width, encoder.pix_fmt = height, width, "yuv420p"
            encoder.time_base, encoder.options = Fraction(1, 25), {"bf": "0"}
            textures = moving_texture(frames, height, width)
            for picture in [*(av.VideoFrame.from_ndarray(one, format="rgb24") for one in textures), None]:
                for encoded in encoder.encode(picture):
                    packet = av.Packet(bytes(encoded))
                    packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), encoded.is_keyframe
                    packet.pts = packet.dts = time
                    container.mux(packet)
                    time += 1
    return path


def show_by_matrix(path: Path, a: float, b: float, c: float, d: float) -> Path:
    """Have the pictures of an .mp4 shown by a matrix: point (x, y) at (a x + c y, b x + d y), as phones do."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    assert struct.unpack_from(">9i", data, at) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", data, at, *(round(65536 * x) for x in (a, b, 0, c, d, 0, 0, 0)), 1 << 30)
    path.write_bytes(data)
    return path


def frames_by_pyav(path: Path) -> np.ndarray:
    """The oracle: every frame that FFmpeg decodes, through PyAV."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
