"""The frames of a shot again, in order or some of them, never all held at once."""

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from flowfeat.video import ClipDecoder
from flowfeat.video.readers import frame_files, read_picture

Frame = UInt8[np.ndarray, "h w 3"]


def frames_in_order(path: Path) -> Iterator[Frame]:
    """The frames of a video or a folder of pictures, RGB.

    Raises:
        ClipError: a frame cannot be decoded.
        OSError: the path cannot be read.
    """
    if path.is_dir():
        yield from map(read_picture, frame_files(path))
        return
    with ClipDecoder() as decoder:
        for chunk in decoder.open(path):
            yield from chunk


def frames_at(path: Path, wanted: Collection[int]) -> Iterator[tuple[int, Frame]]:
    """Those of the wanted frames that are there, each with its number from 0; a video is read up to the last of them.

    Raises as `frames_in_order` does.
    """
    if path.is_dir():
        files = frame_files(path)
        yield from ((number, read_picture(files[number])) for number in sorted(wanted) if number < len(files))
        return
    last = max(wanted, default=-1)
    for number, frame in enumerate(frames_in_order(path)):
        if number in wanted:
            yield number, frame
        if number >= last:
            return
