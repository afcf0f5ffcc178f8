"""Track files (`Tracks<T>.dat`): labelled point trajectories as text, as the tools of the Freiburg group write them.

The number of frames, the number of tracks; then for each track its label, its number of points, and for each point
x, y and frame. Frames count from 0. Any white space separates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError
from segmentation.trajectories import Trajectories

_LONGEST = 1 << 20
"""Frames of a shot; some arrays have an entry for each, so a forged number must not pass."""


@dataclass(frozen=True, eq=False)
class LabelledTracks:
    """Trajectories and the cluster of each.

    Attributes:
        trajectories: they may reach beyond the window, where some files do.
        labels: of each trajectory, from 0; gaps are clusters without a point.
        window: the first number of a track file, the frames that it is meant for. MoSegEval knows 10, 50, 200 and the
            length of the shot.
    """

    trajectories: Trajectories
    labels: Int[np.ndarray, " n"]
    window: int

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.trajectories):
            raise ValueError(
                f"{len(self.labels)} labels and {len(self.trajectories)} trajectories do not belong together"
            )
        if len(self.labels) and self.labels.min() < 0:
            raise ValueError(f"label {self.labels.min()}: labels count from 0")
        if self.window < 1:
            raise ValueError(f"a window of {self.window} frames; it needs one")

    @property
    def clusters(self) -> int:
        """How many there are, empty ones included."""
        return int(self.labels.max()) + 1 if len(self.labels) else 0


def read_tracks(path: str | Path) -> LabelledTracks:
    """Read a track file.

    Returns:
        Positions in pixels as float64, so that no digit of the text is lost; x to the right first.

    Raises:
        FormatError: the file ends early or goes on, something is no number, a label is negative, a track has no point
            or leaves out a frame.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    numbers = _numbers(path)
    if len(numbers) < 2:
        raise FormatError(f"{path}: cut short: a track file begins with its numbers of frames and of tracks")
    window = _whole(path, numbers[0], "the number of frames", least=1, below=_LONGEST)
    count = _whole(path, numbers[1], "the number of tracks")
    # A track takes at least five numbers, so a forged count costs no memory.
    if count > (len(numbers) - 2) // 5:
        raise FormatError(f"{path}: cut short: {count} tracks are announced and there is no room for them")
    labels, length = np.empty(count, np.int64), np.empty(count, np.int64)
    at = 2
    for track in range(count):
        if at + 2 > len(numbers):
            raise FormatError(f"{path}: cut short: track {track} of {count} is missing")
        labels[track] = _whole(path, numbers[at], f"the label of track {track}")
        length[track] = _whole(path, numbers[at + 1], f"the number of points of track {track}", least=1)
        at += 2 + 3 * int(length[track])
    if at != len(numbers):
        wrong = (
            "cut short: points of the last track are missing" if at > len(numbers) else "it goes on after its tracks"
        )
        raise FormatError(f"{path}: {wrong}: {at} numbers should be there and {len(numbers)} are; write it again")
    points = _points(numbers, length)
    start = _starts(path, points[:, 2], length)
    frames = max(window, int((start + length).max(initial=0)))
    return LabelledTracks(Trajectories(start, length, points[:, :2].copy(), frames), labels, window)


def read_window(path: str | Path) -> int:
    """The first number of a track file, the frames it is meant for; nothing else is read.

    Raises:
        FormatError: it is no number from 1.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        first = file.read(100).split()[:1]
    if not first or not first[0].isdigit():
        raise FormatError(f"{path}: a track file begins with its number of frames")
    return _whole(path, float(first[0]), "the number of frames", least=1, below=_LONGEST)


def write_tracks(path: str | Path, tracks: LabelledTracks) -> None:
    """Write a track file, whole or not at all; every position with the digits that its type needs.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(Path(path), _blocks(tracks))


def _blocks(tracks: LabelledTracks) -> Iterator[bytes]:
    yield f"{tracks.window}\n{len(tracks.labels)}\n".encode()
    for label, (start, points) in zip(tracks.labels, tracks.trajectories, strict=True):
        lines = [f"{label} {len(points)}", *(f"{x} {y} {start + step}" for step, (x, y) in enumerate(points))]
        yield "".join(f"{line}\n" for line in lines).encode()


def _numbers(path: Path) -> np.ndarray:
    text = path.read_bytes()
    try:
        numbers = np.fromstring(text.decode("ascii"), sep=" ")
    except ValueError as fault:
        raise FormatError(f"{path}: there is something in it that is no number; is it a track file?") from fault
    if not np.isfinite(numbers).all():
        raise FormatError(f"{path}: one of its numbers is nan or infinite; write it again")
    return numbers


def _whole(path: Path, number: float, what: str, least: int = 0, below: int = 1 << 31) -> int:
    if number != int(number) or not least <= number < below:
        raise FormatError(f"{path}: {what} should be a whole number from {least} to {below - 1} and is {number:g}")
    return int(number)


def _points(numbers: np.ndarray, length: np.ndarray) -> np.ndarray:
    """x, y and frame of all points, (points, 3), without the two numbers before each track."""
    body = np.ones(len(numbers), np.bool_)
    head = 2 + np.cumsum(2 + 3 * length) - (2 + 3 * length)
    body[:2] = body[head] = body[head + 1] = False
    return numbers[body].reshape(-1, 3)


def _starts(path: Path, frame: np.ndarray, length: np.ndarray) -> np.ndarray:
    """The first frame of each track, after a look at all of them."""
    if len(frame) and (frame.min() < 0 or frame.max() >= _LONGEST or (frame != np.trunc(frame)).any()):
        raise FormatError(f"{path}: a point is in no frame; frames are whole numbers from 0 to {_LONGEST - 1}")
    first = np.cumsum(length) - length
    start = frame[first].astype(np.int64)
    expected = np.arange(len(frame)) - np.repeat(first - start, length)
    if (frame != expected).any():
        track = int(np.repeat(np.arange(len(length)), length)[np.argmax(frame != expected)])
        raise FormatError(f"{path}: track {track} leaves out a frame; give its parts as tracks of their own")
    return start
