"""Frames of one clip in a single ordered pass: decord, PyAV, or a folder of pictures. Never a seek.

decord returns wrong frames without a word when it seeks in XviD AVIs with B-frames; read in order from frame 0 it
is exact. It also invents frames: where its index promises more than can be decoded it repeats the last one. With a
fault tolerance just above zero it raises at the first invented frame instead, which is where the clip ends.
"""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from flowfeat.errors import ClipError
from flowfeat.video.orientation import UPRIGHT, orientation_of

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".webp", ".tif", ".tiff")
# Below this share of what the container declares, the rest of the clip was lost and not merely miscounted: real
# UCF101 clips decode one frame fewer than declared, recordings with dropped frames a few per cent.
_TOLERATED_SHORTFALL = 0.05
_DECORD_BYTES = 512 << 20
"""Of all frames of a clip that decord reads: 2,300 of 320x240, and UCF101's longest has 1,776."""

Frames = Iterator[UInt8[np.ndarray, "h w 3"]]


@dataclass(frozen=True)
class FrameSize:
    """What `--resize` asks for: `height` x `width`, or the shorter side with the aspect kept."""

    height: int | None = None
    width: int | None = None
    shorter: int | None = None

    @classmethod
    def parse(cls, text: str) -> "FrameSize":
        """Read `240x320` (height x width) or `shorter:256`. Raises ValueError on anything else."""
        if match := re.fullmatch(r"(\d{1,5})x(\d{1,5})", text):
            size = cls(height=int(match[1]), width=int(match[2]))
        elif match := re.fullmatch(r"shorter:(\d{1,5})", text):
            size = cls(shorter=int(match[1]))
        else:
            raise ValueError(f"--resize {text!r} is not HEIGHTxWIDTH (as 240x320) or shorter:PIXELS (as shorter:256)")
        if 0 in (size.height, size.width, size.shorter):
            raise ValueError(f"--resize {text!r} asks for a side of 0 pixels")
        return size

    def __str__(self) -> str:
        return f"shorter:{self.shorter}" if self.shorter else f"{self.height}x{self.width}"

    def of(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) that frames of `height` x `width` are resized to."""
        if self.height and self.width:
            return self.height, self.width
        assert self.shorter is not None
        scale = self.shorter / min(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))


@dataclass(frozen=True)
class ClipFacts:
    """What is known of a clip before its frames are decoded.

    `declared_frames` is the container's own count and None where it gives none; it is a claim, not a fact. `height`
    and `width` are of the frames as they are read, upright; `turned` says that they are stored turned or mirrored.
    """

    declared_frames: int | None
    fps: float | None
    height: int
    width: int
    turned: bool = False


@dataclass(frozen=True)
class Ending:
    """What is known of a clip after its last frame.

    `invented` counts the frames that decord would have made up by repeating the last one; they are dropped. `gaps`
    counts the numbers missing from the file names of a folder of frames.
    """

    decoded: int
    invented: int
    gaps: int
    reader: str


def natural_order(path: Path) -> list[tuple[int, int, str]]:
    """Sort key under which img_2 comes before img_10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", path.name)]


def frame_files(folder: Path) -> list[Path]:
    """The pictures directly in `folder`, in natural order of their names."""
    names = [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_ENDINGS and path.is_file()]
    return sorted((path for path in names if not path.name.startswith(".")), key=natural_order)


def probe(path: Path) -> ClipFacts:
    """Size, rate and declared number of frames of the video or the folder of frames at `path`.

    Its first frame is decoded, because it alone tells how the frames are to be shown. Raises ClipError where it is no
    video, holds no picture, or is to be shown slanted.
    """
    if path.is_dir():
        files = frame_files(path)
        if not files:
            raise ClipError(f"{path}: the folder holds no picture ({', '.join(PICTURE_ENDINGS)})")
        height, width, _ = read_picture(files[0]).shape
        return ClipFacts(len(files), None, height, width)
    import av
    import av.error

    size = path.stat().st_size
    if size == 0:
        raise ClipError(f"{path}: the file is empty (0 bytes); copy or download it again")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ClipError(f"{path}: there is no video stream in it (audio only?)")
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.guessed_rate
            height, width = stream.codec_context.height, stream.codec_context.width
            declared = stream.frames or None
            if not 0 < height <= 16384 or not 0 < width <= 16384:
                raise ClipError(
                    f"{path}: its header says {width}x{height} pixels, which no clip has; the file is damaged"
                )
            first = _first_frame(container, stream)
    except (av.error.FFmpegError, ValueError, OSError) as fault:
        if isinstance(fault, ClipError):
            raise
        raise ClipError(f"{path}: this is not a video that can be decoded ({_reason(fault)})") from fault
    orientation = UPRIGHT
    if first is not None:
        orientation = orientation_of(first, path)
        height, width = (first.width, first.height) if orientation.transposed else (first.height, first.width)
    return ClipFacts(declared, float(rate) if rate else None, height, width, orientation != UPRIGHT)


def _first_frame(container: "InputContainer", stream: "VideoStream") -> "VideoFrame | None":
    """None where it cannot be decoded: what is wrong is told when the clip is read, which may succeed."""
    import av.error

    stream.thread_type = "NONE"
    try:
        return next(container.decode(stream), None)
    except (av.error.FFmpegError, ValueError, MemoryError):
        return None


def frames_of(path: Path, facts: ClipFacts, reader: str | None = None) -> Generator[np.ndarray, None, Ending]:
    """Yield the frames of a clip, uint8 (h, w, 3) RGB, upright, first to last; return how it ended.

    `reader` is "decord" or "pyav", whose frames differ by 2 levels of 255 at most; by default that of `reader_for`.
    Both turn frames by quarters; decord cannot mirror them, and scales frames of another size to that of the first.
    Raises ClipError where a frame cannot be decoded, or where the end of the clip is missing.
    """
    if path.is_dir():
        return (yield from _pictures(path))
    ending = yield from (_decord(path) if (reader or reader_for(facts)) == "decord" else _pyav(path))
    _refuse_truncated(path, facts, ending.decoded)
    return ending


def reader_for(facts: ClipFacts) -> str:
    """decord where it has a wheel, for clips that are short, upright and at least 64 pixels wide; PyAV for all others.

    decord takes rows that are padded to 64 bytes for rows of more channels. It decodes ahead without a bound while
    nobody takes its frames: 1.1 GB of an hour of 320x240 in the first second, all of the machine in the end. A clip
    that declares no number of frames may be so long. And it turns a mirrored clip instead of mirroring it.
    """
    decoded = (facts.declared_frames or float("inf")) * facts.height * facts.width * 3
    fit = facts.width >= 64 and not facts.turned and decoded <= _DECORD_BYTES
    return "decord" if fit and find_spec("decord") else "pyav"


def source_sha256(path: Path, after_block: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a video file, or of the names and contents of a folder's frames in order.

    `after_block` is called after each MiB or file that was read.
    """
    digest, size = hashlib.sha256(), 0
    for file in frame_files(path) if path.is_dir() else [path]:
        if path.is_dir():
            digest.update(file.name.encode("utf-8", "surrogateescape") + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                size += len(block)
                after_block()
    return size, digest.hexdigest()


def source_size(path: Path) -> int:
    """Bytes of a video file, or of all frames in a folder."""
    return sum(file.stat().st_size for file in frame_files(path)) if path.is_dir() else path.stat().st_size


def _decord(path: Path) -> Generator[np.ndarray, None, Ending]:
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    decoded = 0
    try:
        clip = decord.VideoReader(str(path), num_threads=1, fault_tol=1e-6)  # type: ignore[arg-type]  # decord takes a share too
        promised = len(clip)
        for _ in range(promised):
            try:
                frame = clip.next().asnumpy()
            except (decord.DECORDLimitReachedError, StopIteration):
                break
            yield frame
            decoded += 1
    except (decord.DECORDError, RuntimeError, IndexError) as fault:
        raise ClipError(f"{path}: frame {decoded} cannot be decoded ({_reason(fault)})") from fault
    return Ending(decoded, promised - decoded, 0, f"decord {decord.__version__}")


def _pyav(path: Path) -> Generator[np.ndarray, None, Ending]:
    import av
    import av.error

    decoded = 0
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            # One thread: the order and the number of frames of a damaged clip must not depend on timing.
            stream.thread_type = "NONE"
            for frame in container.decode(stream):
                yield orientation_of(frame, path).upright(frame.to_ndarray(format="rgb24"))
                decoded += 1
    except ClipError:
        raise
    except (av.error.FFmpegError, ValueError, MemoryError) as fault:
        raise ClipError(f"{path}: frame {decoded} cannot be decoded ({_reason(fault)})") from fault
    return Ending(decoded, 0, 0, f"PyAV {version('av')}")


def _pictures(folder: Path) -> Generator[np.ndarray, None, Ending]:
    first: tuple[Path, tuple[int, ...]] | None = None
    files = frame_files(folder)
    for file in files:
        frame = read_picture(file)
        first = first or (file, frame.shape)
        if frame.shape != first[1]:
            raise ClipError(
                f"{file}: the frame is {frame.shape[1]}x{frame.shape[0]} but {first[0].name} is "
                f"{first[1][1]}x{first[1][0]}; the frames of a clip must be of one size"
            )
        yield frame
    import PIL

    return Ending(len(files), 0, _gaps(files), f"Pillow {PIL.__version__}")


def _gaps(files: list[Path]) -> int:
    numbers = [int(found[-1]) for file in files if (found := re.findall(r"\d+", file.stem))]
    strides = Counter(b - a for a, b in pairwise(numbers))
    if len(numbers) != len(files) or not strides or min(strides) <= 0:
        return 0  # not numbered one after the other: nothing can be told
    stride = strides.most_common(1)[0][0]
    return sum((step // stride - 1) * count for step, count in strides.items() if step > stride)


def read_picture(file: Path) -> UInt8[np.ndarray, "h w 3"]:
    """One picture, RGB. Raises ClipError where it cannot be decoded, OSError where it is not there."""
    from PIL import Image

    data = io.BytesIO(file.read_bytes())
    try:
        with Image.open(data) as picture:
            if picture.mode.startswith(("I", "F")):  # Pillow would cut their values at 255
                raise ClipError(f"{file}: a picture of {picture.mode} pixels; save it with 8 bits a channel")
            return np.array(picture.convert("RGB"))
    except ClipError:
        raise
    except Exception as fault:  # Pillow's decoders raise what they like on a damaged file
        raise ClipError(f"{file}: the picture cannot be decoded ({_reason(fault)})") from fault


def _refuse_truncated(path: Path, facts: ClipFacts, decoded: int) -> None:
    declared = facts.declared_frames
    if declared is None or decoded >= declared:
        return
    with path.open("rb") as stream:
        head = stream.read(12)
    # An AVI states its own length: where the file is shorter, the end is missing for certain.
    cut_off = head[:4] == b"RIFF" and int.from_bytes(head[4:8], "little") + 8 > path.stat().st_size
    if cut_off or declared - decoded > max(2, _TOLERATED_SHORTFALL * declared):
        raise ClipError(
            f"{path}: the clip is truncated: its container declares {declared} frames and {decoded} can be decoded; "
            "copy or download it again"
        )


def _reason(fault: BaseException) -> str:
    lines = [line for line in str(fault).splitlines() if line.strip()]
    # decord's first line is "[time] /source/file.cc:83: reason": only the reason is of use to a reader.
    text = re.sub(r"^(\[[\d:]+\] )?/\S+:\d+: ", "", lines[0]) if lines else type(fault).__name__
    return re.sub(r"\[Errno \d+\] ", "", text).split(": '")[0][:160]
