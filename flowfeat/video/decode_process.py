"""The decoding process: `python -m flowfeat.video.decode_process`, spoken to by `ClipDecoder`.

Native decoders abort, hang and chatter on damaged files (decord aborts on about 1 in 1,900 mutated clips). In a
process of its own that costs one clip, not the run, and its messages stay out of the user's terminal.

A request is a line of JSON on standard input. An answer is a 4-byte length and as much JSON; frames follow theirs raw.
While a file is hashed and frames are decoded, an answer `{"working": true}` is given about once a second, so that a
large file is not taken for a decoder that hangs.
"""

import contextlib
import json
import os
import resource
import struct
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from flowfeat.errors import InputError
from flowfeat.video.readers import FrameSize, frame_files, frames_of, probe, source_sha256

# No clip needs more; a forged header that asks for more fails by itself instead of taking the machine along.
_MEMORY_LIMIT = 12 << 30
_CHUNK_BYTES = 8 << 20
_SIGN_SECONDS = 1.0


class _SignsOfLife:
    """Called after each piece of work, it tells the other side that there was one, and no more often than it must."""

    def __init__(self, answers: BinaryIO):
        self._answers = answers
        self._last = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last >= _SIGN_SECONDS:
            _answer(self._answers, {"working": True})
            self._last = time.monotonic()


def main() -> None:
    # C libraries print to descriptor 1: keep the real one for answers and send their chatter to standard error.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    with contextlib.suppress(ValueError, OSError):  # macOS has the constant and not the limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for line in sys.stdin:
        request = json.loads(line)
        path = Path(request["path"])
        try:
            _answer_clip(answers, path, FrameSize.parse(request["resize"]) if request["resize"] else None)
        except InputError as fault:
            _answer(answers, {"error": str(fault)})
        except MemoryError:
            _answer(answers, {"error": f"{path}: decoding it needs more than {_MEMORY_LIMIT >> 30} GiB of memory"})
        except OSError as fault:
            _answer(answers, {"error": f"{fault.filename or path}: {fault.strerror or fault}"})


def _answer_clip(answers: BinaryIO, path: Path, resize: FrameSize | None) -> None:
    before = _state(path)
    sign = _SignsOfLife(answers)
    facts = probe(path)
    size, sha256 = source_sha256(path, sign)
    _answer(answers, {"facts": asdict(facts), "source_bytes": size, "source_sha256": sha256})
    frames = frames_of(path, facts)
    chunk: list[np.ndarray] = []
    decoded = 0
    while True:
        try:
            frame = next(frames)
        except StopIteration as end:
            _answer_frames(answers, chunk)
            if _state(path) != before:
                raise InputError(f"{path}: the clip changed while it was read; run again when it is complete") from None
            _answer(answers, {"ending": asdict(end.value)})
            return
        sign()
        height, width, _ = frame.shape
        # Before it is resized, which would hide it; and of every frame, because flow is stored in one size.
        if (height, width) != (facts.height, facts.width):
            raise InputError(
                f"{path}: frame {decoded} is {width}x{height} and the clip {facts.width}x{facts.height}; "
                "the frames of a clip must be of one size"
            )
        decoded += 1
        chunk.append(frame if resize is None else _resized(frame, resize))
        if len(chunk) * chunk[0].nbytes >= _CHUNK_BYTES:
            _answer_frames(answers, chunk)
            chunk = chunk[:0]


def _resized(frame: np.ndarray, resize: FrameSize) -> np.ndarray:
    from PIL import Image

    height, width = resize.of(*frame.shape[:2])
    # Pillow widens its bilinear filter when it shrinks, so a resized frame has no aliasing.
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BILINEAR))


def _state(path: Path) -> list[tuple[str, int, int]]:
    # Of each frame, because a folder does not change with the contents of its files.
    states = [(file.name, file.stat()) for file in (frame_files(path) if path.is_dir() else [path])]
    return [(name, status.st_size, status.st_mtime_ns) for name, status in states]


def _answer(answers: BinaryIO, message: dict[str, object]) -> None:
    text = json.dumps(message).encode()
    _write(answers, struct.pack("<I", len(text)) + text)


def _answer_frames(answers: BinaryIO, chunk: list[np.ndarray]) -> None:
    if chunk:
        height, width, _ = chunk[0].shape
        _answer(answers, {"frames": [len(chunk), height, width]})
        for frame in chunk:
            _write(answers, np.ascontiguousarray(frame).data.cast("B"))


def _write(answers: BinaryIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[answers.write(view) :]


if __name__ == "__main__":
    main()
