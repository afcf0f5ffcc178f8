"""Movies of pictures, for people to watch."""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from flowfeat.atomic import partial_beside
from flowfeat.errors import InputError

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_H264 = "libx264"
_BT709, _LIMITED_RANGE = 1, 1  # the numbers of H.273 and FFmpeg


def write_movie(path: Path, frames: Iterable[UInt8[np.ndarray, "h w 3"]], fps: float) -> int:
    """Write RGB frames as an .mp4: H.264, or MPEG-4 part 2 where PyAV lacks libx264.

    Frames are encoded as they come and never held together. An odd height or width is padded to even by
    repeating the last row or column, as yuv420p asks. The movie appears under `path` whole or not at all.

    Args:
        path: ends in .mp4; missing parent folders are made.
        frames: all of one size.
        fps: frames per second, 0.1 to 1000.

    Returns:
        The number of frames written.

    Raises:
        InputError: another ending, no frame, a frame that is not uint8 (h, w, 3) or differs
            in size from the first, or `fps` out of range.
    """
    if path.suffix.lower() != ".mp4":
        raise InputError(f"{path}: a movie's name must end in .mp4")
    if not (math.isfinite(fps) and 0.1 <= fps <= 1000):
        raise InputError(f"{path}: fps must be between 0.1 and 1000, not {fps}")
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise InputError(f"{path}: a movie needs at least one frame")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Streamed, so not `write_atomically`, but to the same effect and under the same kind of name.
    partial = partial_beside(path)
    try:
        # MPEG-4 part 2 keeps a rate's numerator in 16 bits; 1001 serves 30000/1001.
        rate = Fraction(fps).limit_denominator(min(1001, int(65535 / fps)))
        count = _encode(partial, _checked(chain([first], remaining), path), rate)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _checked(frames: Iterable[np.ndarray], path: Path) -> Iterator[np.ndarray]:
    """Yield the frames; the first one sets the shape."""
    shape = None
    for number, frame in enumerate(frames):
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
            raise InputError(f"{path}: frame {number} must be uint8 of (h, w, 3), not {frame.dtype} of {frame.shape}")
        if frame.shape != (shape or frame.shape):
            raise InputError(f"{path}: frame {number} is {frame.shape}, the first one is {shape}")
        shape = frame.shape
        yield frame


def _encode(target: Path, frames: Iterable[np.ndarray], rate: Fraction) -> int:
    import av
    from av.video.reformatter import ColorRange, Colorspace

    count = 0
    stream = None
    # The index before the pictures: a browser then plays the file while it loads.
    with av.open(str(target), "w", format="mp4", options={"movflags": "faststart"}) as container:
        for image in frames:
            height, width = image.shape[:2]
            even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            if stream is None:
                stream = _add_stream(container, even.shape[0], even.shape[1], rate)
            frame = av.VideoFrame.from_ndarray(even, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            frame.pts = count
            frame.time_base = 1 / rate
            container.mux(stream.encode(frame))
            count += 1
        if stream is not None:
            container.mux(stream.encode(None))
    return count


def _add_stream(container: "OutputContainer", height: int, width: int, rate: Fraction) -> "VideoStream":
    from av.codec.codec import UnknownCodecError

    try:
        stream = container.add_stream(_H264, rate, options={"crf": "18"})
    except UnknownCodecError:
        stream = container.add_stream("mpeg4", rate)
        # Quantisers 2 to 4 look like crf 18; the rate only has to be too high to bind.
        stream.codec_context.qmin, stream.codec_context.qmax = 2, 4
        stream.codec_context.bit_rate = 50_000_000
    stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
    # Untagged, players guess the matrix by size and shift the colours.
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED_RANGE
    return stream
