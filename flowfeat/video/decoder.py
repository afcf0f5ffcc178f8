"""Clips decoded in a process of their own, so that a file that crashes or hangs the decoder costs only itself."""

import contextlib
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from flowfeat.errors import ClipError
from flowfeat.video.readers import ClipFacts, Ending, FrameSize

_PIPE_BYTES = 1 << 20


@dataclass(frozen=True)
class DecodedClip:
    """A whole clip: `frames` uint8 RGB, and what the container and the decoder said of it."""

    frames: UInt8[np.ndarray, "t h w 3"]
    facts: ClipFacts
    ending: Ending

    def __repr__(self) -> str:
        return f"DecodedClip(frames={self.frames.shape}, facts={self.facts}, ending={self.ending})"


class ClipStream:
    """A clip on its way through a decoder: iterate for chunks of frames, then read `ending`."""

    def __init__(self, decoder: "ClipDecoder", path: Path, opening: dict[str, Any]):
        self._decoder = decoder
        self._path = path
        self._ending: Ending | None = None
        self.facts = ClipFacts(**opening["facts"])
        self.source_bytes: int = opening["source_bytes"]
        self.source_sha256: str = opening["source_sha256"]

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "n h w 3"]]:
        """Chunks of frames in order. Raises ClipError where the clip cannot be read to its end."""
        while "frames" in (message := self._decoder.receive(self._path)):
            count, height, width = message["frames"]
            yield self._decoder.receive_frames(self._path, (count, height, width, 3))
        self._ending = Ending(**message["ending"])
        self._decoder.finish()

    @property
    def ending(self) -> Ending:
        if self._ending is None:
            raise RuntimeError("a clip's ending is known after its last frame")
        return self._ending


class ClipDecoder:
    """One decoding process, kept for many clips. Use as a context manager.

    A clip whose decoder dies, or gives no sign of life for `stall_seconds`, raises ClipError; the next clip gets a new
    process. A sign of life is a MiB of the file that was read for its checksum, or a frame that was decoded.
    """

    def __init__(self, stall_seconds: float = 60.0):
        self._stall_seconds = stall_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = False

    def __enter__(self) -> "ClipDecoder":
        return self

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        self._busy = False

    def open(self, path: Path, resize: FrameSize | None = None) -> ClipStream:
        """Begin to decode the video or folder of frames at `path`; its checksum is computed on the way.

        A stream that was not read to its end is abandoned. Raises ClipError where the clip cannot be opened.
        """
        if self._busy:
            self.close()
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start()
        self._busy = True
        request = json.dumps({"path": str(Path(path).absolute()), "resize": str(resize) if resize else None})
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a dead process is reported by receive
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
        return ClipStream(self, Path(path), self.receive(Path(path)))

    def finish(self) -> None:
        """Called by the stream when its clip has ended."""
        self._busy = False

    def receive(self, path: Path) -> dict[str, Any]:
        """The process's next message about `path` that is more than a sign of life."""
        message: dict[str, Any] = {"working": True}
        while "working" in message:
            (length,) = struct.unpack("<I", self._receive_bytes(path, 4))
            message = json.loads(bytes(self._receive_bytes(path, length)))
        if "error" in message:
            self._busy = False
            raise ClipError(message["error"])
        return message

    def receive_frames(self, path: Path, shape: tuple[int, int, int, int]) -> np.ndarray:
        """The frames that follow a message of frames."""
        return np.frombuffer(self._receive_bytes(path, int(np.prod(shape))), np.uint8).reshape(shape)

    def _receive_bytes(self, path: Path, count: int) -> bytearray:
        assert self._process is not None
        assert self._process.stdout is not None
        data = bytearray(count)
        view, descriptor = memoryview(data), self._process.stdout.fileno()
        patience = time.monotonic() + self._stall_seconds
        while view:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, patience - time.monotonic()))
            if not ready:
                self.close()
                raise ClipError(
                    f"{path}: the decoder gave no sign of life for {self._stall_seconds:.0f} s; the clip is damaged, "
                    "or this machine or its disk is far too busy: try again with fewer workers"
                )
            got = os.readv(descriptor, [view])
            if not got:
                cause = _death(self._process.wait())
                self.close()
                raise ClipError(f"{path}: the decoder {cause} on it; the clip is damaged")
            view = view[got:]
            patience = time.monotonic() + self._stall_seconds
        return data


def read_clip(path: str | Path, resize: str | None = None) -> DecodedClip:
    """All frames of the video or folder of frames at `path`, uint8 (t, h, w, 3) RGB, in order, decoded once.

    `resize` is `HEIGHTxWIDTH` or `shorter:PIXELS`. Raises ClipError where the clip is damaged, cut off, or no clip.
    """
    with ClipDecoder() as decoder:
        stream = decoder.open(Path(path), FrameSize.parse(resize) if resize else None)
        chunks = list(stream)
    if not chunks:
        raise ClipError(f"{path}: not a single frame can be decoded")
    return DecodedClip(np.concatenate(chunks), stream.facts, stream.ending)


def _start() -> "subprocess.Popen[bytes]":
    # The process must find this very package, installed or not, whatever the working folder is.
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "flowfeat.video.decode_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        bufsize=0,
        start_new_session=True,  # Ctrl-C is for the run, which then ends this process itself
    )
    assert process.stdout is not None
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # Several frames at a time, where both sides would otherwise wait for each other four times a frame.
        with contextlib.suppress(OSError):  # a user has so many pages of pipes and no more
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return process


def _death(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
